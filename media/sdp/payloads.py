"""What the payload types of a media section mean: rtpmap, fmtp, and the static types (RFC 3551 table 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from media.formats import Format
from media.sdp.grammar import Line, Media, fault

TELEPHONE_EVENT = "TELEPHONE-EVENT"
STATIC = {
    0: ("PCMU", 8000, 1), 3: ("GSM", 8000, 1), 4: ("G723", 8000, 1), 5: ("DVI4", 8000, 1), 6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1), 8: ("PCMA", 8000, 1), 9: ("G722", 8000, 1), 10: ("L16", 44100, 2), 11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1), 13: ("CN", 8000, 1), 14: ("MPA", 90000, 1), 15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1), 17: ("DVI4", 22050, 1), 18: ("G729", 8000, 1),
}  # fmt: skip
"""Payload types that need no rtpmap: encoding, clock, channels."""
_SMALL = {"OPUS": "opus", TELEPHONE_EVENT: "telephone-event"}
# the clock is left out by some ("telephone-event" alone): then it is 8000, as for all telephony
_RTPMAP = re.compile(r"([0-9]{1,3})\s+([!-.0-~]+)(?:/([0-9]{1,9}))?(?:/([0-9]{1,3}))?(?:/\S*)?")


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload type of a section."""

    number: int
    encoding: str
    """In capitals; "" for a dynamic type that nothing explains."""
    clock_rate: int = 0
    channels: int = 1
    fmtp: str = ""

    def is_(self, format: Format) -> bool:
        """The same codec? Opus must say two channels (RFC 7587 section 7), whatever is in it."""
        ours = (format.encoding, format.clock_rate, format.channels)
        return (self.encoding, self.clock_rate, self.channels) == ours

    @property
    def name(self) -> str:
        """As rtpmap writes it: "G729/8000", "opus/48000/2"."""
        if not self.encoding:
            return f"{self.number} (no rtpmap)"
        channels = f"/{self.channels}" if self.channels != 1 else ""
        return f"{_SMALL.get(self.encoding, self.encoding)}/{self.clock_rate}{channels}"

    @property
    def parameters(self) -> dict[str, str]:
        """The fmtp as a table, names in small letters."""
        pairs = (part.partition("=") for part in self.fmtp.split(";") if part.strip())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}


def payloads(media: Media) -> list[Payload]:
    """All payload types of an RTP section in their order. Raises BadDescription with the line."""
    maps, parameters = _maps(media), _fmtps(media)
    found = []
    for text in dict.fromkeys(media.formats):
        number = _number(text, media.lines[0])
        encoding, clock_rate, channels = maps.get(number) or STATIC.get(number) or ("", 0, 1)
        found.append(Payload(number, encoding, clock_rate, channels, parameters.get(number, "")))
    return found


def _maps(media: Media) -> dict[int, tuple[str, int, int]]:
    maps: dict[int, tuple[str, int, int]] = {}
    for value, line in media.attributes("rtpmap"):
        match = _RTPMAP.fullmatch(value)
        if not match:
            raise fault(line, 'an rtpmap reads "<payload type> <encoding>/<clock>[/<channels>]"')
        number, encoding, clock, channels = match.groups()
        maps.setdefault(_number(number, line), (encoding.upper(), int(clock or 8000), int(channels or 1)))
    return maps


def _fmtps(media: Media) -> dict[int, str]:
    found: dict[int, str] = {}
    for value, line in media.attributes("fmtp"):
        number, _, parameters = value.partition(" ")
        found.setdefault(_number(number, line), parameters.strip())
    return found


def _number(text: str, line: Line) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < 128):
        raise fault(line, f"{text[:20]!r} is no payload type (0-127)")
    return int(text)


def packet_time(media: Media, encoding: str, default: int) -> int:
    """Milliseconds per packet to send: what they ask for with ptime, within maxptime, that the codec has.

    A malformed or absurd value is no reason to refuse a call: the default serves.
    """
    wanted = _milliseconds(media.get("ptime")) or default
    wanted = min(wanted, _milliseconds(media.get("maxptime")) or wanted)
    possible = (10, 20, 40, 60) if encoding == "OPUS" else (10, 20, 30, 40, 50, 60)
    return max((ms for ms in possible if ms <= wanted), default=possible[0])


def _milliseconds(text: str | None) -> int:
    """0 for what is no number of milliseconds. Some write 20.0."""
    match = re.match(r"[0-9]{1,4}", text or "")
    return int(match[0]) if match else 0
