"""The vocabulary of the four transaction tables: their states, what may happen to them, and what they then do.

Rule 1: everything that decides what a transaction does next stands in a table (`invite_client`, `invite_server`,
`non_invite_client`, `non_invite_server`); `transaction` only carries it out.
Rule 2: what a state does not list cannot happen: it is a missing key. From the network that means "drop it",
from our own side it means a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from signaling.sip.timers import Timer


class State(Enum):
    CALLING = "the INVITE is out, nothing heard yet"
    TRYING = "the request is out, or in, and unanswered"
    PROCEEDING = "a provisional response has passed"
    ACCEPTED = "a 2xx has passed (RFC 6026)"
    COMPLETED = "a final response has passed; retransmissions are absorbed"
    CONFIRMED = "the ACK for a refusal is here"
    TERMINATED = "over"


class On(Enum):
    # what a client transaction hears
    R1XX = "provisional response"
    R2XX = "2xx response"
    R3XX_6XX = "refusal"
    ABANDON = "our side gives up on a cancelled INVITE"
    # what a server transaction hears and is told to send
    REQUEST = "the same request again"
    ACK = "ACK with this transaction's branch"
    SEND_1XX = "our side sends a provisional response"
    SEND_2XX = "our side sends a 2xx"
    SEND_3XX_6XX = "our side refuses"
    # both
    TRANSPORT_ERROR = "the transport could not send"
    TIMER_A = "A"
    TIMER_B = "B"
    TIMER_D = "D"
    TIMER_E = "E"
    TIMER_F = "F"
    TIMER_G = "G"
    TIMER_H = "H"
    TIMER_I = "I"
    TIMER_J = "J"
    TIMER_K = "K"
    TIMER_L = "L"
    TIMER_M = "M"


class Do(Enum):
    TRANSMIT = "send the request, or the latest response, again or for the first time"
    PASS_UP = "hand the message to our side"
    SEND_ACK = "acknowledge the refusal hop by hop"
    STOP = "stop every timer"
    REPORT_TIMEOUT = "tell our side that nobody answered"
    REPORT_ERROR = "tell our side that the transport failed"
    ARM_A = "A"
    ARM_B = "B"
    ARM_D = "D"
    ARM_E = "E"
    SLOW_E = "E with T2"
    ARM_F = "F"
    ARM_G = "G"
    ARM_H = "H"
    ARM_I = "I"
    ARM_J = "J"
    ARM_K = "K"
    ARM_L = "L"
    ARM_M = "M"


Row = Mapping[On, tuple[State, tuple[Do, ...]]]
Table = Mapping[State, Row]

FIRES: dict[Timer, On] = {timer: On[f"TIMER_{timer.name}"] for timer in Timer}
ARMS: dict[Do, Timer] = {Do[f"ARM_{timer.name}"]: timer for timer in Timer}
