"""Which addresses can reach which, as far as the numbers alone tell. Pure."""

from __future__ import annotations

import ipaddress

_PRIVATE = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip
"""RFC 1918, RFC 6598 (a provider's NAT), link-local, RFC 4193. Python's `is_private` also has the documentation's."""

WORDS = {
    "loopback": "a loopback address",
    "private": "a private address",
    "unspecified": "no address at all",
    "public": "a public address",
    "name": "a host name",
}


def kind(host: str) -> str:
    """One of `WORDS`."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return "name"
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    return "private" if any(address in net for net in _PRIVATE if net.version == address.version) else "public"


def out_of_reach(target: str, origin: str) -> bool:
    """Surely not reachable: `target` is of a network that `origin` cannot be in. In doubt it can be."""
    there, here = kind(target), kind(origin)
    if "name" in (there, here) or here == "unspecified":
        return False
    if there == "loopback":
        return here != "loopback"
    return there == "private" and here == "public"


def host_of(source: str) -> str:
    """The host of "192.0.2.7:4000", "[2001:db8::1]:4000", "udp:192.0.2.7:5060" or of a bare address."""
    head, _, rest = source.partition(":")
    if head in ("udp", "tcp", "tls", "ws", "wss"):
        source = rest
    if source.startswith("["):
        return source[1:].partition("]")[0]
    return source.rpartition(":")[0] if source.count(":") == 1 else source
