"""One party of a call, as data: who it is, how far it has come, what it wants to hear.

caller   ARRIVED ──────────────────────────> UP
target   CALLED ──> RINGING ──> EARLY ──> PICKED_UP ──> UP
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from . import effects as fx
from .allowance import Allowance
from .causes import Ending, ending
from .events import Identity
from .router import Target
from .view import PartyView

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


class Role(StrEnum):
    CALLER = "caller"
    MEMBER = "member"
    LISTEN = "listen"
    """A supervisor who hears everybody and is heard by nobody."""
    WHISPER = "whisper"
    """... and is heard by one party alone."""
    BARGE = "barge"
    """... and takes part."""

    @property
    def talks(self) -> bool:
        return self not in (Role.LISTEN, Role.WHISPER)


SUPERVISORS = (Role.LISTEN, Role.WHISPER, Role.BARGE)


@dataclass(slots=True, eq=False)
class Party:
    leg: str
    kind: str
    address: str
    identity: Identity
    phase: Phase
    target: Target | None = None
    """What it was rung for; None for the caller."""
    role: Role = Role.MEMBER
    whisper_to: str | None = None
    """Whom alone a whispering supervisor talks to."""
    errand: str | None = None
    """On which errand it was called into a live call; None for who belongs to its beginning."""
    aside: bool = False
    """It gives its place away, and waits whether that comes off."""
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
    def has_device(self) -> bool:
        """Somebody to speak to; an application, or a program that places a call, has none."""
        return self.kind not in ("app", "api")

    @property
    def waiting(self) -> bool:
        """Rung, and may still answer."""
        return self.phase in (Phase.CALLED, Phase.RINGING, Phase.EARLY)

    @property
    def up(self) -> bool:
        return self.phase is Phase.UP and self.has_device

    @property
    def talks(self) -> bool:
        """Takes part in the conversation just now."""
        return self.up and self.role.talks and not self.aside

    @property
    def gave_no_answer(self) -> Ending:
        """Why it is given up after its time: no sign of life is no ringing."""
        return ending("timeout" if self.phase is Phase.CALLED else "no-answer")

    def farewell(self, why: Ending) -> fx.Effect:
        """How to tell it that this is over: by what it has already been told."""
        if self.phase is Phase.ARRIVED:  # "normal" is no way to refuse a call
            return fx.Reject(self.leg, why if why.status >= 300 else Ending(why.cause, 480, why.words))
        return fx.Cancel(self.leg, why) if self.waiting else fx.HangUp(self.leg, why)

    def view(self) -> PartyView:
        return PartyView(
            self.leg,
            self.kind,
            self.address,
            self.identity,
            str(self.role),
            self.phase.value,
            self.holding,
            self.muted,
            self.whisper_to,
        )
