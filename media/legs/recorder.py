"""A party that only listens, with one ear or two: writes both sides of a call into the channels of a WAV file.

Both channels stand on one clock, the recorder's own (see `track`); gaps are silence, and both are as long as the
recording lasted. Once a second a background thread writes what is more than a second old, because a late frame may
still be put in its place until then; the header is patched each time, so that the file is whole up to there even if
the process is killed.

A full disk, a folder that may not be written: `Failed` says so in words, the channels go deaf, and the call notices
nothing.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from media import background
from media.clock import Clock
from media.dsp.levels import peak
from media.dsp.resample import Resampler
from media.events import Failed, Finished
from media.files import WavWriter
from media.frame import Audio, Flush, Frame
from media.legs.track import HORIZON, Track

EVERY = 1.0
"""Seconds between two writes."""
BEHIND = 60
"""Writes that may wait for a slow disk."""

_WORDS = {
    errno.ENOSPC: "the disk is full. Free some space, or record to another disk",
    errno.EDQUOT: "the disk quota is used up. Free some space, or record to another disk",
    errno.EACCES: "it may not be written. Give this user write permission to the folder",
    errno.EROFS: "the file system is read-only. Record to another folder",
    errno.EISDIR: "it is a folder. Give the path of a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder. Give another path",
}


class Channel:
    """One ear: a sink. Digits leave no trace; after a flush the next frame may be of another source."""

    encoding = ""

    def __init__(self, rate: int, clock: Callable[[], int | None]) -> None:
        self.rate = rate
        self.track = Track(rate)
        self._position = clock  # samples since the recording began; None while it does not run
        self._resample: Resampler | None = None

    def write(self, frame: Frame) -> None:
        if not isinstance(frame, Audio):
            if isinstance(frame, Flush):
                self.track.restart()
            return
        now = self._position()
        if now is None:
            return
        samples = frame.samples
        if frame.rate != self.rate:
            samples = self._converted(frame.rate, samples)
        self.track.write(now, frame.time, samples)

    def _converted(self, rate: int, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._resample is None or self._resample.rate_in != rate:
            self._resample = Resampler(rate, self.rate)
        return self._resample(samples)


class Recorder:
    """Records from `start` to `aclose`, then emits `Finished`; or `Failed`, once, when the file cannot be written."""

    def __init__(
        self,
        name: str,
        path: str,
        clock: Clock,
        emit: Callable[[Finished | Failed], None],
        *,
        rate: int = 8000,
        channels: int = 2,
        run: background.Run = background.submit,
    ) -> None:
        self.name = name
        self.path = path
        self.rate = rate
        self.peak = 0
        """The loudest sample written so far: 0 if nobody has said anything."""
        self._clock, self._emit, self._run = clock, emit, run
        self._channels = tuple(Channel(rate, self._position) for _ in range(channels))
        self._begun: float | None = None
        self._over = False
        self._written = 0  # samples handed to the thread
        # shared with the thread
        self._blocks: deque[NDArray[np.int16]] = deque()
        self._opened = self._last = False
        self._error: OSError | None = None
        self._file: WavWriter | None = None
        self._lock = threading.Lock()

    def channel(self, number: int) -> Channel:
        """The sink of channel 0 (left, or the only one) or 1 (right). Raises IndexError for one it does not have."""
        return self._channels[number]

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._written / self.rate

    async def start(self) -> None:
        if self._begun is None and not self._over:
            self._begun = self._clock.now()
            self._clock.add(self._tick, slow=True)
            self._run(self._write)

    async def aclose(self) -> None:
        """Write the rest and close the file."""
        if self._over:
            return
        end = self._position()
        self._stop()
        if end is None:
            return
        self._hand_over(end)
        self._last = True
        writing = self._run(self._write)
        if isinstance(writing, Future):
            await asyncio.wrap_future(writing)
        self._emit(Failed(self.name, self._words()) if self._error else Finished(self.name))

    def __str__(self) -> str:
        return f"recorder {self.name} ({self.path})"

    def _position(self) -> int | None:
        if self._begun is None or self._over:
            return None
        return round((self._clock.now() - self._begun) * self.rate)

    def _tick(self, now: float) -> None:
        assert self._begun is not None
        if self._error or len(self._blocks) > BEHIND:
            self._fail()
            return
        ripe = round((now - self._begun - HORIZON) * self.rate)
        if ripe - self._written >= EVERY * self.rate:
            self._hand_over(ripe)
            self._run(self._write)

    def _hand_over(self, until: int) -> None:
        """Everything before that position goes to the thread, both channels alike."""
        block = np.stack([channel.track.take(until) for channel in self._channels], 1)
        self._written += len(block)
        self.peak = max(self.peak, peak(block.ravel()))
        self._blocks.append(block)

    def _write(self) -> None:
        """In a thread. The lock keeps blocks in their order."""
        with self._lock:
            try:
                if not self._opened:
                    self._opened = True
                    self._file = WavWriter(self.path, self.rate, len(self._channels))
                while self._file is not None and self._blocks:
                    self._file.write(self._blocks.popleft())
            except OSError as error:
                self._error = error
            if self._file is not None and (self._last or self._error):
                self._file.close()
                self._file = None

    def _fail(self) -> None:
        self._stop()
        self._last = True
        self._run(self._write)  # close what was written
        self._emit(Failed(self.name, self._words()))

    def _stop(self) -> None:
        self._over = True
        self._clock.remove(self._tick)

    def _words(self) -> str:
        if self._error is None:
            return f"cannot record to {self.path}: the disk is too slow, {BEHIND} seconds are waiting to be written"
        why = _WORDS.get(self._error.errno or 0) or f"{self._error.strerror or self._error}. Give another path"
        return f"cannot record to {self.path}: {why}"
