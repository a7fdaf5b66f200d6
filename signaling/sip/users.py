"""Our users by any of their names: an extension, an account name, the same in another case."""

from __future__ import annotations

from collections.abc import Callable

Lookup = Callable[[str], str | None]


class Users:
    """`lookup` gives a password, `canonical` the account that a name stands for; None: no such user.

    Without `canonical` every name that `lookup` knows is an account of its own.
    """

    def __init__(self, lookup: Lookup, canonical: Lookup | None = None) -> None:
        self._lookup = lookup
        self._canonical = canonical or (lambda name: name if lookup(name) is not None else None)

    def account(self, name: str | None) -> str | None:
        return None if name is None else self._canonical(name)

    def password(self, name: str) -> str | None:
        """By the name as it was given, or by the account's; the digest is made of the first (RFC 3261 section 22.4)."""
        found = self._lookup(name)
        account = self._canonical(name) if found is None else None
        return found if account is None else self._lookup(account)
