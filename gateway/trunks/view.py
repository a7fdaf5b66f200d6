"""Trunks as they are at one moment: what programs, the doctor and metrics are shown. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerView:
    server: str
    """ "sip:pbx.example.com"."""
    state: str
    """`health.State`: "unknown", "up", "shaky" (one silence), "down"."""
    since: float
    """Seconds on the gateway's monotonic clock; 0: never asked."""
    why: str = ""
    """What was heard last."""


@dataclass(frozen=True, slots=True)
class TrunkView:
    name: str
    server: str
    user: str
    registers: bool
    state: str
    """Of a trunk that registers: "registering", "registered", "failed", or "off" once it has left. Of a peer: "up" or
    "down" by its servers, "off" before anything is known. "down" as well where all servers are known to be down."""
    status: int = 0
    """The SIP status of the last REGISTER's answer; 0: none."""
    reason: str = ""
    """Why it is so, in words that say what to do."""
    next_refresh: float | None = None
    """When it registers next, monotonic seconds."""
    calls: int = 0
    max_calls: int = 0
    """0: no limit."""
    servers: tuple[ServerView, ...] = ()
    refused: int = 0
    """Calls that it was not given, being full."""

    @property
    def good(self) -> bool:
        """Calls can be placed, as far as is known."""
        return self.state in ("registered", "up") or (self.state == "off" and not self.registers)
