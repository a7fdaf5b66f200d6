"""Many calls and a hand-cranked world around them: as `world`, for what needs the table of all calls."""

from __future__ import annotations

from itertools import count

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.call import Call
from gateway.calls.router import Router
from gateway.calls.settings import CallSettings
from gateway.calls.table import CallTable
from tests.gateway.calls.world import USERS, Directory

PROGRAM = ev.Identity("api", "A program")


class Office:
    """Media agrees at once; phones answer when the test says so."""

    def __init__(self, *, routes=(), contacts=(), **settings) -> None:
        numbers = count(1)
        self.now = 100.0
        self.done: list[tuple[str, fx.Effect]] = []
        self.news: list[ev.CallEvent] = []
        self.table = CallTable(
            CallSettings(**settings), Router(list(routes), USERS), Directory(*contacts), lambda: f"c{next(numbers)}"
        )

    # ---- what happens

    def dial(self, dialled: str, *, user="alice", kind="browser", address=None) -> str:
        """The new call's id."""
        identity = ev.Identity({"alice": "101", "bob": "102", "carol": "103"}.get(user, user), user.title(), user)
        call = self.table.incoming(ev.Incoming(kind, address or f"s-{user}", identity, dialled))
        self.table.begin(call, self.now)
        self.pump()
        return call.id

    def place(self, first: str, then: str, **more) -> str:
        call = self.table.place(cmd.Place(first, then, more.pop("caller", PROGRAM), **more), self.now)
        self.pump()
        return call.id

    def talk(self, dialled="102", **more) -> str:
        """A call that is connected."""
        call = self.dial(dialled, **more)
        return self.answer(f"{call}-b1") and call

    def answer(self, leg: str) -> Office:
        return self.tell(ev.Ringing(leg), ev.Answered(leg))

    def tell(self, *events: ev.LegEvent) -> Office:
        for event in events:
            self.table.receive(event, self.now)
            self.pump()
        return self

    def order(self, call: str, *commands: cmd.Command) -> Office:
        for command in commands:
            try:
                self.table.order(self.call(call), command, self.now)
            finally:
                self.pump()
        return self

    def merge(self, call: str, other: str, *drop: str) -> Office:
        self.table.merge(cmd.Merge(call, other, drop), self.now)
        self.pump()
        return self

    def later(self, seconds: float) -> Office:
        until = self.now + seconds
        while (at := self.table.wake_at()) is not None and at <= until:
            self.now = max(self.now, at)
            self.table.wake(self.now)
            self.pump()
        self.now = until
        return self

    def pump(self) -> None:
        while outgoing := self.table.outgoing():
            for call, effects in outgoing:
                for effect in effects:
                    self.done.append((call.id, effect))
                    if isinstance(effect, fx.AcceptOffer | fx.Settle):
                        self.table.receive(ev.Ready(effect.leg), self.now)
                    if isinstance(effect, fx.Finish):
                        self.table.drained(call, self.now)
        while (event := self.table.next_event()) is not None:
            self.news.append(event)

    # ---- what came of it

    def call(self, id: str) -> Call:
        call = self.table.get(id)
        assert call is not None, f"{id} is over"
        return call

    def took(self, *kinds: type) -> list[fx.Effect]:
        return [effect for _, effect in self.done if isinstance(effect, kinds)]

    def played(self) -> list[fx.Play]:
        """What programs and applications let be heard; not the tones that calls play by themselves."""
        return [effect for effect in self.took(fx.Play) if "-play" in effect.leg]

    def rung(self) -> list[str]:
        return [effect.leg for effect in self.took(fx.Ring)]

    def heard(self, *kinds: type) -> list[ev.CallEvent]:
        return [event for event in self.news if isinstance(event, kinds)]

    def graph(self, call: str) -> dict:
        """Who hears whom in this call now."""
        return [dict(e.graph) for id, e in self.done if id == call and isinstance(e, fx.Wire)][-1]

    def source(self, player: str) -> str:
        return next(e.source for e in self.took(fx.Play) if e.leg == player)

    def balanced(self) -> bool:
        """Every leg, player and recorder has been released exactly once."""
        made = [e.leg for e in self.took(fx.AcceptOffer, fx.Ring, fx.Play, fx.Record)]
        released = [e.leg for e in self.took(fx.Release)]
        return sorted(made) == sorted(released) and len(self.table) == 0
