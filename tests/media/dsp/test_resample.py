import itertools

import numpy as np
import pytest

from media.dsp.resample import Resampler

RATES = (8000, 16000, 48000)


def sine(frequency, rate, seconds=0.5, size=10_000):
    return np.rint(size * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def power(samples, frequency, rate):
    """Amplitude at one frequency."""
    turn = np.exp(-2j * np.pi * frequency * np.arange(len(samples)) / rate)
    return 2 * abs(np.dot(samples * np.hanning(len(samples)) * 2, turn)) / len(samples)


@pytest.mark.parametrize(("there", "back"), list(itertools.product(RATES, RATES)))
def test_every_call_gives_its_exact_share(there, back):
    resample = Resampler(there, back)
    for milliseconds in (20, 20, 10, 60, 2.5, 20):
        n = int(there * milliseconds / 1000)
        made = resample(np.zeros(n, np.int16))
        assert made.dtype == np.int16
        assert len(made) == n * back // there


@pytest.mark.parametrize(
    ("there", "back"), [(8000, 16000), (8000, 48000), (16000, 8000), (48000, 8000), (48000, 16000)]
)
@pytest.mark.parametrize("frequency", [300, 1000, 3000])
def test_speech_passes_at_its_level_and_frame_borders_do_not_show(there, back, frequency):
    resample = Resampler(there, back)
    tone = sine(frequency, there)
    made = np.concatenate([resample(tone[i : i + there // 50]) for i in range(0, len(tone), there // 50)])
    whole = Resampler(there, back)(tone)
    assert np.array_equal(made, whole)
    assert power(made[back // 10 :], frequency, back) == pytest.approx(10_000, rel=0.02)


@pytest.mark.parametrize("there", [16000, 48000])
def test_what_a_phone_cannot_carry_is_gone(there):
    made = Resampler(there, 8000)(sine(5000, there))[400:]
    assert np.abs(made).max() < 20


@pytest.mark.parametrize("back", [16000, 48000])
def test_no_images_above(back):
    made = Resampler(8000, back)(sine(1000, 8000))[400:]
    assert power(made, 7000, back) < 10


def test_odd_pieces_add_up():
    tone = sine(700, 48000, 0.1)
    resample, made, at = Resampler(48000, 8000), [], 0
    for n in itertools.cycle((7, 1, 0, 100, 5)):
        made.append(resample(tone[at : at + n]))
        at += n
        if at >= len(tone):
            break
    assert np.array_equal(np.concatenate(made), Resampler(48000, 8000)(tone))


def test_loud_signals_saturate():
    square = np.repeat(np.array([32767, -32768] * 40, np.int16), 10)
    made = Resampler(8000, 16000)(square)
    assert made.max() > 30_000
    assert np.abs(np.diff(made.astype(int))).max() < 65_536


def test_delay_is_constant_and_known():
    assert Resampler(8000, 8000).delay == 0
    click = np.zeros(800, np.int16)
    click[400] = 20_000
    made = Resampler(8000, 48000)(click)
    assert np.argmax(made) / 48000 - 400 / 8000 == pytest.approx(Resampler(8000, 48000).delay, abs=0.0002)


def test_other_ratios_are_refused():
    with pytest.raises(ValueError, match="44100"):
        Resampler(44100, 48000)
    with pytest.raises(ValueError):
        Resampler(0, 8000)


def test_reset_forgets():
    resample = Resampler(8000, 16000)
    resample(sine(500, 8000))
    resample.reset()
    assert not resample(np.zeros(160, np.int16)).any()
