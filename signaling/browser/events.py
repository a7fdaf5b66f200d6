"""What a page did, told to the gateway. `call` is the gateway's id of the call; SDP and candidates are opaque text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A page signed in: `user` can be called now."""

    user: str


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The socket is gone. The session may still be resumed: its calls go on, nobody is told."""


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """The page is back in time. After a reload it offers anew for each call (`Offered`)."""

    reloaded: bool


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session is over (signed out, window over, gateway stopping); the calls listed ended with it."""

    why: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallRequested:
    """The page dials. `to` is what the person typed; `sdp` is the offer."""

    call: str
    to: str
    sdp: str


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The page accepts an incoming call; `sdp` answers the gateway's offer."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class CallDeclined:
    """The page does not want an incoming call. The call is over for this session; no `ended` is owed."""

    call: str
    busy: bool


@dataclass(frozen=True, slots=True)
class HungUp:
    """The page ended a call in any state. The call is over for this session; no `ended` is owed."""

    call: str


@dataclass(frozen=True, slots=True)
class MuteChanged:
    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class HoldChanged:
    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class DigitsDialled:
    """Keys pressed during a call: 0-9 A-D * #."""

    call: str
    digits: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A new offer in mid-call: an ICE restart, or a new peer connection after a reload. Owed: `sdp_answer`."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The answer to an offer of the gateway's."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class CandidateTrickled:
    """One ICE candidate line of the page's; None at the end of candidates."""

    call: str
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Reported:
    """Something is wrong on the page's side: `code` is one of `messages.REPORTS`."""

    call: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TransferWished:
    call: str
    to: str


@dataclass(frozen=True, slots=True)
class ConnectWished:
    """The far ends of both calls are to talk without the page."""

    call: str
    other: str


@dataclass(frozen=True, slots=True)
class JoinWished:
    call: str
    other: str


@dataclass(frozen=True, slots=True)
class AddWished:
    call: str
    to: str


BrowserEvent = (
    SessionOpened
    | SessionLost
    | SessionResumed
    | SessionClosed
    | CallRequested
    | CallAnswered
    | CallDeclined
    | HungUp
    | MuteChanged
    | HoldChanged
    | DigitsDialled
    | Offered
    | OfferAnswered
    | CandidateTrickled
    | Reported
    | TransferWished
    | ConnectWished
    | JoinWished
    | AddWished
)
