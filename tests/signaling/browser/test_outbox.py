import pytest

from signaling.browser.errors import ResumeGap
from signaling.browser.outbox import Outbox


def test_replays_what_was_missed():
    box = Outbox(10, 1000)
    for text in "abc":
        box.append(text)
    assert box.since(0) == ["a", "b", "c"]
    assert box.since(2) == ["c"]
    assert box.since(3) == []
    box.acknowledge(2)
    assert len(box) == 1
    assert box.since(2) == ["c"]


@pytest.mark.parametrize("limits", [(2, 1000), (10, 2)])
def test_is_bounded_and_says_so(limits):
    box = Outbox(*limits)
    for text in "abcd":
        box.append(text)
    assert len(box) == 2
    assert box.since(2) == ["c", "d"]
    for ack in (0, 1, 5):
        with pytest.raises(ResumeGap):
            box.since(ack)


def test_one_message_over_the_limit_is_a_gap():
    box = Outbox(10, 3)
    box.append("abcd")
    assert len(box) == 0
    with pytest.raises(ResumeGap):
        box.since(0)
    assert box.since(1) == []


def test_clear_numbers_from_one_again():
    box = Outbox(1, 100)
    box.append("a")
    box.append("b")
    box.clear()
    box.append("c")
    assert (box.last, box.since(0)) == (1, ["c"])
