"""A transaction: one request, its responses and their retransmissions (RFC 3261 section 17).

The four tables decide; the two classes here carry out. A client transaction tells its user, through one callable, every
response it should see, or the error that took the response's place. A server transaction is told what to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from signaling.sip import invite_client, invite_server, non_invite_client, non_invite_server
from signaling.sip.address import Address
from signaling.sip.errors import SipError, TransactionTimeout, TransportFailed
from signaling.sip.headers import Headers
from signaling.sip.message import Request, Response
from signaling.sip.timers import Deadline, Schedule, Timer, Timers
from signaling.sip.transaction_states import ARMS, FIRES, Do, On, State, Table
from signaling.sip.way_back import way_back

Key = tuple[str, ...]
OnResult = Callable[[Response | SipError, float], None]
OnAck = Callable[[Request, float], None]

RESPONSES = {1: On.R1XX, 2: On.R2XX}
SENDS = {1: On.SEND_1XX, 2: On.SEND_2XX}


class Room(Protocol):
    """What a transaction needs of the layer it lives in."""

    timers: Timers
    schedule: Schedule

    def send(self, data: bytes, to: Address) -> None: ...
    def terminated(self, transaction: Transaction) -> None: ...


class Transaction:
    """What client and server share: a state, a table, timers."""

    __slots__ = ("_armed", "_intervals", "_room", "key", "state", "table", "to")

    def __init__(self, room: Room, key: Key, to: Address, table: Table, state: State) -> None:
        self.key = key
        self.to = to
        self.table = table
        self.state = state
        self._room = room
        self._armed: dict[Timer, Deadline] = {}
        self._intervals: dict[Timer, float] = {}

    def __str__(self) -> str:
        return f"{type(self).__name__}({' '.join(self.key)}, {self.state.name})"

    @property
    def reliable(self) -> bool:
        return self.to.reliable

    def feed(self, on: On, now: float, message: Request | Response | None = None) -> bool:
        """Take one step of the table. False: this state has no such step, and nothing happened."""
        step = self.table[self.state].get(on)
        if step is None:
            return False
        self._enter(step, now, message)
        return True

    def _enter(self, step: tuple[State, tuple[Do, ...]], now: float, message: Request | Response | None) -> None:
        self.state, actions = step
        for action in actions:
            if action in ARMS:
                self._arm(ARMS[action], now)
            elif action is Do.SLOW_E:
                self._intervals[Timer.E] = self._room.timers.t2
                self._set(Timer.E, self._room.timers.t2, now)
            elif action is Do.STOP:
                self._stop()
            else:
                self._do(action, now, message)
        if self.state is State.TERMINATED:
            self._stop()
            self._room.terminated(self)
            self._forget()

    def _arm(self, timer: Timer, now: float) -> None:
        timers = self._room.timers
        last = self._intervals.get(timer)
        seconds = timers.duration(timer, self.reliable) if last is None else timers.next_interval(timer, last)
        if seconds is not None:
            self._intervals[timer] = seconds
            self._set(timer, seconds, now)

    def _set(self, timer: Timer, seconds: float, now: float) -> None:
        on = FIRES[timer]
        self._armed[timer] = self._room.schedule.at(now + seconds, lambda at: self._fire(timer, on, at))

    def _fire(self, timer: Timer, on: On, now: float) -> None:
        self._armed.pop(timer, None)
        self.feed(on, now)

    def _stop(self) -> None:
        for deadline in self._armed.values():
            deadline.cancel()
        self._armed.clear()

    def _do(self, action: Do, now: float, message: Request | Response | None) -> None:
        raise NotImplementedError

    def _forget(self) -> None:
        """Let go of whoever started this, so that nothing waits for a garbage collection."""
        raise NotImplementedError


class ClientTransaction(Transaction):
    """A request of ours. `request` carries our Via; `on_result` hears responses, or the error in their place."""

    __slots__ = ("_ack", "_data", "_on_result", "request")

    def __init__(self, room: Room, key: Key, request: Request, to: Address, on_result: OnResult) -> None:
        invite = request.method == "INVITE"
        table = invite_client.INVITE_CLIENT if invite else non_invite_client.NON_INVITE_CLIENT
        super().__init__(room, key, to, table, State.CALLING if invite else State.TRYING)
        self.request = request
        self._data = bytes(request)
        self._ack = b""
        self._on_result: OnResult | None = on_result

    def start(self, now: float) -> None:
        invite = self.table is invite_client.INVITE_CLIENT
        self._enter(invite_client.START if invite else non_invite_client.START, now, None)

    def receive(self, response: Response, now: float) -> bool:
        return self.feed(RESPONSES.get(response.status // 100, On.R3XX_6XX), now, response)

    def _do(self, action: Do, now: float, message: Request | Response | None) -> None:
        match action:
            case Do.TRANSMIT:
                self._room.send(self._data, self.to)
            case Do.SEND_ACK:
                assert isinstance(message, Response)
                self._ack = self._ack or bytes(ack_for_refusal(self.request, message))
                self._room.send(self._ack, self.to)
            case Do.PASS_UP:
                assert isinstance(message, Response)
                self._tell(message, now)
            case Do.REPORT_TIMEOUT:
                self._tell(TransactionTimeout(f"no answer to {self.request.method} from {self.to}"), now)
            case Do.REPORT_ERROR:
                self._tell(TransportFailed(f"cannot reach {self.to}"), now)

    def _tell(self, result: Response | SipError, now: float) -> None:
        if self._on_result is not None:
            self._on_result(result, now)

    def _forget(self) -> None:
        self._on_result = None


class ServerTransaction(Transaction):
    """A request to us, from `source`. `on_ack` hears an ACK that came with the INVITE's own branch after a 2xx."""

    __slots__ = ("_data", "final", "on_ack", "owner", "request", "source")

    def __init__(self, room: Room, key: Key, request: Request, source: Address) -> None:
        invite = request.method == "INVITE"
        table = invite_server.INVITE_SERVER if invite else non_invite_server.NON_INVITE_SERVER
        start = invite_server.START if invite else non_invite_server.START
        super().__init__(room, key, way_back(request, source), table, start)
        self.request = request
        self.source = source
        self.final: int | None = None
        self.on_ack: OnAck | None = None
        self.owner = ""  # the handle of the call that an INVITE belongs to
        self._data = b""

    @property
    def answered(self) -> bool:
        """A response other than the automatic 100 is not owed any more, or has been sent."""
        return bool(self._data)

    def receive(self, request: Request, now: float) -> bool:
        """The same request again, or its ACK."""
        return self.feed(On.ACK if request.method == "ACK" else On.REQUEST, now, request)

    def respond(self, response: Response, now: float) -> bool:
        """Send `response`. False: too late, a final one has gone before it."""
        on = SENDS.get(response.status // 100, On.SEND_3XX_6XX)
        if on not in self.table[self.state]:
            return False
        self._data = bytes(response)
        self.final = response.status if response.status >= 200 else None
        return self.feed(on, now, response)

    def repeat_provisional(self, now: float) -> bool:
        """The 1xx once more, until its PRACK comes (RFC 3262 section 3)."""
        return self.feed(On.SEND_1XX, now)

    def repeat(self, now: float) -> bool:
        """The 2xx once more, on the dialog's behalf (section 13.3.1.4)."""
        return self.feed(On.SEND_2XX, now)

    def _do(self, action: Do, now: float, message: Request | Response | None) -> None:
        match action:
            case Do.TRANSMIT:
                if self._data:
                    self._room.send(self._data, self.to)
            case Do.PASS_UP:
                if self.on_ack is not None and isinstance(message, Request):
                    self.on_ack(message, now)
            case _:  # nobody to tell: without ACK a refusal is still a refusal, and lost responses are asked for again
                pass

    def _forget(self) -> None:
        self.on_ack = None


def ack_for_refusal(request: Request, response: Response) -> Request:
    """RFC 3261 section 17.1.1.3: the INVITE's Request-URI, top Via, Route, From and Call-ID; To of the response."""
    headers = Headers()
    headers.add("Via", request.headers.all("Via")[0])
    for route in request.headers.all("Route"):
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    headers.add("From", request.headers.get("From") or "")
    headers.add("To", response.headers.get("To") or "")
    headers.add("Call-ID", request.call_id)
    headers.add("CSeq", f"{request.cseq.number} ACK")
    return Request("ACK", request.uri, headers, b"")
