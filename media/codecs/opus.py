"""Opus (RFC 6716) by libopus: mono, at the rate of the wire, so that an Opus-to-G.711 call needs no resampler.

Towards a browser the encoder runs VOIP mode at complexity 1: bits buy more than complexity does. 24 kbit/s at 8 kHz
scores better than 16 kbit/s at complexity 10 and costs a third of its CPU; 1 is also the lowest complexity at which
libopus puts in-band FEC (LBRR) into 24 kbit/s. FEC takes its bits from the speech, so with it on the rate goes up,
and it should be on only while the receiver reports loss.
"""

from __future__ import annotations

import ctypes as C

import numpy as np

from media.codecs import opus_library as lib
from media.codecs import opus_packet
from media.codecs.base import Samples
from media.codecs.opus_library import OpusLibrary

BITRATE = {8000: 24_000, 16_000: 40_000, 48_000: 48_000}
"""bit/s by sample rate."""
BITRATE_WITH_FEC = {8000: 32_000, 16_000: 48_000, 48_000: 56_000}
FRAMES_MS = (2.5, 5, 10, 20, 40, 60, 80, 100, 120)
"""Lengths that libopus encodes in one call."""
SIZES = {rate: frozenset(int(rate * ms / 1000) for ms in FRAMES_MS) for rate in BITRATE}
COMPLEXITY = 1
_MAX = {rate: rate * 120 // 1000 for rate in BITRATE}


def encodable(samples: Samples, rate: int) -> Samples:
    """`samples` cut to 120 ms and filled with silence up to the next 2.5 ms, the grain of Opus."""
    samples = samples[: rate * 120 // 1000]
    missing = -len(samples) % (rate // 400)
    return np.concatenate((samples, np.zeros(missing, np.int16))) if missing else samples


def piece(n: int, rate: int) -> int:
    """The longest frame of 20 ms or less that divides n samples."""
    return next(size for size in (rate // 50, rate // 100, rate // 200, rate // 400) if n % size == 0)


class OpusEncoder:
    """One stream's encoder. `fec` carries FEC only if `loss_percent` tells that packets get lost."""

    def __init__(
        self,
        library: OpusLibrary,
        rate: int,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool = False,
        loss_percent: int = 0,
    ) -> None:
        self.rate = rate
        self._library = library
        self._encode = library.encode
        self._state = library.new_encoder(rate)
        self._at = C.c_void_p(C.addressof(self._state))
        self._scratch = library.scratch
        self._sizes = SIZES[rate]
        self._bitrate = bitrate
        self.configure(complexity=COMPLEXITY if complexity is None else complexity, fec=fec, loss_percent=loss_percent)

    def encode(self, samples: Samples) -> bytes:
        n = len(samples)
        if n not in self._sizes:
            return self._encode_odd(samples)
        encode, scratch = self._encode, self._scratch
        size = encode(self._at, samples.tobytes(), n, scratch.packet_at, lib.MAX_PACKET)
        packet: bytes = scratch.packet[:size] if size > 0 else b""  # type: ignore[assignment]  # bytes for c_char
        return packet

    def _encode_odd(self, samples: Samples) -> bytes:
        """30 ms and the like, which phones send: several frames in one packet."""
        samples = encodable(samples, self.rate)
        if not len(samples):
            return b""
        if len(samples) in self._sizes:
            return self.encode(samples)
        size = piece(len(samples), self.rate)
        return opus_packet.join([self.encode(samples[i : i + size]) for i in range(0, len(samples), size)])

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool | None = None,
        loss_percent: int | None = None,
    ) -> None:
        """Change what is named. A bit rate that was never given follows FEC by itself."""
        if fec is not None:
            self._set(lib.SET_INBAND_FEC, int(fec))
        if bitrate is not None:
            self._bitrate = bitrate
        if self._bitrate is not None:
            self._set(lib.SET_BITRATE, max(6000, min(self._bitrate, 510_000)))
        elif fec is not None:
            self._set(lib.SET_BITRATE, (BITRATE_WITH_FEC if fec else BITRATE)[self.rate])
        if complexity is not None:
            self._set(lib.SET_COMPLEXITY, max(0, min(complexity, 10)))
        if loss_percent is not None:
            self._set(lib.SET_PACKET_LOSS, max(0, min(loss_percent, 100)))

    def reset(self) -> None:
        self._library.encoder_ctl(self._at, lib.RESET_STATE)

    def _set(self, what: int, value: int) -> None:
        self._library.encoder_ctl(self._at, what, C.c_int32(value))


class OpusDecoder:
    """One stream's decoder, mono at `rate` whatever the sender's rate and channels."""

    def __init__(self, library: OpusLibrary, rate: int) -> None:
        self.rate = rate
        self.errors = 0
        self._library = library
        self._decode = library.decode
        self._state = library.new_decoder(rate)
        self._at = C.c_void_p(C.addressof(self._state))
        self._max = _MAX[rate]
        self._grain = rate // 400
        self._usual = rate // 50  # the last packet's length, for those that do not say theirs
        self._scratch = library.scratch
        self._pcm, self._pcm_at = self._scratch.pcm, self._scratch.pcm_at
        self._frame = self._scratch.frames[self._usual]

    def decode(self, payload: bytes) -> Samples:
        decode = self._decode
        n = decode(self._at, payload, len(payload), self._pcm_at, self._max, 0) if payload else 0
        if n != self._usual:
            if n <= 0:
                return self._broken(payload)
            self._usual, self._frame = n, self._pcm[:n]
        return self._frame.copy()

    def _broken(self, payload: bytes) -> Samples:
        # An empty payload is how some senders write "nothing to say" (discontinuous transmission), not an error.
        self.errors += bool(payload)
        return self.conceal(self.duration(payload) * self.rate // 48_000)

    def conceal(self, n: int) -> Samples:
        made = np.zeros(n, np.int16)
        for start in range(0, n, self._max):
            size = min(n - start, self._max)
            got = self._decode(self._at, None, 0, self._pcm_at, size + -size % self._grain, 0)
            made[start : start + size] = self._pcm[:size] if got >= size else 0
        return made

    def recover(self, next_payload: bytes, n: int) -> Samples | None:
        if n > self._max or not self._library.has_lbrr(next_payload):
            return None
        size = n + -n % self._grain
        got = self._decode(self._at, next_payload, len(next_payload), self._pcm_at, size, 1)
        return self._pcm[size - n : size].copy() if got == size else None

    def duration(self, payload: bytes) -> int:
        if payload:
            # a packet beyond 120 ms is broken even where its frames could be counted (R5)
            n: int = self._library.packet_samples(payload, len(payload), 48_000)
            if 0 < n <= opus_packet.MAX_TICKS:
                return n
        return self._usual * 48_000 // self.rate

    def reset(self) -> None:
        self._library.decoder_ctl(self._at, lib.RESET_STATE)
