"""Numbers that are answered by the gateway itself: small scripts over the same effects and events as any call.

A script is told what happens (`begin`, `digit`, `finished`, `alarm`), acts through its `Stage`, and says at any time
who hears whom. To add one: write the class, add its row to `APPS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from .effects import Graph


class Stage(Protocol):
    """What a script can do; the call it plays in fills it."""

    argument: str
    """What stands behind the application's colon."""

    @property
    def caller(self) -> str: ...
    @property
    def name(self) -> str:
        """A name nobody else uses, good for a file."""
        ...

    def play(self, source: str, *, loop: bool = False) -> str:
        """Open a player and return its leg id."""
        ...

    def record(self, name: str) -> str: ...
    def discard(self, name: str) -> None:
        """Delete this recording when the call is over."""
        ...

    def stop(self, leg: str) -> None:
        """Close a player or recorder; an unknown one is ignored."""
        ...

    def alarm(self, name: str, seconds: float | None) -> None:
        """Be called back by `alarm(name)` then; None: not any more."""
        ...

    def hang_up(self) -> None: ...


class Script:
    """Base: answers, is silent, does nothing."""

    keeps_alone = False
    """The call goes on when one party is left."""
    alone = ""
    """What that party hears: a player's source."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def graph(self) -> Graph:
        return {}

    def begin(self) -> None: ...
    def digit(self, key: str) -> None: ...
    def finished(self, leg: str) -> None: ...
    def alarm(self, name: str) -> None: ...


class Echo(Script):
    """The caller hears itself: the quickest proof that both directions work."""

    def graph(self) -> Graph:
        return {self.stage.caller: (self.stage.caller,)}


class Park(Script):
    """Silence, until a program says what is to happen."""

    keeps_alone = True


class Conference(Script):
    """A room by the name behind the colon: everybody who calls it is in one call. The first hears music."""

    keeps_alone = True
    alone = "music"


class _Playing(Script):
    """A script that lets one player at a time be heard."""

    player = ""

    def graph(self) -> Graph:
        return {self.stage.caller: (self.player,)} if self.player else {}

    def play(self, source: str, *, loop: bool = False) -> None:
        before, self.player = self.player, self.stage.play(source, loop=loop)
        self.stage.stop(before)


class Music(_Playing):
    """Music without end."""

    def begin(self) -> None:
        self.play("music", loop=True)


class Tones(_Playing):
    """Press a key: hear its name, then a telephone tone that it stands for, until the next key."""

    _TONES: ClassVar = {
        "1": "dial", "2": "ringback", "3": "busy", "4": "congestion", "5": "waiting", "6": "sit", "7": "hz:440",
        "8": "hz:1000", "9": "beep",
    }  # fmt: skip

    def begin(self) -> None:
        self.play("say:press-a-key")

    def digit(self, key: str) -> None:
        tone = self._TONES.get(key)
        self.play(f"say:{key}" + (f"+tone:{tone}" if tone else ""))


class RecordAndPlay(_Playing):
    """A beep, record until # or the time limit, play it back, hang up."""

    LIMIT = 30.0
    SHORTEST = 0.7
    recorder = ""
    long_enough = False

    def graph(self) -> Graph:
        caller = self.stage.caller
        if self.recorder:  # both channels, so that a mono player finds it at full level
            return {f"{self.recorder}/0": (caller,), f"{self.recorder}/1": (caller,)}
        return super().graph()

    def begin(self) -> None:
        self._after_play = self._record
        self.play("say:after-the-beep+tone:beep")

    def digit(self, key: str) -> None:
        if key == "#" and self.recorder:
            self._play_back()

    def alarm(self, name: str) -> None:
        if name == "long enough":
            self.long_enough = True
        elif self.recorder:
            self._play_back()

    def finished(self, leg: str) -> None:
        if leg == self.player:
            self._after_play()
        elif leg == self.recorder:
            self._play_back()

    def _record(self) -> None:
        self.stage.stop(self.player)
        self.player, self.recorder = "", self.stage.record(self.stage.name)
        self.stage.discard(self.stage.name)
        self.stage.alarm("limit", self.LIMIT)
        self.stage.alarm("long enough", self.SHORTEST)

    def _play_back(self) -> None:
        self.stage.alarm("limit", None)
        self.stage.stop(self.recorder)
        self.recorder = ""
        self._after_play = self.stage.hang_up
        what = f"say:you-said+recording:{self.stage.name}" if self.long_enough else "say:recording-empty"
        self.play(f"{what}+say:goodbye")


APPS: dict[str, Callable[[Stage], Script]] = {
    "echo": Echo,
    "tones": Tones,
    "music": Music,
    "record": RecordAndPlay,
    "park": Park,
    "conference": Conference,
}
