"""A browser as a party: offers and answers, and which of its peer connections carries the call just now.

A leg lives as long as its call; peer connections of the browser come and go behind it:

    same ufrag                         a re-offer: nothing moves, only codecs, hints and direction may change
    new ufrag, same fingerprint        an ICE restart: new credentials, DTLS and SRTP go on
    new fingerprint or session         another peer connection (the page was reloaded): a second transport slides in
                                       behind the same RTP; the first is dropped when the second is connected
    close_notify                       the page is gone; the leg waits, call control decides for how long

The RTP half is `media.legs.rtp`; towards the bus and in what the browser plays nothing tells one connection from the
next but a new start of the encoder, which must not run while nobody hears it: a decoder that missed its first packet
may turn a tone into a scream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from media.clock import Clock
from media.errors import BadDescription
from media.events import Connected, Disconnected, Failed, LegStats, LocalCandidate, MediaEvent
from media.frame import Frame
from media.ice.states import FINAL, State
from media.ice.transport import Handlers, RemoteDescription, Transport, Transports
from media.leg import Sink
from media.legs.rtp import STALL_AFTER, RtpMedia
from media.sdp import webrtc as browser
from media.sdp.grammar import SessionDescription, parse
from media.sdp.negotiate import Capabilities, LocalWebrtc, Negotiated, RemoteWebrtc, make_answer, make_offer, settle

log = logging.getLogger(__name__)

SETUP = {"server": "passive", "client": "active"}
"""a=setup by DTLS role (RFC 5763 section 5)."""


class _Dial(Protocol):
    def __call__(self, digits: str, duration: float = 0.16, gap: float = 0.08) -> None: ...


@dataclass(slots=True, eq=False)
class _Peer:
    """One peer connection of the browser."""

    transport: Transport
    origin: str = ""
    """Session id of its descriptions; a new one with a new ufrag is another peer connection (RFC 3264 section 8)."""
    remote: RemoteWebrtc | None = None
    negotiated: Negotiated | None = None
    up: bool = False
    """Was ever connected."""


class WebrtcLeg:
    """See the module. Leg and Negotiator (`media.leg`); everything that happens is told by `emit`."""

    write: Callable[[Frame], None]
    connect: Callable[[Sink], None]
    disconnect: Callable[[Sink], None]
    send_digits: _Dial
    mute: Callable[[bool], None]

    def __init__(
        self,
        name: str,
        transports: Transports,
        *,
        emit: Callable[[MediaEvent], None],
        clock: Clock,
        random: Callable[[int], int],
        capabilities: Capabilities | None = None,
        playback_rate: int = 48_000,
        stall_after: float = STALL_AFTER,
    ) -> None:
        """`transports`: the one-port listener or full ICE. `playback_rate`: what the far end can carry, Hz."""
        self.name = name
        self.direction = "sendrecv"
        """What we would like in the next offer or answer."""
        self.media = RtpMedia(
            name,
            send_rtp=self._send_rtp,
            send_rtcp=self._send_rtcp,
            emit=emit,
            clock=clock,
            random=random,
            stall_after=stall_after,
        )
        self.write, self.connect, self.disconnect = self.media.write, self.media.connect, self.media.disconnect
        self.send_digits, self.mute = self.media.send_digits, self.media.mute
        self._transports = transports
        self._capabilities = capabilities or Capabilities()
        self._emit = emit
        self._session_id, self._version = random(62), 0
        self._current: _Peer | None = None
        """Whose packets are heard."""
        self._next: _Peer | None = None
        """... and who will take over once connected."""
        self._offered: tuple[bytes, _Peer] | None = None
        self._transmit: Callable[[bytes], None] = _nowhere
        self._transmit_rtcp: Callable[[bytes], None] = _nowhere
        self._interrupted = True
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False
        self.playback_rate(playback_rate)

    # ---- Leg

    async def start(self) -> None:
        """Nothing to do: the browser's checks wake us."""

    @property
    def rate(self) -> int:
        return self.media.rate

    @property
    def encoding(self) -> str:
        return self.media.encoding

    def playback_rate(self, rate: int) -> None:
        """The most the far end can carry, Hz: the browser is asked to send no more by the next offer or answer."""
        self._playback_rate = rate
        self.media.playback_rate(rate)

    def stats(self, now: float) -> LegStats:
        measured = self.media.stats(now)
        refused = self._current.transport.stats().refused if self._current else 0
        return replace(measured, discarded=measured.discarded + refused)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self.media.aclose()  # its last report goes out by the transport
            self._emit = _nobody
            for peer in {self._current, self._next, self._offered[1] if self._offered else None}:
                if peer is not None:
                    self._drop(peer)
            self._current = self._next = self._offered = None
            self._transmit = self._transmit_rtcp = _nowhere
        await asyncio.gather(*self._closing, return_exceptions=True)

    # ---- Negotiator

    async def offer(self, *, ice_restart: bool = False) -> bytes:
        """Our offer: of the living peer connection, else of a new one."""
        peer = self._living() or (self._offered[1] if self._offered else None) or self._open(controlling=True)
        if ice_restart and peer.remote is not None:
            peer.transport.restart()
        local = self._local(peer, "actpass")  # RFC 8842 section 5.2
        body = make_offer(
            self._capabilities,
            session_id=self._session_id,
            version=self._next_version(),
            host=local.host,
            port=local.port,
            direction=self.direction,
            webrtc=local,
            previous=peer.negotiated,
        )
        self._offered = body, peer
        return body

    async def settle(self, answer: bytes) -> None:
        """The browser's answer to our last offer."""
        if self._offered is None:
            raise BadDescription("an answer came, but no offer of ours is open: it must be sent once per offer")
        body, peer = self._offered
        negotiated = settle(body, answer, self._capabilities)
        remote = negotiated.webrtc
        assert remote is not None  # our offer has a fingerprint
        if peer.remote is not None and peer.remote.fingerprints != remote.fingerprints:
            raise BadDescription("the answer is another peer connection's than the offer was for: it must offer itself")
        role = peer.transport.role or ("server" if remote.setup == "active" else "client")
        peer.transport.connect(_remote(remote), role)
        self._offered = None
        peer.origin = _origin(parse(answer))
        self._agree(peer, negotiated)

    async def accept(self, offer: bytes) -> bytes:
        """The browser's offer, answered. An offer of ours that is still open is given up (RFC 8829 section 4.1.8.2)."""
        remote, origin = _read(offer)
        known = next((p for p in (self._next, self._current) if p and _alive(p) and _same(p, remote, origin)), None)
        peer = known or self._open(controlling=False)
        try:
            answer, negotiated = self._answer(offer, peer, remote)
        except Exception:
            if known is None:
                self._drop(peer)
            raise
        self._give_up_offer(peer)
        peer.origin = origin
        self._agree(peer, negotiated)
        return answer

    def candidate(self, candidate: str | None) -> None:
        """A candidate the browser trickled; None: that was all. Raises BadDescription."""
        peer = self._newest()
        if peer is not None:
            peer.transport.add_candidate(candidate)

    def _answer(self, offer: bytes, peer: _Peer, remote: RemoteWebrtc) -> tuple[bytes, Negotiated]:
        transport = peer.transport
        if peer.remote is not None and peer.remote.ufrag != remote.ufrag:
            transport.restart()
        role = transport.role or ("client" if remote.setup == "passive" else "server")
        local = self._local(peer, SETUP[role])
        answer, negotiated = make_answer(
            offer,
            self._capabilities,
            session_id=self._session_id,
            version=self._next_version(),
            host=local.host,
            port=local.port,
            direction=self.direction,
            webrtc=local,
        )
        transport.connect(_remote(remote), role)
        return answer, negotiated

    def _local(self, peer: _Peer, setup: str) -> LocalWebrtc:
        local = peer.transport.describe()
        return LocalWebrtc(
            ufrag=local.ufrag,
            pwd=local.pwd,
            fingerprint=local.fingerprint,
            setup=setup,
            host=local.host,
            port=local.port,
            ice_lite=local.ice_lite,
            candidates=local.candidates,
            ssrc=self.media.ssrc,
            cname=self.media.cname,
            playback_rate=self._playback_rate,
        )

    def _agree(self, peer: _Peer, negotiated: Negotiated) -> None:
        peer.remote, peer.negotiated = negotiated.webrtc, negotiated
        if peer is not self._current and peer is not self._next:
            self._slide_in(peer)
        self.media.configure(negotiated)

    def _next_version(self) -> int:
        self._version += 1
        return self._version

    # ---- peer connections

    def _living(self) -> _Peer | None:
        return next((p for p in (self._next, self._current) if p is not None and _alive(p)), None)

    def _newest(self) -> _Peer | None:
        """Whose candidates are meant."""
        return self._next or (self._offered[1] if self._offered else None) or self._current

    def _open(self, *, controlling: bool) -> _Peer:
        handlers = Handlers(self.media.receive_rtp, self.media.receive_rtcp, self._on_state, self._on_candidate)
        return _Peer(self._transports.open(handlers, controlling=controlling))

    def _slide_in(self, peer: _Peer) -> None:
        """Use it: at once if there is nothing to lose, else when it is connected."""
        if self._next is not None:
            self._drop(self._next)
            self._next = None
        if self._current is not None and self._current.up and _alive(self._current):
            self._next = peer
            return
        if self._current is not None:
            self._drop(self._current)
        self._take(peer)

    def _take(self, peer: _Peer) -> None:
        self._current = peer
        self._transmit, self._transmit_rtcp = peer.transport.send_rtp, peer.transport.send_rtcp

    def _give_up_offer(self, for_: _Peer) -> None:
        if self._offered is None:
            return
        peer, self._offered = self._offered[1], None
        if peer not in (self._current, self._next, for_):
            self._drop(peer)

    def _drop(self, peer: _Peer) -> None:
        task = asyncio.get_running_loop().create_task(peer.transport.aclose(), name=f"close {self.name}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # ---- what transports tell

    def _on_state(self, transport: Transport, state: State, why: str) -> None:
        peer = next((p for p in (self._current, self._next) if p and p.transport is transport), None)
        if peer is None:
            return
        if state is State.CONNECTED:
            self._connected(peer)
        elif state is State.DISCONNECTED and peer is self._current:
            self._interrupt()
        elif state in FINAL:
            self._lost(peer, state, why)

    def _connected(self, peer: _Peer) -> None:
        if peer is self._next:
            assert self._current is not None
            self._drop(self._current)
            self._next = None
            self._take(peer)
        if not peer.up:
            peer.up = True
            self.media.paused()  # what was encoded for the connection before is nothing to go on from
            self.media.connected()
        self._interrupted = False
        self._emit(Connected(self.name))

    def _lost(self, peer: _Peer, state: State, why: str) -> None:
        self._drop(peer)
        if peer is self._next:
            log.warning("%s: the new peer connection did not come up (%s); the one before goes on", self.name, why)
            self._next = None
            return
        self.media.paused()
        self._transmit = self._transmit_rtcp = _nowhere
        self._current = None
        if self._next is not None:  # the page is being reloaded: its new connection may still come up
            self._take(self._next)
            self._next = None
            self._interrupt()
        elif state is State.CLOSED:
            self._interrupt()
        else:
            self._interrupted = True
            self._emit(Failed(self.name, why))

    def _interrupt(self) -> None:
        if not self._interrupted:
            self._interrupted = True
            self._emit(Disconnected(self.name))

    def _on_candidate(self, transport: Transport, candidate: str | None) -> None:
        peer = self._newest()
        if peer is not None and peer.transport is transport:
            self._emit(LocalCandidate(self.name, candidate))

    def _send_rtp(self, packet: bytes) -> None:
        self._transmit(packet)

    def _send_rtcp(self, packet: bytes) -> None:
        self._transmit_rtcp(packet)

    def __str__(self) -> str:
        return f"{self.media} over {self._current.transport if self._current else 'no transport'}"


def _alive(peer: _Peer) -> bool:
    return peer.transport.state not in FINAL


def _same(peer: _Peer, remote: RemoteWebrtc, origin: str) -> bool:
    """Is this the peer connection we know, perhaps after an ICE restart?"""
    known = peer.remote
    if known is None or known.fingerprints != remote.fingerprints:
        return False
    return known.ufrag == remote.ufrag or not peer.origin or peer.origin == origin


def _read(offer: bytes) -> tuple[RemoteWebrtc, str]:
    """Whose offer it is: transport and session id (RFC 8866 section 5.2). Raises BadDescription."""
    description = parse(offer)
    media = next((m for m in description.media if m.kind == "audio" and (m.port or m.has("bundle-only"))), None)
    if media is None:
        raise BadDescription("the offer has no active audio section: add a microphone track or an audio transceiver")
    return browser.read(description, media, answer=False), _origin(description)


def _origin(description: SessionDescription) -> str:
    words = next((line.value.split() for line in description.session.lines if line.kind == "o"), [])
    return words[1] if len(words) > 1 else ""


def _remote(told: RemoteWebrtc) -> RemoteDescription:
    return RemoteDescription(told.ufrag, told.pwd, told.fingerprints, told.ice_lite, told.candidates)


def _nowhere(packet: bytes) -> None:
    """Where packets go while there is no transport."""


def _nobody(event: MediaEvent) -> None:
    """Whom a closed leg tells."""
