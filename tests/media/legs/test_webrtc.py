"""The WebRTC leg's decisions, with transports that do nothing but remember."""

from __future__ import annotations

import gc
import random
import weakref
from dataclasses import replace

import pytest

from media.clock import Clock
from media.errors import BadDescription, NoCommonCodec
from media.events import Connected, Disconnected, Failed, LocalCandidate, MediaEvent, Negotiated
from media.formats import G722, OPUS, PCMU
from media.frame import TICKS, Audio
from media.ice.states import State
from media.ice.transport import Handlers, LocalDescription, RemoteDescription, TransportStats
from media.leg import Leg
from media.legs.voice import Silence
from media.legs.webrtc import WebrtcLeg
from media.sdp.negotiate import Capabilities, LocalWebrtc, make_answer, make_offer


class FakeTransport:
    """Remembers what it is told; the test makes its states."""

    def __init__(self, number: int, handlers: Handlers, controlling: bool) -> None:
        self.number, self.handlers, self.controlling = number, handlers, controlling
        self.state, self.role = State.NEW, None
        self.generation = 0
        self.remotes: list[RemoteDescription] = []
        self.sent: list[bytes] = []
        self.candidates: list[str | None] = []
        self.closed = False
        self.address = None

    def describe(self) -> LocalDescription:
        ufrag = f"ours{self.number}{self.generation}"
        return LocalDescription(ufrag, "p" * 24, ("sha-256", "AA:BB"), "192.0.2.1", 4000, True, ())

    def connect(self, remote: RemoteDescription, role: str) -> None:
        self.remotes.append(remote)
        self.role = role

    def restart(self) -> None:
        self.generation += 1

    def add_candidate(self, candidate: str | None) -> None:
        self.candidates.append(candidate)

    def send_rtp(self, packet: bytes) -> None:
        self.sent.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self.sent.append(packet)

    def stats(self) -> TransportStats:
        return TransportStats(3, 0, None)

    def become(self, state: State, why: str = "") -> None:
        self.state = state
        self.handlers.on_state(self, state, why)

    async def aclose(self) -> None:
        self.closed = True
        self.state = State.CLOSED


class FakeTransports:
    ice_lite = True

    def __init__(self) -> None:
        self.made: list[FakeTransport] = []

    def open(self, handlers: Handlers, *, controlling: bool) -> FakeTransport:
        made = FakeTransport(len(self.made), handlers, controlling)
        self.made.append(made)
        return made


class Stage:
    def __init__(self, **settings) -> None:
        self.transports, self.events = FakeTransports(), list[MediaEvent]()
        self.clock = Clock(manual=True, start=10.0)
        dice = random.Random(1)
        self.leg = WebrtcLeg(
            "browser", self.transports, emit=self.events.append, clock=self.clock, random=dice.getrandbits, **settings
        )

    @property
    def made(self) -> list[FakeTransport]:
        return self.transports.made

    def told(self) -> list[MediaEvent]:
        return [e for e in self.events if not isinstance(e, Negotiated)]


CAPS = Capabilities((OPUS, G722, PCMU))


def page(ufrag: str = "page", fingerprint: str = "11:22", setup: str = "actpass") -> LocalWebrtc:
    return LocalWebrtc(ufrag, "q" * 24, ("sha-256", fingerprint), setup, "0.0.0.0", 9, ice_lite=False, ssrc=7)


def offered(local: LocalWebrtc | None = None, session_id: int = 1, caps: Capabilities = CAPS, **more) -> bytes:
    return make_offer(caps, session_id=session_id, version=1, host="0.0.0.0", port=9, webrtc=local or page(), **more)


def answered(offer: bytes, local: LocalWebrtc | None = None, session_id: int = 1) -> bytes:
    local = local or page(setup="active")
    return make_answer(offer, CAPS, session_id=session_id, version=1, host="0.0.0.0", port=9, webrtc=local)[0]


def lines(sdp: bytes, *starts: str) -> list[str]:
    return [line for line in sdp.decode().splitlines() if line.startswith(starts)]


