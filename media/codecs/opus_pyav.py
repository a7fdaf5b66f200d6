"""Opus by PyAV's codec, for where no libopus can be called: calls work, at twice the CPU and without error correction.

It decodes to 48 kHz only, so that narrower wires get a resampler behind it; holes are filled by `Conceal`. Its
settings are fixed when it opens: a change opens a new one, which is heard as a short dip.
"""

from __future__ import annotations

from media.codecs import opus_packet, pyav
from media.codecs.base import Samples
from media.codecs.opus import BITRATE, BITRATE_WITH_FEC, COMPLEXITY, encodable, piece
from media.dsp.conceal import Conceal
from media.dsp.resample import Resampler

_RATE = 48_000


class PyavOpusEncoder:
    def __init__(
        self,
        rate: int,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool = False,
        loss_percent: int = 0,
    ) -> None:
        self.rate = rate
        self._bitrate = bitrate
        self._complexity = COMPLEXITY if complexity is None else complexity
        self._fec = fec
        self._loss_percent = loss_percent
        self._size = rate // 50
        self.reset()

    def encode(self, samples: Samples) -> bytes:
        samples = encodable(samples, self.rate)
        if not len(samples):
            return b""
        size = piece(len(samples), self.rate)
        if size != self._size:
            self._size = size
            self.reset()
        pieces = [pyav.encode(self._encoder, samples[i : i + size]) for i in range(0, len(samples), size)]
        return opus_packet.join(pieces) if all(pieces) else b""

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool | None = None,
        loss_percent: int | None = None,
    ) -> None:
        before = self._options()
        self._bitrate = self._bitrate if bitrate is None else bitrate
        self._complexity = self._complexity if complexity is None else complexity
        self._fec = self._fec if fec is None else fec
        self._loss_percent = self._loss_percent if loss_percent is None else loss_percent
        if self._options() != before:
            self.reset()

    def reset(self) -> None:
        self._encoder = pyav.context("libopus", "w", self.rate, self._options())

    def _options(self) -> dict[str, str]:
        bitrate = self._bitrate or (BITRATE_WITH_FEC if self._fec else BITRATE)[self.rate]
        return {
            "b": str(max(6000, min(bitrate, 256_000))),
            "application": "voip",
            "frame_duration": f"{self._size * 1000 / self.rate:g}",
            "compression_level": str(max(0, min(self._complexity, 10))),
            "fec": str(int(self._fec)),
            "packet_loss": str(max(0, min(self._loss_percent, 100))),
        }


class PyavOpusDecoder:
    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.errors = 0
        self._usual = opus_packet.USUAL_TICKS
        self._conceal = Conceal(rate)
        self.conceal = self._conceal.lost
        self.reset()

    def decode(self, payload: bytes) -> Samples:
        ticks = self.duration(payload)
        samples = pyav.decode(self._decoder, payload) if len(payload) > 1 else None
        if samples is None or len(samples) != ticks:  # 48 kHz is one sample a tick
            self.errors += len(payload) > 1  # shorter ones mean "nothing to say" (discontinuous transmission)
            return self.conceal(ticks * self.rate // _RATE)
        self._usual = ticks
        return self._conceal.good(self._resample(samples))

    def recover(self, next_payload: bytes, n: int) -> Samples | None:
        return None

    def duration(self, payload: bytes) -> int:
        return opus_packet.ticks(payload) or self._usual

    def reset(self) -> None:
        self._decoder = pyav.context("libopus", "r", _RATE)
        self._resample = Resampler(_RATE, self.rate)
        self._conceal.reset()
