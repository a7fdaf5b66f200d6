"""Who hears whom, from what a call is just now. Pure: the call asks after every change and acts on the difference."""

from __future__ import annotations

from dataclasses import dataclass, field

from .apps import Script
from .effects import Graph
from .party import NARROW_BAND, Party
from .states import State


@dataclass(frozen=True, slots=True)
class Sound:
    graph: Graph = field(default_factory=dict)
    players: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Endless players that must run for it: the name that stands for each in `graph` -> its source and rate."""


def sound(
    state: State,
    caller: Party,
    other: Party | None,
    script: Script | None,
    *,
    hold: str,
    ringback: bool,
) -> Sound:
    """`other` is the target that is heard or has answered; `hold` what a held party hears."""
    if state is State.CONNECTED and script is not None:
        return Sound(script.graph())
    if state is State.CONNECTED and other is not None:
        return _talk(caller, other, hold)
    if state in (State.ALERTING, State.EARLY, State.ANSWERING):
        if other is not None and other.early:
            return Sound({caller.leg: (other.leg,), other.leg: (caller.leg,)})
        if ringback:
            return Sound({caller.leg: ("ringback",)}, {"ringback": ("tone:ringback", NARROW_BAND)})
    return Sound()


def _talk(a: Party, b: Party, hold: str) -> Sound:
    """A party that holds hears nothing and is not heard; the one it holds hears music, unless it holds too."""
    if not a.holding and not b.holding:
        return Sound({a.leg: (b.leg,), b.leg: (a.leg,)})
    if a.holding and b.holding:
        return Sound()
    held = b if a.holding else a
    return Sound({held.leg: ("hold",)}, {"hold": (hold, held.rate)})


def bandwidth_to_ask(a: Party, b: Party | None) -> list[tuple[Party, int]]:
    """Each browser should send the bandwidth that the other side carries, no more and no less: who to ask anew."""
    if b is None:
        return []
    return [(p, q.rate) for p, q in ((a, b), (b, a)) if p.kind == "browser" and p.asked_rate != q.rate]
