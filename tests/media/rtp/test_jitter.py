import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.rtp.jitter import MOST, WINDOW, JitterBuffer


def play(arrivals, seconds, *, step=WINDOW, quiet=lambda n: False, buffer=None):
    """Run frames (number, arrival) against a 20 ms beat; per beat returns [(number, start, at, ticks)]."""
    buffer = buffer or JitterBuffer()
    waiting = sorted((arrival, number) for number, arrival in arrivals)
    heard = []
    for beat in range(int(seconds * 50)):
        now = beat * 0.02
        while waiting and waiting[0][0] <= now:
            arrival, number = waiting.pop(0)
            buffer.push(number * step, step, number, arrival, quiet(number))
        heard.append([(p.item, p.start, p.at, p.ticks) for p in buffer.pull(now)])
    return buffer, heard


def numbers(heard):
    """Frames in the order they were first heard."""
    return list(dict.fromkeys(number for pieces in heard for number, *_ in pieces))


def test_steady_frames_come_out_whole_and_soon():
    buffer, heard = play([(n, n * 0.02 + 0.05) for n in range(100)], 3)
    assert numbers(heard) == list(range(100))
    assert sum(ticks for pieces in heard for *_, ticks in pieces) == 100 * WINDOW
    first = next(i for i, pieces in enumerate(heard) if pieces)
    assert first * 0.02 <= 0.05 + 0.06
    assert (buffer.late, buffer.dropped, buffer.inserted) == (0, 0, 0)


@pytest.mark.parametrize("milliseconds", [10, 20, 30, 40, 60])
def test_frames_of_any_length_fill_the_windows(milliseconds):
    step = WINDOW * milliseconds // 20
    _, heard = play([(n, (n + 1) * milliseconds / 1000) for n in range(50)], 4, step=step)
    assert sum(ticks for pieces in heard for *_, ticks in pieces) == 50 * step
    for pieces in heard:
        assert all(at >= 0 and at + ticks <= WINDOW and start + ticks <= step for _, start, at, ticks in pieces)


def test_jitter_is_waited_out_after_a_while():
    rng = random.Random(1)
    arrivals = [(n, n * 0.02 + rng.random() * 0.08) for n in range(1500)]
    buffer, heard = play(arrivals, 31, quiet=lambda n: n % 100 < 30)
    assert 0.06 < buffer.delay / 48000 < 0.11
    got = [n for n in numbers(heard) if n >= 300]
    assert len(got) > 0.96 * 1200
    assert got == sorted(got)


def test_the_delay_shrinks_again():
    rng = random.Random(2)
    arrivals = [(n, n * 0.02 + rng.random() * (0.1 if n < 500 else 0.001)) for n in range(2000)]
    buffer, _ = play(arrivals, 40, quiet=lambda n: n % 100 < 30)
    assert buffer.delay <= 2 * WINDOW


def test_reordered_frames_come_out_in_order_and_doubled_ones_once():
    arrivals = [(n, n * 0.02 + (0.025 if n % 10 == 3 else 0)) for n in range(100)]
    buffer, heard = play(arrivals + [(50, 1.001)], 3)
    assert numbers(heard) == sorted(numbers(heard))
    assert buffer.late >= 1
    assert sum(ticks for pieces in heard for *_, ticks in pieces) <= 100 * WINDOW


def test_a_lost_frame_is_a_hole_of_its_length():
    _, heard = play([(n, n * 0.02) for n in range(100) if n != 50], 3)
    assert sum(ticks for pieces in heard for *_, ticks in pieces) == 99 * WINDOW
    spoken = [i for i, pieces in enumerate(heard) if pieces]
    assert spoken[-1] - spoken[0] in (99, 100)


@pytest.mark.parametrize("drift", [300e-6, -300e-6])
def test_drift_is_taken_out_where_it_is_quiet(drift):
    """A clock 300 ppm off for ten minutes is nine windows off: made good in pauses, no word lost."""
    arrivals = [(n, n * 0.02 * (1 + drift)) for n in range(30_000)]
    quiet = lambda n: n % 250 < 50  # noqa: E731
    buffer, heard = play(arrivals, 601, quiet=quiet)
    lost = [n for n in sorted(set(range(29_900)) - set(numbers(heard))) if not quiet(n)]
    assert len(lost) <= 2
    assert buffer.dropped + buffer.inserted < 40
    assert len(buffer._queue) < 8


def test_after_a_pause_the_play_out_point_is_where_it_should_be():
    arrivals = [(n, n * 0.02) for n in range(50)] + [(n, n * 0.02) for n in range(500, 550)]
    buffer, heard = play(arrivals, 12)
    assert numbers(heard) == [*range(50), *range(500, 550)]
    assert (buffer.late, buffer.dropped, buffer.inserted) == (0, 0, 0)


def test_another_stream_starts_afresh():
    arrivals = [(n, n * 0.02) for n in range(50)] + [(100_000 + n, 1 + n * 0.02) for n in range(50)]
    buffer, heard = play(arrivals, 4)
    assert numbers(heard)[-50:] == list(range(100_000, 100_050))
    assert buffer.late == 0


def test_a_stall_and_its_burst_do_not_leave_a_delay_behind():
    arrivals = [(n, max(n * 0.02, 1.0 if 20 <= n < 50 else 0)) for n in range(1500)]
    buffer, heard = play(arrivals, 31, quiet=lambda n: n % 100 < 30)
    assert buffer.delay <= MOST
    assert numbers(heard)[-1] == 1499
    last = max(i for i, pieces in enumerate(heard) if pieces)
    assert last * 0.02 - 1499 * 0.02 < 0.15


def test_nothing_in_nothing_out():
    assert JitterBuffer().pull(1.0) == []


@given(st.lists(st.tuples(st.integers(-(10**7), 10**7), st.integers(1, 6000), st.floats(0, 0.1)), max_size=80))
@settings(derandomize=True, max_examples=200)
def test_whatever_comes_windows_hold_no_more_than_a_window(frames):
    buffer, now = JitterBuffer(), 0.0
    for time, duration, wait in frames:
        now += wait
        buffer.push(time, duration, "x", now)
        for piece in buffer.pull(now):
            assert piece.start >= 0
            assert piece.at >= 0
            assert piece.ticks > 0
            assert piece.at + piece.ticks <= WINDOW
            assert piece.start + piece.ticks <= 6000
