"""Requests and responses: bytes in, objects out, bytes again (RFC 3261 7, 8.2.6, 25.1).

`parse_message` reads what real phones and PBXs send: folded lines, compact names, bare LF, missing Content-Length on a
datagram, bytes that are not UTF-8. It checks at once everything that the stack will rely on (start line, Via, From, To,
Call-ID, CSeq, Contact, Route, Record-Route), so that nothing behind it has to fear a surprise: any bytes are either
parsed or raise BadMessage. `bytes(message)` writes the strict form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import TOKEN
from signaling.sip.headers import CSeq, Headers, Via
from signaling.sip.reasons import REASONS, reason_of
from signaling.sip.uri import NameAddr, Uri

MAX_HEADERS = 256
MAX_HEAD = 65536
MAX_LINE = 8192

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: (.*))?", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_ONCE = ("Call-ID", "CSeq", "From", "To", "Max-Forwards")
_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")  # 8.2.6.2: what every response repeats
_LINE_BREAK = re.compile(r"[\r\n]+")


@dataclass(slots=True)
class Message:
    """What requests and responses share. The typed properties read the headers anew on each use."""

    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def via(self) -> Via:
        """The top Via."""
        return Via.parse(self._need("Via"))

    @property
    def from_(self) -> NameAddr:
        return NameAddr.parse(self._need("From"))

    @property
    def to(self) -> NameAddr:
        return NameAddr.parse(self._need("To"))

    @property
    def call_id(self) -> str:
        return self._need("Call-ID")

    @property
    def cseq(self) -> CSeq:
        return CSeq.parse(self._need("CSeq"))

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact but the `*` of a REGISTER (10.2.2)."""
        return [NameAddr.parse(value) for value in self.headers.all("Contact") if value != "*"]

    @property
    def content_type(self) -> str:
        """The media type in small letters without its parameters; "" without a body."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def max_forwards(self) -> int:
        """Hops left; 70 when an old element did not say (8.1.1.6)."""
        value = self.headers.get("Max-Forwards", "70") or "70"
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 70

    def _need(self, name: str) -> str:
        value = self.headers.get(name)
        if not value:
            raise BadMessage(f"the message has no {name} header")
        return value

    def _start(self) -> str:
        raise NotImplementedError

    def __bytes__(self) -> bytes:
        lines = [self._start()]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if name != "Content-Length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) + 1:  # a line break in a value would forge a header
            head = "\r\n".join(_LINE_BREAK.sub(" ", line) for line in lines[:-1]) + "\r\n" + lines[-1]
        return head.encode("utf-8", "surrogateescape") + self.body


@dataclass(slots=True)
class Request(Message):
    """A request; `method` as on the wire (methods are case-sensitive, 7.1)."""

    method: str = ""
    uri: Uri = field(default_factory=lambda: Uri("sip", None, None, "invalid"))

    def __init__(self, method: str, uri: Uri, headers: Headers | None = None, body: bytes = b"") -> None:
        self.method, self.uri, self.body = method, uri, body
        self.headers = Headers() if headers is None else headers

    def _start(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


@dataclass(slots=True)
class Response(Message):
    """A response."""

    status: int = 0
    reason: str = ""

    def __init__(self, status: int, reason: str, headers: Headers | None = None, body: bytes = b"") -> None:
        self.status, self.reason, self.body = status, reason, body
        self.headers = Headers() if headers is None else headers

    def _start(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


def parse_message(data: bytes) -> Request | Response:
    """Read one whole message; raises BadMessage and nothing else."""
    end = _END_OF_HEAD.search(data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data)
    if end is None:
        raise BadMessage("no empty line after the headers: not SIP, or cut off")
    if end.start() > MAX_HEAD:
        raise BadMessage(f"a head of {end.start()} bytes (at most {MAX_HEAD})", 513)
    whole = end.string
    head = whole[: end.start()].decode("utf-8", "surrogateescape")
    start, _, rest = head.partition("\n")
    start = start.removesuffix("\r")
    headers = _parse_headers(rest)
    if start[:4].upper() == "SIP/":
        return _parse_response(start, headers, whole[end.end() :])
    return _parse_request(start, headers, whole[end.end() :])


def _parse_headers(text: str) -> Headers:
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)  # 7.3.1: a folded line is one line
    pairs = []
    for line in _LINE_END.split(text) if text else ():
        name, colon, value = line.partition(":")
        name = name.rstrip()
        if not colon or not TOKEN.fullmatch(name):
            raise BadMessage(f"not a header line: {line[:60]!r}")
        if len(line) > MAX_LINE:
            raise BadMessage(f"a {name[:40]} header of {len(line)} characters (at most {MAX_LINE})")
        pairs.append((name, value.strip()))
    if len(pairs) > MAX_HEADERS:
        raise BadMessage(f"{len(pairs)} headers (at most {MAX_HEADERS})")
    return Headers(pairs)


def _parse_response(start: str, headers: Headers, body: bytes) -> Response:
    match = _STATUS_LINE.fullmatch(start)
    if not match:
        raise BadMessage(f"not a status line: {start[:60]!r}")
    response = Response(int(match[1]), match[2] or "", headers, _cut_body(headers, body))
    _check(response)
    return response


def _parse_request(start: str, headers: Headers, body: bytes) -> Request:
    method, _, rest = start.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not TOKEN.fullmatch(method) or not target or not _VERSION.fullmatch(version):
        raise BadMessage(f"not a request line: {start[:60]!r}", 400, _answerable(method, headers))
    if version.upper() != "SIP/2.0":
        raise BadMessage(f"version {version} is not spoken here", 505, _answerable(method, headers))
    try:
        request = Request(method, Uri.parse(target), headers, _cut_body(headers, body))
        _check(request)
        _check_request(request)
    except BadMessage as error:
        raise BadMessage(str(error), error.status, _answerable(method, headers)) from None
    return request


def _cut_body(headers: Headers, body: bytes) -> bytes:
    """Content-Length rules where it stands (18.3); a datagram without it is all body."""
    lengths = set(headers.all("Content-Length"))
    if not lengths:
        return body
    text = lengths.pop()
    if lengths or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise BadMessage(f"Content-Length {text[:20]!r} is not one number")
    if int(text) > len(body):
        raise BadMessage(f"Content-Length says {int(text)} bytes of body, {len(body)} came: cut off on the way?")
    return body[: int(text)]


def _check(message: Message) -> None:
    headers = message.headers
    for name in _ONCE:
        if headers.count(name) > 1:
            raise BadMessage(f"more than one {name} header")
    vias = headers.all("Via")
    if not vias:
        raise BadMessage("the message has no Via header")
    for value in vias:
        Via.parse(value)
    _ = message.from_, message.to, message.call_id, message.cseq, message.contacts
    for name in ("Route", "Record-Route"):
        for value in headers.all(name):
            NameAddr.parse(value)


def _check_request(request: Request) -> None:
    if request.cseq.method != request.method:
        raise BadMessage(f"CSeq names {request.cseq.method}, the request is {request.method}")
    if request.uri.headers:
        raise BadMessage("a Request-URI must not carry headers (RFC 3261 19.1.1)")
    hops = request.headers.get("Max-Forwards")
    if hops is not None and not (hops.isascii() and hops.isdigit() and int(hops[:9]) <= 255):
        raise BadMessage(f"Max-Forwards {hops[:20]!r} is not a number from 0 to 255")


def _answerable(method: str, headers: Headers) -> Request | None:
    """A request that is good enough to answer: its copied headers are there and its top Via tells where to."""
    if method == "ACK" or not all(headers.get(name) for name in _COPIED):
        return None
    request = Request(method, Uri("sip", None, None, "invalid"), headers)
    try:
        _ = request.via
    except BadMessage:
        return None
    return request


def reply(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str = "application/sdp",
) -> Response:
    """A response to `request` (8.2.6): its Vias, From, To, Call-ID and CSeq, with `to_tag` put into a To that has none.

    Record-Route is repeated where the response makes a dialog (12.1.1); Timestamp in a 100 (8.2.6.1).
    """
    lines = [(name, value) for name, value in request.headers.items() if name in _COPIED]
    if status > 100 and to_tag:
        lines = [(name, _tagged(value, to_tag) if name == "To" else value) for name, value in lines]
    if 100 < status < 300 and request.method in ("INVITE", "SUBSCRIBE", "REFER"):
        lines += [(name, value) for name, value in request.headers.items() if name == "Record-Route"]
    if status == 100:
        lines += [(name, value) for name, value in request.headers.items() if name == "Timestamp"]
    response = Response(status, reason or reason_of(status), Headers((*lines, *headers)), body)
    if body:
        response.headers.set("Content-Type", content_type)
    return response


def _tagged(to: str, tag: str) -> str:
    try:
        address = NameAddr.parse(to)
    except BadMessage:
        return f"{to};tag={tag}"
    return to if address.tag else f"{to};tag={tag}"


__all__ = ["MAX_HEAD", "MAX_HEADERS", "MAX_LINE", "REASONS", "Message", "Request", "Response", "parse_message", "reply"]
