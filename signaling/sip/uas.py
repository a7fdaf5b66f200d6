"""A call that reaches us: the INVITE, our provisional and final answers, its CANCEL (RFC 3261 sections 9.2, 13.3)."""

from __future__ import annotations

from dataclasses import replace

from signaling.sip import reason as reasons
from signaling.sip.call import Call, Reply, What
from signaling.sip.call_states import Do, On, State
from signaling.sip.core import Core
from signaling.sip.dialog import Dialog
from signaling.sip.errors import WrongState
from signaling.sip.events import Cancelled, Invited
from signaling.sip.gate import Admission
from signaling.sip.message import Request
from signaling.sip.offer_states import State as OfferState
from signaling.sip.offers import Offers
from signaling.sip.reliable import Reliable, requires
from signaling.sip.reliable_states import On as ReliableOn
from signaling.sip.timers import Deadline
from signaling.sip.transaction import ServerTransaction


class IncomingCall(Call):
    """Started by `start`, which tells the application. The dialog exists from the beginning: our tag is the handle."""

    def __init__(
        self,
        core: Core,
        handle: str,
        transaction: ServerTransaction,
        admission: Admission,
        replaces: str | None = None,
    ) -> None:
        super().__init__(core, handle, State.INCOMING, None, Offers(OfferState.CALLED))
        request = transaction.request
        self.transaction = transaction
        self.contact_user = request.uri.user
        self.dialog = Dialog.of_callee(request, handle, transaction.source)
        self.learn(request)
        self._admission = admission
        self._replaces = replaces
        self._why_cancelled = "nobody decided in time"
        self._provisional: Reply | None = None
        self._refresh: Deadline | None = None
        self._reliable: Reliable | None = None
        self._answer_waits: Reply | None = None
        self._described = b""  # our answer, where a provisional response that arrived has brought it
        if requires(request) and core.config.reliable:
            first = 1 + int(core.random(7), 16)  # RFC 3262 section 3: from 1 to 2**31 - 1
            self._reliable = Reliable(
                core.schedule, core.timers, first, self._send_reliably, transaction.repeat_provisional,
                lambda now: self.feed(On.NO_PRACK, now),
            )  # fmt: skip

    def start(self, now: float) -> None:
        transaction, request = self.transaction, self.transaction.request
        transaction.owner = self.handle
        transaction.on_ack = self._ack_within_transaction
        transaction.respond(self.core.reply(request, 100), now)  # 17.2.1: stops the retransmissions at once
        self.arm(now + self._patience(request), On.RING_LIMIT)
        self.core.events.append(
            Invited(
                self.handle,
                request.uri,
                request.from_,
                request.to,
                request.body,
                request.content_type,
                request.headers,
                transaction.source,
                self._admission.user,
                request.max_forwards,
                self._replaces,
                self._admission.peer,
            )
        )

    def _patience(self, request: Request) -> float:
        """Section 13.3.1: an invitation may expire."""
        expires = request.headers.get("Expires") or ""
        limit = self.core.config.ring_limit
        return min(limit, int(expires)) if expires.isascii() and expires.isdigit() and len(expires) < 10 else limit

    def _ack_within_transaction(self, request: Request, now: float) -> None:
        """An ACK for our 2xx that reuses the INVITE's branch, against section 17.1.1.3."""
        self.receive_ack(request, now)

    def cancelled(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if transaction is self.transaction:
            self.feed(On.CANCELLED, now, request)
        else:
            super().cancelled(request, transaction, now)

    def answer(self, said: Reply, now: float) -> None:
        """Our application's `answer`; it waits for a PRACK that is due (RFC 3262 section 3)."""
        if self._answer_waits is not None:
            raise WrongState(f"cannot answer now: {self.state.value}, and an answer waits for its PRACK")
        if self.state is State.INCOMING and self._reliable is not None and self._reliable.waits:
            self._answer_waits = said
            return
        if self._described and said.body == self._described:
            said = replace(said, body=b"")  # RFC 3262 section 5: they have it
        self.verb(On.ANSWER, now, said)

    def _receive_prack(self, transaction: ServerTransaction, now: float) -> None:
        reliable = self._reliable
        if reliable is None or not reliable.awaits(transaction.request, self.transaction.request):
            self.refuse(transaction, 481, now)  # RFC 3262 section 3
            return
        if transaction.request.body:
            self.refuse(transaction, 488, now, "No Offer in a PRACK, Please")
        else:
            self.accept(transaction, now)
        reliable.feed(ReliableOn.PRACK, now)
        if self._answer_waits is not None and not reliable.waits:
            said, self._answer_waits = self._answer_waits, None
            self.answer(said, now)

    # the table's actions

    def do(self, action: Do, now: float, what: What) -> None:
        match action:
            case Do.SEND_PROVISIONAL:
                assert isinstance(what, Reply)
                self._provisional = what
                self._say(now)
            case Do.SEND_2XX:
                assert isinstance(what, Reply)
                self._answer(what, now)
            case Do.SEND_REFUSAL:
                assert isinstance(what, Reply)
                self.refuse(self.transaction, what.status, now, what.reason, what.headers)
            case Do.SEND_487:
                self.refuse(self.transaction, 487, now)
            case Do.SEND_504:
                self.refuse(self.transaction, 504, now)
                self._why_cancelled = "it asked for PRACK and sent none"
            case Do.TELL_CANCELLED:
                words = reasons.words(what) if isinstance(what, Request) else self._why_cancelled
                self.core.events.append(Cancelled(self.handle, words or ""))
            case _:
                super().do(action, now, what)

    def _say(self, now: float) -> None:
        """Send the provisional response that our application chose last."""
        if self._reliable is None:
            self._send_provisional(now)
        elif self.transaction.request.body:  # else our offer would be due in it, and its answer in the PRACK
            self._reliable.feed(ReliableOn.SEND, now)

    def _send_reliably(self, number: int, now: float) -> None:
        self._send_provisional(now, (("Require", "100rel"), ("RSeq", str(number))))
        said = self._provisional
        if said is not None and said.body:  # once: a second description would be a second answer
            self._described, self._provisional = said.body, replace(said, body=b"")

    def _send_provisional(self, now: float, more: tuple[tuple[str, str], ...] = ()) -> None:
        said = self._provisional
        assert said is not None
        headers = (*self.contact_line(self.transaction), *said.headers, *more)
        response = self.core.reply(
            self.transaction.request, said.status, said.reason, tag=self.handle, headers=headers, body=said.body
        )
        self.transaction.respond(response, now)
        self._stop_refreshing()
        self._refresh = self.core.schedule.at(now + self.core.config.provisional_every, self._say)

    def _answer(self, said: Reply, now: float) -> None:
        self.disarm()
        config = self.core.config
        headers = (
            *self.contact_line(self.transaction),
            ("Allow", ", ".join(config.allow)),
            ("Accept", ", ".join(config.accept)),
            ("Supported", self.core.supported),
            *self.session.agree(self.transaction.request, config, now),
            *said.headers,
        )
        self.accept(self.transaction, now, headers, said.body)
        self.offers.opened(now, said.body or self._described)
        self.keep(self.transaction, now)

    def _stop_refreshing(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None

    def disarm(self) -> None:
        super().disarm()
        if self._reliable is not None:
            self._reliable.close()
        self._stop_refreshing()

    # what arrives before the answer

    def _end(self, now: float) -> None:
        super()._end(now)
        self.transaction.on_ack = None
