import numpy as np
import pytest

from media.frame import TICKS, Audio, Digit, Flush


class Codec:
    rate = 8000

    def __init__(self):
        self.decoded = []

    def decode(self, frame):
        self.decoded.append(frame)
        return np.full(frame.duration * self.rate // TICKS, len(self.decoded), np.int16)


def test_samples_are_made_when_asked_for_and_once():
    codec = Codec()
    frame = Audio(time=0, duration=960, payload=b"x", encoding="PCMU", decoder=codec)
    assert codec.decoded == []
    first, second = frame.samples, frame.samples
    assert first is second
    assert len(first) == 160
    assert codec.decoded == [frame]
    assert frame.rate == 8000


def test_samples_that_are_there_are_not_made():
    codec = Codec()
    there = np.zeros(160, np.int16)
    assert Audio(time=0, duration=960, decoder=codec, samples=there).samples is there
    assert codec.decoded == []


def test_frames_tell_what_they_are():
    codec = Codec()
    assert repr(Audio(time=5, duration=960, payload=b"xy", encoding="OPUS", decoder=codec)) == "Audio(OPUS 2 B @5 +960)"
    assert repr(Audio(time=5, duration=960, lost=True, decoder=codec)) == "Audio(lost @5 +960)"
    assert repr(Audio(time=5, duration=960, decoder=codec)) == "Audio(samples @5 +960)"


def test_keys_and_flushes_are_values():
    assert Digit("5", end=True, duration=0.1) == Digit("5", end=True, duration=0.1)
    assert Flush() == Flush()
    with pytest.raises(AttributeError):
        Digit("5", end=False).key = "6"
