"""The rows that a router searches, what it knows of a call, and what it makes of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..causes import Ending
from ..events import Incoming
from .hours import Hours
from .targets import Target


@dataclass(frozen=True, slots=True)
class Account:
    """One person: the same account for the page and for a phone."""

    name: str
    extension: str | None = None
    display: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call before anybody is rung."""

    dialled: str = ""
    number: str = ""
    """The caller's number."""
    user: str | None = None
    """The account that the caller proved to be."""
    trunk: str = ""
    """The trunk it came in by; empty: none."""
    source: str = ""
    """The address it came from: "192.0.2.7"."""
    stranger: bool = False
    """The caller has no account here."""

    @classmethod
    def of(cls, incoming: Incoming) -> Facts:
        caller, stranger = incoming.caller, incoming.caller.user is None
        return cls(incoming.dialled, caller.number, caller.user, incoming.trunk, incoming.source, stranger)

    def to(self, dialled: str) -> Facts:
        """The same caller, calling another number."""
        return replace(self, dialled=dialled)


@dataclass(frozen=True, slots=True)
class Group:
    """People who are rung for one number: all at once, in order, in any order, or each in turn first."""

    name: str
    members: tuple[Target, ...]
    strategy: str = "parallel"
    """"parallel", "sequential", "random" or "round-robin": the last two are sequences, too."""
    timeout: float | None = None
    """Seconds to ring (each of) them, where the route says nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    pattern: str
    targets: tuple[Target, ...] = ()
    strategy: str = "parallel"
    timeout: float | None = None
    """Seconds to ring each group of targets; None: as its ring group or [calls] says."""
    on_busy: Target | None = None
    on_no_answer: Target | None = None
    on_unreachable: Target | None = None
    refusal: Ending | None = None
    """Refuse instead of ringing anybody."""
    from_trunks: bool = False
    """Let callers without an account take its trunks, too: else a trunk's caller could call the world at our cost."""
    callers: tuple[str, ...] = ()
    """Patterns of the caller's number or user; empty: anybody."""
    trunks: tuple[str, ...] = ()
    """Names of trunks that it may have come in by; "none": by none; empty: any way."""
    sources: tuple[str, ...] = ()
    """Networks that it may have come from; empty: anywhere."""
    hours: tuple[Hours, ...] = ()
    """When it is open; empty: always."""
    ask: str = ""
    """A URL that may decide instead; the targets are what happens when it does not."""
    ask_timeout: float = 2.0

    @property
    def forwards(self) -> Mapping[str, Target]:
        found = {"busy": self.on_busy, "no-answer": self.on_no_answer, "unreachable": self.on_unreachable}
        return {why: target for why, target in found.items() if target is not None}


@dataclass(frozen=True, slots=True)
class Plan:
    """A route made concrete for one call: groups to ring, one group after the other."""

    route: str
    groups: tuple[tuple[Target, ...], ...]
    timeout: float | None = None
    forwards: Mapping[str, Target] = field(default_factory=dict)
    facts: Facts = Facts()
    """The call that it was made for: forwards are routed by them, too."""
    barred: bool = False
    """The caller may not go out by a trunk this way."""
    ask: str = ""
    """A URL that is asked where to first; `groups` are what happens when it does not answer. Empty: nobody is asked."""
    ask_timeout: float = 2.0

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(str(target) for group in self.groups for target in group)

    @property
    def stranger(self) -> bool:
        """The caller has no account here."""
        return self.facts.stranger
