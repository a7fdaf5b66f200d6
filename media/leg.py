"""The small interface all parties on the bus share.

`Sink` takes frames; `Source` writes the frames it hears to its sinks; `Leg` is both, with a life of its own.
`Negotiator` is only for legs that agree by offer and answer. Push and synchronous: one call stack from datagram to
datagram.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from media.frame import Frame


class Sink(Protocol):
    """Takes frames. Never blocks, never awaits, never raises: it guards itself and counts what it drops."""

    @property
    def rate(self) -> int:
        """The sample rate this sink would like, Hz (8000, 16000 or 48000).

        A source decodes at the highest rate asked of it; a sink resamples for itself what arrives at another.
        """
        ...

    @property
    def encoding(self) -> str:
        """The codec this sink can forward untouched ("OPUS", "PCMU" ...), "" when it always wants samples."""
        ...

    def write(self, frame: Frame) -> None: ...


class Source(Protocol):
    """Writes what it hears to every connected sink, in the order they were connected."""

    def connect(self, sink: Sink) -> None:
        """Add a sink; adding it twice changes nothing. Also called again when a sink's `rate` has changed."""
        ...

    def disconnect(self, sink: Sink) -> None:
        """Remove a sink; an unknown one is ignored. The sink gets a last `Flush`."""
        ...


@runtime_checkable
class Leg(Sink, Source, Protocol):
    """A party: what is written to it, it plays; what it hears, it writes to its sinks. Lives as long as its call."""

    name: str

    async def start(self) -> None: ...

    async def aclose(self) -> None:
        """Release everything (sockets, ports, files, codec states). Idempotent."""
        ...


class Negotiator(Protocol):
    """A leg that agrees on media by offer and answer (RFC 3264). Bodies are opaque to the caller.

    Every method may be called again in mid-call (re-INVITE, hold, ICE restart, reload): the leg changes in place.
    Errors: `media.errors.BadDescription`, `NoCommonCodec`, `NoPorts`.
    """

    async def offer(self) -> bytes: ...

    async def accept(self, offer: bytes) -> bytes: ...

    async def settle(self, answer: bytes) -> None: ...
