"""Order for each call, retries that wait longer, and room that ends. Time and chance are given."""

import itertools
import random

import pytest

from gateway.events.log import Published
from gateway.events.outbox import Outbox, OutboxLimits


def event(call, seq):
    return Published(seq, f"x-{seq}", call, seq, "call.digit", "{}")


def outbox(chance=lambda: 1.0, **limits):
    names = itertools.count()
    return Outbox(OutboxLimits(**limits), chance, lambda: str(next(names)))


def test_one_call_in_order_others_meanwhile():
    box = outbox()
    for call, seq in (("a", 1), ("a", 2), ("b", 1)):
        assert box.put(event(call, seq))
    first, other = box.next(0.0), box.next(0.0)
    assert [(d.event.call, d.event.seq) for d in (first, other)] == [("a", 1), ("b", 1)]
    assert box.next(0.0) is None
    box.failed(first, 0.0)
    assert box.next(0.9) is None
    again = box.next(1.0)
    assert (again, again.attempts) == (first, 2)
    box.arrived(again)
    assert box.next(1.0).event.seq == 2
    assert (box.waiting, box.delivered, box.retried, box.wake_at()) == (2, 1, 1, None)


def test_delays_double_to_a_limit_and_are_shaken():
    box = outbox(max_retries=9, longest_delay=20.0)
    box.put(event("a", 1))
    delays, now = [], 0.0
    for _ in range(8):
        box.failed(box.next(now), now)
        delays.append(box.wake_at() - now)
        now = box.wake_at()
    assert delays == [1, 2, 4, 8, 16, 20, 20, 20]
    calm = outbox(lambda: 0.0)
    calm.put(event("a", 1))
    calm.failed(calm.next(0.0), 0.0)
    assert calm.wake_at() == 0.5


def test_it_gives_up_and_goes_on_with_the_next():
    box = outbox(max_retries=2)
    box.put(event("a", 1))
    box.put(event("a", 2))
    now = 0.0
    for _ in range(3):
        delivery = box.next(now)
        assert delivery.event.seq == 1
        box.failed(delivery, now)
        now += 100
    assert box.given_up == 1
    box.failed(box.next(now), now, retry=False)
    assert (box.given_up, box.waiting, box.next(now), box.wake_at()) == (2, 0, None, None)


@pytest.mark.parametrize(("wish", "wait"), [(0.2, 1.0), (30.0, 30.0), (9e9, 300.0)])
def test_the_receivers_wish(wish, wait):
    box = outbox()
    box.put(event("a", 1))
    box.failed(box.next(0.0), 0.0, wish=wish)
    assert box.wake_at() == wait


def test_no_more_than_there_is_room_for():
    box = outbox(queue=3, at_once=2)
    assert [box.put(event(c, 1)) for c in "abcd"] == [True, True, True, False]
    assert (box.waiting, box.dropped) == (3, 1)
    first, _ = box.next(0.0), box.next(0.0)
    assert box.next(0.0) is None
    box.arrived(first)
    assert box.next(0.0).event.call == "c"
    assert box.put(event("d", 1))


@pytest.mark.parametrize("seed", range(20))
def test_any_course(seed):
    """Whatever fails: each event is delivered, given up or dropped, once, and each call's in order."""
    rng = random.Random(seed)
    box = outbox(rng.random, queue=30, at_once=rng.choice([1, 3, 8]), max_retries=3)
    seqs = dict.fromkeys("abcdef", 0)
    under_way, done, taken, now = [], {c: [] for c in seqs}, 0, 0.0
    for step in itertools.count():
        now += rng.random()
        if step < 300:
            call = rng.choice("abcdef")
            seqs[call] += 1
            taken += box.put(event(call, seqs[call]))
        if (delivery := box.next(now)) is not None:
            assert delivery.event.call not in [d.event.call for d in under_way]
            under_way.append(delivery)
        if under_way and rng.random() < 0.7:
            delivery = under_way.pop(rng.randrange(len(under_way)))
            if rng.random() < 0.5:
                box.arrived(delivery)
                done[delivery.event.call].append(delivery.event.seq)
            else:
                box.failed(delivery, now, retry=rng.random() < 0.8)
        if step >= 300 and not box.waiting:
            break
    assert all(found == sorted(set(found)) for found in done.values())
    assert box.delivered + box.given_up == taken == 300 - box.dropped
    assert box.delivered == sum(map(len, done.values()))
    assert (under_way, box.wake_at()) == ([], None)
