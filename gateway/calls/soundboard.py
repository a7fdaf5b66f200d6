"""A call's players, recorders and wires, changed by difference: new players, then wires, then what is left over."""

from __future__ import annotations

from collections.abc import Callable

from . import effects as fx
from .sound import Sound


class Soundboard:
    def __init__(self, call: str, do: Callable[[fx.Effect], None]) -> None:
        self._call, self._do = call, do
        self._endless: dict[str, str] = {}
        """Players that run while they are wanted: role -> leg id."""
        self._helpers: set[str] = set()
        self._wired: fx.Graph = {}
        self._toys: list[str] = []
        self._made = 0

    def has(self, leg: str) -> bool:
        return leg in self._helpers

    def endless(self) -> tuple[str, ...]:
        """The players that run while they are wanted."""
        return tuple(self._endless.values())

    def show(self, wanted: Sound) -> None:
        """Let be heard what `wanted` says, and stop the endless players that it does not name."""
        for role, (source, rate) in wanted.players.items():
            if role not in self._endless:
                self._endless[role] = self._new(role)
                self._do(fx.Play(self._endless[role], source, rate, loop=True))
        named = self._endless
        self._wire({sink: tuple(named.get(s, s) for s in sources) for sink, sources in wanted.graph.items()})
        for role in [role for role in self._endless if role not in wanted.players]:
            self.close(self._endless.pop(role))

    def play(self, source: str, rate: int, *, loop: bool) -> str:
        leg = self._new("play")
        self._do(fx.Play(leg, source, rate, loop))
        return leg

    def record(self, name: str, rate: int, channels: int = 2) -> str:
        leg = self._new("record")
        self._do(fx.Record(leg, name, rate, channels))
        return leg

    def discard(self, name: str) -> None:
        """Delete this recording when all is over."""
        if name not in self._toys:
            self._toys.append(name)

    def close(self, leg: str) -> None:
        if leg in self._helpers:
            self._helpers.remove(leg)
            self.unplug(leg)
            self._do(fx.Release(leg))

    def unplug(self, leg: str | None = None) -> None:
        """Nobody hears this leg (None: anybody) and it hears nobody, before it goes."""
        rest: dict[str, tuple[str, ...]] = {}
        for sink, sources in self._wired.items():
            heard = tuple(s for s in sources if s != leg)
            if leg is not None and heard and leg not in (sink, sink.rpartition("/")[0]):
                rest[sink] = heard
        self._wire(rest)

    def clear(self) -> None:
        for leg in sorted(self._helpers):
            self.close(leg)
        self._endless.clear()
        for name in self._toys:
            self._do(fx.Discard(name))

    def _wire(self, graph: fx.Graph) -> None:
        if graph != self._wired:
            self._wired = dict(graph)
            self._do(fx.Wire(self._wired))

    def _new(self, role: str) -> str:
        self._made += 1
        leg = f"{self._call}-{role}{self._made}"
        self._helpers.add(leg)
        return leg
