"""Where a phone really is: symmetric RTP with a guard at the door. Pure.

SDP says where a phone wants its audio, but behind a NAT that address is of no use; the source of its packets is
(RFC 4961). But whoever reaches our port first must not be able to steal a call either (the "RTP bleed"). So:

    nothing heard yet      packets from the address in the SDP are believed at once; those from elsewhere only after
                           PROBATION packets of one source and SSRC
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
SILENT = 2.0


class Latch:
    """Judges the source of each packet of one stream."""

    __slots__ = ("_candidate", "_count", "heard_at", "pinned", "stated")

    def __init__(self) -> None:
        self.stated: tuple[str, int] | None = None
        """Where the SDP says they are."""
        self.pinned: Address | None = None
        """Whose packets are heard."""
        self.heard_at = 0.0
        """When the pinned source was last heard; the leg keeps it up to date."""
        self._candidate: tuple[Address, bytes] | None = None
        self._count = 0

    @property
    def target(self) -> Address | None:
        """Where to send."""
        return self.pinned or self.stated

    def state(self, address: tuple[str, int] | None) -> None:
        """A description says where they are; None while they hold by address."""
        if address is not None and address != self.stated:
            self.pinned = self._candidate = None
            self.stated = address

    def admit(self, data: bytes, source: Address, now: float) -> bool:
        """May this packet of somebody who is not pinned be heard? If so, they are from now on."""
        if source[:2] != self.stated:
            if self.pinned is not None and now - self.heard_at < SILENT:
                return False
            if not self._proven(data, source):
                return False
        self.pinned = source
        self.heard_at = now
        self._candidate = None
        return True

    def _proven(self, data: bytes, source: Address) -> bool:
        """RTP version 2, so many packets of one SSRC from one place in a row."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return False
        candidate = (source, data[8:12])
        self._count = self._count + 1 if candidate == self._candidate else 1
        self._candidate = candidate
        return self._count >= PROBATION
