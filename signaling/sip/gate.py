"""Who may come in: a request is judged before anything is remembered of it (RFC 3261 section 8.2).

What is refused or challenged here is answered statelessly: a scanner that knocks ten thousand times leaves nothing
behind. With `StackConfig.silent` a stranger is not answered at all. A stranger is who
 * is in no trusted network, is not recognised by `admit`, and from whose address no phone is registered here, and
 * sends something outside of our calls that is no REGISTER, or a REGISTER that is garbage, and
 * proves no password in it: an INVITE with a right answer to a challenge is let in; one with a right or wrong answer to
   a challenge of ours that has only grown too old is challenged anew.
REGISTER is always answered, for that is how a phone whose address nobody knows gets its first challenge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from signaling.sip.address import Address
from signaling.sip.auth import DigestServer, Verdict
from signaling.sip.config import StackConfig
from signaling.sip.message import Request
from signaling.sip.users import Users

SCHEMES = ("sip", "sips", "tel")
KNOWN = frozenset({"MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE"})
CHALLENGED = frozenset({"INVITE"})  # what costs somebody money


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to answer instead, and why, in words for the log; no words for what happens every day."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """Come in. `user` is the account that has proved to be there, if anybody was asked; `peer` whom `admit` knows."""

    user: str | None = None
    peer: str | None = None


Admit = Callable[[Request, Address], "str | Refusal | None"]
"""The gateway's own judgement of a request outside of calls, before any password is asked for: the name of the peer
that it comes from, which need not prove itself; a refusal; or None: nobody it knows. Not asked about REGISTER."""


class Gate:
    """Watches the door for one stack; `users` are those with a password here."""

    def __init__(
        self,
        config: StackConfig,
        digest: DigestServer,
        users: Users,
        admit: Admit | None = None,
        hosts_phone: Callable[[str], bool] | None = None,
    ) -> None:
        self._admit = admit or (lambda request, source: None)
        self._hosts_phone = hosts_phone or (lambda host: False)
        self._config = config
        self._digest = digest
        self._users = users
        self._trusted = [ip_network(network, strict=False) for network in config.trusted]
        self._methods = (*config.allow, *(("REGISTER",) if config.registrar else ()))
        self.allow = (("Allow", ", ".join(self._methods)),)

    def inspect(self, request: Request, in_dialog: bool = False) -> Refusal | None:
        """What is wrong with the request itself, whoever sends it."""
        if request.method not in (self._config.allow if in_dialog else self._methods):
            status = 405 if request.method in KNOWN else 501  # 8.2.1
            return Refusal(status, self.allow, f"{request.method} is not spoken here")
        if request.uri.scheme not in SCHEMES:
            return Refusal(416, (), f"a {request.uri.scheme} URI cannot be called")  # 8.2.2.1
        wanted = [each for each in request.headers.all("Require") if each.lower() not in self._config.supported]
        if wanted:  # 8.2.2.3
            return Refusal(420, (("Unsupported", ", ".join(wanted)),), f"required extension {', '.join(wanted)}")
        return self._inspect_invite(request) if request.method == "INVITE" else None

    def _inspect_invite(self, request: Request) -> Refusal | None:
        if request.max_forwards == 0:  # we would carry the call on, so a loop through us has to end here
            return Refusal(483, (), "too many hops: does a call run in circles?")
        accept = self._config.accept
        if request.body and (request.content_type not in accept or encoded(request)):  # 8.2.3
            headers = (("Accept", ", ".join(accept)), ("Accept-Encoding", "identity"))
            return Refusal(415, headers, f"a body of type {request.content_type or 'unknown'}")
        return None

    def recognise(self, request: Request, source: Address) -> Admission | Refusal | None:
        """What the gateway itself says of a request; asked once for each that is outside of our calls."""
        known = self._admit(request, source)
        if isinstance(known, str):
            return Admission(peer=known) if known else None
        return known

    def hears_nothing(self, source: Address) -> bool:
        """Whether whoever is not recognised there gets no answer."""
        return self._config.silent and not self.trusts(source) and not self._hosts_phone(source.host)

    def overhears(self, request: Request, source: Address, now: float) -> Admission | Refusal | None:
        """A stranger's INVITE: what its password is worth. None: nothing, and no answer is due."""
        if request.method not in CHALLENGED or "Authorization" not in request.headers:
            return None
        verdict = self._digest.verify(
            request, self._users.password, now, source=source.host, canonical=self._users.account
        )
        if verdict.user is not None:
            return Admission(self._users.account(verdict.user) or verdict.user)
        return self._challenge(request, source, verdict, now) if verdict.stale and not verdict.foreign else None

    def admit(self, request: Request, source: Address, now: float) -> Refusal | Admission:
        """Ask for a password (section 22.2), unless the sender's network is trusted."""
        if not self._config.challenge or request.method not in CHALLENGED or self.trusts(source):
            return Admission()
        users = self._users
        verdict = self._digest.verify(request, users.password, now, source=source.host, canonical=users.account)
        if verdict.blocked:
            return Refusal(403, (), verdict.reason)
        if verdict.user is not None:
            return Admission(users.account(verdict.user) or verdict.user)
        return self._challenge(request, source, verdict, now)

    def _challenge(self, request: Request, source: Address, verdict: Verdict, now: float) -> Refusal:
        offered = "Authorization" in request.headers and not verdict.stale
        challenge = tuple(
            ("WWW-Authenticate", value) for value in self._digest.challenge(now, verdict.stale, source.host)
        )
        return Refusal(
            401, challenge, f"{request.method} from {request.from_.uri}: {verdict.reason}" if offered else ""
        )

    def trusts(self, source: Address) -> bool:
        if not self._trusted:
            return False
        host = ip_address(source.host)
        host = getattr(host, "ipv4_mapped", None) or host  # a socket for both families
        return any(host in network for network in self._trusted)

    def busy(self) -> Refusal:
        """A limit of the configuration is reached."""
        return Refusal(503, (("Retry-After", str(self._config.retry_after)),), "too many calls or transactions at once")


def encoded(request: Request) -> bool:
    return (request.headers.get("Content-Encoding") or "identity").lower() != "identity"
