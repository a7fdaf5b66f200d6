"""The call as its script sees it (`apps.Stage`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .acts import Actor


class CallStage:
    def __init__(self, call: Actor, argument: str = "") -> None:
        self._call = call
        self.argument = argument

    @property
    def caller(self) -> str:
        return self._call.caller.leg

    @property
    def name(self) -> str:
        return self._call.id

    def play(self, source: str, *, loop: bool = False) -> str:
        return self._call.board.play(source, self._call.caller.rate, loop=loop)

    def record(self, name: str) -> str:
        return self._call.board.record(name, self._call.caller.rate)

    def discard(self, name: str) -> None:
        self._call.board.discard(name)

    def stop(self, leg: str) -> None:
        self._call.board.close(leg)

    def alarm(self, name: str, seconds: float | None) -> None:
        self._call.alarm(f"app:{name}", seconds)

    def hang_up(self) -> None:
        self._call.end("normal")
