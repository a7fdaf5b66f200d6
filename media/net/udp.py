"""A UDP socket on the event loop: what comes is handed on in the same call stack, what cannot be sent is counted.

Read by `add_reader`: asyncio's own transport costs three times as much.
One datagram a wake-up: the loop comes back at once if there is more, and every socket has its turn.
Nothing here raises but `bind`: a refused, unreachable or full network is a lost packet, as the network loses packets.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from media.errors import NoPorts
from media.net.ports import PortPool

log = logging.getLogger(__name__)

Address = tuple[Any, ...]
"""As the socket module gives it: (host, port), with two more numbers for IPv6."""
OnDatagram = Callable[[bytes, Address, float], None]

DATAGRAM = 2048
"""Bytes at most. asyncio's own transport takes 256 KiB a packet (15 us); with so few, `recvfrom` is cheaper than a
buffer of our own and a copy out of it."""
_now = time.perf_counter
_ATTEMPTS = 500
"""Pairs tried that turn out to be in use by somebody else on this machine: 10 us each."""


class UdpSocket:
    """One bound socket."""

    __slots__ = ("_loop", "_on_datagram", "_receive", "_socket", "__weakref__", "errors", "port", "sendto")

    def __init__(self, bound: socket.socket, on_datagram: OnDatagram) -> None:
        """`on_datagram(data, source, now)`, `now` as `Clock.now`."""
        self.port: int = bound.getsockname()[1]
        self.errors: Counter[str] = Counter()
        """What the network refused, by name (ECONNREFUSED ...)."""
        self._socket = bound
        self._receive = bound.recvfrom
        self.sendto = bound.sendto
        """The socket's own, for the hot path: what it raises, an OSError, must be given to `count`."""
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._readable)

    def send(self, data: bytes, to: Address) -> None:
        try:
            self.sendto(data, to)
        except OSError as error:
            self.count(error)

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self._on_datagram = _nobody

    def _readable(self) -> None:
        try:
            data, source = self._receive(DATAGRAM)
        except OSError as error:
            self.count(error)
            return
        self._on_datagram(data, source, _now())

    def count(self, error: OSError) -> None:
        """Something could not be sent or received."""
        if error.errno not in (errno.EAGAIN, errno.EBADF):
            self.errors[errno.errorcode.get(error.errno or 0, "unknown")] += 1


def bind(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket. Raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def bind_pair(pool: PortPool, host: str, now: float) -> tuple[socket.socket, socket.socket]:
    """The sockets for RTP and RTCP on a free pair of the pool. Raises NoPorts."""
    for _ in range(_ATTEMPTS):
        port = pool.take(now)
        try:
            rtp = bind(host, port)
        except OSError as error:
            _skip(pool, host, port, error, now)
            continue
        try:
            return rtp, bind(host, port + 1)
        except OSError as error:
            rtp.close()
            _skip(pool, host, port + 1, error, now)
    raise NoPorts(
        f"{_ATTEMPTS} RTP port pairs in a row are in use by other programs; give rtp_ports a range of its own"
    )


def _skip(pool: PortPool, host: str, port: int, error: OSError, now: float) -> None:
    """Somebody else has this port: try the next. Any other reason would hold for all ports."""
    pool.give(port & ~1, now)
    if error.errno not in (errno.EADDRINUSE, errno.EACCES):
        raise NoPorts(f"cannot receive RTP at {host}: {error.strerror}; is sip_host an address of this machine?")
    log.debug("RTP port %s:%s is in use by another program", host, port)


def _nobody(data: bytes, source: Address, now: float) -> None:
    """Who hears a closed socket."""
