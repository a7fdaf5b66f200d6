"""What a person or a program can ask of a live call.

The same verbs whoever asks: the page, a phone (its re-INVITE is a `Hold`), a program. `leg` says on whose behalf; a
command for a leg that has already left is ignored, since hanging up and asking cross each other in every network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .events import Identity


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


@dataclass(frozen=True, slots=True)
class Dial:
    """Press keys towards this party, as if whom it talks with had pressed them."""

    leg: str
    digits: str


# ---------------------------------------------------------------- sound


@dataclass(frozen=True, slots=True)
class Play:
    """Let a party, or all of them, hear something. A second one for the same ears waits until the first is over."""

    id: str
    """The program's name for it; `PlayEnded` bears it."""
    sources: tuple[str, ...]
    """One after the other, as `media.sources` writes them: "file:...", "tone:busy", "say:...", "music", or a URL."""
    to: str | None = None
    """A leg; None: everybody."""
    loop: bool = False
    mix: bool = False
    """Hear it besides the others, not instead of them."""
    interrupt: bool = False
    """A key ends it."""


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Stop this one, or all that play or wait."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Collect:
    """Gather the keys that a party presses. -> DigitsCollected"""

    id: str
    leg: str
    least: int = 1
    most: int = 32
    terminators: str = "#"
    first_timeout: float = 10.0
    """Seconds for the first key, from the end of the prompt."""
    digit_timeout: float = 5.0
    """Seconds between keys."""
    prompt: tuple[str, ...] = ()
    """Played first; the first key ends it."""


@dataclass(frozen=True, slots=True)
class StopCollecting:
    id: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record the call: in two channels (who called on the left, all others on the right) or mixed into one."""

    id: str
    channels: int = 2
    beep: bool = False
    """Tell everybody by a beep."""


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Write silence instead, or sound again."""

    id: str
    on: bool


@dataclass(frozen=True, slots=True)
class StopRecording:
    id: str


# ---------------------------------------------------------------- who is in it


@dataclass(frozen=True, slots=True)
class Add:
    """Call somebody into a live call. -> LegRang, LegAnswered or InvitationFailed"""

    to: str
    """A target as routes write it, or a number."""
    role: str = "member"
    """See `party.Role`: "member", or a supervisor's "listen", "whisper", "barge"."""
    whisper_to: str | None = None
    """Whom alone a whispering supervisor talks to."""
    timeout: float | None = None
    caller: Identity | None = None
    """Who the new party is told is calling; None: the call's caller."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Let one party go; the call goes on while two are left to talk."""

    leg: str
    cause: str = "normal"


@dataclass(frozen=True, slots=True)
class SetRole:
    """A supervisor changes between listening, whispering and taking part."""

    leg: str
    role: str
    whisper_to: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """This party gives its place to somebody else and leaves once they answer; if they do not, all is as before."""

    leg: str
    to: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Annotate:
    """Set the program's own words about the call; a key with an empty value is taken away."""

    metadata: Mapping[str, str]


# ---------------------------------------------------------------- beyond one call: the table's


@dataclass(frozen=True, slots=True)
class Place:
    """Call somebody because a program wants it; when they answer, call `then` and join both."""

    first: str
    """Who is rung first: a target as routes write it, or a number."""
    then: str
    """Whom to call once `first` has answered: a number or a target ("app:park" waits for further commands)."""
    caller: Identity
    """Who `first` is told is calling."""
    callee_sees: Identity | None = None
    """Who `then` is told is calling; None: who answered as `first`."""
    timeout: float | None = None
    """Seconds that each may ring."""
    max_duration: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    """Further SIP headers for the calls to phones."""
    record: bool = False
    """Record from the moment both talk."""
    play: tuple[str, ...] = ()
    """Played as soon as `first` has answered and `then` is "app:park"."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Take all parties of `other` into `call`; those named in `drop` leave. That is: bridge, attended transfer."""

    call: str
    other: str
    drop: tuple[str, ...] = ()
    cause: str = "transferred"
    """Why those who are dropped leave."""


@dataclass(frozen=True, slots=True)
class Split:
    """Give one party a call of its own again, where it hears music until something else is said."""

    call: str
    leg: str
    new: str
    """The id of the new call."""


Command = (
    HangUp | Hold | Mute | SendDigits | Dial | Play | StopPlaying | Collect | StopCollecting | Record | PauseRecording
    | StopRecording | Add | Remove | SetRole | Transfer | Annotate
)  # fmt: skip
