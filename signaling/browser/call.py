"""One call as a page knows it: enough to tell a reloaded page everything, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.browser.errors import WrongState
from signaling.browser.table import CALL, CallInput, CallState


@dataclass(slots=True)
class Call:
    id: str
    """The gateway's id, unique in the gateway."""
    wire: str
    """The page's id."""
    direction: str
    """"out" when the page dialled, "in" when it rings."""
    peer: str
    display: str
    state: CallState
    since: float | None = None
    """When it was answered."""
    muted: bool = False
    held: bool = False
    peer_held: bool = False
    offer: str | None = None
    """The gateway's offer of a ringing call: a reloaded page can still answer it."""

    def step(self, what: CallInput) -> None:
        """Obey the table. Raises WrongState."""
        if (state := CALL[self.state].get(what)) is None:
            raise WrongState(f'The call is {self.state.value}: "{what.value}" makes no sense now.')
        self.state = state

    def snapshot(self, now: float) -> dict[str, object]:
        """What `welcome` says of it."""
        known: dict[str, object] = {
            "call": self.wire,
            "direction": self.direction,
            "peer": self.peer,
            "display": self.display,
            "state": self.state.value,
            "since": None if self.since is None else round(now - self.since, 1),
            "muted": self.muted,
            "held": self.held,
            "peer_held": self.peer_held,
        }
        return known | ({"sdp": self.offer} if self.state is CallState.INCOMING else {})
