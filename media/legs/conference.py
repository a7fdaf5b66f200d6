"""Several talkers into one ear, by the clock: what the bus puts in front of a sink that has two or more sources.

Every talker comes at his own pace, so each has an `Inlet` with a playout buffer of its own (`rtp.jitter`), which waits
for as much jitter as there is and follows the drift between a phone's clock and ours. Each sink has a mixer of its own
sources, so that nobody hears himself and a supervisor can whisper to one side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from media.clock import Clock
from media.dsp.levels import peak
from media.dsp.mix import mix
from media.dsp.resample import Resampler
from media.frame import TICKS, Audio, Digit, Flush, Frame
from media.leg import Sink
from media.rtp.jitter import JitterBuffer

FRAME = TICKS // 50
QUIET = 300
"""Largest deflection of a frame that nobody would miss."""

Samples = NDArray[np.int16]


class Inlet:
    """One talker's way into a mixer: a sink for its source."""

    encoding = ""

    def __init__(self, sink: Sink, now: Callable[[], float]) -> None:
        self.buffer: JitterBuffer[Samples] = JitterBuffer()
        self._sink = sink
        self._now = now
        self._resampler: Resampler | None = None

    @property
    def rate(self) -> int:
        return self._sink.rate

    def write(self, frame: Frame) -> None:
        if isinstance(frame, Audio):
            samples = self._at_rate(frame)
            self.buffer.push(frame.time, frame.duration, samples, self._now(), peak(samples) < QUIET)
        elif isinstance(frame, Digit):
            self._sink.write(frame)
        else:
            self.buffer.clear()

    def pull(self, now: float, rate: int) -> Samples | None:
        """The next 20 ms, None where there is nothing to hear."""
        pieces = self.buffer.pull(now)
        if not pieces:
            return None
        ticks = TICKS // rate
        window = np.zeros(rate // 50, np.int16)
        for piece in pieces:
            part = piece.item[piece.start // ticks : (piece.start + piece.ticks) // ticks]
            at = piece.at // ticks
            window[at : at + len(part)] = part[: len(window) - at]
        return window

    def _at_rate(self, frame: Audio) -> Samples:
        samples, rate, wanted = frame.samples, frame.rate, self._sink.rate
        if rate == wanted:
            return samples
        if self._resampler is None or (self._resampler.rate_in, self._resampler.rate_out) != (rate, wanted):
            self._resampler = Resampler(rate, wanted)
        return self._resampler(samples)


class _Mixed:
    """Stands behind a mixed frame, which always has its samples."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def decode(self, frame: Audio) -> Samples:
        return np.zeros(frame.duration * self.rate // TICKS, np.int16)


class Mixer:
    """Writes one frame every 20 ms to its sink, silence included, from when it is made until it is closed."""

    def __init__(self, name: str, sink: Sink, clock: Clock) -> None:
        self.name = name
        self._sink = sink
        self._clock = clock
        self._inlets: dict[str, Inlet] = {}
        self._mixed = _Mixed(sink.rate)
        self._began: float | None = None
        clock.add(self._beat)

    def input(self, source: str) -> Inlet:
        if source not in self._inlets:
            self._inlets[source] = Inlet(self._sink, self._clock.now)
        return self._inlets[source]

    def drop(self, source: str) -> None:
        self._inlets.pop(source, None)

    def close(self) -> None:
        self._clock.remove(self._beat)
        self._inlets.clear()
        self._sink.write(Flush())

    def __str__(self) -> str:
        return f"{' + '.join(self._inlets)} => {self.name}"

    def _beat(self, now: float) -> None:
        rate = self._sink.rate
        if rate != self._mixed.rate:
            self._mixed = _Mixed(rate)
            for inlet in self._inlets.values():
                inlet.buffer.clear()
        if self._began is None:
            self._began = now
        heard = [samples for inlet in self._inlets.values() if (samples := inlet.pull(now, rate)) is not None]
        samples = mix(heard) if heard else np.zeros(rate // 50, np.int16)
        time = round((now - self._began) * 50) * FRAME
        self._sink.write(Audio(time=time, duration=FRAME, decoder=self._mixed, samples=samples))
