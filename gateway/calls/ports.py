"""What call control and its runtime want of the rest of the gateway, and nothing more.

`Directory` is asked by calls; a `Driver` is told by the runtime what to say to parties, and tells `Control` what they
say. The classes that fill these are named in `gateway.app` only; tests fill them with a few lines each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .causes import Ending
from .commands import Command, Merge, Place, Split
from .events import Identity, Incoming, LegEvent
from .view import CallView, PartyView


@dataclass(frozen=True, slots=True)
class Contact:
    """One device that can be rung."""

    kind: str
    """"sip", "browser" or "app"."""
    address: str
    """Meaningful to its driver only: a SIP URI, a browser session's id, an application's name."""
    user: str | None = None


class Directory(Protocol):
    """Who can be reached where, now."""

    def contacts(self, user: str) -> Sequence[Contact]:
        """Every connected browser and registered phone of a user."""
        ...


class Driver(Protocol):
    """One kind of party's signaling. Methods return at once; what comes of them comes back as events.

    A leg the driver does not know (any more) is ignored: hanging up crosses everything else.
    """

    def ring(
        self,
        leg: str,
        address: str,
        user: str | None,
        caller: Identity,
        body: bytes,
        hops: int = 70,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None: ...
    def progress(self, leg: str, stage: str, body: bytes) -> None:
        """`body` is our answer if there is one yet; a driver sends it with the stage that wants it."""
        ...

    def answer(self, leg: str, body: bytes) -> None: ...
    def reject(self, leg: str, ending: Ending) -> None: ...
    def cancel(self, leg: str, ending: Ending) -> None: ...
    def hang_up(self, leg: str, ending: Ending) -> None: ...
    def reoffer(self, leg: str, body: bytes) -> None: ...
    def answer_reoffer(self, leg: str, body: bytes) -> None: ...
    def refuse_reoffer(self, leg: str, status: int) -> None: ...
    def show_transfer(self, leg: str, to: str, state: str, ending: Ending) -> None:
        """How it goes that this party gives its place away: "started", "done", "failed"."""
        ...

    def release(self, leg: str) -> None:
        """Nothing more will be said about this leg."""
        ...


class Screen(Protocol):
    """What can be shown to a party that has a screen. Only some drivers are one."""

    def show_held(self, leg: str, by: str, on: bool) -> None: ...
    def show_digit(self, leg: str, key: str) -> None: ...
    def show_media(self, leg: str, state: str) -> None: ...
    def show_quality(self, leg: str, figures: Mapping[str, object]) -> None: ...
    def show_peers(self, leg: str, peers: Sequence[PartyView]) -> None: ...
    def candidate(self, leg: str, candidate: str | None) -> None: ...


class Control(Protocol):
    """What drivers speak to. Bodies (SDP) travel beside the event, unread."""

    def incoming(self, event: Incoming, body: bytes) -> str:
        """A call begins: the caller's leg id. What the call wants comes later, never before this returns."""
        ...

    def tell(self, event: LegEvent, body: bytes = b"") -> None: ...
    def ask(self, leg: str, command: Command) -> None: ...
    def wish(self, leg: str, command: Command) -> None:
        """The same for what somebody wants to hear about when it cannot be. Raises CommandRefused."""
        ...

    def join(self, leg: str, other: str, *, leave: bool) -> None:
        """Make one call of the two that these legs of one party are in; it leaves both, or only `other`.

        Raises CommandRefused.
        """
        ...

    def candidate(self, leg: str, candidate: str | None) -> None:
        """A trickled ICE candidate of the leg's, for its media."""
        ...


class Desk(Protocol):
    """What programs speak to (REST, agents' tools, menus). Every verb raises `errors.CommandRefused` with words."""

    def place(self, order: Place) -> str:
        """Begin a call of the program's own; its id. What comes of it is told as events."""
        ...

    def command(self, call: str, command: Command) -> None: ...
    def merge(self, order: Merge) -> None: ...
    def split(self, order: Split) -> None: ...
    def view(self, call: str) -> CallView | None:
        """None: no such live call."""
        ...

    def views(self) -> Sequence[CallView]:
        """All live calls, the oldest first."""
        ...
