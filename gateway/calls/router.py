"""Where a call goes: the first route whose pattern and conditions fit it, else the user of that name or extension.

A route names targets and how to ring them (all at once, or one after the other), how long, and where to go instead when
they are busy, do not answer or cannot be reached. `Router` only reads tables: it knows nothing of who is there just
now, and is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .causes import Ending, ending
from .patterns import ANY, Captures, normal
from .routing.conditions import Compiled, Subject
from .routing.stages import Found, Stages, one_after_the_other, side_by_side
from .routing.table import Account, Facts, Group, Plan, Route
from .routing.targets import KINDS, Target

__all__ = ["KINDS", "Account", "Explanation", "Facts", "Group", "Plan", "Route", "Router", "Step", "Target"]

FORWARD_DEPTH = 5
Path = tuple[int, ...]
"""The routes that have been taken on the way to a number; -1 for a group."""
NOT_FOR_STRANGERS = ending(
    "forbidden",
    "A call from outside does not go out again by a trunk. Its route can allow that with from_trunks = true.",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One route that was looked at."""

    index: int
    """Its place among the routes, from 0; -1: no route, but the user of that name."""
    route: Route
    why_not: str
    """Empty: this one was taken."""
    number: str
    """What was dialled, or stood as a target where this search began."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a call was routed: every route that was looked at in order, and what came of it."""

    number: str
    """What was meant by what was dialled."""
    steps: tuple[Step, ...]
    outcome: Plan | Ending


