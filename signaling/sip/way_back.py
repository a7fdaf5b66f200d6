"""Where a response goes (RFC 3261 sections 18.2.1 and 18.2.2, RFC 3581 section 4).

 * By a stream: through the connection that the request came by.
 * By UDP, asked for with `rport`: to the very port that the request came from.
 * By UDP without it: to the host that the request came from and the port that the Via names, 5060 if it names none.
   Such a phone may send from any port, and listens on that one alone.

One exception: a numeric address in the Via that is not the one we see is a phone behind a NAT, whose own port leads
nowhere. It is answered where it sends from, as if it had asked for that. A name in the Via says nothing about NATs.
`maddr` is passed over: it is meant for multicast, and would let anybody point our answers at somebody else.
"""

from __future__ import annotations

from signaling.sip.address import Address
from signaling.sip.headers import Via
from signaling.sip.hop import parsed
from signaling.sip.message import Request


def way_back(request: Request, source: Address) -> Address:
    """The address for every response to `request`, which came from `source`."""
    via = request.via
    if source.transport != "udp" or via.wants_rport or _behind_nat(via, source):
        return source
    return Address("udp", source.host, via.port or 5060)


def mark_source(request: Request, source: Address) -> None:
    """Write where the request really came from into its top Via."""
    via = request.via
    if via.host == source.host and not via.wants_rport:
        return
    values = request.headers.all("Via")
    marked = via.with_params(received=source.host, **({"rport": source.port} if via.wants_rport else {}))
    request.headers.remove("Via")
    for value in reversed([str(marked), *values[1:]]):
        request.headers.prepend("Via", value)


def _behind_nat(via: Via, source: Address) -> bool:
    said, seen = parsed(via.host), parsed(source.host)
    return said is not None and said != (getattr(seen, "ipv4_mapped", None) or seen)
