"""What is played where a packet is missing: packet loss concealment in the manner of G.711 Appendix I, without its
delay.

The last pitch periods of what was heard are repeated: one period for 10 ms, then two, then three, so that it does not
buzz, fading by 10 % per 10 ms from the second on and silent after 110 ms (the Recommendation's 20 % is worse in
bursts). The Recommendation holds 3.75 ms back so as to blend the end of the last good frame; here a short ramp evens
the join out instead, and the first frame after the hole is cross-faded in.

All is well: 0.1 us a frame. First lost frame: 60 us at 8 kHz, 20 for each further one.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PERIODS = (1, 2, 3)
FRAMES = 30
"""Frames remembered: enough for 75 ms of the shortest (2.5 ms)."""


class Conceal:
    """One stream's concealment. Arrays given to `good` are kept for some frames and must not be written into."""

    def __init__(self, rate: int = 8000) -> None:
        unit = rate // 200  # 5 ms
        self._shortest, self._longest = unit, 3 * unit  # pitch of 66 to 200 Hz
        self._window = 4 * unit  # 20 ms of correlation
        self._keep = 3 * self._longest + self._longest // 4 + self._window
        self._step = 2 * unit  # 10 ms
        self._end = 22 * unit
        self._recent: deque[NDArray[np.int16]] = deque(maxlen=FRAMES)
        self.gone = 0
        """Samples made up since the last good one."""
        self._period = self._longest
        self._bases: list[NDArray[np.float32]] = []
        self._jump = 0.0

    def good(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        """A frame that came: returned as it is, its start cross-faded if something was lost before it."""
        if self.gone and len(frame):
            frame = self._fade_in(frame)
        self._recent.append(frame)
        return frame

    def lost(self, n: int) -> NDArray[np.int16]:
        """n samples made up."""
        if n <= 0:
            return np.zeros(0, np.int16)
        if not self.gone:
            self._begin()
        made = _int16(self._make(n)) if self.gone < self._end else np.zeros(n, np.int16)
        self.gone += n
        self._recent.append(made)
        return made

    def reset(self) -> None:
        self._recent.clear()
        self.gone = 0

    def _history(self) -> NDArray[np.float32]:
        heard = np.concatenate([np.zeros(self._keep, np.int16), *self._recent])
        return heard[-self._keep :].astype(np.float32)

    def _begin(self) -> None:
        heard = self._history()
        period = self._period = self._pitch(heard)
        quarter = period // 4
        rise = np.arange(1, quarter + 1, dtype=np.float32) / quarter
        self._bases = []
        for count in _PERIODS:  # so many periods, whose end flows into their start
            base = heard[-count * period :].copy()
            before = heard[-count * period - quarter : -count * period]
            base[-quarter:] = base[-quarter:] * (1 - rise) + before * rise
            self._bases.append(base)
        self._jump = float(heard[-1] - self._bases[0][-1])

    def _pitch(self, heard: NDArray[np.float32]) -> int:
        """The lag at which the last 20 ms resemble what was before them most, samples."""
        target = heard[-self._window :]
        earlier = heard[-self._window - self._longest : -self._shortest]
        likeness = np.correlate(earlier, target, "valid")
        energy = np.concatenate(([0.0], np.cumsum(earlier.astype(np.float64) ** 2)))
        return self._longest - int(
            np.argmax(likeness / np.sqrt(energy[self._window :] - energy[: -self._window] + 1e3))
        )

    def _make(self, n: int) -> NDArray[np.float32]:
        """The next n samples of the hole that began `gone` samples ago."""
        place = np.arange(self.gone, self.gone + n)
        stage = np.minimum(place // self._step, len(_PERIODS) - 1)
        made = np.empty(n, np.float32)
        for i in range(int(stage[0]), int(stage[-1]) + 1):
            here = stage == i
            at = place[here]
            made[here] = self._bases[i][at % self._period + at // self._period % (i + 1) * self._period]
        if self.gone == 0:
            ramp = min(self._period // 4, n)
            made[:ramp] += self._jump * (1 - np.arange(1, ramp + 1, dtype=np.float32) / ramp)
        if place[-1] > self._step:
            made *= np.clip(1 - (place - self._step) * (0.1 / self._step), 0, 1)
        return made

    def _fade_in(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        """The longer the hole, the longer the cross-fade: a quarter period, 4 ms more per 10 ms, at most 10 ms."""
        longer = self._step * 2 // 5 * max(self.gone // self._step - 1, 0)
        fade = min(self._period // 4 + longer, self._step, len(frame))
        rise = np.arange(1, fade + 1, dtype=np.float32) / (fade + 1)
        tail = self._make(fade) if self.gone < self._end else np.zeros(fade, np.float32)
        joined = frame.copy()
        joined[:fade] = _int16(frame[:fade] * rise + tail * (1 - rise))
        self.gone = 0
        return joined


def _int16(samples: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    made: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return made
