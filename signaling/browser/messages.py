"""The messages of version 1, both directions: what each may hold. docs/browser-protocol.md tells what each means.

SDP bodies and candidates are opaque strings: only their size and their alphabet are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from signaling.browser.schema import (
    FLAG,
    OBJECT,
    OBJECTS,
    SECONDS,
    Message,
    nullable,
    number,
    one_of,
    text,
)

VERSION = 1

_PRINTABLE_LINES = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*"

ACK = number(0, 2**53 - 1)
SECRET = text(1, 4096, r"[\x21-\x7e]*", "a token")
SESSION_ID = text(1, 64, r"[A-Za-z0-9_-]*", "a session id (letters, digits, - and _)")
CALL_ID = text(1, 128, r"[\x21-\x7e]*", "a call id (printable ASCII without blanks)")
NEW_CALL_ID = text(3, 48, r"c-[A-Za-z0-9_-]*", 'a new call id ("c-" and letters, digits, - or _)')
TARGET = text(1, 256, r"(?=.*\S)[^\x00-\x1f\x7f]*", "a number, a user or an address without control characters")
SDP = text(1, 32_768, _PRINTABLE_LINES, "an SDP body")
CANDIDATE = text(0, 1024, words="an ICE candidate line")
DIGITS = text(1, 64, r"[0-9A-D*#]*", "keys (0-9, A-D, * and #)")
KEY = text(1, 1, r"[0-9A-D*#]", "one key")
WORDS = text(0, 1024, r"(?s:.*)", "words for a person")
DETAIL = text(0, 256, r"[^\x00-\x1f\x7f]*", "one line of words")
REPORTS = (
    "microphone-denied", "microphone-missing", "microphone-busy", "ice-failed", "turn-unreachable", "turn-refused",
)  # fmt: skip
NAME = text(0, 512, r"(?s:.*)", "a name")


class PageMessage(Message):
    """From the page to the gateway."""

    __slots__ = ()


class GatewayMessage(Message):
    """From the gateway to the page."""

    __slots__ = ()
    numbered: ClassVar[bool] = True
    """Numbered messages are replayed on resume; the others belong to one socket or are stale a second later."""


# -- both directions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ping(PageMessage, GatewayMessage):
    """A sign of life is owed: `pong`."""

    type: ClassVar[str] = "ping"
    numbered: ClassVar[bool] = False
    ack: Annotated[int, ACK] = 0


@dataclass(frozen=True, slots=True)
class Pong(PageMessage, GatewayMessage):
    type: ClassVar[str] = "pong"
    numbered: ClassVar[bool] = False
    ack: Annotated[int, ACK] = 0


@dataclass(frozen=True, slots=True)
class Offer(PageMessage, GatewayMessage):
    """A new offer in mid-call. Owed: `offer_answer`."""

    type: ClassVar[str] = "offer"
    call: Annotated[str, CALL_ID]
    sdp: Annotated[str, SDP]


@dataclass(frozen=True, slots=True)
class OfferAnswer(PageMessage, GatewayMessage):
    type: ClassVar[str] = "offer_answer"
    call: Annotated[str, CALL_ID]
    sdp: Annotated[str, SDP]


@dataclass(frozen=True, slots=True)
class Candidate(PageMessage, GatewayMessage):
    """One trickled candidate; null when there will be no more (RFC 8838 8.2)."""

    type: ClassVar[str] = "candidate"
    call: Annotated[str, CALL_ID]
    candidate: Annotated[str | None, nullable(CANDIDATE)]


# -- from the page ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello(PageMessage):
    type: ClassVar[str] = "hello"
    version: Annotated[int, number(0, 1_000_000)]
    token: Annotated[str, SECRET]


@dataclass(frozen=True, slots=True)
class Resume(PageMessage):
    type: ClassVar[str] = "resume"
    version: Annotated[int, number(0, 1_000_000)]
    session: Annotated[str, SESSION_ID]
    resume: Annotated[str, SECRET]
    ack: Annotated[int, ACK]
    reloaded: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class Refresh(PageMessage):
    """A fresh token and fresh TURN credentials, please."""

    type: ClassVar[str] = "refresh"


@dataclass(frozen=True, slots=True)
class Bye(PageMessage):
    """Signs out: the session and its calls end now."""

    type: ClassVar[str] = "bye"


@dataclass(frozen=True, slots=True)
class PlaceCall(PageMessage):
    type: ClassVar[str] = "call"
    call: Annotated[str, NEW_CALL_ID]
    to: Annotated[str, TARGET]
    sdp: Annotated[str, SDP]


@dataclass(frozen=True, slots=True)
class Answer(PageMessage):
    type: ClassVar[str] = "answer"
    call: Annotated[str, CALL_ID]
    sdp: Annotated[str, SDP]


@dataclass(frozen=True, slots=True)
class Decline(PageMessage):
    type: ClassVar[str] = "decline"
    call: Annotated[str, CALL_ID]
    busy: Annotated[bool, FLAG] = False


@dataclass(frozen=True, slots=True)
class Hangup(PageMessage):
    type: ClassVar[str] = "hangup"
    call: Annotated[str, CALL_ID]


@dataclass(frozen=True, slots=True)
class Mute(PageMessage):
    type: ClassVar[str] = "mute"
    call: Annotated[str, CALL_ID]
    on: Annotated[bool, FLAG]


@dataclass(frozen=True, slots=True)
class Hold(PageMessage):
    type: ClassVar[str] = "hold"
    call: Annotated[str, CALL_ID]
    on: Annotated[bool, FLAG]


@dataclass(frozen=True, slots=True)
class Digits(PageMessage):
    type: ClassVar[str] = "digits"
    call: Annotated[str, CALL_ID]
    digits: Annotated[str, DIGITS]


@dataclass(frozen=True, slots=True)
class Transfer(PageMessage):
    """Give one's place to a number, unasked (blind)."""

    type: ClassVar[str] = "transfer"
    call: Annotated[str, CALL_ID]
    to: Annotated[str, TARGET]


