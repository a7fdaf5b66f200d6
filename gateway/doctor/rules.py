"""What a rule is, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .facts import CallFacts
from .leg import LegFacts

SEVERITIES = ("error", "warning", "note")
"""It came to nothing or had no audio; it was worse than it should be; it was good, but something is worth knowing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen, and what to do."""

    code: str
    severity: str
    words: str
    leg: str | None = None
    """Whom it is about; None for the whole call."""

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "severity": self.severity, "words": self.words, "leg": self.leg}


LegPredicate = Callable[[CallFacts, LegFacts], str | None]
CallPredicate = Callable[[CallFacts], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table. Its predicate gives the words where it applies, else None."""

    code: str
    severity: str
    causes: str
    """What is behind it, for the documentation."""
    todo: str
    """What to do, likewise."""
    of_leg: LegPredicate | None = None
    of_call: CallPredicate | None = None
    explains: tuple[str, ...] = ()
    """Codes that need not be said when this is: its consequences."""

    def apply(self, call: CallFacts) -> Iterable[Verdict]:
        if self.of_call is not None and (words := self.of_call(call)):
            yield Verdict(self.code, self.severity, words)
        for leg in call.parties if self.of_leg is not None else ():
            if self.of_leg is not None and (words := self.of_leg(call, leg)):
                yield Verdict(self.code, self.severity, words, leg.leg)


def judge(call: CallFacts, rules: Iterable[Rule]) -> list[Verdict]:
    """All that applies and is not explained by another, the worst first."""
    table = list(rules)
    found = [verdict for rule in table for verdict in rule.apply(call)]
    explains = {rule.code: rule.explains for rule in table}
    said = [v for v in found if not any(v.code in explains[other.code] and _about(other, v) for other in found)]
    return sorted(said, key=lambda verdict: SEVERITIES.index(verdict.severity))


def _about(cause: Verdict, effect: Verdict) -> bool:
    return cause is not effect and (cause.leg == effect.leg or cause.leg is None or effect.leg is None)


def failed_with(call: CallFacts, leg: LegFacts, *causes: str) -> bool:
    """This leg fell out for one of these causes, by itself or with the call."""
    if call.ending is not None and call.ending.cause in causes and call.ended_by == leg.leg:
        return True
    if leg.left is None or leg.left.cause not in causes or not leg.called:
        return False
    released = leg.joined and call.ending is not None and call.ending.cause == leg.left.cause
    return not released  # a call's end is given as the reason to everybody who was still in it


def capital(words: str) -> str:
    """A sentence begins."""
    return words[:1].upper() + words[1:]
