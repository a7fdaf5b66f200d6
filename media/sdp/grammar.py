"""SDP's form (RFC 8866): lines, sections, attributes. Lossless: what was parsed gives the same bytes again.

Lenient where the field is sloppy (LF or CR alone, blank lines, blanks at the end of a line, no s= or t=), strict where
a guess would be wrong (not SDP at all, an m= or c= line that does not say where to send).
Meaning lives elsewhere: `payloads` for codecs, `negotiate` for offer and answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from media.errors import BadDescription

MAX_SIZE = 64 * 1024
"""Bytes; a browser's offer with video has 6 KiB."""
MAX_MEDIA = 64
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?")


@dataclass(frozen=True, slots=True)
class Line:
    """`kind=value`, as it came."""

    kind: str
    """One letter; "" for a line without content."""
    value: str
    end: str = "\r\n"
    number: int = field(default=0, compare=False)
    """Counting from 1, for error messages."""

    def __str__(self) -> str:
        return f"{self.kind}={self.value}{self.end}" if self.kind else f"{self.value}{self.end}"


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together: the session's head, or one m= line and what follows it."""

    lines: tuple[Line, ...]

    def attributes(self, name: str) -> Iterator[tuple[str, Line]]:
        """(value, line) of each a=name:value; a flag's value is ""."""
        for line in self.lines:
            if line.kind == "a":
                key, _, value = line.value.partition(":")
                if key.strip() == name:
                    yield value.strip(), line

    def all(self, name: str) -> list[str]:
        return [value for value, _ in self.attributes(name)]

    def get(self, name: str) -> str | None:
        """The first a=name, "" for a flag, None if it is not there."""
        return next((value for value, _ in self.attributes(name)), None)

    def has(self, name: str) -> bool:
        return self.get(name) is not None

    @property
    def host(self) -> str | None:
        """The address of the c= line (section 5.7), None without one. Raises BadDescription."""
        line = next((line for line in self.lines if line.kind == "c"), None)
        return _host(line) if line else None


@dataclass(frozen=True, slots=True)
class Media(Section):
    """One m= line and what belongs to it."""

    kind: str
    """audio, video, image, application ..."""
    port: int
    protocol: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole body."""

    session: Section
    media: tuple[Media, ...]

    def __bytes__(self) -> bytes:
        lines = [*self.session.lines, *(line for media in self.media for line in media.lines)]
        return "".join(map(str, lines)).encode("utf-8", "surrogateescape")


def parse(data: bytes) -> SessionDescription:
    """Read a body. Raises BadDescription with the line that cannot be understood."""
    lines = _lines(data)
    starts = [i for i, line in enumerate(lines) if line.kind == "m"]
    if len(starts) > MAX_MEDIA:
        raise BadDescription(f"SDP with {len(starts)} media sections; {MAX_MEDIA} are understood")
    ends = [*starts[1:], len(lines)] if starts else []
    head = lines[: starts[0]] if starts else lines
    media = tuple(_media(lines[start:end]) for start, end in zip(starts, ends, strict=True))
    return SessionDescription(Section(tuple(head)), media)


def fault(line: Line, why: str) -> BadDescription:
    """The error for a line, which is shown shortened."""
    shown = str(line).strip()
    return BadDescription(f"SDP line {line.number} ({shown[:80]!r}): {why}")


def _lines(data: bytes) -> list[Line]:
    if len(data) > MAX_SIZE:
        raise BadDescription(f"SDP of {len(data)} bytes; up to {MAX_SIZE} are understood")
    text = data.decode("utf-8", "surrogateescape")
    lines = [_line(number, *pair) for number, pair in enumerate(_LINE.findall(text), 1) if pair != ("", "")]
    first = next((line for line in lines if line.kind), None)
    if first is None:
        raise BadDescription("empty SDP; the other side must send a body of type application/sdp")
    if first.kind != "v" or first.value.strip() != "0":
        raise fault(first, "SDP begins with v=0")
    return lines


def _line(number: int, text: str, end: str) -> Line:
    if not text.strip():
        return Line("", text, end, number)
    line = Line(text[0], text[2:], end, number)
    if text[1:2] != "=" or not ("a" <= text[0] <= "z") or "\0" in text:
        raise fault(Line("", text, end, number), 'not of the form "letter=value"')
    return line


def _media(lines: list[Line]) -> Media:
    """RFC 8866 section 5.14: m=<media> <port>[/<count>] <proto> <fmt> ..."""
    words = lines[0].value.split()
    if len(words) < 4:
        raise fault(lines[0], "an m= line has a kind, a port, a protocol and at least one format")
    if not lines[0].value.isascii():
        raise fault(lines[0], "an m= line has ASCII letters only")
    kind, port, protocol, *formats = words
    number = port.partition("/")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < 65536):
        raise fault(lines[0], f"{port[:20]!r} is no port")
    return Media(tuple(lines), kind, int(number), protocol, tuple(formats))


def _host(line: Line) -> str:
    words = line.value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise fault(line, 'a c= line reads "IN IP4 address" or "IN IP6 address"')
    host = words[2].partition("/")[0]  # /ttl and /count of multicast
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        # a name is allowed (section 9: FQDN), a misspelt number is not
        if not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
            raise fault(line, f"{host[:60]!r} is no address") from None
        return host
    if f"IP{version}" != words[1]:
        raise fault(line, f"{host} is not of kind {words[1]}")
    return host
