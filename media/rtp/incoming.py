"""The stream we receive: order, loss, jitter and a media clock that can be trusted (RFC 3550 appendix A).

The wire's 16-bit sequence numbers and 32-bit timestamps become numbers that never wrap and never jump:

    sequence    extended (A.1). When the sender restarts (another SSRC, or a jump that two packets in a row confirm),
                the count goes on with + 1, so that `Reorder` behind it needs to know nothing.
    time        ticks of the 48 kHz media clock (`media.frame`), beginning at the first packet's arrival. Where a
                timestamp leaps and the wall clock does not, the sender has begun anew: the time goes on by what really
                went by.

Unlike A.1, the very first packet is let through at once: who guards a port against strangers does so before (probation
of a SIP leg, SRTP of a browser). Another SSRC must show two packets in sequence while the first one is silent.
The statistics (A.3, A.8) restart with the SSRC, as the reports do; the totals go on.
"""

from __future__ import annotations

from media.frame import TICKS
from media.rtp.packet import Packet
from media.rtp.rtcp import ReportBlock, SenderReport, middle

MAX_DROPOUT = 3000
"""A.1: a gap this large is no loss but a restart."""
MAX_MISORDER = 100
"""A.1: a packet may come this late."""
LEAP = 2 * TICKS
"""A timestamp further away than this from the last must be explained by the wall clock."""
_LATE = 0x10000 - MAX_MISORDER
_NONE = -1


