"""Who is asking: the address of a request behind proxies, and the origin of a WebSocket.

A WebSocket is not held back by the same-origin policy, so the server has to look (RFC 6455 10.2). A client that is no
browser sends no Origin; it has no user's cookies or page to abuse either, and needs a token like everybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError that names the network."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def within(address: str, nets: Iterable[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return any(found.version == net.version and found in net for net in nets)


class Origin:
    def __init__(self, allowed: tuple[str, ...], trusted_proxies: tuple[str, ...]) -> None:
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}
        self._proxies = networks(trusted_proxies)

    def address(self, request: web.Request) -> str:
        """The client's address: the last hop that is no proxy of ours."""
        address = request.remote or ""
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        while hops and within(address, self._proxies):
            address = hops.pop()
        return address[:64]

    def allows(self, request: web.Request) -> bool:
        """Whether a WebSocket may be opened from where the request's page came from."""
        origin = request.headers.get("Origin")
        if origin is None or "*" in self._allowed or origin.rstrip("/").lower() in self._allowed:
            return True
        try:
            return bool(host := urlsplit(origin).netloc.lower()) and host == self._host(request)
        except ValueError:
            return False

    def _host(self, request: web.Request) -> str:
        forwarded = request.headers.get("X-Forwarded-Host", "")
        trusted = forwarded and within(request.remote or "", self._proxies)
        return (forwarded if trusted else request.headers.get("Host", "")).strip().lower()
