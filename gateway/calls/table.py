"""All live calls: by id, by leg, by user; and the one deadline that wakes them.

The same five verbs as a call, for many. What a call wants done comes out with the call's id, so that the runtime can
keep each call's effects in order without one call waiting for another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from . import commands as cmd
from . import effects as fx
from . import events as ev
from .allowance import Allowance
from .call import Call
from .causes import Ending, ending
from .errors import BadTarget, CommandRefused, NoSuchCall, NotNow, NotTaken
from .plans import target_of
from .ports import Directory
from .router import Router
from .settings import CallSettings
from .states import State

DRAINING = "The gateway is about to be stopped and takes no new calls. Try again in a minute."
BURST = 3.0
"""Seconds of `call_rate` that may come at once."""


class CallTable:
    def __init__(self, settings: CallSettings, router: Router, directory: Directory, new_id: Callable[[], str]) -> None:
        self.stopping = self.draining = False
        self._settings, self._router, self._directory, self._new_id = settings, router, directory, new_id
        self._calls: dict[str, Call] = {}
        self._placed: dict[str, Allowance] = {}
        self._news: deque[ev.CallEvent] = deque()
        self._moved: dict[str, str] = {}
        """Legs that have gone over into another call than the one that named them: leg -> call."""
        self._rooms: dict[str, str] = {}
        """Conferences by name: the call that is the room."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def get(self, call: str) -> Call | None:
        return self._calls.get(call)

    def of_leg(self, leg: str) -> Call | None:
        """Leg ids begin with their first call's id and a dash."""
        return self._calls.get(self._moved.get(leg) or leg.partition("-")[0])

    def calls_of(self, user: str, besides: str = "") -> int:
        """In how many live calls a user is, or is being rung."""
        return sum(
            any(p.identity.user == user for p in call.parties.values())
            for call in self._calls.values()
            if call.id != besides
        )

    def incoming(self, event: ev.Incoming) -> Call:
        """A new call. It does nothing before `begin`, so that its leg can be given a name first."""
        return self._new(self._new_id(), event)

    def _new(self, id: str, origin: ev.Incoming | cmd.Place) -> Call:
        call = self._calls[id] = Call(
            id,
            origin,
            settings=self._settings,
            router=self._router,
            directory=self._directory,
            room=lambda user: self.calls_of(user, besides=id) < self._settings.max_calls_per_user,
        )
        return call

    def place(self, order: cmd.Place, now: float) -> Call:
        """A call that a program wants. Raises BadTarget, NotTaken."""
        if target_of(order.first).kind in ("app", "conference"):
            raise BadTarget(f"{order.first} is no person to be called first. Call somebody, and connect them with it.")
        target_of(order.then)
        if (closed := self._closed()) is not None:
            raise NotTaken(closed.words)
        if len(self._calls) >= self._settings.max_calls:
            raise NotTaken(ending("full").words)
        call = self._new(self._new_id(), order)
        self.begin(call, now)
        return call

    def merge(self, order: cmd.Merge, now: float) -> None:
        """Take all parties of one live call into another. Raises NoSuchCall, NotNow."""
        into, other = self._live(order.call, now), self._live(order.other, now)
        if into is other:
            raise NotNow("A call cannot be joined with itself.")
        staying = [p for call in (into, other) for p in call.talkers() if p.leg not in order.drop]
        if len(staying) < 2:
            raise NotNow("Fewer than two parties would be left to talk.")
        parties = other.hand_over(into.id, order.drop, order.cause)
        for party in parties:
            self._moved[party.leg] = into.id
        into.take_over(other.id, parties)
        into.drop(order.drop, order.cause)
        self._collect(other)
        self._collect(into)

    def split(self, order: cmd.Split, now: float) -> Call:
        """Give one party a call of its own again. Raises NoSuchCall, NoSuchLeg, NotNow."""
        call = self._live(order.call, now)
        party = call.party_up(order.leg)
        if order.new in self._calls:
            raise NotNow(f"There is a call {order.new} already.")
        origin = ev.Incoming(party.kind, party.address, party.identity, "app:park")
        new = self._new(order.new, origin)
        new.now = now
        self._moved[order.leg] = new.id
        new.receive_party(call.let_go(order.leg, new.id), "park")
        self._collect(call)
        self._collect(new)
        return new

    def _live(self, id: str, now: float) -> Call:
        call = self._calls.get(id)
        if call is None:
            raise NoSuchCall(f"There is no live call {id}. It is over, or never was.")
        call.now = now
        call.connected()
        return call

    def begin(self, call: Call, now: float) -> None:
        call.begin(now, self._refusal(call, now))
        self._collect(call)

    def receive(self, event: ev.LegEvent, now: float) -> Call | None:
        """Tell the leg's call. None: that call is long over."""
        call = self.of_leg(event.leg)
        if call is not None:
            call.receive(event, now)
            self._collect(call)
        return call

    def command(self, call: Call, command: cmd.Command, now: float) -> None:
        """What a party asks: hanging up and asking cross each other every day, so a refusal means nothing."""
        with suppress(CommandRefused):
            self.order(call, command, now)

    def order(self, call: Call, command: cmd.Command, now: float) -> None:
        """What a program asks. Raises CommandRefused."""
        try:
            call.command(command, now)
        finally:
            self._collect(call)

    def drained(self, call: Call, now: float) -> None:
        call.drained(now)
        self._collect(call)
        if call.state is State.ENDED:
            self._calls.pop(call.id, None)
            self._moved = {leg: id for leg, id in self._moved.items() if id != call.id}
            self._rooms = {room: id for room, id in self._rooms.items() if id != call.id}

    def drain(self) -> None:
        """Take no more calls; those that live go on."""
        self.draining = True

    def stop(self, now: float) -> None:
        """End every call and take no more."""
        self.stopping = True
        for call in self:
            self.command(call, cmd.HangUp(cause="stopping"), now)

    def outgoing(self) -> list[tuple[Call, list[fx.Effect]]]:
        return [(call, effects) for call in self if (effects := call.outgoing())]

    def wake_at(self) -> float | None:
        return min((at for call in self._calls.values() if (at := call.wake_at()) is not None), default=None)

    def wake(self, now: float) -> None:
        for call in self:
            at = call.wake_at()
            if at is not None and at <= now:
                call.wake(now)
                self._collect(call)

    def next_event(self) -> ev.CallEvent | None:
        return self._news.popleft() if self._news else None

    def _collect(self, call: Call) -> None:
        while (news := call.next_event()) is not None:
            self._news.append(news)
        if call.app.startswith("conference:"):
            self._enter_room(call)
        while call.wishes:
            self._fulfil(call, call.wishes.pop(0))

    def _enter_room(self, call: Call) -> None:
        """The first caller's call is the room; all others go over into it."""
        if call.state is not State.CONNECTED:
            return
        holder = self._calls.get(self._rooms.setdefault(call.app, call.id))
        if holder is None or holder.state is not State.CONNECTED:
            self._rooms[call.app] = call.id
        elif holder is not call:
            self.merge(cmd.Merge(holder.id, call.id), call.now)

    def _fulfil(self, call: Call, wish: cmd.Merge) -> None:
        try:
            self.merge(wish, call.now)
        except CommandRefused as refused:
            call.refuse_transfer(wish.drop[0], refused.words)

    def _may_place(self, call: Call, now: float) -> bool:
        user = call.caller.identity.user
        if user is None:
            return True
        rate = self._settings.call_rate
        for name in [name for name, allowance in self._placed.items() if allowance.full(now)]:
            del self._placed[name]
        return bool(self._placed.setdefault(user, Allowance(max(1.0, BURST * rate), rate)).take(1, now))

    def _closed(self) -> Ending | None:
        if self.stopping:
            return ending("stopping")
        return ending("stopping", DRAINING) if self.draining else None

    def _refusal(self, call: Call, now: float) -> Ending | None:
        if (closed := self._closed()) is not None:
            return closed
        if len(self._calls) > self._settings.max_calls:
            return ending("full")
        if not self._may_place(call, now):
            return ending("full", "Too many calls in a short time. Wait a moment.")
        user, limit = call.caller.identity.user, self._settings.max_calls_per_user
        if user is not None and self.calls_of(user, besides=call.id) >= limit:
            return ending("busy", f"You are already in as many calls as allowed ({limit}). Hang up one of them.")
        return None
