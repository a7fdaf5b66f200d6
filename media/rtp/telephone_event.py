"""DTMF as RTP events (RFC 4733): keys heard and keys sent, no key lost, none doubled.

**Hearing.** All packets of one key carry the timestamp of its beginning, so the timestamp, and nothing else, tells keys
apart (section 2.2.1). The marker bit may be lost with its packet, and so may the start, any update, or all three ends:

    a timestamp never seen       a key goes down (its start may be lost: an update or an end tells the same)
    a timestamp that is open     it goes on; with the end bit it comes up
    a timestamp already closed   a retransmitted end, or a straggler of a key given up: nothing
    a newer key, or SILENCE      closes a key whose ends were all lost

A key longer than 0xFFFF ticks comes in segments, each with a new timestamp where the last one ended (section 2.5.1.3);
and some senders move the timestamp during one key. Both show in that the "new" key is the same one and begins before
the old one is over, which no finger can do: it is the same press.

**Sending.** One key at a time: a packet at once, an update every `ptime` with growing duration, three ends (2.5.1.4),
all with the timestamp of the start. Keys wait in a queue with a gap between. A key may be held (`press` ... `release`).
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from dataclasses import dataclass

from media.frame import Digit

KEYS = "0123456789*#ABCD"
"""Event codes 0-15 (section 3.2)."""
SILENCE = 0.3
"""Seconds without a packet after which a key has come up: ten updates at 20 ms and more, six at 50."""
MAX_DURATION = 0xFFFF
ENDS = 3
_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10
"""Power we tell, -dBm0."""
_REMEMBERED = 32
_SLACK = 4800
"""Ticks: five updates at 48 kHz."""


@dataclass(slots=True)
class _Press:
    """One key being heard."""

    code: int
    timestamp: int
    """Of its latest segment."""
    duration: int
    """Of the latest segment, ticks."""
    before: int
    """Of the segments before, ticks."""
    heard: float
    open: bool = True


class EventReceiver:
    """Turns telephone-event payloads into `Digit`s. Feed every packet, call `wake` when `wake_at` says so."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        """Clock of the durations, Hz: of the payload type's rtpmap."""
        self.bad = 0
        """Payloads too short to be an event."""
        self.ignored = 0
        """Events that are no key (flash, fax tones; codes above 15)."""
        self._latest: _Press | None = None
        self._seen: OrderedDict[int, _Press] = OrderedDict()

    def receive(self, payload: bytes, timestamp: int, marker: bool, now: float) -> list[Digit]:
        """Return what one packet says: nothing, a key down, a key up, or several of both."""
        if len(payload) < _EVENT.size:
            self.bad += 1
            return []
        code, flags, duration = _EVENT.unpack_from(payload)
        if code >= len(KEYS):
            self.ignored += 1
            return []
        ended = bool(flags & _END)
        press = self._seen.get(timestamp)
        if press is None:
            return self._unseen(code, timestamp, duration, ended, marker, now)
        return self._more(press, timestamp, duration, ended, now)

    def _more(self, press: _Press, timestamp: int, duration: int, ended: bool, now: float) -> list[Digit]:
        """Another packet of a key already known."""
        if not press.open:
            return []
        press.heard = now
        if timestamp == press.timestamp:
            press.duration = max(press.duration, duration)
        return [self._up(press)] if ended else []

    def _unseen(self, code: int, timestamp: int, duration: int, ended: bool, marker: bool, now: float) -> list[Digit]:
        """A timestamp never seen: the same key going on, or another one."""
        latest = self._latest
        ahead = 0 if latest is None else _signed(timestamp - latest.timestamp)
        if latest is not None and not marker and latest.code == code and _goes_on(latest, ahead):
            if duration <= latest.duration:  # counted anew: a segment
                latest.before += ahead
            latest.timestamp, latest.duration = timestamp, duration
            self._remember(timestamp, latest)
            return self._more(latest, timestamp, duration, ended, now)
        press = _Press(code, timestamp, duration, 0, now)
        self._remember(timestamp, press)
        digits = [self._up(latest)] if latest is not None and latest.open else []
        self._latest = press
        digits.append(self._down(press))
        if ended:
            digits.append(self._up(press))
        return digits

    def _remember(self, timestamp: int, press: _Press) -> None:
        self._seen[timestamp] = press
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _down(self, press: _Press) -> Digit:
        return Digit(KEYS[press.code], end=False)

    def _up(self, press: _Press) -> Digit:
        press.open = False
        return Digit(KEYS[press.code], end=True, duration=(press.before + press.duration) / self.clock_rate)

    def wake_at(self) -> float | None:
        """When an open key has come up if nothing more is heard of it."""
        latest = self._latest
        return latest.heard + SILENCE if latest is not None and latest.open else None

    def wake(self, now: float) -> list[Digit]:
        due = self.wake_at()
        if due is None or now < due or self._latest is None:
            return []
        return [self._up(self._latest)]


