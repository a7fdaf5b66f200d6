"""Two parties and the gateway between them, in virtual time, over networks that lose, double, delay and reorder."""

import itertools
import random

import numpy as np
import pytest

from media.events import DigitPressed
from media.formats import G722, OPUS, PCMA, PCMU
from media.frame import Flush
from tests.media.legs.wires import Far, World, leg, level, loud

BAD = {"loss": 0.05, "jitter": 0.04, "duplicate": 0.03}
"""5 % lost, 3 % doubled, 40 ms of jitter: packets overtake each other."""


def bridge(one, other, *, first=None, second=None, fec=False, **networks):
    world = World()
    a, b = Far(world, one, fec=fec, **first or {}), Far(world, other, **second or {})
    media_a, events_a = leg(world, "a", one, a, to_gateway=networks.get("in_a"), to_far=networks.get("out_a"))
    media_b, events_b = leg(world, "b", other, b, to_gateway=networks.get("in_b"), to_far=networks.get("out_b"))
    media_a.connect(media_b)
    media_b.connect(media_a)
    return world, (a, media_a, events_a), (b, media_b, events_b)


@pytest.mark.parametrize(("one", "other"), [(OPUS, PCMU), (PCMA, OPUS), (OPUS, G722), (G722, PCMU), (PCMU, PCMU)])
def test_a_tone_goes_through_a_bad_network(one, other):
    world, (a, _, _), (b, _, _) = bridge(one, other, in_a={**BAD, "seed": 11}, in_b={**BAD, "seed": 12})
    a.talk(500)
    b.talk(800)
    world.run(20)
    for far, hz in ((a, 800), (b, 500)):
        far.check_stream()
        clear = level(far.sound(), 8000, hz)[20:] > 0.6
        assert clear.mean() > 0.93
        holes = [sum(1 for _ in run) for there, run in itertools.groupby(clear) if not there]
        assert max(holes, default=0) <= 4, "no gap over 80 ms"


def test_forward_error_correction_brings_back_what_the_browser_lost():
    """Opus at 24 kbit/s, 5 % lost: with FEC the phone hears nearly all of it, and gets every frame."""
    clear = {}
    for fec in (False, True):
        lossy = {"loss": 0.05, "seed": 21}
        world, (a, media_a, _), (b, _, _) = bridge(OPUS, PCMU, first={"rate": 8000}, fec=fec, in_a=lossy)
        a.talk(500)
        world.run(20)
        clear[fec] = (level(b.sound(), 8000, 500)[20:] > 0.9).mean()
    stats = media_a.stats(0)
    assert stats.lost_in == stats.concealed == pytest.approx(50, abs=15)
    sequences = [p.sequence for _, p in b.audio]
    assert all(y - x & 0xFFFF == 1 for x, y in itertools.pairwise(sequences)), "no hole is left towards the phone"
    stamps = [p.timestamp for _, p in b.audio]
    assert all(y - x & 0xFFFFFFFF == 160 for x, y in itertools.pairwise(stamps))
    assert clear[True] > clear[False], clear


def test_a_hole_is_filled_the_moment_it_shows():
    world, (a, _, _), (b, _, _) = bridge(OPUS, PCMU, first={"rate": 8000}, in_a={"loss": 0.05, "seed": 22})
    a.talk(500)
    world.run(10)
    arrivals = [at for at, _ in b.audio]
    assert max(y - x for x, y in itertools.pairwise(arrivals)) <= 0.061
    together = [y - x < 0.001 for x, y in itertools.pairwise(arrivals)]
    assert sum(together) == pytest.approx(25, abs=12), "what was made up leaves with the packet that showed the hole"


def test_lost_g711_is_concealed_before_it_is_encoded():
    world, (a, media, _), (b, _, _) = bridge(PCMU, OPUS, in_a={"loss": 0.05, "seed": 23})
    a.talk(400)
    world.run(10)
    steps = {y.timestamp - x.timestamp & 0xFFFFFFFF for (_, x), (_, y) in itertools.pairwise(b.audio)}
    assert steps == {960}
    assert media.stats(0).concealed > 15
    assert loud(b.sound(), 8000)[20:].min() > 3000, "never a hole"


