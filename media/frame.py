"""What travels on the bus: Audio, Digit or Flush.

One talker's stream of `Audio` frames shares one media clock of 48 000 ticks per second (every codec's clock divides
it), so that a sink with any RTP clock can place a frame exactly. Samples are made only when somebody asks for them: a
wire between two legs of the same codec forwards `payload` and never decodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


TICKS = 48_000
"""Media clock: ticks per second."""


class Decodes(Protocol):
    """The source's decoder. Called at most once per frame, in the order of the stream."""

    @property
    def rate(self) -> int:
        """Sample rate of what `decode` returns, Hz: the highest rate any sink of this source asked for."""
        ...

    def decode(self, frame: Audio) -> NDArray[np.int16]:
        """Return the frame's samples, int16[frame.duration * rate / TICKS]. Never raises: silence for what is bad."""
        ...


class Audio:
    """Some milliseconds (mostly 20) of one talker.

    payload:  the encoded bytes as they came, b"" when the frame was concealed or made by the gateway itself.
    encoding: name of the talker's codec in capitals as IANA writes it ("OPUS", "PCMU", "PCMA", "G722"), also on a frame
              made up for a lost one; "" for what the gateway made itself.
    time:     first sample's place on the talker's media clock, ticks; never wraps; a gap means silence or loss.
    duration: ticks.
    marker:   first frame of a talk spurt.
    rate:     sample rate of `samples`, Hz (8000, 16000 or 48000).
    lost:     made up to fill for a packet that never came (a forwarding sink skips one sequence number for it).
    """

    __slots__ = ("_decoder", "_samples", "duration", "encoding", "lost", "marker", "payload", "rate", "time")

    def __init__(
        self,
        time: int,
        duration: int,
        decoder: Decodes,
        payload: bytes = b"",
        encoding: str = "",
        marker: bool = False,
        lost: bool = False,
        samples: NDArray[np.int16] | None = None,
    ) -> None:
        self.time = time
        self.duration = duration
        self.payload = payload
        self.encoding = encoding
        self.marker = marker
        self.lost = lost
        self.rate = decoder.rate
        self._decoder = decoder
        self._samples = samples

    @property
    def samples(self) -> NDArray[np.int16]:
        """int16[n], mono, n = duration * rate / TICKS. Shared between sinks: never write into it, copy to keep it."""
        if self._samples is None:
            self._samples = self._decoder.decode(self)
        return self._samples

    def __repr__(self) -> str:
        what = "lost" if self.lost else f"{self.encoding} {len(self.payload)} B" if self.payload else "samples"
        return f"Audio({what} @{self.time} +{self.duration})"


@dataclass(frozen=True, slots=True)
class Digit:
    """A DTMF key on its way (RFC 4733). `end=False` when it goes down, `end=True` with its length when it comes up."""

    key: str
    """One of 0-9 * # A-D."""
    end: bool
    duration: float = 0.0
    """Seconds; 0 while the key is down."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Drop what you have not yet played (barge-in, or the source was changed)."""


Frame = Audio | Digit | Flush
