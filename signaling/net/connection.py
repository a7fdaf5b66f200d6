"""One stream connection: bytes in, messages out; and what it may cost us before it is cut.

A stream that breaks framing cannot be mended and is closed (`framing`). A peer that does not read may leave
`max_unsent` bytes with us, then it is cut: its messages are stale anyhow.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Protocol, cast

from signaling.net.transport import Traffic
from signaling.sip.address import Address
from signaling.sip.errors import BadMessage
from signaling.sip.framing import MAX_BODY, MAX_HEAD, Framer

PING, PONG = b"\r\n\r\n", b"\r\n"  # RFC 5626 section 4.4.1
_LARGEST_PING = 3  # bytes of line ends that may wait in the framer without being a message begun
_OPTIONS = (
    ("SO_KEEPALIVE", socket.SOL_SOCKET, 1),
    ("TCP_KEEPIDLE", socket.IPPROTO_TCP, 60),
    ("TCP_KEEPINTVL", socket.IPPROTO_TCP, 15),
    ("TCP_KEEPCNT", socket.IPPROTO_TCP, 4),
    ("TCP_USER_TIMEOUT", socket.IPPROTO_TCP, 32_000),  # ms that bytes of ours may stay unacknowledged: 64*T1
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What stream peers may cost. Seconds and bytes."""

    connections: int = 2000
    per_host: int = 500
    """of them, accepted from one address: an office behind one NAT, but no attacker alone"""
    connect: float = 8.0
    """until the next target is tried"""
    idle: float = 3900.0
    """without a byte; above the longest registration, whose phone is called by this connection"""
    message: float = 20.0
    """from accept, or from a message's first byte, to its last: whoever is slower holds the place for nothing"""
    spare: float = 32.0
    """at the limit, the connection that has been silent longest yields to a new one, if it was for so long"""
    ping: float = 90.0
    """of silence, after which a connection that we opened is pinged, so that NATs keep it (RFC 5626 section 4.4.1)"""
    sweep: float = 5.0
    """between looks for connections that have outlived their use"""
    max_unsent: int = 1 << 20
    max_head: int = MAX_HEAD
    max_body: int = MAX_BODY


class Switchboard(Protocol):
    """The transport, as seen by its connections."""

    limits: Limits
    traffic: Traffic
    buffer: bytearray
    """one for all, as each read is dealt with at once; its size bounds the work of one wake-up"""

    def opened(self, connection: Connection) -> bool: ...
    def active(self, connection: Connection) -> None: ...
    def received(self, connection: Connection, data: bytes) -> None: ...
    def refused(self, connection: Connection, why: str) -> None: ...
    def closed(self, connection: Connection, why: str) -> None: ...


class Connection(asyncio.BufferedProtocol):
    """From accept or dial to its end, which is told exactly once by `Switchboard.closed`."""

    def __init__(self, number: int, switchboard: Switchboard, peer: Address | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.dialled = peer is not None
        self.peer = peer or Address("tcp", "", 0, number)
        self.active_at = self.pinged_at = loop.time()
        self.waiting_since = None if self.dialled else self.active_at
        """since when a message is owed; None between messages"""
        self.gone = asyncio.Event()
        self._switchboard = switchboard
        self._framer = Framer(switchboard.limits.max_head, switchboard.limits.max_body)
        self._time = loop.time
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []  # until it is open
        self._why = ""

    # the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if self.gone.is_set() or not peer:
            self.cut("gone before it began")
            return
        if not self.dialled:
            self.peer = Address(self.peer.transport, peer[0], peer[1], self.number)
        keep_alive(transport)
        if not self._switchboard.opened(self):
            self.cut("too many connections")
            return
        waiting, self._unsent = self._unsent, []
        for data in waiting:
            self.send(data)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._switchboard.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(memoryview(self._switchboard.buffer)[:nbytes])
        if self._why or self.gone.is_set():
            return  # cut, and only waiting for its end
        self.active_at = self._time()
        self._switchboard.active(self)
        try:
            self._read(data)
        except BadMessage as error:
            self.refuse(str(error))
        else:
            self._pong()

    def eof_received(self) -> bool:
        return False  # closes, once what we still have to say is written

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._why or (f"connection lost: {exc}" if exc else "closed by the other side"))

    def _read(self, data: bytes) -> None:
        framer = self._framer
        for message in framer.feed(data):
            self.waiting_since = None
            self._switchboard.received(self, message)
        if framer.broken is not None:
            raise framer.broken
        if framer.pending > _LARGEST_PING and self.waiting_since is None:
            self.waiting_since = self.active_at

    def _pong(self) -> None:
        pongs, self._framer.pongs = self._framer.pongs, 0
        if pongs:
            self._switchboard.traffic.keepalives += pongs
            self._write(PONG * pongs)

    # the transport calls

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._switchboard.traffic.sent += 1
            self._write(data)
            return
        self._unsent.append(data)
        self._bound_unsent(sum(map(len, self._unsent)))

    def check(self, now: float) -> None:
        """Close what hangs or has gone quiet, keep what we opened alive."""
        limits = self._switchboard.limits
        if self.waiting_since is not None and now - self.waiting_since > limits.message:
            self.refuse(f"no whole message within {limits.message:g} s")
        elif now - self.active_at > limits.idle:
            self.close("idle")
        elif self.dialled and self._transport and now - max(self.active_at, self.pinged_at) > limits.ping:
            self.pinged_at = now
            self._write(PING)

    def refuse(self, why: str) -> None:
        """Cut for what it sent."""
        self._switchboard.traffic.broken += 1
        self._switchboard.refused(self, why)
        self.cut(why)

    def close(self, why: str) -> None:
        """Write what is left, then close."""
        self._why = self._why or why
        if self._transport is None:
            self._end(why)
        else:
            self._transport.close()

    def cut(self, why: str) -> None:
        """Close now."""
        self._why = self._why or why
        if self._transport is None:
            self._end(why)
        else:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            self._bound_unsent(self._transport.get_write_buffer_size())

    def _bound_unsent(self, unsent: int) -> None:
        if unsent > self._switchboard.limits.max_unsent:
            self.cut(f"{self.peer} does not read what is sent to it")

    def _end(self, why: str) -> None:
        self._unsent = []
        if not self.gone.is_set():
            self.gone.set()
            self._switchboard.closed(self, why)


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let the kernel find out about peers that vanished without a word."""
    sock = transport.get_extra_info("socket")
    for name, level, value in _OPTIONS:
        option = getattr(socket, name, None)
        try:
            if option is not None:
                sock.setsockopt(level, option, value)
        except OSError:
            pass  # closed meanwhile, or a kernel without it: keep-alives of SIP remain
