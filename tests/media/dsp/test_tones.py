import numpy as np
import pytest

from media.dsp.levels import level
from media.dsp.tones import KEYS, TONES, Generator, dtmf, tone

RATES = (8000, 16000, 48000)


def play(what, rate, seconds, n=None):
    generator = Generator(what, rate)
    n = n or rate // 50
    return np.concatenate([generator.next(n) for _ in range(int(seconds * rate) // n)])


def loudest(samples, rate, count):
    """The `count` strongest frequencies, Hz, to 10 Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    found = []
    for _ in range(count):
        at = int(np.argmax(spectrum))
        found.append(at * rate / len(samples))
        spectrum[max(0, at - 4) : at + 5] = 0
    return sorted(found)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("name", "frequencies", "on", "off"),
    [
        ("ringback", [425], 1.0, 4.0),
        ("busy", [425], 0.5, 0.5),
        ("congestion", [425], 0.25, 0.25),
        ("us:ringback", [440, 480], 2.0, 4.0),
        ("us:busy", [480, 620], 0.5, 0.5),
        ("uk:busy", [400], 0.375, 0.375),
    ],
)
def test_rhythm_and_pitch(rate, name, frequencies, on, off):
    made = play(tone(name), rate, on + off + on)
    assert loudest(made[: int(on * rate)], rate, len(frequencies)) == pytest.approx(frequencies, abs=5)
    assert level(made[: int(on * rate)]) == pytest.approx(-16, abs=0.4)
    assert not made[int(on * rate) : int((on + off) * rate)].any()
    again = made[int((on + off) * rate) :]
    assert np.array_equal(made[: len(again)], again)


@pytest.mark.parametrize("rate", RATES)
def test_phase_runs_on_whatever_the_frames(rate):
    one = play(tone("dial"), rate, 0.6, rate // 50)
    other = play(tone("dial"), rate, 0.6, 37)
    assert np.array_equal(one[: len(other)], other[: len(one)])
    step = 2 * np.pi * 425 / rate * 32767 * 10 ** (-16 / 20) * np.sqrt(2)
    assert np.abs(np.diff(one.astype(int))).max() <= step + 2


def test_special_information_tone_ends_by_itself():
    generator = Generator(tone("sit"), 8000)
    made = generator.next(8000 * 5)
    assert len(made) == round(2.05 * 8000)
    assert generator.done
    assert len(generator.next(160)) == 0
    for start, frequency in ((0, 950), (0.36, 1400), (0.72, 1800)):
        at = int(start * 8000)
        assert loudest(made[at : at + 2400], 8000, 1) == pytest.approx([frequency], abs=5)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_its_two_tones(key):
    rows = {k: (697, 770, 852, 941)[i // 4] for i, k in enumerate(KEYS)}
    columns = {k: (1209, 1336, 1477, 1633)[i % 4] for i, k in enumerate(KEYS)}
    made = Generator(dtmf(key), 8000).next(1280)
    assert loudest(made, 8000, 2) == pytest.approx([rows[key], columns[key]], abs=8)
    assert np.abs(made.astype(int)).max() < 32767


def test_several_keys_with_pauses():
    made = Generator(tone("dtmf:12#"), 8000).next(99999)
    assert len(made) == 3 * round(0.24 * 8000)
    assert not made[1280:1920].any()


def test_loop_repeats_what_ends():
    generator = Generator(tone("beep"), 8000, loop=True)
    assert len(generator.next(5000)) == 5000
    assert not generator.done


def test_hz():
    assert loudest(play(tone("hz:440"), 8000, 1), 8000, 1) == pytest.approx([440], abs=1)
    assert loudest(play(tone("hz:440,1000"), 8000, 1), 8000, 2) == pytest.approx([440, 1000], abs=1)


@pytest.mark.parametrize(
    "name", ["", "nothing", "xx:busy", "us:", "hz:", "hz:loud", "hz:9000", "hz:nan", "dtmf:", "dtmf:x"]
)
def test_what_there_is_not_is_refused_in_words(name):
    with pytest.raises(ValueError, match=r"use|give"):
        tone(name)


def test_every_country_has_every_tone():
    assert {frozenset(tones) for tones in TONES.values()} == {frozenset(TONES["itu"])}
    for tones in TONES.values():
        for each in tones.values():
            assert len(Generator(each, 8000).next(160)) == 160
