"""The one stream of events, folded into what is known of each call. Pure: time comes with the events.

A call's facts end with the call; parties that go over into another call take theirs along.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.calls import events as ev
from gateway.calls.causes import Ending

from .described import read
from .leg import LegFacts

MOST_LEGS = 64
MOST_REPORTS = 8
BAD_LOSS, BAD_JITTER, BAD_RTT = 0.05, 60.0, 500.0
"""A measurement worse than this counts: share of packets, milliseconds, milliseconds (ITU-T G.114: 150 ms one way is
good, 400 ms is the limit)."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the configuration says that explains calls."""

    trunk_users: dict[str, str] = field(default_factory=dict)
    """Trunk -> the user that it is registered (or known) as."""
    codecs: tuple[str, ...] = ()
    rtp_host: str = ""
    """Where sockets towards phones are bound."""
    rtp_advertised: str = ""


@dataclass(slots=True)
class CallFacts:
    """One call."""

    id: str
    setup: Setup
    started_at: float = 0.0
    now: float = 0.0
    """When the last event was."""
    caller: str = ""
    kind: str = ""
    dialled: str = ""
    trunk: str = ""
    routes: list[str] = field(default_factory=list)
    targets: tuple[str, ...] = ()
    answered_at: float | None = None
    ending: Ending | None = None
    ended_by: str | None = None
    legs: dict[str, LegFacts] = field(default_factory=dict)
    holding: set[str] = field(default_factory=set)
    proven: bool = False
    """Phones have been heard in this or in other calls: the address that we tell them is right."""

    @property
    def parties(self) -> list[LegFacts]:
        """People: what has a device."""
        return [leg for leg in self.legs.values() if leg.kind in ("sip", "browser")]

    @property
    def talked(self) -> float:
        """Seconds from the answer until now."""
        return 0.0 if self.answered_at is None else self.now - self.answered_at

    def others(self, leg: LegFacts) -> list[LegFacts]:
        """Who was in the conversation with it."""
        return [p for p in self.parties if p is not leg and (p.up or p.expected(self.now) > 0)]

    # ------------------------------------------------------------ folding

    def fold(self, event: ev.CallEvent) -> None:
        self.now = max(self.now, event.at)
        match event:
            case ev.CallStarted():
                self._started(event)
            case ev.CallRouted(route=route, targets=targets):
                self.routes = [*self.routes, route][-MOST_REPORTS:]
                self.targets = targets
            case ev.CallHeld(leg=holder, on=on):
                (self.holding.add if on else self.holding.discard)(holder)
                self._expect()
            case ev.CallAnswered(leg=winner):
                self._answered(winner)
            case ev.CallEnded(ending=ending, by=by):
                self.ending, self.ended_by = ending, by
                for leg in self.legs.values():
                    leg.leave(event.at)
            case _:
                self._of_leg(event)

    def _started(self, event: ev.CallStarted) -> None:
        self.started_at, self.caller, self.kind = event.at, event.caller.number, event.kind
        self.dialled, self.trunk = event.dialled, event.trunk
        if event.leg and event.leg not in self.legs:
            leg = LegFacts(event.leg, event.kind, called=False, user=event.caller.user, number=event.caller.number)
            if event.trunk:
                leg.address = f"trunk:{event.trunk}"
            self.legs[event.leg] = leg

    def _answered(self, answered: str) -> None:
        if self.answered_at is None:
            self.answered_at = self.now
        for leg in self.legs.values():
            leg.up = leg.up or leg.leg == answered or not leg.called
        self._expect()

    def _expect(self) -> None:
        for leg in self.legs.values():
            leg.expect(bool(self.holding), self.now)

    def _of_leg(self, event: ev.CallEvent) -> None:
        name = getattr(event, "leg", None)
        if isinstance(event, ev.LegRang | ev.LegAnswered):
            self._called(event)
        leg = self.legs.get(name) if isinstance(name, str) else None
        if leg is None:
            return
        match event:
            case ev.LegAnswered():
                leg.up = True
            case ev.LegLeft(ending=ending):
                leg.leave(event.at)
                leg.left = leg.left or ending
                self.holding.discard(leg.leg)
                self._expect()
            case ev.LegDescribed(side=side, sdp=sdp):
                self.describe(leg, side, sdp)
            case ev.LegMedia(codec=codec, direction=direction):
                leg.codec, leg.direction = codec, direction
            case ev.LegHeard(source=source):
                leg.heard_at = event.at if leg.heard_at is None else leg.heard_at
                leg.source = source or leg.source
                leg.stated = leg.stated or (leg.theirs.host if leg.theirs is not None else "")
            case ev.LegTransport(state=state):
                leg.connected = leg.connected or state == "connected"
                leg.drops += state == "disconnected"
            case ev.LegQuality(stats=stats):
                open_ = leg.up and not leg.muted and not self.holding
                leg.figures.add(stats, open=open_, limits=(BAD_LOSS, BAD_JITTER, BAD_RTT))
            case ev.CallMuted(on=on):
                leg.muted = on
            case ev.CallSilent(on=on):
                leg.silent_since = event.at if on else None
        leg.expect(bool(self.holding), event.at)

    def _called(self, event: ev.LegRang | ev.LegAnswered) -> None:
        if event.leg not in self.legs and len(self.legs) < MOST_LEGS:
            self.legs[event.leg] = LegFacts(event.leg, event.kind, address=event.address, user=event.user)

    def describe(self, leg: LegFacts, side: str, sdp: str) -> None:
        """A description of one side; what holds by it (sendonly) still says where they are."""
        found = read(sdp)
        if found is not None:
            setattr(leg, "ours" if side == "ours" else "theirs", found)
            if side == "theirs" and leg.heard_at is not None and not leg.stated:
                leg.stated = found.host  # audio may be faster than the answer (RFC 3264 section 5.1)

    def sip(self, leg: str, data: bytes, inbound: bool, remote: str) -> None:
        """A SIP message of a leg."""
        facts = self.legs.get(leg)
        if facts is None:
            return
        described = facts.sip.add(data, inbound, remote)
        if described is not None and (facts.theirs if inbound else facts.ours) is None:
            self.describe(facts, "theirs" if inbound else "ours", described[1])

    def report(self, leg: str, code: str, detail: str) -> None:
        """What a page says of itself."""
        facts = self.legs.get(leg)
        if facts is not None and (code in facts.reports or len(facts.reports) < MOST_REPORTS):
            facts.reports[code] = detail