async def test_an_offer_is_answered_at_once():
    stage = Stage(playback_rate=8000)
    assert isinstance(stage.leg, Leg)
    answer = await stage.leg.accept(offered())
    (transport,) = stage.made
    assert not transport.controlling and transport.role == "server"
    assert transport.remotes == [RemoteDescription("page", "q" * 24, (("sha-256", "11:22"),))]
    assert lines(answer, "a=setup", "a=ice-ufrag") == ["a=ice-ufrag:ours00", "a=setup:passive"]
    assert "maxplaybackrate=8000" in answer.decode() and stage.leg.encoding == "OPUS"
    assert stage.events == [Negotiated("browser", "OPUS", 48000, "sendrecv")]
    transport.become(State.CONNECTED)
    assert stage.told() == [Connected("browser")]
    await stage.leg.aclose()
    assert transport.closed


@pytest.mark.parametrize(("theirs", "ours"), [("actpass", "passive"), ("active", "passive"), ("passive", "active")])
async def test_the_role_is_the_opposite_of_theirs(theirs, ours):
    stage = Stage()
    answer = await stage.leg.accept(offered(page(setup=theirs)))
    assert lines(answer, "a=setup") == [f"a=setup:{ours}"]
    again = await stage.leg.accept(offered(page()))
    assert lines(again, "a=setup") == [f"a=setup:{ours}"], "and stays so for the association's life (RFC 8842)"
    await stage.leg.aclose()


async def test_our_offer_leaves_the_role_to_them():
    stage = Stage()
    offer = await stage.leg.offer()
    assert lines(offer, "a=setup", "a=ice-lite") == ["a=ice-lite", "a=setup:actpass"] and stage.made[0].controlling
    await stage.leg.settle(answered(offer))
    assert stage.made[0].role == "server" and len(stage.made) == 1
    stage.made[0].become(State.CONNECTED)
    again = await stage.leg.offer()
    assert lines(again, "a=setup", "a=ice-ufrag") == ["a=ice-ufrag:ours00", "a=setup:actpass"]
    assert int(lines(again, "o=")[0].split()[2]) == int(lines(offer, "o=")[0].split()[2]) + 1
    await stage.leg.settle(answered(again))
    assert len(stage.made) == 1 and stage.told() == [Connected("browser")]
    await stage.leg.aclose()


async def test_a_restart_of_ours_is_answered_by_a_restart_of_theirs():
    stage = Stage()
    await stage.leg.settle(answered(await stage.leg.offer()))
    stage.made[0].become(State.CONNECTED)
    offer = await stage.leg.offer(ice_restart=True)
    assert lines(offer, "a=ice-ufrag") == ["a=ice-ufrag:ours01"]
    await stage.leg.settle(answered(offer, page("page2", setup="active")))
    assert [remote.ufrag for remote in stage.made[0].remotes] == ["page", "page2"] and len(stage.made) == 1
    await stage.leg.aclose()


async def test_a_reoffer_moves_nothing():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    stage.leg.direction = "sendonly"
    stage.leg.playback_rate(16_000)
    answer = await stage.leg.accept(offered())
    assert len(stage.made) == 1 and stage.made[0].generation == 0
    assert "a=sendonly" in lines(answer, "a=send") and "maxplaybackrate=16000" in answer.decode()
    await stage.leg.aclose()


async def test_a_restart_by_the_page_keeps_the_transport():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    answer = await stage.leg.accept(offered(page("page2")))
    assert len(stage.made) == 1 and lines(answer, "a=ice-ufrag") == ["a=ice-ufrag:ours01"]
    assert stage.made[0].remotes[-1].ufrag == "page2" and stage.told() == [Connected("browser")]
    await stage.leg.aclose()


