"""Where a leg is called: one place after another, until one says something.

A trunk has several servers, each with its own Request-URI; a registered phone or a SIP address is one place (its own
addresses are the stack's to try, RFC 3263 section 4.3).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.calls.events import Identity
from gateway.trunks.identity import outgoing
from gateway.trunks.trunk import Trunk
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.uri import NameAddr, Uri

PATIENCE = 4.0
"""Seconds without any response, after four datagrams, before the next server of a trunk is called."""
ELSEWHERE = (408, 500, 502, 503, 504)
"""Refusals by a server that is not well: another one may do better."""


@dataclass(frozen=True, slots=True)
class Destination:
    uri: Uri
    from_: NameAddr
    targets: Sequence[Address] = ()
    credentials: Credentials | None = None
    headers: tuple[tuple[str, str], ...] = ()
    route: tuple[NameAddr, ...] = ()
    server: Uri | None = None
    """Of a trunk's."""


@dataclass(slots=True)
class Placing:
    """A leg that is called by us, with what it takes to try the next place."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    """Of the call itself, wherever it is placed."""
    places: Callable[[], Iterable[Destination]]
    """Made when the calling begins: what cannot be written as a SIP address is told like any other failure."""
    trunk: Trunk | None = None
    left: deque[Destination] | None = None
    now_at: Destination | None = None
    heard: bool = False
    """The place called last has said more than 100."""
    patience: asyncio.TimerHandle | None = field(default=None, repr=False)

    def next(self) -> Destination | None:
        if self.left is None:
            self.left = deque(self.places())
        self.now_at = self.left.popleft() if self.left else None
        self.heard = False
        return self.now_at

    def may_go_on(self, status: int) -> bool:
        """Whether this refusal is a reason to try the next place."""
        return bool(self.left) and not self.heard and status in ELSEWHERE

    def give_up(self) -> None:
        """No further place is tried."""
        self.done()
        self.left = deque()

    def done(self) -> None:
        """Nothing more is waited for."""
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None


def by_trunk(trunk: Trunk, servers: Iterable[Uri], number: str, caller: Identity, ours: str) -> list[Destination]:
    """The same call to each of these servers. `ours`: our domain."""
    called = trunk.outward.apply(number)
    made = []
    for server in servers:
        who = outgoing(trunk, server, caller, ours)
        uri = Uri(server.scheme, called, None, server.host, server.port, server.params)
        route = (NameAddr("", trunk.proxy),) if trunk.proxy else ()
        made.append(Destination(uri, who.from_, (), trunk.credentials, who.headers, route, server))
    return made
