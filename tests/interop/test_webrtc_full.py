"""Full ICE: the same leg behind NAT or TURN, candidates trickled, ICE restarted under a living DTLS association."""

from __future__ import annotations

import asyncio
import gc
import secrets
import shutil
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aioice.ice
import pytest
from aiortc.sdp import candidate_from_sdp

from media.errors import BadDescription
from media.events import Connected, Disconnected, Failed, LocalCandidate
from media.ice.full import FullIce, IceServer
from media.ice.states import State
from media.ice.transport import Handlers, RemoteDescription, Transport, Transports
from media.net.secure_transport import Patience
from tests.interop.aiortc_peer import Peer, Stage, lite, proven, until
from tests.kit.ports import free_port

pytestmark = pytest.mark.interop
LOOPBACK = ("127.0.0.1",)


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4=True, use_ipv6=True: ["127.0.0.1"])


@asynccontextmanager
async def full(**settings) -> AsyncIterator[FullIce]:
    ice = FullIce(hosts=LOOPBACK, random=secrets.randbits, **settings)
    try:
        yield ice
    finally:
        await ice.aclose()
        assert not len(ice.legs)


async def trickle(stage: Stage, peer: Peer) -> None:
    """Carry our candidates over as the page would."""
    await until(
        lambda: any(isinstance(e, LocalCandidate) and e.candidate is None for e in stage.events), what="candidates"
    )
    for event in stage.events:
        if isinstance(event, LocalCandidate) and event.candidate:
            candidate = candidate_from_sdp(event.candidate.removeprefix("candidate:"))
            candidate.sdpMid = "0"
            await peer.pc.addIceCandidate(candidate)


async def test_the_answer_goes_out_at_once_and_candidates_follow():
    async with full() as ice:
        stage, peer = Stage(ice, playback_rate=8000), Peer()
        answer = await stage.leg.accept(await peer.offer())
        assert b"a=candidate" not in answer and b"a=ice-lite" not in answer and b"a=ice-options:trickle" in answer
        await peer.take(answer)
        await trickle(stage, peer)
        await until(lambda: stage.count(Connected), what="connected")
        stage.speak(440)
        await proven(stage, peer, 440, 620)
        await stage.aclose()
        await until(lambda: peer.pc.connectionState == "closed", what="our goodbye heard")
        await peer.aclose()


async def test_we_offer_and_control():
    async with full() as ice:
        stage, peer = Stage(ice), Peer()
        answer = await peer.answer(await stage.leg.offer())
        await stage.leg.settle(answer)
        stage.leg.candidate(None)
        await until(lambda: stage.count(Connected), what="connected")
        await peer.aclose()
        await until(lambda: stage.count(Disconnected), what="close_notify heard")
        await stage.aclose()


async def test_the_browsers_candidates_may_come_later():
    async with full() as ice:
        stage, peer = Stage(ice), Peer()
        lines = (await peer.offer()).decode().splitlines()
        late = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate")]
        kept = [line for line in lines if not line.startswith(("a=candidate", "a=end-of"))]
        await peer.take(await stage.leg.accept(("\r\n".join(kept) + "\r\n").encode()))
        for candidate in late:
            stage.leg.candidate(candidate)
        stage.leg.candidate("")
        await until(lambda: stage.count(Connected), what="connected")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_a_candidate_that_cannot_be_read_is_refused_in_words():
    async with full() as ice:
        stage, peer = Stage(ice), Peer()
        await stage.leg.accept(await peer.offer())
        with pytest.raises(BadDescription, match="cannot be read"):
            stage.leg.candidate("candidate:1 1 udp many 127.0.0.1 9 typ host")
        await asyncio.gather(stage.aclose(), peer.aclose())


async def test_a_server_url_that_cannot_be_read_is_refused_in_words():
    with pytest.raises(BadDescription, match="stun:host:port"):
        FullIce([IceServer(("http://example.org",))], random=secrets.randbits)


async def test_no_way_is_told_in_words():
    async with full(patience=Patience(connect=0.5)) as ice:
        stage, peer = Stage(ice), Peer()
        offer = (await peer.offer()).decode().splitlines()
        await stage.leg.accept("\r\n".join(x for x in offer if not x.startswith("a=candidate")).encode() + b"\r\n")
        await until(lambda: stage.count(Failed), 2, "failed")
        await asyncio.gather(stage.aclose(), peer.aclose())


class Side:
    """One end of two transports of ours that talk to each other."""

    def __init__(self, transports: Transports, controlling: bool) -> None:
        self.states: list[State] = []
        self.heard: list[bytes] = []
        self.candidates: list[str | None] = []
        self.other: Side | None = None
        self.transport: Transport = transports.open(
            Handlers(
                lambda data, now: self.heard.append(data),
                lambda data, now: None,
                lambda transport, state, why: self.states.append(state),
                lambda transport, candidate: self.trickle(candidate),
            ),
            controlling=controlling,
        )

    def trickle(self, candidate: str | None) -> None:
        self.candidates.append(candidate)
        if self.other is not None:
            self.other.transport.add_candidate(candidate)

    def remote(self) -> RemoteDescription:
        local = self.transport.describe()
        return RemoteDescription(local.ufrag, local.pwd, (local.fingerprint,), local.ice_lite, local.candidates)


