"""Where a program's words lead: a number by its route, anything else straight there."""

from __future__ import annotations

from dataclasses import replace

from .causes import Ending
from .errors import BadTarget
from .patterns import BadPattern
from .router import Plan, Router, Target


def target_of(text: str) -> Target:
    """Raises BadTarget."""
    try:
        return Target.parse(text)
    except BadPattern as error:
        raise BadTarget(f"{error}.") from None


def plan_to(router: Router, text: str, timeout: float | None = None) -> Plan | Ending:
    """The plan for calling a target or number, or why it leads nowhere. Raises BadTarget for what is neither."""
    target = target_of(text)
    if target.kind in ("number", "user"):
        plan = router.route(text)
    else:
        plan = router.towards(target, "asked for", Plan(str(target), ()))
    return replace(plan, timeout=timeout) if timeout and isinstance(plan, Plan) else plan
