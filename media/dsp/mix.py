"""Several talkers into one ear: sums that bend at the limit instead of breaking.

int16 wraps around when it overflows, which sounds like an explosion; so sums are made in int32 and clipped. A
conference makes the sum of all once and takes each listener's own voice out again: n subtractions instead of n * (n -
1) additions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def mix(frames: Sequence[NDArray[np.int16]]) -> NDArray[np.int16]:
    """int16[n] of one or more int16[n], saturating. A single frame is returned as it is."""
    return frames[0] if len(frames) == 1 else clip(total(frames))


def total(frames: Sequence[NDArray[np.int16]]) -> NDArray[np.int32]:
    """int32[n]: the sum before anything is clipped."""
    added = frames[0].astype(np.int32)
    for frame in frames[1:]:
        added += frame
    return added


def without(everybody: NDArray[np.int32], own: NDArray[np.int16]) -> NDArray[np.int16]:
    """What somebody hears of a conference: `total` minus what they say themselves."""
    return clip(everybody - own)


def clip(samples: NDArray[np.int32]) -> NDArray[np.int16]:
    limited: NDArray[np.int16] = np.clip(samples, -32768, 32767).astype(np.int16)
    return limited
