"""The INVITE server transaction: RFC 3261 section 17.2.1, figure 7, as amended by RFC 6026 section 7.1, figure 9.

A refusal is repeated here until its ACK comes. A 2xx is repeated by the dialog (section 13.3.1.4), end to end; this
transaction stays in ACCEPTED only to absorb the INVITE's retransmissions, so that none of them rings twice.
A transport error ends nothing (RFC 6026 section 8.7): the caller asks again, and the answer finds its way then.
"""

from __future__ import annotations

from signaling.sip.transaction_states import Do, On, State, Table

S = State

START = S.PROCEEDING

INVITE_SERVER: Table = {
    S.PROCEEDING: {
        On.REQUEST: (S.PROCEEDING, (Do.TRANSMIT,)),  # the latest provisional response again
        On.SEND_1XX: (S.PROCEEDING, (Do.TRANSMIT,)),
        On.SEND_2XX: (S.ACCEPTED, (Do.TRANSMIT, Do.ARM_L)),
        On.SEND_3XX_6XX: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_G, Do.ARM_H)),
        On.TRANSPORT_ERROR: (S.PROCEEDING, (Do.REPORT_ERROR,)),
    },
    S.ACCEPTED: {
        On.REQUEST: (S.ACCEPTED, ()),  # RFC 6026 section 8.7: absorbed
        On.ACK: (S.ACCEPTED, (Do.PASS_UP,)),  # a phone that reuses the branch for its ACK
        On.SEND_2XX: (S.ACCEPTED, (Do.TRANSMIT,)),  # the dialog repeats it
        On.TRANSPORT_ERROR: (S.ACCEPTED, (Do.REPORT_ERROR,)),
        On.TIMER_L: (S.TERMINATED, ()),
    },
    S.COMPLETED: {
        On.REQUEST: (S.COMPLETED, (Do.TRANSMIT,)),
        On.ACK: (S.CONFIRMED, (Do.STOP, Do.ARM_I)),
        On.TRANSPORT_ERROR: (S.COMPLETED, (Do.REPORT_ERROR,)),
        On.TIMER_G: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_G)),
        On.TIMER_H: (S.TERMINATED, (Do.REPORT_TIMEOUT,)),
    },
    S.CONFIRMED: {
        On.REQUEST: (S.CONFIRMED, ()),  # a late copy, overtaken by its own ACK
        On.ACK: (S.CONFIRMED, ()),
        On.TRANSPORT_ERROR: (S.CONFIRMED, ()),
        On.TIMER_I: (S.TERMINATED, ()),
    },
    S.TERMINATED: {},
}
