"""Make a tone, and prove that a recording holds it: where it starts, how long it lasts, which gaps it has."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOP = 0.01
WINDOW = 0.03


def write_tone(
    path: Path, hz: float, seconds: float = 2.0, rate: int = 48_000, channels: int = 1, level: float = 0.3
) -> Path:
    """Write a WAV whose tone loops without a click (whole periods)."""
    n = int(rate * seconds)
    hz = round(hz * seconds) / seconds
    pcm = (np.sin(2 * np.pi * hz * np.arange(n) / rate) * level * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(pcm, channels).tobytes())
    return path


def read_wav(path: Path, channel: int = 0) -> tuple[np.ndarray, int]:
    """int16[n] of one channel and the rate; the header's length is not trusted (a recorder may still be writing)."""
    data = path.read_bytes()
    channels = int.from_bytes(data[22:24], "little")
    rate = int.from_bytes(data[24:28], "little")
    body = data[data.index(b"data") + 8 :]
    frames = len(body) // (2 * channels)
    return np.frombuffer(body, "<i2", frames * channels).reshape(-1, channels)[:, channel], rate


@dataclass(frozen=True)
class Heard:
    """What was found of one tone in a recording; all times in seconds from its start."""

    seconds: float
    onset: float | None
    end: float
    longest_gap: float
    gaps: tuple[tuple[float, float], ...]
    share: float
    """Part of the time from onset to end in which the tone was there."""

    def __str__(self) -> str:
        when = f"onset {self.onset} end {self.end:.2f} of {self.seconds:.2f} s"
        return f"{when}, longest gap {self.longest_gap * 1000:.0f} ms, gaps {self.gaps[:5]}"


def hear(pcm: np.ndarray, rate: int, hz: float, *, floor: float = 150.0, purity: float = 0.5) -> Heard:
    """Look for `hz` in 30 ms windows every 10 ms.

    A window holds the tone when it is loud enough (`floor`, RMS of int16) and `purity` of its power lies at `hz`.
    The gap between two good windows is measured between their nearest edges' centres, i.e. a drop-out of g seconds is
    reported as about g (never less than g - HOP).
    """
    n, hop = int(rate * WINDOW), int(rate * HOP)
    if len(pcm) < n:
        return Heard(len(pcm) / rate, None, 0.0, 0.0, (), 0.0)
    x = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float64), n)[::hop]
    window = np.hanning(n)
    turn = np.exp(-2j * np.pi * hz * np.arange(n) / rate) * window
    power = (x**2 * window).sum(1) / window.sum()
    tone = 2 * np.abs(x @ turn) ** 2 / window.sum() ** 2
    good = (power > floor**2) & (tone > purity * power)
    at = np.flatnonzero(good)
    if not len(at):
        return Heard(len(pcm) / rate, None, 0.0, 0.0, (), 0.0)
    steps = np.diff(at)
    # a window half in silence still counts as good, so k bad windows mean about k * HOP of silence
    gaps = tuple((float(at[i] * HOP), float((steps[i] - 1) * HOP)) for i in np.flatnonzero(steps > 1))
    longest = max((g for _, g in gaps), default=0.0)
    span = at[-1] - at[0] + 1
    return Heard(len(pcm) / rate, float(at[0] * HOP), float(at[-1] * HOP), longest, gaps, float(len(at) / span))


def loudest(pcm: np.ndarray, rate: int) -> float:
    """The strongest frequency of a recording, Hz."""
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.hanning(len(pcm))))
    spectrum[: int(50 * len(pcm) / rate)] = 0
    return float(np.argmax(spectrum) * rate / len(pcm))
