"""Who has guessed too often. No clock, no sockets, bounded memory.

Failures are counted three ways: for a user from one address, for a user from anywhere, for an address with any user.
A few are free; then each one doubles the wait. A person who mistypes at home is never locked out by a stranger's
guesses before those have become many, and then only for half a minute at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE = {"pair": 5, "user": 20, "address": 20}
LONGEST = {"pair": 60.0, "user": 30.0, "address": 60.0}
FORGOTTEN_AFTER = 900.0

Key = tuple[str, str, str]


@dataclass(slots=True)
class Failures:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class LoginGuard:
    """Ask `wait` before a password is looked at; tell `failed` or `succeeded` after."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._failures: OrderedDict[Key, Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait(self, user: str, address: str, now: float) -> float:
        """Seconds to wait before the next attempt; 0 means go ahead."""
        known = [self._failures[key] for key in _keys(user, address) if key in self._failures]
        return max([0.0, *(f.until - now for f in known)])

    def failed(self, user: str, address: str, now: float) -> None:
        for key in _keys(user, address):
            entry = self._failures.pop(key, None)
            if entry is None or now - entry.last > FORGOTTEN_AFTER:
                entry = Failures()
            self._failures[key] = entry  # newest last: the oldest is forgotten first
            entry.count, entry.last = entry.count + 1, now
            if (over := entry.count - FREE[key[0]]) > 0:
                entry.until = now + min(LONGEST[key[0]], 2.0 ** min(over, 16))
        while len(self._failures) > self._capacity:
            self._failures.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """Forget this person's mistakes, not the address's: else one good account would cover for guessing others."""
        pair, by_user, _ = _keys(user, address)
        self._failures.pop(pair, None)
        self._failures.pop(by_user, None)


def _keys(user: str, address: str) -> tuple[Key, Key, Key]:
    user = user.casefold()
    return ("pair", user, address), ("user", user, ""), ("address", "", address)
