"""The web server: the page, sign-in, the page's WebSocket, health and metrics.

    GET  /            the softphone (and its files)        POST /v1/login   user + password -> token
    GET  /v1/ws       the conversation (browser-protocol)  GET  /v1/demo    what the demo shows before sign-in
    GET  /healthz     alive?                               GET  /metrics    Prometheus text

It owns the hub's one timer, and hands each event of the hub to `on_event` as it comes, in order. A handler that fails
is logged and counted; the conversation goes on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gateway.api.assets import Assets, secure
from gateway.api.browser_socket import BrowserSocket
from gateway.api.config import WebConfig
from gateway.api.doorman import Doorman
from gateway.api.login import Authenticate, Login, problem
from gateway.api.login_guard import LoginGuard
from gateway.api.metrics import BrowserCollector
from gateway.api.origin import Origin, networks, within
from gateway.api.tokens import Tokens
from gateway.api.turn import IceServers
from signaling.browser.config import BrowserConfig
from signaling.browser.events import BrowserEvent
from signaling.browser.hub import Hub
from signaling.browser.session import Session

log = logging.getLogger(__name__)

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def browser_hub(config: WebConfig, limits: BrowserConfig, ice_servers: IceServers) -> Hub:
    """A hub that trusts the tokens of this server's sign-in."""
    tokens = Tokens(config.secret, config.token_ttl, time.time)
    return Hub(
        limits,
        authenticate=tokens.verify,
        random=lambda n: secrets.token_hex((n + 1) // 2)[:n],
        ice_servers=ice_servers,
        issue=tokens.issue,
    )


class WebServer:
    """`health` adds to what /healthz says; `routes` are mounted beside the server's own."""

    def __init__(
        self,
        config: WebConfig,
        hub: Hub,
        authenticate: Authenticate,
        on_event: Callable[[Session, BrowserEvent], None],
        *,
        registry: CollectorRegistry | None = None,
        health: Callable[[], Mapping[str, object]] = dict,
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        self.config = config
        self.hub = hub
        self.faults = 0
        self._on_event = on_event
        self._health = health
        self._registry = registry or CollectorRegistry()
        self._origin = Origin(config.allowed_origins, config.trusted_proxies)
        self._metrics_from = networks(config.metrics_from)
        tokens = Tokens(config.secret, config.token_ttl, time.time)
        self._login = Login(authenticate, tokens, self._origin, LoginGuard(), time.monotonic)
        self._registry.register(
            BrowserCollector(hub, self._login.refused, lambda: self.faults, lambda: self.doorman.turned_away)
        )
        self._assets = Assets(config.page)
        self.doorman = Doorman(config.idle_timeout, config.max_connections)
        self._addresses: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._runner: web.AppRunner | None = None
        self._stopping = False
        self._routes = [
            web.get("/v1/ws", self._socket),
            web.post("/v1/login", self._login.handle),
            web.get("/v1/demo", self._demo),
            web.get("/healthz", self._healthz),
            web.get("/metrics", self._metrics),
            *routes,
            web.get("/{path:.*}", self._assets.handle),
        ]

    @property
    def urls(self) -> list[str]:
        """Where the page is, with the real ports."""
        scheme = "https" if self.config.tls else "http"
        addresses = self._runner.addresses if self._runner else []
        return [f"{scheme}://{f'[{a[0]}]' if ':' in a[0] else a[0]}:{a[1]}/" for a in addresses]

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        app = web.Application(client_max_size=64 * 1024, middlewares=[self.doorman.watch])
        app.add_routes(self._routes)
        app.on_response_prepare.append(secure)
        grace = self.config.stop_grace + 1
        self._runner = web.AppRunner(app, access_log=None, logger=self._http_log(), shutdown_timeout=grace)
        await self._runner.setup()
        try:
            await self.doorman.open(self._runner, self.config.host, self.config.port, self.config.tls)
        except OSError:
            await self._runner.cleanup()
            raise

    async def aclose(self, words: str = "The server is stopping. It will be back soon.") -> None:
        """Tell every page, let each take its last messages, end all sessions. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        self.hub.stop(words)
        self.pump()
        if self._timer:
            self._timer.cancel()
        self.doorman.close()
        if self._runner:
            await self._runner.cleanup()

    def pump(self) -> None:
        """Hand on the hub's events and re-arm its timer."""
        while item := self.hub.next_event():
            try:
                self._on_event(*item)
            except Exception:
                self.faults += 1
                log.exception("handling %s of %s failed", type(item[1]).__name__, item[0])
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._stopping and (at := self.hub.wake_at()) is not None:
            self._timer = asyncio.get_running_loop().call_at(at, self._wake)

    def _wake(self) -> None:
        # A loop whose clock moves in whole milliseconds may call a little early: never spin on that.
        now = asyncio.get_running_loop().time()
        self.hub.wake(max(now, self.hub.wake_at() or now))
        self.pump()

    def _http_log(self) -> logging.Logger:
        """A log of this server's own. At DEBUG, where aiohttp mentions some of the garbage that is to be counted."""
        http_log = logging.Logger(__name__ + ".http", logging.DEBUG)
        http_log.parent = log
        http_log.addFilter(self._count_garbage)
        return http_log

    def _count_garbage(self, record: logging.LogRecord) -> bool:
        """Requests that are no HTTP are counted, not logged: a scanner must not fill the disk with tracebacks."""
        garbage = record.exc_info is not None and isinstance(record.exc_info[1], HttpProcessingError)
        if garbage:
            self.hub.counters["bad-http"] += 1
        return not garbage and record.levelno >= logging.WARNING

    # -- handlers ----------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        address = self._origin.address(request)
        if not self._origin.allows(request):
            self.hub.counters["origin"] += 1
            words = "This page may not talk to this gateway: add its origin to allowed_origins."
            return problem(403, "origin", words)
        if self.hub.links >= self.config.max_sockets or self._addresses[address] >= self.config.max_sockets_per_address:
            self.hub.counters["too-many-sockets"] += 1
            return problem(503, "too-many-sockets", "Too many connections. Try again in a minute.")
        # Frames a little over the protocol's limit are answered in words; far over, aiohttp closes with 1009.
        limit = 4 * self.hub.config.max_message
        socket = web.WebSocketResponse(max_msg_size=limit, compress=False, timeout=self.config.stop_grace)
        await socket.prepare(request)
        self._addresses[address] += 1
        try:
            link = self.hub.connect(address, asyncio.get_running_loop().time())
            self.pump()
            await BrowserSocket(link, socket, request, self.pump, self.config.stop_grace).run()
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
        return socket

    async def _demo(self, request: web.Request) -> web.Response:
        if self.config.demo is not None and not self._called_by_name(request):
            self.hub.counters["demo-host"] += 1
            return problem(403, "host", "The demo is shown at the address that it printed, under no other name.")
        shown = {"demo": self.config.demo is not None} | dict(self.config.demo or {})
        return web.json_response(shown, headers={"Cache-Control": "no-store"})

    def _called_by_name(self, request: web.Request) -> bool:
        """A name that leads here without being ours is DNS rebinding: another site's page would read the answer."""
        port = request.transport.get_extra_info("sockname")[1] if request.transport else self.config.port
        names = {*LOOPBACK_NAMES, self.config.host}
        host = request.headers.get("Host", "").lower()
        return host in {f"{name}:{port}" for name in names} or (port in (80, 443) and host in names)

    async def _healthz(self, _: web.Request) -> web.Response:
        status = "stopping" if self._stopping else "ok"
        body = {"status": status, "browser_sessions": len(self.hub)} | dict(self._health())
        return web.json_response(body, status=503 if body["status"] == "stopping" else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        if not within(self._origin.address(request), self._metrics_from):
            return problem(403, "metrics", "Metrics are for the networks in metrics_from only.")
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
