"""The order in which the servers of a domain are tried (RFC 2782)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Srv(Protocol):
    """As much of a record as the order depends on."""

    @property
    def priority(self) -> int: ...
    @property
    def weight(self) -> int: ...


S = TypeVar("S", bound=Srv)


def in_order(records: Sequence[S], random: Callable[[], float]) -> list[S]:
    """Lowest priority first; within one, drawn by weight. `random` gives numbers from 0 up to 1."""
    ordered: list[S] = []
    for priority in sorted({record.priority for record in records}):
        left = [record for record in records if record.priority == priority]
        left.sort(key=lambda record: record.weight != 0)  # those of weight 0 come first in the sum, with a small chance
        while left:
            ordered.append(left.pop(_draw([record.weight for record in left], random)))
    return ordered


def _draw(weights: list[int], random: Callable[[], float]) -> int:
    at, total = int(random() * (sum(weights) + 1)), 0
    for index, weight in enumerate(weights):
        total += weight
        if total >= at:
            return index
    return len(weights) - 1
