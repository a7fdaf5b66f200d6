"""What happened: to a leg (told to the call by drivers and media), and to a call (told by it to everybody who listens).

Leg events carry a leg id and never a body: descriptions (SDP) stay with the runtime, which knows what to do with them
when the call says so. Call events are the one stream that records, metrics and consoles fold; nobody asks a call
questions.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    trunk: str = ""
    """The trunk it came in by."""
    source: str = ""
    """The address it came from: "192.0.2.7"."""


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


@dataclass(frozen=True, slots=True)
class Referred:
    """It asks to be replaced by somebody else (REFER), or to join the two calls it is in (`replaces`)."""

    leg: str
    to: str
    """A number or a SIP address."""
    replaces: str | None = None
    """The leg of its other call, whose place its first call's peer is to take (RFC 3891)."""


LegEvent = (
    Ready | Ringing | EarlyMedia | Answered | Rejected | HungUp | Failed | Reoffered | AnswerArrived | RateAgreed
    | Stalled | Flowing | DigitHeard | Finished | Referred
)  # fmt: skip


# ---------------------------------------------------------------- to a call: the one stream


@dataclass(frozen=True, slots=True)
class CallEvent:
    call: str
    at: float
    """Seconds on the gateway's monotonic clock."""


@dataclass(frozen=True, slots=True)
class CallStarted(CallEvent):
    """`kind` "api": a program places it, and no leg has called."""

    caller: Identity
    kind: str
    dialled: str
    leg: str
    trunk: str = ""
    source: str = ""


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


# ---------------------------------------------------------------- ... about its parties


@dataclass(frozen=True, slots=True)
class LegAnswered(CallEvent):
    """A party that was called is in the call: the first of a placed call, one that was added, a transfer's target."""

    leg: str
    kind: str
    address: str
    user: str | None
    role: str = "member"


@dataclass(frozen=True, slots=True)
class InvitationFailed(CallEvent):
    """Nobody answered for an `Add`."""

    to: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class RoleChanged(CallEvent):
    leg: str
    role: str
    whisper_to: str | None = None


@dataclass(frozen=True, slots=True)
class TransferStarted(CallEvent):
    leg: str
    """Who gives its place away."""
    to: str


@dataclass(frozen=True, slots=True)
class TransferDone(CallEvent):
    leg: str
    to: str
    by: str
    """The leg that took the place."""


@dataclass(frozen=True, slots=True)
class TransferFailed(CallEvent):
    leg: str
    to: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class CallMerged(CallEvent):
    """All its parties have gone over into another call; `CallEnded` (cause "merged") follows."""

    into: str


@dataclass(frozen=True, slots=True)
class CallJoined(CallEvent):
    """Parties of another call have come over."""

    other: str
    legs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallSplit(CallEvent):
    """A party has gone over into a call of its own."""

    leg: str
    into: str


@dataclass(frozen=True, slots=True)
class CallAnnotated(CallEvent):
    metadata: Mapping[str, str]
    """All of it, as it is now."""


# ---------------------------------------------------------------- ... about sound


@dataclass(frozen=True, slots=True)
class PlayStarted(CallEvent):
    id: str
    leg: str | None


@dataclass(frozen=True, slots=True)
class PlayEnded(CallEvent):
    id: str
    why: str
    """"done", "stopped", "key", "failed", "ended" (the call)."""


@dataclass(frozen=True, slots=True)
class DigitsCollected(CallEvent):
    id: str
    leg: str
    digits: str
    why: str
    """"complete", "terminator", "timeout", "stopped", "left"."""


@dataclass(frozen=True, slots=True)
class RecordingStarted(CallEvent):
    id: str
    name: str
    """The file's name without folder."""
    channels: int


@dataclass(frozen=True, slots=True)
class RecordingPaused(CallEvent):
    id: str
    on: bool


@dataclass(frozen=True, slots=True)
class RecordingEnded(CallEvent):
    id: str
    name: str
    seconds: float
    why: str
    """"stopped", "failed", "ended" (the call)."""


# ---------------------------------------------------------------- ... what the runtime saw of a leg


@dataclass(frozen=True, slots=True)
class LegDescribed(CallEvent):
    """A description of media (SDP), for those who explain calls afterwards."""

    leg: str
    side: str
    """"ours" or "theirs"."""
    what: str
    """"offer" or "answer"."""
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LegMedia(CallEvent):
    """Offer and answer have met."""

    leg: str
    codec: str
    rate: int
    direction: str


@dataclass(frozen=True, slots=True)
class LegHeard(CallEvent):
    """Its first media packet."""

    leg: str
    source: str
    """Where it came from, "192.0.2.7:4000"; empty where that is not known (a browser)."""


@dataclass(frozen=True, slots=True)
class LegTransport(CallEvent):
    """The transport of its media (ICE and DTLS with a browser) is "connected" or "disconnected"."""

    leg: str
    state: str


@dataclass(frozen=True, slots=True)
class LegQuality(CallEvent):
    """How it sounds, every few seconds and once more at its end: `media.events.LegStats` as a mapping."""

    leg: str
    stats: Mapping[str, object]