class Router:
    """Routes, groups and users, searched in the order of the configuration.

    `clock` tells the local wall-clock time, needed where routes have hours; `chance` a number from 0 up to 1 for groups
    in random order.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        users: Sequence[Account],
        ours: frozenset[str] = frozenset(),
        *,
        groups: Sequence[Group] = (),
        clock: Callable[[], datetime] | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        if clock is None and any(route.hours for route in routes):
            raise ValueError("a route has hours: the router needs a clock")
        self.ours = ours
        """Hosts and host:port pairs that mean this gateway. Known only once its sockets are open."""
        self._routes = [Compiled(route) for route in routes]
        self._users = {u.name.casefold(): u for u in users}
        self._extensions = {u.extension: u for u in users if u.extension}
        self._groups = {group.name.casefold(): group for group in groups}
        self._clock, self._chance = clock, chance
        self._turns: dict[str, int] = {}

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

    def route(self, dialled: str, facts: Facts | None = None, *, stranger: bool = False) -> Plan | Ending:
        """Where a call to this goes, or why nowhere. `facts` tell of the caller; where there are none, `stranger` says
        whether it is one without an account."""
        return self._search(facts.to(dialled) if facts else Facts(dialled, stranger=stranger), (), [])

    def explain(self, dialled: str, facts: Facts | None = None, *, stranger: bool = False) -> Explanation:
        """What `route` would do with it and why, without taking anybody's turn."""
        turns, steps = dict(self._turns), list[Step]()
        facts = facts.to(dialled) if facts else Facts(dialled, stranger=stranger)
        outcome = self._search(facts, (), steps)
        self._turns = turns
        return Explanation(self.meant(dialled), tuple(steps), outcome)

    def towards(self, target: Target, why: str, before: Plan) -> Plan | Ending:
        """The plan for a forward. A number starts its own route; anything else is rung as the first route would."""
        if target.kind == "number":
            return self.route(target.value, before.facts)
        found = self._stages(target, before.facts, before.barred, (), [])
        if isinstance(found, Ending):
            return found
        timeout = found.timeout or before.timeout
        return Plan(f"{before.route} ({why})", found.stages, timeout, facts=before.facts, barred=before.barred)

    # ------------------------------------------------------------ the search

    def _search(self, facts: Facts, path: Path, steps: list[Step]) -> Plan | Ending:
        if len(path) >= FORWARD_DEPTH:
            return ending("loop", "A number leads to itself. Check the routes whose targets are numbers.")
        number = self.meant(facts.dialled)
        account = self.account(number.removeprefix("user:"))
        subject = Subject(self._names(number, account), self._callers(facts), facts, self._now())
        for index, compiled in enumerate(self._routes):
            captures = compiled.captures(subject)
            if index in path and compiled.route.pattern == ANY:
                captures = "match: it has led here itself"
            if isinstance(captures, str):
                steps.append(Step(index, compiled.route, captures, number))
                continue
            steps.append(Step(index, compiled.route, "", number))
            return self._plan(compiled.route, {**captures, "number": number}, facts, (*path, index), steps)
        if account is not None:
            target = Target("user", account.name)
            steps.append(Step(-1, Route(str(target), (target,)), "", number))
            return Plan(str(target), ((target,),), facts=facts)
        return self._unknown(number)

    def _now(self) -> datetime | None:
        return self._clock() if self._clock is not None else None

    @staticmethod
    def _names(number: str, account: Account | None) -> tuple[str, ...]:
        return (number,) if account is None else (number, f"user:{account.name}")

    def _callers(self, facts: Facts) -> tuple[str, ...]:
        """A caller's number, and where it is an account of ours its names, too."""
        number = (self.meant(facts.number),) if facts.number else ()
        account = self.account(facts.user) if facts.user else None
        if account is None:
            return number
        return (*number, account.name, f"user:{account.name}", *([account.extension] if account.extension else []))

    # ------------------------------------------------------------ from a route to a plan

    def _plan(self, route: Route, captures: Captures, facts: Facts, path: Path, steps: list[Step]) -> Plan | Ending:
        if route.refusal is not None:
            return route.refusal
        barred = facts.stranger and not route.from_trunks
        targets = [self._concrete(target, captures) for target in route.targets]
        found = self._all(targets, route.strategy, facts, barred, path, steps)
        if isinstance(found, Ending):
            return found
        concrete = {why: self._concrete(t, captures) for why, t in route.forwards.items()}
        forwards = {why: t for why, t in concrete.items() if t.kind != "trunk" or not barred}
        ask, patience = (route.ask, route.ask_timeout) if route.ask else (found.ask, found.ask_timeout)
        timeout = route.timeout or found.timeout
        return Plan(route.pattern, found.stages, timeout, forwards, facts, barred, ask, patience)

    def _all(
        self, targets: Sequence[Target], strategy: str, facts: Facts, barred: bool, path: Path, steps: list[Step]
    ) -> Found | Ending:
        """Several targets, in the order and manner of a strategy. Those that are barred are left out."""
        parts: list[Found] = []
        for target in targets:
            found = self._stages(target, facts, barred, path, steps)
            if isinstance(found, Found):
                parts.append(found)
            elif found is not NOT_FOR_STRANGERS:
                return found
        if targets and not parts:
            return NOT_FOR_STRANGERS
        return side_by_side(parts) if strategy == "parallel" else one_after_the_other(parts)

    def _stages(self, target: Target, facts: Facts, barred: bool, path: Path, steps: list[Step]) -> Found | Ending:
        """What is rung for one target."""
        if target.kind == "trunk" and barred:
            return NOT_FOR_STRANGERS
        if target.kind == "group":
            return self._group(target.value, facts, barred, path, steps)
        if target.kind != "number":
            stages: Stages = ((target,),)
            return Found(stages)
        plan = self._search(facts.to(target.value), path, steps)
        return Found(plan.groups, plan.timeout, plan.ask, plan.ask_timeout) if isinstance(plan, Plan) else plan

    def _group(self, name: str, facts: Facts, barred: bool, path: Path, steps: list[Step]) -> Found | Ending:
        group = self._groups.get(name.casefold())
        if group is None:
            return ending("unknown-number", f"There is no group {name}. Add it under [[groups]].")
        if len(path) >= FORWARD_DEPTH:
            return ending("loop", f"The group {name} is a member of itself. Check [[groups]].")
        captures = {"number": self.meant(facts.dialled)}
        members = [self._concrete(self._member(each), captures) for each in self._in_order(group)]
        found = self._all(members, group.strategy, facts, barred, (*path, -1), steps)
        return found if isinstance(found, Ending) else found.within(group.timeout)

    def _member(self, target: Target) -> Target:
        """A member's bare name is the person, whatever routes lead there: a route to the group would meet itself."""
        account = self.account(target.value) if target.kind == "number" else None
        return target if account is None else Target("user", account.name)

    def _in_order(self, group: Group) -> list[Target]:
        members = list(group.members)
        if group.strategy == "random":
            return [each for _, each in sorted(((self._chance(), each) for each in members), key=lambda pair: pair[0])]
        if group.strategy == "round-robin" and members:
            turn = self._turns.get(group.name, 0) % len(members)
            self._turns[group.name] = turn + 1
            return members[turn:] + members[:turn]
        return members

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
