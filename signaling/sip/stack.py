"""The SIP stack: bytes in, events out, verbs of the application in between; no socket and no clock.

    receive -> parse -> transaction? -> call? -> gate -> new call, registrar, OPTIONS
    verbs   -> call  -> transaction  -> outgoing

The five verbs of every core: `receive`, the sends (`invite`, `answer`, `bye` ...), `outgoing`, `wake_at` / `wake`,
`next_event`. After each call into it the owner sends what `outgoing` gives, takes every event and sets one timer.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from signaling.sip.address import Address, Transmit
from signaling.sip.auth import Credentials, DigestClient, DigestServer
from signaling.sip.call import Call, Reply
from signaling.sip.call_states import On
from signaling.sip.config import StackConfig
from signaling.sip.core import Core
from signaling.sip.errors import BadMessage, NoSuchCall, TooMany, WrongState
from signaling.sip.events import Event
from signaling.sip.gate import Admit, Gate
from signaling.sip.headers import Headers
from signaling.sip.message import Message, Request, Response, parse_message
from signaling.sip.pings import Pings
from signaling.sip.reception import Reception
from signaling.sip.refer_states import On as ReferOn
from signaling.sip.refer_states import State as ReferState
from signaling.sip.registrar import Registrar
from signaling.sip.registration import Registration, RegistrationView
from signaling.sip.registrations import Registrations
from signaling.sip.replacement import call_of
from signaling.sip.replaces import Replaces
from signaling.sip.session_timer import wanted
from signaling.sip.transactions import Random
from signaling.sip.uac import OutgoingCall
from signaling.sip.uas import IncomingCall
from signaling.sip.uri import NameAddr, Uri
from signaling.sip.users import Lookup, Users

MOST_DIGESTS = 256  # of which the nonces are remembered


class Stack:
    """`random(n)` gives n hexadecimal digits; `lookup` the password of a local user, or None.

    `canonical` gives the account that any name of a user stands for (extension, other case), or None; without it each
    name that `lookup` knows is an account. `admit` recognises peers (trunks) before anybody is asked for a password.
    """

    def __init__(
        self,
        config: StackConfig,
        random: Random,
        lookup: Lookup,
        canonical: Lookup | None = None,
        admit: Admit | None = None,
    ) -> None:
        self.config = config
        self._core = Core(config, random)
        digest = DigestServer(config.realm, config.secret or random(64), config.digest)
        self.registrar: Registrar | None = None
        if config.registrar is not None:
            registrar = replace(config.registrar, domains=config.domains or config.registrar.domains)
            self.registrar = Registrar(digest, lookup, registrar, canonical)
        self._registrations = Registrations(self._core)
        self._pings = Pings(self._core)
        hosts_phone = self.registrar.hosts_phone if self.registrar is not None else None
        gate = Gate(config, digest, Users(lookup, canonical), admit, hosts_phone)
        self._reception = Reception(self._core, gate, self.registrar)
        self._digests: OrderedDict[tuple[Credentials, str], DigestClient] = OrderedDict()

    # in and out

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """One datagram, or one message of a stream. Never raises: garbage becomes `MessageRefused`."""
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive: RFC 5626 section 3.5.1
        try:
            self.receive_message(parse_message(data), source, now)
        except BadMessage as error:
            self._reception.refuse_garbage(error, source)

    def receive_message(self, message: Request | Response, source: Address, now: float) -> None:
        self._reception.receive(message, source, now)

    def transport_failed(self, to: Address, now: float, why: str = "") -> None:
        """Something could not be sent to `to`, or its connection is gone."""
        self._core.counts["transport-failed"] += 1
        if to.connection is not None and self.registrar is not None:
            self.registrar.connection_lost(to.connection)
        self._core.transactions.failed(to, now)
        self._registrations.transport_failed(to, now)

    def outgoing(self) -> list[Transmit]:
        """What is to be sent now, in order."""
        waiting, self._core.transactions.outgoing = self._core.transactions.outgoing, []
        return waiting

    def wake_at(self) -> float | None:
        """When to call `wake`; None: not before something else happens."""
        when = self._core.schedule.wake_at()
        expiry = self.registrar.wake_at() if self.registrar is not None else None
        return when if expiry is None else expiry if when is None else min(when, expiry)

    def wake(self, now: float) -> None:
        self._core.schedule.wake(now)
        if self.registrar is not None:
            self.registrar.wake(now)

    def next_event(self) -> Event | None:
        events = self._core.events
        if events:
            return events.popleft()
        return self.registrar.next_event() if self.registrar is not None else None

    # what is going on

    def advertise(self, transport: str, host: str, port: int) -> None:
        """Say from now on in Via and Contact that we are reached here by `transport`."""
        self._core.contact_host[transport] = (host, port)

    def calls(self) -> int:
        return len(self._core.calls)

    def has_call(self, handle: str) -> bool:
        return handle in self._core.calls or handle in self._core.afterlife

    def owner_of(self, message: Message) -> str | None:
        """The call that a message without our tag belongs to: an INVITE of theirs, its CANCEL, its 100."""
        return self._core.transactions.owner_of(message) or None

    def transactions(self) -> int:
        return len(self._core.transactions)

    @property
    def counts(self) -> Counter[str]:
        """What was refused, dropped or has failed, by kind."""
        return self._core.counts

    # calls of ours

    def invite(
        self,
        uri: Uri,
        *,
        targets: Sequence[Address],
        from_: NameAddr,
        to: NameAddr | None = None,
        body: bytes,
        headers: Iterable[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        route: Sequence[NameAddr] = (),
        now: float,
    ) -> str:
        """Call `uri` at the first of `targets` that answers (RFC 3263 section 4.3). Returns the call's handle.

        A header of `headers` takes the place of ours of that name: Max-Forwards, of a call that is carried on.
        """
        if not targets:
            raise WrongState(f"no address for {uri} is known: look it up first")
        if self.calls() >= self.config.max_calls:
            raise TooMany(f"{self.config.max_calls} calls at once is the limit: wait, or raise it")
        core = self._core
        handle = core.random(16)
        request = self._first_invite(handle, uri, from_, to or NameAddr("", uri), body, headers, route)
        digest = self._digest(credentials, targets[0]) if credentials is not None else None
        call = OutgoingCall(core, handle, request, targets, digest)
        core.calls[handle] = call
        call.start(now)
        return handle

    def _first_invite(
        self,
        handle: str,
        uri: Uri,
        from_: NameAddr,
        to: NameAddr,
        body: bytes,
        extra: Iterable[tuple[str, str]],
        route: Sequence[NameAddr],
    ) -> Request:
        headers = Headers([("Route", str(each)) for each in route])
        for name, value in (
            ("Max-Forwards", "70"),
            ("From", str(from_.with_tag(handle))),
            ("To", str(to)),
            ("Call-ID", self._core.random(32)),
            ("CSeq", "1 INVITE"),
            ("Contact", ""),
            ("Allow", ", ".join(self.config.allow)),
            ("Supported", self._supported(body)),
            ("User-Agent", self.config.user_agent),
            *wanted(self.config),
        ):
            headers.add(name, value)
        if body:
            headers.add("Content-Type", "application/sdp")
        for name, value in extra:
            (headers.set if name in headers else headers.add)(name, value)
        return Request("INVITE", uri, headers, body)

    def _supported(self, offer: bytes) -> str:
        """Without an offer of ours no 100rel: theirs would come in a provisional response (RFC 3262 section 5)."""
        return ", ".join(tag for tag in self.config.supported if offer or tag != "100rel")

    def _digest(self, credentials: Credentials, target: Address) -> DigestClient:
        """One client per user and place, so that a nonce serves more than one call (section 22.2)."""
        key = (credentials, target.host)
        client = self._digests.pop(key, None) or DigestClient(credentials, self._core.random)
        self._digests[key] = client
        if len(self._digests) > MOST_DIGESTS:
            self._digests.popitem(last=False)
        return client

    def heard(self, call: str) -> bool:
        """Whether a call of ours has had any response yet from where it was sent last, were it only 100."""
        found = self._core.calls.get(call)
        return not (isinstance(found, OutgoingCall) and found.silent)

    def cancel(self, call: str, now: float, reason: str | None = None) -> None:
        """Give up a call of ours that is not answered; `Rejected` follows when it is really over."""
        found = self._call(call)
        if not isinstance(found, OutgoingCall):
            raise WrongState("only a call of our own can be cancelled: reject this one")
        found.cancel(now, reason)

    # calls to us

    def progress(self, call: str, status: int, now: float, reason: str | None = None, body: bytes = b"") -> None:
        """180, 183 ... ; with a body, early media."""
        if not 100 < status < 200:
            raise WrongState(f"{status} is not a provisional response: 101 to 199")
        self._call(call).verb(On.PROGRESS, now, Reply(status, reason, body))

    def answer(self, call: str, body: bytes, now: float) -> None:
        found = self._call(call)
        if not isinstance(found, IncomingCall):
            raise WrongState(f"cannot answer now: {found.state.value}")
        found.answer(Reply(200, None, body), now)

    def reject(
        self,
        call: str,
        status: int,
        now: float,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        if not 300 <= status < 700:
            raise WrongState(f"{status} does not refuse a call: 300 to 699")
        self._call(call).verb(On.REJECT, now, Reply(status, reason, headers=tuple(headers)))

    # calls that are answered

    def bye(self, call: str, now: float, reason: str | None = None) -> None:
        """Hang up. The handle is unknown from now on."""
        self._call(call).verb(On.HANG_UP, now, reason)

    def reinvite(self, call: str, body: bytes, now: float) -> None:
        """Make a new offer; `ReinviteAnswered` or `ReinviteRejected` follows."""
        self._call(call).reinvite(body, now)

    def answer_reinvite(self, call: str, body: bytes, now: float) -> None:
        self._call(call).offers.answer(body, now)

    def reject_reinvite(self, call: str, status: int, now: float) -> None:
        self._call(call).offers.reject(status, now)

    def info(self, call: str, content_type: str, body: bytes, now: float) -> None:
        self._call(call).info(content_type, body, now)

    # transfers

    def accept_refer(self, call: str, now: float, id: int | None = None) -> None:
        """We will call whom the other side's REFER names: 202. Tell by `notify_refer` how it goes.

        `id` as in `Referred`; None: the latest.
        """
        self._referring(call).referrals.find(id, ReferState.ASKED).accept(now)

    def refuse_refer(
        self, call: str, status: int, now: float, reason: str | None = None, id: int | None = None
    ) -> None:
        if not 300 <= status < 700:
            raise WrongState(f"{status} does not refuse a REFER: 300 to 699")
        self._referring(call).referrals.find(id, ReferState.ASKED).feed(ReferOn.REFUSE, now, (status, reason))

    def notify_refer(self, call: str, status: int, reason: str | None, now: float, id: int | None = None) -> None:
        """The call that was asked for has got so far; a final status is the last that can be told.

        Also after the call itself is over. Whoever wanted no news (RFC 4488) gets none, and that is no error.
        """
        if not 100 <= status < 700:
            raise WrongState(f"{status} is not a status: 100 to 699")
        self._referring(call).referrals.tell(status, reason, now, id)

    def refer(
        self, call: str, to: Uri, now: float, replaces: Replaces | None = None, referred_by: NameAddr | None = None
    ) -> int:
        """Ask the other side to call `to`, with `replaces` in the place of that call. Returns the REFER's id.

        `ReferProgress` and `ReferRefused` follow; the call itself stands until somebody ends it.
        """
        return self._call(call).refer(to, replaces, referred_by, now)

    def authenticate(self, call: str, credentials: Credentials) -> None:
        """Answer challenges to our requests within a call that others began; for those we begin, `invite` is told."""
        found = self._call(call)
        if found.dialog is not None:
            found.digest = self._digest(credentials, found.dialog.peer)

    def replaces_of(self, call: str) -> Replaces:
        """How its other side knows this call: for a `refer` of somebody else to it."""
        dialog = self._call(call).dialog
        if dialog is None:
            raise WrongState("a call that is not answered cannot be replaced yet")
        return Replaces(dialog.call_id, dialog.remote.tag or "0", dialog.local.tag or "0")

    def target_of(self, call: str) -> Uri:
        """Where its other side is reached (its Contact): whom to name in a `refer` with `replaces_of` this call."""
        dialog = self._call(call).dialog
        if dialog is None:
            raise WrongState("a call that is not answered has no Contact yet")
        return dialog.target

    def call_of(self, replaces: Replaces) -> str | None:
        """The call of ours that a Replaces means; None: it is not one of ours, or over."""
        found = call_of(self._core, replaces)
        return None if found is None else found.handle

    def _referring(self, handle: str) -> Call:
        return self._core.afterlife.get(handle) or self._call(handle)

    def _call(self, handle: str) -> Call:
        call = self._core.calls.get(handle)
        if call is None:
            raise NoSuchCall(f"no call {handle}: it is over, or never was")
        return call

    # who is there

    def options(
        self,
        uri: Uri,
        targets: Sequence[Address],
        now: float,
        *,
        from_: NameAddr | None = None,
        credentials: Credentials | None = None,
        route: Sequence[NameAddr] = (),
    ) -> str:
        """Ask `uri` what it can do, at the first of `targets` that answers; `OptionsAnswered` follows, with this id."""
        if from_ is None:
            host, port = self._core.advertised(targets[0].transport if targets else "udp")
            from_ = NameAddr("", Uri("sip", credentials.username if credentials else None, None, host, port))
        digest = self._digest(credentials, targets[0]) if credentials is not None and targets else None
        return self._pings.send(uri, targets, from_, route, digest, now)

    # registrations of ours

    def register(self, registration: Registration, targets: Sequence[Address], now: float) -> str:
        """Keep `registration` alive at one of `targets`. Returns its id."""
        return self._registrations.add(registration, targets, now)

    def registrations(self) -> list[RegistrationView]:
        """Each registration of ours as it is now."""
        return self._registrations.views()

    def retarget(self, id: str, targets: Sequence[Address]) -> None:
        """The registrar of `id` has been looked up again; from the next REGISTER on."""
        self._registrations.retarget(id, targets)

    def unregister(self, id: str, now: float) -> None:
        self._registrations.remove(id, now)
