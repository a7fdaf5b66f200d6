"""The INVITE client transaction: RFC 3261 section 17.1.1, figure 5, as amended by RFC 6026 section 7.2, figure 8.

An INVITE is answered by people, so it may ring for minutes: the transaction has no timeout once a provisional response
has come. A refusal is acknowledged here, hop by hop, for as long as it is repeated. A 2xx is acknowledged end to end
by the dialog, which is why the transaction stays in ACCEPTED and hands up every copy, and the 2xx of every other phone
that a proxy made ring.
"""

from __future__ import annotations

from signaling.sip.transaction_states import Do, On, State, Table

S = State

START = (S.CALLING, (Do.TRANSMIT, Do.ARM_A, Do.ARM_B))

INVITE_CLIENT: Table = {
    S.CALLING: {
        On.TIMER_A: (S.CALLING, (Do.TRANSMIT, Do.ARM_A)),  # 17.1.1.2: T1, doubling, UDP only
        On.TIMER_B: (S.TERMINATED, (Do.REPORT_TIMEOUT,)),
        On.TRANSPORT_ERROR: (S.TERMINATED, (Do.REPORT_ERROR,)),  # 17.1.4
        On.R1XX: (S.PROCEEDING, (Do.STOP, Do.PASS_UP)),
        On.R2XX: (S.ACCEPTED, (Do.STOP, Do.ARM_M, Do.PASS_UP)),  # RFC 6026 section 8.4
        On.R3XX_6XX: (S.COMPLETED, (Do.STOP, Do.SEND_ACK, Do.ARM_D, Do.PASS_UP)),
    },
    S.PROCEEDING: {
        On.R1XX: (S.PROCEEDING, (Do.PASS_UP,)),
        On.R2XX: (S.ACCEPTED, (Do.ARM_M, Do.PASS_UP)),
        On.R3XX_6XX: (S.COMPLETED, (Do.SEND_ACK, Do.ARM_D, Do.PASS_UP)),
        On.TRANSPORT_ERROR: (S.PROCEEDING, ()),  # the INVITE arrived; a lost connection does not unring the phone
        On.ABANDON: (S.TERMINATED, ()),  # 9.1: cancelled, and no final response within 64*T1
    },
    S.COMPLETED: {
        On.R1XX: (S.COMPLETED, ()),  # overtaken by the refusal
        On.R3XX_6XX: (S.COMPLETED, (Do.SEND_ACK,)),  # our ACK was lost
        On.TRANSPORT_ERROR: (S.TERMINATED, ()),  # our side has the answer already; only the ACK failed
        On.TIMER_D: (S.TERMINATED, ()),
    },
    S.ACCEPTED: {
        On.R1XX: (S.ACCEPTED, ()),  # RFC 6026 section 8.4: not passed up
        On.R2XX: (S.ACCEPTED, (Do.PASS_UP,)),  # the dialog repeats its ACK, or ends the fork
        On.TRANSPORT_ERROR: (S.ACCEPTED, ()),
        On.TIMER_M: (S.TERMINATED, ()),
    },
    S.TERMINATED: {},
}
