"""G.711: PCMU (mu-law) and PCMA (A-law) by table, 8 bits for 14 or 13.

Both laws cut the range into eight chords per sign, each twice as wide as the one before, with sixteen steps in each.
The tables are computed here from the definition (ITU-T G.711 tables 1 and 2) and scaled to 16 bits as G.191's
reference does: a code stands for the middle of its step. On the wire mu-law codes are inverted, A-law's even bits are
(0x55).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from media.codecs.base import Samples
from media.dsp.conceal import FRAMES, Conceal

RATE = 8000
_TICKS = 6
"""Ticks of the media clock per sample."""


def _mu_law() -> NDArray[np.int16]:
    """int16[256]: what each mu-law code stands for."""
    code = ~np.arange(256) & 0xFF
    chord, step = code >> 4 & 7, code & 15
    size = ((2 * step + 33 << chord) - 33) << 2
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _a_law() -> NDArray[np.int16]:
    """int16[256]: what each A-law code stands for. A set sign bit means positive."""
    code = np.arange(256) ^ 0x55
    chord, step = code >> 4 & 7, code & 15
    size = np.where(chord == 0, 2 * step + 1, 2 * step + 33 << np.maximum(chord - 1, 0)) << 3
    return np.where(code & 0x80, size, -size).astype(np.int16)


def _encode_mu_law() -> NDArray[np.uint8]:
    """uint8[65536] by sample, the negative ones counted from the end, as numpy counts."""
    sample = _all_samples()
    # G.191 works on 14 bits in one's complement: -1 is as close to zero as 0 is.
    size = np.minimum((np.where(sample < 0, ~sample, sample) >> 2) + 33, 0x1FFF)
    chord = np.floor(np.log2(size)).astype(np.int64) - 5
    code = chord << 4 | size >> chord + 1 & 15
    wire: NDArray[np.uint8] = (np.where(sample < 0, code | 0x80, code) ^ 0xFF).astype(np.uint8)
    return wire


def _encode_a_law() -> NDArray[np.uint8]:
    sample = _all_samples()
    size = np.where(sample < 0, ~sample, sample) >> 4  # 12 bits with sign, one's complement
    shift = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(np.int64) - 4, 0)
    # the first two chords are one straight line, so that up to 31 the size is the code
    code = np.where(size < 32, size, shift + 1 << 4 | size >> shift & 15)
    wire: NDArray[np.uint8] = (np.where(sample < 0, code, code | 0x80) ^ 0x55).astype(np.uint8)
    return wire


def _all_samples() -> NDArray[np.int64]:
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int64)


DECODE = {"PCMU": _mu_law(), "PCMA": _a_law()}
ENCODE = {"PCMU": _encode_mu_law(), "PCMA": _encode_a_law()}

MU_TO_A = ENCODE["PCMA"].take(DECODE["PCMU"], mode="wrap").tobytes()
"""`payload.translate(MU_TO_A)` is the whole transcoding."""
A_TO_MU = ENCODE["PCMU"].take(DECODE["PCMA"], mode="wrap").tobytes()


_frombuffer, _UINT8 = np.frombuffer, np.dtype(np.uint8)


class G711Encoder:
    """Stateless: one byte a sample."""

    rate = RATE

    def __init__(self, encoding: str) -> None:
        self._take = ENCODE[encoding].take

    def encode(self, samples: Samples) -> bytes:
        take = self._take
        return take(samples, None, None, "wrap").tobytes()  # "wrap" finds negative samples and checks no bounds

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool | None = None,
        loss_percent: int | None = None,
    ) -> None:
        """G.711 has no knobs."""

    def reset(self) -> None:
        """Nothing is remembered."""


class G711Decoder:
    """Every byte is a sample, so nothing can be broken; what is lost is concealed."""

    rate = RATE

    def __init__(self, encoding: str) -> None:
        self.errors = 0
        self._take = DECODE[encoding].take
        self._conceal = Conceal(RATE)
        self._recent: deque[bytes] = deque(maxlen=FRAMES)  # what `_conceal` has to know as soon as something is lost
        self._remember = self._recent.append

    def decode(self, payload: bytes) -> Samples:
        take, remember = self._take, self._remember
        samples: Samples = take(_frombuffer(payload, _UINT8), None, None, "wrap")  # a byte needs no check of bounds
        if self._conceal.gone:
            return self._conceal.good(samples)
        remember(payload)
        return samples

    def conceal(self, n: int) -> Samples:
        for payload in self._recent:
            self._conceal.good(self._take(_frombuffer(payload, _UINT8)))
        self._recent.clear()
        return self._conceal.lost(n)

    def reset(self) -> None:
        self._recent.clear()
        self._conceal.reset()

    def recover(self, next_payload: bytes, n: int) -> Samples | None:
        return None

    def duration(self, payload: bytes) -> int:
        return len(payload) * _TICKS
