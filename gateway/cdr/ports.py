"""What the rest of the gateway sees of records: ask for one, for some, for a user's latest, or for all as a stream."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from gateway.cdr.model import RecentCall, Record

Format = Literal["jsonl", "csv", "legs-csv"]
"""JSON lines (whole records), or CSV with one row per call, or CSV with one row per leg."""

MOST = 200
"""Records in one answer."""


class BadCursor(ValueError):
    """The text is no cursor that we gave."""


class RecordsAway(Exception):
    """The database cannot be asked just now. Calls go on, and their records are kept."""


@dataclass(frozen=True, slots=True)
class Filters:
    """All that are set must be true of a call."""

    user: str = ""
    """Called, was called or answered."""
    number: str = ""
    """Of the caller, dialled, or of a leg: the whole of it."""
    cause: str = ""
    answered: bool | None = None
    since: datetime | None = None
    """Began at this moment or later."""
    until: datetime | None = None
    """Began before this moment."""
    trunk: str = ""
    """Came in or left by it."""
    text: str = ""
    """Part of a name, number, route, cause, or of the words."""
    verdict: bool | None = None
    """The doctor had something to say of it, or nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the following (older) records, None when there are none."""

    records: Sequence[Record]
    next: str | None


class Records(Protocol):
    """Every method may raise RecordsAway; times in filters must have a zone."""

    async def get(self, id: str) -> Record | None:
        """By the record's id, or by the call's (the latest that bore it)."""
        ...

    async def list(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """The latest first; at most MOST at once. Raises BadCursor."""
        ...

    async def recent(self, user: str, limit: int = 20) -> Sequence[RecentCall]:
        """What a user's list of recent calls shows, the latest first."""
        ...

    def export(self, filters: Filters, format: Format = "jsonl") -> AsyncIterator[bytes]:
        """All that match, the oldest first, in pieces: constant memory however many there are."""
        ...


def cursor_of(id: str) -> str:
    """Opaque: what it holds may change."""
    return base64.urlsafe_b64encode(b"r1:" + id.encode()).decode().rstrip("=")


def id_of(cursor: str) -> str:
    """Raises BadCursor."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text = data.decode()
    except (binascii.Error, ValueError):
        raise BadCursor("this is no cursor; take the one of the page before") from None
    if not text.startswith("r1:") or "\0" in text:
        raise BadCursor("this is no cursor; take the one of the page before")
    return text.removeprefix("r1:")
