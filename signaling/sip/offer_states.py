"""Who may offer when: re-INVITE and UPDATE as a table (RFC 3261 section 14, RFC 3311 section 5).

Only one offer may be open at a time. Two that cross are both refused with 491 and tried again after different pauses.
The initial INVITE counts: a call begins in CALLING or CALLED.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    CALLING = "our first INVITE is unanswered"
    CALLED = "their first INVITE is unanswered"
    SETTLING = "our 2xx waits for its ACK"
    STABLE = "nothing is open"
    OFFERING = "our new offer is out"
    OFFERED = "their new offer waits for our answer"
    CLOSED = "the call is over"


class On(Enum):
    OPENED = "the first INVITE is answered"
    REINVITE = "our side wants to offer"
    RETRY = "the pause after a 491 is over"
    OFFER = "re-INVITE, or UPDATE with a body"
    ACK = "ACK of our 2xx"
    ANSWER = "our side answers by a 2xx that waits for an ACK"
    ANSWER_UPDATE = "our side answers an UPDATE, or refuses"
    ANSWERED = "2xx to our offer"
    GLARE = "491 to our offer"
    REFUSED = "another refusal of our offer"
    CLOSE = "the call ends"


class Do(Enum):
    KEEP = "keep our offer for later"
    SEND = "send our offer"
    SEND_KEPT = "send the offer kept, if there is one"
    PAUSE = "keep our offer and try again in a while"
    REFUSE_491 = "491 Request Pending"
    REFUSE_500 = "500 with Retry-After"
    TELL_REINVITED = "Reinvited"
    TELL_ANSWERED = "ReinviteAnswered"
    TELL_REJECTED = "ReinviteRejected"
    STOP_REPEATING = "a new INVITE proves that our 2xx has arrived"
    REFUSE_487 = "487 for their open offer"


S = State
CLOSE = (S.CLOSED, ())

OFFER: Mapping[State, Mapping[On, tuple[State, tuple[Do, ...]]]] = {
    S.CALLING: {
        On.OPENED: (S.STABLE, ()),
        On.OFFER: (S.CALLING, (Do.REFUSE_491,)),  # 14.2
        On.CLOSE: CLOSE,
    },
    S.CALLED: {
        On.OPENED: (S.SETTLING, ()),
        On.OFFER: (S.CALLED, (Do.REFUSE_500,)),  # 14.2: before the final response to the first
        On.CLOSE: CLOSE,
    },
    S.SETTLING: {
        On.ACK: (S.STABLE, (Do.SEND_KEPT,)),
        On.REINVITE: (S.SETTLING, (Do.KEEP,)),  # 14.1: not while the INVITE server transaction waits
        On.RETRY: (S.SETTLING, ()),  # SEND_KEPT will come with the ACK
        On.OFFER: (S.OFFERED, (Do.STOP_REPEATING, Do.TELL_REINVITED)),
        On.CLOSE: CLOSE,
    },
    S.STABLE: {
        On.REINVITE: (S.OFFERING, (Do.SEND,)),
        On.RETRY: (S.STABLE, (Do.SEND_KEPT,)),
        On.OFFER: (S.OFFERED, (Do.TELL_REINVITED,)),
        On.CLOSE: CLOSE,
    },
    S.OFFERING: {
        On.OFFER: (S.OFFERING, (Do.REFUSE_491,)),
        On.ANSWERED: (S.STABLE, (Do.TELL_ANSWERED,)),
        On.GLARE: (S.STABLE, (Do.PAUSE,)),  # 14.1
        On.REFUSED: (S.STABLE, (Do.TELL_REJECTED,)),
        On.CLOSE: CLOSE,
    },
    S.OFFERED: {
        On.OFFER: (S.OFFERED, (Do.REFUSE_500,)),
        On.ANSWER: (S.SETTLING, ()),
        On.ANSWER_UPDATE: (S.STABLE, (Do.SEND_KEPT,)),
        On.RETRY: (S.OFFERED, ()),  # SEND_KEPT will come with their ACK
        On.CLOSE: (S.CLOSED, (Do.REFUSE_487,)),  # 15.1.2
    },
    S.CLOSED: {},
}
