"""The recordings of a call that programs asked for: who is heard by which ear of which recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import commands as cmd
from .effects import Graph
from .party import Party
from .soundboard import Soundboard

MOST = 4
"""Recordings at once of one call."""


@dataclass(slots=True, eq=False)
class _Tape:
    order: cmd.Record
    name: str
    leg: str
    since: float
    paused: bool = False


class Tapes:
    """`ended(id, name, seconds, why)` is told once for each."""

    def __init__(self, call: str, board: Soundboard, ended: Callable[[str, str, float, str], None]) -> None:
        self._call, self._board, self._ended = call, board, ended
        self._tapes: list[_Tape] = []
        self._made = 0

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(tape.order.id for tape in self._tapes)

    def start(self, order: cmd.Record, rate: int, now: float) -> str:
        """The name of its file, without folder and ending."""
        self._made += 1
        name = f"{self._call}-{self._made}"
        self._tapes.append(_Tape(order, name, self._board.record(name, rate, order.channels), now))
        return name

    def pause(self, id: str, on: bool) -> bool:
        """Whether that is a change."""
        tape = next((t for t in self._tapes if t.order.id == id), None)
        if tape is None or tape.paused == on:
            return False
        tape.paused = on
        return True

    def stop(self, id: str, now: float, why: str = "stopped") -> bool:
        return self._over([t for t in self._tapes if t.order.id == id], now, why)

    def finished(self, leg: str, now: float) -> bool:
        """A recorder could not go on. False: it is none of ours."""
        return self._over([t for t in self._tapes if t.leg == leg], now, "failed")

    def close(self, now: float) -> None:
        self._over(list(self._tapes), now, "ended")

    def graph(self, caller: Party, parties: Sequence[Party], players: Sequence[str]) -> Graph:
        """Who called on the left; all others, and what was played to anybody, on the right; or all in one."""
        left = (caller.leg,) if caller.talks and not caller.holding else ()
        right = (*(p.leg for p in parties if p is not caller and p.talks and not p.holding), *players)
        graph: dict[str, tuple[str, ...]] = {}
        for tape in (t for t in self._tapes if not t.paused):
            if tape.order.channels == 1:
                graph[f"{tape.leg}/0"] = (*left, *right)
            else:
                graph[f"{tape.leg}/0"], graph[f"{tape.leg}/1"] = left, right
        return {sink: sources for sink, sources in graph.items() if sources}

    def _over(self, tapes: list[_Tape], now: float, why: str) -> bool:
        for tape in tapes:
            self._tapes.remove(tape)
            self._board.close(tape.leg)
            self._ended(tape.order.id, tape.name, now - tape.since, why)
        return bool(tapes)
