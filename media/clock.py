"""The 20 ms beat, for what has no ingress of its own: players, mixers, key presses, reports, watchdogs.

The beat is kept by `perf_counter` against a schedule, never against the last beat, so that it does not drift (uvloop's
own clock moves in whole milliseconds). It runs only while it has customers. A loop that was blocked is caught up with a
few beats at once; beyond that the beats are dropped, because a burst of old audio helps nobody.

A customer is called with the time of its beat: the schedule's, not that of its being late. Slow customers (`slow=True`)
are called every tenth beat, spread evenly, so that two hundred legs do not write their reports in the same instant.

Tests need no loop: `Clock(manual=True)` beats when told, by `advance(seconds)`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

BEAT = 0.02
"""Seconds."""
SLOW = 10
"""A slow customer's beats."""
CATCH_UP = 4
"""So many beats are made up for at once; the rest of a long block is dropped."""

Customer = Callable[[float], None]


class Clock:
    """Calls its customers every 20 ms. One per event loop."""

    def __init__(self, *, manual: bool = False, start: float = 0.0) -> None:
        self.lateness: deque[float] = deque(maxlen=500)
        """Seconds by which the last 10 s of beats came too late."""
        self.dropped = 0
        """Beats that fell out because the loop was blocked for too long."""
        self.now: Callable[[], float] = self._told if manual else time.perf_counter
        """Seconds on the clock all of media uses."""
        self._manual = manual
        self._manual_now = start
        self._fast: dict[Customer, None] = {}
        self._gone = False  # somebody left in the middle of a beat
        self._slow: list[dict[Customer, None]] = [{} for _ in range(SLOW)]
        self._count = 0
        self._next: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._fast) + sum(map(len, self._slow))

    def add(self, customer: Customer, *, slow: bool = False) -> None:
        """Call it from the next beat on (`slow`: every tenth). Adding it twice changes nothing."""
        if customer in self._fast or any(customer in bucket for bucket in self._slow):
            return
        (min(self._slow, key=len) if slow else self._fast)[customer] = None
        if self._next is None:
            self._next = self.now() + BEAT
            self._arm()

    def remove(self, customer: Customer) -> None:
        """Never call it again, not even in this beat. An unknown one is ignored."""
        self._gone = True
        self._fast.pop(customer, None)
        for bucket in self._slow:
            bucket.pop(customer, None)
        if not len(self):
            self._stop()

    def tick(self, now: float) -> None:
        """Run every beat that is due at `now`."""
        if self._next is None:
            return
        late = now - self._next
        if late < 0:
            return
        self.lateness.append(late)
        behind = int(late / BEAT) - CATCH_UP
        if behind > 0:
            self.dropped += behind
            self._next += behind * BEAT
        while self._next is not None and self._next <= now:
            beat = self._next
            self._next = beat + BEAT
            self._beat(beat)

    def advance(self, seconds: float) -> None:
        """Manual clocks: let time pass, beat by beat."""
        end = self._manual_now + seconds
        while self._next is not None and self._next <= end + 1e-9:
            self._manual_now = max(self._manual_now, self._next)
            self.tick(self._manual_now + 1e-9)
        self._manual_now = end

    def close(self) -> None:
        """Forget all customers."""
        self._fast.clear()
        for bucket in self._slow:
            bucket.clear()
        self._stop()

    def late(self, share: float) -> float:
        """The lateness, seconds, that a share (0..1) of the last beats stayed under; 0 if there were none."""
        ranked = sorted(self.lateness)
        return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else 0.0

    def _told(self) -> float:
        return self._manual_now

    def _beat(self, now: float) -> None:
        bucket = self._slow[self._count % SLOW]
        self._count += 1
        self._gone = False
        for customers in (self._fast, bucket):
            for customer in tuple(customers):
                if self._gone and customer not in customers:  # an earlier one has removed it
                    continue
                try:
                    customer(now)
                except Exception:  # one broken leg must not stop everybody's clock
                    log.exception("a customer of the media clock failed: %r", customer)

    def _arm(self) -> None:
        if self._manual or self._next is None:
            return
        delay = max(0.0, self._next - time.perf_counter())
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.tick(time.perf_counter())
        if self._timer is None:
            self._arm()

    def _stop(self) -> None:
        self._next = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
