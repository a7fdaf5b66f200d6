"""How often a thing may happen: so many at once, so many a second afterwards (a token bucket). Time is an argument."""

from __future__ import annotations


class Allowance:
    """`take(n, now)` grants as many of n as there are left."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, burst: float, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._left, self._at = burst, 0.0

    def take(self, n: int, now: float) -> int:
        """How many of n are granted: 0..n."""
        if self._at:
            self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        granted = min(n, int(self._left))
        self._left -= granted
        return granted

    def full(self, now: float) -> bool:
        """Nothing has been taken for so long that this object may be forgotten."""
        return self._left + (now - self._at) * self.rate >= self.burst
