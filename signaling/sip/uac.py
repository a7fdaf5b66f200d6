"""A call of ours: the INVITE, its forks, its CANCEL (RFC 3261 sections 9.1 and 13.2).

A proxy may make several phones ring. Each is an early dialog; the first 2xx makes the call, every other one is
acknowledged and hung up. A 2xx that comes after we gave up is treated the same, for 64*T1.
"""

from __future__ import annotations

from collections.abc import Sequence

from signaling.sip import reason as reasons
from signaling.sip.address import Address
from signaling.sip.auth import DigestClient
from signaling.sip.call import Call, What
from signaling.sip.call_states import Do, On, State
from signaling.sip.client import ClientRequest
from signaling.sip.core import Core
from signaling.sip.dialog import Dialog
from signaling.sip.errors import SipError
from signaling.sip.events import Answered, Progressed, Rejected
from signaling.sip.grammar import readable
from signaling.sip.headers import Headers
from signaling.sip.hop import next_hops
from signaling.sip.message import Request, Response
from signaling.sip.offer_states import State as OfferState
from signaling.sip.offers import Offers
from signaling.sip.reliable import Acknowledger
from signaling.sip.transaction_states import On as TransactionOn
from signaling.sip.transaction_states import State as TransactionState

MOST_FORKS = 64  # phones that may ring for one INVITE


