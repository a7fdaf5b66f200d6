"""CODECS: payloads in, samples out, and back.

I am: Opus, G.722, PCMU, PCMA, each an `Encoder` and a `Decoder` with the state of one stream (see `base`).
I may use: numpy, PyAV, libopus by ctypes, `media.dsp`.  I never: know a packet's header, a peer, a socket or the time.
What wakes me: a call with a payload or with samples.
"""

from __future__ import annotations

from media.codecs.base import Decoder, Encoder, Samples
from media.codecs.g711 import G711Decoder, G711Encoder
from media.codecs.g722 import G722Decoder, G722Encoder
from media.codecs.opus import OpusDecoder, OpusEncoder
from media.codecs.opus_library import library
from media.codecs.opus_pyav import PyavOpusDecoder, PyavOpusEncoder
from media.codecs.resampled import ResampledDecoder, ResampledEncoder
from media.errors import NoCommonCodec

__all__ = ["Decoder", "Encoder", "Samples", "decoder", "encoder"]

RATES = (8000, 16_000, 48_000)


def encoder(
    encoding: str,
    rate: int,
    *,
    bitrate: int | None = None,
    complexity: int | None = None,
    fec: bool = False,
    loss: int = 0,
) -> Encoder:
    """An encoder for samples at `rate` (8000, 16000, 48000 Hz). `loss` is what the receiver reports, percent.

    Raises NoCommonCodec for an encoding we do not have, ValueError for another rate.
    """
    _check(encoding, rate)
    if encoding == "OPUS":
        opus = library()
        if opus is None:
            return PyavOpusEncoder(rate, bitrate=bitrate, complexity=complexity, fec=fec, loss_percent=loss)
        return OpusEncoder(opus, rate, bitrate=bitrate, complexity=complexity, fec=fec, loss_percent=loss)
    native: Encoder = G722Encoder() if encoding == "G722" else G711Encoder(encoding)
    return native if native.rate == rate else ResampledEncoder(native, rate)


def decoder(encoding: str, rate: int) -> Decoder:
    """A decoder that yields samples at `rate` (8000, 16000, 48000 Hz). Raises as `encoder` does."""
    _check(encoding, rate)
    if encoding == "OPUS":
        opus = library()
        return OpusDecoder(opus, rate) if opus is not None else PyavOpusDecoder(rate)
    native: Decoder = G722Decoder() if encoding == "G722" else G711Decoder(encoding)
    return native if native.rate == rate else ResampledDecoder(native, rate)


def _check(encoding: str, rate: int) -> None:
    if encoding not in ("OPUS", "G722", "PCMU", "PCMA"):
        raise NoCommonCodec(f"no codec for {encoding}: this gateway has OPUS, G722, PCMU and PCMA")
    if rate not in RATES:
        raise ValueError(f"{rate} Hz is no rate of the bus: use 8000, 16000 or 48000")
