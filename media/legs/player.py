"""A party that only speaks: plays files, tones and bundled sounds (see `media.sources`) to whoever is connected.

Sound is made ahead in a background thread, half a second to a second of it, and written to the sinks by the 20 ms
clock; the loop never waits for a disk, and an hour of audio never sits in memory. Media time follows the clock: where
nothing could be played (nobody listened, the disk was slow), it has a gap, which means silence.

Nobody connected, nothing played: the player waits where it is, and goes on when somebody is. Samples come at the
highest rate any sink asks for; when that changes, the next piece made has the new one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from media import background, sources
from media.clock import BEAT, Clock
from media.errors import BadSource
from media.events import Failed, Finished
from media.files import Piece
from media.frame import TICKS, Audio, Flush
from media.leg import Sink

log = logging.getLogger(__name__)

FRAME = TICKS // 50
AHEAD = 50
"""Frames made ahead; more are ordered when half of them are gone."""
EARLY = 5
"""Frames made first, so that it starts at once."""


class _Made:
    """The decoder of frames that were never encoded."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def decode(self, frame: Audio) -> NDArray[np.int16]:
        return np.zeros(frame.duration * self.rate // TICKS, np.int16)


_MADE = {rate: _Made(rate) for rate in (8000, 16_000, 48_000)}


class Player:
    """A source. Emits `Finished` when all has been played, `Failed` if it cannot go on; neither when it is closed."""

    def __init__(
        self,
        name: str,
        source: str,
        clock: Clock,
        emit: Callable[[Finished | Failed], None],
        *,
        loop: bool = False,
        rate: int = 8000,
        run: background.Run = background.submit,
    ) -> None:
        """Raises BadSource for what cannot be played."""
        self.name = name
        self.source = source
        self.underruns = 0
        """Beats at which nothing was ready."""
        self._clips = sources.parse(source)
        self._clock, self._emit, self._run = clock, emit, run
        self._loop = loop
        self._least_rate = self._rate = rate
        self._sinks: dict[Sink, None] = {}
        self._ready: deque[Piece] = deque()
        self._frames = self._make()
        self._making = self._exhausted = self._closed = False
        self._started = self._over = False
        self._failure = ""
        self._time = 0
        self._beat: float | None = None
        self._marker = True

    @property
    def rate(self) -> int:
        """Hz, of what is made next."""
        return self._rate

    def connect(self, sink: Sink) -> None:
        self._sinks[sink] = None
        self._retune()
        if self._started and not self._over:
            self._clock.add(self._tick)

    def disconnect(self, sink: Sink) -> None:
        if sink not in self._sinks:
            return
        del self._sinks[sink]
        sink.write(Flush())
        self._retune()
        if not self._sinks:
            self._clock.remove(self._tick)

    async def start(self) -> None:
        """Begin; the first frame goes out at the next beat after somebody is connected and something is made."""
        if self._started or self._over:
            return
        self._started = True
        self._order(EARLY)
        if self._sinks:
            self._clock.add(self._tick)

    async def aclose(self) -> None:
        """Stop at once: whoever listens drops what it has not yet played."""
        if not self._over:
            self._stop()
            for sink in tuple(self._sinks):
                sink.write(Flush())
        self._sinks.clear()

    def __str__(self) -> str:
        return f"player {self.name} ({self.source})"

    def _retune(self) -> None:
        self._rate = max((sink.rate for sink in self._sinks), default=self._least_rate)

    def _tick(self, now: float) -> None:
        if self._beat is not None:  # beats that were missed are silence
            missed = max(0, round((now - self._beat) / BEAT) - 1)
            self._time += missed * FRAME
            self._marker |= missed > 0
        self._beat = now
        if self._ready:
            self._play(*self._ready.popleft())
        elif self._exhausted:
            self._end()
            return
        else:
            self.underruns += 1
            self._time += FRAME
            self._marker = True
        if len(self._ready) < AHEAD // 2:
            self._order(AHEAD)

    def _play(self, rate: int, samples: NDArray[np.int16]) -> None:
        frame = Audio(time=self._time, duration=FRAME, marker=self._marker, decoder=_MADE[rate], samples=samples)
        self._time += FRAME
        self._marker = False
        for sink in tuple(self._sinks):
            sink.write(frame)

    def _end(self) -> None:
        self._stop()
        self._emit(Failed(self.name, self._failure) if self._failure else Finished(self.name))

    def _stop(self) -> None:
        self._over = self._closed = True
        self._clock.remove(self._tick)
        self._ready.clear()
        self._order(0)  # only closes its files

    def _order(self, frames: int) -> None:
        """Have frames made until so many are ready."""
        if not self._making and not (self._exhausted and not self._closed):
            self._making = True
            self._run(lambda: self._fill(frames))

    def _fill(self, frames: int) -> None:
        """In a thread, one at a time: deques are safe to share."""
        try:
            while not self._closed and len(self._ready) < frames:
                piece = next(self._frames, None)
                if piece is None:
                    self._exhausted = True
                    break
                self._ready.append(piece)
        except BadSource as error:
            self._fail(str(error))
        except Exception as error:  # a broken file must not end in a thread where nobody hears of it
            log.exception("player %s failed", self.name)
            self._fail(f"{self.source} could not be played to its end: {error}")
        finally:
            if self._closed:
                self._frames.close()
            self._making = False

    def _fail(self, why: str) -> None:
        self._failure, self._exhausted = why, True

    def _make(self) -> Generator[Piece, None, None]:
        """Frames of 20 ms, again and again if it loops."""
        while True:
            some = False
            for piece in _framed(self._pieces()):
                some = True
                yield piece
            if not self._loop:
                return
            if not some:
                raise BadSource(f"{self.source} has no sound in it: it cannot be played in a loop")

    def _pieces(self) -> Iterator[Piece]:
        for clip in self._clips:
            yield from clip.pieces(lambda: self._rate)


def _framed(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Cut into 20 ms; the last is filled with silence. Where the rate changes, up to 20 ms are dropped."""
    rate, rest = 0, np.zeros(0, np.int16)
    for now, samples in pieces:
        rest = np.concatenate((rest, samples)) if now == rate and len(rest) else samples
        rate, size = now, now // 50
        for start in range(0, len(rest) - size + 1, size):
            yield rate, rest[start : start + size]
        rest = rest[len(rest) // size * size :]
    if len(rest):
        yield rate, np.concatenate((rest, np.zeros(rate // 50 - len(rest), np.int16)))
