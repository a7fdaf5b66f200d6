"""The half of an RTP leg that hears: datagrams in, frames out, in one call stack.

    parse -> place (order and time, `rtp.incoming`) -> reorder -> Audio, undecoded -> every sink

Nothing waits: a packet goes on the moment it comes. Only when a later packet shows a hole, frames are made up for what
is missing (from the FEC of the later one, else by concealment), and only if a sink wants samples; a forwarding sink
sees `lost` and leaves a sequence number out. A stream that proves to be out of order, rather than lossy, is given one
packet of patience for a while (`Reorder.wait`).

A jump of the timestamp without a hole in the sequence is silence (discontinuous transmission), not loss: nothing is
made up for it; the sinks' own senders bridge it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping

from media.errors import BadPacket
from media.formats import Format
from media.frame import TICKS, Audio, Digit, Flush, Frame
from media.leg import Sink
from media.legs.voice import Hole, Silence, Voice
from media.rtp.incoming import Incoming
from media.rtp.packet import Packet, parse
from media.rtp.reorder import Reorder
from media.rtp.telephone_event import EventReceiver

CONCEAL = 5
"""Missing packets in a row that are made up for; of a longer hole only the last, which FEC can bring back: the sound of
concealment has faded to nothing by then."""
PATIENT = 10.0
"""Seconds of patience after a packet was seen to come out of order."""
HOLD = 0.03
"""Seconds a packet is held back for an earlier one, at most."""
RATES = (8000, 16_000, 48_000)
COMFORT_NOISE = 13
"""RFC 3389: a phone that detects silence sends it whether it was agreed on or not. No sound, but a sign of life."""


class RtpReceiver:
    """What a party says, written to its sinks."""

    __slots__ = (
        "_after_key",
        "_end",
        "_events",
        "_formats",
        "_given_up",
        "_held_since",
        "_keys",
        "_muted",
        "_on_digit",
        "_on_voice",
        "_patient_until",
        "_reorder",
        "_sinks",
        "_usual",
        "_voice",
        "_voices",
        "_writes",
        "concealed",
        "heard_at",
        "incoming",
        "pending",
        "quiet",
        "refused",
        "__weakref__",
    )

    def __init__(self, on_digit: Callable[[Digit], None], on_voice: Callable[[float], None]) -> None:
        """`on_voice(now)` is called for the first packet after `quiet` was set."""
        self.incoming = Incoming(TICKS)
        self.quiet = True
        """Set it to be told of the next packet."""
        self.heard_at: float | None = None
        """When the last good packet came, seconds."""
        self.pending = False
        """Is there anything for `beat` to see to?"""
        self.concealed = 0
        self.refused: Counter[str] = Counter()
        """Packets thrown away, by reason."""
        self._on_digit = on_digit
        self._on_voice = on_voice
        self._formats: Mapping[int, Format] = {}
        self._voices: dict[int, Voice] = {}
        self._voice: Voice | None = None
        self._events: frozenset[int] = frozenset()
        self._keys = EventReceiver(8000)
        self._reorder: Reorder[tuple[Packet, int, int]] = Reorder()
        self._given_up: deque[int] = deque(maxlen=32)
        self._patient_until = 0.0
        self._held_since: float | None = None
        self._end = 0
        """Where the last frame ended, ticks."""
        self._usual = TICKS // 50
        self._after_key = False
        self._sinks: list[Sink] = []
        self._writes: tuple[Callable[[Frame], None], ...] = ()
        self._muted = False

    # ---- what is heard, and by whom

    def configure(self, formats: Mapping[int, Format], events: frozenset[int], event_rate: int) -> None:
        """What each payload type means; may come again at any time."""
        if formats != self._formats:
            self._formats = dict(formats)
            self._voices = {}
            self._voice = None
        self._events = events
        if event_rate != self._keys.clock_rate:
            self._keys = EventReceiver(event_rate)

    def connect(self, sink: Sink) -> None:
        if not any(sink is s for s in self._sinks):
            self._sinks.append(sink)
        self._plug()

    def disconnect(self, sink: Sink) -> None:
        for i, known in enumerate(self._sinks):
            if known is sink:
                del self._sinks[i]
                self._plug()
                sink.write(Flush())
                return

    def close(self) -> None:
        """Unplug every sink and hear nothing more."""
        for sink in tuple(self._sinks):
            self.disconnect(sink)
        self._formats, self._voices, self._voice = {}, {}, None
        self._on_digit, self._on_voice = _nobody, _nobody

    def mute(self, on: bool) -> None:
        """Silence instead of what the party says, frame by frame: nobody's stream stops. Keys still pass."""
        if self._muted and not on:
            self._voices, self._voice = {}, None  # the decoder has missed too much to go on from where it was
        self._muted = on

    @property
    def encoding(self) -> str:
        """Of the last frame heard."""
        return self._voice.encoding if self._voice else ""

    @property
    def level(self) -> float | None:
        return self._voice.level if self._voice else None

    @property
    def late(self) -> int:
        """Packets that came twice or too late."""
        return self._reorder.discarded

    def _plug(self) -> None:
        self._writes = tuple(sink.write for sink in self._sinks)
        wrong = [pt for pt, voice in self._voices.items() if voice.rate != self._rate(voice.format)]
        for payload_type in wrong:
            old = self._voices.pop(payload_type)
            if old is self._voice:
                self._voice = self._speak(payload_type)

    def _rate(self, format: Format) -> int:
        """The lowest rate that loses nothing of this codec to any sink that will want samples."""
        wanted = max((sink.rate for sink in self._sinks if sink.encoding != format.encoding), default=8000)
        wanted = min(wanted, format.sample_rate)
        return next((rate for rate in RATES if rate >= wanted), RATES[-1])

    def _speak(self, payload_type: int) -> Voice:
        format = self._formats[payload_type]
        voice = self._voices[payload_type] = Voice(format, self._rate(format), payload_type)
        return voice

    # ---- the hot path

    def receive(self, data: bytes, now: float) -> None:
        """One datagram. Never raises: what is of no use is counted."""
        try:
            packet = parse(data)
        except BadPacket:
            self.refused["not RTP"] += 1
            return
        payload_type = packet[0]
        voice = self._voice
        if voice is None or payload_type != voice.payload_type:
            if not self._formats:
                self.refused["before anything was agreed on"] += 1
                return
            voice = self._turn(payload_type)
        place = self.incoming.receive(packet, now, voice is None)
        if place is None:
            self.refused["another sender's, or far out of order"] += 1
            return
        self.heard_at = now
        if self.quiet and (voice is not None or payload_type in self._events or payload_type == COMFORT_NOISE):
            self.quiet = False
            self._on_voice(now)
        sequence, time = place
        if sequence == self._reorder.expected:  # as nearly always
            self._reorder.expected = sequence + 1
            self._take(packet, sequence, time, 0, now)
            return
        ready = self._reorder.push(sequence, (packet, sequence, time))
        if not ready:
            self._unordered(sequence, now)
        for item, missing in ready:
            self._take(*item, missing, now)

    def _turn(self, payload_type: int) -> Voice | None:
        """Another codec than a moment ago; None for packets that are no audio but have their place in the order."""
        if payload_type not in self._formats:
            if payload_type not in self._events:
                self.refused[f"payload type {payload_type}, which was not agreed on"] += 1
            return None
        voice = self._voices.get(payload_type) or self._speak(payload_type)
        self.incoming.retune(voice.format.clock_rate)
        self._voice = voice
        return voice

    def _take(self, packet: Packet, sequence: int, time: int, missing: int, now: float) -> None:
        """One packet in its turn."""
        payload_type, marker, _, timestamp, _, payload = packet
        voice = self._voice
        if voice is None or payload_type != voice.payload_type:  # held back over a change of codec, or no audio
            voice = self._voices.get(payload_type)
        if voice is None:
            if payload_type in self._events:
                self.pending = True
                self._key(self._keys.receive(payload, timestamp, marker, now))
                self._after_key = True
            return
        duration_of = voice.duration
        duration = duration_of(payload)
        if missing:
            self._given_up.extend(range(sequence - min(missing, 32), sequence))
            self._make_up(voice, time, payload, missing)
        self._end = time + duration
        self._usual = duration
        self._after_key = False
        if self._muted:
            audio = Audio(time, duration, Silence(voice.rate))
        else:
            audio = Audio(time, duration, voice, payload, voice.encoding, marker)
        for write in self._writes:
            write(audio)

    def _make_up(self, voice: Voice, time: int, following: bytes, missing: int) -> None:
        """Frames for the packets missing before `time`."""
        gap = time - self._end
        if gap <= 0 or self._after_key:  # what was lost were a key's packets: they take no time of their own
            return
        count, each = missing, gap // missing
        if missing > CONCEAL or each * 2 > self._usual * 3:  # too many, or silence was among them
            count, each = 1, min(self._usual, gap)
        start = time - count * each
        for i in range(count):
            hole = Silence(voice.rate) if self._muted else Hole(voice, following if i == count - 1 else None)
            audio = Audio(time=start + i * each, duration=each, encoding=voice.encoding, lost=True, decoder=hole)
            self.concealed += 1
            for write in self._writes:
                write(audio)

    def _key(self, digits: list[Digit]) -> None:
        for digit in digits:
            self._on_digit(digit)
            for write in self._writes:
                write(digit)

    def _unordered(self, sequence: int, now: float) -> None:
        """Nothing may go on yet: this packet came twice, too late, or too early."""
        if sequence in self._given_up:  # it was not lost after all
            self._given_up.remove(sequence)
            self._reorder.wait = 1
            self._patient_until = now + PATIENT
        self._held_since = now
        self.pending = True

    # ---- what the clock brings

    def beat(self, now: float) -> None:
        """Every 20 ms: packets held back for one that will not come, keys whose end was lost, patience that ends."""
        if self._held_since is not None and now - self._held_since >= HOLD:
            self._held_since = None
            for item, missing in self._reorder.flush():
                self._take(*item, missing, now)
        if self._reorder.wait and now > self._patient_until:
            self._reorder.wait = 0
        due = self._keys.wake_at()
        if due is not None and now >= due:
            self._key(self._keys.wake(now))
            due = self._keys.wake_at()
        self.pending = due is not None or self._held_since is not None or self._reorder.wait > 0


def _nobody(_: object) -> None:
    """Who a closed receiver tells."""
