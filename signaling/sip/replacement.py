"""A new call in the place of one of ours: finding that one (RFC 3891 sections 3 and 4)."""

from __future__ import annotations

from signaling.sip.call import TALKING, Call
from signaling.sip.call_states import State
from signaling.sip.core import Core
from signaling.sip.errors import BadMessage
from signaling.sip.gate import Refusal
from signaling.sip.message import Request
from signaling.sip.replaces import Replaces

RINGING = (State.CALLING, State.PROCEEDING)


def call_of(core: Core, replaces: Replaces) -> Call | None:
    """Whichever way round the tags stand: phones differ in whose point of view a REFER takes."""
    for ours, theirs in ((replaces.to_tag, replaces.from_tag), (replaces.from_tag, replaces.to_tag)):
        call = core.calls.get(ours)
        if call is not None and call.is_with(replaces.call_id, theirs):
            return call
    return None


def replaced_call(core: Core, request: Request) -> str | Refusal | None:
    """The handle of the call that an INVITE wants to replace; None when it does not say so."""
    values = request.headers.all("Replaces")
    if not values:
        return None
    if len(values) > 1:
        return Refusal(400, (), "an INVITE with two Replaces")  # section 3
    try:
        replaces = Replaces.parse(values[0])
    except BadMessage as error:
        return Refusal(400, (), str(error))
    call = core.calls.get(replaces.to_tag)
    if call is None or not call.is_with(replaces.call_id, replaces.from_tag):
        return Refusal(481, (), "an INVITE that replaces a call that is not here")
    if call.state in TALKING:
        early = Refusal(486, (), "an INVITE that replaces a call only while it rings: it is answered")
        return early if replaces.early_only else call.handle
    if call.outgoing and call.state in RINGING:
        return call.handle
    return Refusal(481, (), "an INVITE that replaces a call that others have begun, or that is ending")  # section 3