@pytest.mark.parametrize(
    ("local", "session_id"), [(page("page2", "33:44"), 2), (page("page2"), 2)], ids=["fingerprint", "session"]
)
async def test_a_reload_slides_in_and_the_old_one_is_dropped_when_it_stands(local, session_id):
    stage = Stage()
    await stage.leg.accept(offered())
    old = stage.made[0]
    old.become(State.CONNECTED)
    ssrc = lines(await stage.leg.accept(offered(local, session_id)), "a=ssrc")
    new = stage.made[1]
    speak(stage, 3)
    assert old.sent and not new.sent and not old.closed, "the old one carries on"
    new.become(State.CONNECTED)
    before = last(old)
    speak(stage, 3)
    await settle_tasks()
    assert old.closed and new.sent
    first = new.sent[0]
    assert first[8:12] == before[8:12] and f"a=ssrc:{int.from_bytes(first[8:12], 'big')} " in ssrc[0]
    assert (int.from_bytes(first[2:4], "big") - int.from_bytes(before[2:4], "big")) % 65536 == 1
    assert stage.told() == [Connected("browser"), Connected("browser")]
    await stage.leg.aclose()


def speak(stage: Stage, frames: int) -> None:
    for _ in range(frames):
        now = int(stage.clock.now() * TICKS)
        stage.leg.write(Audio(time=now, duration=960, payload=b"\x08x", encoding="OPUS", decoder=Silence(8000)))
        stage.clock.advance(0.02)


def last(transport: FakeTransport) -> bytes:
    return [packet for packet in transport.sent if not 191 < packet[1] < 224][-1]


async def settle_tasks() -> None:
    import asyncio

    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_reload_that_does_not_come_up_leaves_the_old_one():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    await stage.leg.accept(offered(page("page2", "33:44"), 2))
    stage.made[1].become(State.FAILED, "no way")
    await settle_tasks()
    assert stage.made[1].closed and not stage.made[0].closed and stage.told() == [Connected("browser")]
    await stage.leg.aclose()


async def test_a_second_reload_takes_the_place_of_the_first():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    await stage.leg.accept(offered(page("page2", "33:44"), 2))
    await stage.leg.accept(offered(page("page3", "55:66"), 3))
    await settle_tasks()
    assert [transport.closed for transport in stage.made] == [False, True, False]
    stage.made[1].become(State.CONNECTED)
    assert stage.told() == [Connected("browser")], "who was dropped is not listened to"
    await stage.leg.aclose()


async def test_a_goodbye_is_waited_out():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    stage.made[0].become(State.CLOSED, "the browser closed the connection")
    assert stage.told() == [Connected("browser"), Disconnected("browser")]
    await stage.leg.accept(offered(page("page2", "33:44"), 2))
    stage.made[1].become(State.CONNECTED)
    assert stage.told()[2:] == [Connected("browser")]
    await stage.leg.aclose()
    assert stage.made[0].closed and stage.made[1].closed


async def test_a_goodbye_during_the_reload():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    await stage.leg.accept(offered(page("page2", "33:44"), 2))
    stage.made[0].become(State.CLOSED)
    stage.made[1].become(State.CONNECTED)
    assert stage.told() == [Connected("browser"), Disconnected("browser"), Connected("browser")]
    stage.made[1].become(State.FAILED, "consent expired")
    assert stage.told()[-1] == Disconnected("browser"), "a page asleep may come back: the call decides how long to wait"
    await stage.leg.aclose()


async def test_after_a_goodbye_our_offer_is_for_a_new_connection():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    stage.made[0].become(State.CLOSED)
    offer = await stage.leg.offer()
    assert await stage.leg.offer() != offer and len(stage.made) == 2, "asked twice, the same one is offered"
    await stage.leg.settle(answered(await stage.leg.offer(), page("page2", "33:44", "active"), 2))
    stage.made[1].become(State.CONNECTED)
    assert stage.told()[-1] == Connected("browser")
    await stage.leg.aclose()


async def test_an_interruption_is_told_once_and_healed():
    stage = Stage()
    await stage.leg.accept(offered())
    for state in (State.CONNECTED, State.DISCONNECTED, State.CONNECTED, State.DISCONNECTED):
        stage.made[0].become(state)
    stage.made[0].become(State.FAILED, "consent expired")
    assert stage.told() == [
        Connected("browser"), Disconnected("browser"), Connected("browser"), Disconnected("browser"),
    ]  # fmt: skip
    await stage.leg.aclose()


async def test_a_first_connection_that_fails_is_told_in_its_words():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.FAILED, "no connectivity check came")
    assert stage.told() == [Failed("browser", "no connectivity check came")]
    await stage.leg.aclose()


