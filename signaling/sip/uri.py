"""SIP and other URIs, and the name-addr that wraps them in headers (RFC 3261 19.1, 20.10, 25.1).

Liberal towards what phones and PBXs send (an unescaped `@` in a user, spaces inside the brackets, raw UTF-8), strict in
what is written. A parsed URI is written back byte for byte; one made or changed here is escaped by the grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import lru_cache
from urllib.parse import quote as percent_quote
from urllib.parse import unquote_to_bytes

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import (
    TOKEN,
    Params,
    end_of_quoted,
    format_params,
    get_param,
    merge_params,
    parse_params,
    quote,
    unquote,
)

LONGEST = 2048  # a URI or name-addr above this is an attack, not an address
_CACHEABLE = 256
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_HOSTPORT = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.\-]+))(?::([0-9]{1,5}))?((?:;[^?]*)?)(?:\?(.*))?", re.DOTALL
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"\ud800-\udfff]")  # never bare inside a URI (RFC 3986)
_USER_SAFE = "-_.!~*'()&=+$,;?/"  # unreserved and user-unreserved (25.1)
_PASSWORD_SAFE = "-_.!~*'()&=+$,"
_COMPARED = ("transport", "user", "ttl", "method", "maddr")  # 19.1.4: must be in both URIs or in neither
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Uri:
    """`scheme:user:password@host:port;params?headers`.

    `user` and `password` are decoded (no %xx), `host` has no brackets. A tel URI has its number in `user` and an empty
    `host`; any other scheme is opaque and stands whole in `host`.
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None = None
    params: Params = ()
    headers: str = ""
    _text: str = field(default="", init=False, compare=False, repr=False)  # as it was received

    @staticmethod
    def parse(text: str) -> Uri:
        """Read one URI without brackets around it; raises BadMessage."""
        return _cached_uri(text) if len(text) <= _CACHEABLE else _parse_uri(text)

    def __str__(self) -> str:
        return self._text or self._build()

    def _build(self) -> str:
        if self.scheme == "tel":
            return f"tel:{self.user or ''}{format_params(self.params)}"
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.host}"
        password = "" if self.password is None else ":" + _escape(self.password, _PASSWORD_SAFE)
        userinfo = "" if self.user is None else _escape(self.user, _USER_SAFE) + password + "@"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{userinfo}{self.hostport}{format_params(self.params)}{headers}"

    @property
    def hostport(self) -> str:
        """`host` or `host:port`, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def param(self, name: str, default: str | None = None) -> str | None:
        """A parameter's value ("" when it has none), `default` when it is not there."""
        return get_param(self.params, name.lower(), default)

    @property
    def transport(self) -> str | None:
        """udp, tcp, tls, ws or wss; None when the URI leaves it open (RFC 3263 decides then)."""
        named = (self.param("transport") or "").lower() or None
        if self.scheme == "sips":
            return "wss" if named in ("ws", "wss") else "tls"
        return named

    def with_params(self, **changes: str | None) -> Uri:
        """A copy with parameters set; None removes one, "" sets one without a value."""
        gone = tuple(name.lower() for name, value in changes.items() if value is None)
        kept = {name: value or None for name, value in changes.items() if value is not None}
        return replaced(self, params=merge_params(self.params, kept, gone))

    def same_as(self, other: Uri) -> bool:
        """Equal by 19.1.4: hosts without case, users with; parameters nobody knows count only where both have them."""
        mine, theirs = (_comparable(uri) for uri in (self, other))
        if mine != theirs:
            return False
        left, right = ({k.lower(): (v or "").lower() for k, v in uri.params} for uri in (self, other))
        if any(left.get(name) != right.get(name) for name in _COMPARED):
            return False
        return all(left[name] == right[name] for name in left.keys() & right.keys())


def _comparable(uri: Uri) -> tuple[object, ...]:
    headers = sorted(uri.headers.lower().split("&")) if uri.headers else []
    return uri.scheme, uri.user, uri.password, uri.host.lower(), uri.port, headers


