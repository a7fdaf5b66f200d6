"""Who hears whom, from what a call is just now. Pure: the call asks after every change and acts on the difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .effects import Graph
from .party import NARROW_BAND, Party, Role
from .states import State

RINGBACK = ("tone:ringback", NARROW_BAND)


@dataclass(frozen=True, slots=True)
class Sound:
    graph: Graph = field(default_factory=dict)
    players: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Endless players that must run for it: the name that stands for each in `graph` -> its source and rate."""


def before_answer(state: State, caller: Party, other: Party | None, *, ringback: bool) -> Sound:
    """`other` is the target that is heard, or has answered."""
    if state not in (State.ALERTING, State.EARLY, State.ANSWERING):
        return Sound()
    if other is not None and other.early and caller.has_device:
        return Sound({caller.leg: (other.leg,), other.leg: (caller.leg,)})
    if ringback:
        return Sound({caller.leg: ("ringback",)}, {"ringback": RINGBACK})
    return Sound()


def conversation(parties: Sequence[Party], *, hold: str, alone: str = "") -> Sound:
    """Everybody hears everybody else, but for these:

    A party that holds hears nothing and is not heard. Who would hear nobody because of that hears music; who waits for
    the target of a transfer hears it ring; who is alone hears the source `alone`. A supervisor who listens is not
    heard, one who whispers by one party only.
    """
    talkers = [p for p in parties if p.talks]
    active = [p for p in talkers if not p.holding]
    graph: dict[str, tuple[str, ...]] = {}
    players: dict[str, tuple[str, int]] = {}
    for party in active:
        others = tuple(p.leg for p in active if p is not party)
        if not others and (waits := _instead(party, parties, talkers, hold, alone)):
            name, source = waits
            others, players[name] = (name,), source
        graph[party.leg] = others
    heard = tuple(p.leg for p in active)
    for supervisor in (p for p in parties if p.up and p.role in (Role.LISTEN, Role.WHISPER)):
        graph[supervisor.leg] = heard
        if supervisor.role is Role.WHISPER and supervisor.whisper_to in graph:
            graph[supervisor.whisper_to] = (*graph[supervisor.whisper_to], supervisor.leg)
    return Sound({sink: sources for sink, sources in graph.items() if sources}, players)


def _instead(
    party: Party, parties: Sequence[Party], talkers: Sequence[Party], hold: str, alone: str
) -> tuple[str, tuple[str, int]] | None:
    """What somebody hears who hears nobody: the player's name, its source and rate."""
    if any(p.aside for p in parties) or any(p.waiting for p in parties if p.errand and p.role is Role.MEMBER):
        return "ringback", RINGBACK
    if any(p.holding for p in talkers):
        return "hold", (hold, party.rate)
    return ("alone", (alone, party.rate)) if alone else None


def joined(graph: Graph, more: Graph) -> Graph:
    """Both at once."""
    both = {sink: (*graph.get(sink, ()), *more.get(sink, ())) for sink in {**graph, **more}}
    return {sink: tuple(dict.fromkeys(sources)) for sink, sources in both.items()}


def bandwidth_to_ask(parties: Iterable[Party]) -> list[tuple[Party, int]]:
    """Each browser should send the bandwidth that the others carry, no more and no less: who to ask anew."""
    up = [p for p in parties if p.up]
    asked = []
    for party in (p for p in up if p.kind == "browser"):
        wanted = max((p.rate for p in up if p is not party), default=0)
        if wanted and party.asked_rate != wanted:
            asked.append((party, wanted))
    return asked
