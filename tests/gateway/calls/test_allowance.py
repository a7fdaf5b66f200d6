"""So many at once, so many a second."""

from gateway.calls.allowance import Allowance


def test_a_burst_passes_and_then_the_rate():
    keys = Allowance(64, 20)
    assert keys.take(100, 1.0) == 64
    assert keys.take(1, 1.0) == 0
    assert keys.take(100, 2.0) == 20
    assert keys.take(100, 100.0) == 64


def test_it_may_be_forgotten_when_it_is_full_again():
    keys = Allowance(10, 5)
    keys.take(10, 1.0)
    assert not keys.full(2.0)
    assert keys.full(3.0)
