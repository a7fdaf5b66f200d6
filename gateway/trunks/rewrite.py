"""Numbers as the other side wants them: the first rule that matches rewrites, else the number stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.calls.patterns import compile_pattern


@dataclass(frozen=True, slots=True)
class Rule:
    match: str
    """A pattern as routes have it: "0.", "re:^0(.*)"."""
    to: str
    """What it becomes; {rest}, {1}, {number} are filled in."""


class Rules:
    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = [(compile_pattern(rule.match), rule.to) for rule in rules]

    def apply(self, number: str) -> str:
        for match, to in self._rules:
            captures = match(number)
            if captures is not None:
                for name, text in {**captures, "number": number}.items():
                    to = to.replace("{" + name + "}", text)
                return to
        return number
