"""Opus as calls use it, through every way of reaching it: the wheel's libopus, the system's, PyAV's codec."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import opus_packet
from media.codecs.opus import OpusDecoder, OpusEncoder
from media.codecs.opus_library import describe, library
from media.codecs.opus_pyav import PyavOpusDecoder, PyavOpusEncoder
from tests.media.codecs.speech import frames, likeness, snr, speech

WHEEL = library("wheel")
SYSTEM = library("system")
needs_wheel = pytest.mark.skipif(WHEEL is None, reason="PyAV was built without its own libopus here")
WAYS = [
    pytest.param("wheel", marks=needs_wheel),
    pytest.param("system", marks=pytest.mark.skipif(SYSTEM is None, reason="no libopus on this system")),
    "pyav",
]
LIBRARIES = WAYS[:2]


def pair(way, rate, **settings):
    if way == "pyav":
        return PyavOpusEncoder(rate, **settings), PyavOpusDecoder(rate)
    return OpusEncoder(library(way), rate, **settings), OpusDecoder(library(way), rate)


def lbrr_share(packets):
    return np.mean([opus_packet.has_lbrr(packet) for packet in packets])


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("way", WAYS)
def test_round_trip(way, rate):
    there, back = pair(way, rate)
    voice = speech(rate)
    heard = np.concatenate([back.decode(there.encode(frame)) for frame in frames(voice, rate // 50)])
    assert len(heard) == len(voice)
    assert likeness(voice[rate // 2 :: 2], np.roll(heard, -rate * 13 // 2000)[rate // 2 :: 2], rate // 400) > 0.75
    assert back.errors == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("milliseconds", [2.5, 5, 10, 20, 30, 40, 50, 60, 80, 90, 100, 110, 120])
def test_every_frame_length(way, milliseconds):
    there, back = pair(way, 8000)
    n = int(8 * milliseconds)
    for frame in frames(speech(8000, 1), n)[:5]:
        packet = there.encode(frame)
        assert back.duration(packet) == opus_packet.ticks(packet) == 6 * n
        assert len(back.decode(packet)) == n
    assert back.errors == 0


@pytest.mark.parametrize("way", WAYS)
def test_lengths_that_opus_does_not_know_are_filled_or_cut(way):
    there, back = pair(way, 8000)
    voice = speech(8000)
    assert back.duration(there.encode(voice[:161])) == 1080
    assert back.duration(there.encode(voice[:1400])) == opus_packet.MAX_TICKS
    assert there.encode(voice[:0]) == b""


@needs_wheel
@pytest.mark.parametrize(("rate", "bitrate"), [(8000, 24_000), (16000, 32_000)])
def test_what_our_sdp_asks_for_carries_error_correction_at_5_percent_loss(rate, bitrate):
    there, _ = pair("wheel", rate, bitrate=bitrate, complexity=5, fec=True, loss_percent=5)
    packets = [there.encode(frame) for frame in frames(speech(rate), rate // 50)]
    assert lbrr_share(packets) > 0.5
    plain, _ = pair("wheel", rate, bitrate=bitrate)
    assert lbrr_share([plain.encode(frame) for frame in frames(speech(rate), rate // 50)]) == 0


@needs_wheel
@pytest.mark.parametrize("rate", [8000, 16000])
def test_our_own_settings_under_loss_carry_it_too(rate):
    there, _ = pair("wheel", rate)
    there.configure(fec=True, loss_percent=5)
    packets = [there.encode(frame) for frame in frames(speech(rate), rate // 50)]
    assert lbrr_share(packets) > 0.5


@needs_wheel
def test_16_kbit_is_a_dead_letter():
    """Why we ask for 24000: below it libopus leaves error correction out, whatever the SDP says."""
    there, _ = pair("wheel", 8000, bitrate=16_000, fec=True, loss_percent=5, complexity=9)
    assert lbrr_share([there.encode(frame) for frame in frames(speech(8000), 160)]) == 0


@pytest.mark.parametrize("way", LIBRARIES)
def test_recovered_frames_are_the_lost_ones_and_concealed_ones_better_than_silence(way):
    voice = speech(8000, 4)
    there, back = pair(way, 8000, bitrate=24_000, fec=True, loss_percent=10)
    packets = [there.encode(frame) for frame in frames(voice, 160)]
    whole = [back.decode(packet) for packet in packets]
    recovered, concealed = [], []
    for lost in range(10, len(packets) - 1, 7):
        if not opus_packet.has_lbrr(packets[lost + 1]) or np.abs(whole[lost]).max() < 3000:
            continue
        for made, fec in ((recovered, True), (concealed, False)):
            mine = OpusDecoder(library(way), 8000)
            for packet in packets[:lost]:
                mine.decode(packet)
            frame = mine.recover(packets[lost + 1], 160) if fec else mine.conceal(160)
            assert frame is not None
            assert len(frame) == 160
            made.append((likeness(whole[lost], frame), np.abs(frame).max()))
    assert len(recovered) > 5
    assert np.mean([like for like, _ in recovered]) > 0.9
    assert np.mean([like for like, _ in concealed]) > 0.4
    assert min(peak for _, peak in concealed) > 300


@pytest.mark.parametrize("way", LIBRARIES)
def test_nothing_is_recovered_from_a_packet_without_a_copy(way):
    there, back = pair(way, 8000)
    packets = [there.encode(frame) for frame in frames(speech(8000, 0.5), 160)]
    assert {back.recover(packet, 160) is None for packet in packets} == {True}
    assert back.recover(b"", 160) is None
    assert back.recover(packets[0], 160 * 10) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [1, 20, 160, 161, 480, 3000])
def test_conceal_makes_any_number_of_samples(way, n):
    there, back = pair(way, 8000)
    for frame in frames(speech(8000, 0.4), 160):
        back.decode(there.encode(frame))
    assert len(back.conceal(n)) == n


@pytest.mark.parametrize("way", WAYS)
def test_packets_of_a_talker_who_is_silent(way):
    """Discontinuous transmission: empty, only the first byte, or that and one more."""
    there, back = pair(way, 8000)
    packet = there.encode(speech(8000)[:160])
    back.decode(packet)
    for quiet in (b"", packet[:1], packet[:1] + b"\x00"):
        assert back.duration(quiet) == 960
        assert len(back.decode(quiet)) == 160


@pytest.mark.parametrize("way", WAYS)
def test_stereo_is_mixed_down(way):
    import av
    from av.audio.frame import AudioFrame

    sender = av.CodecContext.create("libopus", "w")
    sender.sample_rate, sender.layout, sender.format = 48000, "stereo", "s16"
    sender.open()
    voice = speech(48000)
    _, back = pair(way, 8000)
    heard = []
    for part in frames(voice, 960):
        frame = AudioFrame.from_ndarray(np.repeat(part, 2)[None, :], "s16", "stereo")
        frame.sample_rate = 48000
        heard += [back.decode(bytes(packet)) for packet in sender.encode(frame)]
    assert len(np.concatenate(heard)) >= 8000
    assert back.errors == 0
    assert snr(speech(8000), np.concatenate(heard), 400) > 3


@pytest.mark.parametrize("way", WAYS)
def test_damaged_packets_are_concealed_and_counted(way):
    there, back = pair(way, 8000)
    packets = [there.encode(frame) for frame in frames(speech(8000, 0.5), 160)]
    for packet in packets:
        back.decode(packet)
    for broken in (b"\xff\xff\xff", packets[3][:1] + b"\x83", bytes((packets[3][0] | 3,)), b"\x03\x3f\x00"):
        n = back.duration(broken) // 6
        assert len(back.decode(broken)) == n
    assert back.errors > 0
    assert len(back.decode(packets[5])) == 160


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["wheel", "pyav"]))
def test_any_bytes_are_sound(payload, way):
    if way == "wheel" and WHEEL is None:
        return
    back = OpusDecoder(library(way), 8000) if way == "wheel" else PyavOpusDecoder(8000)
    ticks = back.duration(payload)
    assert 0 < ticks <= opus_packet.MAX_TICKS
    assert len(back.decode(payload)) == ticks // 6
    back.recover(payload, 160)


@needs_wheel
@settings(derandomize=True, max_examples=500, deadline=None)
@given(st.binary(min_size=1, max_size=60))
def test_our_reading_of_a_packet_agrees_with_libopus(packet):
    theirs = WHEEL.packet_samples(packet, len(packet), 48000)
    assert opus_packet.ticks(packet) == (theirs if 0 < theirs <= opus_packet.MAX_TICKS else None)
    opus_packet.has_lbrr(packet)


@needs_wheel
@pytest.mark.parametrize("milliseconds", [10, 20, 40, 60])
def test_our_reading_of_real_packets_agrees_with_libopus(milliseconds):
    there, _ = pair("wheel", 16000, bitrate=40_000, fec=True, loss_percent=20)
    packets = [there.encode(frame) for frame in frames(speech(16000), 16 * milliseconds)]
    theirs = [WHEEL.has_lbrr(packet) for packet in packets]
    assert [opus_packet.has_lbrr(packet) for packet in packets] == theirs
    assert any(theirs)


@pytest.mark.parametrize("way", WAYS)
def test_bit_rate_can_be_changed_while_it_runs(way):
    there, _ = pair(way, 8000)
    voice = frames(speech(8000), 160)

    def size() -> int:
        return sum(len(there.encode(frame)) for frame in voice)

    size()
    normal = size()
    there.configure(bitrate=10_000)
    assert size() < normal * 0.7
    there.configure(bitrate=999_999_999, complexity=99, loss_percent=-3)
    assert size() > normal
    there.reset()


@needs_wheel
def test_the_first_that_works_serves(monkeypatch):
    library.cache_clear()
    monkeypatch.setenv("TANDEM_OPUS", "")
    assert library().path == WHEEL.path
    assert WHEEL.version in describe()
    library.cache_clear()


def test_none_serves_when_told_so_or_when_it_is_no_library(monkeypatch, tmp_path):
    from media.codecs import decoder, encoder

    (tmp_path / "libopus.so").write_bytes(b"not a library")
    for where in ("pyav", str(tmp_path / "libopus.so"), str(tmp_path / "missing.so")):
        library.cache_clear()
        monkeypatch.setenv("TANDEM_OPUS", where)
        assert "none" in describe()
        assert isinstance(encoder("OPUS", 8000), PyavOpusEncoder)
        assert isinstance(decoder("OPUS", 8000), PyavOpusDecoder)
    library.cache_clear()
