"""The two state machines of the conversation, and nothing else.

A *session* outlives its sockets. It opens with `hello`; when its socket goes it is AWAY, and the gateway keeps its
calls as if nothing had happened; a `resume` inside the window brings it back; else it is CLOSED and its calls end.

    OPEN ──lost──▶ AWAY ──expired──▶ CLOSED
      ▲               │
      └───resumed─────┘       OPEN also takes `resumed`: a new socket replaces one that only seems alive.

A *call* is what the page and the gateway both know of it. The gateway's own call control is elsewhere: this table
only says which message makes sense when. Offers and answers follow RFC 3264 (and JSEP, RFC 9429 3.2): the first pair
rides in call / progress or in incoming / answer; later pairs are `offer` and `offer_answer`, in either direction.
When both sides offer at once the page's offer wins and the gateway drops its own.

An illegal message is a missing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class SessionState(Enum):
    OPEN = "open"
    AWAY = "away"
    CLOSED = "closed"


class SessionInput(Enum):
    LOST = "the socket is gone"
    RESUMED = "a socket with the right secret"
    EXPIRED = "the window is over"
    BYE = "the page signs out"
    STOPPED = "the gateway goes down"


SESSION: Mapping[SessionState, Mapping[SessionInput, SessionState]] = {
    SessionState.OPEN: {
        SessionInput.LOST: SessionState.AWAY,
        SessionInput.RESUMED: SessionState.OPEN,
        SessionInput.BYE: SessionState.CLOSED,
        SessionInput.STOPPED: SessionState.CLOSED,
    },
    SessionState.AWAY: {
        SessionInput.RESUMED: SessionState.OPEN,
        SessionInput.EXPIRED: SessionState.CLOSED,
        SessionInput.STOPPED: SessionState.CLOSED,
    },
    SessionState.CLOSED: {},
}


class CallState(Enum):
    """The values are what `welcome` tells a reloaded page."""

    CALLING = "calling"
    PROCEEDING = "ringing"
    INCOMING = "incoming"
    ACTIVE = "active"
    ENDED = "ended"


class CallInput(Enum):
    """Inputs of the page (its message types) and of the gateway (its verbs)."""

    ANSWER = "answer"
    DECLINE = "decline"
    HANGUP = "hangup"
    MUTE = "mute"
    HOLD = "hold"
    DIGITS = "digits"
    OFFER = "offer"
    OFFER_ANSWER = "offer_answer"
    CANDIDATE = "candidate"
    TRANSFER = "transfer"
    CONNECT = "connect"
    JOIN = "join"
    ADD = "add"
    REPORT = "report"

    PROGRESS = "gateway: progress"
    ANSWERED = "gateway: answered"
    ENDED = "gateway: ended"
    SDP = "gateway: offer, answer or candidate"
    TOLD = "gateway: dtmf, held, quality, media, transfer, peers"


S, On = CallState, CallInput

CALL: Mapping[CallState, Mapping[CallInput, CallState]] = {
    # The page has dialled and offered; it may trickle and give up, and after a reload it offers again.
    S.CALLING: {
        On.HANGUP: S.ENDED,
        On.MUTE: S.CALLING,
        On.DIGITS: S.CALLING,
        On.OFFER: S.CALLING,
        On.OFFER_ANSWER: S.CALLING,
        On.CANDIDATE: S.CALLING,
        On.REPORT: S.CALLING,
        On.PROGRESS: S.PROCEEDING,
        On.ANSWERED: S.ACTIVE,
        On.ENDED: S.ENDED,
        On.SDP: S.CALLING,
        On.TOLD: S.CALLING,
    },
    # The far end is being reached; ringback and announcements already come as audio (early media).
    S.PROCEEDING: {
        On.HANGUP: S.ENDED,
        On.MUTE: S.PROCEEDING,
        On.DIGITS: S.PROCEEDING,  # an announcement may ask for digits before it answers
        On.OFFER: S.PROCEEDING,
        On.OFFER_ANSWER: S.PROCEEDING,
        On.CANDIDATE: S.PROCEEDING,
        On.REPORT: S.PROCEEDING,
        On.PROGRESS: S.PROCEEDING,
        On.ANSWERED: S.ACTIVE,
        On.ENDED: S.ENDED,
        On.SDP: S.PROCEEDING,
        On.TOLD: S.PROCEEDING,
    },
    # The page rings. It has the gateway's offer and owes an answer or a refusal.
    S.INCOMING: {
        On.ANSWER: S.ACTIVE,
        On.DECLINE: S.ENDED,
        On.HANGUP: S.ENDED,
        On.CANDIDATE: S.INCOMING,
        On.REPORT: S.INCOMING,
        On.ENDED: S.ENDED,
        On.SDP: S.INCOMING,
        On.TOLD: S.INCOMING,
    },
    S.ACTIVE: {
        On.HANGUP: S.ENDED,
        On.MUTE: S.ACTIVE,
        On.HOLD: S.ACTIVE,
        On.DIGITS: S.ACTIVE,
        On.OFFER: S.ACTIVE,
        On.OFFER_ANSWER: S.ACTIVE,
        On.CANDIDATE: S.ACTIVE,
        On.REPORT: S.ACTIVE,
        On.TRANSFER: S.ACTIVE,
        On.CONNECT: S.ACTIVE,
        On.JOIN: S.ACTIVE,
        On.ADD: S.ACTIVE,
        On.ANSWERED: S.ACTIVE,  # the gateway's word that an incoming call is through
        On.ENDED: S.ENDED,
        On.SDP: S.ACTIVE,
        On.TOLD: S.ACTIVE,
    },
    S.ENDED: {},
}
