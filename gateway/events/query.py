"""What a reader of the stream asks for, checked: `call`, `types`, `after`, `limit`, and SSE's Last-Event-ID."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.events.log import Cursor, EventLog, NoSuchPlace, Restarted
from gateway.events.vocabulary import TYPES, BadTypes, wanted

KEYS = ("call", "types", "after", "limit")
LONGEST = 1_000
"""Events on one page."""


class Refused(Exception):
    """The request cannot be answered: an HTTP status, a code for programs and words for people."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


@dataclass(frozen=True, slots=True)
class Wish:
    call: str | None
    types: frozenset[str]
    after: str | None
    """A place in the stream, as it was given."""
    limit: int


def parse(pairs: Iterable[tuple[str, str]], call: str | None = None, last_event_id: str | None = None) -> Wish:
    """`call` from the path; Last-Event-ID, which a resuming EventSource adds, stands above `after`. Raises Refused."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key not in KEYS or (key == "call" and call is not None):
            raise _not_valid(f"{key[:64]!r} is no parameter here; there are {', '.join(KEYS)}")
        if key in found:
            raise _not_valid(f"{key} is given twice")
        found[key] = value
    return Wish(
        call if call is not None else found.get("call"),
        _types(found),
        last_event_id or found.get("after"),
        _limit(found.get("limit", "100")),
    )


def _types(found: Mapping[str, str]) -> frozenset[str]:
    if "types" not in found:
        return frozenset(TYPES)
    try:
        return wanted(found["types"].split(","))
    except BadTypes as error:
        raise _not_valid(f"types: {error}") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LONGEST):
        raise _not_valid(f"limit: a number from 1 to {LONGEST} is wanted")
    return int(text)


def _not_valid(words: str) -> Refused:
    return Refused(422, "not-valid", words)


def place(log: EventLog, wish: Wish, otherwise: Cursor) -> Cursor:
    """Where to begin: after the place that was given, else `otherwise`. Raises Refused, Restarted."""
    if wish.call is not None and not log.knows(wish.call):
        words = "There is no such call, or it ended so long ago that its events are no longer kept."
        raise Refused(404, "no-such-call", words)
    if wish.after is None:
        return otherwise
    try:
        return log.after(wish.after, wish.call)
    except Restarted:
        raise
    except NoSuchPlace as error:
        raise _not_valid(f"after: {error}") from None
