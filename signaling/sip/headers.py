"""Header fields: an ordered multimap without regard to case, and the typed values Via and CSeq (RFC 3261 7.3, 20).

`get` and `all` speak of *values*: a comma list in one line and several lines of one name mean the same (7.3.1), except
for headers whose values contain commas of their own (WWW-Authenticate, Date ...), which are never split. `items` gives
the lines as they were received.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as replaced
from functools import lru_cache

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import Params, format_params, get_param, merge_params, parse_params, split_list

_COMPACT = {  # RFC 3261 7.3.3 and 20; 3515, 3892, 4028, 3841, 4474, 6665
    "v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "c": "Content-Type", "l": "Content-Length",
    "e": "Content-Encoding", "k": "Supported", "s": "Subject", "o": "Event", "u": "Allow-Events", "r": "Refer-To",
    "b": "Referred-By", "x": "Session-Expires", "a": "Accept-Contact", "j": "Reject-Contact",
    "d": "Request-Disposition", "y": "Identity", "n": "Identity-Info",
}  # fmt: skip
_LISTS = (
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Call-Info", "Contact", "Content-Encoding", "Content-Language", "Diversion", "Error-Info", "History-Info",
    "In-Reply-To", "P-Asserted-Identity", "P-Associated-URI", "P-Preferred-Identity", "Path", "Proxy-Require",
    "Reason", "Record-Route", "Reject-Contact", "Remote-Party-ID", "Require", "Route", "Security-Client",
    "Security-Server", "Security-Verify", "Service-Route", "Supported", "Unsupported", "Via", "Warning",
)  # fmt: skip
_SINGLES = (
    "Authentication-Info", "Authorization", "Call-ID", "Content-Disposition", "Content-Length", "Content-Type",
    "CSeq", "Date", "Event", "Expires", "From", "Identity", "Identity-Info", "Join", "Max-Forwards", "MIME-Version",
    "Min-Expires", "Min-SE", "Organization", "Priority", "Privacy", "Proxy-Authenticate",
    "Proxy-Authentication-Info", "Proxy-Authorization", "RAck", "Refer-Sub", "Refer-To", "Referred-By", "Replaces",
    "Reply-To", "Request-Disposition", "Retry-After", "RSeq", "Server", "Session-Expires", "SIP-ETag",
    "SIP-If-Match", "Subject", "Subscription-State", "Timestamp", "To", "User-Agent", "WWW-Authenticate",
)  # fmt: skip
_NAMES = {name.lower(): name for name in (*_LISTS, *_SINGLES)} | _COMPACT
_LIST_KEYS = frozenset(name.lower() for name in _LISTS)
_KEYS = {key: name.lower() for key, name in _NAMES.items()}


def _key(name: str) -> str:
    lowered = name.lower()
    return _KEYS.get(lowered, lowered)


def canonical(name: str) -> str:
    """The full name in the RFCs' spelling; an unknown one as it was given."""
    return _NAMES.get(name.lower(), name)


