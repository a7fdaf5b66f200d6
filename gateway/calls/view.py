"""A call and its parties as they are at one moment: what programs and pages are shown. Plain data, no way back in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .events import Identity


@dataclass(frozen=True, slots=True)
class PartyView:
    leg: str
    kind: str
    """"sip", "browser" or "app"."""
    address: str
    identity: Identity
    role: str
    """"caller", "member", or a supervisor's "listen", "whisper", "barge"."""
    phase: str
    """`party.Phase`: "arrived", "called", "ringing", "early", "picked up", "up"."""
    holding: bool = False
    muted: bool = False
    whisper_to: str | None = None


@dataclass(frozen=True, slots=True)
class CallView:
    id: str
    state: str
    """`states.State`: "setup", "trying", "alerting", "early", "answering", "connected", "ending", "ended"."""
    kind: str
    """How it began: "sip", "browser" or "api"."""
    caller: Identity
    dialled: str
    trunk: str
    started_at: float
    """Seconds on the gateway's monotonic clock, as the others."""
    answered_at: float | None
    parties: tuple[PartyView, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    plays: tuple[str, ...] = ()
    """Ids of what plays or waits to."""
    recordings: tuple[str, ...] = ()
    collects: tuple[str, ...] = ()
