"""Where a request within a dialog is sent: the sans-IO part of RFC 3263, for people who live behind NATs.

The next hop's URI decides (RFC 3261 section 8.1.2) when it is an address that can be reached. It is set aside for the
place the other side's messages really come from when it
 * is a name, which this core cannot look up,
 * was already overruled when the call began: we called this very URI and sent it elsewhere,
 * can be reached only from nearer than where we hear it from: a private address announced from a public one, or
 * stands for the far end of a connection that we hold, which is then used again.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from signaling.sip.address import Address
from signaling.sip.uri import Uri

# RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291
PRIVATE = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
PORTS = {"tls": 5061, "wss": 443, "ws": 80}


def next_hops(uri: Uri, peer: Address, called: Uri | None = None) -> list[Address]:
    """Addresses for `uri`, the best first. `peer`: where its messages come from. `called`: what was sent to `peer`."""
    named = numeric(uri, peer)
    if named is None or (called is not None and same_place(uri, called)):
        return [peer]
    if named.host == peer.host and named.transport == peer.transport != "udp":
        return [peer, named] if peer.connection is not None else [named]
    if seclusion(named.host) > seclusion(peer.host):
        return [peer]
    return [named]


def numeric(uri: Uri, peer: Address) -> Address | None:
    """The address in `uri`, or None where it is a name (RFC 3263 section 4.1)."""
    host = uri.param("maddr") or uri.host
    if parsed(host) is None:
        return None
    transport = uri.transport or (peer.transport if host == peer.host else "udp")
    return Address(transport, host, uri.port or PORTS.get(transport, 5060))


def same_place(one: Uri, other: Uri) -> bool:
    return (one.host.lower(), one.port) == (other.host.lower(), other.port)


def seclusion(host: str) -> int:
    """How near one has to be to reach it: 0 from anywhere, 1 on the same network, 2 on the same machine."""
    address = parsed(host)
    if address is None:
        return 0
    return 2 if address.is_loopback else int(any(address in network for network in PRIVATE))


def parsed(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
