"""One browser on the one port: the lite agent, DTLS and SRTP put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.errors import BadDescription
from media.ice.lite import Address, Check, LiteAgent, Verdict
from media.ice.states import Event
from media.ice.transport import Handlers, LocalDescription, RemoteDescription
from media.net.aiortc_private import Identity
from media.net.secure_transport import GUESSES, SecureTransport
from media.net.srtp import SrtpError

if TYPE_CHECKING:
    from media.net.webrtc_listener import WebrtcListener

SOURCES = 16
"""Addresses kept routed to one browser, the oldest dropped first: late packets may still come from the last few."""


class LiteTransport(SecureTransport):
    """Made by `WebrtcListener.open`."""

    def __init__(self, listener: WebrtcListener, handlers: Handlers, identity: Identity) -> None:
        super().__init__(handlers, identity, listener.turnstile, listener.patience)
        self._listener = listener
        self._agent = LiteAgent(listener.random, self.patience.quiet, self.patience.expiry)
        self.consent = self._agent.consent
        self._sendto = listener.socket.sendto
        self._to: Address | None = None
        """The agent's address, at hand."""
        self._sources: dict[Address, None] = {}
        self._told = 0
        self._route_ufrags()

    @property
    def address(self) -> Address | None:
        return self._agent.address

    def describe(self) -> LocalDescription:
        listener, local = self._listener, self._agent.local
        host, port = listener.advertised[0]
        candidates = tuple(
            f"{n} 1 udp {(126 << 24) + (65535 - n << 8) + 255} {host} {port} typ host"  # RFC 8445 section 5.1.2.1
            for n, (host, port) in enumerate(listener.advertised, 1)
        )
        return LocalDescription(local.ufrag, local.pwd, self.identity.fingerprint, host, port, True, candidates)

    def connect(self, remote: RemoteDescription, role: str) -> None:
        if remote.ice_lite:
            raise BadDescription(
                "both sides are ICE-lite, so nobody would send connectivity checks (RFC 8445 section 2.5): "
                'set ice = "full" for this gateway'
            )
        self._agent.expect(remote.ufrag)
        self._begin(remote, role)
        self._secure_if_possible()

    def restart(self) -> None:
        before = self._agent.ufrags
        self._agent.restart()
        self._unroute_ufrags(set(before) - set(self._agent.ufrags))
        self._route_ufrags()

    def add_candidate(self, candidate: str | None) -> None:
        """A lite agent never reads one (RFC 8445 section 2.5)."""

    # ------------------------------------------------------------------------------------------------------- packets

    def receive_check(self, check: Check, source: Address, now: float) -> Verdict:
        """A check for one of our user names, not yet believed."""
        verdict = self._agent.receive(check, source, now)
        if verdict.refused:
            return verdict
        self._to = self._agent.address
        self._unroute_ufrags(verdict.retired)
        if self._listener.by_address.get(source) is not self:
            self._route_source(source)
        self._secure_if_possible()
        self._step(Event.FRESH)
        return verdict

    def may_guess(self) -> bool:
        """Whether a stranger's packet that bears our browser's SSRC may be tried with our keys."""
        self.guesses += 1
        return self.guesses <= GUESSES

    def send_rtp(self, packet: bytes) -> None:
        """The same as that of every transport, in one call."""
        srtp, to, sendto = self._srtp, self._to, self._sendto
        if srtp is None or to is None:
            self.unsent += 1
            return
        try:
            sendto(srtp.protect(packet), to)
        except SrtpError:
            self.unsent += 1
        except OSError:
            self.unsent += 1
            self._listener.unsent += 1

    def _transmit(self, packet: bytes) -> bool:
        return self._to is not None and self._listener.sendto(packet, self._to)

    def _has_address(self) -> bool:
        return self._to is not None

    def watch(self, now: float) -> None:
        super().watch(now)
        if self.refused > self._told:
            self._listener.refused["media-not-authentic"] += self.refused - self._told
            self._told = self.refused

    # ------------------------------------------------------------------------------------------------------- routing

    def _hear_ssrc(self, ssrc: bytes) -> None:
        self._unroute_ssrc()
        self._ssrc = ssrc
        self._listener.by_ssrc.setdefault(ssrc, self)

    def _unroute_ssrc(self) -> None:
        if self._listener.by_ssrc.get(self._ssrc) is self:
            del self._listener.by_ssrc[self._ssrc]

    def _route_ufrags(self) -> None:
        for ufrag in self._agent.ufrags:
            self._listener.by_ufrag[ufrag] = self

    def _unroute_ufrags(self, ufrags: tuple[str, ...] | set[str]) -> None:
        for ufrag in ufrags:
            self._listener.by_ufrag.pop(ufrag, None)

    def _route_source(self, source: Address) -> None:
        self._listener.by_address[source] = self
        self._sources[source] = None
        if len(self._sources) > SOURCES:
            oldest = next(address for address in self._sources if address != self._agent.address)
            self._unroute_source(oldest)

    def _unroute_source(self, source: Address) -> None:
        self._sources.pop(source, None)
        if self._listener.by_address.get(source) is self:
            del self._listener.by_address[source]

    async def _release(self) -> None:
        self._unroute_ufrags(self._agent.ufrags)
        for source in tuple(self._sources):
            self._unroute_source(source)
        self._unroute_ssrc()
        self._listener.legs.discard(self)
