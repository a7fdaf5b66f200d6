"""Provisional responses that arrive (RFC 3262): ours where a caller requires it, theirs where they wish it.

We never require it. `Reliable` repeats ours until their PRACK; `Acknowledger` sends the PRACKs for theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from signaling.sip.client import ClientRequest
from signaling.sip.dialog import Dialog
from signaling.sip.hop import next_hops
from signaling.sip.message import Request, Response
from signaling.sip.reliable_states import RELIABLE, Do, On, State
from signaling.sip.timers import Deadline, Schedule, Timers

if TYPE_CHECKING:
    from signaling.sip.uac import OutgoingCall

TAG = "100rel"
_RACK = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+INVITE", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,10}")


def _nothing(*_: float) -> None:
    """What is left to do when it is over."""


def requires(message: Request | Response) -> bool:
    return any(tag.lower() == TAG for tag in message.headers.all("Require"))


class Reliable:
    """Ours, of one INVITE. `transmit` sends the latest with this RSeq, `repeat` the same bytes again."""

    def __init__(
        self,
        schedule: Schedule,
        timers: Timers,
        first: int,
        transmit: Callable[[int, float], object],
        repeat: Callable[[float], object],
        give_up: Callable[[float], object],
    ) -> None:
        self.state = State.FREE
        self.number = first  # of the next one
        self._schedule, self._timers = schedule, timers
        self._transmit, self._repeat, self._give_up = transmit, repeat, give_up
        self._waiting = False
        self._interval = 0.0
        self._alarms: list[Deadline] = []

    @property
    def waits(self) -> bool:
        return self.state is State.REPEATING

    def feed(self, on: On, now: float) -> bool:
        step = RELIABLE[self.state].get(on)
        if step is None:
            return False
        self.state, actions = step
        for action in actions:
            self._do(action, now)
        return True

    def awaits(self, request: Request, invite: Request) -> bool:
        """Whether this is the PRACK for what we said last (section 3; else 481)."""
        match = _RACK.fullmatch((request.headers.get("RAck") or "").strip())
        if match is None or not self.waits:
            return False
        return (int(match[1]), int(match[2])) == (self.number - 1, invite.cseq.number)

    def _do(self, action: Do, now: float) -> None:
        match action:
            case Do.TRANSMIT:
                self.number += 1
                self._transmit(self.number - 1, now)
                self._interval = self._timers.t1
                self._alarms = [
                    self._schedule.at(now + self._timers.limit, lambda at: self.feed(On.LIMIT, at)),
                    self._schedule.at(now + self._interval, lambda at: self.feed(On.AGAIN, at)),
                ]
            case Do.REPEAT:
                self._repeat(now)
                self._interval *= 2  # section 3: doubled, without T2 as a bound
                self._alarms[1] = self._schedule.at(now + self._interval, lambda at: self.feed(On.AGAIN, at))
            case Do.KEEP:
                self._waiting = True
            case Do.NEXT:
                if self._waiting:
                    self._waiting = False
                    self.feed(On.SEND, now)
            case Do.STOP:
                for alarm in self._alarms:
                    alarm.cancel()
                self._alarms = []
            case Do.GIVE_UP:
                self._give_up(now)

    def close(self) -> None:
        self.feed(On.CLOSE, 0.0)  # which needs no clock
        self._transmit, self._repeat, self._give_up = _nothing, _nothing, _nothing  # they hold the call


class Acknowledger:
    """Theirs, of one INVITE of ours: for each phone that rings its early dialog and the last RSeq."""

    def __init__(self, call: OutgoingCall) -> None:
        self._call: OutgoingCall | None = call
        self._dialogs: dict[str, tuple[Dialog, int]] = {}
        self._bodies: dict[str, bytes] = {}

    def receive(self, response: Response, now: float) -> bool:
        """A provisional response. False: a copy, or one out of order, which nobody is to hear of (section 4)."""
        call, tag = self._call, response.to.tag
        text = (response.headers.get("RSeq") or "").strip()
        if call is None or tag is None or not requires(response) or not _NUMBER.fullmatch(text):
            return True
        number = int(text)
        known = self._dialogs.get(tag)
        if known is not None and number != known[1] + 1:
            return False
        if known is None and len(self._dialogs) >= call.most_forks:
            return False
        dialog = known[0] if known is not None else Dialog.of_caller(call.invite, response, call.peer)
        self._dialogs[tag] = (dialog, number)
        if response.body:
            self._bodies.setdefault(tag, response.body)
        self._send(call, dialog, f"{number} {response.cseq}", now)
        return True

    def _send(self, call: OutgoingCall, dialog: Dialog, rack: str, now: float) -> None:
        request = dialog.request("PRACK")
        request.headers.add("RAck", rack)
        request.headers.add("User-Agent", call.core.config.user_agent)
        hops = next_hops(dialog.next_hop, dialog.peer, call.called)
        ClientRequest(call.core, request, hops, lambda result, at: None, digest=call.digest, dialog=dialog).send(now)

    def answer_of(self, response: Response) -> bytes:
        """What a 2xx answers; it may be silent about what a provisional response has said already (section 5)."""
        return response.body or self._bodies.get(response.to.tag or "", b"")

    def sequence_of(self, response: Response) -> int:
        """The last CSeq used with that phone."""
        known = self._dialogs.get(response.to.tag or "")
        return known[0].local_sequence if known is not None else 0

    def close(self) -> None:
        self._call = None
        self._dialogs.clear()
        self._bodies.clear()
