"""One page's conversation. It outlives its sockets: verbs of the gateway and messages of the page meet here.

The gateway's verbs (`incoming`, `progress`, `answered`, `ended` ...) may be used at any time, with or without a
socket: what they say is numbered, kept until acknowledged, and replayed on resume. A verb about a call that is over
is ignored and counted, as a hang-up of the page's may be on its way to the gateway while the verb is on its way here;
each verb tells whether it was used.

What the page does comes out of `Hub.next_event()`.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from signaling.browser import events, messages
from signaling.browser.call import Call
from signaling.browser.config import BrowserConfig
from signaling.browser.errors import BrowserError, DuplicateCall, NoSuchCall, ResumeRefused, TooManyCalls
from signaling.browser.outbox import Outbox
from signaling.browser.schema import encode
from signaling.browser.table import SESSION, CallInput, CallState, SessionInput, SessionState


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token stands for."""

    user: str
    display: str = ""
    extension: str | None = None


class Wire(Protocol):
    """The socket a session is attached to."""

    def queue(self, text: str) -> None: ...

    def close(self, why: BrowserError) -> None: ...


class Owner(Protocol):
    """What a session asks of the hub."""

    fresh: list[Call]

    def emit(self, session: Session, event: events.BrowserEvent) -> None: ...

    def late(self, verb: str) -> None: ...


