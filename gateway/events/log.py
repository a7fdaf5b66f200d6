"""The one ordered stream, kept for those who come late: a bounded log with a position for all and a number per call.

Each event has an id, "START-NUMBER": its place in the whole stream of this process, whose start it names, so that a
program which comes back after the gateway was restarted is told so. Within its call it has `seq`: 1, 2, 3, without a
hole. Both can be resumed after.

What is kept: the events of live calls, and those of an ended call for `keep` seconds; beyond `most_events` or
`most_bytes` the oldest go first. Who asks for what is no longer there is told (`Page.missed`), never passed over.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.calls import events as ev
from gateway.events.vocabulary import ROWS, data

OVERHEAD = 300
"""Bytes of Python around an event's text."""
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_ID = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Limits:
    keep: float = 300.0
    """Seconds that an ended call's events are kept."""
    most_events: int = 50_000
    most_bytes: int = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Published:
    """An event as the world sees it. `text` is the whole of it in JSON, on one line."""

    number: int
    id: str
    call: str
    seq: int
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands: behind this number of the whole stream, or behind this `seq` of one call."""

    at: int
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    events: tuple[Published, ...]
    cursor: Cursor
    """Read on from here."""
    missed: bool = False
    """Events between the cursor and this page are no longer kept."""
    gone: bool = False
    """The call is no longer known: nothing more will come."""


class NoSuchPlace(Exception):
    """A place to resume after that means nothing here. The text says why."""


class Restarted(NoSuchPlace):
    """A place of another start of the gateway: what happened between is not known here."""


@dataclass(slots=True)
class _CallLog:
    seq: int = 0
    first: int = 1
    """The lowest seq that is kept; above `seq` when none is."""
    lost: int = 0
    """The highest number of the whole stream that was this call's and is not kept."""
    events: dict[int, Published] = field(default_factory=dict)
    """By seq."""


