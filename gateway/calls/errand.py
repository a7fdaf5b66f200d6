"""Calling somebody into a live call: for a conference, a supervisor, or in place of a party that transfers the call.

    CALLING ──> JOINING ──> OVER

CALLING    targets are rung, group after group, as a call's own are.
JOINING    one has picked up and its answer is being applied.
OVER       it is in the call, or nobody answered, or nobody is wanted any more.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from .causes import Ending, ending
from .events import Identity
from .hunt import Hunt
from .party import Party, Phase, Role

if TYPE_CHECKING:
    from .live import Live


class State(Enum):
    CALLING = "calling"
    JOINING = "joining"
    OVER = "over"


class On(Enum):
    PICKED_UP = "a target answers"
    READY = "its answer is applied"
    FELL_OUT = "a target falls out, others may still answer"
    WINNER_FELL_OUT = "the one that had answered falls out"
    TIMED_OUT = "nobody answered in time"
    END = "nobody is wanted any more"


class Do(Enum):
    APPLY_ANSWER = "apply its answer"
    DROP_LATE = "hang up: another was first"
    HUNT_ON = "the next targets, once nobody is left who might answer"
    GIVE_UP_GROUP = "stop ringing these"
    JOIN = "let it take part"
    DISMISS_ALL = "stop ringing everybody"


S = State
ERRAND: dict[State, dict[On, tuple[State, tuple[Do, ...]]]] = {
    S.CALLING: {
        On.PICKED_UP: (S.JOINING, (Do.APPLY_ANSWER,)),
        On.FELL_OUT: (S.CALLING, (Do.HUNT_ON,)),
        On.TIMED_OUT: (S.CALLING, (Do.GIVE_UP_GROUP, Do.HUNT_ON)),
        On.END: (S.OVER, (Do.DISMISS_ALL,)),
    },
    S.JOINING: {
        On.PICKED_UP: (S.JOINING, (Do.DROP_LATE,)),
        On.READY: (S.OVER, (Do.JOIN, Do.DISMISS_ALL)),
        On.FELL_OUT: (S.JOINING, ()),
        On.WINNER_FELL_OUT: (S.CALLING, (Do.HUNT_ON,)),
        On.TIMED_OUT: (S.CALLING, (Do.GIVE_UP_GROUP, Do.HUNT_ON)),
        On.END: (S.OVER, (Do.DISMISS_ALL,)),
    },
    S.OVER: {},
}


class Errand:
    """`room` is the call. What came of it is told by `room.errand_over(self, party | None, why)`, once."""

    def __init__(
        self,
        id: str,
        room: Live,
        hunt: Hunt,
        to: str,
        *,
        role: Role = Role.MEMBER,
        whisper_to: str | None = None,
        replaces: Party | None = None,
        timeout: float | None = None,
        caller: Identity | None = None,
    ) -> None:
        self.id, self.hunt, self.to = id, hunt, to
        self.role, self.whisper_to = role, whisper_to
        self.replaces = replaces
        """Who gives its place to whoever answers."""
        self.caller = caller
        """Who its targets are told is calling; None: who called."""
        self.state = State.CALLING
        self._room, self._timeout = room, timeout
        self._winner: Party | None = None

    def begin(self) -> None:
        self._hunt_on(None)

    def feed(self, on: On, party: Party | None = None) -> None:
        """One input through the table; what is over hears nothing more."""
        step = ERRAND[self.state].get(on)
        if step is None:
            return
        self.state, actions = step
        for action in actions:
            _ACTIONS[action](self, party)

    def fell_out(self, party: Party, why: Ending) -> None:
        if party.target is not None:
            self.hunt.fell_out(party.target, why)
        self.feed(On.WINNER_FELL_OUT if party is self._winner else On.FELL_OUT, party)

    def _parties(self) -> list[Party]:
        """Those rung for it that are not in the call yet."""
        return [p for p in self._room.parties.values() if p.errand == self.id and p.phase is not Phase.UP]

    def _hunt_on(self, _: Party | None) -> None:
        self._winner = None
        if self._parties():
            return
        if self.hunt.search(lambda group: self._room.call_group(self.hunt, group, self), lambda: None):
            self._arm(self._timeout or self.hunt.plan.timeout or self._room.settings.ring_timeout)
            return
        self.state = State.OVER
        self._disarm()
        self._room.errand_over(self, None, self.hunt.verdict)

    def _apply_answer(self, party: Party | None) -> None:
        assert party is not None
        self._winner = party
        self._arm(self._room.settings.setup_timeout)
        if party.has_device:
            self._room.settle(party)
        else:
            self.feed(On.READY, party)

    def _drop_late(self, party: Party | None) -> None:
        assert party is not None
        self._room.dismiss(party, ending("answered-elsewhere"))

    def _give_up_group(self, _: Party | None) -> None:
        for party in self._parties():
            self._room.dismiss(party, party.gave_no_answer)
            if party.target is not None:
                self.hunt.fell_out(party.target, party.gave_no_answer)

    def _join(self, party: Party | None) -> None:
        assert party is not None
        self._disarm()
        party.phase = Phase.UP
        self._room.errand_over(self, party, ending("normal"))

    def _dismiss_all(self, _: Party | None) -> None:
        self._disarm()
        for party in self._parties():
            self._room.dismiss(party, ending("answered-elsewhere" if self._winner else "cancelled"))

    def _arm(self, seconds: float) -> None:
        self._room.alarm(f"errand:{self.id}", seconds)

    def _disarm(self) -> None:
        self._room.alarm(f"errand:{self.id}", None)


_ACTIONS: dict[Do, Callable[[Errand, Party | None], None]] = {
    Do.APPLY_ANSWER: Errand._apply_answer,
    Do.DROP_LATE: Errand._drop_late,
    Do.HUNT_ON: Errand._hunt_on,
    Do.GIVE_UP_GROUP: Errand._give_up_group,
    Do.JOIN: Errand._join,
    Do.DISMISS_ALL: Errand._dismiss_all,
}
