"""Real call control, and the book-keeper listening to it."""

from __future__ import annotations

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.cdr.model import Record
from gateway.cdr.record import Recorder
from tests.gateway.calls.office import Office

BEGAN = 1_800_000_000.0
"""When the office opens: 2027-01-15T08:00:00Z is its moment 100."""


def wall(at: float) -> float:
    return BEGAN + at - 100.0


class Books(Office):
    """An office whose events are folded as they happen. Media is described by the test."""

    def __init__(self, **more) -> None:
        self.recorder = Recorder(wall)
        self.folded = 0
        super().__init__(**more)

    def pump(self) -> None:
        super().pump()
        for event in self.news[self.folded :]:
            self.recorder.receive(event)
        self.folded = len(self.news)

    def saw(self, *events: ev.CallEvent) -> Books:
        """What the runtime tells besides."""
        self.news += events
        self.pump()
        return self

    def media(self, call: str, leg: str, codec="PCMU", rate=8000) -> Books:
        return self.saw(ev.LegMedia(call, self.now, leg, codec, rate, "sendrecv"))

    def quality(self, call: str, leg: str, **stats) -> Books:
        return self.saw(ev.LegQuality(call, self.now, leg, stats))

    def records(self) -> list[Record]:
        found = []
        while (record := self.recorder.next_record()) is not None:
            found.append(record)
        return found

    def record(self) -> Record:
        (found,) = self.records()
        return found


def plain(number: int, *, user="alice", dialled="102", called="bob", cause="normal", answered=True, **more) -> Record:
    """A record by hand-made events, `number` seconds after the office opened."""
    at, call = 100.0 + number, more.pop("call", f"c{number}")
    recorder = Recorder(wall)
    caller = more.pop("caller", ev.Identity("101", "Alice", user))
    events: list[ev.CallEvent] = [
        ev.CallStarted(call, at, caller, more.pop("kind", "browser"), dialled, f"{call}-a", more.pop("trunk", "")),
        ev.CallRouted(call, at, dialled, more.pop("targets", (f"user:{called}",))),
        ev.LegRang(call, at, f"{call}-b1", "sip", f"sip:{called}@192.0.2.7", called),
        ev.CallAlerting(call, at + 1, f"{call}-b1"),
    ]
    if answered:
        events.append(ev.CallAnswered(call, at + 3, f"{call}-b1", "sip", 3.0))
    events.append(ev.CallEnded(call, at + 10, ending(cause), f"{call}-a", 7.0 if answered else None))
    for event in events:
        recorder.receive(event)
    record = recorder.next_record()
    assert record is not None
    return record.model_copy(update=more)
