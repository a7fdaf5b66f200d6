"""The log's shell: gives it the time, wakes whoever waits for news, hands each event on to webhooks.

Readers hold a cursor and no queue: what a slow one has yet to read is in the log once, for all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gateway.calls import events as ev
from gateway.events.log import EventLog, Published

CLOCK_WAS_SET = 0.5
"""Seconds of difference that are more than a busy loop's own."""


class Feed:
    """Must be made and used on one event loop's thread."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.closing = False
        """Readers shall take what there is and leave."""
        self.listeners: list[Callable[[Published], None]] = []
        """Told of every event. They neither wait nor raise."""
        self._news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._wall = float("-inf")

    def publish(self, event: ev.CallEvent) -> None:
        loop = asyncio.get_running_loop()
        published = self.log.publish(event, event.at + self._offset(loop))
        if published is None:
            return
        for listener in self.listeners:
            listener(published)
        self._wake_readers()
        if self._timer is None:
            self._arm(loop)

    def _offset(self, loop: asyncio.AbstractEventLoop) -> float:
        """From the loop's clock to the wall's. It follows when that is set, and does not tremble between two events."""
        found = time.time() - loop.time()
        if abs(found - self._wall) > CLOCK_WAS_SET:
            self._wall = found
        return self._wall

    async def news(self, patience: float) -> bool:
        """Wait until there is something new, at most so many seconds. False: there was nothing."""
        try:
            async with asyncio.timeout(patience):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Let every reader take what there is and leave."""
        self.closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake_readers()

    def _wake_readers(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        at = self.log.wake_at()
        if at is not None and not self.closing:
            self._timer = loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        # A loop whose clock moves in whole milliseconds may call a little early: never spin on that.
        self.log.wake(max(loop.time(), self.log.wake_at() or 0.0))
        self._wake_readers()  # one of them may read a call that is now forgotten
        self._arm(loop)
