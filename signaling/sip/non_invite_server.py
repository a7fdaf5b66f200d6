"""The non-INVITE server transaction: RFC 3261 section 17.2.2, figure 8.

As amended by RFC 6026 section 7.1 a transport error ends nothing: the request will be repeated, and so will the answer.
"""

from __future__ import annotations

from signaling.sip.transaction_states import Do, On, State, Table

S = State

START = S.TRYING

NON_INVITE_SERVER: Table = {
    S.TRYING: {
        On.REQUEST: (S.TRYING, ()),  # 17.2.2: nothing to repeat yet
        On.SEND_1XX: (S.PROCEEDING, (Do.TRANSMIT,)),
        On.SEND_2XX: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_J)),
        On.SEND_3XX_6XX: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_J)),
    },
    S.PROCEEDING: {
        On.REQUEST: (S.PROCEEDING, (Do.TRANSMIT,)),
        On.SEND_1XX: (S.PROCEEDING, (Do.TRANSMIT,)),
        On.SEND_2XX: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_J)),
        On.SEND_3XX_6XX: (S.COMPLETED, (Do.TRANSMIT, Do.ARM_J)),
        On.TRANSPORT_ERROR: (S.PROCEEDING, (Do.REPORT_ERROR,)),
    },
    S.COMPLETED: {
        On.REQUEST: (S.COMPLETED, (Do.TRANSMIT,)),
        On.TRANSPORT_ERROR: (S.COMPLETED, (Do.REPORT_ERROR,)),
        On.TIMER_J: (S.TERMINATED, ()),
    },
    S.TERMINATED: {},
}
