"""The load's signal, made by the program: each second half near silence, half speech-like noise with a hard onset."""

from __future__ import annotations

import numpy as np

SECONDS = 8
ONSET = 25
"""Packet within each 50-packet second that holds the onset."""


def speech(rate: int) -> np.ndarray:
    """int16[SECONDS * rate]: noise shaped by three wandering resonances, 4 Hz syllables, hard onset each second."""
    random = np.random.default_rng(7)
    n = rate * SECONDS
    t = np.arange(n) / rate
    pitch = 110 + 25 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 16))
    breath = random.normal(0, 0.3, n)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t)
    loud = (t % 1.0) >= ONSET / 50
    x = (voice + breath) * syllables * 3500 * loud + random.normal(0, 8, n)
    onset = loud & ((t % 1.0) < ONSET / 50 + 0.02)
    x[onset] = np.sign(np.sin(2 * np.pi * 700 * t[onset])) * 14_000
    return np.clip(x, -32_000, 32_000).astype(np.int16)


class OnsetDetector:
    """Delay of the onset from sending to decoded arrival, ms. One per receiving end."""

    def __init__(self) -> None:
        self.quiet = 0
        self.delays: list[float] = []
        self._seen = 0.0

    def feed(self, peak: int, now: float, sent: float) -> None:
        if peak > 6000:
            if self.quiet > 8 and sent and sent != self._seen:
                self._seen = sent
                self.delays.append((now - sent) * 1000)
            self.quiet = 0
        elif peak < 3000:
            self.quiet += 1
