"""The half of an RTP leg that speaks: frames in, datagrams out, in one call stack.

    same codec, same length     the payload goes on untouched, with our sequence number, timestamp and SSRC
    PCMU <-> PCMA               byte for byte by table
    anything else               samples -> frames of our packet time -> encoder -> packet

A stream that has begun never stops while its direction allows sending: hold without music, a source that stalls or goes
silent on purpose, a leg that nobody speaks to yet are all filled with silence by the clock, so that no phone's jitter
buffer starves, no NAT binding closes and nobody's media timeout fires. The filler keeps a little behind the source, so
that a source that was only late is still heard; what comes after its time was filled is dropped.

Keys are RFC 4733 events where they were agreed on, else tones in the audio. While a key sounds, speech is left out
(section 2.5.1.1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from media.codecs import Encoder, Samples, encoder
from media.codecs.g711 import A_TO_MU, MU_TO_A
from media.codecs.opus import BITRATE, BITRATE_WITH_FEC
from media.dsp.tones import Generator, dtmf
from media.errors import BadOrder
from media.formats import Format
from media.frame import TICKS, Audio, Digit, Frame
from media.rtp.outgoing import Outgoing
from media.rtp.telephone_event import EventSender

BEHIND = int(0.06 * TICKS)
"""Ticks by which silence follows a source that may only be late."""
PATIENCE = {"silent": 0.06, "late": 0.5, "forwarded": 1.0}
"""Seconds without a frame after which silence is filled in: a source that said it would be silent (DTX) or was
unplugged; one that should be talking, and may still come in a burst; one whose far end understands its pauses by itself
(Opus to Opus)."""
SILENT = PATIENCE["silent"] - 0.005
"""The shortest patience, as a beat that may come a little early sees it."""
GIVE_IN = 0.3
"""Seconds for which frames may come too late; then the source is late for good, and is heard from where it is."""
LOSSY, CLEAN = 0.01, 0.003
"""Shares of loss at which Opus' forward error correction goes on, and off again."""
_NEVER = float("inf")
_TABLES = {("PCMU", "PCMA"): MU_TO_A, ("PCMA", "PCMU"): A_TO_MU}
_SIBLING = {"PCMU": "PCMA", "PCMA": "PCMU"}


