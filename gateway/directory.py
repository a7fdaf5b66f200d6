"""Who can be reached where, now: the pages that are signed in and the phones that are registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.calls.ports import Contact


class Reachable(Protocol):
    def contacts(self, user: str) -> Sequence[Contact]: ...


class Everywhere:
    """`calls.ports.Directory` over several kinds of device."""

    def __init__(self) -> None:
        self.kinds: list[Reachable] = []

    def contacts(self, user: str) -> list[Contact]:
        return [contact for kind in self.kinds for contact in kind.contacts(user)]
