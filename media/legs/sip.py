"""A SIP phone's audio: plain RTP on a pair of ports of its own, agreed on by offer and answer.

The ports are taken once and kept for the whole call; a re-INVITE, hold or transfer changes what is sent and where,
never where we are. Each leg has its own port, so that calls are told apart by port alone, whatever SSRCs a phone
chooses. Who may be heard on it is the `Latch`'s affair.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence

from media.clock import Clock
from media.errors import BadDescription
from media.events import Connected, LegStats, MediaEvent
from media.formats import Format
from media.frame import Frame
from media.leg import Sink
from media.legs.latch import Address, Latch
from media.legs.rtp import RtpMedia
from media.net.ports import PortPool
from media.net.udp import UdpSocket, bind_pair
from media.sdp.negotiate import Capabilities, Negotiated, make_answer, make_offer, settle

ALLOWANCE = 160
"""Packets within the clock's slow beat (200 ms): eight times what 10 ms packets need."""

log = logging.getLogger(__name__)


class SipLeg:
    """A Leg and a Negotiator. It has its ports from the beginning; NoPorts is raised if there are none."""

    write: Callable[[Frame], None]

    def __init__(
        self,
        name: str,
        *,
        pool: PortPool,
        host: str,
        advertised: str,
        formats: Sequence[Format],
        clock: Clock,
        emit: Callable[[MediaEvent], None],
        random: Callable[[int], int],
        stall_after: float = 5.0,
    ) -> None:
        """host: where the sockets are bound.  advertised: the same as the phone can reach it."""
        self.name = name
        self.direction = "sendrecv"
        """What we would like, for the next offer or answer."""
        self.media = RtpMedia(
            name, send_rtp=self._send, send_rtcp=self._send_rtcp, emit=emit, clock=clock, random=random,
            stall_after=stall_after, source=self._source,
        )  # fmt: skip
        self.write = self.media.write
        self._receive = self.media.receive_rtp
        self._capabilities = Capabilities(tuple(formats))
        self._pool, self._advertised, self._clock, self._emit = pool, advertised, clock, emit
        self._session, self._version = random(62), random(31)
        self._latch = Latch()
        self._rtcp_target: Address | None = None
        self._mux = False
        self._offered: bytes | None = None
        self._negotiated: Negotiated | None = None
        self._closed = False
        self._refused: Counter[str] = self.media.refusals
        self._allowance = ALLOWANCE
        clock.add(self._refill, slow=True)
        rtp, rtcp = bind_pair(pool, host, clock.now())
        self._family = rtp.family
        self._rtp, self._rtcp = UdpSocket(rtp, self._on_rtp), UdpSocket(rtcp, self._on_rtcp)

    # ---- Leg

    @property
    def port(self) -> int:
        return self._rtp.port

    @property
    def rate(self) -> int:
        return self.media.rate

    @property
    def encoding(self) -> str:
        return self.media.encoding

    def connect(self, sink: Sink) -> None:
        self.media.connect(sink)

    def disconnect(self, sink: Sink) -> None:
        self.media.disconnect(sink)

    def mute(self, on: bool) -> None:
        self.media.mute(on)

    def send_digits(self, digits: str, duration: float = 0.16, gap: float = 0.08) -> None:
        self.media.send_digits(digits, duration, gap)

    def playback_rate(self, rate: int) -> None:
        """The most the far end can carry, Hz."""
        self.media.playback_rate(rate)

    def stats(self, now: float) -> LegStats:
        return self.media.stats(now)

    async def start(self) -> None:
        """The sockets listen since the leg was made."""

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._clock.remove(self._refill)
        await self.media.aclose()  # says goodbye, so before the sockets
        self._rtp.close()
        self._rtcp.close()
        self._pool.give(self._rtp.port, self._clock.now())
        self._receive = _deaf
        self.write = _mute

    def __str__(self) -> str:
        return f"{self.media} at port {self.port}, {self._latch.target or 'nowhere yet'}"

    # ---- Negotiator

    async def offer(self) -> bytes:
        """What we can do, at the same port as ever."""
        self._version += 1
        self._offered = make_offer(
            self._capabilities,
            session_id=self._session,
            version=self._version,
            host=self._advertised,
            port=self.port,
            direction=self.direction,
            previous=self._negotiated,
        )
        return self._offered

    async def accept(self, offer: bytes) -> bytes:
        self._version += 1
        answer, negotiated = make_answer(
            offer,
            self._capabilities,
            session_id=self._session,
            version=self._version,
            host=self._advertised,
            port=self.port,
            direction=self.direction,
        )
        await self._adopt(negotiated)
        return answer

    async def settle(self, answer: bytes) -> None:
        if self._offered is None:
            raise BadDescription("an answer came, but nothing was offered")
        await self._adopt(settle(self._offered, answer, self._capabilities))

    async def _adopt(self, negotiated: Negotiated) -> None:
        """All is understood: only now anything changes."""
        remote = await _numeric(negotiated.remote, self._family)
        rtcp = await _numeric(negotiated.remote_rtcp, self._family)
        if self._closed:
            return
        first = self._negotiated is None
        moved = remote is not None and remote != self._latch.stated
        self._negotiated = negotiated
        self._mux = negotiated.rtcp_mux
        self._latch.state(remote)
        if moved or first:
            self._rtcp_target = rtcp
        self.media.configure(negotiated)
        self.media.connected()
        if first:
            self._emit(Connected(self.name))

    # ---- packets

    def _on_rtp(self, data: bytes, source: Address, now: float) -> None:
        latch = self._latch
        self._allowance -= 1
        if self._allowance < 0:
            self._refused["more packets than any audio has"] += 1
            return
        if source != latch.pinned and not self._admit(data, source, now):
            return
        latch.heard_at = now
        if len(data) > 1 and 191 < data[1] < 224:  # RTCP on the same port (RFC 5761 section 4)
            self.media.receive_rtcp(data, now)
        else:
            receive = self._receive
            receive(data, now)

    def _source(self) -> str:
        """Who is heard, "192.0.2.7:4000"."""
        address = self._latch.pinned
        if address is None:
            return ""
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"

    def _refill(self, now: float) -> None:
        """About five times a second. A bound also ends a loop that an SDP with our own ports would make."""
        self._allowance = ALLOWANCE

    def _admit(self, data: bytes, source: Address, now: float) -> bool:
        if self._latch.admit(data, source, now):
            if source[:2] != self._latch.stated:  # behind a NAT: its RTCP will show where it comes from, too
                self._rtcp_target = None
            return True
        self._refused["from a stranger's address"] += 1
        return False

    def _on_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """Reports are taken from the host that is heard (or stated), and answered to where they come from."""
        target = self._latch.target
        if target is None or source[0] != target[0]:
            self._refused["from a stranger's address"] += 1
            return
        self._rtcp_target = source
        self.media.receive_rtcp(data, now)

    def _send(self, packet: bytes) -> None:
        latch = self._latch
        target = latch.pinned or latch.stated
        if target is not None:
            try:
                self._rtp.sendto(packet, target)
            except OSError as error:
                self._rtp.count(error)

    def _send_rtcp(self, packet: bytes) -> None:
        target = self._latch.target
        if target is None:
            return
        if self._mux:
            self._rtp.send(packet, target)
        else:
            self._rtcp.send(packet, self._rtcp_target or (target[0], min(target[1] + 1, 65_535), *target[2:]))


async def _numeric(address: tuple[str, int] | None, family: socket.AddressFamily) -> tuple[str, int] | None:
    """The address with its name looked up, so that no packet ever waits for DNS. Raises BadDescription."""
    if address is None:
        return None
    host, port = address
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        found = ipaddress.ip_address(await _looked_up(host, port, family))
    if found.is_multicast or found.is_unspecified or found.is_reserved or str(found) == "255.255.255.255":
        raise BadDescription(f"audio is to go to {host}, which is no single host's address")
    if (found.version == 6) != (family == socket.AF_INET6):
        raise BadDescription(f"audio is to go to {host}, but this gateway's RTP speaks only the other IP version")
    return str(found), port


async def _looked_up(host: str, port: int, family: socket.AddressFamily) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name at all, e.g. an empty or endless label
        log.info("audio is to go to %r, which cannot be looked up: %s", host, error)
        raise BadDescription("audio is to go to a name that cannot be found; put a number into c=") from error
    return str(found[0][4][0])


def _deaf(data: bytes, now: float) -> None:
    """Hears for a closed leg."""


def _mute(frame: Frame) -> None:
    """Speaks for a closed leg."""
