"""A browser as a party: offers and answers.

A leg lives as long as its call, whatever the browser's peer connections do behind it (`peer_connections`):

    same ufrag                         a re-offer: nothing moves, only codecs, hints and direction may change
    new ufrag, same fingerprint        an ICE restart: new credentials, DTLS and SRTP go on
    new fingerprint or session         another peer connection (the page was reloaded): a second transport slides in
                                       behind the same RTP; the first is dropped when the second is connected
    close_notify                       the page is gone; the leg waits, call control decides for how long

The RTP half is `media.legs.rtp`; SSRC, sequence numbers and timestamps run on through all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from media.clock import Clock
from media.errors import BadDescription
from media.events import LegStats, MediaEvent
from media.frame import Frame
from media.ice.transport import RemoteDescription, Transports
from media.leg import Sink
from media.legs.peer_connections import PeerConnection, PeerConnections, nowhere
from media.legs.rtp import STALL_AFTER, RtpMedia
from media.sdp import webrtc as browser
from media.sdp.grammar import SessionDescription, parse
from media.sdp.negotiate import Capabilities, LocalWebrtc, Negotiated, RemoteWebrtc, make_answer, make_offer, settle

SETUP = {"server": "passive", "client": "active"}
"""a=setup by DTLS role (RFC 5763 section 5)."""


class _Dial(Protocol):
    def __call__(self, digits: str, duration: float = 0.16, gap: float = 0.08) -> None: ...


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
        self._peers = PeerConnections(name, transports, emit)
        self.media = self._peers.media = RtpMedia(
            name,
            send_rtp=nowhere,
            send_rtcp=self._peers.send_rtcp,
            emit=emit,
            clock=clock,
            random=random,
            stall_after=stall_after,
        )
        self.write, self.connect, self.disconnect = self.media.write, self.media.connect, self.media.disconnect
        self.send_digits, self.mute = self.media.send_digits, self.media.mute
        self._capabilities = capabilities or Capabilities()
        self._session_id, self._version = random(62), 0
        self._offer = b""
        """Our last one, while it is open."""
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
        measured, peer = self.media.stats(now), self._peers.current
        refused = peer.transport.stats().refused if peer else 0
        return replace(measured, discarded=measured.discarded + refused)

    async def aclose(self) -> None:
        await self.media.aclose()  # its last report goes out by the transport
        await self._peers.aclose()

    # ---- Negotiator

    async def offer(self, *, ice_restart: bool = False) -> bytes:
        """Our offer: of the living peer connection, else of a new one."""
        peer = next((peer for peer in self._peers if peer.alive), None) or self._peers.open(controlling=True)
        if ice_restart and peer.remote is not None:
            peer.transport.restart()
        local = self._local(peer, "actpass")  # RFC 8842 section 5.2
        self._offer = make_offer(
            self._capabilities,
            session_id=self._session_id,
            version=self._next_version(),
            host=local.host,
            port=local.port,
            direction=self.direction,
            webrtc=local,
            previous=peer.negotiated,
        )
        self._peers.offered = peer
        return self._offer

    async def settle(self, answer: bytes) -> None:
        """The browser's answer to our last offer."""
        peer = self._peers.offered
        if peer is None:
            raise BadDescription("an answer came, but no offer of ours is open: it must be sent once per offer")
        negotiated = settle(self._offer, answer, self._capabilities)
        remote = negotiated.webrtc
        assert remote is not None  # our offer has a fingerprint
        if peer.remote is not None and peer.remote.fingerprints != remote.fingerprints:
            raise BadDescription("the answer is another peer connection's than the offer was for: it must offer itself")
        role = peer.transport.role or ("server" if remote.setup == "active" else "client")
        peer.transport.connect(_remote(remote), role)
        self._agree(peer, negotiated, _origin(parse(answer)))
        self._peers.offered = None

    async def accept(self, offer: bytes) -> bytes:
        """The browser's offer, answered. An offer of ours that is still open is given up (RFC 8829 section 4.1.8.2)."""
        remote, origin = _read(offer)
        known = next((peer for peer in self._peers if peer.alive and peer.speaks(remote, origin)), None)
        peer = known or self._peers.open(controlling=False)
        try:
            answer, negotiated = self._answer(offer, peer, remote)
        except Exception:
            if known is None:
                self._peers.drop(peer)
            raise
        self._peers.give_up_offer(instead=peer)
        self._agree(peer, negotiated, origin)
        return answer

    def candidate(self, candidate: str | None) -> None:
        """A candidate the browser trickled; None: that was all. Raises BadDescription."""
        if (peer := self._peers.newest) is not None:
            peer.transport.add_candidate(candidate)

    def _answer(self, offer: bytes, peer: PeerConnection, remote: RemoteWebrtc) -> tuple[bytes, Negotiated]:
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

    def _local(self, peer: PeerConnection, setup: str) -> LocalWebrtc:
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

    def _agree(self, peer: PeerConnection, negotiated: Negotiated, origin: str) -> None:
        peer.remote, peer.negotiated, peer.origin = negotiated.webrtc, negotiated, origin
        self._peers.use(peer)
        self.media.configure(negotiated)

    def _next_version(self) -> int:
        self._version += 1
        return self._version

    def __str__(self) -> str:
        peer = self._peers.current
        return f"{self.media} over {peer.transport if peer else 'no transport'}"


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
