"""Where libopus is found: inside PyAV's wheel, else on the system.

PyAV exposes neither FEC nor concealment nor decoding at 8 kHz, but its wheel carries a current libopus that we call
ourselves. By full path, always: two copies in one process share their SONAME, and by name the dynamic linker hands out
whichever came first. By `PyDLL`, which keeps the interpreter's lock: the calls take 10 to 60 us, and giving the lock
away and taking it back costs more than anybody could do in between.

`TANDEM_OPUS` = `wheel`, `system`, `pyav` or a path forces one of them; `pyav` means no library, see `opus_pyav`.
"""

from __future__ import annotations

import ctypes as C
import ctypes.util
import logging
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from media.codecs import opus_packet

log = logging.getLogger(__name__)

VOIP = 2048
MAX_PACKET = 1276 * 6
MAX_SAMPLES = 48_000 * 120 // 1000
SET_BITRATE, SET_COMPLEXITY, SET_INBAND_FEC, SET_PACKET_LOSS, RESET_STATE = 4002, 4010, 4012, 4014, 4028


class Scratch:
    """Where libopus writes to, emptied after every call. One for all codecs stays in the processor's cache, so all of
    them belong to one thread, that of the media."""

    def __init__(self) -> None:
        self.packet = C.create_string_buffer(MAX_PACKET)
        self.packet_at = C.c_void_p(C.addressof(self.packet))
        self.pcm: NDArray[np.int16] = np.zeros(MAX_SAMPLES, np.int16)
        self.pcm_at = C.c_void_p(self.pcm.ctypes.data)
        self.frames = {n: self.pcm[:n] for n in (160, 320, 960)}
        """The frames of 20 ms at its start."""


class OpusLibrary:
    """A loaded libopus with its signatures declared. Raises OSError or AttributeError when it is not one."""

    def __init__(self, path: str) -> None:
        self.path = path
        lib = self._lib = C.PyDLL(path)
        state, number, data = C.c_void_p, C.c_int, C.c_char_p
        lib.opus_get_version_string.restype = C.c_char_p
        # No argtypes for these two, called for every packet: pointers come as c_void_p made once, and int, bytes and
        # None are passed as they are; declared types are converted one by one, at half the price of the call again.
        lib.opus_encoder_init.argtypes = [state, C.c_int32, number, number]
        lib.opus_decoder_init.argtypes = [state, C.c_int32, number]
        # The ctls are variadic; naming the fixed arguments is what makes them right on Apple's arm64.
        lib.opus_encoder_ctl.argtypes = lib.opus_decoder_ctl.argtypes = [state, number]
        lib.opus_packet_get_nb_samples.argtypes = [data, C.c_int32, C.c_int32]
        self.encode = lib.opus_encode
        self.decode = lib.opus_decode
        self.encoder_ctl = lib.opus_encoder_ctl
        self.decoder_ctl = lib.opus_decoder_ctl
        self.packet_samples = lib.opus_packet_get_nb_samples
        self._has_lbrr = getattr(lib, "opus_packet_has_lbrr", None)  # since libopus 1.5
        if self._has_lbrr is not None:
            self._has_lbrr.argtypes = [data, C.c_int32]
        self.version = lib.opus_get_version_string().decode()
        self.scratch = Scratch()

    def new_encoder(self, rate: int, application: int = VOIP) -> C.Array[C.c_char]:
        """A mono encoder's state. It lives in memory of our own, so that nothing has to be destroyed."""
        state = C.create_string_buffer(self._lib.opus_encoder_get_size(1))
        if self._lib.opus_encoder_init(state, rate, 1, application) != 0:
            raise OSError(f"{self.path} cannot encode Opus at {rate} Hz")
        return state

    def new_decoder(self, rate: int) -> C.Array[C.c_char]:
        """A mono decoder's state; stereo packets are mixed down by libopus itself."""
        state = C.create_string_buffer(self._lib.opus_decoder_get_size(1))
        if self._lib.opus_decoder_init(state, rate, 1) != 0:
            raise OSError(f"{self.path} cannot decode Opus at {rate} Hz")
        return state

    def has_lbrr(self, packet: bytes) -> bool:
        if self._has_lbrr is None:
            return opus_packet.has_lbrr(packet)
        return self._has_lbrr(packet, len(packet)) == 1 if packet else False

    def __str__(self) -> str:
        return f"{self.version} ({self.path})"


def _wheel() -> Iterator[str]:
    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs"):
        yield from sorted(map(str, folder.glob("*opus*")))


def _system() -> Iterator[str]:
    name = ctypes.util.find_library("opus")
    if name:
        yield name


def _candidates(where: str) -> Iterator[str]:
    if where in ("", "wheel"):
        yield from _wheel()
    if where in ("", "system"):
        yield from _system()
    if where not in ("", "wheel", "system", "pyav"):
        yield where


@cache
def library(where: str | None = None) -> OpusLibrary | None:
    """The library at `where` ("wheel", "system", a path; None for the first that works); None if there is none."""
    for path in _candidates(where if where is not None else os.environ.get("TANDEM_OPUS", "")):
        try:
            found = OpusLibrary(path)
            found.new_encoder(8000), found.new_decoder(8000)
        except (OSError, AttributeError) as error:
            log.warning("%s is no usable libopus: %s", path, error)
            continue
        return found
    return None


def describe() -> str:
    """One line for the log at start-up."""
    found = library()
    if found is not None:
        return f"Opus library: {found}"
    return "Opus library: none, so PyAV's codec serves: no error correction, no native concealment, twice the CPU"
