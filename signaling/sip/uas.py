"""A call that reaches us: the INVITE, our provisional and final answers, its CANCEL (RFC 3261 sections 9.2, 13.3)."""

from __future__ import annotations

from signaling.sip import reason as reasons
from signaling.sip.call import Call, Reply, What
from signaling.sip.call_states import Do, On, State
from signaling.sip.core import Core
from signaling.sip.dialog import Dialog
from signaling.sip.events import Cancelled, Invited
from signaling.sip.message import Request
from signaling.sip.offer_states import State as OfferState
from signaling.sip.offers import Offers
from signaling.sip.timers import Deadline
from signaling.sip.transaction import ServerTransaction


class IncomingCall(Call):
    """Started by `start`, which tells the application. The dialog exists from the beginning: our tag is the handle."""

    def __init__(
        self,
        core: Core,
        handle: str,
        transaction: ServerTransaction,
        user: str | None,
        replaces: str | None = None,
    ) -> None:
        super().__init__(core, handle, State.INCOMING, None, Offers(OfferState.CALLED))
        request = transaction.request
        self.transaction = transaction
        self.contact_user = request.uri.user
        self.dialog = Dialog.of_callee(request, handle, transaction.source)
        self.learn(request)
        self._user = user
        self._replaces = replaces
        self._provisional: Reply | None = None
        self._refresh: Deadline | None = None

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
                self._user,
                request.max_forwards,
                self._replaces,
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

    # the table's actions

    def do(self, action: Do, now: float, what: What) -> None:
        match action:
            case Do.SEND_PROVISIONAL:
                assert isinstance(what, Reply)
                self._provisional = what
                self._send_provisional(now)
            case Do.SEND_2XX:
                assert isinstance(what, Reply)
                self._answer(what, now)
            case Do.SEND_REFUSAL:
                assert isinstance(what, Reply)
                self.refuse(self.transaction, what.status, now, what.reason, what.headers)
            case Do.SEND_487:
                self.refuse(self.transaction, 487, now)
            case Do.TELL_CANCELLED:
                words = reasons.words(what) if isinstance(what, Request) else "nobody decided in time"
                self.core.events.append(Cancelled(self.handle, words or ""))
            case _:
                super().do(action, now, what)

    def _send_provisional(self, now: float) -> None:
        said = self._provisional
        assert said is not None
        headers = (*self.contact_line(self.transaction), *said.headers)
        response = self.core.reply(
            self.transaction.request, said.status, said.reason, tag=self.handle, headers=headers, body=said.body
        )
        self.transaction.respond(response, now)
        self._stop_refreshing()
        self._refresh = self.core.schedule.at(now + self.core.config.provisional_every, self._send_provisional)

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
        self.offers.opened(now, said.body)
        self.keep(self.transaction, now)

    def _stop_refreshing(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None

    def disarm(self) -> None:
        super().disarm()
        self._stop_refreshing()

    # what arrives before the answer

    def _end(self, now: float) -> None:
        super()._end(now)
        self.transaction.on_ack = None
