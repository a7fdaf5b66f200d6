"""Make the bundled sounds anew: `python tools/make_assets.py`, with espeak-ng on the PATH.

Speech is one voice of espeak-ng, trimmed and evened out, as Ogg Opus. The music is composed and played right here with
numpy: twelve bars of soft chords with a plucked melody over them, rendered onto a circle, so that its end flows into
its beginning. Nothing is copied from anywhere.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

ASSETS = Path(__file__).parent.parent / "media" / "assets"
Sound = NDArray[np.float64]

VOICE, SPEED = "en-gb-x-rp+f3", "150"
KEYS = {
    str(i): word
    for i, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
}
KEYS |= {"star": "star", "pound": "pound", "a": "ay", "b": "bee", "c": "see", "d": "dee"}
PHRASES = {
    "welcome": "Welcome to Tandem.",
    "after-the-beep": "After the beep, say something. Press pound when you are done.",
    "you-said": "You said:",
    "press-a-key": "Press a key, and I will say it.",
    "goodbye": "Goodbye.",
    "thank-you": "Thank you.",
    "recording-empty": "The recording is empty.",
}
SPEECH_RATE, MUSIC_RATE = 16_000, 32_000


def write(path: Path, sound: Sound, rate: int, codec: str, bit_rate: int) -> None:
    """float -1..1, mono, to a file of the format its name says."""
    samples = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = bit_rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        for start in range(0, len(samples), rate):
            frame = AudioFrame.from_ndarray(samples[None, start : start + rate], "s16", "mono")
            frame.sample_rate = rate
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))


# ---- speech ----------------------------------------------------------------------------------------------------------


def say(text: str) -> Sound:
    wav = subprocess.run(
        ["espeak-ng", "-v", VOICE, "-s", SPEED, "-g", "2", "--stdout", text], capture_output=True, check=True
    ).stdout
    rate, data = int.from_bytes(wav[24:28], "little"), wav.index(b"data") + 8
    spoken = np.frombuffer(wav[data : data + (len(wav) - data) // 2 * 2], "<i2") / 32768
    return level(trim(resample(spoken, rate, SPEECH_RATE), SPEECH_RATE), -20.0)


def resample(sound: Sound, rate: int, wanted: int) -> Sound:
    frame = AudioFrame.from_ndarray(np.rint(sound * 32767).astype(np.int16)[None, :], "s16", "mono")
    frame.sample_rate = rate
    converter = av.AudioResampler(format="s16", layout="mono", rate=wanted)
    parts = [part.to_ndarray().ravel() for part in converter.resample(frame) + converter.resample(None)]
    return np.concatenate(parts) / 32768


def trim(sound: Sound, rate: int) -> Sound:
    """Without the silence before it and after, but with 90 ms behind it, so that digits do not run together."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    kept = sound[max(0, loud[0] - rate // 100) : loud[-1] + rate // 50]
    return np.concatenate((np.zeros(rate // 100), kept, np.zeros(rate * 9 // 100)))


def level(sound: Sound, dbov: float) -> Sound:
    """At that level while it speaks, peaks bent softly."""
    power = (sound[: len(sound) // 160 * 160].reshape(-1, 160) ** 2).mean(1)
    loud = np.sqrt(power[power > power.max() / 1000].mean())
    return np.tanh(sound * 10 ** (dbov / 20) / loud * 0.9) / 0.9


# ---- music -----------------------------------------------------------------------------------------------------------

TEMPO = 72.0
CHORDS = ["D F# A C#", "B D F# A", "G B D F#", "A D E G", "D F# A C#", "F# A C# E", "G B D F#", "A C# E G"]
CHORDS += ["B D F# A", "G B D F#", "E G B D", "A C# E G"]
BASS = ["D", "B", "G", "A", "D", "F#", "G", "A", "B", "G", "E", "A"]
NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


def pitch(name: str, octave: int) -> float:
    return float(440 * 2 ** ((NAMES.index(name) - 9) / 12 + octave - 4))


def pad(frequency: float, seconds: float) -> Sound:
    """A soft, breathing tone: three slightly detuned voices with few harmonics."""
    time = np.arange(int(seconds * MUSIC_RATE)) / MUSIC_RATE
    voices = [
        np.sin(2 * np.pi * frequency * k * detune * time + k) / k**2.2
        for detune in (0.9985, 1.0, 1.0015)
        for k in (1, 2, 3, 4)
    ]
    rise, fall = np.minimum(time / 0.9, 1), np.minimum((seconds - time) / 1.4, 1)
    return np.sum(voices, 0) * np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * np.clip(fall, 0, 1)) ** 2 / 3


def pluck(frequency: float, random: np.random.Generator) -> Sound:
    """A string after Karplus and Strong: a burst of noise going round in a loop that softens it."""
    period = round(MUSIC_RATE / frequency - 0.5)
    ring = np.convolve(random.uniform(-1, 1, period), np.ones(5) / 5, "same")
    rounds = [ring]
    for _ in range(int(2.6 * frequency)):
        ring = 0.4985 * (ring + np.roll(ring, 1))
        rounds.append(ring)
    # the softening is half a sample of delay; the rest of the way to the true pitch is read at its own speed
    step = frequency * (period + 0.5) / MUSIC_RATE
    ringing = np.concatenate(rounds)
    sound = np.interp(np.arange(0, len(ringing) - 1, step), np.arange(len(ringing)), ringing)
    return sound * np.linspace(1, 0, len(sound)) ** 1.5


def put(circle: Sound, sound: Sound, start: float) -> None:
    """Add it at `start` seconds; what hangs over the end goes on at the beginning."""
    np.add.at(circle, (int(start * MUSIC_RATE) + np.arange(len(sound))) % len(circle), sound)


def compose() -> Sound:
    random = np.random.default_rng(2026)
    beat = 60 / TEMPO
    bar = 4 * beat
    circle = np.zeros(round(bar * len(CHORDS) * MUSIC_RATE))
    for number, (chord, root) in enumerate(zip(CHORDS, BASS, strict=True)):
        notes = chord.split()
        put(circle, 0.30 * pad(pitch(root, 2), bar + 1.2), number * bar)
        for i, note in enumerate(notes):
            put(circle, 0.13 * pad(pitch(note, 4 if i else 3), bar + 1.2), number * bar)
        # an arpeggio in eighths that leaves out a few, never the first; the melody sits on top of it
        for eighth in range(8):
            if eighth and random.random() < 0.3:
                continue
            note = notes[(eighth * 3 + number) % 4]
            strength = (0.34 if eighth % 4 == 0 else 0.22) * random.uniform(0.8, 1.1)
            string = pluck(pitch(note, 5 if eighth in (0, 3, 6) else 4), random)
            put(circle, strength * string, number * bar + eighth * beat / 2)
    circle = echo(circle, beat)
    return circle / np.abs(circle).max() * 0.42


def echo(circle: Sound, beat: float) -> Sound:
    """A room: a few copies going round the same circle, each darker and weaker."""
    wet = circle.copy()
    for delay, strength in ((0.75 * beat, 0.25), (1.5 * beat, 0.12), (0.031, 0.2), (0.047, 0.15)):
        dark = np.convolve(np.concatenate((circle[-8:], circle)), np.ones(9) / 9, "valid")
        wet += strength * np.roll(dark, int(delay * MUSIC_RATE))
    return wet


def main() -> None:
    ASSETS.mkdir(exist_ok=True)
    for name, text in (KEYS | PHRASES).items():
        write(ASSETS / f"{name}.ogg", say(text), SPEECH_RATE, "libopus", 20_000)
    write(ASSETS / "music.mp3", compose(), MUSIC_RATE, "libmp3lame", 48_000)
    files = sorted(ASSETS.iterdir())
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
