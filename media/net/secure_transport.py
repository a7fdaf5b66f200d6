"""The half of a WebRTC transport that does not depend on its ICE: DTLS handshake, SRTP, states, consent.

The packet path is two plain calls: `receive_media` (unprotect, hand over) and `send_rtp` (protect, send). All that is
slow (handshake, close) runs in one task of the transport's own, held here and awaited on close.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from media.errors import TransportFailed
from media.ice.consent import EXPIRY, QUIET, Consent, Verdict
from media.ice.lite import Address
from media.ice.states import FINAL, TABLE, Event, State
from media.ice.transport import Handlers, LocalDescription, RemoteDescription, TransportStats
from media.net.aiortc_private import Dtls, Identity, Turnstile
from media.net.srtp import Srtp, SrtpError

log = logging.getLogger(__name__)

GUESSES = 50
"""Packets of strangers tried by their SSRC between two beats of the watch: each costs one unprotect."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a transport waits, seconds."""

    connect: float = 20.0
    """For the first valid check, once both descriptions are known."""
    handshake: float = 10.0
    """For DTLS, once there is an address."""
    quiet: float = QUIET
    """Without check or media: disconnected."""
    expiry: float = EXPIRY
    """Without a check: failed."""


class SecureTransport(ABC):
    """Base of `LiteTransport` and `FullTransport`, which give it packets, an address and `_transmit`."""

    unreached = "no connectivity check came: the browser cannot reach our media port"
    """What to say when time is over."""

    def __init__(self, handlers: Handlers, identity: Identity, turnstile: Turnstile, patience: Patience) -> None:
        self.state = State.NEW
        self.role: str | None = None
        self.identity = identity
        self.patience = patience
        self.consent = Consent(patience.quiet, patience.expiry)
        self._heard_at = self.consent.heard_at  # told to `consent` by the watch
        self.refused = self.unsent = 0
        self.guesses = 0
        self._ssrc = b""
        """The browser's, as on the wire."""
        self._handlers = handlers
        self._on_rtp = handlers.on_rtp
        self._srtp: Srtp | None = None
        self._dtls = Dtls(identity, self._transmit_handshake, self._bye, turnstile)
        self._remote: RemoteDescription | None = None
        self._started_at = 0.0
        self._setup: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed: asyncio.Future[None] | None = None

    # ------------------------------------------------------------------------------------------------- for subclasses

    @property
    @abstractmethod
    def address(self) -> Address | None: ...

    @abstractmethod
    def describe(self) -> LocalDescription: ...

    @abstractmethod
    def connect(self, remote: RemoteDescription, role: str) -> None: ...

    @abstractmethod
    def restart(self) -> None: ...

    @abstractmethod
    def add_candidate(self, candidate: str | None) -> None: ...

    @abstractmethod
    def _transmit(self, packet: bytes) -> bool:
        """Send as it is to where consent was given. False: not sent."""

    @abstractmethod
    def _has_address(self) -> bool: ...

    def _hear_ssrc(self, ssrc: bytes) -> None:
        """The browser's RTP comes under this SSRC from now on."""
        self._ssrc = ssrc

    @abstractmethod
    async def _release(self) -> None:
        """Give back what the subclass holds; called once, after the goodbye is out."""

    def _begin(self, remote: RemoteDescription, role: str) -> bool:
        """Note the other side. False: it was known already, this is only an ICE restart or a repetition."""
        known, self._remote = self._remote, remote
        if known is not None:
            return False
        self.role = role
        self._started_at = time.perf_counter()
        self._step(Event.START)
        return True

    def _secure_if_possible(self) -> None:
        """Start DTLS as soon as both are there: an address that passed a check, and the other side's fingerprint."""
        if self._task is None and self.state is State.CONNECTING and self._has_address():
            self._task = asyncio.get_running_loop().create_task(self._secure(), name="dtls")

    async def _secure(self) -> None:
        assert self._remote is not None and self.role is not None
        try:
            srtp = await self._dtls.handshake(self.role, self._remote.fingerprints, self.patience.handshake)
        except TransportFailed as error:
            self._step(Event.BROKEN, str(error))
            return
        except Exception:  # a fault of ours or of the libraries: the leg must not hang for it
            log.exception("%r: the DTLS handshake broke", self)
            self._step(Event.BROKEN, "DTLS handshake failed by a fault of the gateway: see its log")
            return
        if self.state in FINAL:
            return
        self._srtp = srtp
        self._setup = time.perf_counter() - self._started_at
        self._step(Event.SECURED)

    # ------------------------------------------------------------------------------------------------------- packets

    def receive_media(self, data: bytes, now: float) -> None:
        """A datagram whose first byte is 128-191 (RFC 7983), longer than 12 bytes."""
        srtp = self._srtp
        if srtp is None:
            return
        try:
            if 191 < data[1] < 224:  # RFC 5761 section 4
                self._receive_rtcp(data, now)
                return
            plain = srtp.unprotect(data)
        except SrtpError:
            self.refused += 1
            return
        self._heard_at = now
        if plain[8:12] != self._ssrc:
            self._hear_ssrc(plain[8:12])
        on_rtp = self._on_rtp
        on_rtp(plain, now)

    def _receive_rtcp(self, data: bytes, now: float) -> None:
        assert self._srtp is not None
        plain = self._srtp.unprotect_rtcp(data)
        self._heard_at = now
        self._handlers.on_rtcp(plain, now)

    def receive_dtls(self, data: bytes) -> None:
        """A datagram whose first byte is 20-63 (RFC 7983). Kept until the handshake may begin."""
        self._dtls.feed(data)

    def send_rtp(self, packet: bytes) -> None:
        try:
            if self._srtp is None or not self._transmit(self._srtp.protect(packet)):
                self.unsent += 1
        except SrtpError:  # longer than a datagram, or a sequence number from long ago
            self.unsent += 1

    def send_rtcp(self, packet: bytes) -> None:
        try:
            if self._srtp is None or not self._transmit(self._srtp.protect_rtcp(packet)):
                self.unsent += 1
        except SrtpError:
            self.unsent += 1

    def _transmit_handshake(self, data: bytes) -> None:
        if not self._has_address():
            raise ConnectionError("no address has passed a check")
        self._transmit(data)

    # -------------------------------------------------------------------------------------------------- states, time

    def watch(self, now: float) -> None:
        """Twice a second: has the other side fallen silent, or come back?"""
        self.guesses = 0
        self.consent.heard_at = self._heard_at
        if self.state in FINAL or self.state is State.NEW:
            return
        if not self.consent.given:
            if now - self._started_at > self.patience.connect:
                self._step(Event.EXPIRED, self.unreached)
            return
        match self.consent.verdict(now):
            case Verdict.EXPIRED:
                self._step(Event.EXPIRED, "consent expired")
            case Verdict.QUIET:
                self._step(Event.QUIET, "nothing heard")
            case Verdict.FRESH:
                self._step(Event.FRESH)

    def _bye(self) -> None:
        self._step(Event.BYE, "the browser closed the connection")

    def _step(self, event: Event, why: str = "") -> None:
        state = TABLE.get((self.state, event))
        if state is None:
            return
        log.debug("%r %s -> %s %s", self, self.state.value, state.value, why)
        self.state = state
        if state in FINAL:
            self._srtp = None  # RFC 7675 section 5.1: not one packet more
        self._handlers.on_state(self, state, why)

    def stats(self) -> TransportStats:
        return TransportStats(self.refused, self.unsent, self._setup)

    # --------------------------------------------------------------------------------------------------------- close

    async def aclose(self) -> None:
        if self._closed is not None:
            await asyncio.shield(self._closed)
            return
        self._closed = asyncio.get_running_loop().create_future()
        self._handlers = _nobody
        self._on_rtp = _nobody.on_rtp
        try:
            await self._stop()
        finally:
            self._step(Event.CLOSE)
            self._closed.set_result(None)

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._dtls.aclose()
        self._srtp = None
        await self._release()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.state.value}, {self.address})"


def _ignore(*what: object) -> None:
    """A closed transport tells nobody."""


_nobody = Handlers(_ignore, _ignore, _ignore, _ignore)
