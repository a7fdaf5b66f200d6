"""The one port: who gets which datagram, and what strangers get (nothing)."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from media.errors import BadDescription
from media.events import Refused
from media.ice.lite import Credentials
from media.ice.states import State
from media.ice.transport import Handlers, RemoteDescription
from media.net import watch
from media.net.aiortc_private import Dtls, Identity, Srtp, Turnstile
from media.net.lite_transport import SOURCES, LiteTransport
from media.net.secure_transport import GUESSES, Patience
from media.net.webrtc_listener import WebrtcListener, _advertise
from tests.media.ice.test_lite import check

SSRC = b"\0\0\1\7"


def rtp(sequence: int = 1, ssrc: bytes = SSRC) -> bytes:
    return b"\x80\x6f" + sequence.to_bytes(2, "big") + bytes(4) + ssrc + b"payload"


class Heard:
    """The leg's side."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.states: list[tuple[State, str]] = []

    def handlers(self) -> Handlers:
        return Handlers(
            lambda data, now: self.rtp.append(data),
            lambda data, now: self.rtcp.append(data),
            lambda transport, state, why: self.states.append((state, why)),
            lambda transport, candidate: None,
        )


class Browser:
    """Enough of a browser: sockets, checks, DTLS as client."""

    def __init__(self, to: tuple, family: int = socket.AF_INET) -> None:
        self.to, self.family = to, family
        self.loop = asyncio.get_running_loop()
        self.got: list[bytes] = []
        self.identity = Identity()
        self.dtls = Dtls(self.identity, self.send, lambda: self.got.append(b"bye"), Turnstile())
        self.srtp: Srtp | None = None
        self.sockets: list[socket.socket] = []
        self.move()

    def move(self) -> None:
        """A NAT gives us another port."""
        self.socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self.socket.bind(("::1" if self.family == socket.AF_INET6 else "127.0.0.1", 0))
        self.socket.setblocking(False)
        self.sockets.append(self.socket)
        self.loop.add_reader(self.socket.fileno(), self._readable, self.socket)

    def _readable(self, readable: socket.socket) -> None:
        data = readable.recv(2048)
        if 19 < data[0] < 64:
            self.dtls.feed(data)
        else:
            self.got.append(data)

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.to)

    def remote(self) -> RemoteDescription:
        return RemoteDescription("peer", "p" * 24, (self.identity.fingerprint,))

    async def aclose(self) -> None:
        await self.dtls.aclose()
        for one in self.sockets:
            self.loop.remove_reader(one.fileno())
            one.close()


def credentials(leg: LiteTransport) -> Credentials:
    told = leg.describe()
    return Credentials(told.ufrag, told.pwd)


@asynccontextmanager
async def stage(**settings) -> AsyncIterator[tuple[WebrtcListener, LiteTransport, Heard, Browser]]:
    family = socket.AF_INET6 if ":" in settings.get("host", "") else socket.AF_INET
    listener = WebrtcListener(random=secrets.randbits, **settings)
    heard = Heard()
    leg = listener.open(heard.handlers())
    browser = Browser(listener.address if family == socket.AF_INET else ("::1", listener.address[1]), family)
    try:
        yield listener, leg, heard, browser
    finally:
        await browser.aclose()
        await listener.aclose()
        assert not (listener.by_ufrag or listener.by_address or listener.by_ssrc or len(listener.legs))
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def settled(condition, what: str = "") -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(what)


async def connect(leg: LiteTransport, browser: Browser) -> None:
    leg.connect(browser.remote(), "server")
    browser.send(check(credentials(leg), use=True))
    fingerprint = leg.describe().fingerprint
    browser.srtp = await browser.dtls.handshake("client", [fingerprint], 3.0)
    await settled(lambda: leg.state is State.CONNECTED)
    browser.got.clear()


