"""A playout buffer for whoever plays by the clock: mixers, recorders, streams, an agent's ear. Never for a bridge.

A frame that arrives at `now` with media time `time` has the transit `now - time`. The smallest transit of the last ten
seconds is the network at its best; what others take longer is jitter, and the buffer waits for all but the worst 3 %:

    plays at `now`:  the media time  now - best transit - delay

The play-out point moves by exactly one window per pull, so that speech is never stretched. Where it should be wanders,
by jitter and by the drift of the sender's clock against ours; it is set right where nobody hears it: in a gap, or by
dropping or inserting one window of a stretch the caller calls quiet. In speech it is set right only when it runs so far
ahead that every frame would be late, or lags by FORCE.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from media.frame import TICKS

Item = TypeVar("Item")

WINDOW = TICKS // 50
"""Ticks per pull: 20 ms."""
LEAST, MOST = WINDOW, 10 * WINDOW
"""Bounds of the delay."""
FORCE = 6 * WINDOW
EARLY = -WINDOW // 4
LEAP = 2 * TICKS
"""A frame this far from where its stream was is another stream."""
_MEMORY = 512
_EVERY = 16
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Piece(Generic[Item]):
    """A part of an item that belongs into the window pulled. All in ticks."""

    item: Item
    start: int
    """Where the part begins in the item."""
    at: int
    """Where it goes in the window."""
    ticks: int


@dataclass(slots=True, order=True)
class _Held(Generic[Item]):
    time: int
    end: int = field(compare=False)
    quiet: bool = field(compare=False)
    item: Item = field(compare=False)


class JitterBuffer(Generic[Item]):
    """Takes frames as they come, gives 20 ms at each beat."""

    def __init__(self) -> None:
        self.delay = 2 * WINDOW
        """Ticks of jitter that are waited out at present."""
        self.late = 0
        """Frames that came after their time, or twice."""
        self.dropped = 0
        """Windows left out, and frames thrown away, to catch up."""
        self.inserted = 0
        """Windows of silence put in to wait."""
        self._queue: list[_Held[Item]] = []
        self._transits: deque[float] = deque(maxlen=_MEMORY)
        self._best = 0.0
        self._pushes = 0
        self._play: int | None = None

    def push(self, time: int, duration: int, item: Item, now: float, quiet: bool = False) -> bool:
        """Take a frame. quiet: nobody would miss it. False: it came too late, or twice."""
        self._measure(now * TICKS - time)
        if self._play is not None and time + duration <= self._play or any(h.time == time for h in self._queue):
            self.late += 1
            return False
        insort(self._queue, _Held(time, time + duration, quiet, item))
        if len(self._queue) > _LONGEST:
            self._queue.pop(0)
            self.dropped += 1
        return True

    def _measure(self, transit: float) -> None:
        if self._transits and abs(transit - self._best) > LEAP:
            self.clear()
        self._transits.append(transit)
        self._best = min(self._best, transit) if len(self._transits) > 1 else transit
        self._pushes += 1
        if self._pushes % _EVERY == 0:
            ordered = sorted(self._transits)
            self._best = ordered[0]
            wait = ordered[len(ordered) * 97 // 100] - ordered[0]
            # a beat samples the arrivals only once per window: one window on top of what jitter asks for
            self.delay = min(max(round(wait) + WINDOW, LEAST), MOST)

    def pull(self, now: float) -> list[Piece[Item]]:
        """Return what belongs into the 20 ms that begin now, in order; where nothing is, is silence."""
        if not self._transits:
            return []
        due = round(now * TICKS - self._best - self.delay)
        if not self._queue or self._play is None:
            self._play = due if self._play is None else max(due, self._play)
        play = self._steer(self._play, due)
        if play is None:
            return []
        pieces = [
            Piece(h.item, max(play - h.time, 0), max(h.time - play, 0), min(h.end, play + WINDOW) - max(h.time, play))
            for h in self._queue
            if h.time < play + WINDOW and h.end > play
        ]
        self._play = play + WINDOW
        self._queue = [h for h in self._queue if h.end > self._play]
        return pieces

    def _steer(self, play: int, due: int) -> int | None:
        """Where to play: on, a window further, or (None) not now."""
        behind = due - play
        if EARLY <= behind <= WINDOW or (-WINDOW <= behind <= FORCE and not self._quiet(play)):
            return play
        if behind < 0:
            self.inserted += 1
            return None
        steps = 1 if behind <= FORCE else behind // WINDOW
        self.dropped += steps
        return play + steps * WINDOW

    def _quiet(self, play: int) -> bool:
        """Would nobody miss the window that is due?"""
        return all(h.quiet for h in self._queue if h.time < play + WINDOW and h.end > play)

    def clear(self) -> None:
        """Forget everything: another stream begins."""
        self._queue.clear()
        self._transits.clear()
        self._play = None
        self.delay = 2 * WINDOW
