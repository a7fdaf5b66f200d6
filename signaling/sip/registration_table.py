"""The states of our registration with a PBX or provider (RFC 3261 10.2, RFC 5626 4.5).

    IDLE -> TRYING -> REGISTERED <-> REFRESHING
                 \\-> WAITING (back-off) -> TRYING
    any -> LEAVING -> CLOSED

`REFRESHING` differs from `TRYING` in that the old binding still stands. A missing row means: the event cannot happen
there, or comes too late, and is ignored.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    IDLE = "idle"
    TRYING = "registering"
    REGISTERED = "registered"
    REFRESHING = "refreshing"
    WAITING = "failed"
    LEAVING = "unregistering"
    CLOSED = "unregistered"


class On(Enum):
    DUE = "time to register, or to refresh"
    ACCEPTED = "2xx"
    ASKED = "401, 407 or 423 that we can satisfy"
    REFUSED = "any other final response"
    SILENT = "no response, or no way to send"
    LOST = "the connection to the registrar broke"
    LEAVE = "the gateway wants to leave"


class Do(Enum):
    SEND = "send REGISTER with the wanted expiry"
    SEND_AGAIN = "send it once more, with what was asked for"
    SEND_LEAVE = "send REGISTER with expires 0"
    HOLD = "binding stands: arm the refresh, tell"
    BACK_OFF = "arm the retry, tell"
    RETURN = "arm the retry for now, or later where this happens again and again; tell"
    CLOSE = "nothing more to do, tell"


TABLE: dict[State, dict[On, tuple[State, Do]]] = {
    State.IDLE: {
        On.DUE: (State.TRYING, Do.SEND),  # 10.2
        On.LEAVE: (State.CLOSED, Do.CLOSE),
    },
    State.TRYING: {
        On.ACCEPTED: (State.REGISTERED, Do.HOLD),  # 10.2.4
        On.ASKED: (State.TRYING, Do.SEND_AGAIN),  # 22.2; 10.2.8 for 423
        On.REFUSED: (State.WAITING, Do.BACK_OFF),
        On.SILENT: (State.WAITING, Do.BACK_OFF),
        On.LEAVE: (State.LEAVING, Do.SEND_LEAVE),  # it may have been granted: the answer was just not seen
    },
    State.REGISTERED: {
        On.DUE: (State.REFRESHING, Do.SEND),  # 10.2.4
        On.LOST: (State.WAITING, Do.RETURN),  # RFC 5626 4.5: calls would have come by that connection
        On.LEAVE: (State.LEAVING, Do.SEND_LEAVE),  # 10.2.2
    },
    State.REFRESHING: {
        On.ACCEPTED: (State.REGISTERED, Do.HOLD),
        On.ASKED: (State.REFRESHING, Do.SEND_AGAIN),
        On.REFUSED: (State.WAITING, Do.BACK_OFF),
        On.SILENT: (State.WAITING, Do.BACK_OFF),  # RFC 5626 4.5
        On.LEAVE: (State.LEAVING, Do.SEND_LEAVE),
    },
    State.WAITING: {
        On.DUE: (State.TRYING, Do.SEND),
        On.LEAVE: (State.LEAVING, Do.SEND_LEAVE),
    },
    State.LEAVING: {
        On.ACCEPTED: (State.CLOSED, Do.CLOSE),
        On.ASKED: (State.LEAVING, Do.SEND_AGAIN),
        On.REFUSED: (State.CLOSED, Do.CLOSE),
        On.SILENT: (State.CLOSED, Do.CLOSE),
    },
    State.CLOSED: {},
}
