"""The call as a table: every state, what may happen in it, and what is done then.

    SETUP ──> TRYING ──> ALERTING ──> EARLY ──> ANSWERING ──> CONNECTED ──> ENDING ──> ENDED
                 └───────────┴──────────┴───────────┘ (a target may answer or fall out at any of these)

Rule 1: what a call *is* stands here; who holds, who is muted and whom it hunts are data beside it (`party`, `hunt`).
Rule 2: an input that a state does not list cannot happen; `Call` makes inputs only from legs that are still in the
call.

SETUP      the caller's media is being agreed; nobody has been disturbed yet, so a phone without a common codec gets
its 488. TRYING     targets have been called, none rings.
ALERTING   at least one rings.
EARLY      one of them plays sound before it answers (RFC 3261 section 13.2.1, RFC 3960).
ANSWERING  one has picked up and its answer is being applied; the others still ring, should that fail.
CONNECTED  two parties talk (or one talks to an application).
ENDING     everybody has been told and everything is being given back.
ENDED      nothing is left.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    SETUP = "setup"
    TRYING = "trying"
    ALERTING = "alerting"
    EARLY = "early"
    ANSWERING = "answering"
    CONNECTED = "connected"
    ENDING = "ending"
    ENDED = "ended"


class On(Enum):
    CALLER_READY = "the caller's offer is accepted"
    RINGING = "a target rings"
    EARLY_MEDIA = "a target sends sound before it answers"
    PICKED_UP = "a target answers"
    JOINED = "the answer is applied"
    FIRST_JOINED = "... of the first party of a call that a program places"
    FELL_OUT = "a target falls out, others may still answer"
    WINNER_FELL_OUT = "the target that was heard or had answered falls out"
    TIMED_OUT = "nobody answered in time"
    END = "somebody leaves, or the call may not go on"
    DRAINED = "every effect has been carried out"


class Do(Enum):
    HUNT = "call the first targets"
    TELL_RINGING = "tell the caller that it rings"
    PLAY_EARLY = "let the caller hear it"
    APPLY_ANSWER = "apply its answer"
    DROP_LATE = "hang up: another was first"
    CONNECT = "answer the caller, join both, stop ringing the others"
    TURN_ROUND = "it is the caller now; look for whom it is to talk with"
    HUNT_ON = "the next targets, once nobody is left who might answer"
    FORGET_WINNER = "back to ringing"
    GIVE_UP_GROUP = "stop ringing these"
    RELEASE_ALL = "tell everybody, give back everything"


S = State
Row = dict[On, tuple[State, tuple[Do, ...]]]

CALL: dict[State, Row] = {
    S.SETUP: {
        On.CALLER_READY: (S.TRYING, (Do.HUNT,)),
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.TRYING: {
        On.RINGING: (S.ALERTING, (Do.TELL_RINGING,)),
        On.EARLY_MEDIA: (S.EARLY, (Do.PLAY_EARLY,)),
        On.PICKED_UP: (S.ANSWERING, (Do.APPLY_ANSWER,)),
        On.FELL_OUT: (S.TRYING, (Do.HUNT_ON,)),
        On.TIMED_OUT: (S.TRYING, (Do.GIVE_UP_GROUP, Do.HUNT_ON)),
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.ALERTING: {
        On.RINGING: (S.ALERTING, ()),
        On.EARLY_MEDIA: (S.EARLY, (Do.PLAY_EARLY,)),
        On.PICKED_UP: (S.ANSWERING, (Do.APPLY_ANSWER,)),
        On.FELL_OUT: (S.ALERTING, (Do.HUNT_ON,)),
        On.TIMED_OUT: (S.ALERTING, (Do.GIVE_UP_GROUP, Do.HUNT_ON)),
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.EARLY: {
        On.RINGING: (S.EARLY, ()),
        On.EARLY_MEDIA: (S.EARLY, ()),  # the first that sounds is the one that is heard
        On.PICKED_UP: (S.ANSWERING, (Do.APPLY_ANSWER,)),
        On.FELL_OUT: (S.EARLY, (Do.HUNT_ON,)),
        On.WINNER_FELL_OUT: (S.ALERTING, (Do.FORGET_WINNER, Do.HUNT_ON)),
        On.TIMED_OUT: (S.ALERTING, (Do.FORGET_WINNER, Do.GIVE_UP_GROUP, Do.HUNT_ON)),
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.ANSWERING: {
        On.RINGING: (S.ANSWERING, ()),
        On.EARLY_MEDIA: (S.ANSWERING, ()),
        On.PICKED_UP: (S.ANSWERING, (Do.DROP_LATE,)),
        On.JOINED: (S.CONNECTED, (Do.CONNECT,)),
        On.FIRST_JOINED: (S.TRYING, (Do.TURN_ROUND, Do.HUNT)),
        On.FELL_OUT: (S.ANSWERING, ()),
        On.WINNER_FELL_OUT: (S.ALERTING, (Do.FORGET_WINNER, Do.HUNT_ON)),
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.CONNECTED: {
        On.END: (S.ENDING, (Do.RELEASE_ALL,)),
    },
    S.ENDING: {
        On.END: (S.ENDING, ()),  # both sides hang up at the same moment every day
        On.DRAINED: (S.ENDED, ()),
    },
    S.ENDED: {},
}
