"""The 2xx to an INVITE, repeated by us until its ACK comes (RFC 3261 section 13.3.1.4).

Over TCP as well: the INVITE may have travelled by UDP beyond the next hop, and the ACK comes end to end.
"""

from __future__ import annotations

from collections.abc import Callable

from signaling.sip.core import Core
from signaling.sip.timers import Deadline, Timer
from signaling.sip.transaction import ServerTransaction


class AnswerKeeper:
    """Repeats one 2xx after T1, doubling up to T2, for 64*T1; then gives up."""

    __slots__ = ("_alarm", "_core", "_interval", "_limit", "_on_lost", "_transaction", "sequence")

    def __init__(
        self, core: Core, transaction: ServerTransaction, on_lost: Callable[[float], object], now: float
    ) -> None:
        self.sequence = transaction.request.cseq.number
        self._core = core
        self._transaction = transaction
        self._on_lost = on_lost
        self._interval = core.timers.t1
        self._limit = now + core.timers.limit
        self._alarm: Deadline | None = core.schedule.at(now + self._interval, self._again)

    def stop(self) -> None:
        """The ACK is here, or nobody needs it any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _again(self, now: float) -> None:
        if now >= self._limit:
            self._alarm = None
            self._on_lost(now)
            return
        self._transaction.repeat(now)
        self._interval = self._core.timers.next_interval(Timer.G, self._interval)
        self._alarm = self._core.schedule.at(min(now + self._interval, self._limit), self._again)
