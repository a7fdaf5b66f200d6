import asyncio

import pytest

from media.clock import BEAT, CATCH_UP, SLOW, Clock


@pytest.fixture
def clock():
    return Clock(manual=True, start=100.0)


def test_beats_every_20_ms_with_the_time_of_the_schedule(clock):
    beats = []
    clock.add(beats.append)
    clock.advance(1.0)
    assert beats == pytest.approx([100 + BEAT * n for n in range(1, 51)])


def test_does_not_drift_when_beats_come_late(clock):
    beats = []
    clock.add(beats.append)
    for n in range(1, 101):
        clock.tick(100 + n * BEAT + 0.007 * (n % 2))
    assert beats == pytest.approx([100 + BEAT * n for n in range(1, 101)])
    assert clock.late(0.99) == pytest.approx(0.007)
    assert clock.dropped == 0


def test_a_short_block_is_caught_up_and_a_long_one_dropped(clock):
    beats = []
    clock.add(beats.append)
    clock.tick(100 + 3 * BEAT + 0.001)
    assert len(beats) == 3
    clock.tick(100 + 103 * BEAT + 0.001)
    assert len(beats) == 3 + CATCH_UP + 1
    assert clock.dropped == 100 - CATCH_UP - 1
    clock.tick(100 + 104 * BEAT + 0.001)
    assert beats[-1] == pytest.approx(100 + 104 * BEAT), "back on the schedule"


def test_customers_come_and_go_in_the_middle_of_a_beat(clock):
    heard = []

    def first(now):
        heard.append("first")
        clock.remove(second)
        clock.add(third)

    def second(now):
        heard.append("second")

    def third(now):
        heard.append("third")
        clock.remove(first)
        clock.remove(third)

    clock.add(first)
    clock.add(second)
    clock.advance(0.1)
    assert heard == ["first", "first", "third"]
    assert len(clock) == 0


def test_adding_twice_is_adding_once(clock):
    beats = []
    add = beats.append
    clock.add(add)
    clock.add(add)
    clock.add(add, slow=True)
    clock.advance(0.1)
    assert len(beats) == 5


def test_slow_customers_are_spread_over_ten_beats(clock):
    beats = {n: [] for n in range(SLOW)}
    for heard in beats.values():
        clock.add(heard.append, slow=True)
    clock.advance(2.0)
    assert all(len(heard) == 10 for heard in beats.values())
    assert len({round(heard[0] / BEAT) for heard in beats.values()}) == SLOW


def test_a_failing_customer_stops_nobody(clock, caplog):
    beats = []
    clock.add(lambda now: 1 / 0)
    clock.add(beats.append)
    clock.advance(0.1)
    assert len(beats) == 5
    assert "ZeroDivisionError" in caplog.text


async def test_runs_on_the_loop_only_while_it_has_customers():
    clock = Clock()
    done = asyncio.Event()
    beats = []

    def customer(now):
        beats.append(now)
        if len(beats) == 3:
            clock.remove(customer)
            done.set()

    clock.add(customer)
    await asyncio.wait_for(done.wait(), 2)
    assert clock._timer is None
    assert beats[2] - beats[0] == pytest.approx(2 * BEAT)
    clock.add(customer)
    clock.close()
    assert clock._timer is None