@dataclass(slots=True)
class _Key:
    """One key to be sent."""

    code: int
    pressed: float
    gap: float
    """Seconds of rest before it."""
    duration: float | None = None
    """Seconds; None while it is held."""


@dataclass(slots=True)
class _Sending:
    """The key on the wire."""

    key: _Key
    began: float
    timestamp: int
    """Of its current segment."""
    before: int = 0
    """Ticks in the segments before."""
    steps: int = 0
    """Steps of ptime told so far."""
    told: int = 0
    """Ticks told so far; never less afterwards."""
    ends: int = 0


class EventSender:
    """Makes the packets of keys. While `busy`, call `next` at every beat; while `sounding`, send no audio."""

    MIN_DURATION = 0.04
    """Seconds: what receivers are sure to take for a key (ITU-T Q.24)."""
    SLACK = 0.1
    """Seconds a key may be said to have been down beyond what we saw: jitter may bring its packets together."""
    MAX_DURATION = 60.0
    """Seconds after which a key whose release never came is let go."""

    def __init__(self, clock_rate: int, ptime: float = 0.02) -> None:
        self.clock_rate = clock_rate
        """Clock of the durations, Hz."""
        self.ptime = ptime
        """Seconds between updates."""
        self._waiting: deque[_Key] = deque()
        self._held: _Key | None = None
        self._sending: _Sending | None = None
        self._rested_at = -1e9  # when the last key's sound ended
        self._idle_at = -1e9  # when its last packet was out

    @property
    def busy(self) -> bool:
        """Is there anything to send, now or soon?"""
        return self._sending is not None or bool(self._waiting)

    @property
    def sounding(self) -> bool:
        """Is a key on the wire? Then audio stays away (section 2.5.1.1)."""
        return self._sending is not None

    def press(self, key: str, now: float, gap: float = 0.04) -> None:
        """Press a key and hold it. A key still held is released first."""
        self.release(now)
        self._held = _Key(_code(key), now, gap)
        self._waiting.append(self._held)

    def release(self, now: float, duration: float = 0.0) -> None:
        """Let go of the held key. duration: how long it is said to have been down, in seconds; 0: until now.

        What is said counts only while it agrees with the time gone by: some phones (baresip with Opus) count in the
        audio's clock of 48 kHz under telephone-event/8000, and a key six times too long would delay all that follow.
        """
        if self._held is not None:
            elapsed = now - self._held.pressed
            held = min(duration, elapsed + self.SLACK) if duration else elapsed
            self._held.duration = min(max(held, self.MIN_DURATION), self.MAX_DURATION)
            self._held = None

    def queue(self, digits: str, now: float, duration: float = 0.16, gap: float = 0.08) -> None:
        """Dial digits one after the other. Raises ValueError, before any is sent, for what is not 0-9 * # A-D."""
        self._waiting.extend(
            [_Key(code, now, gap, max(duration, self.MIN_DURATION)) for code in [_code(key) for key in digits]]
        )

    def cancel(self, now: float) -> None:
        """Forget what waits; a key on the wire ends properly."""
        self._waiting.clear()
        self.release(now)
        if self._sending is not None:
            sounded = max(now - self._sending.began, self.MIN_DURATION)
            self._sending.key.duration = min(sounded, self._sending.key.duration or sounded)

    def next(self, now: float, timestamp: int) -> list[tuple[bytes, int, bool]]:
        """Return the packets due: (payload, timestamp, marker). timestamp: of `now`, where a key would begin."""
        sending = self._sending
        if sending is None:
            sending = self._begin(now, timestamp)
            if sending is None:
                return []
        duration = sending.key.duration
        if duration is None and now - sending.began > self.MAX_DURATION:
            self.release(now)
            duration = sending.key.duration
        if duration is not None and now - sending.began >= duration - self.ptime / 4:
            return self._end(sending, duration, now)
        return self._update(sending, now)

    def _begin(self, now: float, timestamp: int) -> _Sending | None:
        if not self._waiting or now < max(self._rested_at + self._waiting[0].gap, self._idle_at) - self.ptime / 4:
            return None
        self._sending = _Sending(self._waiting.popleft(), now, timestamp)
        return self._sending

    def _update(self, sending: _Sending, now: float) -> list[tuple[bytes, int, bool]]:
        """At most one update, however late the beat comes; its duration is always whole steps of ptime."""
        steps = int((now - sending.began) / self.ptime + 0.25) + 1  # a beat may be early by a quarter
        if steps <= sending.steps:
            return []
        duration = steps * self.ptime
        if sending.key.duration is not None:
            duration = min(duration, sending.key.duration)
        first = not sending.steps
        sending.steps = steps
        return self._tell(sending, duration, 0, first)

    def _tell(self, sending: _Sending, duration: float, flags: int, first: bool) -> list[tuple[bytes, int, bool]]:
        sending.told = max(sending.told, round(duration * self.clock_rate))
        packets = self._segments(sending)
        payload = self._payload(sending, sending.told - sending.before, flags)
        return [*packets, (payload, sending.timestamp, first)]

    def _segments(self, sending: _Sending) -> list[tuple[bytes, int, bool]]:
        """Close what outgrew 16 bits: its last packet three times, then a new timestamp (section 2.5.1.3)."""
        packets: list[tuple[bytes, int, bool]] = []
        while sending.told - sending.before > MAX_DURATION:
            packets += [(self._payload(sending, MAX_DURATION, 0), sending.timestamp, False)] * ENDS
            sending.before += MAX_DURATION
            sending.timestamp = sending.timestamp + MAX_DURATION & 0xFFFFFFFF
        return packets

    def _end(self, sending: _Sending, duration: float, now: float) -> list[tuple[bytes, int, bool]]:
        """One of the three ends; they are a ptime apart, so that a burst of loss does not take all."""
        if not sending.ends:
            self._rested_at = now
        sending.ends += 1
        if sending.ends == ENDS:
            self._sending = None
            self._idle_at = now + self.ptime
        return self._tell(sending, duration, _END, first=False)

    def _payload(self, sending: _Sending, ticks: int, flags: int) -> bytes:
        return _EVENT.pack(sending.key.code, flags | _VOLUME, ticks)


def _goes_on(press: _Press, ahead: int) -> bool:
    """Is a packet of the same key, so many ticks after the press began, still the same press?"""
    if not press.open:
        return 0 < ahead < press.duration
    if 0 < ahead <= press.duration:
        return True
    # the packets that brought it to 0xFFFF may be lost, and Chromium begins the next segment up to 20 ms late
    return press.duration > MAX_DURATION - _SLACK and MAX_DURATION <= ahead < MAX_DURATION + _SLACK


def _signed(difference: int) -> int:
    """A difference of 32-bit timestamps as the nearest signed number."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def _code(key: str) -> int:
    code = KEYS.find(key.upper()) if len(key) == 1 else -1
    if code < 0:
        raise ValueError(f"{key!r} is not a DTMF key; use 0-9, *, # or A-D")
    return code
