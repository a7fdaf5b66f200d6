"""Which of a browser's peer connections carries the call just now.

They come and go behind one leg. A new one is used at once if there is nothing to lose; else it slides in when it is
connected, and the old one is dropped only then. One that says goodbye leaves the leg waiting: the page may
come back, and call control decides for how long.

The encoder starts anew with every connection and must not run while nobody hears it: a decoder that missed its first
packet may turn a tone into a scream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from media.events import Connected, Disconnected, Failed, LocalCandidate, MediaEvent
from media.ice.states import FINAL, State
from media.ice.transport import Handlers, Transport, Transports
from media.legs.rtp import RtpMedia
from media.sdp.terms import Negotiated, RemoteWebrtc

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class PeerConnection:
    """One of the browser's, as far as we know it."""

    transport: Transport
    origin: str = ""
    """Session id of its descriptions; a new one with a new ufrag is another peer connection (RFC 3264 section 8)."""
    remote: RemoteWebrtc | None = None
    negotiated: Negotiated | None = None
    up: bool = False
    """Was ever connected."""

    @property
    def alive(self) -> bool:
        return self.transport.state not in FINAL

    def speaks(self, remote: RemoteWebrtc, origin: str) -> bool:
        """Is this offer its own, perhaps after an ICE restart?"""
        known = self.remote
        if known is None or known.fingerprints != remote.fingerprints:
            return False
        return known.ufrag == remote.ufrag or not self.origin or self.origin == origin


class PeerConnections:
    """All of one leg. `media` must be set before the first is opened."""

    media: RtpMedia

    def __init__(self, name: str, transports: Transports, emit: Callable[[MediaEvent], None]) -> None:
        self.name = name
        self.current: PeerConnection | None = None
        """Whose packets are heard, and who gets ours."""
        self.next: PeerConnection | None = None
        """Who takes over once connected."""
        self.offered: PeerConnection | None = None
        """Whom our open offer is for."""
        self._transports = transports
        self._emit = emit
        self._transmit_rtcp: Callable[[bytes], None] = nowhere
        self._interrupted = True
        self._closing: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[PeerConnection]:
        """The newest first."""
        known = dict.fromkeys((self.next, self.offered, self.current))
        return iter([peer for peer in known if peer is not None])

    @property
    def newest(self) -> PeerConnection | None:
        """Whose candidates are meant."""
        return next(iter(self), None)

    def send_rtcp(self, packet: bytes) -> None:
        self._transmit_rtcp(packet)

    def open(self, *, controlling: bool) -> PeerConnection:
        """One more; it is not used before `use`."""
        handlers = Handlers(self.media.receive_rtp, self.media.receive_rtcp, self._on_state, self._on_candidate)
        return PeerConnection(self._transports.open(handlers, controlling=controlling))

    def use(self, peer: PeerConnection) -> None:
        """It has been agreed with: at once if there is nothing to lose, else when it is connected."""
        if peer in (self.current, self.next):
            return
        if self.next is not None:
            self.drop(self.next)
            self.next = None
        if self.current is not None and self.current.up and self.current.alive:
            self.next = peer
            return
        if self.current is not None:
            self.drop(self.current)
        self._take(peer)

    def give_up_offer(self, instead: PeerConnection | None = None) -> None:
        """Nobody will answer it."""
        peer, self.offered = self.offered, None
        if peer is not None and peer not in (self.current, self.next, instead):
            self.drop(peer)

    def drop(self, peer: PeerConnection) -> None:
        task = asyncio.get_running_loop().create_task(peer.transport.aclose(), name=f"close {self.name}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Say goodbye to all. Idempotent."""
        self._emit = _nobody
        for peer in self:
            self.drop(peer)
        self.current = self.next = self.offered = None
        self._route(nowhere, nowhere)
        await asyncio.gather(*self._closing, return_exceptions=True)

    # ---- what transports tell

    def _on_state(self, transport: Transport, state: State, why: str) -> None:
        peer = next((p for p in (self.current, self.next) if p and p.transport is transport), None)
        if peer is None:
            return
        if state is State.CONNECTED:
            self._connected(peer)
        elif state is State.DISCONNECTED and peer is self.current:
            self._interrupt()
        elif state in FINAL:
            self._lost(peer, state, why)

    def _connected(self, peer: PeerConnection) -> None:
        if peer is self.next:
            assert self.current is not None
            self.drop(self.current)
            self.next = None
            self._take(peer)
        if not peer.up:
            peer.up = True
            self.media.paused()  # what was encoded for the connection before is nothing to go on from
            self.media.connected()
        self._interrupted = False
        self._emit(Connected(self.name))

    def _lost(self, peer: PeerConnection, state: State, why: str) -> None:
        self.drop(peer)
        if peer is self.next:
            log.warning("%s: the new peer connection did not come up (%s); the one before goes on", self.name, why)
            self.next = None
            return
        self.media.paused()
        self._route(nowhere, nowhere)
        self.current = None
        if self.next is not None:  # the page is being reloaded: its new connection may still come up
            self._take(self.next)
            self.next = None
            self._interrupt()
        elif state is State.CLOSED or peer.up:
            # a laptop asleep or in a tunnel says no goodbye: whether the page comes back is for the call to wait for
            self._interrupt()
        else:
            self._interrupted = True
            self._emit(Failed(self.name, why))

    def _take(self, peer: PeerConnection) -> None:
        self.current = peer
        self._route(peer.transport.send_rtp, peer.transport.send_rtcp)

    def _route(self, rtp: Callable[[bytes], None], rtcp: Callable[[bytes], None]) -> None:
        self.media.route(rtp)
        self._transmit_rtcp = rtcp

    def _interrupt(self) -> None:
        if not self._interrupted:
            self._interrupted = True
            self._emit(Disconnected(self.name))

    def _on_candidate(self, transport: Transport, candidate: str | None) -> None:
        peer = self.newest
        if peer is not None and peer.transport is transport:
            self._emit(LocalCandidate(self.name, candidate))


def nowhere(packet: bytes) -> None:
    """Where packets go while there is no transport."""


def _nobody(event: MediaEvent) -> None:
    """Whom a closed leg tells."""
