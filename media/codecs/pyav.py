"""What the codecs inside PyAV share: samples into a frame, a packet through a context, samples out."""

from __future__ import annotations

from typing import Literal

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from media.codecs.base import Samples


def context(name: str, mode: Literal["r", "w"], rate: int, options: dict[str, str] | None = None) -> AudioCodecContext:
    """An open mono codec context. Options that FFmpeg does not know are ignored without a word: check the result."""
    made = av.CodecContext.create(name, mode)
    assert isinstance(made, AudioCodecContext)
    made.sample_rate = rate
    made.layout = "mono"
    made.format = "s16"
    made.options = options or {}
    made.open()
    return made


def encode(encoder: AudioCodecContext, samples: Samples) -> bytes:
    """The packets that one frame yields, one after the other."""
    frame = AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.sample_rate = encoder.sample_rate
    frame.planes[0].update(samples.tobytes())
    return b"".join([bytes(packet) for packet in encoder.encode(frame)])


def decode(decoder: AudioCodecContext, payload: bytes) -> Samples | None:
    """int16, mono; None if FFmpeg cannot make sense of it."""
    try:
        frames = decoder.decode(av.Packet(payload))
    except av.error.FFmpegError:
        return None
    if not frames:
        return None
    return np.concatenate([_mono(frame) for frame in frames]) if len(frames) != 1 else _mono(frames[0])


def _mono(frame: AudioFrame) -> Samples:
    if frame.format.name == "s16" and frame.layout.nb_channels == 1:
        # a view that keeps the frame alive; nobody else writes to it
        plane: Samples = np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples)
        return plane
    return _mixed(frame)


def _mixed(frame: AudioFrame) -> Samples:
    """Of several channels or of float samples, for decoders that insist on them."""
    channels = frame.layout.nb_channels
    planes = frame.to_ndarray()
    planes = planes if frame.format.is_planar else planes.reshape(-1, channels).T
    scale = 1 if planes.dtype == np.int16 else 32768
    mixed: Samples = np.clip(np.rint(planes.mean(0) * scale), -32768, 32767).astype(np.int16)
    return mixed
