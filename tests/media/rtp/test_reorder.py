import random

import pytest

from media.rtp.reorder import Reorder


def run(reorder, numbers):
    return [out for n in numbers for out in reorder.push(n, n)]


def test_in_order():
    assert run(Reorder(), [5, 6, 7]) == [(5, 0), (6, 0), (7, 0)]


def test_without_waiting_a_gap_is_told_and_the_late_one_dropped():
    reorder = Reorder()
    assert run(reorder, [5, 7, 6, 8, 8, 12]) == [(5, 0), (7, 1), (8, 0), (12, 3)]
    assert reorder.discarded == 2
    assert reorder.flush() == []


def test_with_waiting_a_swap_is_put_right():
    assert run(Reorder(1), [5, 7, 6, 8]) == [(5, 0), (6, 0), (7, 0), (8, 0)]


def test_with_waiting_a_loss_is_given_up_at_the_next_packet():
    reorder = Reorder(1)
    assert run(reorder, [5, 7]) == [(5, 0)]
    assert reorder.push(8, 8) == [(7, 1), (8, 0)]
    assert run(reorder, [11]) == []
    assert reorder.push(11, 11) == []
    assert reorder.flush() == [(11, 2)]
    assert reorder.push(12, 12) == [(12, 0)]
    assert reorder.discarded == 1


def test_two_holes_with_one_waiting():
    assert run(Reorder(1), [5, 7, 9, 10]) == [(5, 0), (7, 1), (9, 1), (10, 0)]


def test_flush_before_anything():
    reorder = Reorder(1)
    assert reorder.flush() == []
    assert reorder.push(70_000, "x") == [("x", 0)]


@pytest.mark.parametrize("wait", [0, 1, 3])
def test_out_is_in_order_and_the_missing_add_up(wait):
    rng = random.Random(wait)
    numbers = sorted(range(2000), key=lambda n: n + rng.random() * 3)
    kept = [n for n in numbers if rng.random() > 0.1]
    reorder = Reorder(wait)
    out = run(reorder, kept) + reorder.flush()
    position = out[0][0]
    for number, missing in out:
        assert number == position + missing
        position = number + 1
    assert len(out) + reorder.discarded == len(kept)


@pytest.mark.parametrize("wait", [0, 1])
def test_the_short_way_is_the_same(wait):
    """Who takes the expected packet by itself sees what `push` would have told."""
    rng = random.Random(wait)
    numbers = sorted(range(2000), key=lambda n: n + rng.random() * 1.5)
    numbers = [n for n in numbers if rng.random() > 0.05 for _ in range(1 + (rng.random() > 0.95))]
    usual, short = Reorder(wait), Reorder(wait)
    taken = 0
    for number in numbers:
        if number == short.expected:
            short.expected += 1
            ready = [(number, 0)]
            taken += 1
        else:
            ready = short.push(number, number)
        assert ready == usual.push(number, number)
    assert short.flush() == usual.flush() and short.discarded == usual.discarded and taken > 100
