"""Our registrations with others, carried: each `Registration` says what to send and when, this sends it.

A target that does not answer, cannot be reached or says 503 gives way to the next one (RFC 3263 section 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signaling.sip.address import Address
from signaling.sip.core import Core
from signaling.sip.errors import NoSuchCall, SipError, WrongState
from signaling.sip.message import Response
from signaling.sip.registration import Registration
from signaling.sip.timers import Deadline


@dataclass(slots=True)
class _Carried:
    registration: Registration
    targets: tuple[Address, ...]
    at: int = 0
    alarm: Deadline | None = None


class Registrations:
    """All registrations of one stack, by id."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._carried: dict[str, _Carried] = {}

    def __len__(self) -> int:
        return len(self._carried)

    def add(self, registration: Registration, targets: Sequence[Address], now: float) -> str:
        """Begin to register."""
        if not targets:
            raise WrongState(f"no address of the registrar {registration.registrar} is known: look it up first")
        if registration.id in self._carried:
            raise WrongState(f"{registration.id} is registered already: give the second one an id of its own")
        carried = self._carried[registration.id] = _Carried(registration, tuple(targets))
        self._pump(carried, now)
        return registration.id

    def remove(self, id: str, now: float) -> None:
        """Take the binding back, then forget it."""
        carried = self._carried.get(id)
        if carried is None:
            raise NoSuchCall(f"no registration {id}")
        carried.registration.unregister(now)
        self._pump(carried, now)

    def _pump(self, carried: _Carried, now: float) -> None:
        registration = carried.registration
        while (request := registration.next_request(now)) is not None:
            request.headers.add("User-Agent", self._core.config.user_agent)
            to = carried.targets[carried.at]
            self._core.transactions.request(request, to, lambda result, at: self._result(carried, result, at), now)
        while (event := registration.next_event()) is not None:
            self._core.events.append(event)
        self._rearm(carried)

    def _rearm(self, carried: _Carried) -> None:
        if carried.alarm is not None:
            carried.alarm.cancel()
            carried.alarm = None
        registration = carried.registration
        if registration.closed:
            self._carried.pop(registration.id, None)
        elif (when := registration.wake_at()) is not None:
            carried.alarm = self._core.schedule.at(when, lambda now: self._pump(carried, now))

    def _result(self, carried: _Carried, result: Response | SipError, now: float) -> None:
        failed = not isinstance(result, Response) or result.status == 503
        if failed:
            carried.at = (carried.at + 1) % len(carried.targets)
        if isinstance(result, Response):
            carried.registration.on_response(result, now)
        else:
            carried.registration.on_timeout(now, str(result))
        self._pump(carried, now)
