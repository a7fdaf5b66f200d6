"""An Opus packet from outside: how long it is, whether it carries a copy of the frame before, how packets are joined.

RFC 6716 section 3. The first byte (TOC) says the mode, bandwidth and length of the frames within and how many there
are; one packet holds 2.5 to 120 ms. libopus answers the same questions; this is for when it is too old or missing,
and for joining, which needs no codec.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_TICKS = 5760
"""A packet is at most 120 ms (section 3.2.5, R5)."""
USUAL_TICKS = 960
"""20 ms: what is assumed of a packet that does not say."""

_CELT = 16  # first configuration of the CELT-only mode, which has no LBRR


def frame_ticks(toc: int) -> int:
    """Length of each frame, ticks (section 3.1, table 2)."""
    config = toc >> 3
    if config < 12:  # SILK: 10, 20, 40, 60 ms
        return (480, 960, 1920, 2880)[config & 3]
    if config < _CELT:  # hybrid: 10, 20 ms
        return (480, 960)[config & 1]
    return (120, 240, 480, 960)[config & 3]  # CELT: 2.5, 5, 10, 20 ms


def ticks(packet: bytes) -> int | None:
    """Length of the packet, ticks; None if it breaks the rules."""
    if not packet:
        return None
    code = packet[0] & 3
    if code == 3 and len(packet) < 2:
        return None
    count = packet[1] & 63 if code == 3 else (1, 2, 2)[code]
    total = count * frame_ticks(packet[0])
    return total if 0 < total <= MAX_TICKS else None


def has_lbrr(packet: bytes) -> bool:
    """True if the packet carries a low-bitrate copy of the frame before it (section 4.2.3, 4.2.4)."""
    if not packet or packet[0] >> 3 >= _CELT:
        return False
    first = _first_frame(packet)
    if first is None or first >= len(packet):
        return False
    # The SILK frame opens with one VAD bit per 20 ms and one LBRR bit, for the mid and then for the side channel.
    frames = max(1, frame_ticks(packet[0]) // 960)
    lbrr = packet[first] >> (7 - frames) & 1
    if packet[0] & 4:
        lbrr |= packet[first] >> (6 - 2 * frames) & 1
    return bool(lbrr)


def _first_frame(packet: bytes) -> int | None:
    """Where the first frame's bytes begin; None if it has none."""
    code = packet[0] & 3
    if code < 2:
        return 1
    if code == 2:
        size, at = _size(packet, 1)
        return at if size else None
    if len(packet) < 2 or not packet[1] & 63:
        return None
    at = 2
    if packet[1] & 0x40:  # padding: bytes of 255 mean 254 more and another length byte
        while at < len(packet) and packet[at] == 255:
            at += 1
        at += 1
    if packet[1] & 0x80:  # variable: the sizes of all frames but the last
        first, at = _size(packet, at)
        if not first:
            return None
        for _ in range((packet[1] & 63) - 2):
            _, at = _size(packet, at)
    return at


def _size(packet: bytes, at: int) -> tuple[int, int]:
    """Frame length coded in one or two bytes (section 3.2.1), and where the next thing begins."""
    if at >= len(packet):
        return 0, at
    if packet[at] < 252 or at + 1 >= len(packet):
        return packet[at], at + 1
    return packet[at] + 4 * packet[at + 1], at + 2


def join(packets: Sequence[bytes]) -> bytes:
    """One packet of several that hold one frame each (code 3, variable; section 3.2.5).

    All must share one configuration; what follows a change of it is left out.
    """
    toc = packets[0][0] & 0xFC
    frames = []
    for packet in packets:
        if packet[0] != toc:
            break
        frames.append(packet[1:])
    if len(frames) == 1:
        return packets[0]
    sizes = b"".join(_coded(len(frame)) for frame in frames[:-1])
    return bytes((toc | 3, 0x80 | len(frames))) + sizes + b"".join(frames)


def _coded(size: int) -> bytes:
    if size < 252:
        return bytes((size,))
    low = 252 + (size & 3)
    return bytes((low, (size - low) >> 2))
