"""The builder: names the concrete classes, joins them, starts and stops them in order. No logic.

web page ── WebServer ── Hub ── BrowserDriver ┐                   ┌ MediaHost
                                              ├ Runtime ─ CallTable
phone ──── Endpoint ── Stack ─── SipDriver ───┘                   └ Router, Directory, Settings
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

from prometheus_client import CollectorRegistry

from gateway import parts, parts_sip
from gateway.api.server import WebServer, browser_hub
from gateway.api.turn import IceServers
from gateway.calls import events as ev
from gateway.calls.router import Router
from gateway.calls.table import CallTable
from gateway.config import Config
from gateway.directory import Everywhere
from gateway.doctor.doctor import Doctor
from gateway.doctor.rules import Verdict
from gateway.drivers.browser import BrowserDriver
from gateway.drivers.sip import SipDriver
from gateway.ops import call_log
from gateway.ops.lifecycle import open_in_order, run
from gateway.ops.memory import QuietMemory
from gateway.ops.metrics import Metrics, bounded
from gateway.parts import CannotStart
from gateway.runtime import Runtime
from media.host import MediaHost
from signaling.net.endpoint import Endpoint
from signaling.sip.errors import SipError
from signaling.sip.events import Event, RegistrationChanged
from signaling.sip.stack import Stack

__all__ = ["CannotStart", "Gateway", "serve"]

log = logging.getLogger("tandem")

CALLS_PATIENCE = 5.0
"""Seconds that live calls get to end when the gateway stops."""
GOODBYE_PATIENCE = 1.0
"""Seconds that phones get to answer our BYE."""


class Gateway:
    """Everything of one process. `start`, then `stop`, once."""

    def __init__(self, config: Config, demo: dict[str, object] | None = None) -> None:
        self.config = config
        self.memory = QuietMemory()
        accounts, directory = parts.accounts(config), Everywhere()
        self.router = Router(parts.routes(config), [p.account for p in parts.people(config)])
        self.table = CallTable(parts.call_settings(config), self.router, directory, lambda: secrets.token_hex(4))
        self.runtime = Runtime(self.table, recordings=parts.recordings(config), publish=self._publish)
        self.media = MediaHost(parts.media_config(config), self.runtime.on_media)
        web = parts.web_config(config, demo)
        ice_servers = IceServers(config.turn.stun, parts.turn_config(config), time.time)
        self.hub = browser_hub(web, parts.browser_config(config), ice_servers)
        self.browsers = BrowserDriver(self.hub, self.runtime)
        self.phones = SipDriver(self.runtime, accounts, parts_sip.trunks(config), parts_sip.domain(config))
        self.stack = Stack(parts_sip.stack_config(config), parts_sip.hexadecimal, accounts.password, accounts.canonical)
        self.doctor = Doctor(parts.doctor_setup(config), leg_of=self.phones.leg_of, on_verdicts=self._on_verdicts)
        self.endpoint = Endpoint(self.stack, parts_sip.listen(config), self._on_sip)
        registry = CollectorRegistry()
        self.metrics = Metrics(registry, self.gauges, self.refusals, lambda: self.runtime.failed)
        self.web = WebServer(
            web, self.hub, accounts.authenticate, self.browsers.on_event, registry=registry, health=self.health
        )
        self.phones.connect(self.endpoint)
        self.browsers.flush = self.web.pump
        self.browsers.on_report = self.doctor.report
        self.runtime.connect(self.media, {"sip": self.phones, "browser": self.browsers})
        directory.kinds += [self.browsers, self.phones]
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Raises CannotStart, with nothing left open."""
        config = self.config
        await open_in_order(
            self._open,
            (self.media, "webrtc_port in [media]", config.media.webrtc_host, config.media.webrtc_port),
            (self.endpoint, "port in [sip]", config.sip.host, config.sip.port),
            (self.web, "port in [server]", config.server.host, config.server.port),
        )
        self.router.ours = parts.our_hosts(config, [a.port for a in self.endpoint.addresses])
        for registration in parts_sip.registrations(config, self.endpoint.addresses):
            self.endpoint.register(registration)
        self.metrics.watch_loop()
        self.memory.settle()

    async def stop(self) -> None:
        """End all calls with BYE, wait a moment for the answers, give everything back."""
        linger = GOODBYE_PATIENCE if len(self.table) or self.config.trunks else 0.0
        async with self._open:  # web, SIP and media are closed whatever the farewells come to
            try:
                await self.runtime.stop(CALLS_PATIENCE)
                self._unregister()
                await self.endpoint.drain(linger)
            finally:
                self.metrics.stop()

    def _unregister(self) -> None:
        for trunk in self.config.trunks:
            if trunk.register_:
                with suppress(SipError):  # it never got so far
                    self.endpoint.unregister(trunk.name)

    @property
    def sip_addresses(self) -> str:
        return ", ".join(str(address) for address in self.endpoint.addresses)

    def health(self) -> Mapping[str, object]:
        return {"status": "stopping" if self.table.stopping else "ok", "calls": len(self.table)}

    def gauges(self) -> Mapping[str, float]:
        return {
            "calls": len(self.table),
            "media_legs": self.media.legs(),
            "rtp_ports": len(self.media.pool),
            "sip_dialogs": self.stack.calls(),
            "sip_transactions": self.stack.transactions(),
            "tasks": len(asyncio.all_tasks()),
        }

    def refusals(self) -> Mapping[str, Mapping[str, int]]:
        return {
            "sip": bounded(self.stack.counts),
            "media": bounded(self.runtime.refused),
            "browser": bounded(self.hub.counters),
        }

    def _on_sip(self, event: Event) -> None:
        self.phones.on_event(event)
        if isinstance(event, RegistrationChanged):
            self.doctor.registration(event.id, event.state, event.status, event.reason)

    def _on_verdicts(self, call: str, verdicts: list[Verdict]) -> None:
        if self.config.log.calls:
            call_log.write_verdicts(call, verdicts)

    def _publish(self, event: ev.CallEvent) -> None:
        self.metrics.publish(event)
        if self.config.log.calls:
            call_log.write(event)
        self.doctor.publish(event)
        if isinstance(event, ev.CallEnded) and len(self.table) <= 1:
            self.memory.idle(event.at)


def serve(config: Config) -> None:
    """`tandem serve`: until SIGINT or SIGTERM."""
    logging.basicConfig(level=config.log.level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    gateway = Gateway(config)
    run(
        gateway,
        ready=lambda: log.info("ready: page %s, SIP on %s", ", ".join(gateway.web.urls), gateway.sip_addresses),
        stopping=lambda: log.info("stopping: %d live calls end", len(gateway.table)),
    )
