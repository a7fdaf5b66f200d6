"""What every call, request and registration of one stack shares: time, chance, transactions, and a place for events."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from signaling.sip.config import StackConfig
from signaling.sip.events import Event
from signaling.sip.message import Request, Response, reply
from signaling.sip.timers import Schedule
from signaling.sip.transactions import Random, Transactions
from signaling.sip.uri import Uri

if TYPE_CHECKING:
    from signaling.sip.call import Call

UNKNOWN_HOST = ("127.0.0.1", 5060)  # said while nobody has told us our address


class Core:
    """The common room. It decides nothing."""

    def __init__(self, config: StackConfig, random: Random) -> None:
        self.config = config
        self.random = random
        self.timers = config.timers
        self.schedule = Schedule()
        self.contact_host = dict(config.contact_host)
        self.transactions = Transactions(self.timers, self.schedule, random, self.advertised)
        self.events: deque[Event] = deque()
        self.counts: Counter[str] = Counter()
        self.calls: dict[str, Call] = {}
        self.ghosts: dict[str, Call] = {}
        self.afterlife: dict[str, Call] = {}  # calls that are over, of which a REFER is not

    @property
    def supported(self) -> str:
        """The value of Supported."""
        return ", ".join(self.config.supported)

    def advertised(self, transport: str) -> tuple[str, int]:
        """Where others reach us by `transport`."""
        known = self.contact_host
        return known.get(transport) or next(iter(known.values()), UNKNOWN_HOST)

    def contact(self, transport: str, user: str | None) -> str:
        """Our Contact: where requests within the dialog are to come (section 8.1.1.8)."""
        host, port = self.advertised(transport)
        params = () if transport == "udp" else (("transport", transport),)
        return f"<{Uri('sip', user or None, None, host, port, params)}>"

    def fraction(self) -> float:
        """A random number from 0 to 1."""
        return int(self.random(8), 16) / 0xFFFFFFFF

    def reply(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        *,
        tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """A response in our name."""
        named = (("Server", self.config.user_agent), *headers)
        return reply(request, status, reason, to_tag=tag, headers=named, body=body)

    def bury(self, call: Call, now: float) -> None:
        """Remember a call that we gave up for as long as a late 2xx may come for it."""
        if len(self.ghosts) >= self.config.max_calls:
            self.ghosts.pop(next(iter(self.ghosts)))
        handle = call.handle
        self.ghosts[handle] = call
        self.schedule.at(now + self.timers.limit, lambda at: self.exorcise(handle))

    def exorcise(self, handle: str) -> None:
        self.ghosts.pop(handle, None)
