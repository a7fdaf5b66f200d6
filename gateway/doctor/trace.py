"""The SIP messages of each call, kept for a while: what a ladder is drawn from. Sans-IO and bounded in every direction.

A message is found its call by its leg (the stack's handle, asked of the driver) or by its Call-ID, once one message of
that dialog has been placed. What comes before anybody knows (the INVITE that is challenged) waits under its Call-ID.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gateway.calls import events as ev
from signaling.sip.address import Address

from .ladder import Step, as_dict, draw, happening

MOST_CALLS = 512
MOST_MESSAGES = 200
MOST_BYTES = 256 * 1024
KEPT_BYTES = 32 * 1024 * 1024
"""Of all calls together; the oldest goes first."""
KEPT_FOR = 900.0
"""Seconds that an ended call is kept, at most."""
MOST_DIALOGS = 4096
MOST_WAITING = 256
MOST_WAITING_EACH = 8
MOST_LEGS = 8192
BESIDE_CALLS = ("REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH", "MESSAGE")


class Traced(Protocol):
    """One SIP message as the endpoint tells it, its secrets masked."""

    @property
    def at(self) -> float: ...
    @property
    def inbound(self) -> bool: ...
    @property
    def local(self) -> Address | None: ...
    @property
    def remote(self) -> Address: ...
    @property
    def data(self) -> bytes: ...
    @property
    def call_id(self) -> str: ...
    @property
    def call(self) -> str | None: ...


Placed = tuple[str, str, Traced]
"""Call, leg, message."""
V = TypeVar("V")


@dataclass(slots=True)
class _Trace:
    steps: deque[Step] = field(default_factory=deque)
    bytes: int = 0
    dropped: int = 0
    ended_at: float | None = None
    legs: dict[str, str] = field(default_factory=dict)
    """Leg -> what to write above its column."""

    def add(self, step: Step) -> int:
        """How many bytes more there are now."""
        before = self.bytes
        self.steps.append(step)
        self.bytes += len(step.data)
        while len(self.steps) > MOST_MESSAGES or (self.bytes > MOST_BYTES and len(self.steps) > 1):
            self.bytes -= len(self.steps.popleft().data)
            self.dropped += 1
        return self.bytes - before


class Traces:
    """What was said, call by call."""

    def __init__(self, leg_of: Callable[[str], str | None] = lambda handle: None) -> None:
        self._leg_of = leg_of
        self._calls: OrderedDict[str, _Trace] = OrderedDict()
        self._call_of_leg: OrderedDict[str, str] = OrderedDict()
        self._leg_of_dialog: OrderedDict[str, str] = OrderedDict()
        self._waiting: OrderedDict[str, list[Traced]] = OrderedDict()
        self._bytes = 0

    # ------------------------------------------------------------ what is asked

    def text(self, call: str, *, full: bool = False) -> str | None:
        """The ladder, for people; with `full`, each message below it. None: there is no such call (any more)."""
        trace = self._calls.get(call)
        return None if trace is None else draw(call, trace.steps, trace.legs, trace.dropped, full=full)

    def messages(self, call: str) -> list[dict[str, object]] | None:
        """The same for programs: plain JSON, times in seconds from the first step."""
        trace = self._calls.get(call)
        return None if trace is None else as_dict(trace.steps)

    def call_of(self, leg: str) -> str | None:
        """The call that this leg is in, or was in last."""
        return self._call_of_leg.get(leg)

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def bytes(self) -> int:
        """Of all messages kept."""
        return self._bytes

    # ------------------------------------------------------------ what is heard

    def publish(self, event: ev.CallEvent) -> list[Placed]:
        """A call event: who is in which call, and a line between the arrows. Gives messages that found their call."""
        self._forget(event.at)
        if isinstance(event, ev.CallStarted):
            self._calls.setdefault(event.call, _Trace())
        trace = self._calls.get(event.call)
        if trace is None:
            return []
        placed = self._known(trace, event)
        if (words := happening(event)) is not None:
            self._add(trace, Step(event.at, words=words, leg=getattr(event, "leg", "") or ""))
        if isinstance(event, ev.CallEnded):
            trace.ended_at = event.at
        return placed

    def message(self, message: Traced) -> list[Placed]:
        """A SIP message. Gives the messages that found their call by it: it, and what had waited for it."""
        leg = self._leg_of(message.call) if message.call else None
        leg = leg or self._leg_of_dialog.get(message.call_id)
        if leg is None or leg not in self._call_of_leg:
            self._wait(message)
            return []
        _put(self._leg_of_dialog, message.call_id, leg, MOST_DIALOGS)
        return self._place(leg, [*self._waiting.pop(message.call_id, ()), message])

    # ------------------------------------------------------------ inside

    def _known(self, trace: _Trace, event: ev.CallEvent) -> list[Placed]:
        """Legs that this event brings into its call."""
        legs: Iterable[str] = ()
        match event:
            case ev.CallStarted(leg=leg, kind=kind, caller=caller):
                legs = (leg,) if leg else ()
                if leg:
                    trace.legs[leg] = f"{caller.number} ({kind})"
            case ev.LegRang(leg=leg, kind=kind, address=address, user=user):
                legs = (leg,)
                if kind != "app":
                    trace.legs[leg] = f"{user or _short(address)} ({kind})"
            case ev.CallJoined(legs=joined):
                legs = joined
        for leg in legs:
            _put(self._call_of_leg, leg, event.call, MOST_LEGS)
        return []

    def _wait(self, message: Traced) -> None:
        method = message.data[:12].partition(b" ")[0].decode("latin-1")
        if not message.call_id or method in BESIDE_CALLS:
            return
        if method.startswith("SIP/") and message.call_id not in self._waiting:
            return  # an answer to something that nobody waits for
        waiting = self._waiting.setdefault(message.call_id, [])
        if len(waiting) < MOST_WAITING_EACH:
            waiting.append(message)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)

    def _place(self, leg: str, messages: list[Traced]) -> list[Placed]:
        call = self._call_of_leg[leg]
        trace = self._calls.get(call)
        if trace is None:
            return []
        for message in messages:
            local = "" if message.local is None else str(message.local)
            step = Step(message.at, message.inbound, leg, local, str(message.remote), message.data)
            self._add(trace, step)
        return [(call, leg, message) for message in messages]

    def _add(self, trace: _Trace, step: Step) -> None:
        self._bytes += trace.add(step)
        while self._bytes > KEPT_BYTES and len(self._calls) > 1:
            self._drop()

    def _forget(self, now: float) -> None:
        """Calls end about in the order in which they began: the oldest that is over goes, long calls stay."""
        while len(self._calls) >= MOST_CALLS:
            self._drop()
        oldest = next(iter(self._calls.values()), None)
        if oldest is not None and oldest.ended_at is not None and now - oldest.ended_at > KEPT_FOR:
            self._drop()

    def _drop(self) -> None:
        over = (call for call, trace in self._calls.items() if trace.ended_at is not None)
        call = next(over, None) or next(iter(self._calls))
        self._bytes -= self._calls.pop(call).bytes


def _short(address: str) -> str:
    return address.removeprefix("sip:").partition(";")[0]


def _put(into: OrderedDict[str, V], key: str, value: V, most: int) -> None:
    into[key] = value
    into.move_to_end(key)
    if len(into) > most:
        into.popitem(last=False)
