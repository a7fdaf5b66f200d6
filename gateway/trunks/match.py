"""Which trunk a call came in by.

By registration: our Contact carries a parameter that only its registrar knows, and sends back. By address: the networks
that its table names, and wherever its servers' names lead. By request user: among several at one address, and from a
network that is trusted anyhow, the one whose user is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gateway.trunks.trunk import LINE, Trunk
from signaling.sip.uri import Uri

Network = IPv4Network | IPv6Network


class Matcher:
    """Knows trunks by what they send. `learn` keeps the addresses of those that are known by name."""

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._trunks = tuple(trunks)
        self._fixed = {trunk.name: tuple(_networks(trunk)) for trunk in self._trunks}
        self._learned: dict[str, frozenset[str]] = {}

    def learn(self, trunk: str, hosts: Iterable[str]) -> None:
        """Where its servers' names lead now. What was known before stays known while DNS is silent (none given)."""
        if found := frozenset(hosts):
            self._learned[trunk] = found

    def find(self, source: str, uri: Uri, to: Uri, *, admitted: bool = False) -> Trunk | None:
        """The trunk that sent an INVITE from `source`. `admitted`: it needs no proof, being let in anyhow."""
        by_line = self.by_line(uri)
        if by_line is not None:
            return by_line
        here = [trunk for trunk in self._trunks if self.knows(trunk, source)]
        wanted = {user for user in (uri.user, to.user) if user}
        named = next((trunk for trunk in here if trunk.user in wanted), None)
        if named is not None or here:
            return named or here[0]
        return next((trunk for trunk in self._trunks if admitted and trunk.user and trunk.user == uri.user), None)

    def by_line(self, uri: Uri) -> Trunk | None:
        line = uri.param(LINE) or ""
        return next((t for t in self._trunks if t.line and compare_digest(t.line.encode(), line.encode())), None)

    def knows(self, trunk: Trunk, source: str) -> bool:
        host = _address(source)
        if host is None:
            return False
        return any(host in network for network in self._fixed[trunk.name]) or str(host) in self._learned.get(
            trunk.name, ()
        )


def _networks(trunk: Trunk) -> Iterable[Network]:
    for text in trunk.addresses:
        yield ip_network(text, strict=False)
    for uri in (*trunk.servers, *([trunk.proxy] if trunk.proxy else [])):
        if (host := _address(uri.host)) is not None:
            yield ip_network(str(host))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        host = ip_address(text)
    except ValueError:
        return None
    return getattr(host, "ipv4_mapped", None) or host  # a socket for both families
