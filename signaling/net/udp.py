"""SIP over UDP: one datagram, one message (RFC 3261 section 18).

The socket is read by hand, a bounded number of datagrams per wake-up, so that a flood leaves the loop to others. On
Linux the kernel is asked for ICMP errors (IP_RECVERR): that nobody listens at a phone's port is then known at once
instead of after 32 s of retransmissions (section 18.4).
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections import deque
from collections.abc import Iterable

from signaling.net.transport import Owner, Traffic, bind, bound
from signaling.sip.address import Address, Transmit

BATCH = 32  # datagrams per wake-up
BUFFER = 4 << 20  # bytes in the kernel: a burst of a few thousand messages outlives a busy moment
LARGEST = 65_535
MOST_WAITING = 256  # datagrams that found the kernel's buffer full
KEEPALIVE = b"\r\n\x00\t "  # what NAT keep-alives consist of; some phones send spaces or zeros
RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOPROTOOPT)
EXTENDED_ERROR = "=IBB"  # struct sock_extended_err: errno, origin, ICMP type
TIME_EXCEEDED = ((2, 11), (3, 3))  # origin and type in ICMP and ICMPv6: section 18.4 says to ignore it


class Udp:
    """One bound datagram socket."""

    def __init__(self, local: Address, owner: Owner) -> None:
        self.address = local
        self.traffic = Traffic()
        self._owner = owner
        self._socket: socket.socket | None = None
        self._waiting: deque[Transmit] = deque()

    async def start(self) -> None:
        sock = bind(self.address, socket.SOCK_DGRAM)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)  # the kernel takes what it allows, silently
        if sys.platform == "linux":
            sock.setsockopt(*RECVERR[sock.family], 1)
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self.address = bound(self.address, sock)
        self._loop.add_reader(sock, self._readable)

    async def aclose(self, flush: float = 0.0) -> None:
        sock, self._socket = self._socket, None
        self._waiting.clear()
        if sock is not None:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            sock.close()

    # in

    def _readable(self) -> None:
        for _ in range(BATCH):
            if self._socket is None:
                return  # closed by what the last datagram caused
            try:
                data, peer = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error: the queue tells whose
                self._take_errors()
                continue
            self._take(data, Address("udp", peer[0], peer[1]))

    def _take(self, data: bytes, source: Address) -> None:
        if not data.strip(KEEPALIVE):
            self.traffic.keepalives += 1
            return
        self.traffic.received += 1
        self._owner.receive(data, source)

    def _take_errors(self) -> int:
        """Read the kernel's queue of ICMP errors, and tell who is out of reach. How many there were."""
        found = 0
        while self._socket is not None and found < BATCH and sys.platform == "linux":
            try:
                _, ancillary, _, peer = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            found += 1
            number = unreachable(ancillary)
            if number and peer:
                self._loop.call_soon(self._fail, Address("udp", peer[0], peer[1]), f"ICMP {errno.errorcode[number]}")
        if found:
            self._loop.call_soon(self._watch_again)
        return found

    def _watch_again(self) -> None:
        """libuv stops watching a socket for good once it has polled an error."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.add_reader(self._socket, self._readable)

    def _fail(self, to: Address, why: str) -> None:
        if self._socket is not None:
            self.traffic.failed += 1
            self._owner.failed(to, f"cannot send to {to}: {why}")

    # out

    def send(self, transmit: Transmit) -> None:
        if self._socket is not None and (self._waiting or not self._sent(self._socket, transmit)):
            self._wait(self._socket, transmit)

    def _sent(self, sock: socket.socket, transmit: Transmit) -> bool:
        """False: the kernel has no room just now."""
        to = transmit.to
        for _ in range(3):  # the ICMP error of an earlier datagram may be reported on this one
            try:
                sock.sendto(transmit.data, (to.host, to.port))
                self.traffic.sent += 1
                return True
            except BlockingIOError:
                return False
            except (OSError, OverflowError) as error:
                if not self._take_errors() and not isinstance(error, ConnectionError):
                    self._fail(to, getattr(error, "strerror", None) or str(error))
                    return True
        self.traffic.dropped += 1  # as if lost on the way: retransmission is SIP's own trade
        return True

    def _wait(self, sock: socket.socket, transmit: Transmit) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.traffic.dropped += 1
        if not self._waiting:
            self._loop.add_writer(sock, self._writable)
        self._waiting.append(transmit)

    def _writable(self) -> None:
        sock = self._socket
        while sock is not None and self._waiting and self._sent(sock, self._waiting[0]):
            self._waiting.popleft()
        if sock is not None and not self._waiting:
            self._loop.remove_writer(sock)


def unreachable(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    """The errno in what came with an ICMP error, if it means that the other side cannot be reached; else 0."""
    for _, kind, data in ancillary:
        if kind in (option for _, option in RECVERR.values()):
            number, *origin = struct.unpack_from(EXTENDED_ERROR, data)
            return number if number in UNREACHABLE and tuple(origin) not in TIME_EXCEEDED else 0
    return 0
