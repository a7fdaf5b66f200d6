"""What is left of calls: records, recordings, traces. None of it is this file's: it asks the stores."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, RootModel

from gateway.api.rest import paging, shapes
from gateway.api.rest.desk import Live
from gateway.api.rest.operation import operation
from gateway.api.rest.problem import Problem, not_configured, not_valid
from gateway.api.rest.sources import Records, RecordsAway, Sources, Traces, Wanted

NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,127}")
"""The names that the gateway gives to its recordings: never a path, never hidden."""
EXPORTS = {"jsonl": "application/x-ndjson", "csv": "text/csv", "legs-csv": "text/csv"}
WAV = "audio/wav"
MISSING = "No store of call records is set up here."
AWAY = "The store of records cannot be reached just now. Try again in a moment."
TIME = "RFC 3339, with a zone: 2026-01-31T12:00:00Z"


def _written(found: object) -> object:
    """Not a number of seconds, which pydantic would take. Raises ValueError."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", str(found)):
        raise ValueError(f"is no time: write it like {TIME}")
    return found


def _with_zone(at: datetime) -> datetime:
    """Raises ValueError."""
    if at.tzinfo is None or not 1970 <= at.year <= 9000:
        raise ValueError(f"is no time with a zone: write it like {TIME}")
    return at


Time = Annotated[datetime, BeforeValidator(_written), AfterValidator(_with_zone)]


class Which(shapes.Query):
    """Which records; all conditions must hold."""

    since: Time | None = Field(None, description=f"Started at or after this: {TIME}")
    until: Time | None = Field(None, description="Started before this")
    user: Annotated[str, Field(max_length=64, description="An account that took part")] | None = None
    number: Annotated[str, Field(max_length=256, description="A number that took part or was dialled")] | None = None
    cause: Annotated[str, Field(max_length=64, description="Why it ended")] | None = None
    trunk: Annotated[str, Field(max_length=64)] | None = None
    answered: bool | None = None
    text: Annotated[str, Field(max_length=128, description="Part of a name, number, route or cause")] | None = None
    verdict: bool | None = Field(None, description="Whether the doctor had something to say")

    def wanted(self) -> Wanted:
        return Wanted(
            user=self.user or "",
            number=self.number or "",
            cause=self.cause or "",
            answered=self.answered,
            since=self.since,
            until=self.until,
            trunk=self.trunk or "",
            text=self.text or "",
            verdict=self.verdict,
        )


class RecordFilter(shapes.Page, Which):
    """Which records, page by page."""


class ExportFilter(Which):
    format: Literal["jsonl", "csv", "legs-csv"] = Field(
        "jsonl", description="JSON lines, or comma-separated values with a row per call or per party"
    )


class RecordShown(RootModel[dict[str, Any]]):
    """All that is known of a call that has ended; see the documentation of records for its fields."""


class RecordPageShown(BaseModel):
    records: list[RecordShown]
    next: str | None = Field(description="The cursor of the next page; null: this is the last")


class TraceShown(BaseModel):
    """The messages of a call in their order, with times. Secrets are masked."""

    call: str
    steps: list[dict[str, Any]]


