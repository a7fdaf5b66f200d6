"""Our WebRTC leg against an independent peer: aiortc's RTCPeerConnection with its own ICE, DTLS, SRTP and codecs."""

from __future__ import annotations

import asyncio

import aioice.ice
import pytest

from media.errors import BadDescription
from media.events import Connected, DigitPressed, Disconnected, Failed
from media.formats import OPUS, PCMU
from media.net.secure_transport import Patience
from media.sdp.negotiate import Capabilities
from tests.interop.aiortc_peer import Peer, Stage, lite, proven, until

pytestmark = pytest.mark.interop

QUICK = Patience(connect=5.0, handshake=3.0, quiet=0.7, expiry=1.6)


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    """aioice offers every address but 127.0.0.1; stay on exactly that one."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4=True, use_ipv6=True: ["127.0.0.1"])


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
        await until(lambda: peer.pc.connectionState == "closed", what="our goodbye heard")
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


async def test_a_browser_that_falls_silent_is_disconnected_and_may_come_back():
    async with lite(patience=QUICK) as listener:
        stage, peer = Stage(listener), Peer()
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        await peer.vanish()
        await until(lambda: stage.count(Disconnected), 2.5, "disconnected")
        await until(lambda: not len(listener.legs), 3, what="the transport released")
        assert not stage.count(Failed)
        again = Peer()  # the laptop wakes up: another peer connection behind the same leg
        await again.take(await stage.leg.accept(await again.offer()))
        await until(lambda: stage.count(Connected) == 2, what="connected again")
        await asyncio.gather(stage.aclose(), peer.aclose(), again.aclose())


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
    async with lite() as listener:
        stage, peer = Stage(listener), Peer()
        offer = (await peer.offer()).replace(b"a=group", b"a=ice-lite\r\na=group", 1)
        with pytest.raises(BadDescription, match="both sides are ICE-lite"):
            await stage.leg.accept(offer)
        await until(lambda: not len(listener.legs), what="nothing left behind")
        await asyncio.gather(stage.aclose(), peer.aclose())