async def test_media_goes_both_ways_and_rtcp_is_told_apart():
    async with stage() as (listener, leg, heard, browser):
        await connect(leg, browser)
        browser.send(browser.srtp.protect(rtp()))
        report = b"\x80\xc9\0\1" + SSRC
        browser.send(browser.srtp.protect_rtcp(report))
        await settled(lambda: heard.rtp and heard.rtcp)
        assert (heard.rtp, heard.rtcp) == ([rtp()], [report])
        leg.send_rtp(rtp(9))
        leg.send_rtcp(report)
        await settled(lambda: len(browser.got) == 2)
        assert browser.srtp.unprotect(browser.got[0]) == rtp(9)
        assert browser.srtp.unprotect_rtcp(browser.got[1]) == report
        assert leg.stats().setup is not None and not listener.refused


async def test_a_clienthello_before_the_answer_is_kept():
    async with stage() as (_, leg, _, browser):
        browser.send(check(credentials(leg), use=True))
        shaking = asyncio.create_task(browser.dtls.handshake("client", [leg.describe().fingerprint], 3.0))
        await asyncio.sleep(0.05)
        assert leg.state is State.NEW
        leg.connect(browser.remote(), "server")
        await shaking
        await settled(lambda: leg.state is State.CONNECTED)


async def test_strangers_get_silence_and_are_counted_by_reason():
    async with stage() as (listener, leg, heard, browser):
        await connect(leg, browser)
        stranger = Browser(listener.address)
        good = credentials(leg)
        bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        bad = bytearray(check(good))
        bad[-1] ^= 1
        for data in (
            b"",
            b"\xff" * 40,
            b"GET / HTTP/1.0\r\n\r\n",
            rtp(),
            b"\x16\xfe\xff" + bytes(60),
            bytes(bare),
            bytes(bad),
            check(good, pwd="x" * 24),
            check(good, peer="nobody"),
            check(Credentials("unknown1", "x" * 24)),
        ):
            stranger.send(data)
        await settled(lambda: listener.refused.total() == 10)
        assert listener.refused == {
            "not-webrtc": 3, "media-of-stranger": 1, "dtls-of-stranger": 1, "stun-no-fingerprint": 1,
            "stun-malformed": 1, "stun-bad-integrity": 1, "stun-wrong-peer": 1, "stun-unknown-user": 1,
        }  # fmt: skip
        assert not stranger.got and leg.address == browser.socket.getsockname() and not heard.rtp
        await stranger.aclose()


async def test_refusals_are_reported_once_per_beat_and_reason(monkeypatch):
    monkeypatch.setattr(watch, "BEAT", 0.01)
    told: list[Refused] = []
    async with stage(on_refused=told.append) as (listener, _, _, browser):
        for _ in range(5):
            browser.send(b"\xff" * 40)
        await settled(lambda: told)
        await asyncio.sleep(0.05)
        assert sum(refused.count for refused in told) == 5 and told[0].leg is None and told[0].why == "not-webrtc"


async def test_a_rebound_nat_is_heard_at_once_and_answered_after_its_check():
    async with stage() as (listener, leg, heard, browser):
        await connect(leg, browser)
        browser.send(browser.srtp.protect(rtp(1)))
        await settled(lambda: heard.rtp)
        before = leg.address
        browser.move()
        browser.send(browser.srtp.protect(rtp(2)))
        browser.send(browser.srtp.protect_rtcp(b"\x80\xc9\0\1" + SSRC))
        await settled(lambda: len(heard.rtp) == 2 and heard.rtcp)
        assert leg.address == before, "no packet goes to an address that has not passed a check"
        browser.send(check(credentials(leg), use=True))
        await settled(lambda: leg.address == browser.socket.getsockname())
        leg.send_rtp(rtp(3))
        await settled(lambda: len(browser.got) == 2)


async def test_guessing_by_ssrc_is_bounded():
    async with stage() as (listener, leg, heard, browser):
        await connect(leg, browser)
        browser.send(browser.srtp.protect(rtp(1)))
        await settled(lambda: heard.rtp)
        stranger = Browser(listener.address)
        for n in range(GUESSES + 20):
            stranger.send(rtp(n) + bytes(16))
        await settled(lambda: listener.refused["media-of-stranger"] + leg.refused == GUESSES + 20)
        assert leg.refused <= GUESSES and len(heard.rtp) == 1
        await stranger.aclose()


