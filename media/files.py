"""Sound files: any WAV, MP3, Ogg or FLAC read as mono at a rate of the bus, piece by piece; two channels written as
WAV.

Files are opened through FFmpeg with only these formats and only the file system allowed: a playlist that calls itself
music must not make the gateway fetch something from the network.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from media.errors import BadSource

Piece = tuple[int, NDArray[np.int16]]
"""(rate in Hz, samples)."""

_ALLOWED = {"format_whitelist": "wav,mp3,ogg,flac", "protocol_whitelist": "file"}


class SoundFile:
    """One file to play. Opening it reads its beginning and raises BadSource, in words, if it will not play."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        with self._open() as container:
            first = next(self._frames(container), None)
        if first is None:
            raise BadSource(f"cannot play {self.path}: there is no sound in it. Record or export it again")

    def pieces(self, rate: Callable[[], int]) -> Iterator[Piece]:
        """From the beginning: mono pieces of about 25 ms at what `rate()` says at that moment. Damaged parts are left
        out.

        Raises BadSource if the file has gone since.
        """
        wanted, resampler = 0, av.AudioResampler(format="s16", layout="mono", rate=8000)
        with self._open() as container:
            for frame in self._frames(container):
                if rate() != wanted:
                    wanted = rate()
                    resampler = av.AudioResampler(format="s16", layout="mono", rate=wanted)
                for part in resampler.resample(frame):
                    yield wanted, _samples(part)
            if wanted:
                for part in resampler.resample(None):
                    yield wanted, _samples(part)

    def _open(self) -> InputContainer:
        try:
            if not os.path.isfile(self.path):
                found = "is a folder" if os.path.isdir(self.path) else "does not exist"
                raise BadSource(f"cannot play {self.path}: it {found}. Give the path of a WAV or MP3 file")
            container = av.open("file:" + self.path, options=_ALLOWED)
        except PermissionError:
            raise BadSource(f"cannot play {self.path}: it may not be read. Give this user read permission") from None
        except av.error.FFmpegError as error:
            raise BadSource(f"cannot play {self.path}: {self._found(error)}. Convert it to WAV or MP3") from None
        if not container.streams.audio:
            container.close()
            raise BadSource(f"cannot play {self.path}: there is no audio track in it. Convert it to WAV or MP3")
        return container

    def _found(self, error: Exception) -> str:
        size = os.path.getsize(self.path)
        if not size:
            return "it is empty (0 bytes)"
        with open(self.path, "rb") as file:
            return f"it is not audio that can be read here (it begins with {file.read(8)!r}: {error})"

    @staticmethod
    def _frames(container: InputContainer) -> Iterator[AudioFrame]:
        packets = container.demux(container.streams.audio[0])
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from (frame for frame in packet.decode() if isinstance(frame, AudioFrame) and frame.samples)
            except av.error.EOFError:
                return
            except av.error.InvalidDataError:
                continue  # a damaged packet; the next one may be whole


def _samples(frame: AudioFrame) -> NDArray[np.int16]:
    return np.asarray(frame.to_ndarray(), np.int16).ravel()


class WavWriter:
    """A 16-bit PCM WAV file that grows, its header patched after every write, so that it is whole whenever we die.

    Blocks: use it in a thread. Raises OSError.
    """

    MOST = 0xFFFF_FFFF - 36
    """Bytes of sound: sizes in a WAV header have 32 bits. 37 hours of two channels at 8 kHz."""

    def __init__(self, path: str | Path, rate: int, channels: int) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._rate, self._channels = rate, channels
        self._size = 0
        self._file: BinaryIO = open(path, "wb", buffering=0)  # noqa: SIM115  (closed by close)
        self._all(self._header())

    def write(self, samples: NDArray[np.int16]) -> None:
        """int16[n, channels], or interleaved."""
        data = samples.astype("<i2", copy=False).tobytes()[: self.MOST - self._size]
        try:
            self._all(data)
            self._size += len(data)
        finally:
            # also when the disk is full: what was written before stays playable
            self._file.seek(0)
            self._all(self._header())
            self._file.seek(44 + self._size)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _all(self, data: bytes) -> None:
        """All of it: an unbuffered file may take less, as when the disk fills up."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _header(self) -> bytes:
        width = 2 * self._channels
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", 36 + self._size, b"WAVE", b"fmt ", 16, 1, self._channels, self._rate),
            *(self._rate * width, width, 16, b"data", self._size),
        )
