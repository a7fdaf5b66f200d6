"""Order without waiting: what is forwarded leaves at once, and a hole is told, not waited for.

A packet is missing only once a later one has come; whoever forwards then makes up for it from that one's FEC or by
concealment, and sends both. With `wait` = 1 the later packet is held back until the missing one comes or one more
arrives: 20 ms for what repairs most of a network's plain reordering.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")


class Reorder(Generic[Item]):
    """Puts packets into order by extended sequence number (`Incoming.receive`)."""

    __slots__ = ("_held", "_next", "discarded", "expected", "wait")

    def __init__(self, wait: int = 0) -> None:
        self.wait = wait
        """How many later packets may pile up behind a missing one."""
        self.discarded = 0
        """Packets that came twice, or after they were given up."""
        self.expected: int | None = None
        """The packet that would simply be next; None where that is not all there is to it. For the hot path: whoever
        has it may take it without `push` and raise this by one."""
        self._next: int | None = None
        self._held: dict[int, Item] = {}

    def push(self, sequence: int, item: Item) -> list[tuple[Item, int]]:
        """Return what may go on now, in order: (item, how many before it are missing)."""
        if self.expected is not None:
            self._next, self.expected = self.expected, None
        if self._next is None:
            self._next = sequence
        if sequence < self._next or sequence in self._held:
            self.discarded += 1
            self.expected = None if self._held else self._next
            return []
        self._held[sequence] = item
        return self._release(self.wait)

    def flush(self) -> list[tuple[Item, int]]:
        """Return all that is held back; what is missing before it is given up. For a beat at which nothing came."""
        return self._release(0) if self._held else []

    def _release(self, wait: int) -> list[tuple[Item, int]]:
        """Let go of what is in order; while more than `wait` are held, give up what is missing before them."""
        ready: list[tuple[Item, int]] = []
        expected = self._next or 0
        for sequence in sorted(self._held):
            if sequence != expected and len(self._held) <= wait:
                break
            ready.append((self._held.pop(sequence), sequence - expected))
            expected = sequence + 1
        self._next = expected
        if not self._held:
            self.expected = expected
        return ready
