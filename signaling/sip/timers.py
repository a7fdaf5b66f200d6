"""Time, as an argument: RFC 3261's timers and the one heap in which every deadline of a stack waits.

`Timers` knows how long each of the RFC's lettered timers runs (RFC 3261 table 4, RFC 6026 section 8.1.1 for L and M).
`Schedule` holds the deadlines. A cancelled deadline stays in the heap and is skipped when it surfaces, so arming,
cancelling and asking for the next one never look at the others; when most of the heap is dead, it is rebuilt.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

Alarm = Callable[[float], object]


class Timer(Enum):
    A = "INVITE request retransmission, UDP only"
    B = "INVITE transaction timeout"
    D = "wait time for response retransmissions"
    E = "non-INVITE request retransmission, UDP only"
    F = "non-INVITE transaction timeout"
    G = "INVITE response retransmission"
    H = "wait time for ACK receipt"
    I = "wait time for ACK retransmissions"  # noqa: E741 - the RFC's name
    J = "wait time for non-INVITE request retransmissions"
    K = "wait time for response retransmissions of a non-INVITE"
    L = "wait time for accepted INVITE request retransmissions"
    M = "wait time for retransmission of 2xx, and for the 2xx of other branches"


@dataclass(frozen=True, slots=True)
class Timers:
    """T1, T2 and T4 in seconds (RFC 3261 section 17.1.1.1), and what follows from them."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def limit(self) -> float:
        """64*T1: timers B, F, H, J, L, M, and how long a 2xx waits for its ACK (section 13.3.1.4)."""
        return 64 * self.t1

    def duration(self, timer: Timer, reliable: bool) -> float | None:
        """Seconds until `timer` fires first. None: it is not used on this transport. 0: at once."""
        match timer:
            case Timer.A | Timer.E | Timer.G:  # a reliable transport repeats by itself: section 17.1.1.2
                return None if reliable else self.t1
            case Timer.D | Timer.J:
                return 0.0 if reliable else self.limit
            case Timer.I | Timer.K:
                return 0.0 if reliable else self.t4
            case _:
                return self.limit

    def next_interval(self, timer: Timer, interval: float) -> float:
        """A doubles without bound, E and G up to T2 (sections 17.1.1.2, 17.1.2.2, 17.2.1)."""
        return 2 * interval if timer is Timer.A else min(2 * interval, self.t2)


class Deadline:
    """One alarm in a schedule."""

    __slots__ = ("_owner", "alarm", "when")

    def __init__(self, when: float, alarm: Alarm, owner: Schedule) -> None:
        self.when = when
        self.alarm: Alarm | None = alarm
        self._owner = owner

    def cancel(self) -> None:
        """Never fires; harmless when it already has."""
        if self.alarm is not None:
            self.alarm = None  # also lets go of whoever waited, long before the heap forgets us
            self._owner.cancelled()


class Schedule:
    """All deadlines of one stack, the earliest first; equal ones in the order they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._serial = 0
        self._dead = 0

    def __len__(self) -> int:
        """Deadlines that will still fire."""
        return len(self._heap) - self._dead

    def at(self, when: float, alarm: Alarm) -> Deadline:
        deadline = Deadline(when, alarm, self)
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, deadline))
        return deadline

    def wake_at(self) -> float | None:
        """When to call `wake`, or None while nothing waits."""
        heap = self._heap
        while heap and heap[0][2].alarm is None:
            heapq.heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else None

    def wake(self, now: float) -> None:
        """Fire everything due, in order; alarms may set and cancel others meanwhile."""
        while (when := self.wake_at()) is not None and when <= now:
            deadline = heapq.heappop(self._heap)[2]
            alarm, deadline.alarm = deadline.alarm, None
            if alarm is not None:
                alarm(now)

    def cancelled(self) -> None:
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].alarm is not None]
            heapq.heapify(self._heap)
            self._dead = 0
