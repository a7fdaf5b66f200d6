"""New offers in mid-call, ours and theirs: re-INVITE and UPDATE (RFC 3261 section 14, RFC 3311).

`offer_states` decides; this carries out. An INVITE of theirs and an UPDATE with a body are the same to the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.sip.address import Address
from signaling.sip.call_states import On as CallOn
from signaling.sip.dialog import is_lost
from signaling.sip.errors import SipError, WrongState
from signaling.sip.events import ReinviteAnswered, Reinvited, ReinviteRejected
from signaling.sip.headers import Headers
from signaling.sip.message import Response
from signaling.sip.offer_states import OFFER, Do, On, State
from signaling.sip.session_refresh import ended_by
from signaling.sip.session_timer_states import On as TimerOn
from signaling.sip.timers import Deadline
from signaling.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from signaling.sip.call import Call
    from signaling.sip.client import ClientRequest

MOST_RETRIES = 8  # glares in a row after which our offer counts as refused

What = Response | SipError | ServerTransaction | bytes | None


class Offers:
    """The open offer of one call, if any."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._call: Call | None = None
        self._kept: bytes | None = None
        self._sent = b""
        self._ours = b""  # our description that is in force
        self._quiet = False  # the offer that is out, or kept, is a refresh that nobody was told of
        self._next: bytes | None = None
        self._glares = 0
        self._pause: Deadline | None = None
        self._theirs: ServerTransaction | None = None
        self._client: ClientRequest | None = None
        self._limit: Deadline | None = None

    def belong(self, call: Call) -> None:
        self._call = call

    def feed(self, on: On, now: float, what: What = None) -> bool:
        step = OFFER[self.state].get(on)
        if step is None:
            return False
        self.state, actions = step
        for action in actions:
            self._do(action, now, what)
        return True

    # what happens

    @property
    def refreshes(self) -> bool:
        """Whether what is out is for the session timer alone."""
        return self._quiet and self._next is None

    def opened(self, now: float, ours: bytes) -> None:
        """The first INVITE is answered; `ours`: our description in it."""
        self._ours = ours
        self.feed(On.OPENED, now)

    def offer(self, body: bytes, now: float) -> None:
        """Our application's `reinvite`."""
        if self._quiet and self.state is State.OFFERING:
            self._next = body  # it knows nothing of the refresh that is out
            return
        quiet, self._quiet = self._quiet, False
        if not self.feed(On.REINVITE, now, body):
            self._quiet = quiet
            raise WrongState(f"cannot offer now: {self.state.value}")

    def refresh(self, now: float) -> None:
        """Our last description once more, for the session timer; our application hears nothing of it."""
        call = self._call
        if call is None:
            return
        if self.state is not State.STABLE or self._pause is not None or not self._ours:
            call.session.feed(TimerOn.FAILED, now)
            return
        self._quiet = True
        self.feed(On.REINVITE, now, self._ours)

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """Their re-INVITE, or UPDATE with a body."""
        self.feed(On.OFFER, now, transaction)

    def acknowledged(self, now: float) -> None:
        self.feed(On.ACK, now)

    def answer(self, body: bytes, now: float) -> None:
        """Our application's `answer_reinvite`."""
        call, transaction = self._owed()
        headers = (
            *call.contact_line(transaction),
            ("Allow", ", ".join(call.core.config.allow)),
            ("Supported", call.core.supported),
            *call.session.agree(transaction.request, call.core.config, now),
        )
        self._ours = body
        call.accept(transaction, now, headers, body)
        if transaction.request.method == "INVITE":
            self.feed(On.ANSWER, now)
            call.keep(transaction, now)
        else:
            self.feed(On.ANSWER_UPDATE, now)

    def reject(self, status: int, now: float) -> None:
        """Our application's `reject_reinvite`."""
        call, transaction = self._owed()
        call.refuse(transaction, status, now)
        self.feed(On.ANSWER_UPDATE, now)  # a refusal is acknowledged within its transaction: nothing to wait for

    def cancelled(self, transaction: ServerTransaction, now: float) -> None:
        """They have withdrawn their re-INVITE (section 9.2)."""
        if transaction is self._theirs and self.state is State.OFFERED:
            self.reject(487, now)

    def close(self, now: float) -> None:
        self.feed(On.CLOSE, now)
        for alarm in (self._pause, self._limit):
            if alarm is not None:
                alarm.cancel()
        if self._client is not None:
            self._client.given_up = True
        self._theirs = self._kept = self._client = self._pause = self._limit = None
        self._call = None  # the two hold each other: what is over must not wait for a garbage collection

    def _owed(self) -> tuple[Call, ServerTransaction]:
        if self.state is not State.OFFERED or self._theirs is None or self._call is None:
            raise WrongState(f"there is no offer to answer: {self.state.value}")
        transaction, self._theirs = self._theirs, None
        return self._call, transaction

    # the table's actions

    def _do(self, action: Do, now: float, what: What) -> None:
        call = self._call
        assert call is not None
        match action:
            case Do.KEEP:
                self._kept = what if isinstance(what, bytes) else None
            case Do.SEND:
                self._send(call, what if isinstance(what, bytes) else b"", now)
            case Do.SEND_KEPT:
                if self._kept is not None and self._pause is None:
                    self.feed(On.REINVITE, now, self._kept)
            case Do.PAUSE:
                self._wait(call, now)
            case Do.REFUSE_491 if isinstance(what, ServerTransaction):
                call.refuse(what, 491, now)
            case Do.REFUSE_500 if isinstance(what, ServerTransaction):  # 14.2: a random 0 to 10 seconds
                call.refuse(what, 500, now, headers=(("Retry-After", str(int(call.core.fraction() * 10))),))
            case Do.TELL_REINVITED if isinstance(what, ServerTransaction):
                self._tell_reinvited(call, what)
            case Do.TELL_ANSWERED | Do.TELL_REJECTED if self._quiet:
                pass
            case Do.TELL_ANSWERED if isinstance(what, Response):
                self._ours = self._sent
                call.core.events.append(ReinviteAnswered(call.handle, what.body))
            case Do.TELL_REJECTED:
                self._tell_rejected(call, what)
            case Do.STOP_REPEATING:
                if isinstance(what, ServerTransaction) and what.request.method == "INVITE":
                    call.acknowledged(None, now)  # an UPDATE may have been sent before our 2xx came
            case Do.REFUSE_487:
                if self._theirs is not None:
                    call.refuse(self._theirs, 487, now)

    def _tell_reinvited(self, call: Call, transaction: ServerTransaction) -> None:
        self._theirs = transaction
        if call.dialog is not None:
            call.dialog.refresh(transaction.request, transaction.source)
        call.core.events.append(Reinvited(call.handle, transaction.request.body))

    def _tell_rejected(self, call: Call, what: What) -> None:
        status, reason = (what.status, what.reason) if isinstance(what, Response) else (503, str(what or ""))
        call.core.events.append(ReinviteRejected(call.handle, status, reason))

    # our offer

    def _send(self, call: Call, body: bytes, now: float) -> None:
        self._kept, self._sent = None, body
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        exchange = Exchange(self, call)
        config = call.core.config
        headers = [("Allow", ", ".join(config.allow)), ("Supported", call.core.supported)]
        headers += call.session.ask(config)
        self._client = exchange.client = call.request("INVITE", exchange.result, now, body=body, headers=headers)

    def _wait(self, call: Call, now: float) -> None:
        """Section 14.1: whoever chose the Call-ID waits longer, so that one of the two comes first."""
        self._glares += 1
        self._kept = self._sent
        least, range_ = (2.1, 1.9) if call.outgoing else (0.0, 2.0)
        pause = least + round(call.core.fraction() * range_, 2)
        self._pause = call.core.schedule.at(now + pause, self._retry)

    def _retry(self, now: float) -> None:
        self._pause = None
        self.feed(On.RETRY, now)

    def watch_ringing(self, now: float) -> None:
        """A provisional response to our re-INVITE: somebody is being asked, but not for ever."""
        if self._limit is None and self._call is not None:
            self._limit = self._call.core.schedule.at(now + self._call.core.config.ring_limit, self._too_long)

    def _too_long(self, now: float) -> None:
        self._limit = None
        if self._client is not None and self._client.transaction is not None and self._call is not None:
            self._client.given_up = True
            self._call.core.transactions.cancel(self._client.transaction, Headers(), now)

    def settled(self, result: Response | SipError, now: float) -> None:
        """The final response to our re-INVITE."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._client = None
        self._settle(result, now)
        if self._call is not None and not (isinstance(result, Response) and result.status < 300):
            self._call.session.feed(TimerOn.FAILED, now)
        if self._next is not None and self._call is not None:
            body, self._next, self._quiet = self._next, None, False
            if self._pause is not None:
                self._kept = body
            else:
                self.feed(On.REINVITE, now, body)

    def _settle(self, result: Response | SipError, now: float) -> None:
        glare = isinstance(result, Response) and result.status == 491 and self._glares < MOST_RETRIES
        if glare:
            self.feed(On.GLARE, now, result)
            return
        self._glares = 0
        good = isinstance(result, Response) and result.status < 300
        self.feed(On.ANSWERED if good else On.REFUSED, now, result)


class Exchange:
    """One re-INVITE of ours: its ACK is repeated for every copy of its 2xx, even when the call is over (13.2.2.4)."""

    __slots__ = ("_ack", "_call", "_offers", "client")

    def __init__(self, offers: Offers, call: Call) -> None:
        self._offers = offers
        self._call = call
        self._ack: tuple[bytes, Address] | None = None
        self.client: ClientRequest | None = None

    def result(self, result: Response | SipError, now: float) -> None:
        if isinstance(result, Response) and result.status < 200:
            self._offers.watch_ringing(now)
        elif isinstance(result, Response) and result.status < 300:
            self._accepted(result, now)
        else:
            self.client = None
            if not self._call_is_lost(result, now):
                self._offers.settled(result, now)

    def _accepted(self, response: Response, now: float) -> None:
        transactions = self._call.core.transactions
        first = self._ack is None
        if self._ack is None:
            self._ack = self._acknowledgement(response, now)
        transactions.send(*self._ack)
        if first:
            self._offers.settled(response, now)

    def _acknowledgement(self, response: Response, now: float) -> tuple[bytes, Address]:
        dialog, client = self._call.dialog, self.client
        assert dialog is not None and client is not None
        dialog.refresh(response, client.peer)
        self._call.learn(response)
        self._call.session.answered(client.request, response, self._call.core.config, now)
        to = self._call.hops()[0]
        via = self._call.core.transactions.via(to)
        self.client = None
        return bytes(dialog.ack(client.request, response.cseq.number, via)), to

    def _call_is_lost(self, result: Response | SipError, now: float) -> bool:
        if self._offers.refreshes:
            return ended_by(self._call, result, now)
        return is_lost(result) and self._call.feed(CallOn.LOST, now, result)