class OutgoingCall(Call):
    """Started by `start`. `acks` holds, per To tag, the ACK for that phone's 2xx and where it goes."""

    outgoing = True
    most_forks = MOST_FORKS

    def __init__(
        self, core: Core, handle: str, request: Request, targets: Sequence[Address], digest: DigestClient | None
    ) -> None:
        super().__init__(core, handle, State.CALLING, digest, Offers(OfferState.CALLING))
        self.called = request.uri
        self.contact_user = request.from_.uri.user
        self.early: set[str | None] = set()
        self.reliable = Acknowledger(self)
        self.acks: dict[str | None, tuple[bytes, Address]] = {}
        self.cancel_reason: str | None = None
        self.client: ClientRequest | None = ClientRequest(
            core,
            request,
            targets,
            self.result,
            digest=digest,
            contact_user=self.contact_user,
            on_retry=lambda now: self.feed(On.RETRIED, now),
        )

        self._invite = request
        self._peer = targets[0]

    def start(self, now: float) -> None:
        assert self.client is not None
        self.client.send(now)

    @property
    def invite(self) -> Request:
        """As it was sent last."""
        return self.client.request if self.client is not None else self._invite

    @property
    def peer(self) -> Address:
        """Where it was sent last."""
        return self.client.peer if self.client is not None else self._peer

    @property
    def silent(self) -> bool:
        """Nothing has come back yet from where it was sent last."""
        transaction = self.client.transaction if self.client is not None else None
        return transaction is not None and transaction.state is TransactionState.CALLING

    # responses

    def result(self, result: Response | SipError, now: float) -> None:
        if not isinstance(result, Response) or result.status >= 300:
            self.feed(On.REFUSED, now, result)
        elif result.status >= 200:
            self.accepted(result, now)
        else:
            if result.status > 100 and result.to.tag is not None and len(self.early) < MOST_FORKS:
                self.early.add(result.to.tag)
            if self.reliable.receive(result, now):
                self.feed(On.PROVISIONAL, now, result)

    def accepted(self, response: Response, now: float) -> None:
        """A 2xx: the first one, its retransmission, another phone's, or one too late."""
        known = self.acks.get(response.to.tag)
        if known is not None:
            self.core.transactions.send(*known)  # 13.2.2.4: for each 2xx that arrives
        elif not self.feed(On.ACCEPTED, now, response) and len(self.acks) < MOST_FORKS:
            self._end_fork(response, now)

    def _end_fork(self, response: Response, now: float) -> None:
        """Section 13.2.2.4: acknowledge and hang up whoever else has answered."""
        dialog = Dialog.of_caller(self.invite, response, self.peer)
        dialog.local_sequence = max(dialog.local_sequence, self.reliable.sequence_of(response))
        self._acknowledge(dialog, response)
        bye = dialog.request("BYE")
        bye.headers.add("User-Agent", self.core.config.user_agent)
        hops = next_hops(dialog.next_hop, dialog.peer, self.called)
        ClientRequest(self.core, bye, hops, lambda result, at: None, digest=self.digest, dialog=dialog).send(now)

    def _acknowledge(self, dialog: Dialog, response: Response) -> None:
        transactions = self.core.transactions
        to = next_hops(dialog.next_hop, dialog.peer, self.called)[0]
        request = dialog.ack(self.invite, response.cseq.number, transactions.via(to))
        self.acks[dialog.remote.tag] = (bytes(request), to)
        transactions.send(*self.acks[dialog.remote.tag])

    # the table's actions

    def do(self, action: Do, now: float, what: What) -> None:
        events = self.core.events
        match action:
            case Do.WATCH_RINGING:
                self.disarm()
                self.arm(now + self.core.config.ring_limit, On.RING_LIMIT)
            case Do.STOP_WATCHING:
                self.disarm()
            case Do.TELL_PROGRESS:
                if isinstance(what, Response) and what.status > 100:
                    events.append(Progressed(self.handle, what.status, what.reason, what.body))
            case Do.SEND_ACK:
                assert isinstance(what, Response)
                self._confirm(what, now)
            case Do.TELL_ANSWERED:
                assert isinstance(what, Response)
                events.append(Answered(self.handle, self.reliable.answer_of(what)))
            case Do.TELL_REJECTED:
                events.append(self._rejected(what))
            case Do.TELL_GIVEN_UP:
                events.append(Rejected(self.handle, 487, "Request Terminated", cause="cancelled"))
            case Do.SEND_CANCEL:
                self._send_cancel(now, what if isinstance(what, str) else None)
            case Do.ABANDON:
                if self.client is not None and self.client.transaction is not None:
                    self.client.transaction.feed(TransactionOn.ABANDON, now)
            case _:
                super().do(action, now, what)

    def _confirm(self, response: Response, now: float) -> None:
        self.disarm()
        self.dialog = Dialog.of_caller(self.invite, response, self.peer)
        self.dialog.local_sequence = max(self.dialog.local_sequence, self.reliable.sequence_of(response))
        self._acknowledge(self.dialog, response)
        self.learn(response)
        self.session.answered(self.invite, response, self.core.config, now)
        self._withdraw(now)
        self.offers.opened(now, self.invite.body)

    def _withdraw(self, now: float) -> None:
        """An earlier target has answered after all: the one that is ringing now need not."""
        client = self.client
        if client is not None and client.transaction is not None:
            client.given_up = True
            if client.transaction.state is TransactionState.PROCEEDING:
                self.core.transactions.cancel(client.transaction, Headers(), now)

    def _rejected(self, what: What) -> Rejected:
        if isinstance(what, Response):
            contacts = tuple(contact.uri for contact in what.contacts) if what.status < 400 else ()
            after = retry_after(what)
            words = reasons.words(what), reasons.warning(what)
            return Rejected(self.handle, what.status, readable(what.reason), contacts, after, *words)
        if isinstance(what, SipError):
            return Rejected(self.handle, what.sip_status, str(what), cause=what.cause)
        return Rejected(self.handle, 480, "the other side hung up before it answered", cause="hung-up")

    # giving up

    def cancel(self, now: float, reason: str | None) -> None:
        self.cancel_reason = reason
        if self.client is not None:
            self.client.given_up = True  # no further target, no second try with a password
        self.verb(On.CANCEL, now, reason)

    def _send_cancel(self, now: float, reason: str | None) -> None:
        assert self.client is not None
        self.disarm()
        self.client.given_up = True
        transaction = self.client.transaction
        if transaction is not None and transaction.state is TransactionState.PROCEEDING:
            headers = Headers(reasons.reason_header(reason or self.cancel_reason))
            self.core.transactions.cancel(transaction, headers, now)
        self.arm(now + self.core.timers.limit, On.CANCEL_LIMIT)

    def _end(self, now: float) -> None:
        super()._end(now)
        self.reliable.close()
        self._invite, self._peer, self.client = self.invite, self.peer, None  # which holds us
        if not self.acks:
            self.core.bury(self, now)

    # requests within an early dialog

    def is_with(self, call_id: str, tag: str) -> bool:
        if self.dialog is not None:
            return super().is_with(call_id, tag)
        return tag in self.early and call_id == self.invite.call_id

    def knows(self, request: Request) -> bool:
        if self.dialog is not None:
            return super().knows(request)
        return request.from_.tag in self.early and request.call_id == self.invite.call_id


def retry_after(response: Response) -> int | None:
    """Seconds; a comment or parameters may follow (section 20.33)."""
    digits = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
