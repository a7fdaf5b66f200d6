"""A short memory: the newest so many, whatever was forgotten to be taken out."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

V = TypeVar("V")
MOST = 10_000


class Recall(OrderedDict[str, V]):
    """A dictionary by id that drops its oldest entries beyond MOST."""

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > MOST:
            self.popitem(last=False)
