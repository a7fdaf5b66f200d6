"""A stage for WebRTC tests: our leg on one side, aiortc in the browser's place on the other, a tone for each."""

from __future__ import annotations

import asyncio
import fractions
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from media.clock import Clock
from media.dsp.tones import Generator, tone
from media.events import LocalCandidate, Negotiated
from media.frame import TICKS, Audio, Flush
from media.ice.transport import Transports
from media.legs.webrtc import WebrtcLeg
from media.net.webrtc_listener import WebrtcListener
from tests.kit.tones import hear


class ToneTrack(MediaStreamTrack):
    """A microphone that hears one tone."""

    kind = "audio"

    def __init__(self, hz: float) -> None:
        super().__init__()
        self.hz, self.at, self.started = hz, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self.started = self.started or loop.time()
        await asyncio.sleep(self.started + self.at / 48_000 - loop.time())
        if self.readyState != "live":
            raise MediaStreamError
        n = np.arange(self.at, self.at + 960)
        samples = (np.sin(2 * np.pi * self.hz * n / 48_000) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self.at, fractions.Fraction(1, 48_000)
        self.at += 960
        return frame


class Peer:
    """aiortc in the browser's place."""

    def __init__(self, hz: float = 620.0, direction: str = "sendrecv", codec: str = "") -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard: list[np.ndarray] = []
        self.rate = 48_000
        self.tasks: set[asyncio.Task[None]] = set()
        self.pc.on("track", self._listen)
        self.hz, self.direction, self.codec = hz, direction, codec

    def microphone(self) -> None:
        transceiver = self.pc.addTransceiver(ToneTrack(self.hz), direction=self.direction)
        if self.codec:
            codecs = RTCRtpSender.getCapabilities("audio").codecs
            transceiver.setCodecPreferences([c for c in codecs if c.mimeType == f"audio/{self.codec}"])

    def _listen(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._hear(track))
        self.tasks.add(task)

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                self.rate = frame.sample_rate
                self.heard.append(frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0])
        except MediaStreamError:
            return

    async def offer(self) -> bytes:
        if not self.pc.getTransceivers():
            self.microphone()
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp.encode()

    async def take(self, answer: bytes) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer.decode(), "answer"))

    async def answer(self, offer: bytes) -> bytes:
        await self.pc.setRemoteDescription(RTCSessionDescription(offer.decode(), "offer"))
        if self.pc.getTransceivers()[0].sender.track is None:
            self.pc.addTrack(ToneTrack(self.hz))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.pc.localDescription.sdp.encode()

    def last(self, seconds: float) -> tuple[np.ndarray, int]:
        pcm = np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)
        return pcm[-int(seconds * self.rate) :], self.rate

    async def vanish(self) -> None:
        """As a closed tab: no close_notify, not one packet more."""
        ice = self.pc.getTransceivers()[0].receiver.transport.transport
        for protocol in ice._connection._protocols:
            protocol.transport.close()
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await self.pc.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Ear:
    """A sink that records."""

    encoding = ""

    def __init__(self, rate: int = 8000) -> None:
        self.rate = rate
        self.heard: list[np.ndarray] = []
        self.frame_rate = rate

    def write(self, frame) -> None:
        if isinstance(frame, Audio):
            self.frame_rate = frame.rate
            self.heard.append(frame.samples.copy())

    def last(self, seconds: float) -> tuple[np.ndarray, int]:
        pcm = np.concatenate(self.heard) if self.heard else np.zeros(0, np.int16)
        return pcm[-int(seconds * self.frame_rate) :], self.frame_rate


class Samples:
    def __init__(self, rate: int) -> None:
        self.rate = rate

    def decode(self, frame: Audio) -> np.ndarray:
        raise AssertionError("made with samples")


class ToneSource:
    """Writes a tone to a leg by the clock."""

    def __init__(self, leg: WebrtcLeg, hz: float, clock: Clock) -> None:
        self.leg, self.clock, self.time = leg, clock, 0
        self.rate = leg.rate
        self.generator = Generator(tone(f"hz:{hz:g}"), self.rate)
        clock.add(self.beat)

    def beat(self, now: float) -> None:
        samples = self.generator.next(self.rate // 50)
        self.leg.write(Audio(time=self.time, duration=TICKS // 50, decoder=Samples(self.rate), samples=samples))
        self.time += TICKS // 50

    def stop(self) -> None:
        self.clock.remove(self.beat)
        self.leg.write(Flush())


class Stage:
    """A leg of ours, its events, a tone to send and an ear."""

    def __init__(self, transports: Transports, **settings) -> None:
        self.clock = Clock()
        self.events: list[object] = []
        self.leg = WebrtcLeg(
            "browser", transports, emit=self.events.append, clock=self.clock, random=secrets.randbits, **settings
        )
        self.ear = Ear()
        self.leg.connect(self.ear)
        self.source: ToneSource | None = None

    def speak(self, hz: float) -> None:
        self.source = ToneSource(self.leg, hz, self.clock)

    def kinds(self) -> list[type]:
        quiet = (Negotiated, LocalCandidate)
        return [type(e) for e in self.events if type(e).__module__ == "media.events" and not isinstance(e, quiet)]

    def count(self, kind: type) -> int:
        return self.kinds().count(kind)

    async def aclose(self) -> None:
        if self.source:
            self.source.stop()
        await self.leg.aclose()


async def until(condition: Callable[[], object], seconds: float = 5.0, what: str = "") -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        assert loop.time() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def lite(**settings) -> AsyncIterator[WebrtcListener]:
    listener = WebrtcListener(random=secrets.randbits, **settings)
    try:
        yield listener
    finally:
        await listener.aclose()
        assert not (listener.by_ufrag or listener.by_address or listener.by_ssrc or len(listener.legs))


async def proven(stage: Stage, peer: Peer, ours: float, theirs: float, seconds: float = 0.6) -> None:
    """Each side hears the other's tone for `seconds` without a hole."""
    peer.heard.clear()
    stage.ear.heard.clear()
    await until(lambda: len(peer.last(9)[0]) > (seconds + 0.35) * peer.rate, what="audio at the peer")
    await until(lambda: len(stage.ear.last(9)[0]) > seconds * stage.ear.frame_rate, what="audio at our side")
    there, here = hear(*peer.last(seconds), ours), hear(*stage.ear.last(seconds), theirs)
    assert there.share > 0.9 and there.end - (there.onset or 0) > seconds * 0.85, str(there)
    assert here.share > 0.9 and here.end - (here.onset or 0) > seconds * 0.85, str(here)
