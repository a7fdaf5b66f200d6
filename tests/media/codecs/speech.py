"""A voice that needs no file: harmonics of a wandering pitch in syllables, with pauses and a breath of noise."""

import numpy as np


def speech(rate: int, seconds: float = 2.0, seed: int = 1) -> np.ndarray:
    """int16[rate * seconds], about -20 dBov while it speaks; nothing above 3.4 kHz."""
    time = np.arange(int(rate * seconds)) / rate
    pitch = 130 + 20 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase + k) / k for k in range(1, 22))
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * time) + 0.6, 0, 1)
    noise = np.random.default_rng(seed).normal(0, 20, len(time))
    return np.rint(voice * syllables * 4000 + noise).astype(np.int16)


def frames(samples: np.ndarray, n: int) -> list[np.ndarray]:
    return [samples[i : i + n] for i in range(0, len(samples) - n + 1, n)]


def likeness(one: np.ndarray, other: np.ndarray, shift: int = 0) -> float:
    """Normalised correlation, the best within `shift` samples either way."""
    best = 0.0
    for by in range(-shift, shift + 1):
        a = one[max(0, by) : len(one) + min(0, by)].astype(float)
        b = other[max(0, -by) : len(other) + min(0, -by)].astype(float)
        best = max(best, float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b) + 1e-9)))
    return best


def snr(reference: np.ndarray, heard: np.ndarray, most_delay: int) -> float:
    """dB, at the whole-sample delay that fits best."""
    best = -99.0
    for delay in range(most_delay + 1):
        a = reference[: len(reference) - delay].astype(float)
        b = heard[delay : delay + len(a)].astype(float)
        a = a[: len(b)]
        best = max(best, 10 * np.log10(np.dot(a, a) / (np.dot(a - b, a - b) + 1e-9)))
    return best
