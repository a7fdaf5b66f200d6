"""Who calls: as headers of an INVITE to a trunk, and from the headers of one that came by it.

Towards the trunk the caller's number stands in From, or in P-Asserted-Identity (RFC 3325) or Remote-Party-ID (the draft
that PBXs still speak) beside a From that is our user there. An anonymous caller has no number in From (RFC 3323 section
4.1.1.3); Privacy says that what stands in the other headers is for the servers only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.calls.events import Identity
from gateway.trunks.trunk import Trunk
from signaling.sip.headers import Headers
from signaling.sip.identity import Identities
from signaling.sip.uri import NameAddr, Uri

ANONYMOUS = Identity("anonymous", "Anonymous")
NOBODY = NameAddr("Anonymous", Uri("sip", "anonymous", None, "anonymous.invalid"))
PASS = "pass"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How an INVITE says who calls."""

    from_: NameAddr
    headers: tuple[tuple[str, str], ...] = ()


def outgoing(trunk: Trunk, server: Uri, caller: Identity, ours: str) -> Outgoing:
    """`ours`: our domain, behind the @ of callers whom the trunk does not know as its own."""
    policy = trunk.caller_id
    host = policy.domain or (server.host if trunk.user else ours)
    anonymous = caller.number == ANONYMOUS.number
    shown = NameAddr(caller.display, Uri("sip", _number(trunk, caller, anonymous), None, host))
    user = NameAddr(caller.display, Uri("sip", trunk.user, None, host)) if trunk.user else shown
    private = policy.private or anonymous
    from_ = NOBODY if private else shown if policy.header == "from" else user
    return Outgoing(from_, tuple(_extra(policy.header, shown, private, known=bool(trunk.user))))


def _number(trunk: Trunk, caller: Identity, anonymous: bool) -> str:
    policy = trunk.caller_id
    if policy.number not in ("", PASS):
        return policy.number
    if trunk.user and (anonymous or (policy.header == "from" and not policy.number)):
        return trunk.user
    plain = caller.number.removeprefix("sip:").partition("@")[0]
    return plain if anonymous else policy.outward.apply(plain)


def _extra(header: str, shown: NameAddr, private: bool, known: bool) -> Iterator[tuple[str, str]]:
    if header == "pai":
        yield "P-Asserted-Identity", str(shown)
    elif header == "rpid":
        privacy = "full" if private else "off"
        yield "Remote-Party-ID", str(shown.with_params({"party": "calling", "privacy": privacy, "screen": "yes"}))
    elif private and known:  # RFC 3325 section 9.2: whom to charge, when From does not say it
        yield "P-Preferred-Identity", str(shown)
    if private:
        yield "Privacy", "id"


# ---------------------------------------------------------------- what a trunk says of its callers


def incoming(trunk: Trunk, from_: NameAddr, headers: Headers) -> Identity:
    """The caller by the first header that is believed and there."""
    said = Identities.of(headers)
    if said.withheld:
        return ANONYMOUS
    for kind in trunk.caller_id.believed:
        for told in _READERS[kind](from_, said):
            if (told.uri.user or "").lower() == ANONYMOUS.number:
                return ANONYMOUS
            if told.uri.user:
                return Identity(trunk.caller_id.inward.apply(told.uri.user), told.display or from_.display)
    return Identity(str(from_.uri), from_.display)


_READERS: dict[str, Callable[[NameAddr, Identities], Sequence[NameAddr]]] = {
    "from": lambda from_, said: [from_],
    "pai": lambda from_, said: said.asserted,
    "rpid": lambda from_, said: [each.address for each in said.remote_parties if each.party == "calling"],
}
