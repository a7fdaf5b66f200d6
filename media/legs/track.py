"""One channel of a recording: frames laid down on the wall clock, so that two channels never drift apart.

The first frame is placed where it arrived, those after it by their media time, which does not jitter: a burst after a
stall ends up where it was spoken. Media clocks lie, though: crystals differ, sources pause or are changed without their
time going on. So each place is compared with the arrival:

    earlier than what is already there, or over a second off     another source: placed anew, by arrival
    late, all at once, and staying late                          a pause: what came since is moved to where it belongs
    late, creeping                                               a slow clock: silence is put in at the next quiet frame
    ahead                                                        a fast clock, or a first frame that was late: quiet
                                                                 frames are left out until it fits

Pure: positions are samples since the recording began, `now` among them. What nobody filled is silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.dsp.levels import peak
from media.frame import TICKS

OFF = 0.05
"""Seconds a frame may be off before anything is done."""
FAR_OFF = 0.2
"""Seconds off at which it is done in the middle of speech, if it must."""
HORIZON = 1.0
"""Seconds that a late frame may still be put in its place: what is older has been handed out."""
_STAYING = 0.1
_QUIET = 328  # peak, -40 dB below full scale


class Track:
    """`write` places frames, `take` hands out what lies before a position, once."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.corrections = 0
        """Times the placement was corrected."""
        self._off, self._far = int(OFF * rate), int(FAR_OFF * rate)
        self._horizon, self._staying = int(HORIZON * rate), int(_STAYING * rate)
        self._buffer = np.zeros(4 * rate, np.int16)
        self._taken = 0  # position of the buffer's first sample
        self._end = 0  # position behind the last sample written
        self._anchor: int | None = None  # position of media time 0
        self._last_late = 0
        self._run: _LateRun | None = None

    @property
    def end(self) -> int:
        return self._end

    def write(self, now: int, time: int, samples: NDArray[np.int16]) -> None:
        """A frame of media time `time` (ticks) that arrives at position `now`."""
        place = self._place(now, time * self.rate // TICKS, samples)
        if place is not None:
            self._put(place, samples)

    def take(self, until: int) -> NDArray[np.int16]:
        """int16[until - what was taken before]: everything before the position `until`."""
        count = max(0, until - self._taken)
        self._room(count)
        out = self._buffer[:count].copy()
        self._buffer = np.concatenate((self._buffer[count:], np.zeros(count, np.int16)))
        self._taken += count
        return out

    def restart(self) -> None:
        """What comes next belongs to another stretch of time: place it by its arrival."""
        self._anchor = None

    def _place(self, now: int, media: int, samples: NDArray[np.int16]) -> int | None:
        """Where the frame belongs; None to leave it out."""
        if self._anchor is None:
            return self._anew(now, media)
        place = media + self._anchor
        late = now - place
        if place < self._end - self._off // 10 or abs(late) > self._horizon:
            self.corrections += 1
            return self._anew(now, media)
        if late > self._off:
            place += self._catch_up(now, place, late, samples)
        else:
            self._run = None
        self._last_late = late
        return place if late > -self._off else self._hold_back(place, -late, samples)

    def _anew(self, now: int, media: int) -> int:
        place = max(now, self._end)
        self._anchor = place - media
        self._last_late, self._run = 0, None
        return place

    def _catch_up(self, now: int, place: int, late: int, samples: NDArray[np.int16]) -> int:
        """A frame is late: by how much it and all that follow are to be moved back. 0 while it may be a burst."""
        run = self._run
        if run is None:
            run = self._run = _LateRun(now, place, late, stepped=late - self._last_late > self._off // 2)
        run.least = min(run.least, late)
        if now - run.since < self._staying:
            return 0
        if not run.stepped and late < self._far and peak(samples) > _QUIET:
            return 0
        if run.stepped:
            self._move(run.place, run.least)
        self._run = None
        self.corrections += 1
        assert self._anchor is not None
        self._anchor += run.least
        return run.least

    def _hold_back(self, place: int, ahead: int, samples: NDArray[np.int16]) -> int | None:
        """A frame came before its place: leave it out where that is not heard, so that the next takes its place."""
        if peak(samples) > _QUIET and ahead < self._far:
            return place
        assert self._anchor is not None
        self._anchor -= len(samples)
        self.corrections += 1
        return None

    def _move(self, start: int, by: int) -> None:
        """Everything from `start` on is moved back; silence takes its place."""
        start = max(start, self._taken)
        if start >= self._end:
            return
        self._room(self._end + by - self._taken)
        at, end = start - self._taken, self._end - self._taken
        moved = self._buffer[at:end].copy()
        self._buffer[at:end] = 0
        self._buffer[at + by : end + by] = moved
        self._end += by

    def _put(self, place: int, samples: NDArray[np.int16]) -> None:
        if place < self._taken:
            samples = samples[self._taken - place :]
            place = self._taken
        at = place - self._taken
        self._room(at + len(samples))
        self._buffer[at : at + len(samples)] = samples
        self._end = max(self._end, place + len(samples))

    def _room(self, size: int) -> None:
        if size > len(self._buffer):
            self._buffer = np.concatenate((self._buffer, np.zeros(size, np.int16)))


class _LateRun:
    """Frames in a row that came late."""

    __slots__ = ("least", "place", "since", "stepped")

    def __init__(self, since: int, place: int, least: int, *, stepped: bool) -> None:
        self.since = since
        self.place = place
        self.least = least
        self.stepped = stepped
