import numpy as np
import pytest

from media.codecs import decoder, encoder
from tests.media.codecs.speech import frames, snr, speech


def test_round_trip_keeps_speech():
    voice = speech(16000)
    there, back = encoder("G722", 16000), decoder("G722", 16000)
    heard = np.concatenate([back.decode(there.encode(frame)) for frame in frames(voice, 320)])
    assert len(heard) == len(voice)
    assert snr(voice, heard, 40) > 20


@pytest.mark.parametrize("milliseconds", [10, 20, 30, 40, 60])
def test_any_packet_time(milliseconds):
    there, back = encoder("G722", 16000), decoder("G722", 16000)
    voice = speech(16000, 0.6)
    for frame in frames(voice, 16 * milliseconds):
        payload = there.encode(frame)
        assert len(payload) == 8 * milliseconds
        assert back.duration(payload) == 48 * milliseconds
        assert len(back.decode(payload)) == len(frame)


def test_packet_time_may_change_in_mid_stream():
    there = encoder("G722", 16000)
    silence = np.zeros(960, np.int16)
    assert [len(there.encode(silence[:n])) for n in (320, 320, 480, 160, 320)] == [160, 160, 240, 80, 160]
    assert there.encode(silence[:0]) == b""


def test_a_lost_frame_is_concealed_at_16_khz():
    voice = speech(16000)[8000:]
    there, back = encoder("G722", 16000), decoder("G722", 16000)
    for frame in frames(voice, 320)[:10]:
        back.decode(there.encode(frame))
    made = back.conceal(320)
    assert len(made) == 320
    assert np.abs(made).max() > 500
    silent = [back.conceal(320) for _ in range(10)][-1]
    assert not silent.any()


def test_any_bytes_are_sound():
    back = decoder("G722", 16000)
    random = np.random.default_rng(3)
    for n in (1, 2, 159, 160, 1400, 0):
        payload = random.bytes(n)
        assert len(back.decode(payload)) == 2 * n
    assert back.recover(b"\x00" * 160, 320) is None


def test_the_narrow_wire_gets_a_resampler():
    voice = speech(8000)
    there, back = encoder("G722", 8000), decoder("G722", 8000)
    heard = np.concatenate([back.decode(there.encode(frame)) for frame in frames(voice, 160)])
    assert len(heard) == len(voice)
    assert snr(voice, heard, 60) > 12
    assert len(back.conceal(160)) == 160
