"""The RTP packet (RFC 3550 section 5.1): the hot path of every call, so plain functions and one tuple.

A call in both directions parses and builds 200 packets a second. `parse` and `header` cost well under a microsecond;
what is unusual (CSRCs, extension, padding) leaves the straight line at the first byte, which is 0x80 for nearly all.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from media.errors import BadPacket

HEADER_SIZE = 12
_HEADER = struct.Struct("!BBHII")
_unpack = _HEADER.unpack_from
pack = _HEADER.pack
"""`header` without its call, for the hot path: PLAIN, payload type with marker bit, sequence, timestamp, SSRC."""
PLAIN = 0x80
"""First byte of version 2, no padding, no extension, no CSRC."""


class Packet(NamedTuple):
    """One RTP packet, header extensions and padding taken off."""

    payload_type: int
    marker: bool
    sequence: int
    """16 bits as on the wire; `Incoming` extends it."""
    timestamp: int
    """32 bits, in the payload's clock."""
    ssrc: int
    payload: bytes


_new = tuple.__new__  # skips NamedTuple's Python-level __new__: half the price of a packet


def parse(data: bytes) -> Packet:
    """Read one datagram. Raises BadPacket for anything that is not RTP version 2."""
    if len(data) < HEADER_SIZE:
        raise BadPacket(f"RTP packet of {len(data)} bytes; the header alone has {HEADER_SIZE}")
    first, second, sequence, timestamp, ssrc = _unpack(data)
    payload = data[12:] if first == PLAIN else _unusual(data, first)
    return _new(Packet, (second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, payload))


def _unusual(data: bytes, first: int) -> bytes:
    """The payload of a packet with CSRCs, a header extension or padding (section 5.1, 5.3.1)."""
    if first >> 6 != 2:
        raise BadPacket(f"RTP version {first >> 6}; only version 2 exists. Is something else sent to this port?")
    start, end = HEADER_SIZE + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if start + 4 > end:
            raise BadPacket("RTP header extension cut off")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        padding = data[-1]
        if not padding:
            raise BadPacket("RTP padding of length 0")
        end -= padding
    if start > end:
        raise BadPacket("RTP header or padding longer than the packet")
    return data[start:end]


def header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """The 12 bytes in front of a payload. Numbers must already be in range (16 and 32 bits)."""
    return pack(PLAIN, payload_type | 0x80 if marker else payload_type, sequence, timestamp, ssrc)


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on one port (RFC 5761 section 4): its packet types, 192-223, are no payload types."""
    return len(data) > 1 and 192 <= data[1] <= 223
