"""Our own registration with a PBX or provider: kept alive, refreshed early, retried with patience.

The owner (the stack) sends what `next_request` gives, reports with `on_response` or `on_timeout`, and calls `wake` when
`wake_at` has come. Refresh comes at about 85 % of what was granted. After a failure the wait doubles, with jitter, so
that a thousand gateways do not fall upon a PBX that has just come back (RFC 5626 4.5). A refused password waits
longest: asking again soon only locks the account.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from signaling.sip.address import Address
from signaling.sip.auth_client import Credentials, DigestClient
from signaling.sip.errors import AuthenticationFailed, TransactionTimeout, TransportFailed
from signaling.sip.headers import CSeq, Headers
from signaling.sip.message import Request, Response
from signaling.sip.registration_table import TABLE, Do, On, State
from signaling.sip.uri import NameAddr, Uri

REFRESH_AT = 0.85
SHORTEST_REFRESH = 5.0
LONGEST_EXPIRES = 86400
_MOST_ASKED = 4  # challenges and 423s in a row before we call it a refusal


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """`state`: registering, registered, failed, unregistered. `expires`: seconds granted, or until the next attempt."""

    id: str
    state: str
    status: int
    reason: str
    expires: int


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """A registration as it is now, for people. Times are those of the stack's `now`, in seconds."""

    id: str
    aor: Uri
    registrar: Uri
    state: str
    """registering, registered, refreshing, failed, unregistering, unregistered; idle before the first REGISTER"""
    status: int
    """of the latest answer; 408 or 503 where there was none, 0 before the first"""
    reason: str
    expires_at: float | None
    """until when the registrar knows us, by its last grant"""
    next_at: float | None
    """when the next REGISTER goes out; None while one is out"""
    target: Address | None
    """where it goes"""


