import numpy as np
import pytest

from media.dsp.conceal import Conceal
from tests.media.codecs.speech import frames, likeness

RATES = (8000, 16000)


def voice(rate, seconds=0.4, pitch=125):
    time = np.arange(int(rate * seconds)) / rate
    return np.rint(sum(np.sin(2 * np.pi * pitch * k * time + k) / k for k in range(1, 20)) * 4000).astype(np.int16)


def heard(rate, samples):
    conceal = Conceal(rate)
    for frame in frames(samples, rate // 50):
        assert conceal.good(frame) is frame
    return conceal


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pitch", [80, 100, 125, 180])
def test_a_voice_goes_on_at_its_pitch(rate, pitch):
    samples = voice(rate, pitch=pitch)
    n = rate // 50
    made = heard(rate, samples[: 15 * n]).lost(n)
    assert len(made) == n
    assert likeness(made, samples[15 * n : 16 * n], 0) > 0.9


@pytest.mark.parametrize("rate", RATES)
def test_it_fades_and_is_silent_after_110_ms(rate):
    conceal = heard(rate, voice(rate))
    n = rate // 100
    sizes = [float(np.abs(conceal.lost(n).astype(float)).mean()) for _ in range(14)]
    assert sizes[1] > sizes[4] > sizes[7] > sizes[10]
    assert sizes[12] == sizes[13] == 0


def test_the_joins_do_not_click():
    rate = 8000
    samples = voice(rate, pitch=97)
    conceal = heard(rate, samples[:1600])
    out = np.concatenate([samples[:1600], conceal.lost(160), conceal.lost(160), conceal.good(samples[1920:2080])])
    steepest = np.abs(np.diff(samples.astype(int))).max()
    assert np.abs(np.diff(out.astype(int)))[1500:].max() < 1.6 * steepest


def test_the_frame_after_a_hole_is_faded_in_and_its_end_is_itself():
    samples = voice(8000)
    conceal = heard(8000, samples[:1600])
    conceal.lost(160)
    back = samples[1760:1920]
    joined = conceal.good(back)
    assert joined is not back
    assert np.array_equal(joined[80:], back[80:])
    assert conceal.good(samples[1920:2080]) is not None


def test_without_anything_heard_there_is_silence():
    conceal = Conceal()
    assert not conceal.lost(160).any()
    assert len(conceal.lost(0)) == 0
    assert len(conceal.good(np.zeros(0, np.int16))) == 0


@pytest.mark.parametrize("size", [20, 40, 80, 240, 480])
def test_any_frame_length(size):
    samples = voice(8000)
    conceal = Conceal()
    for frame in frames(samples[:1920], size):
        conceal.good(frame)
    assert likeness(conceal.lost(size)[:160], samples[1920 : 1920 + size][:160], 0) > 0.85


def test_the_loudest_does_not_wrap():
    conceal = Conceal()
    for _ in range(5):
        conceal.good(np.tile(np.array([32767] * 30 + [-32768] * 30, np.int16), 3))
    made = np.concatenate([conceal.lost(160), conceal.good(np.full(160, 32767, np.int16))])
    assert made.min() >= -32768
    conceal.reset()
    assert not conceal.lost(160).any()
