"""Looks after trunks by the clock: where their names lead, and whether their servers answer OPTIONS.

The shell around `Trunks`, which is sans-IO. One task looks up names, one for each trunk with `probe` asks its servers
in turn.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from gateway.trunks.health import On
from gateway.trunks.trunk import Trunk
from gateway.trunks.trunks import Trunks
from signaling.sip.address import Address
from signaling.sip.errors import SipError
from signaling.sip.uri import Uri

log = logging.getLogger(__name__)

NAMES_EVERY = 60.0
"""Seconds after which names are looked up anew; the resolver's cache keeps that cheap."""
PATIENCE = 4.0
"""Seconds for an answer to OPTIONS, after which it counts as silence: four datagrams have gone by then."""
SPREAD = 0.2
"""Of the interval: a thousand gateways shall not ask in step."""

Resolve = Callable[[Uri], Awaitable[Sequence[Address]]]
Ask = Callable[[Trunk, Uri], Awaitable[str]]


class Watch:
    """`resolve` finds addresses; `ask` sends OPTIONS to a server and returns the id that `answered` will be told."""

    def __init__(self, trunks: Trunks, resolve: Resolve, ask: Ask) -> None:
        self._trunks, self._resolve, self._ask = trunks, resolve, ask
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[str, tuple[Trunk, Uri, asyncio.TimerHandle]] = {}

    def start(self) -> None:
        named = [trunk for trunk in self._trunks if _names(trunk)]
        if named:
            self._tasks.append(asyncio.create_task(self._look_up(named), name="trunk-names"))
        for trunk in self._trunks:
            if trunk.probe:
                self._tasks.append(asyncio.create_task(self._probe(trunk), name=f"probe-{trunk.name}"))

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        for _, _, timer in self._waiting.values():
            timer.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._waiting.clear()

    # ------------------------------------------------------------ names

    async def _look_up(self, trunks: Sequence[Trunk]) -> None:
        while True:
            for trunk in trunks:
                found = [address.host for uri in _names(trunk) for address in await self._addresses(uri)]
                self._trunks.matcher.learn(trunk.name, found)
            await asyncio.sleep(NAMES_EVERY)

    async def _addresses(self, uri: Uri) -> Sequence[Address]:
        try:
            return await self._resolve(uri)
        except SipError as error:
            log.debug("%s: %s", uri, error)
            return ()

    # ------------------------------------------------------------ OPTIONS

    async def _probe(self, trunk: Trunk) -> None:
        while True:
            for server in trunk.servers:
                await self._ask_one(trunk, server)
            await asyncio.sleep(trunk.probe * (1 - SPREAD / 2 + SPREAD * random.random()))  # noqa: S311 - no secret

    async def _ask_one(self, trunk: Trunk, server: Uri) -> None:
        try:
            id = await self._ask(trunk, server)
        except SipError as error:
            self._heard(trunk, server, On.SILENT, str(error))
            return
        timer = asyncio.get_running_loop().call_later(PATIENCE, self.answered, id, None, f"no answer in {PATIENCE:g} s")
        self._waiting[id] = (trunk, server, timer)

    def answered(self, id: str, status: int | None, reason: str) -> None:
        """What became of one OPTIONS; None: nothing came. What nobody waits for any more is passed over."""
        trunk, server, timer = self._waiting.pop(id, (None, None, None))
        if trunk is None or server is None or timer is None:
            return
        timer.cancel()
        if status is None:
            self._heard(trunk, server, On.SILENT, reason)
        elif status == 503:  # noqa: PLR2004 - RFC 3261 section 21.5.4
            self._heard(trunk, server, On.OVERLOADED, f"503 {reason}")
        else:
            self._heard(trunk, server, On.ANSWERED)

    def _heard(self, trunk: Trunk, server: Uri, on: On, why: str = "") -> None:
        state = self._trunks.heard(trunk, server, on, asyncio.get_running_loop().time(), why)
        if state is not None:
            level = logging.INFO if on is On.ANSWERED else logging.WARNING
            log.log(level, "trunk %s: %s is %s%s", trunk.name, server, state.value, why and f": {why}")


def _names(trunk: Trunk) -> list[Uri]:
    """What has to be looked up to know where it calls from."""
    return [uri for uri in (*trunk.servers, *([trunk.proxy] if trunk.proxy else [])) if not _numeric(uri.host)]


def _numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
