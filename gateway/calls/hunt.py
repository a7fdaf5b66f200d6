"""Whom to ring next: the groups of a plan in turn, then where the plan forwards to, cut after some hops."""

from __future__ import annotations

from collections.abc import Callable

from .causes import Ending, best, ending
from .router import Plan, Router, Target

_FORWARD_FOR = {"busy": "busy", "declined": "busy", "no-answer": "no-answer"}
_FINAL = ("cancelled", "loop", "forbidden", "unknown-number")


def forward_reason(cause: str) -> str | None:
    """Which of a route's forwards a cause takes: "busy", "no-answer", "unreachable", or None."""
    return None if cause in _FINAL else _FORWARD_FOR.get(cause, "unreachable")


class Hunt:
    """One call's search for somebody who answers."""

    def __init__(self, router: Router, plan: Plan, hop_limit: int) -> None:
        self.plan = plan
        self.because = ""
        """Why this plan is in force: empty for the first, else the reason of the forward."""
        self.trail: list[str] = []
        self._router = router
        self._hops_left = hop_limit
        self._groups = list(plan.groups)
        self._fell: list[Ending] = []
        self._final: Ending | None = None

    def fell_out(self, target: Target, why: Ending) -> None:
        self._fell.append(why)
        self.trail.append(f"{target}: {why.cause} ({why.status})")

    def next_group(self) -> tuple[Target, ...] | None:
        """The next targets to ring together; None when there are none left in this plan."""
        return self._groups.pop(0) if self._groups else None

    def forward(self) -> bool:
        """Take up the plan that the exhausted one forwards to. False: there is none, `verdict` is final."""
        if self._final is not None:
            return False
        why = forward_reason(best(self._fell).cause)
        target = self.plan.forwards.get(why) if why else None
        if target is None or why is None:
            return False
        if self._hops_left == 0:
            self._final = ending("loop")
            return False
        self._hops_left -= 1
        further = self._router.towards(target, why, self.plan)
        if isinstance(further, Ending):
            self._final = further
            return False
        self.plan, self.because = further, why
        self._groups, self._fell = list(further.groups), []
        return True

    def search(self, call: Callable[[tuple[Target, ...]], bool], forwarded: Callable[[], None]) -> bool:
        """Call group after group, through forwards, until `call` has rung somebody. False: `verdict` is final."""
        while True:
            group = self.next_group()
            if group is not None:
                if call(group):
                    return True
            elif self.forward():
                forwarded()
            else:
                return False

    def divert(self, number: str) -> None:
        """Ring this number next, since a target says that it is there now (302). Hops count as for forwards."""
        if self._hops_left == 0:
            self._final = ending("loop")
            return
        self._hops_left -= 1
        further = self._router.route(number, stranger=self.plan.stranger)
        if isinstance(further, Ending):
            self._fell.append(further)
            self.trail.append(f"{number}: {further.cause} ({further.status})")
        else:
            self._groups[:0] = further.groups

    @property
    def verdict(self) -> Ending:
        """What the caller is told when nobody answers."""
        return self._final or best(self._fell)
