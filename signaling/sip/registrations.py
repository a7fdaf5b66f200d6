"""Our registrations with others, carried: each `Registration` says what to send and when, this sends it.

A target that does not answer, cannot be reached or says 503 gives way to the next one (RFC 3263 section 4.3). While one
has us registered, calls come by the way that the REGISTER went. Over UDP a small datagram keeps that way open in every
NAT (RFC 5626 section 4.4 asks for STUN, which registrars seldom speak; a double CRLF is SIP's own, and is ignored by
those that do not know it); a stream that breaks is a reason to register again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signaling.sip.address import Address
from signaling.sip.core import Core
from signaling.sip.errors import NoSuchCall, SipError, WrongState
from signaling.sip.message import Response
from signaling.sip.registration import Registration, RegistrationView
from signaling.sip.registration_table import State
from signaling.sip.timers import Deadline

KEEP_ALIVE = 24.0, 5.0  # seconds of least wait and of spread: RFC 5626 section 4.4.2 for UDP
PING = b"\r\n\r\n"
STANDING = (State.REGISTERED, State.REFRESHING)


@dataclass(slots=True)
class _Carried:
    registration: Registration
    targets: tuple[Address, ...]
    at: int = 0
    alarm: Deadline | None = None
    ping: Deadline | None = None

    @property
    def target(self) -> Address:
        return self.targets[self.at]


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

    def views(self) -> list[RegistrationView]:
        return [each.registration.view(each.target) for each in self._carried.values()]

    def retarget(self, id: str, targets: Sequence[Address]) -> None:
        """The registrar's name means these addresses now; the one in use stays in use while it is among them."""
        carried = self._carried.get(id)
        if carried is not None and targets:
            now_used = carried.target
            carried.targets = tuple(targets)
            carried.at = targets.index(now_used) if now_used in targets else 0

    def transport_failed(self, to: Address, now: float) -> None:
        """Whoever is registered by a connection to there is not any more.

        The new REGISTER waits for the next `wake`: the transport may have more to say of the same connection.
        """
        bare = replace(to, connection=None)
        for carried in [each for each in self._carried.values() if each.target == bare and bare.reliable]:
            carried.registration.on_lost(now)
            self._follow(carried, now)

    def _pump(self, carried: _Carried, now: float) -> None:
        registration = carried.registration
        while (request := registration.next_request(now)) is not None:
            request.headers.add("User-Agent", self._core.config.user_agent)
            to = carried.target
            self._core.transactions.request(request, to, lambda result, at: self._result(carried, result, at), now)
        self._follow(carried, now)

    def _follow(self, carried: _Carried, now: float) -> None:
        """Tell what has become of it, and arm what it wants."""
        while (event := carried.registration.next_event()) is not None:
            self._core.events.append(event)
        self._rearm(carried)
        self._keep_alive(carried, now)

    def _keep_alive(self, carried: _Carried, now: float) -> None:
        """Ping from now on, or no longer."""
        wanted = carried.registration.state in STANDING and not carried.target.reliable
        if wanted and carried.ping is None:
            least, spread = KEEP_ALIVE
            carried.ping = self._core.schedule.at(
                now + least + spread * self._core.fraction(), lambda at: self._ping(carried, at)
            )
        elif not wanted and carried.ping is not None:
            carried.ping.cancel()
            carried.ping = None

    def _ping(self, carried: _Carried, now: float) -> None:
        carried.ping = None
        self._core.transactions.send(PING, carried.target)
        self._keep_alive(carried, now)

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
