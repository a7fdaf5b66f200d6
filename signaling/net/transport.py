"""What a transport is to the endpoint, and the endpoint to a transport.

A transport binds one local address, hands in whole messages and takes whole messages to send. Adding one (TLS, say)
means a class with this shape and a row in `endpoint.TRANSPORTS`.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from signaling.sip.address import Address, Transmit
from signaling.sip.errors import TransportFailed


class Owner(Protocol):
    """The endpoint, as seen by its transports."""

    def receive(self, data: bytes, source: Address) -> None:
        """One message, or what should have been one."""

    def failed(self, to: Address, why: str) -> None:
        """Nothing more can be sent to `to` this way."""

    def refused(self, why: str, source: Address) -> None:
        """A peer broke the rules so that its bytes could not even be cut into messages."""


class Transport(Protocol):
    address: Address
    """where it listens; the real port once started"""
    traffic: Traffic

    async def start(self) -> None:
        """Bind and listen; raises TransportFailed."""

    def send(self, transmit: Transmit) -> None:
        """Never blocks and never raises; what fails is told to the owner, sooner or later."""

    async def aclose(self, flush: float) -> None:
        """Close all, after at most `flush` seconds for what is still to be written."""


@dataclass(slots=True)
class Traffic:
    """What went through a transport, for the metrics."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    """datagrams that the kernel had no room for"""
    keepalives: int = 0
    broken: int = 0
    """streams closed because they could not be cut into messages, or too slowly"""
    turned_away: int = 0
    """connections beyond the limit"""
    failed: int = 0
    """sends and connections that came to nothing"""


@lru_cache(4096)
def ip_version(host: str) -> int | None:
    """4 or 6; None for what is not a numeric address (and so must never reach a socket, which would block on DNS)."""
    try:
        return ip_address(host).version
    except ValueError:
        return None


def bind(local: Address, kind: socket.SocketKind) -> socket.socket:
    """A non-blocking socket bound to `local`; raises TransportFailed with what to do about it."""
    version = ip_version(local.host)
    if version is None:
        raise TransportFailed(f"cannot listen on {local}: give a numeric address, as 127.0.0.1, 0.0.0.0 or ::")
    sock = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        if version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((local.host, local.port))
    except OSError as error:
        sock.close()
        hint = (
            "stop the program that has this port or choose another" if local.port else "is it an address of this host?"
        )
        raise TransportFailed(f"cannot listen on {local}: {error.strerror or error}; {hint}") from error
    return sock


def bound(local: Address, sock: socket.socket) -> Address:
    """`local` with the port that the kernel really gave."""
    return Address(local.transport, local.host, sock.getsockname()[1])
