"""Whom to ring when: targets in stages, one stage after the other, and how several such sequences become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from .targets import Target

Stages = tuple[tuple[Target, ...], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a target comes to."""

    stages: Stages
    timeout: float | None = None
    """Seconds to ring each stage, where its own group or route says so."""
    ask: str = ""
    ask_timeout: float = 2.0

    def within(self, timeout: float | None) -> Found:
        return replace(self, timeout=timeout or self.timeout)


def side_by_side(parts: Sequence[Found]) -> Found:
    """All begin at once: each sequence goes on beside the others."""
    rows = zip_longest(*(part.stages for part in parts), fillvalue=())
    return _together(parts, tuple(tuple(dict.fromkeys(t for stage in row for t in stage)) for row in rows))


def one_after_the_other(parts: Sequence[Found]) -> Found:
    return _together(parts, tuple(stage for part in parts for stage in part.stages))


def _together(parts: Sequence[Found], stages: Stages) -> Found:
    """What one of them says of time, or of whom to ask, holds for all: the first has the word."""
    timeout = next((part.timeout for part in parts if part.timeout), None)
    asks = next((part for part in parts if part.ask), Found(()))
    return Found(stages, timeout, asks.ask, asks.ask_timeout)
