import gc
import itertools
import random
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clock import Clock
from media.events import DigitPressed, FirstMedia, Negotiated, Quality, Refused, Resumed, Stalled
from media.formats import G722, OPUS, PCMA, PCMU
from media.frame import TICKS, Audio, Digit, Flush
from media.legs.rtp import RtpMedia
from media.rtp.packet import header
from media.rtp.rtcp import Bye, ReceiverReport, ReportBlock, Sdes, SenderReport, parse_compound
from tests.media.legs.wires import EVENT, Far, World, agreed, leg, level, loud


class Ear:
    """A sink that keeps what it is given."""

    def __init__(self, rate=8000, encoding=""):
        self.rate, self.encoding, self.heard = rate, encoding, []

    def write(self, frame):
        if isinstance(frame, Audio):
            frame.samples  # noqa: B018  as a recorder would
        self.heard.append(frame)

    @property
    def audio(self):
        return [frame for frame in self.heard if isinstance(frame, Audio)]


class Sampled:
    """Stands behind made frames."""

    def __init__(self, rate):
        self.rate = rate


def made(hz, n, *, time=0, rate=8000):
    """Frame number n of a tone that a player would make."""
    place = np.arange(n * rate // 50, (n + 1) * rate // 50)
    samples = (8000 * np.sin(2 * np.pi * hz * place / rate)).astype(np.int16)
    return Audio(time=time + n * 960, duration=960, decoder=Sampled(rate), samples=samples)


@pytest.fixture
def world():
    return World()


def bridge(world, one, other, **settings):
    """Two far ends joined by the gateway: (far, media, events) of each."""
    a, b = Far(world, one, **settings.pop("a", {})), Far(world, other, **settings.pop("b", {}))
    media_a, events_a = leg(world, "a", one, a, **settings.pop("leg_a", {}))
    media_b, events_b = leg(world, "b", other, b, **settings.pop("leg_b", {}))
    media_a.connect(media_b)
    media_b.connect(media_a)
    return (a, media_a, events_a), (b, media_b, events_b)


# ---- both ways


@pytest.mark.parametrize(("one", "other"), [(OPUS, PCMU), (OPUS, G722), (PCMU, PCMA), (G722, PCMA), (OPUS, OPUS)])
def test_both_sides_hear_each_other_without_a_break(world, one, other):
    (a, media_a, _), (b, media_b, _) = bridge(world, one, other)
    a.talk(500)
    b.talk(800)
    world.run(2)
    for far, hz in ((a, 800), (b, 500)):
        far.check_stream()
        assert level(far.sound(), 8000, hz)[8:].min() > 0.95
        assert max(far.gaps()) < 0.022
    assert media_a.stats(0).lost_in == media_b.stats(0).concealed == 0


def test_equal_codecs_pass_untouched_and_undecoded(world):
    (a, media_a, _), (b, media_b, _) = bridge(world, OPUS, OPUS)
    sent = []
    inward = a.send
    a.send = lambda data: (sent.append(data[12:]), inward(data))
    a.talk(500)
    world.run(1)
    heard = [p.payload for _, p in b.audio]
    assert heard == sent[: len(heard)]
    assert media_a._receiver._voice._decoder is None
    assert b.heard[0][1].ssrc == media_b.ssrc != a.ssrc


def test_forwarding_tells_a_loss_by_leaving_a_number_out(world):
    (a, _, _), (b, _, _) = bridge(world, PCMU, PCMU)
    inward = a.send
    count = itertools.count()
    a.send = lambda data: inward(data) if next(count) not in (10, 11) else None
    a.talk(500)
    world.run(1)
    steps = [y.sequence - x.sequence & 0xFFFF for (_, x), (_, y) in itertools.pairwise(b.audio)]
    assert sorted(steps)[-2:] == [1, 3]
    stamps = [y.timestamp - x.timestamp & 0xFFFFFFFF for (_, x), (_, y) in itertools.pairwise(b.audio)]
    assert sorted(stamps)[-2:] == [160, 480]


def test_mu_law_becomes_a_law_by_table(world):
    (a, media_a, _), (b, _, _) = bridge(world, PCMU, PCMA)
    a.talk(500)
    world.run(1)
    assert media_a._receiver._voice._decoder is None
    assert level(b.sound(), 8000, 500).min() > 0.99


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("other", [OPUS, PCMU])
def test_each_side_gets_its_own_packet_time(world, ptime, other):
    (a, _, _), (b, _, _) = bridge(world, PCMU, other, a={"ptime": ptime}, leg_a={"ptime": ptime})
    a.talk(500)
    b.talk(800)
    world.run(2)
    assert {len(p.payload) for _, p in a.audio} == {ptime * 8}
    steps = {y.timestamp - x.timestamp & 0xFFFFFFFF for (_, x), (_, y) in itertools.pairwise(b.audio)}
    assert steps == {other.clock_rate // 50}
    for far, hz in ((a, 800), (b, 500)):
        far.check_stream()
        assert level(far.sound(), 8000, hz)[8:].min() > 0.9


# ---- silence


def test_a_leg_that_nobody_speaks_to_is_sent_silence(world):
    far = Far(world, PCMU)
    leg(world, "phone", PCMU, far)
    world.run(2)
    assert len(far.audio) == pytest.approx(97, abs=3)
    assert max(far.gaps()) < 0.03
    assert loud(far.sound(), 8000).max() < 10
    far.check_stream()


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_nothing_is_sent_where_the_direction_forbids(world, direction):
    (a, _, _), (b, media, _) = bridge(world, PCMU, PCMU)
    a.talk(500)
    world.run(0.5)
    media.configure(agreed(PCMU, direction=direction))
    world.run(0.1)
    before = len(b.heard)
    world.run(1)
    assert len(b.heard) == before
    media.configure(agreed(PCMU))
    world.run(0.5)
    assert len(b.heard) > before + 20
    b.check_stream()


def test_a_phone_does_not_starve_while_a_browser_is_silent_on_purpose(world):
    (a, media, _), (b, _, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.5)
    for _ in range(4):  # discontinuous transmission: two bytes, then 400 ms of nothing
        a._packet(b"\x08\x00", 111, a.timestamp, False)
        a.pause()
        world.run(0.4)
    a.talk(500)
    world.run(0.5)
    b.check_stream()
    assert max(b.gaps()) < 0.09
    assert level(b.sound(), 8000, 500)[-20:].min() > 0.95
    assert media.stats(0).concealed == 0


def test_a_source_that_stalls_is_bridged_by_silence_and_then_heard_in_its_place(world):
    (a, _, _), (b, media, _) = bridge(world, PCMU, OPUS)
    a.talk(500)
    world.run(0.5)
    held = []
    inward, a.send = a.send, held.append
    world.run(0.8)
    a.send = inward
    for data in held:
        inward(data)
    world.run(1)
    b.check_stream()
    assert max(b.gaps()) < 0.55
    assert media.stats(0).discarded > 5, "what came after its time was filled"
    stamps = [p.timestamp for _, p in b.audio]
    span = (stamps[-1] - stamps[0] & 0xFFFFFFFF) / 48_000
    assert span == pytest.approx(b.audio[-1][0] - b.audio[0][0], abs=0.045), "no delay is left behind"


def test_a_source_that_is_late_for_good_is_heard_again(world):
    (a, media_a, _), (b, _, _) = bridge(world, PCMU, OPUS)
    a.talk(500)
    world.run(0.5)
    media_a.networks[0].delay += 0.7
    world.run(2)
    b.check_stream()
    assert level(b.sound(), 8000, 500)[-30:].min() > 0.95


def test_mute_keeps_the_stream_and_takes_the_sound(world):
    (a, media, _), (b, _, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.5)
    media.mute(True)
    world.run(0.5)
    media.mute(False)
    world.run(0.5)
    b.check_stream()
    assert max(b.gaps()) < 0.022
    sound = loud(b.sound(), 8000)
    assert sound[30:45].max() < 10
    assert level(b.sound(), 8000, 500)[-15:].min() > 0.9


# ---- one stream, many sources


def test_the_far_end_hears_one_stream_over_all_switches_of_source(world):
    far = Far(world, PCMU)
    media, _ = leg(world, "phone", PCMU, far)
    random.seed(5)
    for turn in range(10):
        start = random.randrange(1 << 40)  # each source has a clock of its own
        for n in range(20):
            media.write(made(400 + 50 * turn, n, time=start))
            world.run(0.02)
        media.write(Flush())
        world.run(random.random() * 0.15)
    far.check_stream()
    stamps = [p.timestamp for _, p in far.audio]
    span = (stamps[-1] - stamps[0] & 0xFFFFFFFF) / 8000
    assert span == pytest.approx(far.audio[-1][0] - far.audio[0][0], abs=0.05)
    assert max(far.gaps()) < 0.085


def test_another_rate_brings_another_encoder(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far)
    for rate in (8000, 48_000, 16_000):
        for n in range(20):
            media.write(made(440, n, rate=rate))
            world.run(0.02)
        media.write(Flush())
    far.check_stream()
    assert level(far.sound(48_000), 48_000, 440)[10:18].min() > 0.9


# ---- rates


def test_decoding_runs_at_the_highest_rate_that_is_asked_for(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far)
    phone, wide, same = Ear(8000, "PCMU"), Ear(16_000), Ear(48_000, "OPUS")
    media.connect(same)
    media.connect(phone)
    far.talk(500)
    world.run(0.2)
    assert phone.audio[-1].rate == 8000, "who forwards asks for nothing"
    media.connect(wide)
    world.run(0.2)
    assert {phone.audio[-1].rate, wide.audio[-1].rate} == {16_000}
    assert len(wide.audio[-1].samples) == 320
    wide.rate = 48_000
    media.connect(wide)
    world.run(0.1)
    assert wide.audio[-1].rate == 48_000
    assert all(a.samples is b.samples for a, b in zip(phone.audio[-3:], wide.audio[-3:], strict=True)), "decoded once"
    media.disconnect(wide)
    assert isinstance(wide.heard[-1], Flush)
    media.disconnect(wide)
    world.run(0.1)
    assert phone.audio[-1].rate == 8000
    far = Far(world, PCMU)
    media, _ = leg(world, "phone", PCMU, far)
    media.connect(Ear(48_000))
    far.talk(500)
    world.run(0.1)
    assert media._receiver._voice.rate == 8000, "there is no more in it"


def test_what_a_leg_can_make_use_of(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far)
    assert media.rate == 48_000
    media.playback_rate(8000)
    assert media.rate == 8000
    media.playback_rate(48_000)
    media.configure(agreed(OPUS, fmtp={"maxplaybackrate": "16000"}))
    assert media.rate == 16_000
    for format, rate in ((PCMU, 8000), (PCMA, 8000), (G722, 16_000)):
        media.configure(agreed(format))
        assert media.rate == rate


def test_a_new_agreement_changes_the_codec_in_place(world):
    far = Far(world, PCMU)
    media, events = leg(world, "phone", PCMU, far)
    for n in range(10):
        media.write(made(440, n))
        world.run(0.02)
    media.configure(agreed(G722))
    for n in range(10, 20):
        media.write(made(440, n))
        world.run(0.02)
    world.run(0.1)
    heard = [p for _, p in far.heard]
    assert [p.payload_type for p in heard][:2] == [0, 0]
    assert [p.payload_type for p in heard][-1] == 9
    sequences = [p.sequence for p in heard]
    assert all(b - a & 0xFFFF == 1 for a, b in itertools.pairwise(sequences))
    assert [e.encoding for e in events if isinstance(e, Negotiated)] == ["PCMU", "G722"]


# ---- keys


@pytest.mark.parametrize(("one", "other"), [(OPUS, PCMU), (PCMU, OPUS), (PCMU, PCMU)])
def test_keys_go_through_the_bridge(world, one, other):
    (a, _, events), (b, media_b, _) = bridge(world, one, other)
    a.talk(500)
    world.run(0.5)
    a.press("12*#A")
    world.run(2)
    assert b.digits() == "12*#A"
    assert "".join(e.key for e in events if isinstance(e, DigitPressed)) == "12*#A"
    b.check_stream()
    assert level(b.sound(), 8000, 500)[-10:].min() > 0.9, "and the audio goes on"
    assert media_b.stats(0).concealed == 0


def test_keys_are_dialled_and_the_audio_stays_away(world):
    (a, _, _), (b, media, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.5)
    media.send_digits("159D")
    world.run(1.5)
    assert b.digits() == "159D"
    events = [at for at, p in b.heard if p.payload_type == EVENT]
    during = [at for at, _ in b.audio if events[0] < at < events[0] + 0.15]
    assert during == []
    with pytest.raises(ValueError, match="not a DTMF key"):
        media.send_digits("x")


def test_without_telephone_event_keys_are_tones(world):
    (a, _, events), (b, media, _) = bridge(world, OPUS, PCMU, leg_b={"telephone_event": None})
    a.talk(300)
    world.run(0.5)
    media.send_digits("5")
    world.run(0.5)
    sound = b.sound()
    both = level(sound, 8000, 770) + level(sound, 8000, 1336)
    assert (both > 0.8).sum() >= 6
    a.press("8")
    world.run(0.8)
    sound = b.sound()
    both = level(sound, 8000, 852) + level(sound, 8000, 1336)
    assert (both > 0.8).sum() >= 6
    assert DigitPressed("a", "8", pytest.approx(0.16)) in events
    b.check_stream()
    assert level(sound, 8000, 300)[-8:].min() > 0.9


def test_a_key_whose_end_was_lost_comes_up_by_itself(world):
    (a, _, events), (b, _, _) = bridge(world, OPUS, PCMU)
    inward = a.send
    a.send = lambda data: None if data[1] & 0x7F == EVENT and data[13] & 0x80 else inward(data)
    a.talk(500)
    world.run(0.2)
    a.press("7")
    world.run(1.5)
    assert [e.key for e in events if isinstance(e, DigitPressed)] == ["7"]
    assert b.digits() == "7"


# ---- watchdog


def test_first_media_stall_and_return_are_told_once(world):
    far = Far(world, PCMU)
    media, events = leg(world, "phone", PCMU, far)
    world.run(6)
    assert [type(e) for e in events if not isinstance(e, Quality)] == [Negotiated, Stalled]
    far.talk(500)
    world.run(1)
    assert [type(e) for e in events[-2:]] == [FirstMedia, Resumed] or FirstMedia in map(type, events)
    far.pause()
    world.run(7)
    far.talk(500)
    world.run(1)
    kinds = [type(e) for e in events if not isinstance(e, Quality | Negotiated)]
    assert kinds == [Stalled, FirstMedia, Resumed, Stalled, Resumed]
    assert next(e for e in events if isinstance(e, Stalled)).seconds == pytest.approx(5, abs=0.3)


def test_comfort_noise_that_nobody_agreed_on_is_a_sign_of_life(world):
    far = Far(world, PCMU)
    media, events = leg(world, "phone", PCMU, far)
    far.talk(500)
    world.run(1)
    far.pause()
    world.run(7)
    assert isinstance([e for e in events if not isinstance(e, Quality)][-1], Stalled)
    far._packet(b"\x30", 13, far.timestamp, False)
    world.run(0.1)
    assert any(isinstance(e, Resumed) for e in events)


def test_nobody_is_missed_who_need_not_send(world):
    far = Far(world, PCMU)
    media, events = leg(world, "phone", PCMU, far, direction="sendonly")
    world.run(12)
    assert not any(isinstance(e, Stalled) for e in events)
    media.configure(agreed(PCMU))
    world.run(4)
    assert not any(isinstance(e, Stalled) for e in events), "the time begins anew"
    world.run(2)
    assert any(isinstance(e, Stalled) for e in events)


# ---- RTCP


def reports(world, media):
    sent = []
    media._send_rtcp = sent.append
    return sent


def test_reports_begin_in_the_first_seconds_and_tell_the_truth(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far, to_gateway={"loss": 0.2, "seed": 4})
    sent = reports(world, media)
    far.talk(500)
    world.run(1.5)
    first = parse_compound(sent[0])
    assert isinstance(first[0], SenderReport)
    assert first[1] == Sdes(((media.ssrc, media.cname),))
    assert first[0].reports[0].ssrc == far.ssrc
    world.run(18.5)
    assert 9 <= len(sent) <= 16
    told = [parse_compound(data)[0].reports[0].fraction / 256 for data in sent]
    assert np.mean(told) == pytest.approx(0.2, abs=0.07)
    lost = media.stats(world.clock.now())
    assert lost.lost_in == pytest.approx(len(media.networks[0].lost), abs=2)
    assert parse_compound(sent[-1])[0].reports[0].lost == pytest.approx(lost.lost_in, abs=30)


def test_who_only_listens_sends_receiver_reports(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far, direction="recvonly")
    sent = reports(world, media)
    far.talk(500)
    world.run(3)
    assert {type(parse_compound(data)[0]) for data in sent} == {ReceiverReport}


def test_round_trip_loss_and_jitter_come_from_the_other_sides_reports(world):
    far = Far(world, PCMU)
    media, _ = leg(world, "phone", PCMU, far)
    sent = reports(world, media)
    far.talk(500)
    world.run(1.5)
    at, report = world.clock.now(), parse_compound(sent[-1])[0]
    lsr = report.ntp >> 16 & 0xFFFFFFFF
    block = ReportBlock(media.ssrc, 64, 10, 0, 80, lsr, int(0.1 * 65536))
    sent_at = 1000 + (report.ntp / 2**32 - 2_208_988_800 - 1.6e9 - 1000)
    media.receive_rtcp(bytes(ReceiverReport(far.ssrc, (block,))), at + 0.1)
    stats = media.stats(at)
    assert stats.loss_out == 0.25
    assert stats.jitter_out_ms == pytest.approx(10)
    assert stats.rtt_ms == pytest.approx((at - sent_at) * 1000, abs=1)


def test_reported_loss_turns_forward_error_correction_on_and_off(world):
    far = Far(world, OPUS)
    media, _ = leg(world, "browser", OPUS, far)
    block = ReportBlock(media.ssrc, 13, 10, 0, 0, 0, 0)
    for n in range(10):
        media.write(made(440, n))
    assert not media._sender._fec
    media.receive_rtcp(bytes(ReceiverReport(1, (block,))), world.clock.now())
    assert media._sender._fec
    sizes = len(far.audio)
    for n in range(10, 60):
        media.write(made(440, n))
        world.run(0.02)
    assert len(far.audio) > sizes
    for _ in range(40):
        media.receive_rtcp(bytes(ReceiverReport(1, (ReportBlock(media.ssrc, 0, 10, 0, 0, 0, 0),))), 0)
    assert not media._sender._fec
    media.configure(agreed(OPUS, fmtp={}))
    media.receive_rtcp(bytes(ReceiverReport(1, (ReportBlock(media.ssrc, 99, 10, 0, 0, 0, 0),))), 0)
    assert not media._sender._fec, "who does not ask for it has no use for it (RFC 7587 section 6.1)"


async def test_closing_says_goodbye(world):
    far = Far(world, PCMU)
    media, _ = leg(world, "phone", PCMU, far)
    sent = reports(world, media)
    world.run(0.5)
    await media.aclose()
    await media.aclose()
    assert [r for r in parse_compound(sent[-1]) if isinstance(r, Bye)] == [Bye((media.ssrc,))]
    assert len(world.clock) == 0


# ---- nobody can hurt it


def test_garbage_is_counted_and_told_once_a_second(world):
    (a, media, events), (b, _, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.5)
    dice = random.Random(3)
    for _ in range(500):
        media.receive_rtp(dice.randbytes(dice.randrange(60)), world.clock.now())
        media.receive_rtcp(dice.randbytes(dice.randrange(60)), world.clock.now())
        world.run(0.002)
    world.run(1)
    refused = [e for e in events if isinstance(e, Refused)]
    assert {"not RTP", "not RTCP"} <= {e.why for e in refused}
    assert sum(e.count for e in refused if e.why == "not RTCP") == media.refusals["not RTCP"] > 400
    assert max(b.gaps()) < 0.022
    assert level(b.sound(), 8000, 500)[10:].min() > 0.95, "the call does not notice"


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 127))
def test_any_bytes_are_taken(data, payload_type):
    clock = Clock(manual=True)
    media = RtpMedia(
        "x",
        send_rtp=lambda data: None,
        send_rtcp=lambda data: None,
        emit=lambda event: None,
        clock=clock,
        random=random.Random(1).getrandbits,
    )
    media.configure(agreed(OPUS, receive={111: OPUS, 0: PCMU, 9: G722}))
    media.connected()
    ear = Ear()
    media.connect(ear)
    media.receive_rtp(data, 0.0)
    for n in (1, 2, 5):
        media.receive_rtp(header(payload_type, False, n, n * 960, 7) + data, 0.1)
        media.receive_rtp(header(111, False, n + 1, n * 960, 7) + data, 0.1)
    media.receive_rtcp(data, 0.2)
    media.receive_rtcp(b"\x80\xc8" + data, 0.2)
    clock.advance(1)
    for frame in ear.audio:
        assert len(frame.samples) == frame.duration * frame.rate // TICKS