@dataclass(frozen=True, slots=True)
class Connect(PageMessage):
    """Let the far ends of two calls talk, and leave both (attended transfer)."""

    type: ClassVar[str] = "connect"
    call: Annotated[str, CALL_ID]
    other: Annotated[str, CALL_ID]


@dataclass(frozen=True, slots=True)
class Join(PageMessage):
    """Make one call of two: `other` ends, its far end joins `call`."""

    type: ClassVar[str] = "join"
    call: Annotated[str, CALL_ID]
    other: Annotated[str, CALL_ID]


@dataclass(frozen=True, slots=True)
class Add(PageMessage):
    """Call somebody into the call."""

    type: ClassVar[str] = "add"
    call: Annotated[str, CALL_ID]
    to: Annotated[str, TARGET]


@dataclass(frozen=True, slots=True)
class Report(PageMessage):
    """What is wrong on the page's side of a call, for whoever explains it afterwards."""

    type: ClassVar[str] = "report"
    call: Annotated[str, CALL_ID]
    code: Annotated[str, one_of(*REPORTS)]
    detail: Annotated[str, DETAIL] = ""


# -- from the gateway ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome(GatewayMessage):
    """Answers `hello`, and a `resume` after a reload. Numbers start at 1 again on both sides."""

    type: ClassVar[str] = "welcome"
    numbered: ClassVar[bool] = False
    version: Annotated[int, number(1, 1_000_000)]
    session: Annotated[str, SESSION_ID]
    resume: Annotated[str, SECRET]
    user: Annotated[str, NAME]
    display: Annotated[str, NAME]
    extension: Annotated[str | None, nullable(NAME)]
    ice: Annotated[str, one_of("lite", "full")]
    ice_servers: Annotated[list[dict[str, Any]], OBJECTS]
    heartbeat: Annotated[float, SECONDS]
    dead_after: Annotated[float, SECONDS]
    resume_window: Annotated[float, SECONDS]
    calls: Annotated[list[dict[str, Any]], OBJECTS]


@dataclass(frozen=True, slots=True)
class Resumed(GatewayMessage):
    """Answers `resume`: `ack` is the last number heard from the page; what the page missed follows."""

    type: ClassVar[str] = "resumed"
    numbered: ClassVar[bool] = False
    ack: Annotated[int, ACK]
    ice_servers: Annotated[list[dict[str, Any]], OBJECTS]


@dataclass(frozen=True, slots=True)
class Token(GatewayMessage):
    """Answers `refresh`."""

    type: ClassVar[str] = "token"
    numbered: ClassVar[bool] = False
    token: Annotated[str, SECRET]
    expires_in: Annotated[float, SECONDS]
    ice_servers: Annotated[list[dict[str, Any]], OBJECTS]


@dataclass(frozen=True, slots=True)
class Error(GatewayMessage):
    """A message was refused. `ref` is its number, where it had one."""

    type: ClassVar[str] = "error"
    numbered: ClassVar[bool] = False
    code: Annotated[str, NAME]
    words: Annotated[str, WORDS]
    retryable: Annotated[bool, FLAG]
    field: Annotated[str | None, nullable(NAME)] = None
    expected: Annotated[str | None, nullable(WORDS)] = None
    ref: Annotated[int | None, nullable(ACK)] = None
    call: Annotated[str | None, nullable(CALL_ID)] = None


