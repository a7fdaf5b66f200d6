"""The RTP half that SIP and WebRTC legs share: one party's audio, both ways, without its transport.

    receive_rtp -> RtpReceiver -> sinks        what the party says
    write       -> RtpSender   -> send_rtp     what the party hears
    tick                                       reports (RTCP), watchdog, quality

`receive_rtp` and `write` are the halves' own methods: no detour on the way of a packet. The leg brings plain packets
(SRTP already taken off) and says when its transport is `connected` and when it is `paused`; `configure` may come again
at any time, and the stream that the party hears stays one stream: SSRC, sequence and timestamp run on.

Chromium sends Opus FEC only to whom reports loss, so reports begin in the first second (RFC 3550 section 6.2 lets a
session of two report more often than every 5 s) and tell the truth.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from media.clock import Clock
from media.errors import BadPacket
from media.events import DigitPressed, FirstMedia, LegStats, MediaEvent, Quality, Refused, Resumed, Stalled
from media.events import Negotiated as NegotiatedEvent
from media.frame import Digit, Frame
from media.leg import Sink
from media.legs.rtp_receiver import RtpReceiver
from media.legs.rtp_sender import RtpSender
from media.rtp.outgoing import Outgoing
from media.rtp.rtcp import Bye, ReceiverReport, Report, Sdes, SenderReport, compound, parse_compound

if TYPE_CHECKING:
    from media.sdp.negotiate import Negotiated

EAGER, EAGER_REPORTS = 1.0, 5
"""Seconds between reports at first, and how many of these."""
REPORT_EVERY = 2.5
QUALITY_EVERY = 4.0
STALL_AFTER = 5.0
SENDS, HEARS = ("sendrecv", "sendonly"), ("sendrecv", "recvonly")


class RtpMedia:
    """See the module. Everything that happens is told by `emit`."""

    receive_rtp: Callable[[bytes, float], None]
    """One plain RTP packet and its time of arrival (`Clock.now`). Never raises."""
    write: Callable[[Frame], None]
    """A frame for the party to hear (`Sink.write`)."""

    def __init__(
        self,
        name: str,
        *,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
        emit: Callable[[MediaEvent], None],
        clock: Clock,
        random: Callable[[int], int],
        stall_after: float = STALL_AFTER,
        wallclock: Callable[[], float] = time.time,
        source: Callable[[], str] = str,
    ) -> None:
        """`random(n)` gives n random bits (RFC 3550 section 5.1: SSRC, first sequence number and timestamp).

        `source()` says where the packets that are heard come from.
        """
        self.name = name
        self.cname = f"{random(64):016x}"
        self.outgoing = Outgoing(random(32) or 1, random(16), random(32), 8000)
        self.stall_after = stall_after
        self._clock = clock
        self._emit = emit
        self._random = random
        self._wallclock = wallclock
        self._send_rtcp, self._source = send_rtcp, source
        self._receiver = RtpReceiver(self._on_digit, self._on_voice)
        self._sender = RtpSender(self.outgoing, send_rtp, clock.now)
        self.receive_rtp = self._receiver.receive
        self.write = self._sender.write
        self._direction = ""
        self._up = False
        self._closed = False
        self._heard_ever = False
        self._stalled = False
        self._waiting_since = 0.0
        self.refusals: Counter[str] = self._receiver.refused
        """Packets thrown away, by reason; the leg counts its own here too."""
        self._told: Counter[str] = Counter()
        self._report_at = self._quality_at = self._refused_at = 0.0
        self._reports = 0
        self._sent_at_report = 0

    # ---- a leg's life

    @property
    def ssrc(self) -> int:
        """Of the stream we send."""
        return self.outgoing.ssrc

    def configure(self, negotiated: Negotiated) -> None:
        """An offer and its answer have met."""
        codec = negotiated.format
        event = negotiated.telephone_event
        self._receiver.configure(negotiated.receive, negotiated.receive_events, negotiated.telephone_event_rate)
        self._sender.configure(
            codec,
            negotiated.payload_type,
            negotiated.ptime,
            negotiated.fmtp,
            None if event is None else (event, negotiated.telephone_event_rate),
        )
        self._direction = negotiated.direction
        self._waiting_since = self._clock.now()
        self._sender.open(self._up and self._direction in SENDS)
        self._emit(NegotiatedEvent(self.name, codec.encoding, codec.sample_rate, negotiated.direction))

    def connected(self) -> None:
        """The transport carries media from now on (again)."""
        if self._up or self._closed:
            return
        now = self._clock.now()
        self._up = True
        self._waiting_since = now
        self._report_at, self._reports = now + EAGER, 0
        self._quality_at = now + QUALITY_EVERY / 2
        self._clock.add(self._beat)
        self._clock.add(self.tick, slow=True)
        self._sender.open(self._direction in SENDS)

    def route(self, send_rtp: Callable[[bytes], None]) -> None:
        """Another transport carries our packets from now on."""
        if not self._closed:
            self._sender.send = send_rtp

    def paused(self) -> None:
        """The transport is interrupted: nothing is sent, and the encoder starts afresh afterwards."""
        self._up = False
        self._sender.open(False)

    async def aclose(self) -> None:
        """Say goodbye, unplug the sinks, break all cycles. Idempotent."""
        if self._closed:
            return
        now = self._clock.now()
        if self._up:
            self._send_report(now, Bye((self.ssrc,)))
        self._closed = True
        self._up = False
        self._clock.remove(self._beat)
        self._clock.remove(self.tick)
        self._receiver.close()
        self._sender.close()
        self._send_rtcp = _deaf
        self._emit = _deaf
        self._source = str

    # ---- Sink and Source

    @property
    def rate(self) -> int:
        return self._sender.rate

    @property
    def encoding(self) -> str:
        return self._sender.encoding

    def playback_rate(self, rate: int) -> None:
        """The most the party's far end can carry, Hz. Afterwards its sources must be connected again."""
        self._sender.playback_rate = rate

    def connect(self, sink: Sink) -> None:
        self._receiver.connect(sink)

    def disconnect(self, sink: Sink) -> None:
        self._receiver.disconnect(sink)

    def mute(self, on: bool) -> None:
        """Replace what the party says by silence."""
        self._receiver.mute(on)

    def send_digits(self, digits: str, duration: float = 0.16, gap: float = 0.08) -> None:
        """Press keys towards the party. Raises ValueError for what is not 0-9 * # A-D."""
        self._sender.dial(digits, duration, gap)

    # ---- RTCP

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """One plain RTCP datagram. Never raises."""
        try:
            reports = parse_compound(data, reduced=True)
        except BadPacket:
            self.refusals["not RTCP"] += 1
            return
        for report in reports:
            if isinstance(report, SenderReport):
                self._receiver.incoming.on_sender_report(report, now)
            if isinstance(report, SenderReport | ReceiverReport):
                for block in report.reports:
                    self.outgoing.on_report(block, now)
                    if block.ssrc == self.ssrc:
                        self._sender.adapt(self.outgoing.loss)

    def _send_report(self, now: float, *more: Report) -> None:
        """SR if we sent something since the last one, else RR (section 6.4)."""
        block = self._receiver.incoming.report_block(now)
        blocks = () if block is None else (block,)
        report: Report
        if self.outgoing.packets > self._sent_at_report:
            report = self.outgoing.sender_report(now, self._wallclock(), blocks)
        else:
            report = ReceiverReport(self.ssrc, blocks)
        self._sent_at_report = self.outgoing.packets
        self._send_rtcp(compound(report, Sdes(((self.ssrc, self.cname),)), *more))

    # ---- what the clock brings

    def _beat(self, now: float) -> None:
        """Fifty times a second for every leg, so it only looks whether there is something to do."""
        if self._receiver.pending:
            self._receiver.beat(now)
        if now > self._sender.beat_at:
            self._sender.beat(now)

    def tick(self, now: float) -> None:
        """About every 200 ms: reports, watchdog, quality."""
        if self._closed:
            return
        if self._up and now >= self._report_at:
            self._reports += 1
            usual = EAGER if self._reports < EAGER_REPORTS else REPORT_EVERY
            self._report_at = now + usual * (0.75 + self._random(8) / 512)  # not all at once (section 6.3.1)
            self._send_report(self._clock.now())  # not the beat's time: the round trip starts here
        if self._up and self._direction in HEARS:
            self._watch(now)
        if now >= self._quality_at:
            self._quality_at = now + QUALITY_EVERY
            self._emit(Quality(self.name, self.stats(now)))
        if now >= self._refused_at:
            self._refused_at = now + 1.0
            self._tell_refused()

    def _watch(self, now: float) -> None:
        heard = self._receiver.heard_at
        since = self._waiting_since if heard is None else max(heard, self._waiting_since)
        if not self._stalled and now - since >= self.stall_after:
            self._stalled = self._receiver.quiet = True
            self._emit(Stalled(self.name, now - since))

    def _on_voice(self, now: float) -> None:
        if not self._heard_ever:
            self._heard_ever = True
            self._emit(FirstMedia(self.name, self._source()))
        if self._stalled:
            self._stalled = False
            self._emit(Resumed(self.name))

    def _on_digit(self, digit: Digit) -> None:
        if digit.end:
            self._emit(DigitPressed(self.name, digit.key, digit.duration))

    def _tell_refused(self) -> None:
        if self.refusals == self._told:
            return
        for why, count in (self.refusals - self._told).items():
            self._emit(Refused(self.name, why, count))
        self._told = Counter(self.refusals)

    # ---- how it sounds

    def stats(self, now: float) -> LegStats:
        incoming, outgoing = self._receiver.incoming, self.outgoing
        return LegStats(
            codec_in=self._receiver.encoding,
            codec_out=self._sender.encoding,
            packets_in=incoming.packets,
            packets_out=outgoing.packets,
            bytes_in=incoming.octets,
            bytes_out=outgoing.octets,
            lost_in=incoming.lost,
            loss_in=incoming.loss,
            loss_out=outgoing.loss,
            jitter_in_ms=incoming.jitter * 1000,
            jitter_out_ms=outgoing.jitter * 1000,
            rtt_ms=None if outgoing.rtt is None else outgoing.rtt * 1000,
            discarded=self._receiver.late + self._sender.late + self.refusals.total(),
            concealed=self._receiver.concealed,
            level_in=self._receiver.level,
        )

    def __str__(self) -> str:
        return f"{self._receiver.encoding or 'nothing'} -> {self.name} -> {self._sender.encoding or 'nothing'}"


def _deaf(*_: object) -> None:
    """Takes the place of everything a closed leg must not call any more."""
