"""Where bytes go and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

RELIABLE = frozenset({"tcp", "tls", "ws", "wss"})


@dataclass(frozen=True, slots=True)
class Address:
    """One end of a hop. `host` is a numeric address (IPv6 without brackets) once it reaches a socket.

    `connection` names one stream connection of ours: a response and whatever is sent to a registered phone behind NAT
    must go by exactly that one (RFC 3261 18.2.2, RFC 5626). None: any connection to host and port will do.
    """

    transport: str
    host: str
    port: int
    connection: int | None = None

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself, so that the transactions need not (17.1.1.2)."""
        return self.transport in RELIABLE

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Transmit:
    """Bytes that wait to be sent, and where to."""

    data: bytes
    to: Address
