"""How loud a frame is, in dBov: decibels below the loudest that 16 bits can carry (RFC 6464 section 3, appendix A).

A full-scale square wave has 0 dBov, a full-scale sine -3; talking on a phone is about -26, a quiet room -60.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SILENCE = -127.0
"""dBov of digital silence: the lowest that RFC 6464 can express."""


def level(samples: NDArray[np.int16]) -> float:
    """Root mean square, dBov, SILENCE to 0."""
    if not len(samples):
        return SILENCE
    loud = samples.astype(np.float32)
    power = float(np.dot(loud, loud)) / len(loud) / (32767.0 * 32767.0)
    return max(SILENCE, min(0.0, 10 * math.log10(power))) if power > 0 else SILENCE


def peak(samples: NDArray[np.int16]) -> int:
    """The largest deflection, 0 to 32768."""
    return max(int(samples.max()), -int(samples.min())) if len(samples) else 0
