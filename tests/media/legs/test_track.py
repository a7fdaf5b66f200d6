"""Positions are samples at 8 kHz: 160 to a frame, 20 ms."""

import numpy as np
import pytest

from media.legs.track import Track

N = 160
TICKS = 960


def frame(value=1000, n=N):
    return np.full(n, value, np.int16)


class Talker:
    """A source of numbered frames: each says its own number, so that its place can be read off the recording."""

    def __init__(self, track=None, time=7_000_000):
        self.track = track or Track(8000)
        self.time = time
        self.number = 400

    def say(self, now, value=None):
        self.number += 1
        self.track.write(round(now), self.time, frame(self.number if value is None else value))
        self.time += TICKS

    def place_of(self, number, sound):
        return int(np.flatnonzero(sound == number)[0])


def test_frames_follow_each_other_whatever_their_jitter():
    talker = Talker()
    random = np.random.default_rng(1)
    for i in range(100):
        talker.say(800 + i * N + random.integers(0, 320))
    sound = talker.track.take(800 + 100 * N)
    start = talker.place_of(401, sound)
    assert 800 <= start < 800 + 320
    assert [talker.place_of(401 + i, sound) - start for i in range(90)] == [i * N for i in range(90)]
    assert not sound[:start].any()


def test_a_gap_in_time_is_that_much_silence():
    talker = Talker()
    talker.say(0)
    talker.time += 5 * TICKS
    talker.say(6 * N)
    sound = talker.track.take(10 * N)
    assert np.flatnonzero(sound).tolist() == [*range(N), *range(6 * N, 7 * N)]


def test_a_burst_after_a_stall_ends_up_where_it_was_spoken():
    talker = Talker()
    for i in range(50):
        talker.say(i * N)
    for _ in range(20):  # 400 ms of packets, all at once
        talker.say(70 * N)
    for i in range(70, 100):
        talker.say(i * N)
    sound = talker.track.take(100 * N)
    assert [talker.place_of(401 + i, sound) for i in range(100)] == [i * N for i in range(100)]
    assert talker.track.corrections == 0


@pytest.mark.parametrize("pause", [0.1, 0.5, 0.9, 1.5, 60.0])
def test_a_pause_without_time_passing_ends_up_as_silence(pause):
    talker = Talker()
    for i in range(50):
        talker.say(i * N)
    later = int(pause * 8000)
    for i in range(50, 100):
        talker.say(i * N + later)
    sound = talker.track.take(100 * N + later)
    places = [talker.place_of(401 + i, sound) for i in range(100)]
    assert places == [i * N for i in range(50)] + [i * N + later for i in range(50, 100)]
    assert not sound[50 * N : 50 * N + later].any()


def test_another_source_is_placed_by_its_arrival():
    track = Track(8000)
    Talker(track).say(0, 500)
    for i, time in ((1, 0), (2, 10**12), (3, 7_000_000), (4, 3_000)):
        Talker(track, time).say(i * N, 501 + i)
    assert [int(value) for value in track.take(5 * N)[::N]] == [500, 502, 503, 504, 505]
    near = Talker(track, 3_000 + TICKS + 1)
    track.restart()
    near.say(6 * N)
    assert np.flatnonzero(track.take(8 * N)).tolist() == list(range(N, 2 * N))


def test_time_that_runs_back_never_overwrites():
    track = Track(8000)
    talker = Talker(track, 10 * TICKS)
    talker.say(0, 500)
    talker.time = 9 * TICKS
    talker.say(N, 501)
    sound = track.take(3 * N)
    assert [int(value) for value in sound[:: N // 2]] == [500, 500, 501, 501, 0, 0]


@pytest.mark.parametrize("parts_per_million", [-2000, -300, 300, 2000])
def test_drifting_clocks_are_corrected_in_the_pauses(parts_per_million):
    """Two minutes of talk, one second on, half a second off: never over 80 ms away, and no word loses a frame."""
    talker = Talker()
    worst = lost = 0
    for i in range(6000):
        now = i * N * (1 + parts_per_million / 1e6)
        talker.say(now, 3000 if i % 75 < 50 else 10)
        worst = max(worst, abs(now + N - talker.track.end))
        if i % 50 == 49 and now > 16_000:
            sound = talker.track.take(round(now) - 8000)
            lost += bool(len(sound) == 0)
    assert worst < 0.08 * 8000
    assert lost == 0
    assert talker.track.corrections <= 120 * abs(parts_per_million) / 1e6 / 0.02 + 2


def test_talk_without_a_pause_is_corrected_before_it_is_200_ms_off():
    for sign in (-1, 1):
        talker = Talker()
        for i in range(3000):
            now = i * N * (1 + sign * 0.01)
            talker.say(now, 3000)
            assert abs(now + N - talker.track.end) <= 0.23 * 8000
            if i % 50 == 49:
                talker.track.take(round(now) - 8000)


def test_a_first_frame_that_was_late_does_not_delay_all_that_follow():
    talker = Talker()
    talker.say(800, 5)
    for i in range(1, 60):
        talker.say(i * N, 5)
    assert talker.track.end - 60 * N <= 0.05 * 8000 + N


def test_what_has_been_handed_out_is_never_touched_again():
    talker = Talker()
    talker.say(0)
    assert len(talker.track.take(8000)) == 8000
    assert len(talker.track.take(8000)) == 0
    assert len(talker.track.take(0)) == 0
    for _ in range(3):
        talker.say(8100)  # belongs to what has been taken, at least in part
    assert len(talker.track.take(16000)) == 8000


@pytest.mark.parametrize("seed", range(20))
def test_nothing_a_source_does_can_break_it(seed):
    random = np.random.default_rng(seed)
    track, now, taken = Track(8000), 0, 0
    for _ in range(400):
        now += int(random.choice([0, 1, 160, 160, 160, 5000]))
        time = int(random.choice([0, now * 6, now * 6 - 3000, 2**60, random.integers(0, 10**7)]))
        track.write(now, time, frame(int(random.integers(-32768, 32767)), int(random.choice([0, 1, 160, 960]))))
        if random.random() < 0.1:
            got = track.take(max(now - 8000, 0))
            taken += len(got)
            assert taken >= now - 8000
        assert track.end <= now + 8000 * 2
