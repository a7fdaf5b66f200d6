"""Several talkers into one ear, by the clock: what the bus puts in front of a sink that has two or more sources.

Every talker comes at his own pace, so each has an `Inlet` with a short queue: it starts once a few frames are there,
asks for one frame more after it has run dry, and gives frames up when it has been holding more than it needs for a
while (which also takes out the drift between a phone's clock and ours). Each sink has a mixer of its own sources, so
that nobody hears himself and a supervisor can whisper to one side.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from media.clock import Clock
from media.dsp.mix import mix
from media.dsp.resample import Resampler
from media.frame import TICKS, Audio, Digit, Flush, Frame
from media.leg import Sink

FRAME = TICKS // 50
START, MOST = 2, 6
"""Frames that are waited for at first, and at most."""
PATIENCE = 100
"""Beats (2 s) in which a queue that never runs low shows that it is longer than it need be."""
CALM = 500
"""Beats (10 s) without running dry after which a queue is allowed to be a frame shorter."""
LONGEST = 25
"""Frames; a burst beyond half a second is dropped at once."""

Samples = NDArray[np.int16]


class Inlet:
    """One talker's queue: a sink for its source."""

    encoding = ""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._queue: deque[Samples] = deque()
        self._rest: Samples = np.zeros(0, np.int16)
        self._resampler: Resampler | None = None
        self._playing = False
        self._start = START
        self._lowest = LONGEST
        self._beats = 0
        self._calm = 0

    @property
    def rate(self) -> int:
        return self._sink.rate

    def write(self, frame: Frame) -> None:
        if isinstance(frame, Audio):
            self._take(self._at_rate(frame))
        elif isinstance(frame, Digit):
            self._sink.write(frame)
        else:
            self.clear()

    def pull(self) -> Samples | None:
        """The next 20 ms, None while there is nothing to hear."""
        queue = self._queue
        if not self._playing:
            if len(queue) < self._start:
                return None
            self._playing = True
        if not queue:
            self._run_dry()
            return None
        self._trim()
        return queue.popleft()

    def clear(self) -> None:
        self._queue.clear()
        self._rest = self._rest[:0]
        self._playing = False

    def _at_rate(self, frame: Audio) -> Samples:
        samples, rate, wanted = frame.samples, frame.rate, self._sink.rate
        if rate == wanted:
            return samples
        if self._resampler is None or (self._resampler.rate_in, self._resampler.rate_out) != (rate, wanted):
            self._resampler = Resampler(rate, wanted)
        return self._resampler(samples)

    def _take(self, samples: Samples) -> None:
        size = self._sink.rate // 50
        if len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) - len(samples) % size
        self._queue.extend(samples[start : start + size] for start in range(0, whole, size))
        self._rest = samples[whole:]
        while len(self._queue) > LONGEST:
            self._queue.popleft()

    def _run_dry(self) -> None:
        self._playing = False
        self._start = min(self._start + 1, MOST)
        self._lowest, self._beats, self._calm = LONGEST, 0, 0

    def _trim(self) -> None:
        """Give up what has been held for longer than it was of use."""
        self._beats += 1
        self._calm += 1
        self._lowest = min(self._lowest, len(self._queue))
        if self._calm >= CALM:
            self._calm = 0
            self._start = max(START, self._start - 1)
        if self._beats >= PATIENCE:
            if self._lowest > self._start:
                self._queue.popleft()
            self._lowest, self._beats = LONGEST, 0


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
            self._inlets[source] = Inlet(self._sink)
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
                inlet.clear()
        if self._began is None:
            self._began = now
        heard = [samples for inlet in self._inlets.values() if (samples := inlet.pull()) is not None]
        samples = mix(heard) if heard else np.zeros(rate // 50, np.int16)
        time = round((now - self._began) * 50) * FRAME
        self._sink.write(Audio(time=time, duration=FRAME, decoder=self._mixed, samples=samples))
