"""Leaving gently: no new calls, the live ones until they end or the time is over.

A core that is asked "how are things" and a shell that asks it; what ends the calls that are left is not in here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sized
from typing import Protocol

log = logging.getLogger("tandem")

LOOK_EVERY = 0.25
SAY_EVERY = 10.0
"""Seconds between lines about calls that are still live."""


class Table(Sized, Protocol):
    """Live calls: how many, and no more of them."""

    def drain(self) -> None: ...


class Drain:
    """`look(now, calls)` until it says that it is over. `limit`: seconds that calls may go on."""

    def __init__(self, limit: float, now: float) -> None:
        self._until, self._say_at, self._calls = now + limit, now, -1

    def look(self, now: float, calls: int) -> bool:
        """Whether to look again later. Says how it goes, when that has changed and not too often."""
        if not calls:
            log.info("draining: no call is left")
            return False
        left = self._until - now
        if left <= 0:
            log.warning("draining: the time is over, %s still live", _count(calls))
            return False
        if now >= self._say_at and calls != self._calls:
            log.info("draining: no new calls; %s live, at most %.0f s more", _count(calls), left)
            self._say_at, self._calls = now + SAY_EVERY, calls
        return True


async def drain(table: Table, limit: float, hurry: asyncio.Event) -> None:
    """Until no call is left, `limit` seconds have gone, or `hurry` is set. `limit` 0: at once."""
    if not limit:
        return
    table.drain()
    clock = asyncio.get_running_loop().time
    state = Drain(limit, clock())
    while not hurry.is_set() and state.look(clock(), len(table)):
        try:
            await asyncio.wait_for(hurry.wait(), LOOK_EVERY)
        except TimeoutError:
            continue
        log.info("draining: told to hurry, %s still live", _count(len(table)))


def _count(calls: int) -> str:
    return f"{calls} call{'' if calls == 1 else 's'}"
