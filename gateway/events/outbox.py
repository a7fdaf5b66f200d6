"""What one webhook's receiver has yet to be told: which delivery is next, and when one that failed is tried again.

The events of one call go out one after the other: the next only when the one before has arrived or was given up.
Calls do not wait for each other, up to `at_once` deliveries. A full outbox takes no more, and counts what it turned
away; the receiver sees the hole in `seq`.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.events.log import Published


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    queue: int = 1_000
    """Events that may wait."""
    max_retries: int = 8
    first_delay: float = 1.0
    """Seconds before the first retry; each further one waits twice as long."""
    longest_delay: float = 60.0
    longest_wish: float = 300.0
    """The longest Retry-After that is heeded."""
    at_once: int = 8


@dataclass(slots=True)
class Delivery:
    """One event on its way, through all its attempts."""

    id: str
    event: Published
    attempts: int = 0


class Outbox:
    """`random` yields numbers in 0..1; `name` a new delivery's id."""

    def __init__(self, limits: OutboxLimits, random: Callable[[], float], name: Callable[[], str]) -> None:
        self.waiting = 0
        """Events not yet delivered nor given up, those on their way included."""
        self.delivered = self.retried = self.given_up = self.dropped = 0
        self._limits, self._random, self._name = limits, random, name
        self._lanes: dict[str, deque[Delivery]] = {}
        """By call. The first of each is on its way, ready, or waits for its retry."""
        self._ready: deque[str] = deque()
        self._later: list[tuple[float, int, str]] = []
        self._order = 0
        self._under_way = 0

    def put(self, event: Published) -> bool:
        """False: there is no room, the event is dropped."""
        if self.waiting >= self._limits.queue:
            self.dropped += 1
            return False
        self.waiting += 1
        lane = self._lanes.get(event.call)
        if lane is None:
            lane = self._lanes[event.call] = deque()
            self._ready.append(event.call)
        lane.append(Delivery(self._name(), event))
        return True

    def next(self, now: float) -> Delivery | None:
        """The next to be sent; then say `arrived` or `failed`."""
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        if not self._ready or self._under_way >= self._limits.at_once:
            return None
        self._under_way += 1
        delivery = self._lanes[self._ready.popleft()][0]
        delivery.attempts += 1
        self.retried += delivery.attempts > 1
        return delivery

    def arrived(self, delivery: Delivery) -> None:
        self._under_way -= 1
        self.delivered += 1
        self._done(delivery)

    def failed(self, delivery: Delivery, now: float, *, retry: bool = True, wish: float = 0.0) -> None:
        """`wish`: the receiver's Retry-After in seconds."""
        self._under_way -= 1
        if not retry or delivery.attempts > self._limits.max_retries:
            self.given_up += 1
            self._done(delivery)
            return
        self._order += 1
        at = now + max(self._delay(delivery.attempts), min(wish, self._limits.longest_wish))
        heapq.heappush(self._later, (at, self._order, delivery.event.call))

    def wake_at(self) -> float | None:
        """When the next retry is due."""
        return self._later[0][0] if self._later else None

    def _delay(self, attempts: int) -> float:
        """Twice as long each time, and never in step with others that failed at the same moment."""
        limits = self._limits
        delay = min(limits.longest_delay, limits.first_delay * 2.0 ** min(attempts - 1, 30))
        return delay * (0.5 + self._random() / 2)

    def _done(self, delivery: Delivery) -> None:
        self.waiting -= 1
        call = delivery.event.call
        lane = self._lanes[call]
        lane.popleft()
        if lane:
            self._ready.append(call)
        else:
            del self._lanes[call]
