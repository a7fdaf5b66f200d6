"""Where a call goes: the first route whose pattern matches what was dialled, else the user of that name or extension.

A route names targets and how to ring them (all at once, or one after the other), how long, and where to go instead when
they are busy, do not answer or cannot be reached. `Router` only reads tables: it knows nothing of who is there just
now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from .causes import Ending, ending
from .patterns import BadPattern, Captures, Matcher, compile_pattern, normal

KINDS = ("user", "sip", "trunk", "app", "number")
FORWARD_DEPTH = 5
_URI_SAFE = "-_.!~*'()&=+$,;?/:@%[]"
NOT_FOR_STRANGERS = ending(
    "forbidden",
    "A call from outside does not go out again by a trunk. Its route can allow that with from_trunks = true.",
)


@dataclass(frozen=True, slots=True)
class Target:
    """ "user:bob" all of bob's devices, "sip:bob@pbx" outward, "trunk:NAME" or "trunk:NAME/NUMBER" by that trunk,
    "app:echo" an application, "602" as if dialled."""

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Target:
        kind, colon, value = text.strip().partition(":")
        if not colon:
            kind, value = "number", kind
        if kind == "sips":
            raise BadPattern(f'"{text}": SIP over TLS is not spoken yet; write sip:')
        if kind not in KINDS or not value:
            raise BadPattern(f'"{text}" is no target: write user:NAME, sip:USER@HOST, trunk:NAME, app:NAME or a number')
        return cls(kind, value if kind != "sip" else f"sip:{value}")

    def filled(self, captures: Captures) -> Target:
        """The braces in it filled by what the pattern captured."""
        value = self.value
        if self.kind == "trunk" and "/" not in value:
            value += "/{number}"
        if "{" not in value:
            return self
        for name, text in captures.items():
            value = value.replace(
                "{" + name + "}", quote(text, _URI_SAFE, errors="replace") if self.kind == "sip" else text
            )
        # "sip:{number}" of a whole SIP address would say sip: twice
        return Target(self.kind, value.replace("sip:sip:", "sip:"))

    def __str__(self) -> str:
        return self.value if self.kind in ("sip", "number") else f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Account:
    """One person: the same account for the page and for a phone."""

    name: str
    extension: str | None = None
    display: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    pattern: str
    targets: tuple[Target, ...] = ()
    strategy: str = "parallel"
    timeout: float | None = None
    """Seconds to ring each group of targets; None: as [calls] says."""
    on_busy: Target | None = None
    on_no_answer: Target | None = None
    on_unreachable: Target | None = None
    refusal: Ending | None = None
    """Refuse instead of ringing anybody."""
    from_trunks: bool = False
    """Let callers without an account take its trunks, too: else a trunk's caller could call the world at our cost."""

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
    stranger: bool = False
    """The caller has no account here."""

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(str(target) for group in self.groups for target in group)


class Router:
    """Routes and users, searched in the order of the configuration."""

    def __init__(self, routes: Sequence[Route], users: Sequence[Account], ours: frozenset[str] = frozenset()) -> None:
        self.ours = ours
        """Hosts and host:port pairs that mean this gateway. Known only once its sockets are open."""
        self._routes: list[tuple[Matcher, Route]] = [(compile_pattern(r.pattern), r) for r in routes]
        self._users = {u.name.casefold(): u for u in users}
        self._extensions = {u.extension: u for u in users if u.extension}

    def account(self, name_or_extension: str) -> Account | None:
        return self._users.get(name_or_extension.casefold()) or self._extensions.get(name_or_extension)

    def meant(self, dialled: str) -> str:
        """What was dialled, without what says only that it is for us."""
        return normal(dialled, self.ours)

    def here(self, addresses: Sequence[str]) -> str | None:
        """The first of these SIP addresses that is a number or a user of ours, by its host or by its user part."""
        for number in map(self.meant, addresses):
            if not number.startswith("sip:"):
                return number
            user = number.removeprefix("sip:").rpartition("@")[0]
            if self.account(user) is not None:
                return user
        return None

    def route(self, dialled: str, *, stranger: bool = False) -> Plan | Ending:
        """Where a call to this goes, or why nowhere. A stranger is a caller without an account."""
        return self._route(dialled, stranger, FORWARD_DEPTH)

    def towards(self, target: Target, why: str, before: Plan) -> Plan | Ending:
        """The plan for a forward. A number starts its own route; anything else is rung as the first route would."""
        if target.kind == "number":
            return self.route(target.value, stranger=before.stranger)
        return Plan(f"{before.route} ({why})", ((target,),), before.timeout, stranger=before.stranger)

    def _route(self, dialled: str, stranger: bool, depth: int) -> Plan | Ending:
        if depth == 0:
            return ending("loop", "A number leads to itself. Check the routes whose targets are numbers.")
        number = self.meant(dialled)
        account = self.account(number.removeprefix("user:"))
        names = (number,) if account is None else (number, f"user:{account.name}")
        for matcher, route in self._routes:
            captures = next((c for c in map(matcher, names) if c is not None), None)
            if captures is not None:
                return self._plan(route, {**captures, "number": number}, stranger, depth)
        if account is not None:
            return Plan(f"user:{account.name}", ((Target("user", account.name),),), stranger=stranger)
        return self._unknown(number)

    def _plan(self, route: Route, captures: Captures, stranger: bool, depth: int) -> Plan | Ending:
        if route.refusal is not None:
            return route.refusal
        targets: list[Target] = []
        barred = stranger and not route.from_trunks
        for target in (self._concrete(t, captures) for t in route.targets):
            if target.kind == "trunk" and barred:
                continue
            if target.kind != "number":
                targets.append(target)
                continue
            further = self._route(target.value, stranger, depth - 1)
            if isinstance(further, Plan):
                targets += [t for group in further.groups for t in group]
            elif further is not NOT_FOR_STRANGERS:
                return further
        if route.targets and not targets:
            return NOT_FOR_STRANGERS
        groups = (tuple(targets),) if route.strategy == "parallel" else tuple((t,) for t in targets)
        concrete = {why: self._concrete(t, captures) for why, t in route.forwards.items()}
        forwards = {why: t for why, t in concrete.items() if t.kind != "trunk" or not barred}
        return Plan(route.pattern, groups, route.timeout, forwards, stranger)

    def _concrete(self, target: Target, captures: Captures) -> Target:
        """The target with its braces filled, and a user by the account's name, which devices sign in under."""
        filled = target.filled(captures)
        account = self.account(filled.value) if filled.kind == "user" else None
        return filled if account is None else Target("user", account.name)

    def _unknown(self, number: str) -> Ending:
        if number.startswith("sip:"):
            host = number.rpartition("@")[2]
            return ending(
                "unknown-number",
                f"No route leads to {number}. If {host} is this gateway, add it to domains in [sip]; "
                f"else add a route for sip:*@{host}.",
            )
        return ending("unknown-number", f"{number} is not a number here. Check what you dialled.")
