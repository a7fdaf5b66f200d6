"""Where a URI is: from a name to the addresses to try, in order (RFC 3263 section 4).

    a numeric host                   itself, no question asked
    a port in the URI                A / AAAA of the host (4.2)
    a transport in the URI           SRV for that transport, else A / AAAA (4.1, 4.2)
    neither                          NAPTR names the transports; without it SRV for each of ours; else A / AAAA

All questions of one step are asked at once: call set-up waits for one round trip, not for four. NAPTR and SRV that get
no answer count as absent, for there are routers that never answer them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from signaling.net.dns_client import Dns, Record
from signaling.net.hosts import Hosts
from signaling.net.srv import in_order
from signaling.net.transport import ip_version
from signaling.sip.address import Address
from signaling.sip.errors import Unresolvable
from signaling.sip.uri import Uri

SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}  # RFC 3263 section 4.1
PREFIXES = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
PORTS = {"tls": 5061, "ws": 80, "wss": 443}
MOST_SERVERS = 8  # of a domain; at 32 s each nobody waits for more

Service = tuple[str, str]  # transport, name of its SRV records


class Resolver:
    """`transports`: what we speak, the preferred first. `random`: from 0 up to 1, for the weights of SRV."""

    def __init__(
        self,
        *,
        random: Callable[[], float],
        transports: Sequence[str] = ("udp", "tcp"),
        versions: Sequence[int] = (4,),
        dns: Dns | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        self._random = random
        self._transports = tuple(transports)
        self._versions = tuple(versions)
        self._dns = dns or Dns()
        self._hosts = hosts or Hosts()

    async def resolve(self, uri: Uri) -> tuple[Address, ...]:
        """The addresses for a request to `uri`, at least one, the first to be tried first; raises Unresolvable."""
        host, transport = self._judge(uri)
        port = uri.port or PORTS.get(transport or "", 5060)
        if ip_version(host) is not None:
            return (Address(transport or self._transports[0], host, port),)
        found: list[Address] = []
        if uri.port is None and not self._hosts.get(host):
            found = await self._servers(host, transport)
        if not found:
            found = await self._at(host, port, transport or self._transports[0])
        if not found:
            raise Unresolvable(f"{host} has no address; check the spelling, or the DNS records of the domain")
        return tuple(dict.fromkeys(found))

    async def aclose(self) -> None:
        await self._dns.aclose()

    def _judge(self, uri: Uri) -> tuple[str, str | None]:
        """The host to look up and the transport, if the URI names one."""
        if uri.scheme not in ("sip", "sips"):
            raise Unresolvable(f"a {uri.scheme} URI names no host; route it to a SIP server, as sip:...@server")
        if uri.transport is not None and uri.transport not in self._transports:
            ours = " and ".join(self._transports)
            raise Unresolvable(f"{uri} asks for {uri.transport}; only {ours} can be used here")
        host = (uri.param("maddr") or uri.host).strip("[]").rstrip(".")
        if not host or uri.port == 0:
            raise Unresolvable(f"{uri} names no host and port that anything could be sent to")
        return host, uri.transport

    async def _servers(self, host: str, transport: str | None) -> list[Address]:
        """By SRV, whose names NAPTR gives; empty if the domain has neither."""
        wanted = self._transports if transport is None else (transport,)
        guesses = [(each, PREFIXES[each] + host) for each in wanted if each in PREFIXES]
        if transport is not None:
            return await self._served(guesses)
        services, guessed = await asyncio.gather(self._services(host), self._served(guesses))
        return (await self._served(services) if services else []) or guessed

    async def _services(self, host: str) -> list[Service]:
        records = await self._if_any(host, "NAPTR", NAPTR)
        known = [
            (record.order, record.preference, SERVICES[service], record.replacement.to_text(True))
            for record in records
            if (service := record.service.decode("ascii", "replace").upper()) in SERVICES
            and SERVICES[service] in self._transports
            and record.flags.lower() == b"s"
        ]
        return [(transport, name) for _, _, transport, name in sorted(known)]

    async def _served(self, services: Sequence[Service]) -> list[Address]:
        answers = await asyncio.gather(*(self._if_any(name, "SRV", SRV) for _, name in services))
        servers = [
            (record.target.to_text(True), record.port, transport)
            for (transport, _), records in zip(services, answers, strict=True)
            for record in in_order(records, self._random)
            if record.port and record.target.to_text(True) not in ("", ".", "@")  # ".": decidedly not here (RFC 2782)
        ]
        return await self._all_at(servers[:MOST_SERVERS])

    async def _all_at(self, servers: Sequence[tuple[str, int, str]]) -> list[Address]:
        answers = await asyncio.gather(*(self._at(*server) for server in servers), return_exceptions=True)
        found = [each for answer in answers if not isinstance(answer, BaseException) for each in answer]
        if not found:
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
        return found

    async def _at(self, host: str, port: int, transport: str) -> list[Address]:
        """A and AAAA."""
        listed = self._hosts.get(host) or await self._addresses(host)
        return [Address(transport, each, port) for each in listed if ip_version(each) in self._versions]

    async def _addresses(self, host: str) -> list[str]:
        asked = [self._of_version(host, version) for version in self._versions]
        return [address for addresses in await asyncio.gather(*asked) for address in addresses]

    async def _of_version(self, host: str, version: int) -> list[str]:
        if version == 4:
            return [record.address for record in await self._dns.ask(host, "A", A)]
        return [record.address for record in await self._dns.ask(host, "AAAA", AAAA)]

    async def _if_any(self, name: str, kind: str, record: type[Record]) -> list[Record]:
        try:
            return await self._dns.ask(name, kind, record)
        except Unresolvable:
            return []
