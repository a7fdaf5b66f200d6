"""Our WebRTC leg against an independent peer: aiortc's RTCPeerConnection with its own ICE, DTLS, SRTP and codecs."""

from __future__ import annotations

import asyncio
import fractions
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aioice.ice
import av
import numpy as np
import pytest
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
from media.events import Connected, DigitPressed, Disconnected, Failed, LocalCandidate, Negotiated
from media.formats import OPUS, PCMU
from media.frame import TICKS, Audio, Flush
from media.ice.transport import Transports
from media.legs.webrtc import WebrtcLeg
from media.net.secure_transport import Patience
from media.net.webrtc_listener import WebrtcListener
from media.sdp.negotiate import Capabilities
from tests.kit.tones import hear

pytestmark = pytest.mark.interop

QUICK = Patience(connect=5.0, handshake=3.0, quiet=0.7, expiry=1.6)


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    """aioice offers every address but 127.0.0.1; stay on exactly that one."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4=True, use_ipv6=True: ["127.0.0.1"])


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


@pytest.mark.parametrize(("codec", "formats"), [("opus", (OPUS,)), ("PCMU", (PCMU,))], ids=["opus", "pcmu"])
async def test_a_browser_calls_and_both_are_heard(codec, formats):
    async with lite() as listener:
        stage, peer = Stage(listener, capabilities=Capabilities(formats=formats), playback_rate=8000), Peer(codec=codec)
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        stage.speak(440)
        await proven(stage, peer, 440, 620)
        assert stage.leg.encoding == codec.upper()
        assert stage.leg.stats(stage.clock.now()).packets_in > 20
        await stage.aclose()
        await until(
            lambda: peer.pc.connectionState in ("closed", "failed") or not peer.pc.sctp, what="peer sees the end"
        )
        await peer.aclose()


async def test_we_call_and_a_browser_answers():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        await stage.leg.settle(await peer.answer(await stage.leg.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        stage.speak(440)
        await proven(stage, peer, 440, 620)
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_checks_that_come_before_the_answer_are_kept():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        answer = await peer.answer(await stage.leg.offer())
        await until(lambda: listener.by_address, what="a check before the answer")
        await asyncio.sleep(0.2)
        assert not stage.count(Connected)
        await stage.leg.settle(answer)
        await until(lambda: stage.count(Connected), what="connected")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_a_passive_browser_makes_us_the_dtls_client():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        offer = (await peer.offer()).replace(b"a=setup:actpass", b"a=setup:passive")
        answer = await stage.leg.accept(offer)
        assert b"a=setup:active" in answer
        await peer.take(answer)
        await until(lambda: stage.count(Connected), what="connected")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_recvonly_is_answered_sendonly():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer(direction="recvonly")
        answer = await stage.leg.accept(await peer.offer())
        assert b"a=sendonly" in answer
        await peer.take(answer)
        await until(lambda: stage.count(Connected), what="connected")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_a_reoffer_changes_hints_and_nothing_else():
    async with lite() as listener:
        stage, peer = Stage(listener, playback_rate=8000), Peer()
        first = await stage.leg.accept(await peer.offer())
        assert b"maxplaybackrate=8000;maxaveragebitrate=24000" in first
        await peer.take(first)
        await until(lambda: stage.count(Connected), what="connected")
        stage.leg.playback_rate(16_000)
        stage.leg.direction = "sendonly"
        again = await stage.leg.accept(await peer.offer())
        assert b"maxplaybackrate=16000;maxaveragebitrate=32000" in again and b"a=sendonly" in again
        assert credentials(again) == credentials(first) and b"a=setup:passive" in again
        assert len(listener.legs) == 1 and stage.count(Connected) == 1
        await asyncio.gather(stage.aclose(), peer.aclose())


def credentials(sdp: bytes) -> tuple[str, ...]:
    lines = sdp.decode().splitlines()
    return tuple(line for line in lines if line.startswith(("a=ice-", "a=fingerprint", "a=ssrc")))


async def test_a_reload_slides_a_new_peer_connection_behind_the_same_leg():
    async with lite() as listener:
        stage, old, new = Stage(listener), Peer(620), Peer(810)
        before = await stage.leg.accept(await old.offer())
        await old.take(before)
        await until(lambda: stage.count(Connected), what="connected")
        stage.speak(440)
        await proven(stage, old, 440, 620, 0.3)
        sequence = stage.leg.media.outgoing.packets
        after = await stage.leg.accept(await new.offer())
        assert credentials(after) != credentials(before)
        assert credentials(after)[-1] == credentials(before)[-1], "the SSRC stays"
        assert len(listener.legs) == 2, "the old one carries on meanwhile"
        await new.take(after)
        await until(lambda: stage.count(Connected) == 2, what="connected again")
        await proven(stage, new, 440, 810)
        await until(lambda: len(listener.legs) == 1, what="the old one dropped")
        assert stage.leg.media.outgoing.packets > sequence and not stage.count(Failed)
        await asyncio.gather(stage.aclose(), old.aclose(), new.aclose())


async def test_a_page_that_says_goodbye_may_come_back():
    async with lite() as listener:
        stage, old, new = Stage(listener), Peer(620), Peer(810)
        await old.take(await stage.leg.accept(await old.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        await old.aclose()
        await until(lambda: stage.count(Disconnected), what="close_notify heard")
        await until(lambda: not len(listener.legs), what="the transport released")
        await new.take(await stage.leg.accept(await new.offer()))
        await until(lambda: stage.count(Connected) == 2, what="connected again")
        stage.speak(440)
        await proven(stage, new, 440, 810, 0.4)
        assert not stage.count(Failed)
        await asyncio.gather(stage.aclose(), new.aclose())


async def test_a_browser_that_falls_silent_is_disconnected_then_failed():
    async with lite(patience=QUICK) as listener:
        stage, peer = Stage(listener), Peer()
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        await peer.vanish()
        await until(lambda: stage.count(Disconnected), 2.5, "disconnected")
        assert not stage.count(Failed)
        await until(lambda: stage.count(Failed), 3, "failed")
        assert [e.reason for e in stage.events if isinstance(e, Failed)] == ["consent expired"]
        await until(lambda: not len(listener.legs), what="the transport released")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_the_wrong_certificate_is_refused_in_words():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        offer = await peer.offer()
        lines = offer.decode().splitlines(keepends=True)
        forged = "".join(
            line for line in lines if not line.startswith(("a=fingerprint:sha-384", "a=fingerprint:sha-512"))
        )
        at = forged.index("a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
        forged = forged[:at] + ("00" if forged[at : at + 2] != "00" else "01") + forged[at + 2 :]
        await peer.take(await stage.leg.accept(forged.encode()))
        await until(lambda: stage.count(Failed), what="failed")
        (reason,) = [e.reason for e in stage.events if isinstance(e, Failed)]
        assert "fingerprint" in reason and not stage.count(Connected)
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_keys_cross_both_ways():
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        sent = stage.leg.media.outgoing.packets
        stage.leg.send_digits("5#", 0.06, 0.04)
        await until(lambda: stage.leg.media.outgoing.packets >= sent + 10, what="the keys' packets")
        assert not stage.count(DigitPressed)
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_two_lite_agents_refuse_each_other_in_words():
    from media.errors import BadDescription

    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        offer = (await peer.offer()).replace(b"a=group", b"a=ice-lite\r\na=group", 1)
        with pytest.raises(BadDescription, match="both sides are ICE-lite"):
            await stage.leg.accept(offer)
        await until(lambda: not len(listener.legs), what="nothing left behind")
        await asyncio.gather(stage.aclose(), peer.aclose())
