"""A provisional response of ours that has to arrive, as a table (RFC 3262 section 3).

One at a time: the next waits for the PRACK of the one before, and so does our answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    FREE = "nothing is unacknowledged"
    REPEATING = "sent, no PRACK yet"
    OVER = "the INVITE has its final response"


class On(Enum):
    SEND = "our side has something to say"
    PRACK = "PRACK of what we said last"
    AGAIN = "T1, doubled each time"
    LIMIT = "no PRACK in 64*T1"
    CLOSE = "the INVITE is answered, refused or cancelled"


class Do(Enum):
    TRANSMIT = "send it with the next RSeq, and arm both alarms"
    KEEP = "what was said last waits"
    REPEAT = "send the same once more"
    STOP = "no alarm is left"
    NEXT = "send what waits"
    GIVE_UP = "504: they ask for PRACK and send none"


S = State

RELIABLE: Mapping[State, Mapping[On, tuple[State, tuple[Do, ...]]]] = {
    S.FREE: {
        On.SEND: (S.REPEATING, (Do.TRANSMIT,)),
        On.CLOSE: (S.OVER, (Do.STOP,)),
    },
    S.REPEATING: {
        On.SEND: (S.REPEATING, (Do.KEEP,)),  # "MUST NOT send a second" before the first is acknowledged
        On.PRACK: (S.FREE, (Do.STOP, Do.NEXT)),
        On.AGAIN: (S.REPEATING, (Do.REPEAT,)),
        On.LIMIT: (S.OVER, (Do.STOP, Do.GIVE_UP)),  # "SHOULD reject the original request with a 5xx"
        On.CLOSE: (S.OVER, (Do.STOP,)),
    },
    S.OVER: {},
}
