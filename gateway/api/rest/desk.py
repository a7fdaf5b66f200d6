"""The live calls as the resources see them: looked up by id, or refused in words; shown with times of day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.api.rest.problem import Problem, not_valid
from gateway.api.rest.shown import CallShown, LegShown, Wall, call_shown, leg_shown
from gateway.calls.ports import Desk
from gateway.calls.view import CallView, PartyView

STEER = (409, 503)
"""What a command may be refused with, beyond what each operation may: not now, not taken."""


class Live:
    """`clock` is the calls' own."""

    def __init__(self, desk: Desk, at: Wall, clock: Callable[[], float]) -> None:
        self.desk, self.at, self.clock = desk, at, clock

    def view(self, call: str) -> CallView:
        """Raises Problem."""
        if (view := self.desk.view(call)) is None:
            words = f'There is no live call "{call[:64]}": it has ended, or never was. GET /v1/calls lists all.'
            raise Problem(404, "no-such-call", words)
        return view

    def leg(self, call: str, leg: str) -> PartyView:
        """Raises Problem."""
        view = self.view(call)
        for party in view.parties:
            if party.leg == leg:
                return party
        legs = ", ".join(party.leg for party in view.parties) or "none"
        raise Problem(404, "no-such-leg", f'There is no party "{leg[:64]}" in call {call}: there are {legs}.')

    def other(self, call: str, other: str) -> CallView:
        """The first of two different calls, both live. Raises Problem."""
        view = self.view(call)
        self.view(other)
        if call == other:
            raise not_valid("body", "call", "name another call: this one is joined already")
        return view

    def show(self, view: CallView) -> CallShown:
        return call_shown(view, self.at)

    def shown(self, call: str) -> CallShown:
        return self.show(self.view(call))

    def after(self, before: CallView) -> CallShown:
        """The call after a command; one that ended by it, or at once, as it was, but ended."""
        return self.show(self.desk.view(before.id) or replace(before, state="ended", parties=()))

    def leg_after(self, call: str, before: PartyView) -> LegShown:
        view = self.desk.view(call)
        parties = view.parties if view is not None else ()
        return leg_shown(next((party for party in parties if party.leg == before.leg), before))
