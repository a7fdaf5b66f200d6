"""What a call wants done. Plain data; `gateway.runtime` is the hand.

Effects of one call are carried out strictly in order. Every leg that `Incoming`, `Ring`, `Play` or `Record` brought
into being is released exactly once by `Release`, after which nothing more is said about it. `Finish` is the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .causes import Ending
from .events import Identity
from .view import PartyView

Graph = Mapping[str, tuple[str, ...]]
"""Who hears whom: {who hears: those heard}. Complete: who is not in it hears nothing."""


# ---------------------------------------------------------------- a party comes


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Open the caller's media and accept what it offers; the answer is kept until it is wanted. -> Ready | Failed"""

    leg: str
    kind: str
    rate: int
    """Audio bandwidth to ask of it, Hz."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Open media for a target, make an offer and call it. -> Ringing, Answered, Rejected ... | Failed"""

    leg: str
    kind: str
    address: str
    user: str | None
    caller: Identity
    rate: int
    hops: int = 70
    """How many servers it may still go through."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further ones that a program wants sent."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Apply the answer that came with its last event. -> Ready | Failed"""

    leg: str


# ---------------------------------------------------------------- what a party is told


@dataclass(frozen=True, slots=True)
class Progress:
    leg: str
    stage: str
    """"trying", "ringing", or "early": listen, there is sound before the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    leg: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse a caller who has not been answered."""

    leg: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop calling a target that has not answered."""

    leg: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class HangUp:
    """Leave a party that has been answered, or has answered."""

    leg: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class AnswerReoffer:
    """Accept what it proposes in mid-call and answer it. What cannot be accepted is refused, and the call goes on."""

    leg: str


@dataclass(frozen=True, slots=True)
class Tune:
    """Ask this party for another audio bandwidth (a re-offer where that is new to it). Failing is harmless."""

    leg: str
    rate: int


@dataclass(frozen=True, slots=True)
class ShowHeld:
    """Show who holds whom."""

    leg: str
    by: str
    """ "me" or "peer"."""
    on: bool


@dataclass(frozen=True, slots=True)
class ShowDigit:
    """Show a key that the other side has pressed."""

    leg: str
    key: str


@dataclass(frozen=True, slots=True)
class ShowTransfer:
    """Tell who gives its place away how that goes."""

    leg: str
    to: str
    state: str
    """"started", "done", "failed"."""
    ending: Ending


@dataclass(frozen=True, slots=True)
class ShowPeers:
    """Show who else is in the call, now that this has changed."""

    leg: str
    peers: tuple[PartyView, ...]


# ---------------------------------------------------------------- sound


@dataclass(frozen=True, slots=True)
class Wire:
    graph: Graph


@dataclass(frozen=True, slots=True)
class Play:
    """Open a player. It starts at once; nobody hears it until it is wired. -> Finished"""

    leg: str
    source: str
    rate: int
    """Hz: what its listener can hear."""
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Open a recorder; its sinks are `leg/0` and, with two channels, `leg/1`. -> Finished when it cannot go on"""

    leg: str
    name: str
    """File name without folder or ending; a player finds it as "recording:name"."""
    rate: int
    channels: int = 2


@dataclass(frozen=True, slots=True)
class Discard:
    """Delete a recording that was only a toy."""

    name: str


@dataclass(frozen=True, slots=True)
class Mute:
    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys towards this party."""

    leg: str
    digits: str


# ---------------------------------------------------------------- the end


@dataclass(frozen=True, slots=True)
class Release:
    """Close its media, forget its name."""

    leg: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left. -> `Call.drained`"""


Effect = (
    AcceptOffer | Ring | Settle | Progress | Answer | Reject | Cancel | HangUp | AnswerReoffer | Tune | ShowHeld
    | ShowDigit | ShowTransfer | ShowPeers | Wire | Play | Record | Discard | Mute | SendDigits | Release
    | Finish
)  # fmt: skip