class EventLog:
    """`start` names this start of the process: 8 random hexadecimal digits."""

    def __init__(self, start: str, limits: Limits) -> None:
        self.start = start
        self.last = 0
        """The number of the newest event."""
        self.bytes = 0
        self._limits = limits
        self._events: dict[int, Published] = {}
        self._calls: dict[str, _CallLog] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()
        """When calls ended, the first first."""
        self._floor = 0
        """Above this number nothing is missing."""
        self._tail = 1
        """Below this number nothing is kept."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def position(self) -> str:
        """The id of the newest event: to resume after all that was."""
        return self.id(self.last)

    def id(self, number: int) -> str:
        return f"{self.start}-{number}"

    # ------------------------------------------------------------ writing

    def publish(self, event: ev.CallEvent, unix: float) -> Published | None:
        """Take it in; `unix` is when it happened. None: it is not for the public."""
        row = ROWS.get(type(event))
        if row is None:
            return None
        self.wake(event.at)
        call = self._call(event)
        self.last += 1
        call.seq += 1
        whole = {
            "id": self.id(self.last), "seq": call.seq, "call": event.call, "type": row.type, "time": timestamp(unix),
            "data": data(event),
        }  # fmt: skip
        text = _json(whole)
        published = Published(self.last, self.id(self.last), event.call, call.seq, row.type, text)
        self._events[self.last] = call.events[call.seq] = published
        self.bytes += _size(published)
        if isinstance(event, ev.CallEnded):
            self._ended.pop(event.call, None)
            self._ended[event.call] = event.at
        self._shrink()
        return published

    def _call(self, event: ev.CallEvent) -> _CallLog:
        call = self._calls.get(event.call)
        if call is None:
            call = self._calls[event.call] = _CallLog()
            if not isinstance(event, ev.CallStarted):  # a straggler of a call that is forgotten already
                self._ended[event.call] = event.at
        return call

    def wake_at(self) -> float | None:
        """When the next ended call is to be forgotten."""
        return next(iter(self._ended.values())) + self._limits.keep if self._ended else None

    def wake(self, now: float) -> None:
        while (at := self.wake_at()) is not None and at <= now:
            name, _ = self._ended.popitem(last=False)
            for published in self._calls.pop(name).events.values():
                self._forget(published)

    def _shrink(self) -> None:
        limits = self._limits
        while len(self._events) > limits.most_events or self.bytes > limits.most_bytes:
            while self._tail not in self._events:
                self._tail += 1
            oldest = self._events[self._tail]
            call = self._calls[oldest.call]
            del call.events[oldest.seq]
            call.first, call.lost = oldest.seq + 1, oldest.number
            self._forget(oldest)

    def _forget(self, published: Published) -> None:
        del self._events[published.number]
        self.bytes -= _size(published)
        self._floor = max(self._floor, published.number)

    # ------------------------------------------------------------ reading

    def knows(self, call: str) -> bool:
        return call in self._calls

    def now(self) -> Cursor:
        """Only what is yet to come."""
        return Cursor(self.last)

    def oldest(self, call: str | None = None) -> Cursor:
        """All that is kept: of one call, or of all of them without a hole."""
        if call is None:
            return Cursor(self._floor)
        return Cursor(self._calls[call].first - 1 if call in self._calls else 0, call)

    def after(self, place: str, call: str | None = None) -> Cursor:
        """The cursor behind an id, or behind a call's `seq`; "0" is the beginning. Raises NoSuchPlace.

        A call must be known. A cursor before what is kept is no error: its first page says `missed`.
        """
        if place == "0":
            return Cursor(0, call) if call is not None else self.oldest()
        if call is not None and re.fullmatch(r"[0-9]{1,15}", place):
            return self._after_seq(int(place), call)
        match = _ID.fullmatch(place)
        if match is None:
            example = f'an event\'s id, like "{self.start}-184"' + (", or its seq" if call is not None else "")
            raise NoSuchPlace(f"{place[:64]!r} is no place in the stream; give {example}.")
        if match[1] != self.start:
            raise Restarted("The gateway has been restarted since; what happened before is not kept here.")
        number = int(match[2])
        if number > self.last:
            raise NoSuchPlace(f"{place} is yet to come: the newest event is {self.position}.")
        return Cursor(number) if call is None else self._after_number(number, call)

    def _after_seq(self, seq: int, call: str) -> Cursor:
        newest = self._calls[call].seq
        if seq > newest:
            raise NoSuchPlace(f"Number {seq} of call {call} is yet to come: its newest event is {newest}.")
        return Cursor(seq, call)

    def _after_number(self, number: int, call: str) -> Cursor:
        known = self._calls[call]
        if number < known.lost:
            return Cursor(max(0, known.first - 2), call)  # one that is not there any more: the page says so
        earlier = sum(1 for published in known.events.values() if published.number <= number)
        return Cursor(known.first - 1 + earlier, call)

    def read(self, cursor: Cursor, most: int) -> Page:
        """The next events, at most so many."""
        return self._read_all(cursor, most) if cursor.call is None else self._read_call(cursor, cursor.call, most)

    def _read_all(self, cursor: Cursor, most: int) -> Page:
        at = max(cursor.at, self._floor)
        end = min(self.last, at + most)
        events = tuple(self._events[number] for number in range(at + 1, end + 1))
        return Page(events, Cursor(end), missed=at > cursor.at)

    def _read_call(self, cursor: Cursor, name: str, most: int) -> Page:
        call = self._calls.get(name)
        if call is None:
            return Page((), cursor, gone=True)
        at = max(cursor.at, call.first - 1)
        end = min(call.seq, at + most)
        events = tuple(call.events[seq] for seq in range(at + 1, end + 1))
        return Page(events, Cursor(end, name), missed=at > cursor.at)

    def id_at(self, cursor: Cursor) -> str:
        """The id to resume after by a reader who stands here and has seen all before."""
        if cursor.call is None:
            return self.id(cursor.at)
        call = self._calls.get(cursor.call)
        if call is None or cursor.at >= call.seq:
            return self.position
        if (here := call.events.get(cursor.at)) is not None:
            return here.id
        return self.id(call.lost if cursor.at >= call.first - 1 else 0)

    def behind(self, cursor: Cursor) -> int:
        """How many events this reader has yet to read."""
        newest = self.last if cursor.call is None else getattr(self._calls.get(cursor.call), "seq", cursor.at)
        return newest - cursor.at


def _size(published: Published) -> int:
    text = published.text
    return len(text) * (1 if text.isascii() else 4) + OVERHEAD


def timestamp(unix: float) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
