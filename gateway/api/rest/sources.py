"""What the API wants of the rest of the gateway, beside `calls.ports.Desk`. `gateway.app` fills these in.

What is not there (no store of records, no trace kept) is None, and answered honestly: 503 "not-configured".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
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
    def state(self) -> str:
        """`signaling.sip.registration_table.State`'s words, or "peer" for a trunk that does not register."""
        ...

    @property
    def next_refresh(self) -> float | None:
        """Seconds on the gateway's monotonic clock."""
        ...

    @property
    def words(self) -> str:
        """Why it does not work, and what to do; empty when it does."""
        ...

    @property
    def calls(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. Times are seconds since 1970; empty: any."""

    since: float | None = None
    until: float | None = None
    user: str = ""
    number: str = ""
    cause: str = ""
    trunk: str = ""
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RecordPage:
    records: Sequence[Mapping[str, Any]]
    """The newest first; plain JSON."""
    next: str | None
    """Where the next page begins, in the store's own words."""


class Records(Protocol):
    async def page(self, wanted: Wanted, limit: int, after: str | None) -> RecordPage:
        """Raises ValueError when `after` is none of its own."""
        ...

    async def record(self, call: str) -> Mapping[str, Any] | None: ...
    def export(self, format: str, wanted: Wanted) -> AsyncIterator[bytes]:
        """All of them, piece by piece. `format` is "jsonl" or "csv"."""
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
