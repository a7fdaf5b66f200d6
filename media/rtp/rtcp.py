"""RTCP (RFC 3550 section 6): reports, names and goodbyes, as compound packets.

Read: SR, RR, SDES (CNAME only), BYE; everything else (APP, feedback, XR) is stepped over by its length.
Wallclock time comes in as an argument, in seconds since 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from media.errors import BadPacket

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
MAX_REPORTS = 31
"""Counts have five bits."""
_CNAME = 1
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IB3sIIII")


def ntp(wallclock: float) -> int:
    """Seconds since 1970 as a 64-bit NTP timestamp (section 4), which wraps in 2036."""
    return int((wallclock + _NTP_EPOCH) * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle(timestamp: int) -> int:
    """The middle 32 bits of an NTP timestamp, as LSR carries them."""
    return timestamp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one receiver tells about one source (section 6.4.1)."""

    ssrc: int
    fraction: int
    """Lost since the last report, of 256."""
    lost: int
    """Lost since the beginning, signed 24 bits: duplicates count against it."""
    highest: int
    """Extended highest sequence number received."""
    jitter: int
    """In ticks of the payload's clock."""
    lsr: int
    """Middle 32 bits of the last sender report's NTP time, 0 if none came."""
    dlsr: int
    """Delay since then, in 1/65536 s."""

    def __bytes__(self) -> bytes:
        lost = max(-0x800000, min(self.lost, 0x7FFFFF)).to_bytes(3, "big", signed=True)
        return _BLOCK.pack(self.ssrc, self.fraction, lost, self.highest, self.jitter, self.lsr, self.dlsr)


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    timestamp: int
    """RTP timestamp of the same instant as `ntp`."""
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        body = _SENDER.pack(self.ssrc, self.ntp, self.timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        return _packet(SENDER_REPORT, len(self.reports), body + b"".join(map(bytes, self.reports)))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        return _packet(
            RECEIVER_REPORT, len(self.reports), self.ssrc.to_bytes(4, "big") + b"".join(map(bytes, self.reports))
        )


@dataclass(frozen=True, slots=True)
class Sdes:
    """Canonical names (section 6.5.1). Other items are neither read nor sent."""

    names: tuple[tuple[int, str], ...]
    """(ssrc, CNAME)."""

    def __bytes__(self) -> bytes:
        return _packet(SOURCE_DESCRIPTION, len(self.names), b"".join(_chunk(*name) for name in self.names))


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]
    reason: str = ""

    def __bytes__(self) -> bytes:
        body = b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs)
        if self.reason:
            text = _short(self.reason)
            body += _pad(bytes([len(text)]) + text)
        return _packet(GOODBYE, len(self.ssrcs), body)


Report = SenderReport | ReceiverReport | Sdes | Bye


def compound(*reports: Report) -> bytes:
    """One datagram. The first must be a report and one must be an Sdes (section 6.1)."""
    return b"".join(map(bytes, reports))


def parse_compound(data: bytes, *, reduced: bool = False) -> list[Report]:
    """Read a datagram of RTCP packets, known ones in order.

    Raises BadPacket where section 6.1 and A.2 are broken: lengths that do not add up, another version, padding before
    the last packet, or (unless `reduced`, RFC 5506) a first packet that is no report.
    """
    found: list[Report] = []
    for index, (kind, count, body) in enumerate(_split(data)):
        if index == 0 and not reduced and kind not in (SENDER_REPORT, RECEIVER_REPORT):
            raise BadPacket(f"RTCP compound packet begins with type {kind} instead of a report")
        if kind in _READERS:
            found.append(_READERS[kind](count, body))
    return found


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, count, body) of each packet in a datagram."""
    position, size = 0, len(data)
    if size < 4:
        raise BadPacket(f"RTCP packet of {size} bytes")
    while position < size:
        if position + 4 > size or data[position] >> 6 != 2:
            raise BadPacket("RTCP packet that is cut off or not of version 2")
        first, kind = data[position], data[position + 1]
        end = position + 4 + 4 * int.from_bytes(data[position + 2 : position + 4], "big")
        if end > size:
            raise BadPacket("RTCP packet longer than its datagram")
        body = data[position + 4 : end]
        if first & 0x20:
            body = _unpad(body, last=end == size)
        yield kind, first & 0x1F, body
        position = end


def _unpad(body: bytes, last: bool) -> bytes:
    if not last or not body or not 0 < body[-1] <= len(body):
        raise BadPacket("RTCP padding where none may be")
    return body[: -body[-1]]


def _read_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER.size:
        raise BadPacket("RTCP sender report cut off")
    ssrc, stamp, timestamp, packets, octets = _SENDER.unpack_from(body)
    return SenderReport(ssrc, stamp, timestamp, packets, octets, _read_blocks(count, body, _SENDER.size))


def _read_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise BadPacket("RTCP receiver report cut off")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _read_blocks(count, body, 4))


def _read_blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    if len(body) < start + count * _BLOCK.size:
        raise BadPacket("RTCP report with fewer blocks than it counts")
    return tuple(_read_block(body, start + i * _BLOCK.size) for i in range(count))


def _read_block(body: bytes, start: int) -> ReportBlock:
    ssrc, fraction, lost, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, start)
    return ReportBlock(ssrc, fraction, int.from_bytes(lost, "big", signed=True), highest, jitter, lsr, dlsr)


def _read_sdes(count: int, body: bytes) -> Sdes:
    names: list[tuple[int, str]] = []
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise BadPacket("RTCP source description cut off")
        ssrc = int.from_bytes(body[position : position + 4], "big")
        name, position = _read_items(body, position + 4)
        if name is not None:
            names.append((ssrc, name))
    return Sdes(tuple(names))


def _read_items(body: bytes, position: int) -> tuple[str | None, int]:
    """The CNAME of one chunk, and where the next chunk begins (section 6.5: items end with a null, then padding)."""
    name = None
    while position < len(body):
        kind = body[position]
        if kind == 0:
            return name, (position + 4) & ~3
        if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
            raise BadPacket("RTCP source description item cut off")
        end = position + 2 + body[position + 1]
        if kind == _CNAME:
            name = body[position + 2 : end].decode("utf-8", "replace")
        position = end
    return name, position


def _read_bye(count: int, body: bytes) -> Bye:
    if len(body) < 4 * count:
        raise BadPacket("RTCP goodbye with fewer sources than it counts")
    ssrcs = tuple(int.from_bytes(body[4 * i : 4 * i + 4], "big") for i in range(count))
    rest = body[4 * count :]
    return Bye(ssrcs, rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else "")


_READERS: dict[int, Callable[[int, bytes], Report]] = {
    SENDER_REPORT: _read_sender_report,
    RECEIVER_REPORT: _read_receiver_report,
    SOURCE_DESCRIPTION: _read_sdes,
    GOODBYE: _read_bye,
}


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if count > MAX_REPORTS:
        raise ValueError(f"an RTCP packet counts up to {MAX_REPORTS}, not {count}")
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _chunk(ssrc: int, name: str) -> bytes:
    text = _short(name)
    # at least one null ends the items (section 6.5)
    return _pad(ssrc.to_bytes(4, "big") + bytes([_CNAME, len(text)]) + text + b"\0")


def _short(text: str) -> bytes:
    return text.encode()[:255].decode("utf-8", "ignore").encode()


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
