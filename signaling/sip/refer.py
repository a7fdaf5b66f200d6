"""REFER within a call: being asked to call somebody else, and asking (RFC 3515, RFC 3892, RFC 4488, RFC 7647).

`refer_states` decides; `Referral` is what carries out, one for each REFER; `Referrals` are those of one call. When the
call ends before its referrals do, `core.afterlife` keeps it for their NOTIFYs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.sip import sipfrag
from signaling.sip.errors import BadMessage, SipError, TooMany, WrongState
from signaling.sip.events import ReferProgress, Referred, ReferRefused
from signaling.sip.message import Request, Response
from signaling.sip.refer_states import REFER, Do, On, State
from signaling.sip.replaces import Replaces, parse_refer_to, refer_to
from signaling.sip.timers import Deadline
from signaling.sip.transaction import ServerTransaction
from signaling.sip.uri import NameAddr, Uri

if TYPE_CHECKING:
    from signaling.sip.call import Call
    from signaling.sip.client import ClientRequest

MOST_REFERRALS = 8  # open in one call, either way
DECISION = 16.0  # seconds our side has for a REFER: half of what its sender waits
EXPIRES = 300.0  # seconds a subscription lasts, whatever becomes of the new call
SCHEMES = ("sip", "sips", "tel")


class Referrals:
    """All REFERs of one call that are not over."""

    __slots__ = ("_call", "_first", "_open")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open: list[Referral] = []
        self._first = True

    def __bool__(self) -> bool:
        return bool(self._open)

    # theirs

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """A REFER in this call."""
        call, request = self._call, transaction.request
        values = request.headers.all("Refer-To")
        if len(values) != 1:  # RFC 3515 section 2.4.2
            call.refuse(transaction, 400, now, "One Refer-To Is Needed")
            return
        try:
            uri, replaces = parse_refer_to(values[0])
        except BadMessage:
            call.refuse(transaction, 400, now, "Refer-To Cannot Be Read")
            return
        if uri.scheme not in SCHEMES:
            call.refuse(transaction, 416, now)
        elif (uri.param("method") or "INVITE").upper() != "INVITE":
            call.refuse(transaction, 403, now, "Only Calls Can Be Referred")
        elif len(self._open) >= MOST_REFERRALS:
            call.refuse(transaction, 503, now, headers=(("Retry-After", "10"),))
        else:
            self._ask(transaction, uri.with_params(method=None), replaces, now)

    def _ask(self, transaction: ServerTransaction, uri: Uri, replaces: Replaces | None, now: float) -> None:
        call, request = self._call, transaction.request
        if call.dialog is not None:
            call.dialog.refresh(request, transaction.source)  # RFC 3515 section 2.2: it refreshes the target
        wanted = (request.headers.get("Refer-Sub") or "").strip().lower() != "false"
        referral = Referral(self, call, State.ASKED, request.cseq.number, first=self._first)
        self._first = False
        referral.asked(transaction, wanted, now)
        self._open.append(referral)
        by = referred_by(request)
        call.core.events.append(Referred(call.handle, uri, replaces, by, referral.id, request.headers))

    def tell(self, status: int, reason: str | None, now: float, id: int | None) -> None:
        """How it goes with one that was accepted. A subscription that is over, or was not wanted, hears nothing."""
        open = [each for each in self._open if each.state is State.NOTIFYING and id in (None, each.id)]
        if open:
            open[-1].tell(status, reason, now)

    def find(self, id: int | None, *states: State) -> Referral:
        """The one of that id, or the latest, in one of these states; raises WrongState."""
        for each in reversed(self._open):
            if each.state in states and id in (None, each.id):
                return each
        raise WrongState("this call has no such REFER: it is decided, told in full, or never was")

    # ours

    def send(self, to: Uri, replaces: Replaces | None, by: NameAddr | None, now: float) -> int:
        """Ask the other side to call `to`; its id."""
        if len(self._open) >= MOST_REFERRALS:
            raise TooMany(f"{MOST_REFERRALS} REFERs in one call at once is the limit: wait for their outcome")
        call = self._call
        dialog = call.dialog
        assert dialog is not None
        author = by or NameAddr("", dialog.local.uri)
        headers = [("Refer-To", refer_to(to, replaces)), ("Referred-By", str(author))]
        headers += [("Supported", call.core.supported), ("Allow", ", ".join(call.core.config.allow))]
        referral = Referral(self, call, State.SENT, 0, first=False)
        self._open.append(referral)
        referral.ask(headers, now)
        return referral.id

    def notified(self, transaction: ServerTransaction, now: float) -> None:
        """A NOTIFY in this call: how it goes with a REFER of ours, or nothing that we have asked for (RFC 6665)."""
        request = transaction.request
        event, id = sipfrag.event(request)
        ours = [each for each in self._open if each.state in (State.SENT, State.FOLLOWING)]
        found = next((each for each in ours if id in ("", str(each.sequence))), None)
        if event != "refer" or found is None:  # RFC 6665 section 4.1.3
            self._call.core.counts["no-such-subscription"] += 1
            self._call.refuse(transaction, 481, now, "Subscription Does Not Exist")
            return
        self._call.accept(transaction, now)
        found.notified(request, now)

    # the end

    def call_ended(self, now: float) -> None:
        for each in list(self._open):
            each.feed(On.CALL_ENDED, now)

    def closed(self, referral: Referral) -> None:
        self._open.remove(referral)
        if not self._open and self._call.core.afterlife.pop(self._call.handle, None) is not None:
            self._call.forget_referrals()


What = Response | SipError | Request | tuple[int, str | None] | None


class Referral:
    """One REFER, theirs or ours. `id` is its CSeq, as in the `id` of its NOTIFYs (RFC 3515 section 2.4.6)."""

    __slots__ = (
        "_again", "_alarm", "_busy", "_call", "_client", "_expires_at", "_first", "_referrals", "_said", "_timed_out",
        "_transaction", "_wanted", "id", "state",
    )  # fmt: skip

    def __init__(self, referrals: Referrals, call: Call, state: State, id: int, first: bool) -> None:
        self.state = state
        self.id = id
        self._referrals = referrals
        self._call = call
        self._first = first
        self._wanted = True
        self._transaction: ServerTransaction | None = None
        self._client: ClientRequest | None = None
        self._alarm: Deadline | None = None
        self._said = (100, "Trying")
        self._busy = self._again = self._timed_out = False
        self._expires_at = 0.0

    @property
    def sequence(self) -> int:
        """The CSeq of our REFER as it was sent last: a challenge moves it."""
        return self._client.request.cseq.number if self._client is not None else self.id

    def feed(self, on: On, now: float, what: What = None) -> bool:
        step = REFER[self.state].get(on)
        if step is None:
            return False
        self.state, actions = step
        for action in actions:
            self._do(action, now, what)
        if self.state is State.ENDED:
            self._end()
        return True

    def _end(self) -> None:
        self._disarm()
        self._transaction = self._client = None  # which hold us
        self._referrals.closed(self)

    def _arm(self, when: float, on: On) -> None:
        self._disarm()
        self._alarm = self._call.core.schedule.at(when, lambda now: self.feed(on, now))

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    # theirs

    def asked(self, transaction: ServerTransaction, wanted: bool, now: float) -> None:
        self._transaction, self._wanted = transaction, wanted
        self._arm(now + DECISION, On.UNDECIDED)

    def accept(self, now: float) -> None:
        self.feed(On.ACCEPT if self._wanted else On.ACCEPT_SILENTLY, now)

    def tell(self, status: int, reason: str | None, now: float) -> None:
        self.feed(On.PROGRESS if status < 200 else On.OUTCOME, now, (status, reason))

    def _do(self, action: Do, now: float, what: What) -> None:
        match action:
            case Do.SEND_202:
                self._expires_at = now + EXPIRES
                self._respond(202, now)
                self._arm(self._expires_at, On.EXPIRED)
            case Do.SEND_202_SILENTLY:
                self._respond(202, now, (("Refer-Sub", "false"),))
            case Do.SEND_REFUSAL if isinstance(what, tuple):
                self._respond(what[0], now, reason=what[1])
            case Do.SEND_603:
                self._respond(603, now)
            case Do.SEND_487:
                self._respond(487, now)
            case Do.NOTIFY:
                self._know(what)
                self._notify(now)
            case Do.WATCH:
                self._arm(now + EXPIRES, On.EXPIRED)
            case _:
                self._tell(action, what)

    def _respond(
        self, status: int, now: float, headers: tuple[tuple[str, str], ...] = (), reason: str | None = None
    ) -> None:
        transaction, call = self._transaction, self._call
        assert transaction is not None
        if status < 300:
            headers = (*call.contact_line(transaction), *headers)
        call.respond(transaction, status, now, reason, headers)
        self._disarm()
        self._transaction = None

    def _know(self, what: What) -> None:
        if isinstance(what, tuple):
            self._said = (what[0], sipfrag.words(*what))
        self._timed_out = self.state is State.LAST and not isinstance(what, tuple)

    def _notify(self, now: float) -> None:
        """One at a time, each with the latest that is known: a NOTIFY that overtakes another one is refused."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        id = "" if self._first else f";id={self.id}"  # RFC 3515 section 2.4.6
        state = f"active;expires={max(1, round(self._expires_at - now))}"
        if self.state is State.LAST:
            state = "terminated;reason=" + ("timeout" if self._timed_out else "noresource")
        headers = [("Event", f"refer{id}"), ("Subscription-State", state)]
        body = sipfrag.build(*self._said)
        self._call.request("NOTIFY", self._delivered, now, body=body, content_type=sipfrag.TYPE, headers=headers)

    def _delivered(self, result: Response | SipError, now: float) -> None:
        if isinstance(result, Response) and result.status < 200:
            return
        self._busy = False
        if not isinstance(result, Response) or result.status >= 300:
            self.feed(On.LOST, now)
        elif self._again:
            self._again = False
            self._notify(now)
        elif self.state is State.LAST:
            self.feed(On.DELIVERED, now)

    # ours

    def ask(self, headers: list[tuple[str, str]], now: float) -> None:
        self._client = self._call.request("REFER", self._result, now, headers=headers)
        self.id = self._client.request.cseq.number

    def _result(self, result: Response | SipError, now: float) -> None:
        if isinstance(result, Response) and result.status < 200:
            return
        if not isinstance(result, Response) or result.status >= 300:
            self.feed(On.REFUSED, now, result)
            self._call.watch(result, now)
        else:
            quiet = (result.headers.get("Refer-Sub") or "").strip().lower() == "false"
            self.feed(On.ACCEPTED_QUIETLY if quiet else On.ACCEPTED, now, result)

    def notified(self, request: Request, now: float) -> None:
        self.feed(On.NOTIFIED_LAST if sipfrag.is_last(request) else On.NOTIFIED, now, request)

    def _tell(self, action: Do, what: What) -> None:
        call = self._call
        match action:
            case Do.TELL_PROGRESS if isinstance(what, Request):
                status, reason = sipfrag.parse(what.body)
                event = ReferProgress(call.handle, status, reason, self.state is State.ENDED, self.id)
                call.core.events.append(event)
            case Do.TELL_ACCEPTED if isinstance(what, Response):
                call.core.events.append(ReferProgress(call.handle, what.status, what.reason, True, self.id))
            case Do.TELL_SILENCE:
                words = "it was accepted, and nothing was heard of its outcome"
                call.core.events.append(ReferRefused(call.handle, 408, words, self.id))
            case _:
                told = (
                    (what.status, sipfrag.words(what.status, what.reason))
                    if isinstance(what, Response)
                    else (408, str(what or ""))
                )
                if isinstance(what, SipError):
                    told = (what.sip_status, str(what))
                call.core.events.append(ReferRefused(call.handle, *told, self.id))


def referred_by(request: Request) -> NameAddr | None:
    """Who is said to have asked (RFC 3892 section 3); nobody where it cannot be read."""
    value = request.headers.get("Referred-By")
    try:
        return None if not value else NameAddr.parse(value)
    except BadMessage:
        return None
