"""What a WebRTC leg sees of its transport, whichever ICE is below: `lite` on the one shared port, or `full`.

A transport is one ICE + DTLS association with one peer connection of the browser. It outlives ICE restarts; a page
reload gets a new one. Plain RTP goes in and comes out; addresses, checks, handshake and keys stay inside. Everything is
called back synchronously from the datagram's own call stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from media.ice.states import State

Fingerprint = tuple[str, str]
"""Algorithm and value, e.g. ("sha-256", "AB:CD:...")."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """Where a transport calls back to."""

    on_rtp: Callable[[bytes, float], None]
    """A plain RTP packet and when it came."""
    on_rtcp: Callable[[bytes, float], None]
    """A plain compound RTCP packet and when it came."""
    on_state: Callable[[Transport, State, str], None]
    """A new state, and why in words ("" where it goes without saying)."""
    on_candidate: Callable[[Transport, str | None], None]
    """A candidate to trickle as the W3C writes it ("candidate:..."); None: that was all. Never called by `lite`."""


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """What our SDP must say of this transport."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    host: str
    """Default address for c=; "0.0.0.0" while unknown."""
    port: int
    """Default port for m=; 9 while unknown (RFC 8840 section 4.1.1)."""
    ice_lite: bool
    candidates: tuple[str, ...]
    """Without "a=candidate:". With `ice_lite` these are all; else more are trickled."""


@dataclass(frozen=True, slots=True)
class RemoteDescription:
    """What the transport must know of the other side's SDP."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    ice_lite: bool = False
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransportStats:
    """Counters of one transport."""

    refused: int
    """Packets that did not authenticate."""
    unsent: int
    """Packets we could not send: not connected, or the socket was full."""
    setup: float | None
    """Seconds from the descriptions to the keys; None before."""


class Transport(Protocol):
    """One association with one peer connection."""

    state: State
    role: str | None
    """Our DTLS role, "client" or "server"; None before `connect`."""

    @property
    def address(self) -> tuple[Any, ...] | None:
        """Where packets go now."""
        ...

    def describe(self) -> LocalDescription: ...

    def connect(self, remote: RemoteDescription, role: str) -> None:
        """Begin. Returns at once; `on_state` tells. Called again with a new ufrag after `restart`: DTLS is kept."""
        ...

    def restart(self) -> None:
        """New ICE credentials; the old ones stay good until the other side uses the new (RFC 8445 section 9)."""
        ...

    def add_candidate(self, candidate: str | None) -> None:
        """The other side's, trickled (RFC 8840); None: that was all. Raises BadDescription."""
        ...

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send; dropped and counted while there are no keys."""
        ...

    def send_rtcp(self, packet: bytes) -> None: ...

    def stats(self) -> TransportStats: ...

    async def aclose(self) -> None:
        """Say goodbye (close_notify) and release everything. Idempotent; no handler is called any more."""
        ...


class Transports(Protocol):
    """Where transports come from: the one-port listener, or full ICE."""

    ice_lite: bool

    def open(self, handlers: Handlers, *, controlling: bool) -> Transport:
        """A new transport. `controlling`: we make the offer (RFC 8445 section 6.1.1; a lite agent never is)."""
        ...
