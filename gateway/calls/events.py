"""What happened: to a leg (told to the call by drivers and media), and to a call (told by it to everybody who listens).

Leg events carry a leg id and never a body: descriptions (SDP) stay with the runtime, which knows what to do with them
when the call says so. Call events are the one stream that records, metrics and consoles fold; nobody asks a call
questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .causes import Ending


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as far as we know."""

    number: str
    """What to show and call back: an extension, a number, a SIP address."""
    display: str = ""
    user: str | None = None
    """The account here that proved to be it, None for a stranger."""


# ---------------------------------------------------------------- to a leg


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls. The one event without a leg id: the call that it begins gives the caller's leg its name."""

    kind: str
    """Which driver: "sip" or "browser"."""
    address: str
    """The driver's own name of the device that calls (a contact, a session), so that it is not rung by itself."""
    caller: Identity
    dialled: str
    """A number, a user's name, or a whole SIP URI when it is not one of ours."""
    hops: int = 70
    """How many servers it may still go through (Max-Forwards, RFC 3261 section 8.1.1.6)."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Its media is agreed: its offer has been accepted, or its answer applied."""

    leg: str


@dataclass(frozen=True, slots=True)
class Ringing:
    leg: str


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """It plays something before it answers (an announcement, its own ringback): 183 with a description."""

    leg: str


@dataclass(frozen=True, slots=True)
class Answered:
    leg: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A called leg will not answer."""

    leg: str
    cause: str
    status: int | None = None
    words: str = ""
    moved: tuple[str, ...] = ()
    """Addresses where it says that it is to be reached instead."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """It left: a caller who gives up while it rings, or either side of a live call."""

    leg: str
    cause: str = "normal"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something of ours for this leg did not work; the leg cannot go on."""

    leg: str
    cause: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reoffered:
    """It proposes new media in mid-call: re-INVITE, ICE restart, a page that was reloaded."""

    leg: str


@dataclass(frozen=True, slots=True)
class AnswerArrived:
    """The answer to an offer that we made in mid-call, or in a 200 (RFC 3261 section 13.2.1)."""

    leg: str


@dataclass(frozen=True, slots=True)
class RateAgreed:
    """The audio bandwidth this leg now carries, as a sample rate in Hz."""

    leg: str
    rate: int


@dataclass(frozen=True, slots=True)
class Stalled:
    """No audio packet from it for this long."""

    leg: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Flowing:
    """Audio arrives again after `Stalled`."""

    leg: str


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """A DTMF key in its audio path. Media passes it on by itself to whoever hears this leg."""

    leg: str
    key: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A player reached its end, or a recorder closed its file (or failed to go on)."""

    leg: str


LegEvent = (
    Ready | Ringing | EarlyMedia | Answered | Rejected | HungUp | Failed | Reoffered | AnswerArrived | RateAgreed
    | Stalled | Flowing | DigitHeard | Finished
)  # fmt: skip


# ---------------------------------------------------------------- to a call: the one stream


@dataclass(frozen=True, slots=True)
class CallEvent:
    call: str
    at: float
    """Seconds on the gateway's monotonic clock."""


@dataclass(frozen=True, slots=True)
class CallStarted(CallEvent):
    caller: Identity
    kind: str
    dialled: str
    leg: str


@dataclass(frozen=True, slots=True)
class CallRouted(CallEvent):
    """A route was taken. Again at every forward, with why."""

    route: str
    targets: tuple[str, ...]
    because: str = ""


@dataclass(frozen=True, slots=True)
class LegRang(CallEvent):
    """A target has been called (it may not ring yet)."""

    leg: str
    kind: str
    address: str
    user: str | None


@dataclass(frozen=True, slots=True)
class CallAlerting(CallEvent):
    leg: str


@dataclass(frozen=True, slots=True)
class CallAnswered(CallEvent):
    leg: str
    kind: str
    waited: float
    """Seconds from the caller's arrival."""


@dataclass(frozen=True, slots=True)
class CallHeld(CallEvent):
    leg: str
    """Who holds."""
    on: bool


@dataclass(frozen=True, slots=True)
class CallMuted(CallEvent):
    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class CallDigit(CallEvent):
    leg: str
    """Who pressed."""
    key: str


@dataclass(frozen=True, slots=True)
class CallSilent(CallEvent):
    """One side has gone silent (`on`), or is heard again."""

    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class LegLeft(CallEvent):
    leg: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class CallEnded(CallEvent):
    ending: Ending
    by: str | None
    """The leg that ended it, None for the gateway."""
    talked: float | None
    """Seconds from answer to end, None when nobody answered."""
    trail: tuple[str, ...] = field(default=())
    """How each target fell out, in order: what the caller's one answer was made of."""