@dataclass(frozen=True, slots=True)
class Incoming(GatewayMessage):
    type: ClassVar[str] = "incoming"
    call: Annotated[str, CALL_ID]
    from_: Annotated[str, NAME]
    display: Annotated[str, NAME]
    sdp: Annotated[str, SDP]


@dataclass(frozen=True, slots=True)
class Progress(GatewayMessage):
    type: ClassVar[str] = "progress"
    call: Annotated[str, CALL_ID]
    status: Annotated[str, one_of("trying", "ringing", "early")]
    sdp: Annotated[str | None, nullable(SDP)] = None


@dataclass(frozen=True, slots=True)
class Answered(GatewayMessage):
    type: ClassVar[str] = "answered"
    call: Annotated[str, CALL_ID]
    sdp: Annotated[str | None, nullable(SDP)] = None


@dataclass(frozen=True, slots=True)
class Ended(GatewayMessage):
    type: ClassVar[str] = "ended"
    call: Annotated[str, CALL_ID]
    cause: Annotated[str, NAME]
    words: Annotated[str, WORDS]
    status: Annotated[int | None, nullable(number(100, 699))] = None


@dataclass(frozen=True, slots=True)
class Dtmf(GatewayMessage):
    """The far end pressed a key."""

    type: ClassVar[str] = "dtmf"
    call: Annotated[str, CALL_ID]
    key: Annotated[str, KEY]


@dataclass(frozen=True, slots=True)
class Held(GatewayMessage):
    type: ClassVar[str] = "held"
    call: Annotated[str, CALL_ID]
    by: Annotated[str, one_of("me", "peer")]
    on: Annotated[bool, FLAG]


@dataclass(frozen=True, slots=True)
class Transferred(GatewayMessage):
    """How it goes that the page gives its place away."""

    type: ClassVar[str] = "transfer"
    call: Annotated[str, CALL_ID]
    state: Annotated[str, one_of("started", "done", "failed")]
    to: Annotated[str, NAME] = ""
    words: Annotated[str, WORDS] = ""


@dataclass(frozen=True, slots=True)
class Peers(GatewayMessage):
    """Who else is in the call now, each with `leg`, `number`, `display`, `state`; after every change."""

    type: ClassVar[str] = "peers"
    call: Annotated[str, CALL_ID]
    peers: Annotated[list[dict[str, Any]], OBJECTS]


@dataclass(frozen=True, slots=True)
class Advice(GatewayMessage):
    """What went wrong in a call that has just ended, and what to do about it."""

    type: ClassVar[str] = "advice"
    call: Annotated[str, CALL_ID]
    words: Annotated[str, WORDS]


@dataclass(frozen=True, slots=True)
class Quality(GatewayMessage):
    """The gateway's view of the call, once in a while; stale a second later, so never replayed."""

    type: ClassVar[str] = "quality"
    numbered: ClassVar[bool] = False
    call: Annotated[str, CALL_ID]
    stats: Annotated[dict[str, Any], OBJECT]


@dataclass(frozen=True, slots=True)
class Media(GatewayMessage):
    type: ClassVar[str] = "media"
    call: Annotated[str, CALL_ID]
    state: Annotated[str, one_of("connecting", "connected", "disconnected", "failed")]


@dataclass(frozen=True, slots=True)
class Goodbye(GatewayMessage):
    """The session is over by the gateway's decision."""

    type: ClassVar[str] = "goodbye"
    numbered: ClassVar[bool] = False
    code: Annotated[str, NAME]
    words: Annotated[str, WORDS]
    retry_after: Annotated[float, SECONDS]


# fmt: off
FROM_PAGE: dict[str, type[PageMessage]] = {
    kind.type: kind
    for kind in (
        Hello, Resume, Refresh, Bye, Ping, Pong,
        PlaceCall, Answer, Decline, Hangup, Mute, Hold, Digits, Offer, OfferAnswer, Candidate, Transfer, Connect,
        Join, Add, Report,
    )
}
FROM_GATEWAY: dict[str, type[GatewayMessage]] = {
    kind.type: kind
    for kind in (
        Welcome, Resumed, Token, Error, Goodbye, Ping, Pong,
        Incoming, Progress, Answered, Ended, Offer, OfferAnswer, Candidate, Dtmf, Held, Quality, Media,
        Transferred, Peers, Advice,
    )
}
# fmt: on
