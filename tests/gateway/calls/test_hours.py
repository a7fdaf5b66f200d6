"""When a route is open."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calls.patterns import BadPattern
from gateway.calls.routing.hours import Hours

MONDAY = datetime(2026, 11, 23)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("text", "moment", "open_"),
    [
        ("Mo-Fr 08:00-18:00", at(0, 8), True),
        ("Mo-Fr 08:00-18:00", at(4, 17, 59), True),
        ("Mo-Fr 08:00-18:00", at(4, 18), False),
        ("Mo-Fr 08:00-18:00", at(5, 12), False),
        ("Sa,Su", at(6, 23, 59), True),
        ("Sa,Su", at(0, 0), False),
        ("saturday 9:00-12:00", at(5, 9), True),
        ("Fr-Mo", at(0, 1), True),
        ("Fr-Mo", at(1, 1), False),
        ("22:00-06:00", at(2, 23), True),
        ("22:00-06:00", at(2, 5, 59), True),
        ("22:00-06:00", at(2, 6), False),
        ("Su 22:00-06:00", at(0, 5), True),
        ("Su 22:00-06:00", at(6, 5), False),
        ("Mo 08:00-12:00,13:00-17:00", at(0, 12, 30), False),
        ("Mo 08:00-12:00, 13:00-17:00", at(0, 13), True),
        ("00:00-24:00", at(3, 3), True),
    ],
)
def test_open_or_not(text, moment, open_):
    assert Hours.parse(text).cover(moment) is open_


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write it like"),
        ("noon", '"noon" is no day'),
        ("Mo-Fx 08:00-18:00", '"Fx" is no day'),
        ("Mo 25:00-26:00", "there is no time 25:00"),
        ("Mo 08:60-09:00", "there is no time 08:60"),
        ("Mo 08:00-08:00", "never comes"),
        ("Mo 24:00-08:00", "never comes"),
        ("Mo 8-18", "write it like 08:00-18:00"),
        ("Mo-Fr 08:00-18:00!", "write it like"),
    ],
)
def test_impossible_hours_say_what_is_wrong(text, words):
    with pytest.raises(BadPattern, match=words):
        Hours.parse(text)


@settings(derandomize=True, max_examples=300)
@given(st.text("MoTuWeFrSa -,:0123456789", max_size=24))
def test_any_text_is_hours_or_told(text):
    try:
        Hours.parse(text)
    except BadPattern as error:
        assert len(str(error)) > 20
