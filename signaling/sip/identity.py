"""Who calls, as the network between us says it, and whom the call was first meant for.

P-Asserted-Identity and Privacy (RFC 3325, RFC 3323), Remote-Party-ID (the draft that PBXs still speak), Diversion (RFC
5806), History-Info (RFC 7044). None of it is worth more than the trust in whoever sent it; what cannot be read is
passed over, for a call must not fail by an ornament.
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import get_param, parse_params
from signaling.sip.headers import Headers
from signaling.sip.replaces import uri_header
from signaling.sip.uri import NameAddr

MOST = 16  # values of one header that are looked at


@dataclass(frozen=True, slots=True)
class RemoteParty:
    """One Remote-Party-ID. `party`: calling or called; `privacy`: off, full, name, uri."""

    address: NameAddr
    party: str
    privacy: str
    screened: bool


@dataclass(frozen=True, slots=True)
class Diversion:
    """One hop of a diverted call, the latest first. `reason`: unconditional, user-busy, no-answer ... or ""."""

    address: NameAddr
    reason: str
    counter: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One place that the call was sent to. `index` as 1.1; `cause`: the status that sent it on, if one did."""

    address: NameAddr
    index: str
    cause: int | None


@dataclass(frozen=True, slots=True)
class Identities:
    """All of it, of one request; each empty where nothing was said."""

    asserted: tuple[NameAddr, ...] = ()
    preferred: tuple[NameAddr, ...] = ()
    remote_parties: tuple[RemoteParty, ...] = ()
    privacy: frozenset[str] = frozenset()
    """small letters: id, user, header, session, critical, none"""
    diversions: tuple[Diversion, ...] = ()
    history: tuple[HistoryEntry, ...] = ()

    @staticmethod
    def of(headers: Headers) -> Identities:
        """Never raises."""
        return Identities(
            tuple(_addresses(headers, "P-Asserted-Identity")),
            tuple(_addresses(headers, "P-Preferred-Identity")),
            tuple(_remote_party(each) for each in _addresses(headers, "Remote-Party-ID")),
            _privacy(headers),
            tuple(_diversion(each) for each in _addresses(headers, "Diversion")),
            tuple(_history(each) for each in _addresses(headers, "History-Info")),
        )

    @property
    def withheld(self) -> bool:
        """The caller wishes to stay unknown to whom it calls (RFC 3323 section 4.2, RFC 3325 section 9.3)."""
        asked = self.privacy & {"id", "user", "header"}
        return bool(asked) or any(each.party == "calling" and each.privacy == "full" for each in self.remote_parties)


def _addresses(headers: Headers, name: str) -> list[NameAddr]:
    found = []
    for value in headers.all(name)[:MOST]:
        try:
            found.append(NameAddr.parse(value))
        except BadMessage:
            continue
    return found


def _privacy(headers: Headers) -> frozenset[str]:
    words = (headers.get("Privacy") or "").replace(",", ";").split(";")
    return frozenset(word.strip().lower() for word in words[:MOST] if word.strip())


def _remote_party(address: NameAddr) -> RemoteParty:
    said = {name: (address.param(name) or "").lower() for name in ("party", "privacy", "screen")}
    return RemoteParty(address, said["party"] or "calling", said["privacy"] or "off", said["screen"] == "yes")


def _diversion(address: NameAddr) -> Diversion:
    return Diversion(address, (address.param("reason") or "").lower(), _number(address.param("counter")) or 1)


def _history(address: NameAddr) -> HistoryEntry:
    """The cause stands in a Reason header within the URI (RFC 7044 section 5.1), or in a parameter (RFC 4458)."""
    reason = uri_header(address.uri, "reason") or ""
    cause = get_param(parse_params(reason.partition(";")[2]), "cause") or address.uri.param("cause")
    return HistoryEntry(address, address.param("index") or "", _number(cause))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
