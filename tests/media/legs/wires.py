"""Phones and browsers for tests of the RTP path: packets in virtual time, through a network that may be bad."""

from __future__ import annotations

import heapq
import itertools
import random

import numpy as np

from media.clock import Clock
from media.codecs import decoder, encoder
from media.formats import OPUS, Format
from media.frame import TICKS
from media.legs.rtp import RtpMedia
from media.rtp.packet import header, parse
from media.rtp.telephone_event import EventReceiver, EventSender
from media.sdp.negotiate import Negotiated

EVENT = 101


def agreed(format: Format, **more) -> Negotiated:
    """What both sides settled on."""
    usual = {
        "format": format,
        "payload_type": format.payload_type,
        "receive": {format.payload_type: format},
        "telephone_event": EVENT,
        "telephone_event_rate": format.clock_rate,
        "receive_events": frozenset([EVENT]),
        "fmtp": {"useinbandfec": "1"} if format is OPUS else {},
    }
    return Negotiated(**usual | more)


class BadNetwork:
    """Carries datagrams with delay, jitter, loss, duplicates and reordering, all from one seed."""

    def __init__(self, clock, deliver, *, seed=1, delay=0.03, jitter=0.0, loss=0.0, duplicate=0.0, spare=5):
        self.clock, self.deliver, self.random = clock, deliver, random.Random(seed)
        self.delay, self.jitter, self.loss, self.duplicate = delay, jitter, loss, duplicate
        self.spare = spare
        """So many packets at the beginning always arrive."""
        self.lost = []
        self._count = itertools.count()
        self._under_way = []

    def send(self, data: bytes) -> None:
        n = next(self._count)
        if n >= self.spare and self.random.random() < self.loss:
            self.lost.append(n)
            return
        for _ in range(2 if self.random.random() < self.duplicate else 1):
            at = round(self.clock.now() + self.delay + self.jitter * self.random.random(), 6)
            heapq.heappush(self._under_way, (at, next(self._count), data))

    def arrive(self, until: float) -> None:
        """Deliver all that is due, each at its own time."""
        while self._under_way and self._under_way[0][0] <= until:
            at, _, data = heapq.heappop(self._under_way)
            self.deliver(data, at)


class World:
    """A manual clock that moves networks and gateway together, a millisecond at a time."""

    def __init__(self):
        self.clock = Clock(manual=True, start=1000.0)
        self.networks = []
        self.talkers = []

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000)):
            self.clock.advance(0.001)
            now = self.clock.now()
            for talker in self.talkers:
                talker.tick(now)
            for network in self.networks:
                network.arrive(now)

    def network(self, deliver, **settings) -> BadNetwork:
        network = BadNetwork(self.clock, deliver, **settings)
        self.networks.append(network)
        return network


