"""From a target to the devices that can be rung for it now, or why there is none."""

from __future__ import annotations

from collections.abc import Callable

from .apps import APPS
from .causes import Ending, ending
from .party import FULL_BAND, NARROW_BAND, Party
from .ports import Contact, Directory
from .router import Plan, Target


class Finder:
    def __init__(self, directory: Directory, room: Callable[[str], bool], caller: Party) -> None:
        self._directory, self._room, self._caller = directory, room, caller

    def contacts(self, target: Target) -> list[Contact] | Ending:
        if target.kind == "sip":
            return [Contact("sip", target.value)]
        if target.kind == "trunk":
            return [Contact("sip", str(target))]
        if target.kind == "app":
            known = target.value in APPS
            return (
                [Contact("app", target.value)]
                if known
                else ending("unknown-number", f"There is no app {target.value}.")
            )
        if not self._room(target.value):
            return ending("busy", "This person is already in as many calls as allowed.")
        everybody = self._directory.contacts(target.value)
        found = [c for c in everybody if not self._is_caller(c)]
        if everybody and not found:
            return ending("busy", "This is your own number.")
        return found or ending(
            "not-registered", f"{target.value} is not signed in: no phone or browser is connected right now."
        )

    def bandwidth(self, plan: Plan) -> int:
        """Hz to ask of the caller at first: full when only browsers and apps are called; phones mostly carry 8 kHz."""
        for target in plan.groups[0] if plan.groups else ():
            contacts = self.contacts(target)
            if not isinstance(contacts, Ending) and any(c.kind == "sip" for c in contacts):
                return NARROW_BAND
        return FULL_BAND

    def _is_caller(self, contact: Contact) -> bool:
        """Whoever calls their own number rings their other devices, not the one in their hand."""
        return (contact.kind, contact.address) == (self._caller.kind, self._caller.address)