class Registration:
    """One address-of-record with one registrar. `random(n)` gives n hexadecimal digits; times in seconds.

    `outbound_proxy` gets every REGISTER first (a preloaded Route, RFC 3261 section 8.1.2). `contact_params` are header
    parameters of our Contact, as ("+sip.instance", '"<urn:uuid:...>"'); what has a value that is no token is quoted.
    """

    def __init__(
        self,
        aor: Uri,
        registrar: Uri,
        contact: Uri,
        credentials: Credentials | None,
        expires: int = 3600,
        *,
        random: Callable[[int], str],
        display: str = "",
        id: str = "",
        first_wait: float = 5.0,
        longest_wait: float = 600.0,
        outbound_proxy: Uri | None = None,
        contact_params: Mapping[str, str | None] | None = None,
    ) -> None:
        self.id = id or str(aor)
        self.aor, self.registrar, self.contact = aor, registrar, contact
        self.outbound_proxy = outbound_proxy
        self.expires_at: float | None = None
        self._contact = NameAddr("", contact).with_params(dict(contact_params or {}))
        self.state = State.IDLE
        self.credentials = credentials
        self._client = DigestClient(credentials, random) if credentials else None
        self._random, self._display = random, display
        self._expires, self._first_wait, self._longest_wait = expires, first_wait, longest_wait
        self._call_id = f"{random(24)}@{aor.host}"
        self._from_tag = random(16)
        self._cseq = 0
        self._due: float | None = float("-inf")  # the first REGISTER goes out at once
        self._sent: Request | None = None
        self._outbox: Request | None = None
        self._asked = 0
        self._failures = 0
        self._losses = 0
        self._stands_since = 0.0
        self._retry_after = 0.0
        self._told = (0, "", 0)  # status, words, seconds of the next event
        self._events: deque[RegistrationChanged] = deque()

    def next_request(self, now: float) -> Request | None:
        """A REGISTER that is due to be sent, without a Via (the stack's); None when there is none."""
        self.wake(now)
        request, self._outbox = self._outbox, None
        return request

    def on_response(self, response: Response, now: float) -> None:
        """Any response; those to older requests are ignored."""
        if self._sent is None or response.status < 200 or response.cseq.number != self._sent.cseq.number:
            return
        self._told = (response.status, response.reason, 0)
        self._retry_after = _retry_after(response)
        if response.status < 300:
            self._granted(response)
            self._feed(On.ACCEPTED, now)
            return
        again = self._again(response)
        if again is not None and self._asked < _MOST_ASKED:
            self._asked += 1
            self._sent = again
            self._feed(On.ASKED, now)
        else:
            self._feed(On.REFUSED, now)

    def on_timeout(self, now: float, reason: str = "No Answer From the Registrar") -> None:
        """Nobody answered, or the request could not be sent."""
        self._told = (TransactionTimeout.sip_status, reason, 0)
        self._retry_after = 0.0
        self._feed(On.SILENT, now)

    def on_lost(self, now: float, reason: str = "Connection to the Registrar Lost") -> None:
        """The stream connection by which it was registered is gone."""
        self._told = (TransportFailed.sip_status, reason, 0)
        self._feed(On.LOST, now)

    def unregister(self, now: float) -> None:
        """Take the binding back; then the registration is over."""
        self._told = (0, "", 0)
        self._feed(On.LEAVE, now)

    def wake_at(self) -> float | None:
        """When to call `wake`: minus infinity before the first request, None when only a response is awaited."""
        return self._due

    def wake(self, now: float) -> None:
        if self._due is not None and self._due <= now:
            self._due = None
            self._feed(On.DUE, now)

    def next_event(self) -> RegistrationChanged | None:
        return self._events.popleft() if self._events else None

    @property
    def first_hop(self) -> Uri:
        """Whose address is to be looked up."""
        return self.outbound_proxy or self.registrar

    def view(self, target: Address | None = None) -> RegistrationView:
        status, reason, _ = self._told
        due = self._due if self._due is not None and isfinite(self._due) else None
        state = self.state.value
        return RegistrationView(
            self.id, self.aor, self.registrar, state, status, reason, self.expires_at, due, target
        )  # fmt: skip

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def _feed(self, event: On, now: float) -> None:
        row = TABLE[self.state].get(event)
        if row is None:
            return
        before, (self.state, action) = self.state, row
        match action:
            case Do.SEND:
                self._send(self._expires)
                if before is State.IDLE:
                    self._tell()
            case Do.SEND_AGAIN:
                self._hand_out()
            case Do.SEND_LEAVE:
                self._due, self._asked = None, 0
                self._send(0)
            case Do.HOLD:
                if before is State.TRYING:
                    self._stands_since = now
                self._hold(now)
            case Do.BACK_OFF:
                self._back_off(now)
            case Do.RETURN:
                self._return(now)
            case Do.CLOSE:
                self._due = self._sent = self.expires_at = None
                self._told = (*self._told[:2], 0)
                self._tell()

    def _send(self, expires: int) -> None:
        self._asked = 0
        self._cseq += 1
        me = NameAddr(self._display, self.aor)
        pairs = [
            *self._route(),
            ("Max-Forwards", "70"), ("From", str(me.with_tag(self._from_tag))), ("To", str(me)),
            ("Call-ID", self._call_id), ("CSeq", str(CSeq(self._cseq, "REGISTER"))),
            ("Contact", self._contact_line(expires)), ("Expires", str(expires)),
        ]  # fmt: skip
        self._sent = Request("REGISTER", self.registrar, Headers(pairs))
        if self._client:
            self._client.attach(self._sent)
        self._hand_out()

    def _contact_line(self, expires: int) -> str:
        return str(self._contact.with_params({"expires": str(expires)}))

    def _route(self) -> list[tuple[str, str]]:
        proxy = self.outbound_proxy
        return [] if proxy is None else [("Route", str(NameAddr("", proxy.with_params(lr=""))))]

    def _hand_out(self) -> None:
        """Give a copy, so that the Via the stack puts on it stays out of ours."""
        assert self._sent is not None
        self._cseq = self._sent.cseq.number
        self._outbox = Request("REGISTER", self._sent.uri, self._sent.headers.copy())

    def _again(self, response: Response) -> Request | None:
        """The request with what a 401, 407 or 423 asked for; None when that cannot be satisfied."""
        assert self._sent is not None
        if response.status in (401, 407):
            again = self._client.answer(response, self._sent) if self._client else None
            if again is None:
                self._told = (AuthenticationFailed.sip_status, self._password_words(), 0)
                self._retry_after = self._longest_wait
            return again
        if response.status == 423:
            return self._longer(response, self._sent)
        return None

    def _password_words(self) -> str:
        if self._client is None:
            return f"{self.registrar.host} asks for a password: set one for {self.aor}"
        return f"{self.registrar.host} refuses user name and password of {self.aor}: check them"

    def _longer(self, response: Response, sent: Request) -> Request | None:
        text = (response.headers.get("Min-Expires") or "").strip()
        if not (text.isascii() and text.isdigit()) or not self._expires < int(text[:9]) <= LONGEST_EXPIRES:
            return None
        self._expires = int(text)  # 10.2.8
        again = Request("REGISTER", sent.uri, sent.headers.copy())
        again.headers.set("CSeq", str(CSeq(sent.cseq.number + 1, "REGISTER")))
        again.headers.set("Expires", text)
        again.headers.set("Contact", self._contact_line(int(text)))
        if self._client:
            self._client.attach(again)
        return again

    def _granted(self, response: Response) -> None:
        """Our contact's own expires counts, then the header, then what we asked for (10.2.4)."""
        mine = [c for c in response.contacts if c.uri.same_as(self.contact)]
        texts = [*(c.param("expires") for c in mine), response.headers.get("Expires")]
        seconds = next((int(t[:9]) for t in texts if t and t.isascii() and t.isdigit()), self._expires)
        self._told = (response.status, response.reason, min(seconds, LONGEST_EXPIRES))

    def _hold(self, now: float) -> None:
        granted = self._told[2]
        self._failures = 0
        self._sent = None
        self.expires_at = now + granted
        self._due = now + max(SHORTEST_REFRESH, granted * (REFRESH_AT - 0.05 * self._chance()))
        self._tell()

    def _back_off(self, now: float) -> None:
        """RFC 5626 4.5: between half and all of a wait that doubles with each failure."""
        longest = min(self._longest_wait, self._first_wait * 2.0 ** min(self._failures, 30))
        wait = max(longest * (0.5 + 0.5 * self._chance()), min(self._retry_after, LONGEST_EXPIRES))
        self._failures += 1
        self._sent = None
        self._due = now + wait
        self._told = (*self._told[:2], round(wait))
        self._tell()

    def _return(self, now: float) -> None:
        """At once, unless the registrar breaks the connection soon after each grant: then the wait doubles as well."""
        if now - self._stands_since >= self._longest_wait:
            self._losses = 0
        longest = min(self._longest_wait, self._first_wait * 2.0 ** min(self._losses - 1, 30)) if self._losses else 0.0
        wait = longest * (0.5 + 0.5 * self._chance())
        self._losses += 1
        self._due = now + wait
        self._told = (*self._told[:2], round(wait))
        self._tell()

    def _chance(self) -> float:
        return int(self._random(8), 16) / 0x1_0000_0000

    def _tell(self) -> None:
        status, reason, seconds = self._told
        self._events.append(RegistrationChanged(self.id, self.state.value, status, reason, seconds))


def _retry_after(response: Response) -> float:
    digits = (response.headers.get("Retry-After") or "").strip().partition(" ")[0].partition(";")[0]
    return float(digits[:6]) if digits.isascii() and digits.isdigit() else 0.0
