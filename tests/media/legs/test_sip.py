"""The leg with its real sockets, on the loopback; what goes over a bad network is tested in scenarios."""

import asyncio
import gc
import random
import re
import weakref

import pytest

from media.clock import Clock
from media.errors import BadDescription, NoCommonCodec
from media.events import Connected, DigitPressed, FirstMedia, Negotiated, Refused
from media.formats import G722, OPUS, PCMA, PCMU
from media.frame import Audio
from media.legs.sip import ALLOWANCE, SipLeg
from media.legs.voice import Silence
from media.net.ports import PortPool
from media.net.udp import UdpSocket, bind
from media.rtp.packet import header, is_rtcp, parse
from media.rtp.rtcp import Bye, parse_compound
from tests.media.legs.test_rtp import Ear


class Phone:
    """A socket pair that keeps what comes."""

    def __init__(self, host="127.0.0.1"):
        self.heard, self.reports, self.sources = [], [], []
        self.rtp = UdpSocket(bind(host, 0), self._on_rtp)
        self.rtcp = UdpSocket(bind(host, 0), lambda data, *_: self.reports.append(data))
        self.host, self.n = host, 0

    def _on_rtp(self, data, source, now):
        if is_rtcp(data):
            self.reports.append(data)
        else:
            self.heard.append(parse(data))
            self.sources.append(source)

    def sdp(self, *, formats="0", more="", host=None, port=None):
        lines = f"v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 {host or self.host}\nt=0 0\n"
        lines += f"m=audio {port or self.rtp.port} RTP/AVP {formats}\na=rtcp:{self.rtcp.port}\n{more}"
        return lines.replace("\n", "\r\n").encode()

    def say(self, leg, *, ssrc=9, payload_type=0, payload=b"\xff" * 160):
        self.n += 1
        self.rtp.send(header(payload_type, False, self.n, self.n * 160, ssrc) + payload, ("127.0.0.1", leg.port))

    def close(self):
        self.rtp.close()
        self.rtcp.close()


class World:
    def __init__(self):
        self.clock, self.pool, self.events = Clock(), PortPool(22_000, 22_099, quarantine=0), []
        self.closing = []

    def leg(self, name="phone", formats=(OPUS, G722, PCMU, PCMA), **more):
        leg = SipLeg(
            name,
            pool=self.pool,
            host="127.0.0.1",
            advertised="127.0.0.1",
            formats=formats,
            clock=self.clock,
            emit=self.events.append,
            random=random.Random(3).getrandbits,
            **more,
        )
        self.closing.append(leg)
        return leg

    def phone(self, host="127.0.0.1"):
        phone = Phone(host)
        self.closing.append(phone)
        return phone

    async def until(self, true, seconds=2.0):
        for _ in range(int(seconds * 200)):
            if true():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("did not happen")

    async def aclose(self):
        for each in self.closing:
            if isinstance(each, SipLeg):
                await each.aclose()
            else:
                each.close()
        assert len(self.pool) == len(self.clock) == 0


@pytest.fixture
async def world():
    world = World()
    yield world
    await world.aclose()


def port_of(sdp):
    return int(re.search(rb"m=audio (\d+)", sdp)[1])


async def test_a_phone_that_calls_is_answered_and_heard(world):
    leg, phone = world.leg(), world.phone()
    answer = await leg.accept(phone.sdp(formats="0 8 101", more="a=rtpmap:101 telephone-event/8000\n"))
    assert port_of(answer) == leg.port
    assert leg.port % 2 == 0
    assert world.events == [Negotiated("phone", "PCMU", 8000, "sendrecv"), Connected("phone")]
    ear = Ear()
    leg.connect(ear)
    for _ in range(5):
        phone.say(leg)
    await world.until(lambda: len(ear.audio) == 5)
    assert FirstMedia("phone", f"127.0.0.1:{phone.rtp.port}") in world.events
    await world.until(lambda: len(phone.heard) > 5)
    assert set(phone.sources) == {("127.0.0.1", leg.port)}, "symmetric (RFC 4961)"
    assert {p.payload_type for p in phone.heard} == {0}


