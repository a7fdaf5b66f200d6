"""A DNS server on loopback, as small as one can be: a zone in a dictionary, every question counted."""

import asyncio
from collections import Counter

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer(asyncio.DatagramProtocol):
    """`zone`: {(name, kind): [texts]}. `silent`: kinds that get no answer at all. `broken`: kinds answered SERVFAIL."""

    def __init__(self, zone, *, ttl=60, silent=(), broken=()):
        self.zone, self.ttl, self.silent, self.broken = zone, ttl, set(silent), set(broken)
        self.asked = Counter()

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.address = self.transport.get_extra_info("sockname")
        return self

    async def __aexit__(self, *_):
        self.transport.close()

    def datagram_received(self, data, peer):
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if kind in self.silent:
            return
        response = dns.message.make_response(query)
        texts = self.zone.get((name, kind))
        if kind in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif texts:
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, *texts))
        elif not any(known == name for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(response.to_wire(), peer)
