"""Noticing that a call is dead although nobody hung up: its session has to be refreshed (RFC 4028).

`session_timer_states` decides; this reads and writes Session-Expires and Min-SE, and holds the two alarms of one call.
A peer that does not speak timers is refreshed by us all the same (sections 7.2 and 9): what we hear from that ends a
call whose other side is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.sip.call_states import On as CallOn
from signaling.sip.grammar import get_param, parse_params
from signaling.sip.headers import Headers
from signaling.sip.message import Request, Response
from signaling.sip.session_refresh import WORDS, refresh
from signaling.sip.session_timer_states import REFRESHER, TIMER, Do, On, State
from signaling.sip.timers import Deadline

if TYPE_CHECKING:
    from signaling.sip.call import Call
    from signaling.sip.config import StackConfig

LEAST = 90  # seconds: section 4
MOST = 86400
RETRY = 10.0  # seconds until a refresh that came to nothing is tried again
Lines = tuple[tuple[str, str], ...]


def seconds_of(headers: Headers, name: str) -> tuple[int | None, str | None]:
    """Session-Expires or Min-SE: its seconds, and its refresher; None where it is not there or cannot be read."""
    digits, _, rest = (headers.get(name) or "").partition(";")
    digits = digits.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None, None
    refresher = (get_param(parse_params(rest), "refresher") or "").lower()
    return min(int(digits), MOST), refresher if refresher in ("uac", "uas") else None


def speaks(request: Request) -> bool:
    tags = (*request.headers.all("Supported"), *request.headers.all("Require"))
    return any(tag.lower() == "timer" for tag in tags)


def too_short(config: StackConfig, request: Request) -> Lines:
    """The Min-SE for a 422; nothing when the interval is long enough (section 9)."""
    offered, _ = seconds_of(request.headers, "Session-Expires")
    if not config.session_timer or offered is None or offered >= least_of(config) or not speaks(request):
        return ()
    return (("Min-SE", str(least_of(config))),)


def least_of(config: StackConfig) -> int:
    """The shortest interval that we take, seconds."""
    return max(LEAST, config.min_se)


def most_of(config: StackConfig) -> int:
    """The one that we wish for, seconds."""
    return max(least_of(config), config.session_expires)


def lengthen(request: Request, refusal: Response) -> bool:
    """Ask for as long an interval as a 422 wants (section 7.3). False: it wants nothing that we can give."""
    least, _ = seconds_of(refusal.headers, "Min-SE")
    asked, refresher = seconds_of(request.headers, "Session-Expires")
    if least is None or asked is None or not asked < least < MOST:
        return False
    request.headers.set("Session-Expires", f"{least};refresher={refresher}" if refresher else str(least))
    request.headers.set("Min-SE", str(least))
    return True


def wanted(config: StackConfig) -> Lines:
    """What our first INVITE asks for (section 7.1)."""
    if not config.session_timer:
        return ()
    return (("Session-Expires", str(most_of(config))), ("Min-SE", str(least_of(config))))


class SessionTimer:
    """That of one call."""

    __slots__ = ("_call", "_due", "_end", "_interval", "state")

    def __init__(self) -> None:
        self.state = State.OFF
        self._call: Call | None = None
        self._interval = 0
        self._due: Deadline | None = None
        self._end: Deadline | None = None

    def belong(self, call: Call) -> None:
        self._call = call

    def feed(self, on: On, now: float) -> None:
        step = TIMER[self.state].get(on)
        if step is None:
            return
        self.state, actions = step
        for action in actions:
            self._do(action, now)

    # agreeing

    def ask(self, config: StackConfig) -> Lines:
        """For a (re-)INVITE or UPDATE of ours within the call: who refreshes stays who it was (section 7.4)."""
        if not config.session_timer:
            return ()
        seconds = self._interval or most_of(config)
        role = {State.WAITING: ";refresher=uas", State.OFF: ""}.get(self.state, ";refresher=uac")
        return ("Session-Expires", f"{seconds}{role}"), ("Min-SE", str(least_of(config)))

    def answered(self, request: Request, response: Response, config: StackConfig, now: float) -> None:
        """A 2xx to such a request (section 7.2)."""
        asked, _ = seconds_of(request.headers, "Session-Expires")
        if not config.session_timer or asked is None:
            return
        granted, refresher = seconds_of(response.headers, "Session-Expires")
        self._interval = max(LEAST, granted or asked)
        self.feed(On.THEIRS if granted and refresher == "uas" else On.OURS, now)

    def agree(self, request: Request, config: StackConfig, now: float) -> Lines:
        """For our 2xx to such a request (section 9)."""
        if not config.session_timer:
            return ()
        offered, refresher = seconds_of(request.headers, "Session-Expires")
        least, _ = seconds_of(request.headers, "Min-SE")
        spoken = speaks(request)
        own = max(most_of(config), least or 0)
        self._interval = max(LEAST, min(offered, own) if offered else own)
        if refresher is None and self.state in (State.RESTING, State.REFRESHING):
            refresher = "uas"  # it was us
        refresher = REFRESHER[spoken, refresher]
        self.feed(On.OURS if refresher == "uas" else On.THEIRS, now)
        lines = ("Session-Expires", f"{self._interval};refresher={refresher}")
        return (lines, ("Require", "timer")) if spoken else (lines,)

    # the table's actions

    def _do(self, action: Do, now: float) -> None:
        match action:
            case Do.AWAIT_DUE:
                self._watch(now)
                self._arm_due(now + self._interval / 2)
            case Do.AWAIT_THEIRS:
                self._watch(now)
                self._arm_due(now + self._interval * 0.75)
            case Do.REFRESH if self._call is not None:
                refresh(self._call, now)
            case Do.AWAIT_RETRY:
                self._arm_due(now + RETRY)
            case Do.END if self._call is not None:
                self._call.feed(CallOn.LOST, now, f"{WORDS}: no sign of life in {self._interval} seconds")
            case Do.STOP:
                self._stop()

    def _watch(self, now: float) -> None:
        """Section 10: the BYE goes out a little before the end, so that no proxy has forgotten the call."""
        if self._end is not None:
            self._end.cancel()
        end = now + self._interval - min(32, self._interval / 3)
        self._end = self._schedule(end, On.EXPIRED)

    def _arm_due(self, when: float) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self._schedule(when, On.DUE)

    def _schedule(self, when: float, on: On) -> Deadline:
        assert self._call is not None
        return self._call.core.schedule.at(when, lambda now: self.feed(on, now))

    def _stop(self) -> None:
        for alarm in (self._due, self._end):
            if alarm is not None:
                alarm.cancel()
        self._due = self._end = None

    def close(self, now: float) -> None:
        self.feed(On.CLOSE, now)
        self._call = None  # the two hold each other
