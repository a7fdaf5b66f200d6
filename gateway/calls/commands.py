"""What a person or a program can ask of a live call.

The same verbs whoever asks: the page, a phone (its re-INVITE is a `Hold`), a program. `leg` says on whose behalf; a
command for a leg that has already left is ignored, since hanging up and asking cross each other in every network.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call. `leg` is who asked, None for the gateway itself."""

    leg: str | None = None
    cause: str = "normal"


@dataclass(frozen=True, slots=True)
class Hold:
    """This party puts the other on hold, or takes it back."""

    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class Mute:
    """Nobody hears this party, or everybody again."""

    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class SendDigits:
    """This party has pressed keys that did not come by its audio path: pass them on to whom it talks with."""

    leg: str
    digits: str


Command = HangUp | Hold | Mute | SendDigits
