"""What the API wants of the rest of the gateway, beside `calls.ports.Desk`. `gateway.app` fills these in.

What is not there (no store of records, no trace kept) is None, and answered honestly: 503 "not-configured".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from gateway.calls.ports import Desk, Directory
from gateway.calls.router import Account


@dataclass(frozen=True, slots=True)
class PhoneView:
    """One phone that is registered here."""

    user: str
    contact: str
    """Its SIP address."""
    source: str
    """Where its packets come from: "192.0.2.7:5060"."""
    transport: str
    expires_at: float
    """Seconds on the gateway's monotonic clock."""


class TrunkView(Protocol):
    """A trunk as it is now; a dataclass with these names fills it."""

    @property
    def name(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def registers(self) -> bool: ...
    @property
    def state(self) -> str:
        """ "registering", "registered", "failed", "up", "down" or "off" (nothing is known)."""
        ...

    @property
    def status(self) -> int:
        """The SIP status of the last REGISTER's answer; 0: none."""
        ...

    @property
    def reason(self) -> str:
        """Why it is so, in words that say what to do; empty when all is well."""
        ...

    @property
    def next_refresh(self) -> float | None:
        """When it registers next, seconds on the gateway's monotonic clock."""
        ...

    @property
    def calls(self) -> int: ...
    @property
    def max_calls(self) -> int:
        """0: no limit."""
        ...


class RecordsAway(Exception):
    """The store cannot be asked just now; the words say what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; empty: any. Times have a zone."""

    user: str = ""
    """Called, was called or answered."""
    number: str = ""
    """Of the caller, dialled, or of a leg."""
    cause: str = ""
    answered: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    trunk: str = ""
    text: str = ""
    """Part of a name, number, route, cause, or of the words."""
    verdict: bool | None = None
    """The doctor had something to say of it, or nothing."""


@dataclass(frozen=True, slots=True)
class RecordPage:
    records: Sequence[Mapping[str, Any]]
    """The newest first; plain JSON."""
    next: str | None
    """Where the next page begins, in the store's own words."""


class Records(Protocol):
    """Each may raise RecordsAway."""

    async def get(self, id: str) -> Mapping[str, Any] | None:
        """By the record's id, or by the call's."""
        ...

    async def list(self, wanted: Wanted, cursor: str | None, limit: int) -> RecordPage:
        """Raises ValueError when `cursor` is none of its own."""
        ...

    async def recent(self, user: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """A user's latest calls, the latest first."""
        ...

    def export(self, wanted: Wanted, format: str) -> AsyncIterator[bytes]:
        """All of them, piece by piece. `format` is "jsonl", "csv" (a row per call) or "legs-csv" (a row per party)."""
        ...


@dataclass(frozen=True, slots=True)
class TraceView:
    text: str
    """The ladder, for people. Secrets are masked."""
    steps: Sequence[Mapping[str, Any]]
    """The same for programs; plain JSON."""


class Traces(Protocol):
    async def trace(self, call: str) -> TraceView | None:
        """Of a live call, or of one that has ended and is still kept."""
        ...


class People(Protocol):
    def find(self, name_or_extension: str) -> Account | None: ...
    def everyone(self) -> Sequence[Account]: ...


@dataclass(slots=True)
class Sources:
    desk: Desk
    people: People
    directory: Directory
    phones: Callable[[], Sequence[PhoneView]]
    recordings: Path
    """Their folder."""
    trunks: Callable[[], Sequence[TrunkView]] | None = None
    records: Records | None = None
    traces: Traces | None = None
