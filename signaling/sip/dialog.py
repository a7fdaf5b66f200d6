"""A dialog: what two user agents share for the length of a call (RFC 3261 section 12).

Its identifiers, both CSeq counters, the route set and the remote target; from these it writes requests and judges those
of the other side. It sends nothing and keeps no time. The usage, a call, is `call`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from signaling.sip.address import Address
from signaling.sip.errors import SipError
from signaling.sip.headers import Headers
from signaling.sip.message import Request, Response
from signaling.sip.uri import NameAddr, Uri

CREDENTIALS = ("Authorization", "Proxy-Authorization")
GONE = (408, 481)


@dataclass(slots=True)
class Dialog:
    call_id: str
    local: NameAddr
    remote: NameAddr
    local_sequence: int
    remote_sequence: int | None
    routes: tuple[NameAddr, ...]
    target: Uri
    peer: Address
    """where its messages come from"""

    @classmethod
    def of_caller(cls, request: Request, response: Response, source: Address) -> Dialog:
        """Our INVITE, their 2xx (section 12.1.2): Record-Route read backwards."""
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            local_sequence=response.cseq.number,
            remote_sequence=None,
            routes=tuple(reversed(routes_of(response))),
            target=response.contacts[0].uri if response.contacts else request.uri,
            peer=source,
        )

    @classmethod
    def of_callee(cls, request: Request, tag: str, source: Address) -> Dialog:
        """Their INVITE, our To tag (section 12.1.1)."""
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(tag),
            remote=request.from_,
            local_sequence=0,
            remote_sequence=request.cseq.number,
            routes=tuple(routes_of(request)),
            target=request.contacts[0].uri if request.contacts else request.from_.uri,
            peer=source,
        )

    def request(self, method: str, *, sequence: int | None = None) -> Request:
        """A request within the dialog (section 12.2.1.1). Without `sequence` (an ACK has one) the CSeq moves on."""
        if sequence is None:
            self.local_sequence += 1
            sequence = self.local_sequence
        uri, routes = self._path()
        headers = Headers()
        for route in routes:
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", str(self.local))
        headers.add("To", str(self.remote))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{sequence} {method}")
        return Request(method, uri, headers, b"")

    def ack(self, invite: Request, sequence: int, via: str) -> Request:
        """The ACK for a 2xx: a request of its own, with the INVITE's CSeq and credentials (sections 13.2.2.4, 22.1)."""
        request = self.request("ACK", sequence=sequence)
        request.headers.prepend("Via", via)
        for name in CREDENTIALS:
            for value in invite.headers.all(name):
                request.headers.add(name, value)
        return request

    def _path(self) -> tuple[Uri, list[str]]:
        """Request-URI and Route."""
        if not self.routes:
            return self.target, []
        first, *rest = self.routes
        if is_loose(first.uri):
            return self.target, [str(route) for route in self.routes]
        # a strict router takes the Request-URI for itself; the target travels last in Route
        return as_request_uri(first.uri), [*(str(route) for route in rest), f"<{self.target}>"]

    @property
    def next_hop(self) -> Uri:
        """Whom a request is handed to first (section 8.1.2)."""
        return self.routes[0].uri if self.routes else self.target

    def in_order(self, request: Request) -> bool:
        """Section 12.2.2: a CSeq lower than the last is out of order (500). Remembers the new one."""
        number = request.cseq.number
        if self.remote_sequence is not None and number < self.remote_sequence:
            return False
        self.remote_sequence = number
        return True

    def refresh(self, message: Request | Response, source: Address) -> None:
        """A target refresh: (re-)INVITE or UPDATE and their 2xx move the remote target (sections 12.2.1.2, 12.2.2)."""
        if message.contacts:
            self.target = message.contacts[0].uri
        self.peer = source


def routes_of(message: Request | Response) -> list[NameAddr]:
    return [NameAddr.parse(value) for value in message.headers.all("Record-Route")]


def is_loose(uri: Uri) -> bool:
    return uri.param("lr") is not None


def as_request_uri(uri: Uri) -> Uri:
    """Without what a Request-URI may not carry (section 19.1.1, table 1)."""
    return replace(uri.with_params(method=None), headers="")


def is_lost(result: Response | SipError) -> bool:
    """Section 12.2.1.2: 408, 481, or no answer at all: the other side has no such dialog any more."""
    return (result.status if isinstance(result, Response) else result.sip_status) in GONE
