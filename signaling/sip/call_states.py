"""A call as a table: from the INVITE to the end, ours and theirs (RFC 3261 sections 9, 13 and 15).

    ours    CALLING -> PROCEEDING ----------> CONFIRMED -> ENDED
               |            | (our cancel)        ^
          CANCEL_OWED -> CANCELLING -> ENDED      |
    theirs  INCOMING -> ANSWERED ------------------
                            | (our bye)
                         BYE_OWED -> ENDED

Rule 1: what the dialog does next stands here; re-INVITEs have a table of their own (`offer_states`).
Rule 2: a verb that a state does not list is the application's mistake (`WrongState`); a message that it does not list
is dropped or refused by whoever received it.

CANCEL_OWED  we want to cancel and may not yet: a CANCEL waits for a provisional response (9.1).
CANCELLING   CANCEL is sent; the INVITE still owes its final response, and that may be a 200 that crossed it.
ANSWERED     our 2xx is repeated until its ACK comes (13.3.1.4).
BYE_OWED     we hung up before that ACK; the callee may not send BYE earlier (15).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    CALLING = "our INVITE is out, nothing heard yet"
    PROCEEDING = "a provisional response is here"
    CANCEL_OWED = "given up before anything was heard"
    CANCELLING = "given up, CANCEL sent"
    INCOMING = "their INVITE waits for our answer"
    ANSWERED = "answered, no ACK yet"
    BYE_OWED = "hung up, no ACK yet"
    CONFIRMED = "both sides agree that they talk"
    ENDED = "over"


class On(Enum):
    # our application's verbs
    CANCEL = "cancel"
    PROGRESS = "progress"
    ANSWER = "answer"
    REJECT = "reject"
    HANG_UP = "bye"
    # what comes from the other side
    RETRIED = "our INVITE goes out once more: with a password, or elsewhere"
    PROVISIONAL = "1xx"
    ACCEPTED = "2xx"
    REFUSED = "3xx-6xx, or nothing at all"
    CANCELLED = "CANCEL"
    ACK = "ACK of our 2xx"
    BYE = "BYE"
    # time
    RING_LIMIT = "it rings for too long"
    CANCEL_LIMIT = "no final response 64*T1 after our CANCEL"
    NO_PRACK = "no PRACK 64*T1 after a provisional response that needs one"
    ACK_LIMIT = "no ACK 64*T1 after our 2xx"
    LOST = "the other side has no such dialog any more"


class Do(Enum):
    TELL_PROGRESS = "Progressed"
    WATCH_RINGING = "start the ring limit anew"
    STOP_WATCHING = "no ring limit while nothing rings"
    SEND_ACK = "acknowledge their 2xx"
    TELL_ANSWERED = "Answered"
    TELL_REJECTED = "Rejected"
    TELL_GIVEN_UP = "Rejected 487: as our cancel wished"
    SEND_CANCEL = "CANCEL, and wait 64*T1 at most"
    ABANDON = "end the INVITE transaction without an answer"
    SEND_PROVISIONAL = "1xx, repeated every minute"
    SEND_2XX = "2xx, repeated until ACK"
    SEND_REFUSAL = "3xx-6xx"
    SEND_487 = "487 Request Terminated"
    SEND_504 = "504 Server Time-out"
    TELL_CANCELLED = "Cancelled"
    TELL_ACKED = "Acked"
    SEND_BYE = "BYE"
    TELL_ENDED = "Ended"


S = State

CALL: Mapping[State, Mapping[On, tuple[State, tuple[Do, ...]]]] = {
    S.CALLING: {
        On.RETRIED: (S.CALLING, ()),
        On.PROVISIONAL: (S.PROCEEDING, (Do.WATCH_RINGING, Do.TELL_PROGRESS)),
        On.ACCEPTED: (S.CONFIRMED, (Do.SEND_ACK, Do.TELL_ANSWERED)),  # 13.2.2.4
        On.REFUSED: (S.ENDED, (Do.TELL_REJECTED,)),
        On.CANCEL: (S.CANCEL_OWED, ()),  # 9.1: "MUST NOT be sent" before a provisional response
    },
    S.PROCEEDING: {
        On.RETRIED: (S.CALLING, (Do.STOP_WATCHING,)),  # a CANCEL has to wait again
        On.PROVISIONAL: (S.PROCEEDING, (Do.WATCH_RINGING, Do.TELL_PROGRESS)),
        On.ACCEPTED: (S.CONFIRMED, (Do.SEND_ACK, Do.TELL_ANSWERED)),
        On.REFUSED: (S.ENDED, (Do.TELL_REJECTED,)),
        On.CANCEL: (S.CANCELLING, (Do.SEND_CANCEL,)),
        On.RING_LIMIT: (S.CANCELLING, (Do.SEND_CANCEL,)),
        On.BYE: (S.ENDED, (Do.ABANDON, Do.TELL_REJECTED)),  # its 200 and every copy were lost, and its patience too
    },
    S.CANCEL_OWED: {
        On.PROVISIONAL: (S.CANCELLING, (Do.SEND_CANCEL,)),
        On.ACCEPTED: (S.ENDED, (Do.SEND_ACK, Do.SEND_BYE, Do.TELL_GIVEN_UP)),  # too late to cancel: 15
        On.REFUSED: (S.ENDED, (Do.TELL_REJECTED,)),
        On.CANCEL: (S.CANCEL_OWED, ()),
    },
    S.CANCELLING: {
        On.PROVISIONAL: (S.CANCELLING, ()),
        On.ACCEPTED: (S.ENDED, (Do.SEND_ACK, Do.SEND_BYE, Do.TELL_GIVEN_UP)),  # 200 and CANCEL crossed
        On.REFUSED: (S.ENDED, (Do.TELL_REJECTED,)),
        On.CANCEL: (S.CANCELLING, ()),
        On.CANCEL_LIMIT: (S.ENDED, (Do.ABANDON, Do.TELL_GIVEN_UP)),  # 9.1
        On.BYE: (S.ENDED, (Do.ABANDON, Do.TELL_GIVEN_UP)),
    },
    S.INCOMING: {
        On.PROGRESS: (S.INCOMING, (Do.SEND_PROVISIONAL,)),
        On.ANSWER: (S.ANSWERED, (Do.SEND_2XX,)),
        On.REJECT: (S.ENDED, (Do.SEND_REFUSAL,)),
        On.CANCELLED: (S.ENDED, (Do.SEND_487, Do.TELL_CANCELLED)),  # 9.2
        On.BYE: (S.ENDED, (Do.SEND_487, Do.TELL_CANCELLED)),  # 15.1.2: the caller may, in an early dialog
        On.RING_LIMIT: (S.ENDED, (Do.SEND_487, Do.TELL_CANCELLED)),  # 13.3.1: the invitation expires
        On.NO_PRACK: (S.ENDED, (Do.SEND_504, Do.TELL_CANCELLED)),  # RFC 3262 section 3
    },
    S.ANSWERED: {
        On.ACK: (S.CONFIRMED, (Do.TELL_ACKED,)),
        On.ACK_LIMIT: (S.ENDED, (Do.SEND_BYE, Do.TELL_ENDED)),  # 13.3.1.4
        On.HANG_UP: (S.BYE_OWED, ()),
        On.BYE: (S.ENDED, (Do.TELL_ENDED,)),
        On.CANCELLED: (S.ANSWERED, ()),  # 9.2: no effect on a request that is answered
        On.LOST: (S.ENDED, (Do.SEND_BYE, Do.TELL_ENDED)),
    },
    S.BYE_OWED: {
        On.ACK: (S.ENDED, (Do.SEND_BYE,)),
        On.ACK_LIMIT: (S.ENDED, (Do.SEND_BYE,)),
        On.BYE: (S.ENDED, ()),
        On.CANCELLED: (S.BYE_OWED, ()),
        On.LOST: (S.ENDED, (Do.SEND_BYE,)),
    },
    S.CONFIRMED: {
        On.HANG_UP: (S.ENDED, (Do.SEND_BYE,)),
        On.BYE: (S.ENDED, (Do.TELL_ENDED,)),
        On.CANCELLED: (S.CONFIRMED, ()),
        On.ACK_LIMIT: (S.ENDED, (Do.SEND_BYE, Do.TELL_ENDED)),  # of the 2xx to a re-INVITE: 14.2
        On.LOST: (S.ENDED, (Do.SEND_BYE, Do.TELL_ENDED)),  # 12.2.1.2: 408 or 481 to a request of ours
    },
    S.ENDED: {},
}
