"""Pages: the hub's sessions <-> call events.

A call of the page's has an id of its session's making, a call to a page goes by its leg id; `_calls` and `_legs` know
which is which. A page whose socket is gone keeps its calls for the resume window, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import Ending
from gateway.calls.errors import CommandRefused
from gateway.calls.ports import Contact, Control
from gateway.calls.view import PartyView
from signaling.browser import events as br
from signaling.browser.hub import Hub
from signaling.browser.session import Session
from signaling.browser.table import SessionState


@dataclass(slots=True)
class _Leg:
    session: Session
    call: str
    """The gateway's id of the call within the session."""
    described: bool = False
    """Our answer has been sent."""
    unseen: bool = False
    """It rings at a page that is away: nobody sees it yet."""


class BrowserDriver:
    """Driver and Screen (`calls.ports`) over a hub. `flush` sends what the sessions have to say."""

    def __init__(self, hub: Hub, control: Control, flush: Callable[[], None] = lambda: None) -> None:
        self._hub, self._control, self.flush = hub, control, flush
        self.on_report: Callable[[str, str, str], None] = lambda leg, code, detail: None
        """What a page says of itself: the leg, what is wrong (a code of the protocol), details."""
        self._legs: dict[str, _Leg] = {}
        self._calls: dict[str, str] = {}

    # ------------------------------------------------------------ who is there

    def contacts(self, user: str) -> list[Contact]:
        """Pages that are there; when none is, those that may come back (a reload takes a second)."""
        sessions = self._hub.sessions_of(user)
        there = [s for s in sessions if s.state is SessionState.OPEN]
        return [Contact("browser", s.id, s.user) for s in there or sessions]

    # ------------------------------------------------------------ from pages

    def on_event(self, session: Session, event: br.BrowserEvent) -> None:
        match event:
            case br.CallRequested():
                self._dialled(session, event)
            case br.SessionClosed(why=_, calls=calls):
                for call in calls:
                    self._tell(call, lambda leg: ev.HungUp(leg, "browser-lost"))
            case br.SessionResumed():
                self._seen(session)
            case br.SessionOpened() | br.SessionLost():
                pass
            case br.CandidateTrickled(call=call, candidate=candidate):
                if leg := self._calls.get(call):
                    self._control.candidate(leg, candidate)
            case br.CallAnswered(call=call, sdp=sdp):
                self._tell(call, ev.Answered, sdp)
            case br.Offered(call=call, sdp=sdp):
                self._tell(call, ev.Reoffered, sdp)
            case br.OfferAnswered(call=call, sdp=sdp):
                self._tell(call, ev.AnswerArrived, sdp)
            case br.CallDeclined(call=call, busy=busy):
                self._tell(call, lambda leg: ev.Rejected(leg, "busy" if busy else "declined"))
            case br.HungUp(call=call):
                self._tell(call, ev.HungUp)
            case br.MuteChanged(call=call, on=on):
                self._ask(call, lambda leg: cmd.Mute(leg, on))
            case br.HoldChanged(call=call, on=on):
                self._ask(call, lambda leg: cmd.Hold(leg, on))
            case br.Reported(call=call, code=code, detail=detail):
                if leg := self._calls.get(call):
                    self.on_report(leg, code, detail)
            case br.TransferWished(call=call, to=to):
                self._wish(call, lambda leg: cmd.Transfer(leg, to))
            case br.AddWished(call=call, to=to):
                self._wish(call, lambda leg: cmd.Add(to), to)
            case br.ConnectWished(call=call, other=other):
                self._merge(call, other, leave=True)
            case br.JoinWished(call=call, other=other):
                self._merge(call, other, leave=False)
            case br.DigitsDialled(call=call, digits=digits):
                self._ask(call, lambda leg: cmd.SendDigits(leg, digits))

    def _dialled(self, session: Session, event: br.CallRequested) -> None:
        identity = session.identity
        caller = ev.Identity(identity.extension or identity.user, identity.display, identity.user)
        leg = self._control.incoming(ev.Incoming("browser", session.id, caller, event.to), event.sdp.encode())
        self._know(leg, _Leg(session, event.call))

    def _seen(self, session: Session) -> None:
        for leg, known in list(self._legs.items()):
            if known.session is session and known.unseen:
                known.unseen = False
                self._control.tell(ev.Ringing(leg))

    def _tell(self, call: str, event: Callable[[str], ev.LegEvent], sdp: str = "") -> None:
        if leg := self._calls.get(call):
            self._control.tell(event(leg), sdp.encode())

    def _ask(self, call: str, command: Callable[[str], cmd.Command]) -> None:
        if leg := self._calls.get(call):
            self._control.ask(leg, command(leg))

    def _wish(self, call: str, command: Callable[[str], cmd.Command], to: str = "") -> None:
        """What a person asks who is to be told when it cannot be."""
        if leg := self._calls.get(call):
            try:
                self._control.wish(leg, command(leg))
            except CommandRefused as refused:
                words = refused.words
                self._say(leg, lambda s, wire: s.transfer(wire, "failed", to, words))

    def _merge(self, call: str, other: str, *, leave: bool) -> None:
        """Join the two calls of a page: without it, or with it once."""
        first, second = self._calls.get(call), self._calls.get(other)
        if not first or not second:
            return
        try:
            self._control.join(first, second, leave=leave)
        except CommandRefused as refused:
            words = refused.words
            self._say(first, lambda s, wire: s.transfer(wire, "failed", "", words))

    # ------------------------------------------------------------ to pages

    def ring(
        self,
        leg: str,
        address: str,
        user: str | None,
        caller: ev.Identity,
        body: bytes,
        hops: int = 70,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        session = self._hub.session(address)
        if session is None or not session.incoming(leg, caller.number, caller.display, body.decode()):
            self._control.tell(ev.Rejected(leg, "not-registered" if session is None else "busy"))
            return
        away = session.state is not SessionState.OPEN
        self._know(leg, _Leg(session, leg, unseen=away))
        self.flush()
        if not away:
            self._control.tell(ev.Ringing(leg))

    def progress(self, leg: str, stage: str, body: bytes) -> None:
        self._say(leg, lambda s, call: s.progress(call, stage, self._once(leg, body) if stage == "early" else None))

    def answer(self, leg: str, body: bytes) -> None:
        self._say(leg, lambda s, call: s.answered(call, self._once(leg, body)))

    def reject(self, leg: str, ending: Ending) -> None:
        self._say(leg, lambda s, call: s.ended(call, ending.cause, ending.words, ending.status))

    cancel = reject
    hang_up = reject

    def reoffer(self, leg: str, body: bytes) -> None:
        self._say(leg, lambda s, call: s.sdp_offer(call, body.decode()))

    def answer_reoffer(self, leg: str, body: bytes) -> None:
        self._say(leg, lambda s, call: s.sdp_answer(call, body.decode()))

    def refuse_reoffer(self, leg: str, status: int) -> None:
        self.show_media(leg, "failed")

    def show_transfer(self, leg: str, to: str, state: str, ending: Ending) -> None:
        self._say(leg, lambda s, call: s.transfer(call, state, to, ending.words if state == "failed" else ""))

    def release(self, leg: str) -> None:
        known = self._legs.pop(leg, None)
        if known is not None:
            self._calls.pop(known.call, None)

    def show_peers(self, leg: str, peers: Sequence[PartyView]) -> None:
        shown: list[dict[str, object]] = [
            {
                "leg": peer.leg,
                "number": peer.identity.number,
                "display": peer.identity.display or peer.identity.number,
                "state": peer.phase if peer.phase == "up" else "ringing",
            }
            for peer in peers
        ]
        self._say(leg, lambda s, call: s.peers(call, shown))

    def show_held(self, leg: str, by: str, on: bool) -> None:
        self._say(leg, lambda s, call: s.held(call, by, on))

    def show_digit(self, leg: str, key: str) -> None:
        self._say(leg, lambda s, call: s.dtmf(call, key))

    def show_media(self, leg: str, state: str) -> None:
        self._say(leg, lambda s, call: s.media(call, state))

    def show_quality(self, leg: str, figures: Mapping[str, object]) -> None:
        self._say(leg, lambda s, call: s.quality(call, figures))

    def candidate(self, leg: str, candidate: str | None) -> None:
        self._say(leg, lambda s, call: s.candidate(call, candidate))

    # ------------------------------------------------------------ which is which

    def _know(self, leg: str, known: _Leg) -> None:
        self._legs[leg] = known
        self._calls[known.call] = leg

    def _say(self, leg: str, say: Callable[[Session, str], object]) -> None:
        known = self._legs.get(leg)
        if known is not None:
            say(known.session, known.call)
            self.flush()

    def _once(self, leg: str, body: bytes) -> str | None:
        """Our answer, the first time it is wanted."""
        known = self._legs[leg]
        if known.described or not body:
            return None
        known.described = True
        return body.decode()
