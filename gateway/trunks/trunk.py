"""What an operator has said of one trunk. Nothing here changes while the gateway runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.trunks.rewrite import Rules
from signaling.sip.auth import Credentials
from signaling.sip.uri import Uri

LINE = "line"
"""The parameter of our Contact by which calls that come by our registration are known: nobody else has seen it."""


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who we say is calling, and whom we believe to be."""

    header: str = "from"
    """Where the caller's number goes: "from", "pai" (P-Asserted-Identity) or "rpid" (Remote-Party-ID)."""
    number: str = ""
    """A fixed number, "pass" for the caller's own, or empty: the trunk's user in From, the caller's own elsewhere."""
    private: bool = False
    """Every caller is anonymous."""
    domain: str = ""
    """Behind the @ of From; empty: the server's host for a trunk with a user, else ours."""
    believed: tuple[str, ...] = ("pai", "rpid", "from")
    """What tells who calls in, the first that is there."""
    outward: Rules = Rules()
    inward: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Trunk:
    """Another SIP server, or several that do the same."""

    name: str
    servers: tuple[Uri, ...]
    """In the order they are tried."""
    user: str = ""
    credentials: Credentials | None = None
    registers: bool = False
    proxy: Uri | None = None
    """Everything is sent here first (outbound proxy)."""
    addresses: tuple[str, ...] = ()
    """Networks it calls from, besides where its servers are."""
    line: str = field(default="", repr=False)
    """Value of `LINE` in the Contact that we register."""
    caller_id: CallerId = CallerId()
    called_from: str = "uri"
    """What a call from it was sent to: "uri", or "to" where its request names our user and its To the number."""
    outward: Rules = Rules()
    inward: Rules = Rules()
    max_calls: int = 0
    """0: no limit."""
    calls_per_second: float = 0.0
    """0: no limit."""
    probe: float = 0.0
    """Seconds between OPTIONS; 0: none."""

    @property
    def server(self) -> Uri:
        return self.servers[0]
