"""Where our users' phones are: the registrar (RFC 3261 10.3).

A binding remembers the address its REGISTER came from, and calls to it go there, not to what the Contact claims: that
reaches phones behind NAT, and phones on TCP through the connection they opened. A phone that restarts with a new
Contact but the same `+sip.instance` replaces its old binding (RFC 5626 6); a user with too many bindings loses the one
that would have expired first, which is most likely a phone that is no more.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as replaced

from signaling.sip.address import Address
from signaling.sip.auth_server import DigestServer
from signaling.sip.errors import BadMessage
from signaling.sip.message import Request, Response, reply
from signaling.sip.stateless import stateless_tag
from signaling.sip.uri import NameAddr, Uri
from signaling.sip.users import Lookup, Users


@dataclass(frozen=True, slots=True)
class RegistrarConfig:
    """Times in seconds. `domains` empty: any domain is ours."""

    domains: tuple[str, ...] = ()
    default_expires: int = 600
    min_expires: int = 60
    max_expires: int = 3600
    per_user: int = 10
    total: int = 10_000
    per_request: int = 10


@dataclass(frozen=True, slots=True)
class Registered:
    """A phone is there, or still there. `expires`: seconds."""

    user: str
    contact: Uri
    expires: int


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A phone is gone. `why`: "left", "expired", "replaced" or "connection lost"."""

    user: str
    contact: Uri
    why: str


@dataclass(frozen=True, slots=True)
class Binding:
    """One phone of one user. Requests for it carry `contact` as Request-URI and go to `source`."""

    contact: Uri
    source: Address
    expires_at: float
    user: str
    instance: str | None
    call_id: str
    cseq: int
    params: str = ""


class _Refused(Exception):
    def __init__(self, status: int, reason: str | None = None, *headers: tuple[str, str]) -> None:
        self.status, self.reason, self.headers = status, reason, headers