class Headers:
    """An ordered multimap of header fields."""

    __slots__ = ("_lines",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = [(_key(name), canonical(name), value) for name, value in pairs]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value: of a comma list its first element. "" when the header is there, but empty."""
        key = _key(name)
        for have, _, value in self._lines:
            if have != key:
                continue
            if key not in _LIST_KEYS or (value and "," not in value):
                return value
            default = ""  # an empty line of a list says nothing (7.3.1): the next one may
            if items := split_list(value):
                return items[0]
        return default

    def all(self, name: str) -> list[str]:
        """Every value in order, comma lists split."""
        key = _key(name)
        lines = [value for have, _, value in self._lines if have == key]
        return [item for value in lines for item in split_list(value)] if key in _LIST_KEYS else lines

    def add(self, name: str, value: str) -> None:
        """Append below everything."""
        self._lines.append((_key(name), canonical(name), value))

    def set(self, name: str, value: str) -> None:
        """Replace all of that name by one, in the place of the first."""
        key, line = _key(name), (_key(name), canonical(name), value)
        at = next((i for i, (have, _, _) in enumerate(self._lines) if have == key), None)
        if at is None:
            self._lines.append(line)
            return
        self._lines[at + 1 :] = [other for other in self._lines[at + 1 :] if other[0] != key]
        self._lines[at] = line

    def prepend(self, name: str, value: str) -> None:
        """Put on top: above all of that name (as a Via is), and above everything else."""
        self._lines.insert(0, (_key(name), canonical(name), value))

    def remove(self, name: str) -> None:
        key = _key(name)
        self._lines = [line for line in self._lines if line[0] != key]

    def count(self, name: str) -> int:
        """How many lines of that name there are."""
        key = _key(name)
        return sum(have == key for have, _, _ in self._lines)

    def items(self) -> list[tuple[str, str]]:
        """The lines as they were received, under their full names."""
        return [(name, value) for _, name, value in self._lines]

    def copy(self) -> Headers:
        """An independent copy."""
        twin = Headers()
        twin._lines = self._lines[:]
        return twin

    def __contains__(self, name: str) -> bool:
        key = _key(name)
        return any(have == key for have, _, _ in self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"


_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.\-]+))\s*(?::\s*([0-9]{1,5}))?\s*(;.*)?",
    re.DOTALL | re.IGNORECASE,
)
_CSEQ = re.compile(r"([0-9]{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]+)")


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of the way back (20.42). `transport` in capitals, as on the wire; `host` without brackets."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @staticmethod
    def parse(text: str) -> Via:
        """Read one value, odd spacing allowed; raises BadMessage."""
        return _parse_via(text)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host}{port}{format_params(self.params)}"

    def param(self, name: str, default: str | None = None) -> str | None:
        """A parameter's value ("" when it has none), `default` when it is not there."""
        return get_param(self.params, name.lower(), default)

    @property
    def branch(self) -> str | None:
        return get_param(self.params, "branch") or None

    @property
    def received(self) -> str | None:
        """The address the request really came from, without brackets (18.2.1)."""
        value = get_param(self.params, "received")
        return value.strip("[]") if value else None

    @property
    def rport(self) -> int | None:
        """The port the request really came from (RFC 3581); None while nobody filled it in."""
        value = get_param(self.params, "rport")
        return int(value) if value and value.isascii() and value.isdigit() and len(value) <= 5 else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asks for a response to its source port (RFC 3581 3)."""
        return get_param(self.params, "rport") is not None

    def with_params(self, **changes: str | int | None) -> Via:
        """A copy with parameters set; None sets one without a value, as in `;rport`."""
        texts = {name: None if value is None else str(value) for name, value in changes.items()}
        return replaced(self, params=merge_params(self.params, texts))


@lru_cache(1024)
def _parse_via(text: str) -> Via:
    match = _VIA.fullmatch(text.strip())
    if not match:
        raise BadMessage(f"not a Via value: {text[:80]!r} (expected SIP/2.0/UDP host;branch=...)")
    transport, ipv6, name, port, params = match.groups()
    number = int(port) if port else None
    if number is not None and number > 65535:
        raise BadMessage(f"port {port} in a Via (at most 65535)")
    return Via(transport.upper(), ipv6 or name, number, parse_params(params or ""))


@dataclass(frozen=True, slots=True)
class CSeq:
    """A request's number within its dialog, and its method (20.16)."""

    number: int
    method: str

    @staticmethod
    def parse(text: str) -> CSeq:
        """Read the value; the number must be below 2**31 (8.1.1.5). Raises BadMessage."""
        match = _CSEQ.fullmatch(text.strip())
        if not match or int(match[1]) >= 2**31:
            raise BadMessage(f"not a CSeq: {text[:60]!r} (expected a number below 2**31 and a method)")
        return CSeq(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
