"""Two stacks on one (bad) network, in virtual time: the bench on which the stack's tests play."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from signaling.sip.address import Address
from signaling.sip.config import StackConfig
from signaling.sip.stack import Stack
from signaling.sip.uri import NameAddr, Uri
from tests.kit.network import BadNetwork, flush, progress

A = Address("udp", "192.0.2.1", 5060)
B = Address("udp", "192.0.2.2", 5060)
OFFER, ANSWER = b"v=0 offer", b"v=0 answer"
ALICE, BOB = NameAddr.parse('"Alice" <sip:alice@192.0.2.1>'), Uri.parse("sip:bob@192.0.2.2")
PASSWORDS = {"alice": "wonder", "bob": "builder"}


def hexes(seed: int):
    seeded = random.Random(seed)
    return lambda digits: f"{seeded.getrandbits(4 * digits):0{digits}x}"


def make_stack(address: Address, seed: int = 1, **options) -> Stack:
    options = {
        "session_timer": False,
        "challenge": False,
        "contact_host": {address.transport: (address.host, address.port)},
    } | options
    return Stack(StackConfig(**options), hexes(seed), PASSWORDS.get)


class Pair:
    """`a` calls `b`. Events of each are kept in lists; `on_a` and `on_b` may react to them at once."""

    def __init__(self, network: BadNetwork | None = None, a=None, b=None, transport: str = "udp"):
        self.at_a, self.at_b = replace(A, transport=transport), replace(B, transport=transport)
        self.network = network or BadNetwork(delay=0.01)
        self.a = make_stack(self.at_a, 1, **(a or {}))
        self.b = make_stack(self.at_b, 2, **(b or {}))
        self.now = 0.0
        self.events = {"a": [], "b": []}
        self.on_a = self.on_b = lambda event: None
        self.parties = {self.at_a: self.a, self.at_b: self.b}
        self.trace: list[tuple[str, str]] = []
        self._send, self.network.send = self.network.send, self._traced

    def _traced(self, data, source, to, now):
        side = "a" if source == self.at_a else "b"
        if not data.strip():
            self.trace.append((side, "keep-alive"))
            self._send(data, source, to, now)
            return
        words = data.split(b"\r\n", 1)[0].decode().split()
        self.trace.append((side, words[1] if words[0].startswith("SIP/") else words[0]))
        self._send(data, source, to, now)

    def drain(self):
        for side, stack in (("a", self.a), ("b", self.b)):
            while (event := stack.next_event()) is not None:
                self.events[side].append(event)
                (self.on_a if side == "a" else self.on_b)(event)

    def run(self, seconds: float | None = None):
        """Let that much time pass; None: until nothing is left to do."""
        until = None if seconds is None else self.now + seconds
        for _ in itertools.count():
            self.drain()
            now = progress(self.network, self.parties, self.now, until)
            self.drain()
            if now is None:
                break
            self.now = now
        if until is not None:
            self.now = until
        flush(self.network, self.parties, self.now)
        return self

    def call(self, **options):
        options = {"targets": [self.at_b], "from_": ALICE, "body": OFFER, "now": self.now} | options
        return self.a.invite(options.pop("uri", BOB), **options)

    def ring(self, **options):
        """A call that rings at b; both handles."""
        outgoing = self.call(**options)
        self.run(0.1)
        incoming = self.last("b").call
        self.b.progress(incoming, 180, self.now)
        self.run(0.1)
        return outgoing, incoming

    def talk(self, **options):
        """A call that is answered; both handles, the events so far forgotten."""
        outgoing, incoming = self.ring(**options)
        self.b.answer(incoming, ANSWER, self.now)
        self.run(0.1)
        self.forget()
        return outgoing, incoming

    def forget(self):
        self.events = {"a": [], "b": []}
        self.trace.clear()

    def last(self, side):
        return self.events[side][-1]

    def kinds(self, side):
        return [type(event).__name__ for event in self.events[side]]

    def sent(self, side, *words):
        return [word for who, word in self.trace if who == side and (not words or word in words)]

    def assert_empty(self):
        assert (self.a.calls(), self.b.calls()) == (0, 0)
        assert (self.a.transactions(), self.b.transactions()) == (0, 0)
        assert (self.a.wake_at(), self.b.wake_at()) == (None, None)