async def test_two_legs_call_each_other(world):
    one, other = world.leg("one"), world.leg("other")
    ear = Ear(48_000)
    other.connect(ear)
    await one.settle(await other.accept(await one.offer()))
    assert [e for e in world.events if isinstance(e, Negotiated)] == [
        Negotiated("other", "OPUS", 48_000, "sendrecv"),
        Negotiated("one", "OPUS", 48_000, "sendrecv"),
    ]
    await world.until(lambda: len(ear.audio) > 5)
    one.send_digits("42")
    await world.until(lambda: len([e for e in world.events if isinstance(e, DigitPressed)]) == 2)
    await world.until(lambda: one.stats(world.clock.now()).rtt_ms is not None, 5)
    assert one.stats(world.clock.now()).rtt_ms < 50


async def test_a_reinvite_changes_the_leg_in_place(world):
    leg, phone = world.leg(formats=(PCMU, PCMA)), world.phone()
    first = await leg.accept(phone.sdp())
    await world.until(lambda: len(phone.heard) > 3)
    ssrc = phone.heard[0].ssrc
    for more, ours in (("a=sendonly\n", "recvonly"), ("a=inactive\n", "inactive"), ("", "sendrecv")):
        again = await leg.accept(phone.sdp(more=more))
        assert port_of(again) == port_of(first)
        assert f"a={ours}".encode() in again
        assert world.events[-1] == Negotiated("phone", "PCMU", 8000, ours)
    moved = world.phone()
    await leg.accept(moved.sdp(formats="8"))
    await world.until(lambda: len(moved.heard) > 3)
    assert {(p.ssrc, p.payload_type) for p in moved.heard} == {(ssrc, 8)}
    before = len(phone.heard)
    await asyncio.sleep(0.1)
    assert len(phone.heard) == before, "nothing goes to the old address any more"
    assert sum(isinstance(e, Connected) for e in world.events) == 1


async def test_we_hold_and_are_held(world):
    leg, phone = world.leg(formats=(PCMU,)), world.phone()
    await leg.accept(phone.sdp())
    leg.direction = "sendonly"
    offer = await leg.offer()
    assert b"a=sendonly" in offer
    await leg.settle(phone.sdp(more="a=recvonly\n"))
    assert world.events[-1] == Negotiated("phone", "PCMU", 8000, "sendonly")
    await world.until(lambda: phone.heard)
    await leg.accept(phone.sdp(host="0.0.0.0"))
    assert world.events[-1].direction == "inactive"
    await asyncio.sleep(0.1)
    before = sum(packet.ssrc == leg.media.ssrc for packet in phone.heard)
    await asyncio.sleep(0.1)
    after = sum(packet.ssrc == leg.media.ssrc for packet in phone.heard)
    assert after <= before + 1, "held by address: nothing is sent"


async def test_what_cannot_be_agreed_on_changes_nothing(world):
    leg, phone = world.leg(formats=(PCMU,)), world.phone()
    with pytest.raises(BadDescription):
        await leg.settle(phone.sdp())
    with pytest.raises(NoCommonCodec):
        await leg.accept(phone.sdp(formats="8"))
    await leg.accept(phone.sdp())
    for bad in (b"", b"nonsense", phone.sdp(formats="8"), phone.sdp(host="no-such-host.invalid")):
        with pytest.raises((BadDescription, NoCommonCodec)):
            await leg.accept(bad)
    phone.heard.clear()
    await world.until(lambda: len(phone.heard) > 3)
    assert world.events == [Negotiated("phone", "PCMU", 8000, "sendrecv"), Connected("phone")]


async def test_a_name_in_the_sdp_is_looked_up_once(world):
    leg, phone = world.leg(), world.phone()
    await leg.accept(phone.sdp(host="localhost"))
    await world.until(lambda: len(phone.heard) > 3)


async def test_a_phone_behind_nat_is_found_by_its_packets(world):
    leg, phone = world.leg(), world.phone()
    ear = Ear()
    leg.connect(ear)
    await leg.accept(phone.sdp(host="127.0.0.9", port=9))
    for _ in range(5):
        phone.say(leg)
    await asyncio.sleep(0.05)
    ours = [packet for packet in phone.heard if packet.ssrc == leg.media.ssrc]
    assert (ear.audio, ours) == ([], [])
    for _ in range(3):
        phone.say(leg)
    await world.until(lambda: len(phone.heard) > 3)
    assert len(ear.audio) >= 2