class RtpSender:
    """What a party hears. `write` frames at any time; `beat` every 20 ms, or when `beat_at` has passed."""

    __slots__ = (
        "_any_length",
        "_attention",
        "_encoder",
        "_event_type",
        "_fec",
        "_fill_base",
        "_fill_time",
        "_filling",
        "_fmtp",
        "_format",
        "_forwarding",
        "_keys",
        "_kin",
        "_late_since",
        "_loss",
        "_now",
        "_open",
        "_payload_type",
        "_pending",
        "_pending_end",
        "_pending_time",
        "_ptime",
        "_rate_in",
        "_sent_at",
        "_sibling",
        "_silent",
        "_size",
        "_switched",
        "_table",
        "_time",
        "_tone",
        "_tones",
        "beat_at",
        "encoding",
        "late",
        "outgoing",
        "playback_rate",
        "send",
        "__weakref__",
    )

    def __init__(self, outgoing: Outgoing, send: Callable[[bytes], None], now: Callable[[], float]) -> None:
        self.outgoing = outgoing
        self.encoding = ""
        self.playback_rate = 48_000
        """What the party can make use of, Hz; only Opus has a choice."""
        self.late = 0
        """Frames dropped because silence was already sent in their place."""
        self.send = send
        """Where packets go."""
        self.beat_at = _NEVER
        """Before this instant `beat` has nothing to do."""
        self._now = now
        self._open = False
        self._format: Format | None = None
        self._payload_type = 0
        self._ptime = TICKS // 50
        self._any_length = False
        self._kin: frozenset[str] = frozenset()  # encodings whose payloads need no encoder of ours
        self._sibling, self._table = "", b""
        self._fmtp: Mapping[str, str] = {}
        self._event_type: int | None = None
        self._keys = EventSender(8000)
        self._tones: deque[str] = deque()
        self._tone: Generator | None = None
        # the encoder and what it has not yet packed
        self._encoder: Encoder | None = None
        self._rate_in = 0
        self._size = 0
        self._pending: list[Samples] = []
        self._pending_time = self._pending_end = 0
        self._forwarding = False
        # where the stream stands
        self._attention = True  # look twice at the next frame
        self._switched = True  # another source speaks from now on
        self._filling = False
        self._fill_time = 0  # of the next frame of silence, on the source's clock
        self._fill_base = (0, 0.0)  # an instant of the source's clock, and ours
        self._late_since = 0.0
        self._silent = False  # the source said it would be silent
        self._time = 0
        self._sent_at = 0.0
        self._loss = 0.0
        self._fec = False

    # ---- what was agreed on

    @property
    def rate(self) -> int:
        """The rate at which samples lose nothing on this leg, Hz."""
        if self._format is None:
            return 8000
        wanted = self._format.sample_rate
        if self.encoding == "OPUS":
            wanted = min(self.playback_rate, _number(self._fmtp.get("maxplaybackrate"), wanted))
        return next((rate for rate in (8000, 16_000) if wanted <= rate), 48_000)

    def configure(
        self, format: Format, payload_type: int, ptime: int, fmtp: Mapping[str, str], event: tuple[int, int] | None
    ) -> None:
        """What to send from now on. ptime: ms.  event: payload type and clock rate of telephone-event."""
        if format != self._format or fmtp != self._fmtp or self._ptime != ptime * 48:
            self._drop_encoder()
        self._format, self.encoding, self._payload_type, self._fmtp = format, format.encoding, payload_type, fmtp
        self._ptime = max(10, min(ptime, 120)) * (TICKS // 1000)
        self._any_length = format.encoding == "OPUS"
        self._fec = self._fec and fmtp.get("useinbandfec") == "1"
        self._sibling = _SIBLING.get(format.encoding, "")
        self._table = _TABLES.get((self._sibling, format.encoding), b"")
        self._kin = frozenset((format.encoding, self._sibling)) - {""}
        self.outgoing.retune(format.clock_rate)
        self._event_type = event[0] if event else None
        if event and (event[1] != self._keys.clock_rate or ptime / 1000 != self._keys.ptime):
            self._keys = EventSender(event[1], self._ptime / TICKS)

    def open(self, on: bool) -> None:
        """May we send? (The transport is up and the direction allows it.)"""
        if on and not self._open:
            self._sent_at = self._now()
            self._drop_encoder()
            self.flush()
        self._open = on
        self.beat_at = 0.0 if on else _NEVER

    def close(self) -> None:
        self._open = False
        self.beat_at = _NEVER
        self.send = _nowhere
        self._drop_encoder()

    # ---- the hot path

    def write(self, frame: Frame) -> None:
        if frame.__class__ is not Audio:
            self._other(frame)
            return
        if not self._open or (self._attention and not self._attend(frame)):
            return
        if frame.encoding in self._kin and self._forward(frame):
            return
        codec = self._encoder
        if codec is None or frame.rate != self._rate_in or self._forwarding:
            codec = self._prepare(frame.rate)
        samples = frame.samples
        self._silent = 0 < len(frame.payload) < 3  # Opus says in a byte or two that it falls silent (DTX)
        if len(samples) == self._size and not self._pending:
            self._packet(codec.encode(samples), frame.time, frame.marker)
        else:
            self._reframe(codec, samples, frame.time)

    def _forward(self, frame: Audio) -> bool:
        """Pass the payload on. False: it must go through the encoder after all."""
        if frame.duration != self._ptime and not self._any_length:
            if frame.lost and self._forwarding and frame.encoding == self.encoding:
                self.outgoing.skip()
                return True
            return False
        if frame.lost:
            if self._forwarding:
                self.outgoing.skip()
            return self._forwarding
        if not self._forwarding:
            self._forwarding = True
            self._pending = []
        payload = frame.payload
        self._packet(
            payload if frame.encoding == self.encoding else payload.translate(self._table), frame.time, frame.marker
        )
        return True

    def _packet(self, payload: bytes, time: int, marker: bool = False) -> None:
        self._time = time
        clock, send = self._now, self.send
        self._sent_at = now = clock()
        send(self.outgoing.packet(payload, self._payload_type, time, now, marker))

    def _reframe(self, codec: Encoder, samples: Samples, time: int) -> None:
        """Cut or join to our own packet time. What does not follow on drops the rest of what was before."""
        if self._pending and time != self._pending_end:
            self._pending = []
        if not self._pending:
            self._pending_time = time
        self._pending.append(samples)
        ticks = TICKS // self._rate_in
        self._pending_end = time + len(samples) * ticks
        held = sum(map(len, self._pending))
        if held < self._size:
            return
        joined = np.concatenate(self._pending)
        whole = held - held % self._size
        for start in range(0, whole, self._size):
            self._packet(codec.encode(joined[start : start + self._size]), self._pending_time + start * ticks)
        self._pending_time += whole * ticks
        self._pending = [joined[whole:]] if whole < held else []

    # ---- the encoder

    def _prepare(self, rate: int) -> Encoder:
        """An encoder for samples at `rate`, with nothing in its memory that the far end has not heard."""
        self._pending = []
        self._forwarding = False
        if self._encoder is not None and rate == self._rate_in:
            self._encoder.reset()
            return self._encoder
        self._rate_in = rate
        self._size = self._ptime * rate // TICKS
        self._encoder = encoder(self.encoding, rate, bitrate=self._bitrate(rate))
        self._tell_loss()
        return self._encoder

    def _drop_encoder(self) -> None:
        self._encoder = None
        self._pending = []

    def _bitrate(self, rate: int) -> int | None:
        """A bound that the party asked for (RFC 7587 maxaveragebitrate), where it is below what we would send."""
        if self.encoding != "OPUS":
            return None
        usual = (BITRATE_WITH_FEC if self._fec else BITRATE)[rate]
        most = _number(self._fmtp.get("maxaveragebitrate"), usual)
        return most if most < usual else None

    def adapt(self, loss: float) -> None:
        """The party reports what share of our packets it lost: forward error correction where it helps."""
        self._loss += (loss - self._loss) * (0.5 if loss > self._loss else 0.1)
        able = self._fmtp.get("useinbandfec") == "1"  # the default is 0 (RFC 7587 section 6.1)
        fec = able and self._loss > (CLEAN if self._fec else LOSSY)
        if fec or fec != self._fec:
            self._fec = fec
            self._tell_loss()

    def _tell_loss(self) -> None:
        if self._encoder is not None and self.encoding == "OPUS":
            percent = min(20, max(1, round(self._loss * 100))) if self._fec else 0
            self._encoder.configure(bitrate=self._bitrate(self._rate_in), fec=self._fec, loss_percent=percent)

    # ---- when not all is plain

    def _attend(self, frame: Audio) -> bool:
        """A frame at a turn of the stream. False: it is not to be sent."""
        if self._tone is not None or self._tones or self._keys.sounding:
            return False
        if self._switched:
            self.outgoing.resync()
        elif self._filling and 0 < self._fill_time - frame.time < TICKS:
            self.late += 1
            now = self._now()
            self._late_since = self._late_since or now
            if now - self._late_since < GIVE_IN:
                return False
            self.outgoing.resync()
        self._switched = self._filling = self._attention = False
        self._late_since = 0.0
        return True

    def _other(self, frame: Frame) -> None:
        if isinstance(frame, Digit):
            self._digit(frame)
        else:
            self.flush()

    def flush(self) -> None:
        """Another source speaks from now on, or the same one anew."""
        self.outgoing.resync()
        self._pending = []
        self._switched = self._attention = True
        self._silent = False
        self._keys.release(self._now())

    def beat(self, now: float) -> None:
        """Every 20 ms: keys that are due, and silence where nothing came."""
        if not self._open:
            return
        if self._keys.busy:
            self._send_keys(now)
        elif self._filling or self._tones or now - self._sent_at > SILENT:
            self._fill(now)
        busy = self._filling or self._tones or self._keys.busy
        self.beat_at = 0.0 if busy else self._sent_at + SILENT

    # ---- silence, and tones in the audio

    def _fill(self, now: float) -> None:
        if not self._filling:
            if not self._tones and now - self._sent_at < self._patience():
                return
            self._begin_filling(now)
        time, since = self._fill_base
        due = time + int((now - since) * TICKS) + self._ptime // 4  # beats may come a little early
        while self._fill_time <= due:
            rate = self._rate_in if self._encoder is not None else min(self.rate, 16_000)
            codec = self._encoder
            if codec is None or self._forwarding:
                codec = self._prepare(rate)
            self._packet(codec.encode(self._sound(self._size, rate)), self._fill_time)
            self._fill_time += self._ptime

    def _patience(self) -> float:
        if self._switched or self._silent:
            return SILENT
        return PATIENCE["forwarded" if self._forwarding and self._any_length else "late"]

    def _begin_filling(self, now: float) -> None:
        """From here on time is filled as the wall clock goes, a little behind a source that may come back."""
        self._filling = self._attention = True
        self._pending = []
        if self._tones:
            self._switched = True
        if self._switched:
            self.outgoing.resync()
        behind = 0 if self._switched else BEHIND
        missed = max(0, int((now - self._sent_at) * TICKS) - behind)
        self._fill_time = self._time + max(1, missed // self._ptime) * self._ptime
        self._fill_base = (self._fill_time, now)

    def _sound(self, n: int, rate: int) -> Samples:
        """The next n samples of a key's tones, else silence."""
        if self._tone is None and self._tones:
            self._tone = Generator(dtmf(self._tones.popleft()), rate)
        if self._tone is None:
            return np.zeros(n, np.int16)
        made = self._tone.next(n)
        if self._tone.done:
            self._tone = None
        return made if len(made) == n else np.concatenate((made, np.zeros(n - len(made), np.int16)))

    # ---- keys

    def _digit(self, digit: Digit) -> None:
        """A key on the wire: passed on as it goes down and up."""
        if not self._open:
            return
        now = self._now()
        self.beat_at = 0.0
        if self._event_type is None:
            if digit.end:
                self._tones.append(digit.key)
        elif digit.end:
            self._keys.release(now, digit.duration)
        else:
            self._keys.press(digit.key, now)
            self._send_keys(now)

    def dial(self, digits: str, duration: float, gap: float) -> None:
        """Press keys in turn. Raises ValueError for what is no key, BadOrder before anything is agreed on."""
        if self._format is None:
            raise BadOrder("no keys can be pressed before an offer was answered")
        self.beat_at = 0.0 if self._open else _NEVER
        if self._event_type is None:
            dtmf(digits)
            self._tones.extend(digits)
        else:
            self._keys.queue(digits, self._now(), duration, gap)

    def _send_keys(self, now: float) -> None:
        if self._event_type is None:
            self._keys.cancel(now)
            return
        for payload, timestamp, marker in self._keys.next(now, self.outgoing.timestamp_at(now)):
            self.send(self.outgoing.event(payload, self._event_type, timestamp, marker))
            self._sent_at = now
            self._attention = self._switched = True  # audio goes on where the wall clock is by then
            if marker and self._encoder is not None:
                self._encoder.reset()
                self._pending = []


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def _nowhere(packet: bytes) -> None:
    """Where a closed leg's packets go."""
