"""The stream we send: one SSRC, and a sequence number and timestamp that never jump, whatever speaks through it.

A leg's ear hears many sources in one call: ringback, the other party, music on hold, the party again. Each has a media
clock of its own (48 000 ticks a second, `media.frame`), and each starts anywhere. The far end must see ONE stream:

    sequence    always + 1; a packet lost on the way to us is left out (`skip`), so that the far end sees the loss and
                conceals it; silence is not a loss.
    timestamp   follows the source while the source is believable: its next frame lies ahead of the last one by less
                than NEAR, or by about as much as really went by (a long silence).
                Otherwise (another source, a restarted one, a paused one) the new frame is placed where the wall clock
                says it belongs: forward by the time gone by, never back, never onto the frame before it, and marked as
                the beginning of a talk spurt (RFC 3551 section 4.1).

`resync` says that the source was changed; without it a change shows itself by its jump.
DTMF travels in the same sequence with a timestamp of its own (RFC 4733 section 2.2): `timestamp_at` gives it, `event`
sends it. The audio's place does not depend on the events.
"""

from __future__ import annotations

from collections import OrderedDict

from media.frame import TICKS
from media.rtp.packet import PLAIN, header, pack
from media.rtp.rtcp import ReportBlock, SenderReport, middle, ntp

NEAR = TICKS
"""A source may step ahead by up to a second without being asked for its reasons."""
TOLERANCE = 2 * TICKS
"""... and farther if its own clock and the wall clock agree within two seconds."""
STALL = 5.0
"""Seconds without a packet after which even a small step is checked: was the source paused?"""
_UNKNOWN = 1 << 62
_REMEMBERED = 8


class Outgoing:
    """Builds the packets of one stream. Not thread-safe, never raises on any order of calls."""

    __slots__ = (
        "_anchored",
        "_media",
        "_now",
        "_offset",
        "_sent",
        "_shift",
        "_spacing",
        "_step",
        "_time",
        "clock_rate",
        "jitter",
        "loss",
        "octets",
        "packets",
        "rtt",
        "sequence",
        "skipped",
        "ssrc",
    )

    def __init__(self, ssrc: int, sequence: int, timestamp_offset: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        """Of the next packet."""
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.skipped = 0
        self.rtt: float | None = None
        """Seconds, from the far end's last report; None until one came."""
        self.loss = 0.0
        """Fraction the far end lost in its last interval, 0..1."""
        self.jitter = 0.0
        """Seconds, as the far end sees it."""
        self._step = TICKS // clock_rate
        self._offset = timestamp_offset * self._step  # ticks, so that the timestamp is one sum and one division away
        self._time = _UNKNOWN  # the source's clock at the last packet; ahead of everything: the next one is placed
        self._shift = 0  # what turns the source's time into ours
        self._media = 0  # our media clock at the last packet, ticks
        self._spacing = TICKS // 50  # how long a packet lasts, by the last step seen
        self._now = 0.0  # when the last packet went out
        self._anchored = False  # is there a last packet, or an event, to count from?
        self._sent: OrderedDict[int, float] = OrderedDict()

    def packet(self, payload: bytes, payload_type: int, time: int, now: float, marker: bool = False) -> bytes:
        """Return the RTP packet for one frame.

        time: the frame's place on its source's media clock (`Audio.time`), ticks.  now: seconds, monotonic.
        """
        step = time - self._time
        if not 0 < step <= NEAR or now - self._now > STALL:
            marker = self._place(time, now) or marker
        else:
            self._spacing = step
        self._time = time
        self._now = now
        self._media = media = time + self._shift
        sequence = self.sequence
        self.sequence = (sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        timestamp = (self._offset + media) // self._step & 0xFFFFFFFF
        return pack(PLAIN, payload_type | 0x80 if marker else payload_type, sequence, timestamp, self.ssrc) + payload

    def _place(self, time: int, now: float) -> bool:
        """Decide where a frame belongs that does not simply follow the one before. True: a new spurt begins here."""
        if not self._anchored:
            self._anchored = True
            self._shift = -time
            return True
        elapsed = round((now - self._now) * TICKS)
        step = time - self._time
        if step > 0 and abs(step - elapsed) <= TOLERANCE:
            return False
        spacing = min(self._spacing, TICKS // 8)
        self._shift = self._media + max(elapsed, spacing) - time
        return True

    def resync(self) -> None:
        """Another source speaks from now on: its next frame is placed by the wall clock and begins a talk spurt."""
        self._time = _UNKNOWN

    def skip(self, count: int = 1) -> None:
        """Leave out sequence numbers: that many packets of the source were lost, and the far end shall know."""
        self.sequence = (self.sequence + count) & 0xFFFF
        self.skipped += count

    def retune(self, clock_rate: int) -> None:
        """Another codec was negotiated: timestamps go on from where they are, in the new clock (RFC 7160 section 4)."""
        if clock_rate == self.clock_rate:
            return
        timestamp = (self._offset + self._media) // self._step
        self.clock_rate = clock_rate
        self._step = TICKS // clock_rate
        self._offset = timestamp * self._step - self._media

    def timestamp_at(self, now: float) -> int:
        """The RTP timestamp of this instant, never before the end of the last frame: where an event begins."""
        if not self._anchored:
            self._anchored = True
            self._now = now
            self._spacing = 0
        # a long step was a silence of the source, not a long packet
        ahead = max(round((now - self._now) * TICKS), min(self._spacing, TICKS // 8))
        return (self._offset + self._media + ahead) // self._step & 0xFFFFFFFF

    def event(self, payload: bytes, payload_type: int, timestamp: int, marker: bool) -> bytes:
        """Return a packet with a timestamp of its own (RFC 4733): in the stream's sequence, beside its time."""
        sequence = self.sequence
        self.sequence = (sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return header(payload_type, marker, sequence, timestamp & 0xFFFFFFFF, self.ssrc) + payload

    def sender_report(self, now: float, wallclock: float, reports: tuple[ReportBlock, ...] = ()) -> SenderReport:
        """What we sent so far (RFC 3550 section 6.4.1); remembers when, so that `on_report` can tell the round trip."""
        stamp = ntp(wallclock)
        self._sent[middle(stamp)] = now
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return SenderReport(self.ssrc, stamp, self._instant(now), self.packets, self.octets, reports)

    def _instant(self, now: float) -> int:
        """The timestamp that corresponds to `now`, which may lie inside the last frame."""
        elapsed = round((now - self._now) * TICKS) if self._anchored else 0
        return (self._offset + self._media + elapsed) // self._step & 0xFFFFFFFF

    def on_report(self, block: ReportBlock, now: float) -> None:
        """Take what the far end says about us (section 6.4.1). Blocks about others are ignored.

        The round trip is measured on our own monotonic clock, so a step of the wall clock cannot spoil it.
        """
        if block.ssrc != self.ssrc:
            return
        self.loss = block.fraction / 256
        self.jitter = block.jitter / self.clock_rate
        sent = self._sent.get(block.lsr) if block.lsr else None
        if sent is not None:
            self.rtt = max(0.0, now - sent - block.dlsr / 65536)
