"""What every codec looks like to a leg: an `Encoder` and a `Decoder`, one of each per stream.

Both hold the state of one direction of one stream and are driven by calls alone. Arrays and bytes that they return are
fresh: nobody writes into them afterwards, and nobody may (they are shared between sinks). Neither ever raises for what
came from the network: a decoder makes something up for a broken payload and counts it in `errors`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""int16[n], mono."""


class Encoder(Protocol):
    @property
    def rate(self) -> int:
        """Sample rate of what `encode` takes, Hz (8000, 16000 or 48000)."""
        ...

    def encode(self, samples: Samples) -> bytes:
        """One packet for one frame, at most 120 ms. Every multiple of 2.5 ms is right for every codec."""
        ...

    def configure(
        self,
        *,
        bitrate: int | None = None,
        complexity: int | None = None,
        fec: bool | None = None,
        loss_percent: int | None = None,
    ) -> None:
        """Change what is named, from the next frame on. Codecs without such a knob ignore it."""
        ...

    def reset(self) -> None:
        """Forget what was before, as after a pause."""
        ...


class Decoder(Protocol):
    @property
    def errors(self) -> int:
        """Payloads that could not be decoded and were concealed."""
        ...

    @property
    def rate(self) -> int:
        """Sample rate of what comes out, Hz."""
        ...

    def decode(self, payload: bytes) -> Samples:
        """The payload's samples, int16[duration(payload) * rate / 48000]. Never raises."""
        ...

    def conceal(self, n: int) -> Samples:
        """n samples made up for a frame that never came."""
        ...

    def recover(self, next_payload: bytes, n: int) -> Samples | None:
        """The n samples before `next_payload`, from the copy it carries (FEC); None if it carries none.

        Call it before `decode(next_payload)`, instead of `conceal(n)`.
        """
        ...

    def duration(self, payload: bytes) -> int:
        """Length of the payload in ticks of the media clock (48 000 a second), without decoding it."""
        ...

    def reset(self) -> None: ...
