"""The non-INVITE client transaction: RFC 3261 section 17.1.2, figure 6.

Everything but INVITE and ACK: answered by machines, so it has 64*T1 to end, provisional responses or not.
"""

from __future__ import annotations

from signaling.sip.transaction_states import Do, On, State, Table

S = State

START = (S.TRYING, (Do.TRANSMIT, Do.ARM_E, Do.ARM_F))

NON_INVITE_CLIENT: Table = {
    S.TRYING: {
        On.TIMER_E: (S.TRYING, (Do.TRANSMIT, Do.ARM_E)),  # 17.1.2.2: T1, doubling up to T2, UDP only
        On.TIMER_F: (S.TERMINATED, (Do.REPORT_TIMEOUT,)),
        On.TRANSPORT_ERROR: (S.TERMINATED, (Do.REPORT_ERROR,)),
        On.R1XX: (S.PROCEEDING, (Do.PASS_UP,)),  # F runs on
        On.R2XX: (S.COMPLETED, (Do.STOP, Do.ARM_K, Do.PASS_UP)),
        On.R3XX_6XX: (S.COMPLETED, (Do.STOP, Do.ARM_K, Do.PASS_UP)),
    },
    S.PROCEEDING: {
        On.TIMER_E: (S.PROCEEDING, (Do.TRANSMIT, Do.SLOW_E)),  # 17.1.2.2: "reset with a value of T2"
        On.TIMER_F: (S.TERMINATED, (Do.REPORT_TIMEOUT,)),
        On.TRANSPORT_ERROR: (S.TERMINATED, (Do.REPORT_ERROR,)),
        On.R1XX: (S.PROCEEDING, (Do.PASS_UP,)),
        On.R2XX: (S.COMPLETED, (Do.STOP, Do.ARM_K, Do.PASS_UP)),
        On.R3XX_6XX: (S.COMPLETED, (Do.STOP, Do.ARM_K, Do.PASS_UP)),
    },
    S.COMPLETED: {
        On.R1XX: (S.COMPLETED, ()),
        On.R2XX: (S.COMPLETED, ()),
        On.R3XX_6XX: (S.COMPLETED, ()),
        On.TRANSPORT_ERROR: (S.COMPLETED, ()),
        On.TIMER_K: (S.TERMINATED, ()),
    },
    S.TERMINATED: {},
}
