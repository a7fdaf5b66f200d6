"""ONE UDP port for every browser: the socket, who gets which datagram, and one timer for all.

Routing (RFC 7983 by first byte): a connectivity check by our user name in it; DTLS and media by the address a check has
proven; media from an unknown address by its SSRC, because a NAT may have moved the browser and SRTP tells friend from
stranger (we never *send* there before a check). What fits nobody gets silence and is counted by reason.

The read budget grows with the legs: with a fixed one this socket, one among hundreds, starves at 100 calls.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence

from aioice.ice import get_host_addresses

from media.errors import BadPacket
from media.events import Refused
from media.ice.lite import Address, Check, parse_check, plain_host
from media.ice.transport import Handlers
from media.net.aiortc_private import Identity, Turnstile, require
from media.net.lite_transport import LiteTransport
from media.net.secure_transport import Patience
from media.net.udp import DATAGRAM
from media.net.watch import Watch

log = logging.getLogger(__name__)

BUFFER = 4 << 20
"""Bytes of socket buffer we ask for: 100 ms of 1000 legs."""
BUDGET = 32
"""Reads per wake-up, plus one per leg."""
PATIENT = Patience()


class WebrtcListener:
    """The socket and its legs. Bound when made; `aclose` ends it."""

    ice_lite = True

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        advertised: Sequence[str] = (),
        random: Callable[[int], int],
        on_refused: Callable[[Refused], None] = lambda refused: None,
        patience: Patience = PATIENT,
    ) -> None:
        """`advertised`: how browsers reach us where that differs from `host` ("203.0.113.7", "203.0.113.7:40000")."""
        require()
        self.refused: Counter[str] = Counter()
        """Datagrams that got silence, by reason."""
        self.unsent = 0
        self.random = random
        self.patience = patience
        self.turnstile = Turnstile()
        self.by_ufrag: dict[str, LiteTransport] = {}
        self.by_address: dict[Address, LiteTransport] = {}
        self.by_ssrc: dict[bytes, LiteTransport] = {}
        self.legs = Watch(self._report)
        self._identity = Identity()
        self._on_refused = on_refused
        self._told: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self.socket = _bind(host, port)
        self.address: tuple[str, int] = self.socket.getsockname()[:2]
        """Where the socket really is."""
        self.advertised = _advertise(self.address, advertised)
        """Where browsers are told to send, the best first."""
        self._loop.add_reader(self.socket.fileno(), self._readable)

    def open(self, handlers: Handlers, *, controlling: bool = False) -> LiteTransport:
        """A new transport on the port (RFC 8445 section 6.1.1: a lite agent is never controlling)."""
        if self._identity.aged(datetime.datetime.now(datetime.UTC)):
            self._identity = Identity()
        leg = LiteTransport(self, handlers, self._identity)
        self.legs.add(leg)
        return leg

    # ------------------------------------------------------------------------------------------------------- packets

    def sendto(self, data: bytes, address: Address) -> bool:
        try:
            self.socket.sendto(data, address)
        except OSError:  # full, unreachable, ...: as if lost on the way
            self.unsent += 1
            return False
        return True

    def _readable(self) -> None:
        receive, now = self.socket.recvfrom, time.perf_counter
        by_address = self.by_address
        for _ in range(BUDGET + len(self.legs)):
            try:
                data, source = receive(DATAGRAM)
            except OSError:  # nothing left, or the ICMP echo of an earlier send
                return
            if len(data) > 12 and 127 < data[0] < 192:
                leg = by_address.get(source)
                if leg is not None:
                    leg.receive_media(data, now())
                else:
                    self._media_of_stranger(data, now())
            else:
                self._other(data, source, now())

    def _other(self, data: bytes, source: Address, now: float) -> None:
        first = data[0] if data else 255
        if first < 4:
            self._check(data, source, now)
        elif 19 < first < 64 and (leg := self.by_address.get(source)) is not None:
            leg.receive_dtls(data)
        else:
            self.refused["dtls-of-stranger" if 19 < first < 64 else "not-webrtc"] += 1

    def _media_of_stranger(self, data: bytes, now: float) -> None:
        leg = self.by_ssrc.get(data[4:8] if 191 < data[1] < 224 else data[8:12])
        if leg is None or not leg.may_guess():
            self.refused["media-of-stranger"] += 1
            return
        leg.receive_media(data, now)

    def _check(self, data: bytes, source: Address, now: float) -> None:
        try:
            check: Check = parse_check(data)
        except BadPacket as error:
            self.refused[str(error)] += 1
            return
        leg = self.by_ufrag.get(check.ufrag)
        if leg is None:
            self.refused["stun-unknown-user"] += 1
            return
        verdict = leg.receive_check(check, source, now)
        if verdict.refused:
            self.refused[verdict.refused] += 1
        if verdict.answer is not None:
            self.sendto(verdict.answer, source)

    # ---------------------------------------------------------------------------------------------------------- time

    def _report(self) -> None:
        for why, count in self.refused.items():
            if count > self._told[why]:
                self._on_refused(Refused(None, why, count - self._told[why]))
                self._told[why] = count

    async def aclose(self) -> None:
        """Say goodbye to every browser and close the port."""
        await self.legs.aclose()
        if self.socket.fileno() >= 0:
            self._loop.remove_reader(self.socket.fileno())
            self.socket.close()


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if ":" in host:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        bound.setblocking(False)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    granted = bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2  # Linux reports twice what it grants
    level = logging.INFO if granted >= BUFFER else logging.WARNING
    advice = "" if granted >= BUFFER else "; bursts may be lost: raise net.core.rmem_max"
    log.log(
        level,
        "WebRTC on udp %s, receive buffer %d of %d KiB%s",
        bound.getsockname()[:2],
        granted >> 10,
        BUFFER >> 10,
        advice,
    )
    return bound


def _advertise(bound: tuple[str, int], wanted: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Each address a browser may try, in order of preference."""
    host, port = bound
    if wanted:
        return tuple(_address(text, port) for text in wanted)
    if not ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        return ((plain_host(host), port),)
    found = get_host_addresses(use_ipv4=True, use_ipv6=":" in host)
    return tuple((address, port) for address in (*found, "127.0.0.1"))


def _address(text: str, port: int) -> tuple[str, int]:
    """ "203.0.113.7", "203.0.113.7:40000", "2001:db8::7", "[2001:db8::7]:40000"."""
    host, tail = text, ""
    if text.startswith("["):
        host, _, tail = text[1:].partition("]")
        tail = tail.removeprefix(":")
    elif text.count(":") == 1:
        host, _, tail = text.partition(":")
    if not host or not (tail.isdigit() or not tail):
        raise ValueError(f"advertised address {text!r}: write 203.0.113.7, 203.0.113.7:40000 or [2001:db8::7]:40000")
    return host, int(tail) if tail else port
