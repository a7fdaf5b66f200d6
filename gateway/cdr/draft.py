"""What is known so far of a call that goes on, and of each leg in it. Becomes a `Record` when the call is over.

All times in here are monotonic seconds; `Clock` makes wall time of them, once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.calls.causes import Ending
from gateway.calls.events import Identity
from gateway.cdr.model import Invitation, Leg, Link, Record, RecordingMade, RouteTaken, TransferMade, clean
from gateway.cdr.quality import Sound

Clock = Callable[[float], float]
"""From a moment on the gateway's monotonic clock to seconds since 1970."""

MANY = 64
"""Of any list in a record: legs, routes, transfers ... What comes beyond is left out."""


class Wall:
    """Monotonic moments as UTC, to the millisecond. `offset` is taken once a call: no step of the clock tears it."""

    def __init__(self, offset: float) -> None:
        self._offset = offset

    def at(self, moment: float) -> datetime:
        return datetime.fromtimestamp(round(moment + self._offset, 3), UTC)

    def maybe(self, moment: float | None) -> datetime | None:
        return None if moment is None else self.at(moment)


@dataclass(slots=True)
class LegDraft:
    leg: str
    direction: str
    kind: str
    started: float
    identity: Identity
    address: str = ""
    role: str = "member"
    alerted: float | None = None
    answered: float | None = None
    ended: float | None = None
    ending: Ending | None = None
    codecs: list[str] = field(default_factory=list)
    heard: float | None = None
    source: str = ""
    held: float = 0.0
    held_since: float | None = None
    holds: int = 0
    silences: int = 0
    interruptions: int = 0
    keys: int = 0
    moved_to: str = ""
    sound: Sound | None = None
    awaits_report: bool = False
    """It has media, and its last report has not come yet."""

    def hold(self, on: bool, at: float) -> None:
        if on and self.held_since is None:
            self.held_since, self.holds = at, self.holds + 1
        elif not on and self.held_since is not None:
            self.held, self.held_since = self.held + at - self.held_since, None

    def end(self, at: float, ending: Ending) -> None:
        if self.ended is None:
            self.hold(False, at)
            self.ended, self.ending = at, ending

    def copied(self, at: float) -> LegDraft:
        """The same party as it comes over into another call: what was measured goes with it, what was done does not."""
        return replace(
            self, role="member", sound=deepcopy(self.sound), codecs=list(self.codecs), started=at, alerted=None,
            answered=at, ended=None, ending=None, moved_to="", held=0.0, holds=0, held_since=None, keys=0, silences=0,
            interruptions=0,
        )  # fmt: skip

    def finish(self, wall: Wall, call_ended: float, call_ending: Ending) -> Leg:
        self.end(call_ended, call_ending)
        assert self.ended is not None and self.ending is not None
        return Leg(
            leg=self.leg,
            direction=self.direction,
            kind=self.kind,
            role=self.role,
            address=self.address,
            number=self.identity.number,
            display=self.identity.display,
            user=self.identity.user,
            started_at=wall.at(self.started),
            alerted_at=wall.maybe(self.alerted),
            answered_at=wall.maybe(self.answered),
            ended_at=wall.at(self.ended),
            ring=between(self.alerted, self.ended if self.answered is None else self.answered),
            talk=between(self.answered, self.ended),
            cause=self.ending.cause,
            status=self.ending.status,
            words=self.ending.words,
            codecs=tuple(self.codecs),
            heard_at=wall.maybe(self.heard),
            source=self.source,
            held=self.held,
            holds=self.holds,
            silences=self.silences,
            interruptions=self.interruptions,
            keys=self.keys,
            moved_to=self.moved_to,
            quality=self.sound.summary() if self.sound is not None else None,
        )


