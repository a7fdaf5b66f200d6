"""The proof itself is proven: a hole of 80 ms is found, 20 ms passes, another tone is not taken for this one."""

import numpy as np

from tests.kit.tones import hear, loudest

RATE = 8000


def tone(hz, seconds):
    return (np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE) * 8000).astype(np.int16)


def test_a_whole_tone_has_no_gap():
    heard = hear(tone(620, 3), RATE, 620)
    assert heard.onset == 0
    assert heard.longest_gap == 0
    assert heard.share == 1


def test_a_hole_is_measured():
    pcm = tone(620, 3)
    pcm[8000 : 8000 + 640] = 0
    assert 0.05 <= hear(pcm, RATE, 620).longest_gap <= 0.11


def test_a_late_start_is_measured():
    pcm = np.concatenate([np.zeros(4000, np.int16), tone(620, 1)])
    assert abs(hear(pcm, RATE, 620).onset - 0.5) <= 0.02


def test_another_tone_is_not_heard():
    assert hear(tone(700, 2), RATE, 620).onset is None
    assert abs(loudest(tone(700, 2), RATE) - 700) < 2
