"""Gathering the keys that a party presses, until there are enough, one that ends them, or too long a pause."""

from __future__ import annotations

from . import commands as cmd


class Collector:
    """`key` says why it is complete, or None; `patience` how long to wait for the next key."""

    def __init__(self, order: cmd.Collect) -> None:
        self.order = order
        self.digits = ""

    def key(self, key: str) -> str | None:
        if key in self.order.terminators:
            return "terminator"
        self.digits += key
        return "complete" if len(self.digits) >= self.order.most else None

    @property
    def patience(self) -> float:
        """Seconds from now to the next key."""
        return self.order.digit_timeout if self.digits else self.order.first_timeout