def test_a_stranger_does_not_get_into_a_running_stream(world):
    (a, media, _), (b, _, _) = bridge(world, PCMU, PCMU)
    a.talk(500)
    world.run(0.3)
    for n in range(100):
        media.receive_rtp(header(0, False, n, n * 160, 0xBAD) + b"\x00" * 160, world.clock.now())
        world.run(0.025)
    world.run(0.5)
    assert level(b.sound(), 8000, 500).min() > 0.95
    assert media.refusals["another sender's, or far out of order"] == 100


async def test_a_closed_leg_is_garbage_at_once(world):
    (a, media_a, _), (b, media_b, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.3)
    gc.collect()
    gc.disable()
    try:
        alive = [weakref.ref(x) for x in (media_a, media_b, media_a._receiver, media_b._sender)]
        await media_a.aclose()
        await media_b.aclose()
        media_a.receive_rtp(header(111, False, 1, 1, 1) + b"x" * 20, 0)
        media_a.write(made(400, 0))
        media_a.write(Digit("1", end=False))
        world.networks.clear()
        media_a.networks = media_b.networks = None
        a.send = b.send = None
        del media_a, media_b, a, b, _
        assert [ref() for ref in alive] == [None] * 4
    finally:
        gc.enable()


def test_a_source_that_stutters_loses_nothing(world):
    """A busy machine: nothing for 300 ms, then all at once."""
    (a, _, _), (b, media, _) = bridge(world, OPUS, PCMU)
    a.talk(500)
    world.run(0.5)
    for _ in range(5):
        held = []
        inward, a.send = a.send, held.append
        world.run(0.3)
        a.send = inward
        for data in held:
            inward(data)
        world.run(0.5)
    b.check_stream()
    assert media.stats(0).discarded == 0
    assert level(b.sound(), 8000, 500)[10:].min() > 0.9
