"""G.722: wide band in 64 kbit/s, two ADPCM bands, by FFmpeg's codec inside PyAV.

It samples at 16 kHz although RTP counts its clock at 8 kHz (RFC 3551 section 4.5.2: an old mistake that cannot be
undone). A byte is two samples. ADPCM has no notion of a broken payload; a lost one is concealed as in G.711, at twice
the rate.
"""

from __future__ import annotations

import numpy as np

from media.codecs import pyav
from media.codecs.base import Samples
from media.dsp.conceal import Conceal

RATE = 16_000
_TICKS = 6  # ticks of the media clock per byte


class G722Encoder:
    """FFmpeg wants all frames of a stream equally long, so that a change of packet time starts it afresh."""

    rate = RATE

    def __init__(self) -> None:
        self._size = 0
        self.reset()

    def encode(self, samples: Samples) -> bytes:
        n = len(samples)
        if n != self._size:
            if n < 2:
                return b""
            self._size = n & ~1  # two samples make a byte
            self.reset()
        return pyav.encode(self._encoder, samples[: self._size])

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool | None = None,
        loss_percent: int | None = None,
    ) -> None:
        """One rate, one way: no knobs."""

    def reset(self) -> None:
        self._encoder = pyav.context("g722", "w", RATE, {"frame_size": str(self._size or RATE // 50)})


class G722Decoder:
    rate = RATE

    def __init__(self) -> None:
        self.errors = 0
        self._decoder = pyav.context("g722", "r", RATE)
        self._conceal = Conceal(RATE)
        self.conceal = self._conceal.lost

    def decode(self, payload: bytes) -> Samples:
        if not payload:
            return np.zeros(0, np.int16)
        samples = pyav.decode(self._decoder, payload)
        if samples is None:
            self.errors += 1
            return self.conceal(2 * len(payload))
        return self._conceal.good(samples)

    def recover(self, next_payload: bytes, n: int) -> Samples | None:
        return None

    def duration(self, payload: bytes) -> int:
        return len(payload) * _TICKS

    def reset(self) -> None:
        self._decoder = pyav.context("g722", "r", RATE)
        self._conceal.reset()