def test_packets_out_of_order_are_put_right_once_they_show_it():
    world, (a, media, _), (b, _, _) = bridge(OPUS, PCMU, in_a={"jitter": 0.03, "seed": 24})
    a.talk(500)
    world.run(20)
    stats = media.stats(0)
    assert stats.lost_in <= 1
    assert stats.concealed < 30, "after the first ones it waits for a packet's elder brother"
    b.check_stream()
    assert (level(b.sound(), 8000, 500)[20:] > 0.7).mean() > 0.97


def test_a_good_network_is_not_made_to_wait():
    world, (a, _, _), (b, _, _) = bridge(OPUS, PCMU)
    a.talk(500)
    b.talk(800)
    sent = []
    inward = a.send
    a.send = lambda data: (sent.append(world.clock.now()), inward(data))
    world.run(2)
    delays = [at - left for (at, _), left in zip(b.audio, sent, strict=False)]
    assert max(delays) == pytest.approx(0.06, abs=0.002), "two networks of 30 ms, nothing in between"


@pytest.mark.parametrize(("one", "other"), [(PCMU, OPUS), (OPUS, PCMU), (PCMU, PCMU)])
@pytest.mark.parametrize("seed", range(5))
def test_no_key_is_lost_and_none_doubled(one, other, seed):
    keys = "1123#*9900ABCD42"
    bad = {"loss": 0.1, "jitter": 0.03, "duplicate": 0.1}
    world, (a, _, events), (b, _, _) = bridge(one, other, in_a={**bad, "seed": seed}, out_b={**bad, "seed": seed + 100})
    a.talk(500)
    world.run(0.5)
    a.press(keys)
    world.run(6)
    assert "".join(e.key for e in events if isinstance(e, DigitPressed)) == keys
    assert b.digits() == keys


def test_hold_music_and_return_over_a_bad_network():
    """Party, music, party, music: the phone sees one stream, at the wall clock's pace."""
    from tests.media.legs.test_rtp import made

    world, (a, media_a, _), (b, media_b, _) = bridge(OPUS, PCMU, in_a={**BAD, "seed": 31})
    a.talk(500)
    dice = random.Random(1)
    for _ in range(4):
        world.run(1 + dice.random())
        media_a.disconnect(media_b)
        start = dice.randrange(1 << 40)
        for n in range(50):
            media_b.write(made(300, n, time=start))
            world.run(0.02)
        media_b.write(Flush())
        media_a.connect(media_b)
    world.run(1)
    b.check_stream()
    first, last = b.audio[0], b.audio[-1]
    span = (last[1].timestamp - first[1].timestamp & 0xFFFFFFFF) / 8000
    assert span == pytest.approx(last[0] - first[0], abs=0.12)
    assert max(b.gaps()) < 0.13
    assert (level(b.sound(), 8000, 300) > 0.7).sum() > 4 * 45
    assert (level(b.sound(), 8000, 500) > 0.7).sum() > 4 * 45


def test_a_phone_whose_clock_runs_fast_is_followed_for_minutes():
    """200 ppm: 12 ms a minute."""
    world, (a, media, _), (b, _, _) = bridge(PCMU, OPUS)
    a.talk(500)
    inward, a.send = a.send, None
    step = 0.02 * (1 - 200e-6)
    a.send = inward
    original = a.tick

    def fast(now):
        before = a._next
        original(now)
        if a._next != before:
            a._next = before + step

    world.talkers.remove(a)
    world.talkers.append(type("Fast", (), {"tick": staticmethod(fast)}))
    world.run(60)
    b.check_stream()
    assert media.stats(0).concealed == 0
    assert np.max(b.gaps()) < 0.022