async def test_replayed_and_forged_media_is_dropped():
    async with stage() as (_, leg, heard, browser):
        await connect(leg, browser)
        good = browser.srtp.protect(rtp(1))
        for data in (good, good, good[:-1] + bytes([good[-1] ^ 1]), b"\x80\xc9" + bytes(30), b"\x80" * 1800):
            browser.send(data)
        await settled(lambda: leg.refused == 4)
        assert heard.rtp == [rtp(1)] and leg.state is State.CONNECTED


async def test_nothing_is_sent_before_the_keys_or_after_the_end():
    async with stage() as (_, leg, heard, browser):
        leg.send_rtp(rtp())
        leg.send_rtcp(b"\x80\xc9\0\1" + SSRC)
        assert leg.stats().unsent == 2
        await connect(leg, browser)
        told = len(heard.states)
        await leg.aclose()
        leg.send_rtp(rtp())
        assert leg.stats().unsent == 3 and leg.state is State.CLOSED
        assert len(heard.states) == told, "who closes is not told"
        await leg.aclose()


async def test_what_cannot_be_protected_is_counted_and_never_raised():
    async with stage() as (_, leg, _, browser):
        await connect(leg, browser)
        leg.send_rtp(rtp(40_000))
        leg.send_rtp(rtp(20_000))  # libsrtp: index too old
        leg.send_rtp(rtp(40_001) + bytes(2000))
        leg.send_rtcp(b"\x80\xc9\0\1" + bytes(2000))
        assert leg.stats().unsent == 3
        await settled(lambda: len(browser.got) == 1)


async def test_silence_is_told_healed_and_at_last_final(monkeypatch):
    monkeypatch.setattr(watch, "BEAT", 0.01)
    patience = Patience(quiet=0.1, expiry=0.4)
    async with stage(patience=patience) as (_, leg, heard, browser):
        await connect(leg, browser)
        await settled(lambda: leg.state is State.DISCONNECTED)
        leg.send_rtp(rtp())
        await settled(lambda: browser.got)  # a short interruption costs nothing of what could arrive
        browser.send(check(credentials(leg)))
        await settled(lambda: leg.state is State.CONNECTED)
        await settled(lambda: leg.state is State.FAILED)
        leg.send_rtp(rtp())
        assert leg.stats().unsent == 1, "without consent not one packet more"
        assert [state for state, _ in heard.states] == [
            State.CONNECTING, State.CONNECTED, State.DISCONNECTED, State.CONNECTED, State.DISCONNECTED, State.FAILED,
        ]  # fmt: skip
        assert heard.states[-1][1] == "consent expired"


async def test_a_browser_that_never_comes_is_given_up(monkeypatch):
    monkeypatch.setattr(watch, "BEAT", 0.01)
    async with stage(patience=Patience(connect=0.05)) as (_, leg, heard, browser):
        leg.connect(browser.remote(), "server")
        await settled(lambda: leg.state is State.FAILED)
        assert "no connectivity check came" in heard.states[-1][1]


async def test_a_fault_in_the_handshake_ends_the_transport_and_is_logged(caplog):
    async with stage() as (_, leg, heard, browser):
        leg.connect(RemoteDescription("peer", "p" * 24, ("nonsense",)), "server")
        browser.send(check(credentials(leg)))
        await settled(lambda: leg.state is State.FAILED)
        assert "see its log" in heard.states[-1][1] and "the DTLS handshake broke" in caplog.text


async def test_closing_during_the_handshake_leaves_nothing():
    async with stage() as (listener, leg, _, browser):
        leg.connect(browser.remote(), "client")
        browser.send(check(credentials(leg)))
        await settled(lambda: listener.by_address)
        await leg.aclose()
        assert not listener.by_address and asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_browser_with_many_addresses_keeps_only_the_last():
    async with stage() as (listener, leg, _, browser):
        for _ in range(SOURCES + 4):
            browser.move()
            browser.send(check(credentials(leg)))
        await settled(lambda: leg.address == browser.socket.getsockname())
        assert len(listener.by_address) == SOURCES and leg.address in listener.by_address


