"""What a telephone network says without words: ringing, busy, the three tones before "not in service", a key's two
tones.

A `Tone` is a rhythm of chords: ITU-T E.180 and its supplement 2 give every country's, Q.35 the limits, Q.23 the keys.
`Generator` plays one at any rate of the bus, with the phase running on from frame to frame and 4 ms of rise and fall,
so that nothing clicks.

    tone("ringback"), tone("us:busy"), tone("hz:440"), tone("dtmf:5")        names; ValueError for an unknown one
    Generator(tone("dial"), 8000).next(160)                                 int16[160]; shorter at its end, then empty
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

FOREVER = math.inf
RAMP = 0.004
"""Seconds of rise and fall."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One step of a rhythm: some frequencies together for some seconds; no frequency is a pause."""

    seconds: float
    frequencies: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Tone:
    beats: tuple[Beat, ...]
    repeat: bool = True
    level: float = -16.0
    """dBov, all frequencies together."""


def _steady(*frequencies: float) -> Tone:
    return Tone((Beat(FOREVER, frequencies),))


def _rhythm(frequencies: tuple[float, ...], *seconds: float) -> Tone:
    """On, off, on, off ..."""
    return Tone(tuple(Beat(length, () if i % 2 else frequencies) for i, length in enumerate(seconds)))


def _once(*beats: Beat) -> Tone:
    return Tone(beats, repeat=False)


_SIT = _once(Beat(0.33, (950,)), Beat(0.03), Beat(0.33, (1400,)), Beat(0.03), Beat(0.33, (1800,)), Beat(1.0))
_BEEP = _once(Beat(0.25, (1000,)))

TONES: dict[str, dict[str, Tone]] = {
    "itu": {  # E.180's recommended values, heard in most of Europe
        "dial": _steady(425),
        "ringback": _rhythm((425,), 1.0, 4.0),
        "busy": _rhythm((425,), 0.5, 0.5),
        "congestion": _rhythm((425,), 0.25, 0.25),
        "waiting": _rhythm((425,), 0.2, 0.2, 0.2, 9.0),
        "sit": _SIT,
        "beep": _BEEP,
    },
    "us": {  # North American precise tone plan
        "dial": _steady(350, 440),
        "ringback": _rhythm((440, 480), 2.0, 4.0),
        "busy": _rhythm((480, 620), 0.5, 0.5),
        "congestion": _rhythm((480, 620), 0.25, 0.25),
        "waiting": _rhythm((440,), 0.3, 9.7),
        "sit": _once(Beat(0.38, (985.2,)), Beat(0.274, (1370.6,)), Beat(0.38, (1776.7,)), Beat(1.0)),
        "beep": _BEEP,
    },
    "uk": {
        "dial": _steady(350, 440),
        "ringback": _rhythm((400, 450), 0.4, 0.2, 0.4, 2.0),
        "busy": _rhythm((400,), 0.375, 0.375),
        "congestion": _rhythm((400,), 0.4, 0.35, 0.225, 0.525),
        "waiting": _rhythm((400,), 0.1, 2.5),
        "sit": _SIT,
        "beep": _BEEP,
    },
}

KEYS = "123A456B789C*0#D"
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def dtmf(keys: str, seconds: float = 0.16, pause: float = 0.08) -> Tone:
    """The two tones of each key (Q.23), one after the other. ValueError for what is no key."""
    beats = []
    for key in keys.upper():
        if key not in KEYS:
            raise ValueError(f"{key!r} is no key of a telephone: use 0-9, *, # and A-D")
        place = KEYS.index(key)
        beats += [Beat(seconds, (_ROWS[place // 4], _COLUMNS[place % 4])), Beat(pause)]
    return Tone(tuple(beats), repeat=False, level=-10.0)


def tone(name: str) -> Tone:
    """By name: "busy", "us:busy", "hz:440" (several with commas), "dtmf:123#". Raises ValueError, in words."""
    kind, _, rest = name.rpartition(":")
    if kind == "hz":
        return _steady(*_frequencies(rest))
    if kind == "dtmf" and rest:
        return dtmf(rest)
    country = TONES.get(kind or "itu")
    if country is None or rest not in country:
        known = ", ".join(TONES["itu"])
        raise ValueError(
            f"no tone is called {name!r}: use {known} (before it us: or uk: if you like), hz:440 or dtmf:5"
        )
    return country[rest]


def _frequencies(text: str) -> Iterator[float]:
    for part in text.split(","):
        try:
            frequency = float(part)
        except ValueError:
            frequency = math.nan
        if not 20 <= frequency <= 4000:
            raise ValueError(f"{part!r} is no frequency for a telephone: give 20 to 4000 Hz, as in hz:440")
        yield frequency


class Generator:
    """Plays one tone, once: `next(n)` until it answers with fewer samples, then `done`."""

    def __init__(self, what: Tone, rate: int, *, loop: bool = False) -> None:
        self.rate = rate
        self._repeat = what.repeat or loop
        self._beats = [(beat, _samples(beat.seconds, rate)) for beat in what.beats]
        self._level = what.level
        self._beat = 0
        self._at = 0  # samples into the beat
        self.done = sum(length for _, length in self._beats) <= 0

    def next(self, n: int) -> NDArray[np.int16]:
        """The next n samples, int16; fewer where a tone that does not repeat ends."""
        parts = []
        while n > 0 and not self.done:
            beat, length = self._beats[self._beat]
            count = int(min(n, length - self._at))
            parts.append(self._play(beat, length, count))
            n -= count
            self._at += count
            if self._at >= length:
                self._step()
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int16), *parts])

    def _step(self) -> None:
        self._at = 0
        self._beat = (self._beat + 1) % len(self._beats)
        self.done = self._beat == 0 and not self._repeat

    def _play(self, beat: Beat, length: float, count: int) -> NDArray[np.int16]:
        if not beat.frequencies:
            return np.zeros(count, np.int16)
        place = np.arange(self._at, self._at + count, dtype=np.float64)
        size = 32767 * math.sqrt(2 / len(beat.frequencies)) * 10 ** (self._level / 20)
        # reduced to one turn before the sine is taken, so that a day of dial tone stays in tune
        made = sum(np.sin(2 * np.pi * (place * (f / self.rate) % 1.0)) for f in beat.frequencies) * size
        ramp = RAMP * self.rate
        if self._at < ramp or self._at + count > length - ramp:
            made *= np.clip(np.minimum(place + 1, length - place) / ramp, 0, 1)
        samples: NDArray[np.int16] = np.rint(made).astype(np.int16)
        return samples


@cache
def _samples(seconds: float, rate: int) -> float:
    return FOREVER if seconds == FOREVER else float(round(seconds * rate))
