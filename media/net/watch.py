"""One timer for the consent of all WebRTC transports; it runs only while there are some."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Protocol

BEAT = 0.5
"""Seconds between two looks at everybody."""


class Watched(Protocol):
    def watch(self, now: float) -> None: ...

    async def aclose(self) -> None: ...


class Watch:
    """The transports that are alive."""

    def __init__(self, afterwards: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._afterwards = afterwards
        self._all: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Watched) -> None:
        self._all.add(one)
        if self._timer is None:
            self._timer = self._loop.call_later(BEAT, self._look)

    def discard(self, one: Watched) -> None:
        self._all.discard(one)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._all))

    def _look(self) -> None:
        now = time.perf_counter()
        for one in self:
            one.watch(now)
        self._afterwards()
        self._timer = self._loop.call_later(BEAT, self._look) if self._all else None

    async def aclose(self) -> None:
        """Close what is left, all at once."""
        await asyncio.gather(*(one.aclose() for one in self))
        self._afterwards()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
