"""API keys: what a program shows, and what the gateway keeps of it.

A key is "tk_" and 256 random bits, so its SHA-256 is all that needs keeping: nobody can run through 2**256 keys, and a
slow hash, which is for passwords that people choose, would only make each request slow. Comparison takes the same time
whatever is compared, and looks at every key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SCOPES: dict[str, str] = {
    "calls:read": "see live calls and their events",
    "calls:write": "place, steer and end calls",
    "records:read": "read call records, recordings and traces",
    "system:read": "see registered phones and trunks",
    "tokens:write": "mint browser tokens for any user",
    "admin": "everything",
}
PREFIX = "tk_"
HASH = re.compile(r"sha256:[0-9a-f]{64}")
RATE = 20.0
"""Requests a second, for longer than a moment."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    name: str
    hash: str = field(repr=False)
    """ "sha256:..." of the key."""
    scopes: frozenset[str]
    rate: float = RATE
    networks: tuple[str, ...] = ()
    """Where it may be used from; empty: anywhere."""

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


def new_key(random: Callable[[int], str] = secrets.token_urlsafe) -> tuple[str, str]:
    """A key, and its hash. `random(n)` is text of n random bytes."""
    key = PREFIX + random(32)
    return key, hashed(key)


def hashed(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


class Keyring:
    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, shown: str) -> ApiKey | None:
        digest, found = hashed(shown), None
        for key in self._keys:
            if hmac.compare_digest(key.hash, digest):
                found = key
        return found


def table(name: str, hash_: str, scopes: Iterable[str], rate: float = RATE) -> str:
    """The TOML to paste."""
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    return f'[[api_keys]]\nname = "{name}"\nhash = "{hash_}"\nscopes = [{listed}]\nrate = {rate}\n'