class Far:
    """The far end of a leg: sends sound in packets, and judges what comes."""

    def __init__(self, world, format: Format, *, rate=None, ptime=20, ssrc=77, to=None, fec=False, bitrate=None):
        self.world, self.format, self.ptime, self.ssrc = world, format, ptime, ssrc
        self.rate = rate or min(format.sample_rate, 16_000)
        self.send = to
        """Network towards the gateway."""
        self.encoder = encoder(format.encoding, self.rate, bitrate=bitrate, fec=fec, loss=10 if fec else 0)
        self.sequence, self.timestamp = 60_000, 0xFFFF_F000
        self.tone = None
        self.talking = False
        self.heard = []
        self.keys = EventSender(format.clock_rate)
        self._next = None
        self._phase = 0
        self._key_at = 0.0
        world.talkers.append(self)

    # --- speaking

    def talk(self, hz: float | None) -> None:
        """From now on; None is silence, still sent."""
        self.tone, self.talking = hz, True
        self._next = self._next or self.world.clock.now()

    def pause(self) -> None:
        """Nothing is sent, the timestamp runs on."""
        self.talking = False

    def press(self, keys: str) -> None:
        self.keys.queue(keys, self.world.clock.now())

    def tick(self, now: float) -> None:
        if self._next is None or now < self._next - 1e-9:
            return
        self._next += self.ptime / 1000
        stamp = self.timestamp
        self.timestamp = stamp + self.ptime * self.format.clock_rate // 1000 & 0xFFFFFFFF
        events = self.keys.next(now, stamp) if self.keys.busy else []
        for payload, at, marker in events:
            self._packet(payload, EVENT, at, marker)
        payload = self.encoder.encode(self._sound())
        if self.talking and not events:
            self._packet(payload, self.format.payload_type, stamp, False)

    def _sound(self):
        n = self.ptime * self.rate // 1000
        place = np.arange(self._phase, self._phase + n)
        self._phase += n
        if not self.tone:
            return np.zeros(n, np.int16)
        return (8000 * np.sin(2 * np.pi * self.tone * place / self.rate)).astype(np.int16)

    def _packet(self, payload, payload_type, timestamp, marker):
        self.send(header(payload_type, marker, self.sequence, timestamp, self.ssrc) + payload)
        self.sequence = self.sequence + 1 & 0xFFFF

    # --- hearing

    def hear(self, data: bytes, now: float) -> None:
        self.heard.append((now, parse(data)))

    @property
    def audio(self):
        return [(at, p) for at, p in self.heard if p.payload_type == self.format.payload_type]

    def digits(self) -> str:
        receiver = EventReceiver(self.format.clock_rate)
        found = [
            digit
            for at, p in self.heard
            if p.payload_type == EVENT
            for digit in receiver.receive(p.payload, p.timestamp, p.marker, at)
        ]
        return "".join(d.key for d in found if d.end)

    def sound(self, rate=8000):
        """int16: what the far end plays, placed by timestamps; holes are silent. Begins with the first packet."""
        packets = sorted(self.audio, key=lambda item: _signed(item[1].timestamp - self.audio[0][1].timestamp))
        codec = decoder(self.format.encoding, rate)
        first = packets[0][1].timestamp
        pieces = []
        for _, p in packets:
            start = _signed(p.timestamp - first) * rate // self.format.clock_rate
            pieces.append((start, codec.decode(p.payload)))
        whole = np.zeros(max(start + len(piece) for start, piece in pieces), np.int16)
        for start, piece in pieces:
            if start >= 0:
                whole[start : start + len(piece)] = piece
        return whole

    def check_stream(self) -> None:
        """One SSRC, no packet twice, sequence without a jump, timestamps that only go forward."""
        packets = [p for _, p in self.heard]
        assert len({p.ssrc for p in packets}) == 1
        for a, b in itertools.pairwise(packets):
            assert 1 <= (b.sequence - a.sequence & 0xFFFF) < 100, (a, b)
        audio = [p for _, p in self.audio]
        for a, b in itertools.pairwise(audio):
            assert _signed(b.timestamp - a.timestamp) > 0, (a, b)

    def gaps(self) -> list[float]:
        """Seconds between arrivals of audio."""
        return [b[0] - a[0] for a, b in itertools.pairwise(self.audio)]


def leg(world, name, format, far, *, to_gateway=None, to_far=None, **more):
    """A leg of the gateway with its far end, joined by two networks. Returns (media, events)."""
    events = []
    outward = world.network(far.hear, **(to_far or {}))
    media = RtpMedia(
        name,
        send_rtp=outward.send,
        send_rtcp=lambda data: None,
        emit=events.append,
        clock=world.clock,
        random=random.Random(name).getrandbits,
        wallclock=lambda: 1.6e9 + world.clock.now(),
    )
    inward = world.network(lambda data, now: media.receive_rtp(data, now), **(to_gateway or {}))
    far.send = inward.send
    media.configure(agreed(format, **more))
    media.connected()
    media.networks = (inward, outward)
    return media, events


def level(sound, rate, hz) -> np.ndarray:
    """Share of energy at hz in each 20 ms, 0..1."""
    n = rate // 50
    frames = sound[: len(sound) - len(sound) % n].reshape(-1, n).astype(float)
    wave = np.exp(-2j * np.pi * hz * np.arange(n) / rate)
    power = (frames**2).sum(1) + 1e-9
    return np.abs(frames @ wave) ** 2 * 2 / n / power


def loud(sound, rate) -> np.ndarray:
    """Root mean square of each 20 ms."""
    n = rate // 50
    frames = sound[: len(sound) - len(sound) % n].reshape(-1, n).astype(float)
    return np.sqrt((frames**2).mean(1))


def _signed(difference: int) -> int:
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def ticks(seconds: float) -> int:
    return round(seconds * TICKS)