class Archive:
    TAG = "Records"

    def __init__(self, live: Live, sources: Sources) -> None:
        self._live, self._sources = live, sources

    @property
    def _records(self) -> Records:
        if self._sources.records is None:
            raise not_configured(MISSING)
        return self._sources.records

    @property
    def _traces(self) -> Traces:
        if self._sources.traces is None:
            raise not_configured("No traces are kept here.")
        return self._sources.traces

    @operation("GET /v1/records", "records:read", refusals=(503,))
    async def list_records(self, query: RecordFilter) -> RecordPageShown:
        """List records of calls that have ended.

        The newest first."""
        return await records_page(self._records, query.wanted(), query)

    @operation("GET /v1/records/export", "records:read", content=("application/x-ndjson", "text/csv"), refusals=(503,))
    async def export_records(self, query: ExportFilter, request: web.Request) -> web.StreamResponse:
        """Take all records along.

        As JSON lines or CSV, sent piece by piece however many there are."""
        pieces = self._records.export(query.wanted(), query.format)
        first = await _first(pieces)
        ending = "jsonl" if query.format == "jsonl" else "csv"
        name = f'attachment; filename="records.{ending}"'
        headers = {"Content-Type": EXPORTS[query.format], "Content-Disposition": name, "Cache-Control": "no-store"}
        return await _stream(request, web.StreamResponse(headers=headers), first, pieces)

    @operation("GET /v1/records/{call}", "records:read", refusals=(503,))
    async def get_record(self, call: str) -> RecordShown:
        """See the record of a call that has ended."""
        with asking():
            record = await self._records.get(call)
        if record is None:
            words = f'There is no record of call "{call[:64]}": it never was, still lives, or its record was too old.'
            raise Problem(404, "no-such-record", words)
        return RecordShown(dict(record))

    @operation("GET /v1/calls/{call}/trace", "calls:read", content=("text/plain",), refusals=(503,))
    async def trace_call(self, call: str, request: web.Request) -> TraceShown | web.Response:
        """See the signalling of a live call.

        A ladder for people as `text/plain`, the same as JSON for programs: by Accept."""
        self._live.view(call)
        return await self._trace(call, request)

    @operation("GET /v1/records/{call}/trace", "records:read", content=("text/plain",), refusals=(503,))
    async def trace_record(self, call: str, request: web.Request) -> TraceShown | web.Response:
        """See the signalling of a call that has ended.

        A ladder for people as `text/plain`, the same as JSON for programs: by Accept."""
        return await self._trace(call, request)

    async def _trace(self, call: str, request: web.Request) -> TraceShown | web.Response:
        if (trace := await self._traces.trace(call)) is None:
            words = f'No messages of call "{call[:64]}" are kept: it never was, or is too long ago.'
            raise Problem(404, "no-such-trace", words)
        if wants_text(request.headers.get("Accept", "")):
            return web.Response(text=trace.text, content_type="text/plain", headers={"Cache-Control": "no-store"})
        return TraceShown(call=call, steps=[dict(step) for step in trace.steps])

    @operation(
        "GET /v1/recordings/{name}",
        "records:read",
        content=(WAV,),
        also={206: "A part of it", 304: "Not modified"},
        refusals=(412, 416),
    )
    async def get_recording(self, name: str) -> web.StreamResponse:
        """Fetch a recording.

        A WAV file; parts of it by `Range`."""
        stem = name.removesuffix(".wav")
        path = self._sources.recordings / f"{stem}.wav"
        if not NAMES.fullmatch(stem) or path.is_symlink() or not path.is_file():
            words = f'There is no recording "{name[:128]}". The event RecordingEnded and the record tell its name.'
            raise Problem(404, "no-such-recording", words)
        disposition = f'attachment; filename="{stem}.wav"'
        headers = {"Content-Type": WAV, "Content-Disposition": disposition, "Cache-Control": "private, no-cache"}
        return web.FileResponse(path, headers=headers)


async def records_page(records: Records, wanted: Wanted, page: shapes.Page) -> RecordPageShown:
    """Raises Problem for a cursor that is none."""
    after = paging.decode("records", page.cursor) if page.cursor is not None else None
    if after is not None and (len(after) != 1 or not isinstance(after[0], str)):
        raise not_valid("query", "cursor", paging.WRONG)
    with asking():
        try:
            found = await records.list(wanted, None if after is None else str(after[0]), page.limit)
        except ValueError:
            raise not_valid("query", "cursor", paging.WRONG) from None
    next_ = None if found.next is None else paging.encode("records", found.next)
    return RecordPageShown(records=[RecordShown(dict(record)) for record in found.records], next=next_)


@contextmanager
def asking() -> Iterator[None]:
    """A store that is away is a Problem."""
    try:
        yield
    except RecordsAway as away:
        raise Problem(503, "records-away", str(away) or AWAY, headers={"Retry-After": "5"}) from None


def wants_text(accept: str) -> bool:
    """Text only for who names it, and does not name JSON before it."""
    kinds = [part.partition(";")[0].strip() for part in accept.lower().split(",")]
    return "text/plain" in kinds and "application/json" not in kinds[: kinds.index("text/plain")]


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    """The first piece, so that a store that is away is known before anything is promised."""
    with asking():
        return await anext(pieces, b"")


async def _stream(
    request: web.Request, response: web.StreamResponse, first: bytes, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    await response.prepare(request)
    if request.method != "HEAD":
        if first:
            await response.write(first)
        async for piece in pieces:
            await response.write(piece)
    await response.write_eof()
    return response
