"""One stack against a peer written by hand: for everything that a well-behaved stack would not do to another."""

from __future__ import annotations

from signaling.sip.address import Address
from signaling.sip.message import Request, Response, parse_message, reply
from tests.signaling.sip.pair import ALICE, BOB, OFFER, A, B, make_stack

CONTACT = "<sip:bob@192.0.2.2>"


class Peer:
    """`stack` lives at A, the peer at B. `take` gives what the stack has sent since."""

    def __init__(self, transport: str = "udp", **options):
        self.here = Address(transport, A.host, A.port)
        self.there = Address(transport, B.host, B.port)
        self.stack = make_stack(self.here, **options)
        self.now = 0.0
        self.addresses = []
        self._branch = 0

    def take(self) -> list[Request | Response]:
        sent = self.stack.outgoing()
        self.addresses = [each.to for each in sent]
        return [parse_message(each.data) for each in sent]

    def one(self) -> Request | Response:
        (message,) = self.take()
        return message

    def starts(self) -> list[str]:
        return [each.method if isinstance(each, Request) else str(each.status) for each in self.take()]

    def events(self) -> list:
        events = []
        while (event := self.stack.next_event()) is not None:
            events.append(event)
        return events

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events()]

    def give(self, message: Request | Response | str, source: Address | None = None) -> None:
        data = message.replace("\n", "\r\n").encode() if isinstance(message, str) else bytes(message)
        self.stack.receive(data, source or self.there, self.now)

    def wait(self, seconds: float) -> list[tuple[float, str]]:
        """Let time pass; when, and what, the stack sent meanwhile."""
        sent, until = [], self.now + seconds
        while (when := self.stack.wake_at()) is not None and when <= until:
            self.now = max(when, self.now)
            self.stack.wake(self.now)
            sent += [(self.now, start) for start in self.starts()]
        self.now = until
        return sent

    # as callee

    def invited(self, **options) -> tuple[str, Request]:
        """The stack calls; its handle and the INVITE."""
        options = {"targets": [self.there], "from_": ALICE, "body": OFFER, "now": self.now} | options
        call = self.stack.invite(options.pop("uri", BOB), **options)
        return call, self.one()

    def answer(self, request: Request, status: int, tag: str = "b1", contact: str = CONTACT, headers=(), body=b""):
        contacts = (("Contact", contact),) if contact and 100 < status < 300 else ()
        self.give(reply(request, status, to_tag=tag, headers=(*contacts, *headers), body=body))

    # as caller

    def request(
        self, method: str, *, to_tag="", cseq=1, call_id="call-1", branch="", headers="", body="", **more
    ) -> str:
        self._branch += 1
        branch = branch or f"z9hG4bK-{self._branch}"
        tag = f";tag={to_tag}" if to_tag else ""
        contents = f"Content-Type: application/sdp\n{headers}" if body else headers
        return (
            f"{method} {more.get('uri', 'sip:alice@192.0.2.1')} SIP/2.0\n"
            f"Via: SIP/2.0/{self.there.transport.upper()} {self.there.host}:{self.there.port};branch={branch};rport\n"
            f"Max-Forwards: {more.get('hops', 70)}\n"
            f"From: <sip:bob@192.0.2.2>;tag={more.get('from_tag', 'b1')}\n"
            f"To: <sip:alice@192.0.2.1>{tag}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\n"
            f"Contact: {more.get('contact', CONTACT)}\n{contents}Content-Length: {len(body)}\n\n{body}"
        )

    def calls(self, **options) -> str:
        """The peer calls, and the stack's application has been told; the handle, which is also the stack's tag."""
        self.give(self.request("INVITE", body="v=0 offer", branch="z9hG4bK-invite", **options))
        assert self.starts() == ["100"]
        (event,) = self.events()
        return event.call

    def talks(self, **options) -> str:
        """The peer has called, the stack has answered, the peer has acknowledged."""
        call = self.calls(**options)
        self.stack.answer(call, b"v=0 answer", self.now)
        assert self.starts() == ["200"]
        self.give(self.request("ACK", to_tag=call))
        assert self.kinds() == ["Acked"]
        return call