async def test_two_legs_on_one_port_hear_only_their_own():
    async with stage() as (listener, leg, heard, browser):
        other, others = Browser(listener.address), Heard()
        second = listener.open(others.handlers())
        await connect(leg, browser)
        await connect(second, other)
        browser.send(browser.srtp.protect(rtp(1)))
        other.send(other.srtp.protect(rtp(2)))
        await settled(lambda: heard.rtp and others.rtp)
        assert (heard.rtp, others.rtp) == ([rtp(1)], [rtp(2)]), "though both chose the same SSRC"
        await other.aclose()


@pytest.mark.parametrize("host", ["::1", "::"])
async def test_ipv6_and_dual_stack(host):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with stage(host=host) as (listener, leg, heard, browser):
        await connect(leg, browser)
        browser.send(browser.srtp.protect(rtp()))
        await settled(lambda: heard.rtp)
        if host == "::":
            old = Browser(("127.0.0.1", listener.address[1]))
            second = listener.open(Heard().handlers())
            await connect(second, old)
            old.send(check(credentials(second)))
            await settled(lambda: old.got)
            assert stun.parse_message(old.got[0]).attributes["XOR-MAPPED-ADDRESS"] == old.socket.getsockname()
            await old.aclose()


async def test_two_lite_agents_refuse_each_other():
    async with stage() as (_, leg, _, _):
        with pytest.raises(BadDescription, match="both sides are ICE-lite"):
            leg.connect(RemoteDescription("peer", "p" * 24, (), ice_lite=True), "server")


async def test_garbage_during_a_call_is_not_noticed():
    async with stage() as (listener, leg, heard, browser):
        await connect(leg, browser)
        dice = random.Random(3)
        good = check(credentials(leg))
        for n in range(600):
            data = bytearray(dice.choice((good, rtp(n), b"\x16\xfe\xfd" + bytes(50), dice.randbytes(40))))
            for _ in range(3):
                data[dice.randrange(len(data))] = dice.randrange(256)
            browser.send(bytes(data))
            if n % 50 == 0:
                browser.send(browser.srtp.protect(rtp(n + 1)))
                await asyncio.sleep(0)
        await settled(lambda: len(heard.rtp) == 12)
        assert leg.state is State.CONNECTED and leg.address == browser.socket.getsockname()


async def test_the_granted_buffer_is_logged(caplog):
    caplog.set_level(logging.INFO, "media.net.webrtc_listener")
    async with stage():
        pass
    assert "receive buffer" in caplog.text and "KiB" in caplog.text


@pytest.mark.parametrize(
    ("wanted", "addresses"),
    [
        ((), (("127.0.0.1", 7),)),
        (("203.0.113.7",), (("203.0.113.7", 7),)),
        (("203.0.113.7:40000", "10.0.0.7"), (("203.0.113.7", 40000), ("10.0.0.7", 7))),
        (("2001:db8::7", "[2001:db8::7]:9"), (("2001:db8::7", 7), ("2001:db8::7", 9))),
    ],
)
def test_what_is_advertised(wanted, addresses):
    assert _advertise(("127.0.0.1", 7), wanted) == addresses


@pytest.mark.parametrize("text", ["203.0.113.7:x", ":9", "[2001:db8::7]x", ""])
def test_a_bad_advertised_address_says_how_to_write_it(text):
    with pytest.raises(ValueError, match=r"write 203\.0\.113\.7"):
        _advertise(("127.0.0.1", 7), (text,))


async def test_every_advertised_address_is_a_candidate():
    async with stage(advertised=("203.0.113.7:40000", "198.51.100.7")) as (listener, leg, _, _):
        told = leg.describe()
        assert (told.host, told.port) == ("203.0.113.7", 40000)
        first, second = (candidate.split() for candidate in told.candidates)
        assert first[4:6] == ["203.0.113.7", "40000"] and second[4:6] == ["198.51.100.7", str(listener.address[1])]
        assert int(first[3]) > int(second[3]) and first[0] != second[0]


def test_anywhere_means_all_addresses_of_the_machine():
    assert ("127.0.0.1", 7) in _advertise(("0.0.0.0", 7), ())
