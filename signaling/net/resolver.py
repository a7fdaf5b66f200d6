"""From a URI to addresses, in the order to try them (RFC 3263).

A numeric host needs no question. A name with a port: its addresses. Otherwise NAPTR says which transports a domain
prefers, SRV which hosts, and plain addresses serve where it has neither. Answers are kept as long as their TTL says. A
name that DNS does not know may still stand in the hosts file, so that the system is asked last (for names without a
dot: first).
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from signaling.sip.address import Address
from signaling.sip.errors import Unresolvable
from signaling.sip.uri import Uri

MOST_TARGETS = 16
_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_SYSTEM_TTL = 30.0
_MOST_SYSTEM = 1024


class Resolver:
    """`transports`: what the endpoint speaks, the preferred first. `nameservers` None: those of the system."""

    def __init__(
        self,
        transports: Sequence[str] = ("udp", "tcp"),
        *,
        nameservers: Sequence[str] | None = None,
        port: int = 53,
        lifetime: float = 5.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.transports = tuple(transports)
        self._chance = chance
        self._dns = _resolver(nameservers, port, lifetime)
        self._system: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()

    async def resolve(self, uri: Uri) -> list[Address]:
        """Where to send a request for `uri`; raises Unresolvable with words."""
        if uri.scheme not in ("sip", "sips"):
            raise Unresolvable(f"{uri}: only sip and sips URIs can be looked up; give a {uri.scheme} number a route")
        host = (uri.param("maddr") or uri.host).strip("[]").rstrip(".")
        transport = uri.transport
        if transport is not None and transport not in self.transports:
            raise Unresolvable(f"{uri} asks for {transport}; spoken here: {', '.join(self.transports)}")
        default = transport or ("udp" if "udp" in self.transports else self.transports[0])
        if _is_numeric(host):  # 4.1, 4.2
            return [Address(default, host, uri.port or _port(default))]
        if uri.port is not None:
            return self._checked(uri, await self._hosts(default, host, uri.port))
        for candidate in [transport] if transport else await self._naptr(host):
            found = await self._srv(candidate, host)
            if found:
                return found[:MOST_TARGETS]
        return self._checked(uri, await self._hosts(default, host, _port(default)))

    def _checked(self, uri: Uri, found: list[Address]) -> list[Address]:
        if not found:
            raise Unresolvable(f"{uri.host} has no address: is the name right, and does DNS answer?")
        return found[:MOST_TARGETS]

    async def _naptr(self, host: str) -> list[str]:
        """The transports a domain offers, its favourite first (4.1); ours where it does not say."""
        records = sorted(await self._ask(host, "NAPTR"), key=lambda r: (r.order, r.preference))
        services = [_SERVICES.get(record.service.decode("ascii", "replace").upper()) for record in records]
        offered = [name for name in services if name in self.transports and name is not None]
        return list(dict.fromkeys(offered)) or [name for name in self.transports if name in _SRV]

    async def _srv(self, transport: str, host: str) -> list[Address]:
        """The hosts of one service, by priority, and by weighted lot within one (RFC 2782)."""
        if transport not in _SRV or "." not in host:
            return []
        records = await self._ask(_SRV[transport] + host, "SRV")
        ordered = self._by_weight(records)[:MOST_TARGETS]
        targets = [(str(record.target).rstrip("."), record.port) for record in ordered]
        groups = await asyncio.gather(*(self._hosts(transport, name, port) for name, port in targets if name))
        return [address for group in groups for address in group]

    def _by_weight(self, records: list[Any]) -> list[Any]:
        """Efraimidis and Spirakis: sorting by u^(1/w) draws by weight; a weight of 0 comes last."""
        keyed = [
            (r.priority, -(self._chance() ** (1.0 / r.weight)) if r.weight else 0.0, i) for i, r in enumerate(records)
        ]
        return [records[i] for _, _, i in sorted(keyed)]

    async def _hosts(self, transport: str, host: str, port: int) -> list[Address]:
        """A and AAAA; IPv4 first, since that is what phones are found by."""
        if _is_numeric(host):
            return [Address(transport, host, port)]
        names: list[str] = []
        if "." in host and host != "localhost":
            answers = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"))
            names = [str(record.address) for records in answers for record in records]
        return [Address(transport, name, port) for name in names or await self._ask_system(host)]

    async def _ask(self, name: str, kind: str) -> list[Any]:
        """The records, [] when there are none or nobody answers."""
        try:
            answer = await self._dns.resolve(name, kind, search=False, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError):
            return []
        wanted = dns.rdatatype.from_text(kind)
        return [record for record in answer.rrset or () if record.rdtype == wanted]

    async def _ask_system(self, host: str) -> list[str]:
        """The hosts file and whatever else the system knows."""
        loop = asyncio.get_running_loop()
        known = self._system.get(host)
        if known and loop.time() < known[0]:
            return known[1]
        try:
            infos = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            infos = []
        found = list(dict.fromkeys(str(info[4][0]) for info in sorted(infos, key=lambda i: i[0] != socket.AF_INET)))
        self._system[host] = (loop.time() + _SYSTEM_TTL, found)
        if len(self._system) > _MOST_SYSTEM:
            self._system.popitem(last=False)
        return found


def _resolver(nameservers: Sequence[str] | None, port: int, lifetime: float) -> dns.asyncresolver.Resolver:
    try:
        resolver = dns.asyncresolver.Resolver(configure=nameservers is None)
    except dns.resolver.NoResolverConfiguration:
        resolver = dns.asyncresolver.Resolver(configure=False)  # no DNS on this machine: the hosts file is left
    if nameservers is not None:
        resolver.nameservers = list(nameservers)
        resolver.port = port
    resolver.lifetime = lifetime
    resolver.timeout = min(2.0, lifetime)
    resolver.cache = dns.resolver.LRUCache(4096)
    return resolver


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _port(transport: str) -> int:
    return 5061 if transport in ("tls", "wss") else 5060
