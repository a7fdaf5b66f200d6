"""All transactions of a stack: which message belongs to which (RFC 3261 sections 17.1.3 and 17.2.3), and what goes out.

This layer writes the Via of our requests and knows nothing of calls. What it cannot match it hands back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from signaling.sip.address import Address, Transmit
from signaling.sip.headers import Headers
from signaling.sip.message import Message, Request, Response
from signaling.sip.timers import Schedule, Timers
from signaling.sip.transaction import ClientTransaction, Key, OnResult, ServerTransaction, Transaction
from signaling.sip.transaction_states import On

COOKIE = "z9hG4bK"  # section 8.1.1.7: the mark of a branch that is unique

Random = Callable[[int], str]


class Transactions:
    """Every living transaction by its key. `advertised` gives, per transport, the host and port for our Via."""

    def __init__(
        self, timers: Timers, schedule: Schedule, random: Random, advertised: Callable[[str], tuple[str, int]]
    ) -> None:
        self.timers = timers
        self.schedule = schedule
        self.outgoing: list[Transmit] = []
        self._random = random
        self._advertised = advertised
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._merges: dict[Key, ServerTransaction] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    def send(self, data: bytes, to: Address) -> None:
        self.outgoing.append(Transmit(data, to))

    def via(self, to: Address, branch: str | None = None) -> str:
        """Our Via for a request to `to`; `rport` always, so that the answer finds its way back (RFC 3581)."""
        host, port = self._advertised(to.transport)
        branch = branch or COOKIE + self._random(24)
        return f"SIP/2.0/{to.transport.upper()} {bracketed(host)}:{port};rport;branch={branch}"

    # ours

    def request(self, request: Request, to: Address, on_result: OnResult, now: float) -> ClientTransaction:
        """Send `request`, which has no Via of ours yet, in a new transaction."""
        branch = COOKIE + self._random(24)
        return self._start(with_via(request, self.via(to, branch)), (branch, request.method), to, on_result, now)

    def cancel(self, invite: ClientTransaction, headers: Headers, now: float) -> None:
        """CANCEL for a pending INVITE: same Request-URI, branch and destination (section 9.1)."""
        request = invite.request
        cancel = Headers()
        cancel.add("Via", request.headers.all("Via")[0])
        for route in request.headers.all("Route"):
            cancel.add("Route", route)
        cancel.add("Max-Forwards", "70")
        for name in ("From", "To", "Call-ID"):
            cancel.add(name, request.headers.get(name) or "")
        cancel.add("CSeq", f"{request.cseq.number} CANCEL")
        for name, value in headers.items():
            cancel.add(name, value)
        key = (invite.key[0], "CANCEL")
        self._start(Request("CANCEL", request.uri, cancel), key, invite.to, lambda result, at: None, now)

    def _start(self, request: Request, key: Key, to: Address, on_result: OnResult, now: float) -> ClientTransaction:
        transaction = ClientTransaction(self, key, request, to, on_result)
        self._clients[key] = transaction
        transaction.start(now)
        return transaction

    def receive_response(self, response: Response, now: float) -> bool:
        """False: no request of ours is waiting for this."""
        transaction = self._clients.get((response.via.branch or "", response.cseq.method))
        return transaction is not None and transaction.receive(response, now)

    # theirs

    def match(self, request: Request) -> ServerTransaction | None:
        """The transaction that this is a retransmission, or the ACK, of."""
        return self._servers.get(server_key(request))

    def invite_of(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that a CANCEL means (section 9.2)."""
        return self._servers.get(server_key(cancel, "INVITE"))

    def owner_of(self, message: Message) -> str:
        """The call of the INVITE that a message without our tag belongs to; "" where there is none."""
        method = message.cseq.method
        transaction = self._servers.get(server_key(message, "INVITE" if method == "CANCEL" else method))
        return transaction.owner if transaction is not None else ""

    def merged(self, request: Request) -> bool:
        """The same request has come by another path and is still being served (section 8.2.2.2).

        One that we have challenged does not count: some phones repeat it with the same CSeq, against section 22.2.
        """
        earlier = self._merges.get(merge_key(request))
        return earlier is not None and earlier.final not in (401, 407)

    def serve(self, request: Request, source: Address) -> ServerTransaction:
        """A new transaction for a request that matches none."""
        transaction = ServerTransaction(self, server_key(request), request, source)
        self._servers[transaction.key] = transaction
        if request.to.tag is None:
            self._merges.setdefault(merge_key(request), transaction)
        return transaction

    # both

    def failed(self, to: Address, now: float) -> None:
        """Nothing can be sent to `to`. Responses go to where the Via says, should a connection be gone (18.2.2)."""
        for transaction in [each for each in self._all() if each.to == to]:
            transaction.feed(On.TRANSPORT_ERROR, now)
            if isinstance(transaction, ServerTransaction) and to.connection is not None:
                via = transaction.request.via
                transaction.to = Address(to.transport, via.received or via.host, via.port or 5060)
                transaction.feed(On.REQUEST, now)

    def _all(self) -> Iterator[Transaction]:
        yield from self._clients.values()
        yield from self._servers.values()

    def terminated(self, transaction: Transaction) -> None:
        if isinstance(transaction, ServerTransaction):
            self._servers.pop(transaction.key, None)
            key = merge_key(transaction.request)
            if self._merges.get(key) is transaction:
                del self._merges[key]
        else:
            self._clients.pop(transaction.key, None)


def server_key(request: Message, method: str | None = None) -> Key:
    """Section 17.2.3: branch, sent-by and method; without the cookie, what RFC 2543 told requests apart by."""
    via = request.via
    method = method or request.cseq.method
    if method == "ACK":
        method = "INVITE"
    if via.branch is not None and via.branch.startswith(COOKIE):
        return (via.branch, via.host.lower(), str(via.port or ""), method)
    number = str(request.cseq.number)
    return (
        "2543",
        via.branch or "",
        via.host,
        str(via.port or ""),
        request.call_id,
        request.from_.tag or "",
        number,
        method,
    )


def merge_key(request: Request) -> Key:
    return (request.from_.tag or "", request.call_id, str(request.cseq.number), request.cseq.method)


def with_via(request: Request, via: str) -> Request:
    headers = request.headers.copy()
    headers.prepend("Via", via)
    return Request(request.method, request.uri, headers, request.body)


def bracketed(host: str) -> str:
    """An IPv6 address as it stands in a URI or Via."""
    return f"[{host}]" if ":" in host else host
