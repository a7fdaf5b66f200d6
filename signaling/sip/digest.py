"""The arithmetic and the grammar of HTTP Digest as SIP uses it (RFC 7616, RFC 8760; RFC 2069 for old servers)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from signaling.sip.grammar import quote, split_list, unquote


def _hasher(name: str) -> Callable[[bytes], str]:
    return lambda data: hashlib.new(name, data, usedforsecurity=name != "md5").hexdigest()


# RFC 8760 2.4: the order is ours, strongest first
ALGORITHMS = {
    name: _hasher(function)
    for name, function in (("SHA-512-256", "sha512_256"), ("SHA-256", "sha256"), ("MD5", "md5"))
    if function in hashlib.algorithms_available
}
_STRENGTH = {name: place for place, name in enumerate(ALGORITHMS)}
_OPENING = re.compile(r"([A-Za-z][A-Za-z0-9\-]*)[ \t]+(?=[A-Za-z0-9\-]+[ \t]*=)")
_UNQUOTED = ("algorithm", "qop", "nc", "stale")  # never in quotes in Authorization (RFC 7616 3.4); stale in challenges


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate value. `algorithm` is as it was written, "" when it was not."""

    realm: str
    nonce: str
    algorithm: str = ""
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False

    @property
    def hash_name(self) -> str:
        """MD5, SHA-256 ... without -sess; RFC 7616 3.3: MD5 when nothing is said."""
        return (self.algorithm.upper() or "MD5").removesuffix("-SESS")

    @property
    def session(self) -> bool:
        return self.algorithm.upper().endswith("-SESS")

    @property
    def strength(self) -> int:
        """0 is the strongest; above every known one what is not known here."""
        return _STRENGTH.get(self.hash_name, len(_STRENGTH))

    @property
    def answerable(self) -> bool:
        return self.hash_name in ALGORITHMS and (not self.qop or bool({"auth", "auth-int"} & set(self.qop)))


def parse_fields(value: str) -> list[tuple[str, dict[str, str]]]:
    """`Digest a="b", c=d` as (scheme, fields); several of them in one line too. Rubbish gives less, never an error."""
    found: list[tuple[str, dict[str, str]]] = []
    for item in split_list(value):
        opening = _OPENING.match(item)
        if opening:
            found.append((opening[1].lower(), {}))
            item = item[opening.end() :]
        name, equals, text = item.partition("=")
        if found and equals:
            found[-1][1].setdefault(name.strip().lower(), unquote(text.strip()))
    return found


def parse_challenges(values: list[str]) -> list[Challenge]:
    """The Digest challenges among header values; other schemes are passed over."""
    fields = [found for value in values for scheme, found in parse_fields(value) if scheme == "digest"]
    return [_challenge(found) for found in fields if "nonce" in found]


def _challenge(found: dict[str, str]) -> Challenge:
    qop = tuple(word.strip().lower() for word in found.get("qop", "").split(",") if word.strip())
    stale = found.get("stale", "").lower() == "true"
    return Challenge(
        found.get("realm", ""), found["nonce"], found.get("algorithm", ""), qop, found.get("opaque"), stale
    )


def format_fields(fields: dict[str, str]) -> str:
    """A Digest header value."""
    parts = (f"{name}={value if name in _UNQUOTED else quote(value)}" for name, value in fields.items())
    return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Proof:
    """What goes into a response hash besides the password (RFC 7616 3.4.1)."""

    username: str
    realm: str
    nonce: str
    method: str
    uri: str
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    body: bytes = b""
    session: bool = False

    def hashed(self, algorithm: str, password: str) -> str:
        """The `response` field; `algorithm` a key of ALGORITHMS."""
        digest = ALGORITHMS[algorithm]
        secret = digest(_bytes(f"{self.username}:{self.realm}:{password}"))
        if self.session:
            secret = digest(_bytes(f"{secret}:{self.nonce}:{self.cnonce}"))
        subject = f"{self.method}:{self.uri}"
        if self.qop == "auth-int":
            subject += ":" + digest(self.body)
        middle = f"{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}" if self.qop else self.nonce
        return digest(_bytes(f"{secret}:{middle}:{digest(_bytes(subject))}"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
