from collections import Counter
from dataclasses import dataclass
from random import Random

from signaling.net.srv import in_order


@dataclass(frozen=True)
class Record:
    name: str
    priority: int
    weight: int


def names(records, random):
    return [record.name for record in in_order(records, random)]


def test_lower_priority_values_come_first_and_nobody_is_left_out():
    records = [Record("c", 20, 0), Record("a", 5, 1), Record("b", 10, 100)]
    assert names(records, lambda: 0.5) == ["a", "b", "c"]
    assert names([], lambda: 0.5) == []


def test_weights_are_chances():
    random = Random(7).random
    records = [Record("heavy", 1, 80), Record("light", 1, 20)]
    first = Counter(names(records, random)[0] for _ in range(4000))
    assert 0.76 < first["heavy"] / 4000 < 0.84


def test_weight_zero_has_a_small_chance_but_a_chance():
    random = Random(7).random
    records = [Record("some", 1, 9), Record("none", 1, 0)]
    first = Counter(names(records, random)[0] for _ in range(2000))
    assert 0.05 < first["none"] / 2000 < 0.16
    assert set(names([Record("x", 1, 0), Record("y", 1, 0)], lambda: 0.999)) == {"x", "y"}


def test_the_edges_of_chance_stay_inside():
    records = [Record(str(n), 1, n) for n in range(5)]
    for value in (0.0, 0.9999999999):
        assert sorted(names(records, lambda value=value: value)) == ["0", "1", "2", "3", "4"]