async def test_strangers_are_not_heard_and_counted(world):
    leg, phone, stranger = world.leg(), world.phone(), world.phone("127.0.0.2")
    ear = Ear()
    leg.connect(ear)
    await leg.accept(phone.sdp())
    phone.say(leg)
    await world.until(lambda: ear.audio)
    for n in range(50):
        stranger.say(leg, ssrc=9)
        stranger.rtp.send(b"garbage", ("127.0.0.1", leg.port))
        stranger.rtp.send(random.Random(n).randbytes(30), ("127.0.0.1", leg.port + 1))
    phone.say(leg)
    await world.until(lambda: len(ear.audio) == 2)
    await world.until(lambda: any(isinstance(e, Refused) for e in world.events), 3)
    assert leg.media.refusals["from a stranger's address"] == 150
    assert stranger.heard == []


async def test_rtcp_goes_where_it_belongs(world):
    leg, phone = world.leg(), world.phone()
    await leg.accept(phone.sdp())
    phone.say(leg)
    await world.until(lambda: phone.reports, 3)
    assert parse_compound(phone.reports[0])[0].ssrc == leg.media.ssrc
    await leg.aclose()
    await world.until(lambda: any(isinstance(r, Bye) for r in parse_compound(phone.reports[-1])))

    leg, phone = world.leg("mux"), world.phone()
    await leg.accept(phone.sdp(more="a=rtcp-mux\n"))
    phone.rtcp.close()
    await world.until(lambda: phone.reports, 3)


async def test_media_before_the_answer_does_no_harm(world):
    leg, phone = world.leg(), world.phone()
    await leg.offer()
    for _ in range(20):
        phone.say(leg)
    await asyncio.sleep(0.05)
    assert world.events == []
    ear = Ear()
    leg.connect(ear)
    await leg.settle(phone.sdp())
    phone.say(leg)
    await world.until(lambda: ear.audio)


async def test_closing_gives_everything_back(world):
    leg, phone = world.leg(), world.phone()
    await leg.accept(phone.sdp())
    port = leg.port
    ear = Ear()
    leg.connect(ear)
    await leg.aclose()
    await leg.aclose()
    assert len(world.pool) == 0
    bind("127.0.0.1", port).close()
    leg.write(Audio(time=0, duration=960, decoder=Silence(8000)))
    phone.say(leg)
    await asyncio.sleep(0.02)
    assert ear.audio == []
    world.closing.remove(leg)
    gc.collect()
    gc.disable()
    try:
        again = world.leg("again")
        await again.accept(phone.sdp())
        world.closing.remove(again)
        await again.aclose()
        gone = weakref.ref(again)
        del again
        assert gone() is None, "no cycle is left for the collector"
    finally:
        gc.enable()


@pytest.mark.parametrize("host", ["224.0.0.1", "255.255.255.255", "240.0.0.1", "a..b", "x" * 70, "::1"])
async def test_audio_is_sent_to_single_hosts_only(world, host):
    leg = world.leg()
    kind = "IP6" if ":" in host else "IP4"
    body = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    with pytest.raises(BadDescription):
        await leg.accept(body.encode())
    await leg.aclose()


async def test_a_flood_is_cut_to_what_audio_needs(world):
    leg = world.leg()
    heard = []
    leg._receive = lambda data, now: heard.append(data)
    leg._latch.pinned = ("127.0.0.1", 4000)
    for n in range(5000):
        leg._on_rtp(b"\x80\x00" + n.to_bytes(2, "big") + bytes(168), ("127.0.0.1", 4000), 1.0)
    assert len(heard) == ALLOWANCE
    assert leg.media.refusals["more packets than any audio has"] == 5000 - ALLOWANCE
    leg._refill(1.2)
    leg._on_rtp(bytes(172), ("127.0.0.1", 4000), 1.2)
    assert len(heard) == ALLOWANCE + 1
    await leg.aclose()