class Session:
    """Made by the hub. `id` is unique in the gateway."""

    def __init__(
        self,
        session_id: str,
        identity: Identity,
        secret: str,
        config: BrowserConfig,
        owner: Owner,
    ) -> None:
        self.id = session_id
        self.identity = identity
        self.user = identity.user
        self.display = identity.display or identity.user
        self.state = SessionState.OPEN
        self.secret = secret
        self.expires_at: float | None = None
        """While AWAY: when the window is over."""
        self.received = 0
        """The last number heard from the page."""
        self.wire: Wire | None = None
        self._config = config
        self._owner = owner
        self._calls: dict[str, Call] = {}  # by the gateway's id
        self._outbox = Outbox(config.outbox_messages, config.outbox_characters)

    def __str__(self) -> str:
        return f"{self.user} ({self.id[:6]}, {self.state.value}, {len(self._calls)} calls)"

    @property
    def calls(self) -> tuple[str, ...]:
        """Ids of the living calls."""
        return tuple(self._calls)

    # -- sockets: used by link and hub -------------------------------------------------------------

    def step(self, what: SessionInput) -> bool:
        """Obey the table; False where it has no such row."""
        if (state := SESSION[self.state].get(what)) is None:
            return False
        self.state = state
        return True

    def attach(self, wire: Wire) -> None:
        self.wire = wire
        self.expires_at = None

    def detach(self, now: float) -> None:
        """The socket is gone: the window opens."""
        self.wire = None
        if self.step(SessionInput.LOST):
            self.expires_at = now + self._config.resume_window
            self._emit(events.SessionLost())

    def check(self, secret: str) -> None:
        """Raises ResumeRefused."""
        if not hmac.compare_digest(secret, self.secret):
            raise ResumeRefused("This session belongs to somebody else. Sign in.")

    def missed(self, ack: int) -> list[str]:
        """What to replay for a page that has everything up to `ack`. Raises ResumeGap."""
        missed = self._outbox.since(ack)
        self._outbox.acknowledge(ack)
        return missed

    def acknowledge(self, ack: int) -> None:
        self._outbox.acknowledge(ack)

    def resumed(self, reloaded: bool) -> None:
        self.step(SessionInput.RESUMED)
        self._emit(events.SessionResumed(reloaded))

    def forget(self) -> None:
        """The page was reloaded: both sides number from 1 again."""
        self._outbox.clear()
        self.received = 0

    def snapshot(self, now: float) -> list[dict[str, object]]:
        """The living calls, for a page that knows nothing."""
        return [call.snapshot(now) for call in self._calls.values()]

    def finish(self, what: SessionInput, why: str) -> None:
        """The session is over, and its calls with it."""
        if self.step(what):
            calls, self.wire, self.expires_at = self.calls, None, None
            self._calls.clear()
            self._emit(events.SessionClosed(why, calls))

    # -- from the page -----------------------------------------------------------------------------

    def receive(self, message: messages.PageMessage, seq: int | None, now: float) -> None:
        """One message of the page's. A number heard before is a replay and does nothing. Raises BrowserError."""
        if seq is not None:
            if seq <= self.received:
                return
            self.received = seq
        match message:
            case messages.PlaceCall():
                self._place(message)
            case messages.Answer(call=wire, sdp=sdp):
                call = self._step(wire, CallInput.ANSWER)
                call.offer, call.since = None, now
                self._emit(events.CallAnswered(call.id, sdp))
            case messages.Decline(call=wire, busy=busy):
                call = self._step(wire, CallInput.DECLINE)
                self._over(call, "declined", "You declined the call.")
                self._emit(events.CallDeclined(call.id, busy))
            case messages.Hangup(call=wire):
                call = self._step(wire, CallInput.HANGUP)
                self._over(call, "hung-up", "You ended the call.")
                self._emit(events.HungUp(call.id))
            case messages.Mute(call=wire, on=on):
                call = self._step(wire, CallInput.MUTE)
                call.muted = on
                self._emit(events.MuteChanged(call.id, on))
            case messages.Hold(call=wire, on=on):
                self._emit(events.HoldChanged(self._step(wire, CallInput.HOLD).id, on))
            case messages.Digits(call=wire, digits=digits):
                self._emit(events.DigitsDialled(self._step(wire, CallInput.DIGITS).id, digits))
            case messages.Offer(call=wire, sdp=sdp):
                self._emit(events.Offered(self._step(wire, CallInput.OFFER).id, sdp))
            case messages.OfferAnswer(call=wire, sdp=sdp):
                self._emit(events.OfferAnswered(self._step(wire, CallInput.OFFER_ANSWER).id, sdp))
            case messages.Transfer(call=wire, to=to):
                self._emit(events.TransferWished(self._step(wire, CallInput.TRANSFER).id, to.strip()))
            case messages.Connect(call=wire, other=other):
                self._emit(events.ConnectWished(*self._both(wire, other, CallInput.CONNECT)))
            case messages.Join(call=wire, other=other):
                self._emit(events.JoinWished(*self._both(wire, other, CallInput.JOIN)))
            case messages.Add(call=wire, to=to):
                self._emit(events.AddWished(self._step(wire, CallInput.ADD).id, to.strip()))
            case messages.Report(call=wire, code=code, detail=detail):
                self._emit(events.Reported(self._step(wire, CallInput.REPORT).id, code, detail))
            case messages.Candidate(call=wire, candidate=line):
                self._emit(events.CandidateTrickled(self._step(wire, CallInput.CANDIDATE).id, line))

    def _place(self, message: messages.PlaceCall) -> None:
        call_id = f"{self.id}/{message.call}"
        if call_id in self._calls:
            raise DuplicateCall("A call with this id is alive. Make a new id for each call.")
        if len(self._calls) >= self._config.calls_per_session:
            why = TooManyCalls(f"{len(self._calls)} calls at once are the limit. End one of them first.")
            self._send(messages.Ended(message.call, why.cause, why.words, why.sip_status))
            raise why
        to = message.to.strip()
        self._calls[call_id] = Call(call_id, message.call, "out", to, to, CallState.CALLING)
        self._emit(events.CallRequested(call_id, to, message.sdp))

    def _both(self, wire: str, other: str, what: CallInput) -> tuple[str, str]:
        return self._step(wire, what).id, self._step(other, what).id

    def _step(self, wire: str, what: CallInput) -> Call:
        # Calls of the gateway's go by its id; those of the page's by theirs, under the session's.
        call = self._calls.get(wire) or self._calls.get(f"{self.id}/{wire}")
        if call is None:
            raise NoSuchCall("This session has no such call; it may have just ended.")
        call.step(what)
        return call

    def _over(self, call: Call, cause: str, words: str, status: int | None = None) -> None:
        self._calls.pop(call.id, None)
        self._send(messages.Ended(call.wire, cause, words, status))

    # -- verbs of the gateway ----------------------------------------------------------------------

    def incoming(self, call: str, from_: str, display: str, sdp: str) -> bool:
        """Ring. False when the session is over or has all the calls it may have: treat that as busy."""
        if (
            self.state is SessionState.CLOSED
            or call in self._calls
            or len(self._calls) >= self._config.calls_per_session
        ):
            self._owner.late("incoming")
            return False
        display = display[:512] or from_[:512]
        self._calls[call] = Call(call, call, "in", from_[:512], display, CallState.INCOMING, offer=sdp)
        self._send(messages.Incoming(call, from_[:512], display, sdp))
        return True

    def progress(self, call: str, status: str, sdp: str | None = None) -> bool:
        """`status`: "trying", "ringing" or "early". With `sdp` (the answer) ringback comes as audio."""
        return self._tell(call, CallInput.PROGRESS, lambda wire: messages.Progress(wire, status, sdp))

    def answered(self, call: str, sdp: str | None = None) -> bool:
        known = self._calls.get(call)
        if known and known.since is None:
            self._owner.fresh.append(known)
        return self._tell(call, CallInput.ANSWERED, lambda wire: messages.Answered(wire, sdp))

    def ended(self, call: str, cause: str, words: str, status: int | None = None) -> bool:
        """The call is over; `words` tell the person why."""
        if known := self._calls.pop(call, None):
            known.step(CallInput.ENDED)
            self._over(known, cause[:512], words[:1024], status)
            return True
        self._owner.late("ended")
        return False

    def sdp_offer(self, call: str, sdp: str) -> bool:
        return self._tell(call, CallInput.SDP, lambda wire: messages.Offer(wire, sdp))

    def sdp_answer(self, call: str, sdp: str) -> bool:
        return self._tell(call, CallInput.SDP, lambda wire: messages.OfferAnswer(wire, sdp))

    def candidate(self, call: str, candidate: str | None) -> bool:
        return self._tell(call, CallInput.SDP, lambda wire: messages.Candidate(wire, candidate))

    def dtmf(self, call: str, key: str) -> bool:
        return self._tell(call, CallInput.TOLD, lambda wire: messages.Dtmf(wire, key))

    def held(self, call: str, by: str, on: bool) -> bool:
        """`by`: "me" confirms the page's own wish, "peer" is the far end's doing."""
        if known := self._calls.get(call):
            known.held, known.peer_held = (on, known.peer_held) if by == "me" else (known.held, on)
        return self._tell(call, CallInput.TOLD, lambda wire: messages.Held(wire, by, on))

    def transfer(self, call: str, state: str, to: str, words: str = "") -> bool:
        """`state`: "started", "done" or "failed"."""
        told = messages.Transferred
        return self._tell(call, CallInput.TOLD, lambda wire: told(wire, state, to[:512], words[:1024]))

    def peers(self, call: str, peers: list[dict[str, object]]) -> bool:
        return self._tell(call, CallInput.TOLD, lambda wire: messages.Peers(wire, peers))

    def advice(self, call: str, words: str) -> None:
        """About a call that is over, by the page's name for it."""
        if self.state is not SessionState.CLOSED:
            self._send(messages.Advice(call, words[:1024]))

    def quality(self, call: str, stats: Mapping[str, object]) -> bool:
        """The gateway's figures; those that are no JSON number are left out."""
        finite = {k: v for k, v in stats.items() if not isinstance(v, float) or math.isfinite(v)}
        return self._tell(call, CallInput.TOLD, lambda wire: messages.Quality(wire, finite))

    def media(self, call: str, state: str) -> bool:
        """`state`: "connecting", "connected", "disconnected" or "failed"."""
        return self._tell(call, CallInput.TOLD, lambda wire: messages.Media(wire, state))

    def _emit(self, event: events.BrowserEvent) -> None:
        self._owner.emit(self, event)

    def _tell(self, call: str, what: CallInput, message: Callable[[str], messages.GatewayMessage]) -> bool:
        if (known := self._calls.get(call)) is None:
            self._owner.late(what.name.lower())
            return False
        try:
            known.step(what)
        except BrowserError:
            self._owner.late(what.name.lower())
            return False
        self._send(message(known.wire))
        return True

    def _send(self, message: messages.GatewayMessage) -> None:
        if message.numbered:
            text = encode(message, self._outbox.last + 1)
            self._outbox.append(text)
        else:
            text = encode(message)
        if self.wire is not None:
            self.wire.queue(text)
