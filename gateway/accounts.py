"""Who may sign in: one account per person, for the page and for phones, by name or by extension."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.api.login import UserInfo
from gateway.calls.router import Account


@dataclass(frozen=True, slots=True)
class Person:
    account: Account
    password: str = field(repr=False)


class Accounts:
    def __init__(self, people: Iterable[Person]) -> None:
        self._people: dict[str, Person] = {}
        for person in people:
            for name in (person.account.name, person.account.extension):
                if name:
                    self._people[name.casefold()] = person

    def everyone(self) -> list[Account]:
        """Each once, in the order of the configuration."""
        return list(dict.fromkeys(person.account for person in self._people.values()))

    def find(self, name_or_extension: str) -> Account | None:
        person = self._people.get(name_or_extension.casefold())
        return person.account if person else None

    def canonical(self, name_or_extension: str) -> str | None:
        """The account's one name, by which everything is kept."""
        account = self.find(name_or_extension)
        return account.name if account else None

    def password(self, name_or_extension: str) -> str | None:
        """For digest: whoever asks proves to know it without being told."""
        person = self._people.get(name_or_extension.casefold())
        return person.password if person else None

    def authenticate(self, name: str, password: str) -> UserInfo | None:
        """For the page. Takes the same time for a wrong name as for a wrong password."""
        person = self._people.get(name.casefold())
        expected = person.password if person else "\0"
        same = hmac.compare_digest(expected.encode(), password.encode("utf-8", "replace"))
        if person is None or not same:
            return None
        account = person.account
        return UserInfo(account.name, account.display or account.name, account.extension)
