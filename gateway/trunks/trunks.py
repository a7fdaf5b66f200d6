"""All trunks: asked before a call goes out, told what becomes of it, and read by whoever wants to know how they are.

Sans-IO: time is an argument. A leg that `begin` has let through counts until `over`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.calls.allowance import Allowance
from gateway.trunks import words
from gateway.trunks.health import Health, On, State
from gateway.trunks.match import Matcher
from gateway.trunks.trunk import Trunk
from gateway.trunks.view import ServerView, TrunkView
from signaling.sip.registration import RegistrationChanged
from signaling.sip.uri import Uri

SECOND_SERVER = "#"
"""Between a trunk's name and the number of a further server in a registration's id: "office#2"."""


@dataclass(slots=True)
class _Kept:
    """What is known of one trunk."""

    trunk: Trunk
    rate: Allowance | None
    health: dict[Uri, Health]
    legs: set[str] = field(default_factory=set)
    registrations: dict[str, tuple[RegistrationChanged, float]] = field(default_factory=dict)
    """By id, with when it was told."""
    refused: int = 0


class Trunks:
    def __init__(self, trunks: Iterable[Trunk] = ()) -> None:
        self._kept = {trunk.name.casefold(): _keep(trunk) for trunk in trunks}
        self._legs: dict[str, _Kept] = {}
        self.matcher = Matcher(kept.trunk for kept in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Trunk]:
        return (kept.trunk for kept in self._kept.values())

    def get(self, name: str) -> Trunk | None:
        kept = self._kept.get(name.casefold())
        return kept.trunk if kept is not None else None

    # ------------------------------------------------------------ calls

    def begin(self, trunk: Trunk, leg: str, now: float) -> str:
        """Count a call of ours by this trunk. Empty, or why it may not have it."""
        kept = self._of(trunk)
        why = ""
        if trunk.max_calls and len(kept.legs) >= trunk.max_calls:
            why = words.full(trunk)
        elif kept.rate is not None and not kept.rate.take(1, now):
            why = words.too_fast(trunk)
        if why:
            kept.refused += 1
        else:
            self._count(kept, leg)
        return why

    def came(self, trunk: Trunk, leg: str) -> None:
        """A call came in by this trunk; the PBX has decided that there is room for it."""
        self._count(self._of(trunk), leg)

    def over(self, leg: str) -> None:
        kept = self._legs.pop(leg, None)
        if kept is not None:
            kept.legs.discard(leg)

    def _count(self, kept: _Kept, leg: str) -> None:
        kept.legs.add(leg)
        self._legs[leg] = kept

    # ------------------------------------------------------------ servers

    def servers(self, trunk: Trunk, now: float) -> tuple[Uri, ...]:
        """Which to call, in order: those that are not down. None are, and OPTIONS will tell when that changes: none;
        without OPTIONS all are tried all the same."""
        health = self._of(trunk).health
        usable = tuple(server for server in trunk.servers if health[server].usable(now))
        return usable or (() if trunk.probe else trunk.servers)

    def why_down(self, trunk: Trunk) -> str:
        return words.down(trunk, next((h.why for h in self._of(trunk).health.values() if h.why), ""))

    def heard(self, trunk: Trunk, server: Uri, on: On, now: float, why: str = "") -> State | None:
        """A server has answered, or has not. Its new state, if that is another now."""
        health = self._of(trunk).health[server]
        return health.state if health.feed(on, now, why) else None

    # ------------------------------------------------------------ registrations

    def registration(self, event: RegistrationChanged, now: float) -> Trunk | None:
        """The trunk whose registration has changed; None: it is nobody's."""
        name, _, number = event.id.partition(SECOND_SERVER)
        kept = self._kept.get(name.casefold())
        if kept is None:
            return None
        kept.registrations[event.id] = (event, now)
        server = kept.trunk.servers[int(number or 1) - 1]
        if event.state == "registered" or event.status in (401, 403, 404, 407):
            kept.health[server].feed(On.ANSWERED, now)
        elif event.state == "failed":
            kept.health[server].feed(On.SILENT, now, event.reason)
        return kept.trunk

    def registered(self, trunk: Trunk) -> bool:
        return any(event.state in _STANDING for event, _ in self._of(trunk).registrations.values())

    # ------------------------------------------------------------ how they are

    def views(self) -> tuple[TrunkView, ...]:
        """Every trunk, in the order of the configuration."""
        return tuple(_view(kept) for kept in self._kept.values())

    def view(self, name: str) -> TrunkView | None:
        kept = self._kept.get(name.casefold())
        return _view(kept) if kept is not None else None

    def counts(self) -> Counter[str]:
        """Trunks by state."""
        return Counter(view.state for view in self.views())

    def _of(self, trunk: Trunk) -> _Kept:
        return self._kept[trunk.name.casefold()]


_STANDING = ("registered", "refreshing")
_BY_PREFERENCE = ("registered", "registering", "failed", "off")


def _keep(trunk: Trunk) -> _Kept:
    rate = trunk.calls_per_second
    allowance = Allowance(max(1.0, rate), rate) if rate else None
    return _Kept(trunk, allowance, {server: Health(probed=trunk.probe > 0) for server in trunk.servers})


def _view(kept: _Kept) -> TrunkView:
    trunk = kept.trunk
    servers = tuple(ServerView(str(uri), h.state.value, h.since, h.why) for uri, h in kept.health.items())
    all_down = all(each.state is State.DOWN for each in kept.health.values())
    best = _best(kept) if trunk.registers else None
    if best is not None:
        (event, at), state = best, _state(best[0])
    else:
        event, at = RegistrationChanged(trunk.name, "", 0, "", 0), 0.0
        answered = any(each.state in (State.UP, State.SHAKY) for each in kept.health.values())
        state = "registering" if trunk.registers else "up" if answered else "off"
    reason = words.registration_failed(trunk, event.status, event.reason) if state == "failed" else ""
    if all_down and state != "failed":
        state, reason = "down", words.down(trunk, servers[0].why)
    return TrunkView(
        trunk.name,
        str(trunk.server),
        trunk.user,
        trunk.registers,
        state,
        event.status,
        reason,
        _next(event, at),
        len(kept.legs),
        trunk.max_calls,
        servers,
        kept.refused,
    )


def _best(kept: _Kept) -> tuple[RegistrationChanged, float] | None:
    """Of several servers, the one where it stands best with us."""
    return min(kept.registrations.values(), key=lambda pair: _BY_PREFERENCE.index(_state(pair[0])), default=None)


def _state(event: RegistrationChanged) -> str:
    if event.state in _STANDING:
        return "registered"
    return event.state if event.state in ("registering", "failed") else "off"


def _next(event: RegistrationChanged, at: float) -> float | None:
    """Registration refreshes at 80 to 85 % of what was granted; after a failure it tries when it says."""
    if event.state == "registered":
        return at + event.expires * 0.85
    return at + event.expires if event.state == "failed" else None
