"""The heap of deadlines, and RFC 3261's table of timers."""

from __future__ import annotations

import random

import pytest

from signaling.sip.timers import Schedule, Timer, Timers


@pytest.mark.parametrize(
    ("timer", "udp", "tcp"),
    [  # RFC 3261 table 4; L and M: RFC 6026 sections 8.7 and 8.4
        ("A", 0.5, None),
        ("B", 32, 32),
        ("D", 32, 0),
        ("E", 0.5, None),
        ("F", 32, 32),
        ("G", 0.5, None),
        ("H", 32, 32),
        ("I", 5, 0),
        ("J", 32, 0),
        ("K", 5, 0),
        ("L", 32, 32),
        ("M", 32, 32),
    ],
)
def test_durations(timer, udp, tcp):
    assert Timers().duration(Timer[timer], reliable=False) == udp
    assert Timers().duration(Timer[timer], reliable=True) == tcp


def test_t1_scales_them():
    assert Timers(t1=0.1).duration(Timer.B, reliable=True) == pytest.approx(6.4)


def test_a_doubles_without_bound_e_and_g_up_to_t2():
    timers = Timers()
    assert [timers.next_interval(Timer.A, seconds) for seconds in (0.5, 2, 4, 8)] == [1, 4, 8, 16]
    assert [timers.next_interval(Timer.E, seconds) for seconds in (0.5, 2, 4)] == [1, 4, 4]
    assert timers.next_interval(Timer.G, 4) == 4


def test_deadlines_fire_in_order_and_once():
    schedule, fired = Schedule(), []
    for when in (3.0, 1.0, 2.0, 2.0):
        schedule.at(when, lambda now, when=when: fired.append((when, now)))
    assert schedule.wake_at() == 1.0
    schedule.wake(0.9)
    assert not fired
    schedule.wake(2.5)
    assert fired == [(1.0, 2.5), (2.0, 2.5), (2.0, 2.5)]
    assert schedule.wake_at() == 3.0
    schedule.wake(9)
    assert schedule.wake_at() is None
    assert len(schedule) == 0


def test_a_cancelled_deadline_never_fires_nor_wakes():
    schedule, fired = Schedule(), []
    first = schedule.at(1.0, fired.append)
    schedule.at(2.0, fired.append)
    first.cancel()
    first.cancel()
    assert schedule.wake_at() == 2.0
    schedule.wake(5.0)
    assert fired == [5.0]
    first.cancel()
    assert len(schedule) == 0


def test_alarms_may_set_and_cancel_others():
    schedule, fired = Schedule(), []
    later = schedule.at(2.0, fired.append)

    def first(now):
        later.cancel()
        schedule.at(now, lambda at: fired.append("at once"))

    schedule.at(1.0, first)
    schedule.wake(5.0)
    assert fired == ["at once"]


def test_a_heap_of_dead_deadlines_is_rebuilt():
    schedule, fired = Schedule(), []
    seeded = random.Random(1)
    kept = [schedule.at(seeded.uniform(50, 100), fired.append) for _ in range(20)]
    for _ in range(10_000):
        schedule.at(seeded.uniform(0, 100), fired.append).cancel()
    assert len(schedule) == len(kept)
    assert len(schedule._heap) < 200
    schedule.wake(100.0)
    assert len(fired) == len(kept)