class Registrar:
    """All bindings of this gateway's users.

    `canonical` gives the account that any name of a user stands for, under which the bindings are kept and told.
    """

    def __init__(
        self,
        server: DigestServer,
        lookup: Lookup,
        config: RegistrarConfig | None = None,
        canonical: Lookup | None = None,
    ) -> None:
        self.config = config or RegistrarConfig()
        self.refused = 0  # REGISTERs that were not granted, first challenges not counted
        self._server = server
        self._accounts = Users(lookup, canonical)
        self._users: dict[str, list[Binding]] = {}
        self._size = 0
        self._hosts: Counter[str] = Counter()
        self._due: list[tuple[float, str]] = []  # a heap of expiries; late entries are passed over
        self._events: deque[Registered | Unregistered] = deque()

    def __len__(self) -> int:
        return self._size

    def bindings(self, user: str) -> list[Binding]:
        """A user's phones, by any name of the user; the one that registered last first."""
        return self._users.get(self._accounts.account(user) or user, [])[::-1]

    def hosts_phone(self, host: str) -> bool:
        """Whether a phone is registered from that address."""
        return host in self._hosts

    def users(self) -> list[str]:
        """Who has at least one phone registered."""
        return list(self._users)

    def handle(self, request: Request, source: Address, now: float) -> Response:
        """Answer one REGISTER; never raises."""
        try:
            user = self._authorised(request, source, now)
            self._update(request, user, source, now)
        except _Refused as refusal:
            self.refused += "Authorization" in request.headers
            return self._reply(request, refusal.status, refusal.reason, refusal.headers)
        except BadMessage as error:
            self.refused += 1
            return self._reply(request, error.status, None, (("Warning", f'399 tandem "{_plain(str(error))}"'),))
        contacts = [("Contact", _contact_line(binding, now)) for binding in self.bindings(user)]
        return self._reply(request, 200, None, contacts)

    def connection_lost(self, connection: int) -> None:
        """A stream connection is closed: phones that were reached through it no longer are."""
        lost = [b for held in self._users.values() for b in held if b.source.connection == connection]
        for binding in lost:
            self._drop(binding, "connection lost")

    def wake_at(self) -> float | None:
        """When the next binding may expire."""
        return self._due[0][0] if self._due else None

    def wake(self, now: float) -> None:
        """Drop what has expired."""
        while self._due and self._due[0][0] <= now:
            _, user = heapq.heappop(self._due)
            for binding in [b for b in self._users.get(user, ()) if b.expires_at <= now]:
                self._drop(binding, "expired")

    def next_event(self) -> Registered | Unregistered | None:
        return self._events.popleft() if self._events else None

    def _reply(
        self, request: Request, status: int, reason: str | None, headers: Iterable[tuple[str, str]] = ()
    ) -> Response:
        return reply(request, status, reason, to_tag=stateless_tag(request), headers=headers)

    def _authorised(self, request: Request, source: Address, now: float) -> str:
        """Steps 1 to 5 of 10.3: our domain, the right password, their own address-of-record."""
        domains, aor = self.config.domains, request.to.uri
        if domains and aor.host.lower() not in map(str.lower, domains):
            raise _Refused(404, f"{_plain(aor.host)} Is Not Served Here")
        verdict = self._server.verify(
            request, self._accounts.password, now, source=source.host, canonical=self._accounts.account
        )
        if verdict.blocked:
            raise _Refused(403, "Too Many Wrong Passwords, Wait a Minute")
        if verdict.user is None:
            values = self._server.challenge(now, verdict.stale, source.host)
            raise _Refused(401, None, *(("WWW-Authenticate", value) for value in values))
        account = self._accounts.account(verdict.user)
        if account is None or account != self._accounts.account(aor.user):  # two names of one user are no two users
            raise _Refused(403, "Register Your Own Address Only")
        return account

    def _update(self, request: Request, user: str, source: Address, now: float) -> None:
        """Steps 6 and 7: everything is checked before anything is changed."""
        values = request.headers.all("Contact")
        if "*" in values:
            self._remove_all(request, user, values)
            return
        if len(values) > self.config.per_request:
            raise _Refused(403, "Too Many Contacts")
        changes = [(self._binding(request, each, user, source, now), each) for each in request.contacts]
        new = sum(binding.expires_at > now and not self._existing(binding) for binding, _ in changes)
        if self._size + new > self.config.total:
            raise _Refused(503, "Too Many Registrations", ("Retry-After", "60"))
        for binding, _ in changes:
            self._commit(binding, now)

    def _remove_all(self, request: Request, user: str, values: list[str]) -> None:
        if len(values) > 1 or (request.headers.get("Expires") or "").strip() != "0":
            raise _Refused(400, "Contact * Needs Expires 0 and No Other Contact")  # step 6
        mine = self._users.get(user, [])
        for binding in mine:
            self._check_order(binding, request)
        for binding in mine[:]:
            self._drop(binding, "left")

    def _binding(self, request: Request, contact: NameAddr, user: str, source: Address, now: float) -> Binding:
        if contact.uri.scheme not in ("sip", "sips"):
            raise _Refused(400, "Contact Must Be a SIP URI")
        expires = self._expires(request, contact)
        params = "".join(f';{n}="{v}"' for n in ("+sip.instance", "reg-id") if (v := contact.param(n)))
        binding = Binding(
            contact.uri, source, now + expires, user, contact.param("+sip.instance"),
            request.call_id, request.cseq.number, params,
        )  # fmt: skip
        for existing in self._existing(binding):
            self._check_order(existing, request)
        return binding

    def _expires(self, request: Request, contact: NameAddr) -> int:
        text = contact.param("expires") or request.headers.get("Expires")
        if text is None:
            return self.config.default_expires
        if not (text.isascii() and text.isdigit()):
            return self.config.default_expires  # 20.19 gives malformed values a default
        wanted = min(int(text[:10]), self.config.max_expires)
        if 0 < wanted < self.config.min_expires:
            raise _Refused(423, None, ("Min-Expires", str(self.config.min_expires)))
        return wanted

    def _check_order(self, existing: Binding, request: Request) -> None:
        """A late REGISTER must not undo a newer one (step 7)."""
        if existing.call_id == request.call_id and request.cseq.number <= existing.cseq:
            raise _Refused(500, "CSeq Lower Than One Seen Before", ("Retry-After", "1"))

    def _existing(self, new: Binding) -> list[Binding]:
        return [b for b in self._users.get(new.user, ()) if _same_phone(b, new)]

    def _commit(self, binding: Binding, now: float) -> None:
        old = self._existing(binding)
        if binding.expires_at <= now:
            for each in old:
                self._drop(each, "left")
            return
        for each in old:
            self._drop(each, None if each.contact.same_as(binding.contact) else "replaced")
        held = self._users.setdefault(binding.user, [])
        held.append(binding)
        self._size += 1
        self._hosts[binding.source.host] += 1
        if len(held) > self.config.per_user:
            self._drop(min(held[:-1], key=lambda b: b.expires_at), "replaced")
        self._remember(binding)
        self._events.append(Registered(binding.user, binding.contact, round(binding.expires_at - now)))

    def _remember(self, binding: Binding) -> None:
        heapq.heappush(self._due, (binding.expires_at, binding.user))
        if len(self._due) > 64 + 2 * self._size:  # refreshes leave old expiries behind
            self._due = [(b.expires_at, b.user) for held in self._users.values() for b in held]
            heapq.heapify(self._due)

    def _drop(self, binding: Binding, why: str | None) -> None:
        held = self._users[binding.user]
        held.remove(binding)
        self._size -= 1
        self._hosts[binding.source.host] -= 1
        if not self._hosts[binding.source.host]:
            del self._hosts[binding.source.host]
        if not held:
            del self._users[binding.user]
        if why:
            self._events.append(Unregistered(binding.user, binding.contact, why))


def _same_phone(old: Binding, new: Binding) -> bool:
    if old.instance and old.instance == new.instance and old.params == new.params:
        return True
    return old.contact.same_as(new.contact)


def _contact_line(binding: Binding, now: float) -> str:
    contact = replaced(NameAddr("", binding.contact))
    return f"{contact}{binding.params};expires={max(0, round(binding.expires_at - now))}"


def _plain(text: str) -> str:
    """Foreign text inside one of our quoted strings or reason phrases."""
    return "".join(c if c.isprintable() and c not in '"\\' else "'" for c in text)[:120]
