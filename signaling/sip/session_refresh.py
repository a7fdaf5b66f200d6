"""One refresh of a session (RFC 4028 section 7.4): UPDATE without an offer where the other side speaks that, else the
same offer once more. Our application hears of neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.sip.call_states import On as CallOn
from signaling.sip.dialog import is_lost
from signaling.sip.errors import SipError
from signaling.sip.message import Response
from signaling.sip.session_timer_states import On

if TYPE_CHECKING:
    from signaling.sip.call import Call
    from signaling.sip.client import ClientRequest

WORDS = "session timer"  # with which the reason of a call that it ends begins


def refresh(call: Call, now: float) -> None:
    """Send it; what comes of it is fed to the call's timer."""
    if not call.talks:
        call.session.feed(On.FAILED, now)
    elif call.updates:
        Update(call).send(now)
    else:
        call.offers.refresh(now)


class Update:
    """A refresh by UPDATE that is out."""

    __slots__ = ("_call", "_client")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._client: ClientRequest | None = None

    def send(self, now: float) -> None:
        call = self._call
        headers = [*call.session.ask(call.core.config), ("Supported", call.core.supported)]
        self._client = call.request("UPDATE", self._result, now, headers=headers)

    def _result(self, result: Response | SipError, now: float) -> None:
        call, client = self._call, self._client
        if isinstance(result, Response) and result.status < 200:
            return
        self._client = None
        if isinstance(result, Response) and result.status < 300 and call.dialog is not None and client is not None:
            call.dialog.refresh(result, client.peer)
            call.session.answered(client.request, result, call.core.config, now)
            return
        if isinstance(result, Response) and result.status in (405, 501):
            call.updates = False
        call.session.feed(On.FAILED, now)
        ended_by(call, result, now)


def ended_by(call: Call, result: Response | SipError, now: float) -> bool:
    """Whether what came of a refresh says that the call is no more (RFC 3261 section 12.2.1.2); then it has ended."""
    return is_lost(result) and call.feed(CallOn.LOST, now, f"{WORDS}: {call.why(result)}")
