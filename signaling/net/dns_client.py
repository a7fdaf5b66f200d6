"""Questions to DNS: dnspython on asyncio, answers kept for their TTL, no question asked twice at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdata
import dns.resolver

from signaling.sip.errors import Unresolvable

Record = TypeVar("Record", bound=dns.rdata.Rdata)
Records = tuple[dns.rdata.Rdata, ...]

CACHED = 10_000  # answers
LONGEST = 86_400.0  # seconds an answer is believed at most
LONGEST_NEGATIVE = 60.0  # and that there is none: a server that says so without an SOA means no time at all


class Dns:
    """A resolver of this host. `nameservers`: numeric addresses and ports instead of those in /etc/resolv.conf."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] | None = None, timeout: float = 3.0) -> None:
        self._timeout = timeout
        self._resolver = _resolver(nameservers)
        self._asking: dict[tuple[str, str], asyncio.Task[Records | Unresolvable]] = {}

    async def ask(self, name: str, kind: str, record: type[Record]) -> list[Record]:
        """The records of `name`, empty if there are none; raises Unresolvable when DNS gives no answer at all."""
        key = (name.lower(), kind)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._query(name, kind))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        answer = await asyncio.shield(task)
        if isinstance(answer, Unresolvable):
            raise answer
        return [each for each in answer if isinstance(each, record)]

    async def aclose(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _query(self, name: str, kind: str) -> Records | Unresolvable:
        if self._resolver is None:
            return Unresolvable(
                f"cannot look up {name}: no DNS server in /etc/resolv.conf; use a numeric address or /etc/hosts"
            )
        try:
            answer = await self._resolver.resolve(name, kind, lifetime=self._timeout, search="." not in name)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.resolver.LifetimeTimeout:
            return Unresolvable(
                f"no DNS server answered for {name} within {self._timeout:g} s; check /etc/resolv.conf and the network"
            )
        except (dns.exception.DNSException, OSError, UnicodeError, ValueError) as error:
            return Unresolvable(f"cannot look up {name}: {error}; check the name and the DNS server")
        return tuple(answer)


class _Cache(dns.resolver.LRUCache):
    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        longest = LONGEST if value.rrset is not None else LONGEST_NEGATIVE
        value.expiration = min(value.expiration, time.time() + longest)
        super().put(key, value)


def _resolver(nameservers: Sequence[tuple[str, int]] | None) -> dns.asyncresolver.Resolver | None:
    try:
        resolver = dns.asyncresolver.Resolver(configure=nameservers is None)
    except dns.resolver.NoResolverConfiguration:
        return None
    if nameservers is not None:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]
    resolver.cache = _Cache(CACHED)
    return resolver
