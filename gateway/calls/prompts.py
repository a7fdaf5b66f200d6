"""What programs let parties hear: one thing at a time for the same ears, others wait their turn.

Each order is for one leg or for everybody. The player of the one that is on stands in the graph beside or instead of
the conversation (`over`); the call rewires after every change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import commands as cmd
from .effects import Graph
from .soundboard import Soundboard

MOST = 100
"""Orders that may wait in one call."""


@dataclass(slots=True, eq=False)
class _Prompt:
    order: cmd.Play
    player: str = ""
    """Its leg, while it is on."""


class Prompts:
    """`started(order)` and `ended(id, why)` are told once each."""

    def __init__(
        self, board: Soundboard, started: Callable[[cmd.Play], None], ended: Callable[[cmd.Play, str], None]
    ) -> None:
        self._board, self._started, self._ended = board, started, ended
        self._prompts: list[_Prompt] = []

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(p.order.id for p in self._prompts)

    def play(self, order: cmd.Play, rate: int) -> None:
        self._prompts.append(_Prompt(order))
        self._next(rate)

    def stop(self, id: str | None, rate: int, why: str = "stopped") -> bool:
        """Stop this one, or all. False: there was none."""
        found = [p for p in self._prompts if id in (None, p.order.id)]
        for prompt in found:
            self._over(prompt, why)
        self._next(rate)
        return bool(found)

    def key(self, leg: str, rate: int) -> None:
        """A party has pressed a key: what it may interrupt is over."""
        for prompt in [p for p in self._prompts if p.player and p.order.interrupt and p.order.to in (None, leg)]:
            self._over(prompt, "key")
        self._next(rate)

    def finished(self, leg: str, rate: int) -> bool:
        """A player has reached its end. False: it is none of ours."""
        prompt = next((p for p in self._prompts if p.player == leg), None)
        if prompt is None:
            return False
        self._over(prompt, "done")
        self._next(rate)
        return True

    def left(self, leg: str, rate: int) -> None:
        """A party has gone: so has what was for it alone."""
        for prompt in [p for p in self._prompts if p.order.to == leg]:
            self._over(prompt, "stopped")
        self._next(rate)

    def close(self) -> None:
        for prompt in list(self._prompts):
            self._over(prompt, "ended")

    def over(self, graph: Graph, listeners: Sequence[str]) -> Graph:
        """The conversation's graph with what is on laid over it."""
        changed = dict(graph)
        for prompt in (p for p in self._prompts if p.player):
            for leg in listeners if prompt.order.to is None else [prompt.order.to]:
                if leg in listeners:
                    changed[leg] = (*changed.get(leg, ()), prompt.player) if prompt.order.mix else (prompt.player,)
        return changed

    def _next(self, rate: int) -> None:
        busy = {p.order.to for p in self._prompts if p.player}
        for prompt in self._prompts:
            if not prompt.player and prompt.order.to not in busy:
                busy.add(prompt.order.to)
                prompt.player = self._board.play("+".join(prompt.order.sources), rate, loop=prompt.order.loop)
                self._started(prompt.order)

    def _over(self, prompt: _Prompt, why: str) -> None:
        self._prompts.remove(prompt)
        if prompt.player:
            self._board.close(prompt.player)
        self._ended(prompt.order, why)
