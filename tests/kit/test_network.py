"""The bad network is as bad as it was told to be, and the same every time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.kit.network import BadNetwork, progress


@dataclass
class Sent:
    data: bytes
    to: str


class Echo:
    """Sends `count` datagrams to `to`, one each second; remembers what came, and when."""

    def __init__(self, to="", count=0):
        self.to, self.left, self.due = to, count, 0.0
        self.heard, self._out = [], []

    def receive(self, data, source, now):
        self.heard.append((now, data, source))

    def outgoing(self):
        waiting, self._out = self._out, []
        return waiting

    def wake_at(self):
        return self.due if self.left else None

    def wake(self, now):
        self._out.append(Sent(str(self.left).encode(), self.to))
        self.left -= 1
        self.due = now + 1


def run(count=1000, until=None, **network):
    wire, a, b = BadNetwork(**network), Echo("b", count), Echo()
    now = 0.0
    while (then := progress(wire, {"a": a, "b": b}, now, until)) is not None:
        assert then >= now
        now = then
    return wire, b.heard


def test_a_good_network_is_only_slow():
    _, heard = run(count=3, delay=0.25)
    assert heard == [(0.25, b"3", "a"), (1.25, b"2", "a"), (2.25, b"1", "a")]


def test_loss_duplicates_and_order():
    wire, heard = run(count=5000, seed=1, loss=0.2, duplicate=0.1, reorder=0.1, delay=0.6)
    numbers = [int(data) for _, data, _ in heard]
    assert wire.lost / wire.sent == pytest.approx(0.2, abs=0.02)
    assert len(numbers) - len(set(numbers)) == pytest.approx(400, abs=60)
    assert any(later > earlier for earlier, later in zip(numbers, numbers[1:], strict=False))


def test_jitter_alone_keeps_the_order():
    _, heard = run(seed=2, delay=0.1, jitter=5.0)
    numbers = [int(data) for _, data, _ in heard]
    assert numbers == sorted(numbers, reverse=True)


def test_the_same_seed_is_the_same_network():
    assert run(seed=3, loss=0.3, jitter=0.1)[1] == run(seed=3, loss=0.3, jitter=0.1)[1]
    assert run(seed=3, loss=0.3)[1] != run(seed=4, loss=0.3)[1]


def test_it_stops_when_told_and_loses_what_nobody_owns():
    _, heard = run(until=10.5)
    assert len(heard) == 11
    wire, a = BadNetwork(), Echo("nobody", 1)
    assert progress(wire, {"a": a}, 0.0) == 0.0
    assert progress(wire, {"a": a}, 0.0) is not None
    assert progress(wire, {"a": a}, 1.0) is None


def test_chosen_datagrams_can_be_lost():
    wire, a, b = BadNetwork(), Echo("b", 3), Echo()
    wire.drop = lambda data, source, to: data == b"2"
    now = 0.0
    while (now := progress(wire, {"a": a, "b": b}, now)) is not None:
        pass
    assert [data for _, data, _ in b.heard] == [b"3", b"1"]
