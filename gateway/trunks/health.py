"""Whether a server of a trunk is there: by its answers to OPTIONS, to our calls and to our REGISTER.

    UNKNOWN -> UP <-> SHAKY -> DOWN -> UP

One silence may be a lost datagram, two in a row are a server that is down. Any answer counts, whatever its status: a
403 was written by somebody. Only 503 says itself that it takes nothing now (RFC 3261 section 21.5.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    UNKNOWN = "unknown"
    UP = "up"
    SHAKY = "shaky"
    DOWN = "down"


class On(Enum):
    ANSWERED = "any response but 503"
    SILENT = "no response, or nothing could be sent there"
    OVERLOADED = "503 to OPTIONS"


TABLE: dict[State, dict[On, State]] = {
    State.UNKNOWN: {On.ANSWERED: State.UP, On.SILENT: State.SHAKY, On.OVERLOADED: State.DOWN},
    State.UP: {On.ANSWERED: State.UP, On.SILENT: State.SHAKY, On.OVERLOADED: State.DOWN},
    State.SHAKY: {On.ANSWERED: State.UP, On.SILENT: State.DOWN, On.OVERLOADED: State.DOWN},
    State.DOWN: {On.ANSWERED: State.UP, On.SILENT: State.DOWN, On.OVERLOADED: State.DOWN},
}

REST = 30.0
"""Seconds that a server found dead by a call is left alone, where no OPTIONS would tell that it is back."""


@dataclass(slots=True)
class Health:
    """One server's. `probed`: OPTIONS are sent, and so its return will be seen."""

    probed: bool = False
    state: State = State.UNKNOWN
    since: float = 0.0
    """When it came into this state."""
    why: str = ""
    """What was heard last, in words."""

    def feed(self, on: On, now: float, why: str = "") -> bool:
        """True: its state is another now."""
        before, self.state = self.state, TABLE[self.state][on]
        self.why = why
        if before is not self.state or on is not On.ANSWERED:
            self.since = now
        return before is not self.state

    def usable(self, now: float) -> bool:
        return self.state is not State.DOWN or (not self.probed and now - self.since >= REST)
