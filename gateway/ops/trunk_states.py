"""Where we are registered, as the one stream of SIP events tells it: for metrics and for /readyz."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from signaling.sip.registration import RegistrationChanged

STANDING = ("registered", "refreshing")


class TrunkStates:
    """`names`: the trunks that are to be registered. Others are not counted: their number is bounded by that."""

    def __init__(self, names: Iterable[str]) -> None:
        self._states = dict.fromkeys(names, "registering")

    def note(self, event: object) -> None:
        if isinstance(event, RegistrationChanged) and event.id in self._states:
            again = event.state == "registering" and self._states[event.id] in STANDING  # a renewal
            self._states[event.id] = self._states[event.id] if again else event.state

    def registered(self) -> Mapping[str, bool]:
        return {name: state in STANDING for name, state in self._states.items()}

    def warning(self) -> str:
        away = sum(not good for good in self.registered().values())
        return f"{away} of {len(self._states)} trunks are not registered" if away else ""
