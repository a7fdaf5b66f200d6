"""A REFER and the subscription that it makes, as a table (RFC 3515, RFC 4488, RFC 6665).

    theirs  ASKED -> NOTIFYING -> LAST -> ENDED        ours  SENT -> FOLLOWING -> ENDED

The subscription is a usage of the dialog of its own (RFC 5057 section 3): it outlives the call's BYE, which a phone
often sends as soon as its REFER is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    ASKED = "their REFER waits for our side's decision"
    NOTIFYING = "accepted; they hear how it goes"
    LAST = "the outcome is being told"
    SENT = "our REFER is out"
    FOLLOWING = "ours is accepted; we hear how it goes"
    ENDED = "over"


class On(Enum):
    # our side's verbs
    ACCEPT = "accept_refer"
    ACCEPT_SILENTLY = "accept_refer, and they want no NOTIFY"
    REFUSE = "refuse_refer"
    PROGRESS = "notify_refer with 1xx"
    OUTCOME = "notify_refer with a final status"
    # what comes from the other side
    DELIVERED = "the last NOTIFY is answered"
    LOST = "a NOTIFY is refused or not answered"
    ACCEPTED = "2xx to our REFER"
    ACCEPTED_QUIETLY = "2xx to our REFER, with Refer-Sub: false"
    REFUSED = "our REFER is refused or not answered"
    NOTIFIED = "NOTIFY"
    NOTIFIED_LAST = "NOTIFY that ends the subscription"
    # time
    UNDECIDED = "our side has not decided in time"
    EXPIRED = "the subscription has lasted too long"
    CALL_ENDED = "the call is over"


class Do(Enum):
    SEND_202 = "202, and NOTIFY 100 Trying"
    SEND_202_SILENTLY = "202 with Refer-Sub: false"
    SEND_REFUSAL = "3xx-6xx"
    SEND_603 = "603 Decline"
    SEND_487 = "487 Request Terminated"
    NOTIFY = "NOTIFY with what is known"
    WATCH = "bound how long we follow"
    TELL_PROGRESS = "ReferProgress"
    TELL_ACCEPTED = "ReferProgress 202, the last that is heard"
    TELL_REFUSED = "ReferRefused"
    TELL_SILENCE = "ReferRefused 408"


S = State

REFER: Mapping[State, Mapping[On, tuple[State, tuple[Do, ...]]]] = {
    S.ASKED: {
        On.ACCEPT: (S.NOTIFYING, (Do.SEND_202, Do.NOTIFY)),  # RFC 3515 2.4.4: NOTIFY at once
        On.ACCEPT_SILENTLY: (S.ENDED, (Do.SEND_202_SILENTLY,)),  # RFC 4488 4
        On.REFUSE: (S.ENDED, (Do.SEND_REFUSAL,)),
        On.UNDECIDED: (S.ENDED, (Do.SEND_603,)),  # a non-INVITE transaction has no patience: RFC 4320
        On.CALL_ENDED: (S.ENDED, (Do.SEND_487,)),  # RFC 3261 15.1.2
    },
    S.NOTIFYING: {
        On.PROGRESS: (S.NOTIFYING, (Do.NOTIFY,)),
        On.OUTCOME: (S.LAST, (Do.NOTIFY,)),  # RFC 3515 2.4.5
        On.EXPIRED: (S.LAST, (Do.NOTIFY,)),  # RFC 6665 4.2.2
        On.LOST: (S.ENDED, ()),  # RFC 6665 4.2.2: the subscription is removed, the call stands (RFC 5057 5.1)
        On.CALL_ENDED: (S.NOTIFYING, ()),
    },
    S.LAST: {
        On.DELIVERED: (S.ENDED, ()),
        On.LOST: (S.ENDED, ()),
        On.CALL_ENDED: (S.LAST, ()),
    },
    S.SENT: {
        On.ACCEPTED: (S.FOLLOWING, (Do.WATCH,)),
        On.ACCEPTED_QUIETLY: (S.ENDED, (Do.TELL_ACCEPTED,)),  # RFC 4488 4
        On.REFUSED: (S.ENDED, (Do.TELL_REFUSED,)),
        On.NOTIFIED: (S.FOLLOWING, (Do.WATCH, Do.TELL_PROGRESS)),  # RFC 6665 4.1.2.4: it may overtake the 2xx
        On.NOTIFIED_LAST: (S.ENDED, (Do.TELL_PROGRESS,)),
        On.CALL_ENDED: (S.SENT, ()),
    },
    S.FOLLOWING: {
        On.ACCEPTED: (S.FOLLOWING, ()),
        On.ACCEPTED_QUIETLY: (S.ENDED, (Do.TELL_ACCEPTED,)),
        On.REFUSED: (S.ENDED, (Do.TELL_REFUSED,)),
        On.NOTIFIED: (S.FOLLOWING, (Do.TELL_PROGRESS,)),
        On.NOTIFIED_LAST: (S.ENDED, (Do.TELL_PROGRESS,)),
        On.EXPIRED: (S.ENDED, (Do.TELL_SILENCE,)),
        On.CALL_ENDED: (S.FOLLOWING, ()),
    },
    S.ENDED: {},
}
