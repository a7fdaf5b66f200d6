"""A call and a hand-cranked world around it: effects are kept, phones answer when the test says so."""

from __future__ import annotations

from contextlib import suppress

from gateway.calls import commands as cmd
from gateway.calls import effects as fx
from gateway.calls import events as ev
from gateway.calls.call import Call
from gateway.calls.errors import CommandRefused
from gateway.calls.ports import Contact
from gateway.calls.router import Account, Route, Router, Target
from gateway.calls.settings import CallSettings
from gateway.calls.states import State

ALICE_PAGE = Contact("browser", "s-alice", "alice")
BOB_PAGE = Contact("browser", "s-bob", "bob")
BOB_PHONE = Contact("sip", "sip:bob@192.0.2.7", "bob")
CAROL_PHONE = Contact("sip", "sip:carol@192.0.2.8", "carol")

USERS = [Account("alice", "101"), Account("bob", "102"), Account("carol", "103"), Account("dave", "104")]


def route(pattern: str, *targets: str, **more) -> Route:
    forwards = {k: Target.parse(v) for k, v in more.items() if k.startswith("on_")}
    rest = {k: v for k, v in more.items() if not k.startswith("on_")}
    return Route(pattern, tuple(Target.parse(t) for t in targets), **rest, **forwards)


class Directory:
    def __init__(self, *contacts: Contact) -> None:
        self.known = list(contacts or (ALICE_PAGE, BOB_PAGE, BOB_PHONE, CAROL_PHONE))

    def contacts(self, user: str) -> list[Contact]:
        return [c for c in self.known if c.user == user]


class World:
    """One call from alice's page (or a phone). `ready` makes media agree at once, as it mostly does."""

    def __init__(
        self, dialled="102", *, kind="browser", routes=(), contacts=(), settings=None, room=True, ready=True, hops=70
    ):
        self.now = 100.0
        self.ready = ready
        self.done: list[fx.Effect] = []
        self.news: list[ev.CallEvent] = []
        address = "s-alice" if kind == "browser" else "sip:alice@192.0.2.9"
        self.call = Call(
            "c1",
            ev.Incoming(kind, address, ev.Identity("101", "Alice", "alice"), dialled, hops),
            settings=settings or CallSettings(),
            router=Router(list(routes), USERS),
            directory=Directory(*contacts),
            room=lambda user: room,
        )
        self.call.begin(self.now)
        self.pump()

    def pump(self) -> None:
        while effects := self.call.outgoing():
            for effect in effects:
                self.done.append(effect)
                if self.ready and isinstance(effect, fx.AcceptOffer | fx.Settle):
                    self.call.receive(ev.Ready(effect.leg), self.now)
                if self.ready and isinstance(effect, fx.Finish):
                    self.call.drained(self.now)
        while (event := self.call.next_event()) is not None:
            self.news.append(event)

    def tell(self, *events: ev.LegEvent) -> World:
        for event in events:
            self.call.receive(event, self.now)
            self.pump()
        return self

    def ask(self, *commands: cmd.Command) -> World:
        for command in commands:
            with suppress(CommandRefused):
                self.call.command(command, self.now)
            self.pump()
        return self

    def later(self, seconds: float) -> World:
        """Time passes, every deadline on its way is kept."""
        until = self.now + seconds
        while (at := self.call.wake_at()) is not None and at <= until:
            self.now = max(self.now, at)
            self.call.wake(self.now)
            self.pump()
        self.now = until
        return self

    def answered(self, leg="c1-b1") -> World:
        return self.tell(ev.Ringing(leg), ev.Answered(leg))

    def took(self, *kinds: type) -> list[fx.Effect]:
        return [e for e in self.done if isinstance(e, kinds)]

    def last(self, kind: type) -> fx.Effect:
        return self.took(kind)[-1]

    @property
    def graph(self) -> dict:
        return self.last(fx.Wire).graph

    @property
    def state(self) -> State:
        return self.call.state

    @property
    def ended(self) -> ev.CallEnded:
        (event,) = [n for n in self.news if isinstance(n, ev.CallEnded)]
        return event
