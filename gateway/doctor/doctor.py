"""The doctor: hears everything, says what was wrong. Sans-IO: time comes with the events; nothing raises or blocks.

publish(call event)   message(SIP message)   report(page's report)   registration(trunk's state)
                      ->  verdicts(call), standing(), traces
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from gateway.calls import events as ev

from .browser_rules import BROWSER
from .facts import CallFacts, Setup
from .media_rules import MEDIA
from .rules import Rule, Verdict, judge
from .sip_rules import SIGNALING
from .standing import Standing
from .trace import Traced, Traces
from .trunk_rules import TRUNKS

RULES: tuple[Rule, ...] = (*MEDIA, *BROWSER, *SIGNALING, *TRUNKS)
MOST_LIVE = 4096
MOST_KEPT = 1024
"""Calls that are over, and whose verdicts are still known."""

OnVerdicts = Callable[[str, list[Verdict]], None]


class Doctor:
    """A subscriber of the call events. `on_verdicts` is called when a call has ended, if there is something to say.

    `leg_of` tells the leg that a handle of the SIP stack belongs to, None while (or once) nobody knows.
    """

    def __init__(
        self,
        setup: Setup | None = None,
        *,
        leg_of: Callable[[str], str | None] = lambda handle: None,
        on_verdicts: OnVerdicts = lambda call, verdicts: None,
    ) -> None:
        self.traces = Traces(leg_of)
        self.on_verdicts = on_verdicts
        self._setup = setup or Setup()
        self._live: OrderedDict[str, CallFacts] = OrderedDict()
        self._over: OrderedDict[str, list[Verdict]] = OrderedDict()
        self._standing = Standing()
        self._proven = False

    # ------------------------------------------------------------ what is asked

    def verdicts(self, call: str) -> list[Verdict]:
        """Of a live call as it looks now, or of one that has ended; empty: nothing is wrong, or nothing is known."""
        facts = self._live.get(call)
        return self._judge(facts) if facts is not None else list(self._over.get(call, ()))

    def standing(self) -> dict[str, Verdict]:
        """What is wrong beside calls, by whom it is about: "trunk:office", "phone:101@192.0.2.7"."""
        return self._standing.verdicts()

    # ------------------------------------------------------------ what is heard

    def publish(self, event: ev.CallEvent) -> None:
        """Every event of every call, in order."""
        for seen in self.traces.publish(event):
            self._sip(*seen)
        match event:
            case ev.CallStarted(call=call):
                self._live.setdefault(call, CallFacts(call, self._setup))
                if len(self._live) > MOST_LIVE:
                    self._live.popitem(last=False)
                self._bring(call, event.leg)
            case ev.CallJoined(call=call, legs=legs):
                for leg in legs:
                    self._bring(call, leg)
        facts = self._live.get(event.call)
        if facts is not None:
            facts.fold(event)
            self._proven = self._proven or (isinstance(event, ev.LegHeard) and bool(event.source))
            if isinstance(event, ev.CallEnded):
                self._end(facts)

    def message(self, message: Traced) -> None:
        """Every SIP message, in or out, its secrets masked."""
        for seen in self.traces.message(message):
            self._sip(*seen)
        self._standing.message(message.data, message.inbound, message.remote.host)

    def report(self, leg: str, code: str, detail: str = "") -> None:
        """What a page says of itself: "microphone-denied", "turn-unreachable" ... (docs/browser-protocol.md)."""
        call = self.traces.call_of(leg)
        if call is not None and (facts := self._live.get(call)) is not None:
            facts.report(leg, code, detail[:200])

    def registration(self, trunk: str, state: str, status: int, reason: str) -> None:
        """How our registration at a trunk stands."""
        self._standing.registration(trunk, state, status, reason)

    # ------------------------------------------------------------ inside

    def _sip(self, call: str, leg: str, message: Traced) -> None:
        if (facts := self._live.get(call)) is not None:
            facts.sip(leg, message.data, message.inbound, str(message.remote))

    def _judge(self, facts: CallFacts) -> list[Verdict]:
        facts.proven = self._proven
        return judge(facts, RULES)

    def _bring(self, call: str, leg: str) -> None:
        """A party comes over from another call, and what is known of it comes along."""
        for other in self._live.values():
            if other.id != call and leg in other.legs:
                self._live[call].legs.setdefault(leg, other.legs.pop(leg))
                return

    def _end(self, facts: CallFacts) -> None:
        verdicts = self._judge(facts)
        del self._live[facts.id]
        self._over[facts.id] = verdicts
        if len(self._over) > MOST_KEPT:
            self._over.popitem(last=False)
        if verdicts:
            self.on_verdicts(facts.id, verdicts)
