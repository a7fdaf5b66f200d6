"""What can be played, written as text.

    file:/srv/hello.mp3   a WAV, MP3, Ogg or FLAC file           music              the bundled loop
    say:you-said 12#      bundled words and keys                 silence            for ever, or silence:0.5 seconds
    tone:busy             see `media.dsp.tones`; tone:us:busy, tone:hz:440, tone:dtmf:12#; tone:busy@3 for 3 seconds

Several joined by "+" are played one after the other. `parse` opens what it names, so that a mistake is known at once
and in words (BadSource); the sound itself is made piece by piece, at the rate that is wanted at that moment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from media import sounds
from media.dsp.tones import FOREVER, Generator, Tone, tone
from media.errors import BadSource
from media.files import Piece, SoundFile

Rate = Callable[[], int]
_PIECE = 0.1
"""Seconds made at a time."""
_JOINT = re.compile(r"\+(?=(?:file|say|tone|silence):|(?:music|silence)(?:\+|$))")


class Clip(Protocol):
    """One thing to play, from its beginning each time it is asked for pieces. Blocks: files are read."""

    def pieces(self, rate: Rate) -> Iterator[Piece]: ...


@dataclass(frozen=True, slots=True)
class Sounds:
    """Bundled sounds, one after the other."""

    names: tuple[str, ...]

    def pieces(self, rate: Rate) -> Iterator[Piece]:
        for name in self.names:
            seconds = 0.0
            while True:
                now = rate()
                start = round(seconds * now)
                piece = sounds.load(name, now)[start : start + int(_PIECE * now)]
                if not len(piece):
                    break
                yield now, piece
                seconds += len(piece) / now


@dataclass(frozen=True, slots=True)
class Sounding:
    """A tone, for some seconds or until it ends by itself. A change of rate begins its rhythm anew."""

    what: Tone
    seconds: float = FOREVER

    def pieces(self, rate: Rate) -> Iterator[Piece]:
        left, generator = self.seconds, Generator(self.what, rate(), loop=self.seconds != FOREVER)
        while not generator.done and left > 0:
            if generator.rate != rate():
                generator = Generator(self.what, rate(), loop=self.seconds != FOREVER)
            piece = generator.next(max(1, round(min(_PIECE, left) * generator.rate)))
            left -= len(piece) / generator.rate
            yield generator.rate, piece


@dataclass(frozen=True, slots=True)
class Silence:
    seconds: float = FOREVER

    def pieces(self, rate: Rate) -> Iterator[Piece]:
        left = self.seconds
        while left > 1e-9:
            now = rate()
            part = min(_PIECE, left)
            yield now, np.zeros(round(part * now), np.int16)
            left -= part


def parse(text: str) -> tuple[Clip, ...]:
    """The clips that `text` names. Raises BadSource."""
    return tuple(_clip(part) for part in _JOINT.split(text))


def _clip(text: str) -> Clip:
    kind, colon, rest = text.partition(":")
    if kind == "file" and rest:
        return SoundFile(rest)
    if kind == "say" and colon:
        return Sounds(sounds.spell(rest))
    if kind == "tone" and rest:
        return _tone(rest)
    if text == "music":
        return Sounds((sounds.MUSIC,))
    if kind == "silence":
        return Silence(_seconds(rest, text) if colon else FOREVER)
    raise BadSource(f"cannot play {text!r}: write file:PATH, say:123, tone:ringback, music or silence, joined by +")


def _tone(text: str) -> Clip:
    name, at, seconds = text.partition("@")
    try:
        what = tone(name)
    except ValueError as error:
        raise BadSource(f"cannot play tone:{text}: {error}") from None
    return Sounding(what, _seconds(seconds, f"tone:{text}") if at else FOREVER)


def _seconds(text: str, whole: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise BadSource(f"cannot play {whole!r}: {text!r} is no number of seconds, give 0.02 to 86400")
    return seconds
