"""The garbage collector, kept out of calls.

A full collection walks every object there is and stops the loop for tens of milliseconds: an audible gap in every
call at once. So: what start-up made is frozen out of sight, the young generations go on as ever, and full collections
happen only while nobody talks. Cycles are broken on hang-up anyway; this is for what slips through.
"""

from __future__ import annotations

import gc

NEVER = 1_000_000
IDLE_EVERY = 60.0
"""Seconds between full collections while idle."""


class QuietMemory:
    def __init__(self) -> None:
        self._last = float("-inf")

    def settle(self) -> None:
        """Once, when everything is loaded and nobody talks yet."""
        gc.collect()
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young or 700, middle or 10, NEVER)

    def idle(self, now: float) -> None:
        """Nobody talks just now."""
        if now - self._last >= IDLE_EVERY:
            self._last = now
            gc.collect()
