"""The stream that can be resumed: order, bounds, and never a silent hole."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calls import events as ev
from gateway.events.log import Cursor, NoSuchPlace, Restarted
from gateway.events.query import Refused, Wish, parse
from tests.gateway.events.kit import START, UNIX, digit, ended, log, started


def fill(stream, *calls):
    return [stream.publish(digit(call), UNIX) for call in calls]


def seqs(page):
    return [(event.call, event.seq) for event in page.events]


def test_an_event_as_the_world_sees_it():
    event = log().publish(digit("c1", "#"), UNIX)
    assert json.loads(event.text) == {
        "id": "5f0c2a91-1",
        "seq": 1,
        "call": "c1",
        "type": "call.digit",
        "time": "2026-03-01T09:30:05.250Z",
        "data": {"leg": "c1-1", "key": "#"},
    }


def test_each_call_counts_for_itself_and_all_together():
    stream = log()
    fill(stream, "a", "b", "a", "a", "b")
    page = stream.read(stream.oldest(), 10)
    assert seqs(page) == [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 2)]
    assert [event.number for event in page.events] == [1, 2, 3, 4, 5]
    assert seqs(stream.read(stream.oldest("b"), 10)) == [("b", 1), ("b", 2)]


def test_descriptions_are_not_published_and_leave_no_hole():
    stream = log()
    stream.publish(started("a"), UNIX)
    assert stream.publish(ev.LegDescribed("a", 0.0, "a-1", "ours", "offer", "v=0"), UNIX) is None
    assert stream.publish(digit("a"), UNIX).seq == 2


@pytest.mark.parametrize(
    ("place", "call", "rest"),
    [
        (f"{START}-2", None, [3, 4, 5]),
        (f"{START}-5", None, []),
        ("0", None, [1, 2, 3, 4, 5]),
        ("1", "a", [3, 4]),
        ("0", "a", [1, 3, 4]),
        ("3", "a", []),
        (f"{START}-2", "a", [3, 4]),
        (f"{START}-3", "a", [4]),
        (f"{START}-5", "b", []),
        (f"{START}-0", "b", [2, 5]),
    ],
)
def test_resume_after(place, call, rest):
    stream = log()
    fill(stream, "a", "b", "a", "a", "b")
    page = stream.read(stream.after(place, call), 10)
    assert ([event.number for event in page.events], page.missed) == (rest, False)


@pytest.mark.parametrize(
    ("place", "call"),
    [("", None), ("1", None), ("x-1", None), (f"{START}-", None), (f"{START}-6", None),
     (f"{START}-99999999999999999", None), ("4", "a"), ("-1", "a"), ("1.0", "a"), (f"{START}-6", "a"),
     ("٣", "a"), ("\ud800", None)],
)  # fmt: skip
def test_places_that_mean_nothing(place, call):
    stream = log()
    fill(stream, "a", "b", "a", "a", "b")
    with pytest.raises(NoSuchPlace):
        stream.after(place, call)


def test_a_place_of_another_start():
    with pytest.raises(Restarted, match="restarted"):
        log().after("00000000-7")


def test_an_ended_call_is_kept_for_a_while():
    stream = log(keep=60.0)
    stream.publish(started("a", 0.0), UNIX)
    stream.publish(started("b", 1.0), UNIX)
    stream.publish(ended("a", 10.0), UNIX)
    stream.publish(digit("b", at=11.0), UNIX)
    assert stream.wake_at() == 70.0
    stream.wake(69.9)
    assert stream.knows("a")
    before = stream.after(f"{START}-1")
    behind = stream.after(f"{START}-3")
    stream.wake(70.0)
    assert not stream.knows("a")
    assert stream.wake_at() is None
    assert stream.read(Cursor(0, "a"), 9).gone
    page = stream.read(before, 9)  # b's first event is kept for b, but between it and the next one is missing
    assert (page.missed, seqs(page)) == (True, [("b", 2)])
    page = stream.read(behind, 9)
    assert (page.missed, seqs(page)) == (False, [("b", 2)])
    assert seqs(stream.read(stream.oldest("b"), 9)) == [("b", 1), ("b", 2)]
    assert stream.oldest() == Cursor(3)


@pytest.mark.parametrize("limits", [{"most_events": 4}, {"most_bytes": 4 * 450}])
def test_beyond_the_limits_the_oldest_go_and_who_wants_them_is_told(limits):
    stream = log(**limits)
    behind = stream.now()
    fill(stream, *"abababab")
    assert 1 <= len(stream) <= 4
    page = stream.read(behind, 10)
    assert page.missed
    assert len(page.events) == len(stream)
    assert not stream.read(page.cursor, 10).missed
    first = stream.read(stream.oldest("a"), 1).events[0].seq
    assert first > 1
    assert not stream.read(stream.after(str(first - 1), "a"), 9).missed
    assert stream.read(stream.after(str(first - 2), "a"), 9).missed
    assert stream.read(stream.after("0", "a"), 9).missed
    lost = stream.read(stream.oldest(), 1).events[0].number - 1
    assert stream.read(stream.after(f"{START}-{lost - 2}", "a"), 9).missed
    assert not stream.read(stream.after(f"{START}-{lost}", "a"), 9).missed


def test_a_call_all_of_whose_events_are_gone_still_counts_on():
    stream = log(most_events=2)
    fill(stream, *"abbb")
    assert stream.knows("a")
    assert seqs(stream.read(stream.oldest("a"), 9)) == []
    assert stream.publish(digit("a"), UNIX).seq == 2


def test_pages():
    stream = log()
    fill(stream, *"abab")
    page = stream.read(stream.oldest(), 3)
    assert (seqs(page), stream.id_at(page.cursor), stream.behind(page.cursor)) == (
        [("a", 1), ("b", 1), ("a", 2)],
        f"{START}-3",
        1,
    )
    page = stream.read(stream.oldest("b"), 1)
    assert (stream.id_at(page.cursor), stream.behind(page.cursor)) == (f"{START}-2", 1)
    page = stream.read(page.cursor, 1)
    assert (stream.id_at(page.cursor), stream.behind(page.cursor)) == (f"{START}-4", 0)


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_events_and_readers(seed):
    """Whatever comes and goes, a reader gets each event once, in order, or is told that it missed some."""
    rng = random.Random(seed)
    stream = log(keep=rng.choice([5.0, 50.0]), most_events=rng.choice([5, 40]))
    shown = {}
    readers = []
    now = 0.0
    for step in range(400):
        now += rng.random()
        call = f"c{rng.randrange(step // 20 + 1)}"
        make = rng.choice([digit, digit, digit, ended])
        event = stream.publish(make(call, at=now), UNIX)
        shown[event.number] = event
        stream.wake(now)
        assert len(stream) <= 40
        if rng.random() < 0.1:
            readers.append((stream.now(), stream.now()))
            if stream.knows(call):
                readers.append((c := stream.oldest(call), c))
        for i, (_, cursor) in enumerate(readers):
            if rng.random() < 0.3:
                readers[i] = follow(stream, shown, cursor, rng.randrange(1, 6))


def follow(stream, shown, cursor, most):
    page = stream.read(cursor, most)
    if page.gone:
        assert page.events == ()
        return cursor, cursor
    numbers = [event.number for event in page.events]
    if cursor.call is None:
        since = page.cursor.at - len(numbers)
        assert numbers == list(range(since + 1, page.cursor.at + 1))
        assert page.missed == (since > cursor.at)
        again = stream.after(stream.id_at(page.cursor))
    else:
        got = [event.seq for event in page.events]
        since = page.cursor.at - len(got)
        assert got == list(range(since + 1, page.cursor.at + 1))
        assert page.missed == (since > cursor.at)
        again = stream.after(stream.id_at(page.cursor), cursor.call)
    assert again == page.cursor
    assert [shown[n] for n in numbers] == list(page.events)
    return cursor, page.cursor


def test_memory_is_given_back():
    stream = log(keep=1.0)
    for i in range(50):
        stream.publish(started(f"c{i}", float(i)), UNIX)
        stream.publish(ended(f"c{i}", float(i)), UNIX)
    stream.wake(1000.0)
    assert (len(stream), stream.bytes, stream.wake_at()) == (0, 0, None)
    assert not stream.knows("c1")


def test_a_straggler_is_not_kept_for_ever():
    stream = log(keep=60.0)
    stream.publish(started("a", 0.0), UNIX)
    stream.publish(ended("a", 1.0), UNIX)
    stream.publish(digit("a", at=50.0), UNIX)
    assert seqs(stream.read(stream.oldest("a"), 9)) == [("a", 1), ("a", 2), ("a", 3)]
    stream.publish(digit("a", at=70.0), UNIX)
    assert stream.wake_at() == 130.0
    stream.wake(130.0)
    assert (len(stream), stream.knows("a")) == (0, False)


@given(st.text(), st.sampled_from([None, "a"]))
def test_any_text_is_a_place_or_refused(text, call):
    stream = log()
    fill(stream, "a", "b", "a")
    try:
        cursor = stream.after(text, call)
    except NoSuchPlace as error:
        assert 10 < len(str(error)) < 600
    else:
        assert not stream.read(cursor, 9).missed


@given(st.lists(st.tuples(st.sampled_from(["call", "types", "after", "limit", ""]) | st.text(), st.text())))
def test_any_query_is_a_wish_or_refused(pairs):
    try:
        wish = parse(pairs)
    except Refused as why:
        assert why.status == 422
        assert len(why.words) < 600
    else:
        assert isinstance(wish, Wish)
        assert 1 <= wish.limit <= 1_000
