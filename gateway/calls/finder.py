"""From a target to the devices that can be rung for it now, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .apps import APPS
from .causes import Ending, ending
from .party import FULL_BAND, NARROW_BAND, Party
from .ports import Contact, Directory
from .router import Plan, Target


class Finder:
    def __init__(self, directory: Directory, room: Callable[[str], bool]) -> None:
        self._directory, self._room = directory, room

    def contacts(self, target: Target, parties: Iterable[Party]) -> list[Contact] | Ending:
        """`parties` are in the call already: whoever calls their own number rings their other devices."""
        if target.kind == "sip":
            return [Contact("sip", target.value)]
        if target.kind == "trunk":
            return [Contact("sip", str(target))]
        if target.kind in ("app", "conference"):
            name = target.value if target.kind == "app" else str(target)
            if name.partition(":")[0] in APPS:
                return [Contact("app", name)]
            return ending("unknown-number", f"There is no app {name}.")
        if not self._room(target.value):
            return ending("busy", "This person is already in as many calls as allowed.")
        everybody = self._directory.contacts(target.value)
        there = {(party.kind, party.address) for party in parties}
        found = [c for c in everybody if (c.kind, c.address) not in there]
        if everybody and not found:
            return ending("busy", f"{target.value} is in this call already, or has placed it.")
        return found or ending(
            "not-registered", f"{target.value} is not signed in: no phone or browser is connected right now."
        )

    def bandwidth(self, plan: Plan, caller: Party) -> int:
        """Hz to ask of the caller at first: full when only browsers and apps are called; phones mostly carry 8 kHz."""
        for target in plan.groups[0] if plan.groups else ():
            contacts = self.contacts(target, (caller,))
            if not isinstance(contacts, Ending) and any(c.kind == "sip" for c in contacts):
                return NARROW_BAND
        return FULL_BAND
