"""One party of a call, as data: who it is, how far it has come, what it wants to hear.

caller   ARRIVED ──────────────────────────> UP
target   CALLED ──> RINGING ──> EARLY ──> PICKED_UP ──> UP
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from . import effects as fx
from .allowance import Allowance
from .causes import Ending
from .events import Identity
from .router import Target

FULL_BAND = 48_000
NARROW_BAND = 8_000


KEYS_AT_ONCE = 64
KEYS_PER_SECOND = 20.0


class Phase(Enum):
    ARRIVED = "arrived"
    CALLED = "called"
    RINGING = "ringing"
    EARLY = "early"
    PICKED_UP = "picked up"
    UP = "up"


@dataclass(slots=True, eq=False)
class Party:
    leg: str
    kind: str
    address: str
    identity: Identity
    phase: Phase
    target: Target | None = None
    """What it was rung for; None for the caller."""
    rate: int = FULL_BAND
    """The audio bandwidth it carries, Hz."""
    asked_rate: int = 0
    """The bandwidth we last asked it to send."""
    settling: int = 0
    """Answers of its that are being applied."""
    early: bool = False
    """What it plays before it answers can be heard."""
    holding: bool = False
    muted: bool = False
    keys: Allowance = field(default_factory=lambda: Allowance(KEYS_AT_ONCE, KEYS_PER_SECOND))
    """DTMF keys it may still press: more than any finger would is dropped, before it fills anybody's queue."""
    stalled_for: float | None = None
    """Seconds of silence when it was reported, None while it is heard."""

    @property
    def waiting(self) -> bool:
        """Rung, and may still answer."""
        return self.phase in (Phase.CALLED, Phase.RINGING, Phase.EARLY)

    def farewell(self, why: Ending) -> fx.Effect:
        """How to tell it that this is over: by what it has already been told."""
        if self.phase is Phase.ARRIVED:  # "normal" is no way to refuse a call
            return fx.Reject(self.leg, why if why.status >= 300 else Ending(why.cause, 480, why.words))
        return fx.Cancel(self.leg, why) if self.waiting else fx.HangUp(self.leg, why)
