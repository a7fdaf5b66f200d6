"""A call: one INVITE usage of a dialog, from either side (RFC 3261 sections 12 to 15).

`call_states` decides what happens next. Here is what both directions share: requests within the dialog, hanging up, the
ACK. `uac` has the calls that we make, `uas` those that reach us, `offers` what happens to re-INVITEs.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sip import reason as reasons
from signaling.sip.address import Address
from signaling.sip.answer import AnswerKeeper
from signaling.sip.auth import DigestClient
from signaling.sip.call_states import CALL, Do, On, State
from signaling.sip.client import ClientRequest
from signaling.sip.core import Core
from signaling.sip.dialog import Dialog, is_lost
from signaling.sip.errors import SipError, WrongState
from signaling.sip.events import Acked, Ended, InfoReceived
from signaling.sip.hop import next_hops
from signaling.sip.message import Request, Response
from signaling.sip.offers import Offers
from signaling.sip.refer import Referrals
from signaling.sip.replaces import Replaces
from signaling.sip.session_timer import SessionTimer, too_short
from signaling.sip.timers import Deadline
from signaling.sip.transaction import OnResult, ServerTransaction
from signaling.sip.uri import NameAddr, Uri

TALKING = (State.ANSWERED, State.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Reply:
    """What our application answers with."""

    status: int
    reason: str | None = None
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


What = Request | Response | SipError | Reply | str | None


class Call:
    """`handle` is also our tag: it finds the call for whatever arrives within its dialog."""

    outgoing = False

    def __init__(self, core: Core, handle: str, state: State, digest: DigestClient | None, offers: Offers) -> None:
        self.core = core
        self.handle = handle
        self.state = state
        self.digest = digest
        self.dialog: Dialog | None = None
        self.called: Uri | None = None
        self.keeper: AnswerKeeper | None = None
        self.offers = offers
        offers.belong(self)
        self.session = SessionTimer()
        self.session.belong(self)
        self.updates = False
        self.contact_user: str | None = None
        self._referrals: Referrals | None = None
        self._alarms: list[Deadline] = []

    # the table

    def feed(self, on: On, now: float, what: What = None) -> bool:
        """Take one step of the table. False: this state has no such step."""
        step = CALL[self.state].get(on)
        if step is None:
            return False
        self.state, actions = step
        for action in actions:
            self.do(action, now, what)
        if self.state is State.ENDED:
            self._end(now)
        return True

    def verb(self, on: On, now: float, what: What = None) -> None:
        """The same for our application, whose mistakes are errors."""
        if not self.feed(on, now, what):
            raise WrongState(f"cannot {on.value} now: {self.state.value}")

    def do(self, action: Do, now: float, what: What) -> None:
        match action:
            case Do.SEND_BYE:
                self._send_bye(now, what if isinstance(what, str) else None)
            case Do.TELL_ACKED:
                self.core.events.append(Acked(self.handle, what.body if isinstance(what, Request) else b""))
            case Do.TELL_ENDED:
                self.core.events.append(Ended(self.handle, self.why(what)))
            case _:
                raise AssertionError(f"{action} is not for {type(self).__name__}")

    @staticmethod
    def why(what: What) -> str:
        """Words for the end of a call."""
        if isinstance(what, Request):
            return reasons.words(what) or "the other side hung up"
        if isinstance(what, Response):
            return f"the other side does not know this call any more ({what.status} {what.reason})"
        return str(what or "the other side has never acknowledged our answer")

    def _end(self, now: float) -> None:
        self.core.calls.pop(self.handle, None)
        self.disarm()
        if self.keeper is not None:
            self.keeper.stop()
            self.keeper = None
        self.offers.close(now)
        self.session.close(now)
        if self._referrals is not None:
            self._referrals.call_ended(now)
            if self._referrals:
                self.core.afterlife[self.handle] = self
            else:
                self._referrals = None  # which holds us

    def arm(self, when: float, on: On) -> None:
        """Feed `on` at that time, unless the call has moved on by then."""
        self._alarms.append(self.core.schedule.at(when, lambda now: self.feed(on, now)))

    def disarm(self) -> None:
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms.clear()

    # within the dialog, ours

    def reinvite(self, body: bytes, now: float) -> None:
        if self.state not in TALKING:
            raise WrongState(f"no new offer now: {self.state.value}")
        self.offers.offer(body, now)

    def learn(self, message: Request | Response) -> None:
        """Whether the other side speaks UPDATE, from its latest Allow (RFC 3311 section 5.1)."""
        if "Allow" in message.headers:
            self.updates = any(method.upper() == "UPDATE" for method in message.headers.all("Allow"))

    @property
    def talks(self) -> bool:
        return self.state in TALKING

    def request(
        self,
        method: str,
        on_result: OnResult,
        now: float,
        *,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: list[tuple[str, str]] | None = None,
    ) -> ClientRequest:
        """Send a request within the dialog."""
        dialog = self._talking(method)
        request = dialog.request(method)
        request.headers.add("User-Agent", self.core.config.user_agent)
        for name, value in headers or []:
            request.headers.add(name, value)
        if body:
            request.headers.add("Content-Type", content_type)
            request.body = body
        client = ClientRequest(
            self.core,
            request,
            self.hops(),
            on_result,
            digest=self.digest,
            dialog=dialog,
            contact_user=self.contact_user,
        )
        client.send(now)
        return client

    def hops(self) -> list[Address]:
        assert self.dialog is not None
        return next_hops(self.dialog.next_hop, self.dialog.peer, self.called)

    def cancelled(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """Their CANCEL for one of their INVITEs."""
        self.offers.cancelled(transaction, now)

    def _talking(self, method: str) -> Dialog:
        if self.dialog is None:
            raise WrongState(f"no {method} within a call that is not answered: {self.state.value}")
        return self.dialog

    def _send_bye(self, now: float, reason: str | None) -> None:
        self.request("BYE", lambda result, at: None, now, headers=reasons.reason_header(reason))

    def info(self, content_type: str, body: bytes, now: float) -> None:
        if self.state not in TALKING:
            raise WrongState(f"no INFO now: {self.state.value}")
        self.request("INFO", self.watch, now, body=body, content_type=content_type)

    @property
    def referrals(self) -> Referrals:
        if self._referrals is None:
            self._referrals = Referrals(self)
        return self._referrals

    def forget_referrals(self) -> None:
        """The call is over and so are they: the two must not wait for a garbage collection."""
        self._referrals = None

    def refer(self, to: Uri, replaces: Replaces | None, by: NameAddr | None, now: float) -> int:
        if self.state not in TALKING:
            raise WrongState(f"no REFER now: {self.state.value}")
        return self.referrals.send(to, replaces, by, now)

    def watch(self, result: Response | SipError, now: float) -> None:
        """An answer that says that the dialog is gone ends the call (section 12.2.1.2)."""
        if is_lost(result):
            self.feed(On.LOST, now, result)

    # within the dialog, theirs

    def receive(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """A request that names this call. One that it cannot belong to is answered 481."""
        if not self.knows(request):
            self.refuse(transaction, 481, now)
            return
        if self.dialog is not None and not self.dialog.in_order(request):
            self.refuse(transaction, 500, now, "CSeq Out Of Order")
            return
        if self.dialog is not None:
            self.dialog.peer = transaction.source  # a NAT may have given it another port meanwhile
        if request.method == "BYE":
            self._receive_bye(request, transaction, now)
        elif request.method in ("INVITE", "UPDATE"):
            self._receive_offer(request, transaction, now)
        elif request.method == "INFO":
            self.accept(transaction, now)
            self.core.events.append(InfoReceived(self.handle, request.content_type, request.body))
        elif request.method == "PRACK":
            self._receive_prack(transaction, now)
        elif request.method == "REFER":
            self._receive_refer(transaction, now)
        elif request.method == "NOTIFY":
            self.referrals.notified(transaction, now)
        else:  # OPTIONS
            self.accept(transaction, now, (("Allow", ", ".join(self.core.config.allow)),))

    def is_with(self, call_id: str, tag: str) -> bool:
        """Whether the other side has that tag; "0" stands for none (RFC 3891 section 6.1)."""
        dialog = self.dialog
        return dialog is not None and (dialog.call_id, dialog.remote.tag or "0") == (call_id, tag)

    def knows(self, request: Request) -> bool:
        """Call-ID and their tag are those of this call; ours has led here."""
        dialog = self.dialog
        return dialog is not None and (dialog.call_id, dialog.remote.tag) == (request.call_id, request.from_.tag)

    def _receive_prack(self, transaction: ServerTransaction, now: float) -> None:
        self.refuse(transaction, 481, now)  # only who is called sends what needs one

    def _receive_refer(self, transaction: ServerTransaction, now: float) -> None:
        if self.state in TALKING:
            self.referrals.receive(transaction, now)
        else:
            self.refuse(transaction, 491, now)

    def _receive_bye(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if On.BYE not in CALL[self.state]:
            self.refuse(transaction, 481, now)
            return
        self.accept(transaction, now)
        self.feed(On.BYE, now, request)

    def _receive_offer(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        self.learn(request)
        if least := too_short(self.core.config, request):
            self.refuse(transaction, 422, now, headers=least)
        elif request.method == "UPDATE" and not request.body:  # RFC 3311: a refresh of target or session only
            if self.dialog is not None:
                self.dialog.refresh(request, transaction.source)
            agreed = self.session.agree(request, self.core.config, now) if self.state in TALKING else ()
            self.accept(transaction, now, (*self.contact_line(transaction), *agreed))
        else:
            self.offers.receive(transaction, now)

    def receive_ack(self, request: Request, now: float) -> bool:
        """False: nothing here waits for it (any more)."""
        keeper = self.keeper
        if keeper is None or keeper.sequence != request.cseq.number or not self.knows(request):
            return False
        self.acknowledged(request, now)
        return True

    def acknowledged(self, request: Request | None, now: float) -> None:
        """Our 2xx has arrived: `request` is its ACK, or something newer has proved it."""
        if self.keeper is not None:
            self.keeper.stop()
            self.keeper = None
        if not self.feed(On.ACK, now, request) and request is not None and request.body:
            self.core.events.append(Acked(self.handle, request.body))  # the answer to an offer in our 2xx
        self.offers.acknowledged(now)

    def keep(self, transaction: ServerTransaction, now: float) -> None:
        """Repeat the 2xx just sent until its ACK comes."""
        if self.keeper is not None:
            self.keeper.stop()
        self.keeper = AnswerKeeper(self.core, transaction, lambda at: self.feed(On.ACK_LIMIT, at), now)

    # responses

    def contact_line(self, transaction: ServerTransaction) -> tuple[tuple[str, str], ...]:
        return (("Contact", self.core.contact(transaction.to.transport, self.contact_user)),)

    def accept(
        self, transaction: ServerTransaction, now: float, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        response = self.core.reply(transaction.request, 200, tag=self.handle, headers=headers, body=body)
        transaction.respond(response, now)

    def refuse(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.respond(transaction, status, now, reason, headers)

    def respond(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Any answer without a body."""
        response = self.core.reply(transaction.request, status, reason, tag=self.handle, headers=headers)
        transaction.respond(response, now)
