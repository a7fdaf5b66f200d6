"""What stands behind a frame: the codec that turns its payload into samples, if anybody ever asks.

A `Voice` is one received codec at one rate. Its decoder is made when the first sample is wanted, so a wire between
equal codecs has none. When a sink asks for another rate, the leg takes a new voice; frames already under way keep the
old one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from media.codecs import Decoder, Samples, decoder
from media.codecs.opus_packet import frame_ticks, ticks
from media.dsp.levels import level
from media.formats import Format
from media.frame import TICKS, Audio

LEVEL_EVERY = 16
"""The level is measured on each so many decoded frames: three times a second."""
_USUAL = TICKS // 50
_SINGLE = tuple(0 if toc & 3 else frame_ticks(toc) for toc in range(256))
"""Ticks of an Opus packet with one frame, by its first byte; 0 where one must look closer."""


def opus_duration(payload: bytes) -> int:
    """Ticks of an Opus packet; what is broken or empty counts as 20 ms."""
    return (_SINGLE[payload[0]] or ticks(payload) or _USUAL) if payload else _USUAL


def byte_duration(payload: bytes) -> int:
    """Ticks of G.711 and of G.722: 8000 bytes a second."""
    return len(payload) * 6


def duration_of(encoding: str) -> Callable[[bytes], int]:
    return opus_duration if encoding == "OPUS" else byte_duration


class Voice:
    """Decodes one stream's frames, in order, at `rate`."""

    __slots__ = ("_count", "_decoder", "duration", "encoding", "format", "level", "payload_type", "rate")

    def __init__(self, format: Format, rate: int, payload_type: int) -> None:
        self.format = format
        self.payload_type = payload_type
        self.encoding = format.encoding
        self.rate = rate
        self.duration = duration_of(format.encoding)
        self.level: float | None = None
        """dBov of the last measured frame."""
        self._decoder: Decoder | None = None
        self._count = 0

    def decode(self, frame: Audio) -> Samples:
        codec = self._decoder or self._start()
        samples = codec.decode(frame.payload)
        self._count += 1
        if self._count == LEVEL_EVERY:
            self._count = 0
            self.level = level(samples)
        return samples

    def make_up(self, n: int, following: bytes | None) -> Samples:
        """n samples for a lost frame: from the copy in the packet that follows (FEC), else concealment."""
        codec = self._decoder or self._start()
        found = codec.recover(following, n) if following else None
        return codec.conceal(n) if found is None else found

    def _start(self) -> Decoder:
        self._decoder = decoder(self.encoding, self.rate)
        return self._decoder


class Hole:
    """Stands behind a frame that never came."""

    __slots__ = ("_following", "_voice")

    def __init__(self, voice: Voice, following: bytes | None) -> None:
        self._voice = voice
        self._following = following

    @property
    def rate(self) -> int:
        return self._voice.rate

    def decode(self, frame: Audio) -> Samples:
        return self._voice.make_up(frame.duration * self._voice.rate // TICKS, self._following)


class Silence:
    """Stands behind a frame of somebody who is muted."""

    __slots__ = ("rate",)

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def decode(self, frame: Audio) -> Samples:
        return np.zeros(frame.duration * self.rate // TICKS, np.int16)
