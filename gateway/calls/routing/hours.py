"""When a route is open: "Mo-Fr 08:00-18:00", "Sa,Su", "22:00-06:00", "Mo-Th 08:00-12:00,13:00-17:00".

Days are Mo Tu We Th Fr Sa Su, alone, in ranges and in lists; without days every day is meant, without times the whole
day. A time that ends before it begins runs past midnight and belongs to the day it began on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..patterns import BadPattern

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
DAY = 24 * 60
WEEK = 7 * DAY

_SHAPE = re.compile(r"([A-Za-z,\- ]*?)\s*([0-9:,\- ]*)")
_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of the week, from Monday 00:00: half-open spans."""

    text: str
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Raises BadPattern with what would be right."""
        found = _SHAPE.fullmatch(text.strip())
        if found is None or not text.strip():
            raise BadPattern(f'"{text}" is no time: write it like "Mo-Fr 08:00-18:00", "Sa,Su" or "22:00-06:00"')
        days = list(_days(found[1], text)) if found[1] else list(range(7))
        times = list(_times(found[2], text)) if found[2] else [(0, DAY)]
        return cls(text.strip(), tuple((d * DAY + start, d * DAY + end) for d in days for start, end in times))

    def cover(self, at: datetime) -> bool:
        minute = at.weekday() * DAY + at.hour * 60 + at.minute
        return any(start <= minute < end or start <= minute + WEEK < end for start, end in self.spans)


def clock_words(at: datetime) -> str:
    """ "Fr 19:30"."""
    return f"{DAYS[at.weekday()]} {at:%H:%M}"


def _days(text: str, whole: str) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, end = _day(first, whole), _day(last if dash else first, whole)
        yield from ((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _day(text: str, whole: str) -> int:
    """Two letters or more of an English day's name."""
    word = text.strip().capitalize()
    full = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    for number, name in enumerate(full):
        if len(word) >= 2 and name.startswith(word):
            return number
    raise BadPattern(f'"{whole}": "{text.strip()}" is no day; they are {" ".join(DAYS)}')


def _times(text: str, whole: str) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        found = _TIMES.fullmatch(part.strip())
        if found is None:
            raise BadPattern(f'"{whole}": "{part.strip()}" is no time; write it like 08:00-18:00')
        start, end = _minute(found[1], found[2], whole), _minute(found[3], found[4], whole)
        if start in (end, DAY):
            raise BadPattern(f'"{whole}" never comes: it ends when it begins; the whole day is 00:00-24:00')
        yield start, end if end > start else end + DAY


def _minute(hours: str, minutes: str, whole: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > DAY:
        raise BadPattern(f'"{whole}": there is no time {hours}:{minutes}; the day goes from 00:00 to 24:00')
    return minute