class Incoming:
    """Bookkeeping of one received stream. `receive` for every packet, `report_block` for every report."""

    __slots__ = (
        "_bad",
        "_base",
        "_base_wire",
        "_carried",
        "_expected_prior",
        "_fresh",
        "_heard",
        "_high",
        "_jitter",
        "_last_report",
        "_received_prior",
        "_step",
        "_stranger",
        "_time",
        "_timestamp",
        "_transit",
        "_wire",
        "clock_rate",
        "loss",
        "octets",
        "packets",
        "refused",
        "restarts",
        "ssrc",
    )

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.ssrc = _NONE
        """Who we hear; -1 before the first packet."""
        self.packets = 0
        self.octets = 0
        self.refused = 0
        """Packets far out of order, or of an SSRC that has not proven itself."""
        self.restarts = 0
        self.loss = 0.0
        """Fraction lost between the last two calls of `report_block`, 0..1."""
        self._step = TICKS // clock_rate
        self._high = 0  # highest extended sequence number
        self._wire = 0  # the same as the wire wrote it
        self._base, self._base_wire = 1, 0  # first of this source, extended and as the wire wrote it
        self._bad = _NONE
        self._stranger = (_NONE, _NONE, 0)  # (ssrc, next sequence, packets heard by then)
        self._heard = 0  # packets of this source, duplicates too (A.3)
        self._carried = 0  # lost packets of sources before
        self._expected_prior = self._received_prior = 0
        self._fresh = True  # the next timestamp begins a new count
        self._time = 0  # media time of the last packet, ticks
        self._timestamp = 0  # the same as the wire wrote it
        self._transit = 0.0  # arrival minus media time, ticks
        self._jitter = 0.0  # ticks
        self._last_report = (0, 0.0)  # (LSR, arrival)

    def receive(self, packet: Packet, now: float, event: bool = False) -> tuple[int, int] | None:
        """Return (extended sequence number, media time in ticks), or None for a packet that must not be used.

        event: a telephone-event, whose timestamp is its key's and tells nothing about the stream's time.
        """
        _, _, sequence, timestamp, ssrc, payload = packet
        if ssrc != self.ssrc and not self._recognise(ssrc, sequence):
            return None
        ahead = (sequence - self._wire) & 0xFFFF
        if ahead < MAX_DROPOUT:
            self._wire = sequence
            self._high = extended = self._high + ahead
        elif ahead >= _LATE:
            extended = self._high + ahead - 0x10000
        elif sequence == self._bad:
            self._begin(ssrc, sequence)
            self._high = extended = self._base
            self._wire = sequence
        else:
            self._bad = (sequence + 1) & 0xFFFF
            self.refused += 1
            return None
        self._heard += 1
        self.packets += 1
        self.octets += len(payload)
        if event:
            return extended, self._time

        step = ((timestamp - self._timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000) * self._step
        time = self._time + step
        arrival = now * TICKS
        drift = arrival - time - self._transit
        if self._fresh or not -LEAP < step < LEAP:
            time = self._place(time, arrival, drift)
        elif step:
            self._jitter += ((drift if drift > 0.0 else -drift) - self._jitter) / 16  # A.8
        self._timestamp = timestamp
        self._time = time
        self._transit = arrival - time
        return extended, time

    def _recognise(self, ssrc: int, sequence: int) -> bool:
        """Is this SSRC to be heard? The first is; another once it shows two packets in a row while ours is silent."""
        if self.ssrc == _NONE:
            self._high = sequence
            self._begin(ssrc, sequence)
        elif self._stranger == (ssrc, sequence, self._heard):
            self._begin(ssrc, sequence)
        else:
            self._stranger = (ssrc, (sequence + 1) & 0xFFFF, self._heard)
            self.refused += 1
            return False
        return True

    def _begin(self, ssrc: int, sequence: int) -> None:
        """A source begins: its statistics start from nothing, our numbers go on."""
        if self.ssrc != _NONE:
            self.restarts += 1
            self._carried += max(0, self._lost)
        self.ssrc = ssrc
        self._base, self._base_wire = self._high + 1, sequence
        self._wire = (sequence - 1) & 0xFFFF
        self._bad = _NONE
        self._heard = self._expected_prior = self._received_prior = 0
        self._fresh = True
        self._jitter = 0.0
        self._last_report = (0, 0.0)

    def _place(self, time: int, arrival: float, drift: float) -> int:
        """The media time of a packet that leaps: what its timestamp says, if the wall clock agrees."""
        if not self._fresh and -LEAP < drift < LEAP:
            return time
        self._fresh = False
        elapsed = arrival - self._transit - self._time
        return self._time + max(round(elapsed), TICKS // 50)

    def retune(self, clock_rate: int) -> None:
        """The sender changed to a codec with another clock: the media time goes on by what really goes by."""
        if clock_rate != self.clock_rate:
            self.clock_rate = clock_rate
            self._step = TICKS // clock_rate
            self._fresh = True

    @property
    def jitter(self) -> float:
        """Interarrival jitter, seconds (A.8)."""
        return self._jitter / TICKS

    @property
    def _lost(self) -> int:
        return self._high - self._base + 1 - self._heard

    @property
    def lost(self) -> int:
        """Packets that never came, of all sources so far. Duplicates count against it, as in the reports."""
        return self._carried + max(0, self._lost)

    def report_block(self, now: float) -> ReportBlock | None:
        """What to tell the sender (section 6.4.1, A.3). Begins a new interval; None before the first packet."""
        if self.ssrc == _NONE:
            return None
        fraction = self._interval()
        lsr, arrival = self._last_report
        return ReportBlock(
            ssrc=self.ssrc,
            fraction=fraction,
            lost=max(-0x800000, min(self._lost, 0x7FFFFF)),
            highest=self._base_wire + self._high - self._base & 0xFFFFFFFF,
            jitter=int(self._jitter / self._step),
            lsr=lsr,
            dlsr=int((now - arrival) * 65536) & 0xFFFFFFFF if lsr else 0,
        )

    def _interval(self) -> int:
        """Close an interval: of 256 packets, how many were lost in it (A.3)."""
        expected = self._high - self._base + 1
        due, came = expected - self._expected_prior, self._heard - self._received_prior
        self._expected_prior, self._received_prior = expected, self._heard
        lost = due - came
        self.loss = lost / due if due > 0 and lost > 0 else 0.0
        return min(255, int(self.loss * 256))

    def on_sender_report(self, report: SenderReport, now: float) -> None:
        """Remember when the sender last told the time, for LSR and DLSR. Reports of others are ignored."""
        if report.ssrc == self.ssrc:
            self._last_report = (middle(report.ntp), now)
