"""Session timers as two tables (RFC 4028): who refreshes, and what the one who does or waits then does.

    OFF -> RESTING <-> REFRESHING        we refresh, at half of the interval
       \\-> WAITING -> REFRESHING         they do; at three quarters we do it for them, for some forget
    any of them -> OVER                  nobody has refreshed in time, or the call has ended

Each 2xx to an INVITE or UPDATE agrees anew, and begins the interval anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

# (does the sender of the request speak timers, whom it wants to refresh) -> who does: RFC 4028 section 9, table 2
REFRESHER: Mapping[tuple[bool, str | None], str] = {
    (False, None): "uas",
    (False, "uac"): "uas",  # "N/A": a proxy's doing; who does not speak timers cannot
    (False, "uas"): "uas",
    (True, None): "uac",  # our choice: it has asked for a timer
    (True, "uac"): "uac",
    (True, "uas"): "uas",
}


class State(Enum):
    OFF = "nothing is agreed"
    RESTING = "ours to refresh, not yet due"
    REFRESHING = "our refresh is out"
    WAITING = "theirs to refresh"
    OVER = "the call has ended, or must"


class On(Enum):
    OURS = "a 2xx says that we refresh"
    THEIRS = "a 2xx says that they refresh"
    DUE = "time to refresh"
    FAILED = "our refresh is refused, or could not be sent now"
    EXPIRED = "the interval is as good as over"
    CLOSE = "the call ends"


class Do(Enum):
    AWAIT_DUE = "refresh at half of the interval, give up at its end"
    AWAIT_THEIRS = "refresh at three quarters of the interval, give up at its end"
    REFRESH = "UPDATE, or INVITE where they do not speak that"
    AWAIT_RETRY = "try again soon"
    END = "BYE, and tell"
    STOP = "no alarm is left"


S = State
OURS, THEIRS = (S.RESTING, (Do.AWAIT_DUE,)), (S.WAITING, (Do.AWAIT_THEIRS,))  # section 10
CLOSED, EXPIRED = (S.OVER, (Do.STOP,)), (S.OVER, (Do.STOP, Do.END))  # section 10: BYE

TIMER: Mapping[State, Mapping[On, tuple[State, tuple[Do, ...]]]] = {
    S.OFF: {On.OURS: OURS, On.THEIRS: THEIRS, On.CLOSE: CLOSED},
    S.RESTING: {
        On.OURS: OURS,
        On.THEIRS: THEIRS,
        On.DUE: (S.REFRESHING, (Do.REFRESH,)),
        On.EXPIRED: EXPIRED,
        On.CLOSE: CLOSED,
    },
    S.REFRESHING: {
        On.OURS: OURS,
        On.THEIRS: THEIRS,
        On.FAILED: (S.RESTING, (Do.AWAIT_RETRY,)),  # section 10: the session stands until its end
        On.EXPIRED: EXPIRED,
        On.CLOSE: CLOSED,
    },
    S.WAITING: {
        On.OURS: OURS,
        On.THEIRS: THEIRS,
        On.DUE: (S.REFRESHING, (Do.REFRESH,)),  # section 10 would have us hang up, on people who talk
        On.EXPIRED: EXPIRED,
        On.CLOSE: CLOSED,
    },
    S.OVER: {},
}
