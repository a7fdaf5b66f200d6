"""Log lines that a flood of bad input must not turn into a flood of log."""

from __future__ import annotations

import logging
from collections.abc import Callable


class QuietLog:
    """At most one line per `every` seconds, which says how many were left out."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float], every: float = 5.0) -> None:
        self._logger, self._clock, self._every = logger, clock, every
        self._next = float("-inf")
        self._skipped = 0

    def warning(self, text: str, *args: object) -> None:
        now = self._clock()
        if now < self._next:
            self._skipped += 1
            return
        self._next = now + self._every
        more = f" ({self._skipped} more like it were not logged)" if self._skipped else ""
        self._skipped = 0
        self._logger.warning(text + more, *args)