async def test_their_offer_beats_ours():
    stage = Stage()
    await stage.leg.offer()
    await stage.leg.accept(offered())
    await settle_tasks()
    assert [transport.closed for transport in stage.made] == [True, False]
    with pytest.raises(BadDescription, match="no offer of ours is open"):
        await stage.leg.settle(answered(offered()))
    await stage.leg.aclose()


async def test_an_answer_of_another_connection_is_refused():
    stage = Stage()
    await stage.leg.accept(offered())
    offer = await stage.leg.offer()
    with pytest.raises(BadDescription, match="another peer connection"):
        await stage.leg.settle(answered(offer, page("page2", "33:44", "active")))
    await stage.leg.aclose()


async def test_an_offer_we_cannot_take_leaves_nothing_behind():
    stage = Stage(capabilities=Capabilities((G722,)))
    with pytest.raises(NoCommonCodec):
        await stage.leg.accept(offered(caps=Capabilities((PCMU,))))
    for bad in (
        b"",
        b"v=0\r\n",
        offered().replace(b"m=audio", b"m=video"),
        offered().replace(b"a=fingerprint", b"a=x"),
    ):
        with pytest.raises((BadDescription, NoCommonCodec)):
            await stage.leg.accept(bad)
    await settle_tasks()
    assert all(transport.closed for transport in stage.made) and not stage.told()
    await stage.leg.aclose()


async def test_a_bad_reoffer_leaves_the_call_alone():
    stage = Stage()
    await stage.leg.accept(offered())
    stage.made[0].become(State.CONNECTED)
    with pytest.raises(BadDescription):
        await stage.leg.accept(offered().replace(b"v=0", b"v=1"))
    speak(stage, 2)
    assert stage.made[0].sent and not stage.made[0].closed
    await stage.leg.aclose()


async def test_recvonly_is_answered_sendonly():
    stage = Stage()
    answer = await stage.leg.accept(offered(direction="recvonly"))
    assert lines(answer, "a=sendonly", "a=sendrecv") == ["a=sendonly"]
    await stage.leg.aclose()


async def test_candidates_go_to_the_newest_connection_and_ours_are_told():
    stage = Stage()
    stage.leg.candidate("candidate:early")
    await stage.leg.accept(offered())
    stage.leg.candidate("candidate:1")
    stage.made[0].become(State.CONNECTED)
    await stage.leg.accept(offered(page("page2", "33:44"), 2))
    stage.leg.candidate(None)
    assert stage.made[0].candidates == ["candidate:1"] and stage.made[1].candidates == [None]
    stage.made[1].handlers.on_candidate(stage.made[1], "candidate:ours")
    assert stage.told()[-1] == LocalCandidate("browser", "candidate:ours")
    await stage.leg.aclose()


async def test_nothing_is_sent_until_connected_and_the_encoder_starts_then():
    stage = Stage()
    await stage.leg.accept(offered())
    speak(stage, 5)
    assert not stage.made[0].sent
    stage.made[0].become(State.CONNECTED)
    speak(stage, 2)
    assert len(stage.made[0].sent) == 2
    await stage.leg.aclose()
    assert 191 < stage.made[0].sent[-1][1] < 224, "the last word is an RTCP BYE"


async def test_packets_that_did_not_authenticate_are_in_the_stats():
    stage = Stage()
    await stage.leg.accept(offered())
    assert stage.leg.stats(stage.clock.now()).discarded == 3 and "no transport" not in str(stage.leg)
    await stage.leg.aclose()
    assert "no transport" in str(stage.leg)


async def test_a_closed_leg_tells_nothing_and_leaves_no_cycle():
    stage = Stage()
    await stage.leg.accept(offered())
    transport = stage.made[0]
    transport.become(State.CONNECTED)
    count = len(stage.events)
    await stage.leg.aclose()
    await stage.leg.aclose()
    transport.become(State.FAILED)
    assert len(stage.events) == count
    transport.handlers = replace(transport.handlers, on_rtp=print, on_rtcp=print, on_state=print, on_candidate=print)
    gone = weakref.ref(stage.leg)
    gc.collect()
    gc.disable()
    try:
        del stage.leg
        assert gone() is None
    finally:
        gc.enable()
