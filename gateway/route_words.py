"""`tandem route`: where a call would go and why, without placing it.

Reads the same tables as the gateway and asks the same router; nothing is looked up, so who is signed in and which
server of a trunk answers is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from gateway import parts, parts_sip
from gateway.calls.causes import Ending
from gateway.calls.events import Identity
from gateway.calls.router import Explanation, Facts, Plan, Router, Step, Target
from gateway.config import Config
from gateway.drivers.placing import by_trunk
from gateway.trunks.trunks import Trunks

FOUND, NOWHERE = 0, 1


class BadQuestion(ValueError):
    """What was asked cannot be meant. The text says what would be right."""


def moment(text: str, config: Config) -> datetime:
    """ "2026-11-27T09:00", in the timezone of [calls] unless it says its own."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadQuestion(f'"{text}" is no time; write it like 2026-11-27T09:00') from None
    zone = parts.timezone(config)
    return at if at.tzinfo is None else at.astimezone(zone)


def explain(
    config: Config, caller: str, dialled: str, trunk: str = "", source: str = "", at: datetime | None = None
) -> tuple[str, int]:
    """The text to print, and the exit code: 1 where the call goes nowhere. Raises BadQuestion.

    With a trunk, caller and number are as it sends them: its rules are applied first.
    """
    clock = parts.wall_clock(config) if at is None else lambda: at
    router, trunks = parts.router(config, clock), parts_sip.trunks(config)
    router.ours = parts.our_hosts(config, [config.sip.port])
    facts = _facts(router, trunks, caller, trunk, source)
    explanation = router.explain(_dialled(router, trunks, dialled, trunk), facts)
    words = _Words(config, trunks, facts)
    lines = [*words.question(explanation, clock()), "", *words.steps(explanation), "", *words.outcome(explanation)]
    return "\n".join(lines), FOUND if isinstance(explanation.outcome, Plan) else NOWHERE


def _facts(router: Router, trunks: Trunks, caller: str, trunk: str, source: str) -> Facts:
    if trunk and trunks.get(trunk) is None:
        known = ", ".join(each.name for each in trunks) or "none"
        raise BadQuestion(f'there is no trunk "{trunk}"; there are: {known}')
    try:
        ip_address(source or "127.0.0.1")
    except ValueError:
        raise BadQuestion(f'"{source}" is no address; write one like 192.0.2.7') from None
    sender = trunks.get(trunk)
    if sender is not None:
        number = sender.caller_id.inward.apply(router.meant(caller))
        return Facts(number=number, trunk=sender.name, source=source, stranger=True)
    account = router.account(caller)
    if account is None:
        return Facts(number=router.meant(caller), source=source, stranger=True)
    return Facts(number=account.extension or account.name, user=account.name, source=source)


def _dialled(router: Router, trunks: Trunks, dialled: str, trunk: str) -> str:
    """As the trunk's rules make it."""
    sender = trunks.get(trunk)
    return dialled if sender is None else sender.inward.apply(router.meant(dialled))


class _Words:
    def __init__(self, config: Config, trunks: Trunks, facts: Facts) -> None:
        self._config, self._trunks, self._facts = config, trunks, facts

    def question(self, explanation: Explanation, at: datetime) -> Iterator[str]:
        facts = self._facts
        who = f"{facts.number} (user {facts.user})" if facts.user else f"{facts.number} (no account here)"
        ways = [f"by trunk {facts.trunk}" if facts.trunk else "", f"from {facts.source}" if facts.source else ""]
        yield " ".join(["Caller:", who, *filter(None, ways)])
        yield f"Called: {explanation.number}"
        yield f"When:   {at:%a %Y-%m-%d %H:%M} {self._config.calls.timezone or '(time of this machine)'}"

    def steps(self, explanation: Explanation) -> Iterator[str]:
        number = explanation.number
        for step in explanation.steps:
            if step.number != number:
                number = step.number
                yield f"{number}, as if dialled:"
            yield f"  {_name(step)}: {step.why_not or 'taken'}"
        if not explanation.steps:
            yield "  There are no routes."
        elif explanation.steps[-1].why_not:
            yield f"  No route and no user is called {number}."

    def outcome(self, explanation: Explanation) -> Iterator[str]:
        plan = explanation.outcome
        if isinstance(plan, Ending):
            yield f"Refused: {plan.status} {plan.cause}. {plan.words}"
            return
        if plan.ask:
            yield f"Ask {plan.ask}; without an answer in {plan.ask_timeout:g} s:"
        patience = plan.timeout or self._config.calls.ring_timeout
        for number, group in enumerate(plan.groups, 1):
            order = f"{number}. " if len(plan.groups) > 1 else ""
            yield f"{order}Ring for {patience:g} s{' at once' if len(group) > 1 else ''}:"
            for target in group:
                yield f"  {target}"
                yield from (f"    {line}" for line in self._trunk(target))
        if not plan.groups:
            yield "Nobody is rung."
        for why, target in plan.forwards.items():
            yield f"If {_REASONS[why]}: {target}"

    def _trunk(self, target: Target) -> Iterator[str]:
        """What it would be sent."""
        name, _, number = target.value.partition("/")
        trunk = self._trunks.get(name) if target.kind == "trunk" else None
        if trunk is None:
            return
        accounts = [each.account for each in parts.people(self._config)]
        display = next((each.display for each in accounts if each.name == self._facts.user), "")
        caller = Identity(self._facts.number, display, self._facts.user)
        for place in by_trunk(trunk, trunk.servers, number, caller, parts_sip.domain(self._config)):
            yield f"INVITE {place.uri}"
            yield f"  From: {place.from_}"
            yield from (f"  {header}: {value}" for header, value in place.headers)


_REASONS = {"busy": "busy", "no-answer": "nobody answers", "unreachable": "nobody can be reached"}


def _name(step: Step) -> str:
    if step.index < 0:
        return f"no route needed, {step.route.pattern}"
    return f'route {step.index + 1} (match = "{step.route.pattern}")'