@dataclass(slots=True)
class CallDraft:
    call: str
    kind: str
    caller: Identity
    dialled: str
    started: float
    wall: Wall
    trunk: str = ""
    source: str = ""
    caller_leg: str = ""
    legs: dict[str, LegDraft] = field(default_factory=dict)
    donors: dict[str, LegDraft] = field(default_factory=dict)
    """Legs of another call that is merged into this one, until it is said which come over."""
    routes: list[tuple[float, str, tuple[str, ...], str]] = field(default_factory=list)
    recordings: dict[str, tuple[float, str, int, float, str]] = field(default_factory=dict)
    """Id -> begun, name, channels, seconds, why it ended ("" while it goes on)."""
    transfers: list[TransferDraft] = field(default_factory=list)
    links: list[tuple[float, str, str, tuple[str, ...]]] = field(default_factory=list)
    invitations: list[tuple[float, str, Ending]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    alerted: float | None = None
    answered: float | None = None
    answered_by: str = ""
    answered_kind: str = ""
    ended: float | None = None
    ending: Ending | None = None
    ended_by: str = ""
    talked: float | None = None
    trail: tuple[str, ...] = ()

    @property
    def awaits(self) -> bool:
        """Something is still to be told of it: a leg's last report, how long a recording became."""
        return any(leg.awaits_report for leg in self.legs.values()) or any(not r[4] for r in self.recordings.values())

    def finish(self, now: float, ending: Ending) -> Record:
        """`now` and `ending` serve a call that never said its own."""
        wall = self.wall
        ended = self.ended if self.ended is not None else now
        why = self.ending or ending
        winner = self.legs.get(self.answered_by)
        talk = self.talked if self.talked is not None else between(self.answered, ended)
        began, waited_until = wall.at(self.started), ended if self.answered is None else self.answered
        return Record(
            id=record_id(began, self.call),
            call=self.call,
            kind=self.kind,
            direction=self._direction(),
            caller_number=self.caller.number,
            caller_display=self.caller.display,
            caller_user=self.caller.user,
            dialled=self.dialled,
            route=self.routes[-1][1] if self.routes else "",
            trunk=self.trunk,
            trunk_out=self._trunk_out(),
            source=self.source,
            started_at=began,
            alerted_at=wall.maybe(self.alerted),
            answered_at=wall.maybe(self.answered),
            ended_at=wall.at(ended),
            duration=ended - self.started,
            ring=between(self.alerted, waited_until),
            wait=waited_until - self.started,
            talk=talk,
            answered_by=self.answered_by,
            answered_kind=self.answered_kind,
            answered_user=winner.identity.user if winner is not None else None,
            answered_number=winner.identity.number if winner is not None else "",
            cause=why.cause,
            status=why.status,
            words=why.words,
            ended_by=self.ended_by,
            hung_up=self._hung_up(),
            recordings=tuple(
                RecordingMade(id=id, name=name, channels=channels, started_at=wall.at(at), seconds=seconds, why=end)
                for id, (at, name, channels, seconds, end) in self.recordings.items()
            ),
            transfers=tuple(t.finish(wall) for t in self.transfers),
            links=tuple(Link(at=wall.at(at), how=how, call=other, legs=legs) for at, how, other, legs in self.links),
            routes=tuple(
                RouteTaken(at=wall.at(at), route=route, targets=targets, because=because)
                for at, route, targets, because in self.routes
            ),
            invitations=tuple(
                Invitation(at=wall.at(at), to=to, cause=e.cause, status=e.status, words=e.words)
                for at, to, e in self.invitations
            ),
            trail=self.trail[:MANY],
            metadata=self.metadata,
            legs=tuple(leg.finish(wall, ended, why) for leg in self.legs.values()),
        )

    def _hung_up(self) -> str:
        if not self.ended_by:
            return "gateway"
        return "caller" if self.ended_by == self.caller_leg else "callee"

    def _direction(self) -> str:
        from_outside = bool(self.trunk) or (self.caller.user is None and self.kind != "api")
        called = [leg for leg in self.legs.values() if leg.direction == "out"]
        took = [leg for leg in called if leg.answered is not None] or called
        to_outside = any(leg.kind == "sip" and leg.identity.user is None for leg in took)
        if from_outside:
            return "transit" if to_outside else "inbound"
        return "outbound" if to_outside else "internal"

    def _trunk_out(self) -> str:
        """The last route that led to a trunk says which; legs bear addresses only."""
        if all(
            leg.identity.user is not None or leg.kind != "sip" for leg in self.legs.values() if leg.direction == "out"
        ):
            return ""
        for _, _, targets, _ in reversed(self.routes):
            for target in targets:
                if target.startswith("trunk:"):
                    return target.removeprefix("trunk:").partition("/")[0]
        return ""


@dataclass(slots=True)
class TransferDraft:
    at: float
    leg: str
    to: str
    by: str = ""
    result: str = ""
    ending: Ending | None = None

    def finish(self, wall: Wall) -> TransferMade:
        why = self.ending
        return TransferMade(
            at=wall.at(self.at), leg=self.leg, to=self.to, by=self.by, result=self.result,
            cause=why.cause if why else "", status=why.status if why else None, words=why.words if why else "",
        )  # fmt: skip


def between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def record_id(began: datetime, call: str) -> str:
    """Readable, unique, and sorted by time: live calls' ids are short and come again after some years."""
    return f"{began:%Y%m%d-%H%M%S}{began.microsecond // 1000:03d}-{clean(call)[:64]}"
