import itertools

import numpy as np
import pytest

from media.clock import Clock
from media.frame import Audio, Digit, Flush
from media.legs.conference import Mixer
from tests.media.legs.wires import level, loud


class Ear:
    encoding = ""

    def __init__(self, rate=8000):
        self.rate, self.heard = rate, []

    def write(self, frame):
        self.heard.append(frame)

    @property
    def audio(self):
        return [frame for frame in self.heard if isinstance(frame, Audio)]

    def sound(self):
        return np.concatenate([frame.samples for frame in self.audio])


class Made:
    def __init__(self, rate):
        self.rate = rate


def talk(hz, n, rate=8000, ms=20):
    """Frame number n of a tone, `ms` long."""
    place = np.arange(n * rate * ms // 1000, (n + 1) * rate * ms // 1000)
    samples = (6000 * np.sin(2 * np.pi * hz * place / rate)).astype(np.int16)
    return Audio(time=n * ms * 48, duration=ms * 48, decoder=Made(rate), samples=samples)


@pytest.fixture
def clock():
    return Clock(manual=True)


def test_two_talkers_are_heard_at_once(clock):
    ear = Ear()
    mixer = Mixer("a", ear, clock)
    one, two = mixer.input("one"), mixer.input("two")
    assert mixer.input("one") is one
    for n in range(100):
        one.write(talk(500, n))
        two.write(talk(1200, n))
        clock.advance(0.02)
    sound = ear.sound()
    assert len(ear.audio) == 100
    assert (level(sound, 8000, 500)[5:] > 0.4).all()
    assert (level(sound, 8000, 1200)[5:] > 0.4).all()
    assert {b.time - a.time for a, b in itertools.pairwise(ear.audio)} == {960}
    assert str(mixer) == "one + two => a"


def test_sums_bend_and_do_not_wrap(clock):
    ear = Ear()
    mixer = Mixer("a", ear, clock)
    loudest = np.full(160, 30_000, np.int16)
    for n in range(5):
        for name in "xyz":
            mixer.input(name).write(Audio(time=n * 960, duration=960, decoder=Made(8000), samples=loudest))
        clock.advance(0.02)
    assert ear.audio[-1].samples.max() == ear.audio[-1].samples.min() == 32_767


def test_nobody_talking_is_silence_not_nothing(clock):
    ear = Ear()
    Mixer("a", ear, clock)
    clock.advance(1)
    assert len(ear.audio) == 50
    assert loud(ear.sound(), 8000).max() == 0


@pytest.mark.parametrize("ms", [10, 30, 40, 60])
def test_any_packet_time_is_cut_to_the_beat(clock, ms):
    ear = Ear()
    inlet = Mixer("a", ear, clock).input("one")
    n = 0
    for beat in range(200):
        while n * ms < beat * 20:
            inlet.write(talk(500, n, ms=ms))
            n += 1
        clock.advance(0.02)
    assert level(ear.sound(), 8000, 500)[20:].min() > 0.9


def test_each_talker_comes_at_his_own_rate(clock):
    ear = Ear(16_000)
    mixer = Mixer("a", ear, clock)
    for n in range(50):
        mixer.input("one").write(talk(500, n, 8000))
        mixer.input("two").write(talk(900, n, 48_000))
        clock.advance(0.02)
    assert {frame.rate for frame in ear.audio} == {16_000}
    assert {len(frame.samples) for frame in ear.audio} == {320}
    assert (level(ear.sound(), 16_000, 500)[8:] > 0.4).all()
    ear.rate = 8000
    clock.advance(0.1)
    assert len(ear.audio[-1].samples) == 160


def test_jitter_lengthens_the_queue_until_it_is_not_heard(clock):
    ear = Ear()
    inlet = Mixer("a", ear, clock).input("one")
    for burst in range(100):  # three frames at a time
        for n in range(3):
            inlet.write(talk(500, burst * 3 + n))
        clock.advance(0.06)
    assert level(ear.sound(), 8000, 500)[30:].min() > 0.9


def test_keys_pass_and_a_flush_empties_one_talkers_queue(clock):
    ear = Ear()
    mixer = Mixer("a", ear, clock)
    one, two = mixer.input("one"), mixer.input("two")
    for n in range(5):
        one.write(talk(500, n))
        two.write(talk(1200, n))
    one.write(Flush())
    one.write(Digit("5", end=False))
    assert ear.heard == [Digit("5", end=False)]
    clock.advance(0.1)
    ear.heard.pop(0)
    sound = ear.sound()
    assert level(sound, 8000, 1200).max() > 0.9
    assert level(sound, 8000, 500).max() < 0.1


def test_a_closed_mixer_beats_no_more(clock):
    ear = Ear()
    mixer = Mixer("a", ear, clock)
    mixer.input("one")
    mixer.drop("one")
    mixer.drop("nobody")
    mixer.close()
    clock.advance(1)
    assert ear.heard == [Flush()]
    assert len(clock) == 0
