"""A sink that keeps what it hears."""

import numpy as np

from media.frame import TICKS, Audio, Flush


class Listener:
    encoding = ""

    def __init__(self, rate: int = 8000) -> None:
        self.rate = rate
        self.frames = []

    def write(self, frame) -> None:
        self.frames.append(frame)

    @property
    def audio(self) -> list[Audio]:
        return [frame for frame in self.frames if isinstance(frame, Audio)]

    @property
    def flushes(self) -> int:
        return sum(isinstance(frame, Flush) for frame in self.frames)

    def heard(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int16), *(frame.samples for frame in self.audio)])

    def gaps(self) -> list[int]:
        """Ticks missing between one frame and the next."""
        return [
            after.time - before.time - before.duration
            for before, after in zip(self.audio, self.audio[1:], strict=False)
            if after.time != before.time + before.duration
        ]


class Made:
    """Frames of given samples, as a leg would write them."""

    def __init__(self, rate: int = 8000) -> None:
        self.rate = rate

    def decode(self, frame):
        raise AssertionError("the samples were given")

    def frame(self, samples, time: int, **more) -> Audio:
        samples = np.asarray(samples, np.int16)
        return Audio(time=time, duration=len(samples) * TICKS // self.rate, decoder=self, samples=samples, **more)
