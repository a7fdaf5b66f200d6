"""The book-keeper's pen: folds the one stream of call events into records. Sans-IO.

`receive(event)` takes what happened, `next_record()` gives what is complete. A call's last facts (how its legs sounded,
how long its recordings became) come shortly after its end, so a record waits for them: until all are there, or
LINGER seconds at most (`wake_at()` / `wake(now)`). Only calls that go on are kept in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from gateway.calls import events as ev
from gateway.calls.causes import Ending, ending
from gateway.cdr.draft import MANY, CallDraft, Clock, LegDraft, TransferDraft, Wall
from gateway.cdr.model import Record, clean
from gateway.cdr.quality import Sound

LINGER = 3.0
"""Seconds that a call's last facts may take after its end."""
MOST_DRAFTS = 5000
"""Calls at a time; far above what one gateway carries. Beyond, the oldest is written down as it is."""


class Recorder:
    """`clock` makes wall time of the events' monotonic time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._drafts: dict[str, CallDraft] = {}
        self._lingering: dict[str, float] = {}
        self._done: deque[Record] = deque()
        self._split: dict[str, tuple[str, LegDraft]] = {}
        """New call -> the call that a party has left for it, until the new one is told of."""

    def __len__(self) -> int:
        return len(self._drafts)

    def receive(self, event: ev.CallEvent) -> None:
        if isinstance(event, ev.CallStarted):
            self._start(event)
            return
        draft = self._drafts.get(event.call)
        handler = _HANDLERS.get(type(event))
        if draft is None or handler is None:
            return
        handler(self, draft, event)
        if draft.ended is not None and not draft.awaits:
            self._finish(event.call, event.at)

    def next_record(self) -> Record | None:
        return self._done.popleft() if self._done else None

    def wake_at(self) -> float | None:
        return min(self._lingering.values(), default=None)

    def wake(self, now: float) -> None:
        for call in [call for call, at in self._lingering.items() if at <= now]:
            self._finish(call, now)

    def close(self, now: float) -> None:
        """The gateway ends: whatever is still open is written down as it stands."""
        for call in list(self._drafts):
            self._finish(call, now)

    # ------------------------------------------------------------ a call

    def _start(self, event: ev.CallStarted) -> None:
        if event.call in self._drafts:  # an id came again while its last facts were waited for
            self._finish(event.call, event.at)
        if len(self._drafts) >= MOST_DRAFTS:
            self._finish(next(iter(self._drafts)), event.at)
        wall = Wall(self._clock(event.at) - event.at)
        draft = self._drafts[event.call] = CallDraft(
            event.call, event.kind, event.caller, event.dialled, event.at, wall, event.trunk, event.source, event.leg
        )
        if event.leg:
            draft.legs[event.leg] = LegDraft(event.leg, "in", event.kind, event.at, event.caller, role="caller")
        if event.call in self._split:
            self._split_from(draft, event.at, *self._split.pop(event.call))

    def _finish(self, call: str, now: float) -> None:
        draft = self._drafts.pop(call)
        self._lingering.pop(call, None)
        self._done.append(draft.finish(now, ending("stopping")))

    def _ended(self, draft: CallDraft, event: ev.CallEnded) -> None:
        draft.ended, draft.ending, draft.ended_by = event.at, event.ending, event.by or ""
        draft.talked, draft.trail = event.talked, event.trail
        self._lingering[draft.call] = event.at + LINGER

    def _routed(self, draft: CallDraft, event: ev.CallRouted) -> None:
        _add(draft.routes, (event.at, event.route, event.targets[:MANY], event.because))

    def _alerting(self, draft: CallDraft, event: ev.CallAlerting) -> None:
        if draft.alerted is None and draft.answered is None:
            draft.alerted = event.at
        if (leg := draft.legs.get(event.leg)) is not None and leg.alerted is None:
            leg.alerted = event.at

    def _answered(self, draft: CallDraft, event: ev.CallAnswered) -> None:
        draft.answered, draft.answered_kind = event.at, event.kind
        draft.answered_by = event.leg if event.leg != draft.caller_leg else ""  # an application that has no leg
        for name in (draft.caller_leg, event.leg):
            if (leg := draft.legs.get(name)) is not None and leg.answered is None:
                leg.answered = event.at

    def _annotated(self, draft: CallDraft, event: ev.CallAnnotated) -> None:
        draft.metadata = {clean(key): clean(value) for key, value in list(event.metadata.items())[:MANY]}

    # ------------------------------------------------------------ its legs

    def _rang(self, draft: CallDraft, event: ev.LegRang) -> None:
        self._called(draft, event)

    def _called(self, draft: CallDraft, event: ev.LegRang | ev.LegAnswered) -> LegDraft | None:
        if event.leg not in draft.legs and len(draft.legs) < MANY:
            identity = ev.Identity(event.user or number_of(event.address), user=event.user)
            draft.legs[event.leg] = LegDraft(event.leg, "out", event.kind, event.at, identity, event.address)
        return draft.legs.get(event.leg)

    def _leg_answered(self, draft: CallDraft, event: ev.LegAnswered) -> None:
        if (leg := self._called(draft, event)) is not None:
            leg.role = event.role
            if event.role == "caller" and not draft.caller_leg:  # the first party of a placed call
                draft.caller_leg = event.leg
            leg.answered = event.at if leg.answered is None else leg.answered

    def _left(self, draft: CallDraft, event: ev.LegLeft) -> None:
        if (leg := draft.legs.get(event.leg)) is not None:
            leg.end(event.at, event.ending)

    def _role(self, draft: CallDraft, event: ev.RoleChanged) -> None:
        draft.legs[event.leg].role = event.role

    def _held(self, draft: CallDraft, event: ev.CallHeld) -> None:
        draft.legs[event.leg].hold(event.on, event.at)

    def _silent(self, draft: CallDraft, event: ev.CallSilent) -> None:
        draft.legs[event.leg].silences += event.on

    def _digit(self, draft: CallDraft, event: ev.CallDigit) -> None:
        draft.legs[event.leg].keys += 1

    def _media(self, draft: CallDraft, event: ev.LegMedia) -> None:
        leg, codec = draft.legs[event.leg], f"{event.codec}/{event.rate}"
        leg.awaits_report = True
        if codec not in leg.codecs[-1:]:
            _add(leg.codecs, codec)

    def _heard(self, draft: CallDraft, event: ev.LegHeard) -> None:
        leg = draft.legs[event.leg]
        if leg.heard is None:
            leg.heard, leg.source = event.at, event.source

    def _transport(self, draft: CallDraft, event: ev.LegTransport) -> None:
        draft.legs[event.leg].interruptions += event.state == "disconnected"

    def _quality(self, draft: CallDraft, event: ev.LegQuality) -> None:
        leg = draft.legs[event.leg]
        leg.sound = leg.sound or Sound()
        leg.sound.add(event.stats)
        leg.awaits_report = leg.ended is None  # after its end comes one more, the last

    # ------------------------------------------------------------ who takes whose place

    def _transferring(self, draft: CallDraft, event: ev.TransferStarted) -> None:
        _add(draft.transfers, TransferDraft(event.at, event.leg, event.to))

    def _transferred(self, draft: CallDraft, event: ev.TransferDone) -> None:
        transfer = self._transfer(draft, event)
        transfer.result, transfer.by = "done", event.by

    def _transfer_failed(self, draft: CallDraft, event: ev.TransferFailed) -> None:
        transfer = self._transfer(draft, event)
        transfer.result, transfer.ending = "failed", event.ending

    def _transfer(self, draft: CallDraft, event: ev.TransferDone | ev.TransferFailed) -> TransferDraft:
        for transfer in draft.transfers:
            if transfer.leg == event.leg and not transfer.result:
                return transfer
        _add(draft.transfers, new := TransferDraft(event.at, event.leg, event.to))
        return new

    def _invitation_failed(self, draft: CallDraft, event: ev.InvitationFailed) -> None:
        _add(draft.invitations, (event.at, event.to, event.ending))

    def _merged(self, draft: CallDraft, event: ev.CallMerged) -> None:
        """Its parties live on in the other call; here they are over."""
        _add(draft.links, (event.at, "merged into", event.into, ()))
        other = self._drafts.get(event.into)
        for name, leg in draft.legs.items():
            if leg.ended is None:
                if other is not None and name not in other.legs:
                    other.donors[name] = leg.copied(event.at)
                self._moved(leg, event.into, ending("merged"), event.at)

    def _joined(self, draft: CallDraft, event: ev.CallJoined) -> None:
        _add(draft.links, (event.at, "joined by", event.other, event.legs[:MANY]))
        other = self._drafts.get(event.other)
        for name in event.legs:
            there = other.legs.get(name) if other is not None else None
            leg = draft.donors.pop(name, None) or (there.copied(event.at) if there is not None else None)
            if leg is not None and name not in draft.legs and len(draft.legs) < MANY:
                draft.legs[name] = leg
            if there is not None:
                self._moved(there, draft.call, ending("merged"), event.at)
        draft.donors.clear()

    def _split_off(self, draft: CallDraft, event: ev.CallSplit) -> None:
        _add(draft.links, (event.at, "split into", event.into, (event.leg,)))
        leg, new = draft.legs[event.leg], self._drafts.get(event.into)
        copy = leg.copied(event.at)
        if new is not None:
            self._split_from(new, event.at, draft.call, copy)
        elif len(self._split) < MANY:
            self._split[event.into] = draft.call, copy
        self._moved(leg, event.into, ending("normal"), event.at)

    def _split_from(self, new: CallDraft, at: float, other: str, leg: LegDraft) -> None:
        _add(new.links, (at, "split from", other, (leg.leg,)))
        leg.role = "caller" if leg.leg == new.caller_leg else leg.role
        new.legs[leg.leg] = leg

    def _moved(self, leg: LegDraft, into: str, why: Ending, at: float) -> None:
        leg.end(at, why)
        leg.moved_to, leg.awaits_report = into, False

    # ------------------------------------------------------------ recordings

    def _recording(self, draft: CallDraft, event: ev.RecordingStarted) -> None:
        if len(draft.recordings) < MANY:
            draft.recordings[event.id] = (event.at, event.name, event.channels, 0.0, "")

    def _recorded(self, draft: CallDraft, event: ev.RecordingEnded) -> None:
        at, _, channels, _, _ = draft.recordings.get(event.id, (event.at - event.seconds, "", 1, 0.0, ""))
        if event.id in draft.recordings or len(draft.recordings) < MANY:
            draft.recordings[event.id] = (at, event.name, channels, event.seconds, event.why)


def number_of(address: str) -> str:
    """What to call back of "sip:+4930123@pbx.example.com;transport=tcp"; other addresses as they are."""
    scheme, colon, rest = address.partition(":")
    number, at, _ = rest.partition("@")
    return number if colon and at and number and scheme in ("sip", "sips", "tel") else address


def _add(items: list[Any], item: object) -> None:
    if len(items) < MANY:
        items.append(item)


def _of_a_leg(handler: Callable[[Recorder, CallDraft, Any], None]) -> Callable[[Recorder, CallDraft, Any], None]:
    """For events about one leg: nothing is done when the call has no such leg."""

    def handle(recorder: Recorder, draft: CallDraft, event: Any) -> None:  # noqa: ANN401 - any event with a leg
        if event.leg in draft.legs:
            handler(recorder, draft, event)

    return handle


_HANDLERS: Mapping[type[ev.CallEvent], Callable[[Recorder, CallDraft, Any], None]] = {
    ev.CallEnded: Recorder._ended,
    ev.CallRouted: Recorder._routed,
    ev.CallAlerting: Recorder._alerting,
    ev.CallAnswered: Recorder._answered,
    ev.CallAnnotated: Recorder._annotated,
    ev.LegRang: Recorder._rang,
    ev.LegAnswered: Recorder._leg_answered,
    ev.LegLeft: _of_a_leg(Recorder._left),
    ev.RoleChanged: _of_a_leg(Recorder._role),
    ev.CallHeld: _of_a_leg(Recorder._held),
    ev.CallSilent: _of_a_leg(Recorder._silent),
    ev.CallDigit: _of_a_leg(Recorder._digit),
    ev.LegMedia: _of_a_leg(Recorder._media),
    ev.LegHeard: _of_a_leg(Recorder._heard),
    ev.LegTransport: _of_a_leg(Recorder._transport),
    ev.LegQuality: _of_a_leg(Recorder._quality),
    ev.TransferStarted: Recorder._transferring,
    ev.TransferDone: Recorder._transferred,
    ev.TransferFailed: Recorder._transfer_failed,
    ev.InvitationFailed: Recorder._invitation_failed,
    ev.CallMerged: Recorder._merged,
    ev.CallJoined: Recorder._joined,
    ev.CallSplit: _of_a_leg(Recorder._split_off),
    ev.RecordingStarted: Recorder._recording,
    ev.RecordingEnded: Recorder._recorded,
}
