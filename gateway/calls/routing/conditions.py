"""Whether a route is for a call. Each condition says why not, in words, or nothing: so the same search that decides
can explain (`tandem route`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from ..patterns import Captures, compile_pattern
from .hours import Hours, clock_words
from .table import Facts, Route

OWN = "none"
"""In a route's `trunk`: calls that came in by no trunk."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A call as conditions see it."""

    dialled: tuple[str, ...]
    """What was dialled, by each of its names."""
    callers: tuple[str, ...]
    """The caller, by each of its names."""
    facts: Facts
    at: datetime | None
    """Local wall-clock time; None where no route asks."""


Condition = Callable[[Subject], str]
"""Empty: it holds. Else why it does not."""


class Compiled:
    """A route with its pattern and its conditions, ready to be asked."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._match = compile_pattern(route.pattern)
        self._conditions = tuple(_conditions(route))

    def captures(self, subject: Subject) -> Captures | str:
        """What its pattern captured, or why this route is not taken."""
        found = next((c for c in map(self._match, subject.dialled) if c is not None), None)
        if found is None:
            return f'match: "{subject.dialled[0]}" is not {self.route.pattern}'
        why_not = next((why for condition in self._conditions if (why := condition(subject))), "")
        return why_not or found


def _conditions(route: Route) -> list[Condition]:
    made: list[Condition] = []
    if route.callers:
        made.append(_from(route.callers))
    if route.trunks:
        made.append(_trunk(route.trunks))
    if route.sources:
        made.append(_source([ip_network(network, strict=False) for network in route.sources]))
    if route.hours:
        made.append(_hours(route.hours))
    return made


def _from(patterns: tuple[str, ...]) -> Condition:
    matchers = [compile_pattern(pattern) for pattern in patterns]

    def condition(subject: Subject) -> str:
        if any(matcher(name) is not None for matcher in matchers for name in subject.callers):
            return ""
        who = subject.callers[0] if subject.callers else "nobody known"
        return f"from: the caller is {who}, not {_or(patterns)}"

    return condition


def _trunk(names: tuple[str, ...]) -> Condition:
    wanted = {name.casefold() for name in names}

    def condition(subject: Subject) -> str:
        trunk = subject.facts.trunk
        if (trunk.casefold() or OWN) in wanted:
            return ""
        return f"trunk: the call came in by {trunk or 'no trunk'}, not by {_or(names)}"

    return condition


def _source(networks: list[IPv4Network | IPv6Network]) -> Condition:
    def condition(subject: Subject) -> str:
        source = subject.facts.source
        try:
            host = ip_address(source)
        except ValueError:
            return f"source: where the call came from is {source or 'not known'}"
        host = getattr(host, "ipv4_mapped", None) or host  # a socket for both families
        if any(host in network for network in networks):
            return ""
        return f"source: the call came from {source}, not from {_or(tuple(map(str, networks)))}"

    return condition


def _hours(hours: tuple[Hours, ...]) -> Condition:
    def condition(subject: Subject) -> str:
        assert subject.at is not None
        if any(each.cover(subject.at) for each in hours):
            return ""
        return f"hours: it is {clock_words(subject.at)}, not {_or(tuple(each.text for each in hours))}"

    return condition


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(words)