def _escape(text: str, safe: str) -> str:
    return percent_quote(text, safe=safe, errors="surrogateescape")


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _parse_uri(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or not _SCHEME.fullmatch(scheme):
        raise BadMessage(f"not a URI: {text[:80]!r} (expected scheme:..., as in sip:alice@example.com)")
    if len(text) > LONGEST:
        raise BadMessage(f"a URI of {len(text)} characters (at most {LONGEST})")
    if _FORBIDDEN.search(text):
        raise BadMessage(f"a URI with spaces, brackets or control characters: {text[:80]!r}")
    scheme = scheme.lower()
    if scheme in ("sip", "sips"):
        uri = _parse_sip(scheme, rest)
    elif scheme == "tel":
        number, semicolon, params = rest.partition(";")
        uri = Uri("tel", number, None, "", None, parse_params(params) if semicolon else ())
    else:
        uri = Uri(scheme, None, None, rest)
    object.__setattr__(uri, "_text", text)
    return uri


_cached_uri = lru_cache(2048)(_parse_uri)


def _parse_sip(scheme: str, rest: str) -> Uri:
    userinfo, at, hostpart = rest.partition("@")
    if not at:
        hostpart, userinfo = rest, ""
    match = _HOSTPORT.fullmatch(hostpart)
    if not match and "@" in hostpart:  # an `@` that should have been escaped: the last one counts
        userinfo, _, hostpart = rest.rpartition("@")
        match = _HOSTPORT.fullmatch(hostpart)
    if not match:
        raise BadMessage(f"no host in the URI {scheme}:{rest[:80]!r}")
    ipv6, name, port, params, headers = match.groups()
    number = int(port) if port else None
    if number is not None and number > 65535:
        raise BadMessage(f"port {port} in a URI (at most 65535)")
    user, password = _userinfo(userinfo) if at else (None, None)
    return Uri(scheme, user, password, ipv6 or name, number, parse_params(params), headers or "")


def _userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    return _unescape(user), _unescape(password) if colon else None


@dataclass(frozen=True, slots=True)
class NameAddr:
    """`"display" <uri>;params`, as in From, To, Contact, Route. `display` is clean text for people."""

    display: str
    uri: Uri
    params: Params = ()
    _text: str = field(default="", init=False, compare=False, repr=False)

    @staticmethod
    def parse(text: str) -> NameAddr:
        """Read one name-addr or addr-spec with its parameters; raises BadMessage."""
        return _cached_name_addr(text) if len(text) <= _CACHEABLE else _parse_name_addr(text)

    def __str__(self) -> str:
        if self._text:
            return self._text
        display = "" if not self.display else quote(self.display) + " "
        return f"{display}<{self.uri}>{format_params(self.params)}"

    def param(self, name: str, default: str | None = None) -> str | None:
        """A header parameter's value ("" when it has none), `default` when it is not there."""
        return get_param(self.params, name.lower(), default)

    @property
    def tag(self) -> str | None:
        return get_param(self.params, "tag") or None

    def with_tag(self, tag: str | None) -> NameAddr:
        """A copy with that tag; None takes it away."""
        changes: dict[str, str | None] = {} if tag is None else {"tag": tag}
        return replaced(self, params=merge_params(self.params, changes, ("tag",) if tag is None else ()))

    def with_params(self, changes: dict[str, str | None]) -> NameAddr:
        """A copy with header parameters set (a value of None: a parameter without value)."""
        quoted = {n: v if v is None or TOKEN.fullmatch(v) or v[:1] in '"[' else quote(v) for n, v in changes.items()}
        return replaced(self, params=merge_params(self.params, quoted))


def _parse_name_addr(text: str) -> NameAddr:
    text = text.strip()
    if len(text) > 2 * LONGEST:
        raise BadMessage(f"an address of {len(text)} characters (at most {2 * LONGEST})")
    at = end_of_quoted(text, 0) if text[:1] == '"' else 0
    left = text.find("<", at)
    if left < 0:
        return _finish(_parse_addr_spec(text), text)
    right = text.find(">", left)
    if right < 0 or (at and text[at:left].strip()):
        raise BadMessage(f"unbalanced brackets or quotes in an address: {text[:80]!r}")
    tail = text[right + 1 :].lstrip()
    if tail and tail[0] != ";":
        raise BadMessage(f"{tail[:40]!r} stands after an address where a parameter was expected")
    display = _clean(unquote(text[:left].strip()))
    return _finish(NameAddr(display, Uri.parse(text[left + 1 : right].strip()), parse_params(tail)), text)


_cached_name_addr = lru_cache(2048)(_parse_name_addr)


def _parse_addr_spec(text: str) -> NameAddr:
    """Without brackets every parameter is the header's, and `?` must not occur (20.10)."""
    semicolon = text.find(";", max(text.find("@"), 0))
    bare, params = (text, "") if semicolon < 0 else (text[:semicolon], text[semicolon:])
    if "?" in bare or "," in bare or '"' in bare:
        raise BadMessage(f"an address with ? or , must stand in angle brackets: {text[:80]!r}")
    return NameAddr("", Uri.parse(bare.strip()), parse_params(params))


def _finish(address: NameAddr, text: str) -> NameAddr:
    object.__setattr__(address, "_text", text)
    return address


def _clean(display: str) -> str:
    """Bytes that were not UTF-8 are read as Latin-1: old PBXs send that, and nobody else may choke on them."""
    if not _SURROGATE.search(display):
        return display
    return display.encode("utf-8", "surrogateescape").decode("latin-1")