def meet(one: Side, other: Side) -> None:
    one.other, other.other = other, one
    one.transport.connect(other.remote(), one.transport.role or "server")
    other.transport.connect(one.remote(), other.transport.role or "client")
    for side, to in ((one, other), (other, one)):
        for candidate in side.candidates:
            to.transport.add_candidate(candidate)


def rtp(sequence: int) -> bytes:
    return b"\x80\x6f" + sequence.to_bytes(2, "big") + bytes(4) + b"\0\0\0\7" + b"payload"


async def flows(one: Side, other: Side, sequence: int) -> None:
    """A packet each way."""
    for side, to in ((one, other), (other, one)):
        to.heard.clear()
        side.transport.send_rtp(rtp(sequence))
        await until(lambda to=to: to.heard, what="a packet")
        assert to.heard == [rtp(sequence)]


@pytest.mark.parametrize("kind", ["lite", "full"])
async def test_an_ice_restart_keeps_keys_and_handshake(kind):
    """A full agent, as in a browser, against each of ours; restarted by either side, twice."""
    async with full() as browsers, lite() as port:
        ours = Side(port if kind == "lite" else browsers, controlling=False)
        theirs = Side(browsers, controlling=True)
        meet(ours, theirs)
        await until(lambda: State.CONNECTED in ours.states and State.CONNECTED in theirs.states, what="connected")
        await flows(ours, theirs, 1)
        for sequence in (2, 3):
            address, ufrag = ours.transport.address, ours.transport.describe().ufrag
            ours.transport.restart()
            theirs.transport.restart()
            ours.candidates.clear()
            theirs.candidates.clear()
            await flows(ours, theirs, sequence * 10)  # the old way is good until the new one is found
            meet(ours, theirs)
            await until(lambda address=address: ours.transport.address != address, what="the new way")
            await flows(ours, theirs, sequence)
            assert ours.transport.describe().ufrag != ufrag
        assert ours.states == theirs.states == [State.CONNECTING, State.CONNECTED]
        assert ours.transport.stats().refused == 0
        if kind == "lite":
            assert len(port.by_ufrag) == 1, "the old generations are forgotten"


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[int]:
    port = free_port()
    command = ["turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"]
    command += ["--lt-cred-mech", "--user=alice:secret", "--realm=tandem", "--no-tls", "--no-dtls", "--no-cli"]
    command += ["--allow-loopback-peers", f"--pidfile={folder}/pid", f"--log-file={folder}/log", "--simple-log"]
    command += [f"--userdb={folder}/db"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(not shutil.which("turnserver"), reason="coturn is not installed (Debian: coturn)")
@pytest.mark.parametrize("over", ["udp", "tcp"])
async def test_through_a_turn_server(tmp_path, over):
    async with coturn(tmp_path) as port:
        server = IceServer((f"turn:127.0.0.1:{port}?transport={over}",), "alice", "secret")
        async with full(servers=[server], relay_only=True) as ice:
            stage, peer = Stage(ice, playback_rate=8000), Peer()
            await peer.take(await stage.leg.accept(await peer.offer()))
            await trickle(stage, peer)
            await until(lambda: stage.count(Connected), what="connected")
            told = [e.candidate for e in stage.events if isinstance(e, LocalCandidate) and e.candidate]
            assert told and all("typ relay" in candidate for candidate in told)
            stage.speak(440)
            await proven(stage, peer, 440, 620)
            await asyncio.gather(stage.aclose(), peer.aclose())


async def test_a_dead_turn_server_does_not_hold_up_the_call():
    server = IceServer((f"turn:127.0.0.1:{free_port()}?transport=udp",), "alice", "secret")
    async with full(servers=[server, IceServer((f"stun:127.0.0.1:{free_port()}",))]) as ice:
        stage, peer = Stage(ice), Peer()
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), 2, "connected by the host's own candidate")
        await asyncio.gather(stage.aclose(), peer.aclose())


@pytest.mark.parametrize("kind", ["lite", "full"])
async def test_a_closed_leg_leaves_no_cycle(kind):
    """No full collection may fall into a call: what a call leaves behind must go by counting alone."""
    async with full() as ice, lite() as port:
        stage, peer = Stage(port if kind == "lite" else ice, playback_rate=8000), Peer()
        await peer.take(await stage.leg.accept(await peer.offer()))
        await until(lambda: stage.count(Connected), what="connected")
        stage.speak(440)
        await until(lambda: stage.leg.media.outgoing.packets > 3, what="packets")
        (transport,) = port.legs if kind == "lite" else ice.legs
        inside = [weakref.ref(part) for part in (stage.leg, stage.leg.media, transport, transport._dtls)]
        if kind == "full":
            inside += [weakref.ref(transport._active), weakref.ref(transport._active.agent)]
        del transport
        gc.collect()
        gc.disable()
        try:
            await stage.aclose()
            stage.source = stage.leg = None
            await asyncio.sleep(0)
            assert [part() for part in inside] == [None] * len(inside)
        finally:
            gc.enable()
        await peer.aclose()
