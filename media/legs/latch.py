"""Where a phone really is: symmetric RTP with a guard at the door. Pure.

SDP says where a phone wants its audio, but behind a NAT that address is of no use; the source of its packets is
(RFC 4961). But whoever reaches our port first must not be able to steal a call either (the "RTP bleed"). So:

    nothing heard yet      packets from the address in the SDP are believed at once; those from elsewhere only after
                           PROBATION packets of one source and SSRC in sequence (RFC 3550 A.1), while no other stream
                           is in sequence too; garbage in between changes nothing
    somebody is heard      nobody else is, whatever they send; only the address in the SDP has a better right
    ... and falls silent   for SILENT seconds (a NAT was rebound, the phone moved): as at the beginning
    a new SDP              with another address: as at the beginning

Until somebody is heard we send to where the SDP says, afterwards to where they are.
"""

from __future__ import annotations

from typing import Any

Address = tuple[Any, ...]

PROBATION = 6
"""Packets: 120 ms."""
SKIPPED = 3
"""Packets that may be lost between two in sequence."""
AT_ONCE = 0.2
"""Seconds within which two streams count as simultaneous."""
CANDIDATES = 16
SILENT = 2.0


class Latch:
    """Judges the source of each packet of one stream."""

    __slots__ = ("_candidates", "heard_at", "pinned", "stated")

    def __init__(self) -> None:
        self.stated: tuple[str, int] | None = None
        """Where the SDP says they are."""
        self.pinned: Address | None = None
        """Whose packets are heard."""
        self.heard_at = 0.0
        """When the pinned source was last heard; the leg keeps it up to date."""
        self._candidates: dict[tuple[Address, bytes], tuple[int, int, float]] = {}
        """Source and SSRC -> last sequence number, how many in sequence, when."""

    @property
    def target(self) -> Address | None:
        """Where to send."""
        return self.pinned or self.stated

    def state(self, address: tuple[str, int] | None) -> None:
        """A description says where they are; None while they hold by address."""
        if address is not None and address != self.stated:
            self.pinned = None
            self._candidates.clear()
            self.stated = address

    def admit(self, data: bytes, source: Address, now: float) -> bool:
        """May this packet of somebody who is not pinned be heard? If so, they are from now on."""
        if source[:2] != self.stated:
            if self.pinned is not None and now - self.heard_at < SILENT:
                return False
            if not self._proven(data, source, now):
                return False
        self.pinned = source
        self.heard_at = now
        self._candidates.clear()
        return True

    def _proven(self, data: bytes, source: Address, now: float) -> bool:
        """Has this stream shown enough, and it alone?"""
        if len(data) < 12 or data[0] >> 6 != 2:
            return False
        key, sequence = (source, data[8:12]), data[2] << 8 | data[3]
        last, count, _ = self._candidates.pop(key, (sequence, 0, now))
        count = count + 1 if count and 0 < (sequence - last & 0xFFFF) <= SKIPPED + 1 else 1
        rival = any(n > 1 and now - at < AT_ONCE for _, n, at in self._candidates.values())
        if len(self._candidates) >= CANDIDATES:
            self._candidates.pop(next(iter(self._candidates)))
        self._candidates[key] = (sequence, count, now)
        return count >= PROBATION and not rival
