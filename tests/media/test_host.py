"""The host with real sockets on the loopback: phones that are legs of the same host, players, a recorder."""

import asyncio
import gc
import random

import pytest

from media.errors import BadDescription, BadOrder, BadSource, MediaError, NoCommonCodec, NoPorts, NoSuchLeg
from media.events import Connected, DigitPressed, Finished, FirstMedia, LegStats, Negotiated
from media.host import MediaConfig, MediaHost, OpenPlayer, OpenRecorder, OpenSip, OpenWebrtc
from tests.kit.tones import hear, read_wav


@pytest.fixture
async def events():
    return []


@pytest.fixture
async def host(events, tmp_path):
    config = MediaConfig(rtp_ports=(22_200, 22_299), quarantine=0, recordings=str(tmp_path))
    host = MediaHost(config, events.append)
    await host.start()
    yield host
    await host.aclose()
    await host.aclose()
    assert (host.legs(), len(host.pool), len(host.clock), len(host.bus)) == (0, 0, 0, 0)


async def call(host, one, other, codecs=None):
    """Two legs that are each other's far end."""
    host.open(OpenSip(one, codecs))
    host.open(OpenSip(other, codecs))
    await host.settle(one, await host.accept(other, await host.offer(one)))


async def until(true, seconds=3.0):
    for _ in range(int(seconds * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen")


async def test_a_player_is_heard_by_a_phone_and_recorded(host, events, tmp_path):
    await call(host, "we", "they")
    host.open(OpenPlayer("tone", "tone:hz:440@1"))
    host.open(OpenRecorder("rec", "call.wav"))
    host.wire("call", {"we": ("tone",), "rec/0": ("they",), "rec/1": ("they", "tone")})
    assert str(host.bus) == "they -> rec/0\nthey + tone => mixer -> rec/1\ntone -> we"
    await until(lambda: Finished("tone") in events)
    await asyncio.sleep(0.2)
    await host.close("rec")
    assert Finished("rec") in events
    assert [e.source[:10] for e in events if isinstance(e, FirstMedia)] == ["127.0.0.1:"[:10]] * 2
    assert {Connected("we"), Connected("they"), Negotiated("we", "OPUS", 48_000, "sendrecv")} <= {
        e for e in events if not hasattr(e, "stats")
    }
    for channel in (0, 1):
        heard = hear(*read_wav(tmp_path / "call.wav", channel), 440)
        assert heard.end - (heard.onset or 0) > 0.9
        assert heard.longest_gap < 0.05


async def test_orders_reach_their_leg(host, events):
    await call(host, "we", "they", ("PCMA",))
    host.wire("call", {"we": ("we",)})
    with pytest.raises(BadOrder, match="not a DTMF key"):
        host.send_digits("we", "x")
    host.send_digits("we", "1#")
    await until(lambda: DigitPressed("they", "#", pytest.approx(0.16)) in events)
    stats = host.stats("they")
    assert (stats.codec_in, stats.codec_out) == ("PCMA", "PCMA")
    assert stats.packets_in > 10
    host.mute("they", True)
    host.playback_rate("they", 16_000)
    host.direction("we", "sendonly")
    assert b"a=sendonly" in await host.offer("we")


async def test_a_browser_leg_offers_itself(host):
    host.open(OpenWebrtc("browser", playback_rate=8000))
    offer = (await host.offer("browser")).decode()
    assert "maxplaybackrate=8000" in offer
    assert f"m=audio {host.webrtc_address[1]} UDP/TLS/RTP/SAVPF" in offer
    host.playback_rate("browser", 16_000)
    assert "maxplaybackrate=16000" in (await host.offer("browser")).decode()
    host.candidate("browser", None)
    assert host.stats("browser") == LegStats(codec_out="")


async def test_full_ice_is_a_matter_of_configuration():
    events = []
    host = MediaHost(MediaConfig(ice="full"), events.append)
    await host.start()
    assert host.webrtc_address is None
    host.open(OpenWebrtc("browser"))
    assert "a=ice-lite" not in (await host.offer("browser")).decode()
    await host.aclose()
    assert host.legs() == 0


async def test_a_new_codec_makes_sources_look_again(host, events):
    """A player feeds 8 kHz to a G.711 leg and 16 kHz once the leg has become G.722."""
    await call(host, "we", "they", ("PCMU",))
    host.open(OpenPlayer("tone", "tone:hz:440"))
    host.wire("call", {"we": ("tone",)})
    await until(lambda: any(isinstance(e, FirstMedia) and e.leg == "they" for e in events))
    assert host._legs["tone"].rate == 8000
    offer = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 9\r\n"
    host._legs["we"]._capabilities = host._legs["they"]._capabilities.__class__()
    await host.accept("we", offer)
    assert events[-1] == Negotiated("we", "G722", 16_000, "sendrecv")
    assert host._legs["tone"].rate == 16_000


async def test_mistakes_are_told_in_words(host):
    host.open(OpenPlayer("tone", "tone:busy"))
    host.open(OpenRecorder("rec", "x.wav"))
    host.open(OpenSip("phone"))
    for order, error, words in [
        (lambda: host.open(OpenSip("phone")), BadOrder, "open already"),
        (lambda: host.open(OpenSip("a/b")), BadOrder, "cannot be a leg's name"),
        (lambda: host.open(OpenSip("b", ("GSM",))), NoCommonCodec, "no codec is called GSM: choose from OPUS"),
        (lambda: host.open(OpenPlayer("b", "file:/nowhere.wav")), BadSource, "nowhere"),
        (lambda: host.wire("g", {"phone": ("nobody",)}), NoSuchLeg, "no leg 'nobody' is open"),
        (lambda: host.wire("g", {"tone": ("phone",)}), BadOrder, "'tone' cannot hear: it is a player"),
        (lambda: host.wire("g", {"rec": ("phone",)}), BadOrder, "no such ear: rec/0"),
        (lambda: host.wire("g", {"phone/1": ("tone",)}), BadOrder, "cannot hear"),
        (lambda: host.wire("g", {"phone": ("rec",)}), BadOrder, "'rec' has nothing to say"),
        (lambda: host.send_digits("phone", "1"), BadOrder, "no keys can be pressed before"),
        (lambda: host.mute("tone", True), BadOrder, "nobody at its other end"),
        (lambda: host.direction("phone", "up"), BadOrder, "no direction: use sendrecv"),
        (lambda: host.candidate("phone", None), BadOrder, "only browsers"),
        (lambda: host.stats("nobody"), NoSuchLeg, "no leg 'nobody'"),
    ]:
        with pytest.raises(error, match=words):
            order()
    with pytest.raises(BadOrder, match="nobody at its other end"):
        await host.offer("tone")
    with pytest.raises(BadDescription):
        await host.accept("phone", b"nonsense")
    assert len(host.bus) == 0
    assert host.stats("tone") == LegStats()
    assert host.legs() == 3
    with pytest.raises(NoCommonCodec):
        MediaHost(MediaConfig(codecs=()), print)


async def test_an_empty_pool_opens_no_leg(events):
    host = MediaHost(MediaConfig(rtp_ports=(22_400, 22_403), quarantine=60), events.append)
    host.open(OpenSip("a"))
    host.open(OpenSip("b"))
    with pytest.raises(NoPorts):
        host.open(OpenSip("c"))
    assert host.legs() == 2
    await host.close("a")
    with pytest.raises(NoPorts, match="1 rest for 60 s"):
        host.open(OpenSip("c"))
    await host.aclose()


async def test_an_event_handler_that_fails_hurts_nobody(caplog):
    def on_event(event):
        raise RuntimeError("the gateway has a bug")

    host = MediaHost(MediaConfig(rtp_ports=(22_300, 22_399), quarantine=0), on_event)
    await host.start()
    await call(host, "we", "they")
    await until(lambda: host.stats("they").packets_in > 10)
    await host.aclose()
    assert "could not be handled" in caplog.text


async def test_a_leg_that_cannot_close_is_not_kept(host, caplog):
    host.open(OpenSip("phone"))
    leg = host._legs["phone"]
    close, leg.aclose = leg.aclose, None
    await host.close("phone")
    await host.close("phone")
    assert host.legs() == 0
    assert "did not close well" in caplog.text
    await close()


async def test_hundreds_of_calls_in_any_state_leave_nothing_behind(host):
    """Each is cut at another moment: before, between and after offer and answer, wired or not."""
    dice = random.Random(8)

    async def one(n):
        a, b, p = f"a{n}", f"b{n}", f"p{n}"
        try:
            host.open(OpenSip(a))
            if dice.random() < 0.2:
                return
            host.open(OpenSip(b))
            offer = await host.offer(a)
            await asyncio.sleep(dice.random() * 0.02)
            if dice.random() < 0.2:
                return
            answer = await host.accept(b, offer)
            host.open(OpenPlayer(p, "tone:ringback"))
            host.wire(f"g{n}", {a: (b, p), b: (a,)})
            await asyncio.sleep(dice.random() * 0.05)
            await host.settle(a, answer)
            await asyncio.sleep(dice.random() * 0.05)
        except MediaError:
            pass  # the pool may be empty for a moment
        finally:
            await asyncio.gather(*(host.close(leg) for leg in (a, b, p)))

    tasks = len(asyncio.all_tasks())
    for _ in range(10):
        await asyncio.gather(*(one(n) for n in range(20)))
    assert (host.legs(), len(host.bus), len(host.pool), len(host.clock)) == (0, 0, 0, 0)
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks()) == tasks
    gc.collect()
    from media.legs.rtp import RtpMedia

    assert not [x for x in gc.get_objects() if isinstance(x, RtpMedia)]
