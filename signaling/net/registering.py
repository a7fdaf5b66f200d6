"""Where the registrars of our registrations are: looked up until DNS answers, and again whenever that may have changed.

A registrar that moves is found by the next REGISTER: after each failure, and shortly before each refresh, its name is
looked up once more (RFC 3263 section 4; the resolver's cache keeps that cheap). What was found before stays in use
while DNS is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace

from signaling.sip.address import Address
from signaling.sip.errors import SipError, Unresolvable
from signaling.sip.events import RegistrationChanged
from signaling.sip.registration import Registration, RegistrationView
from signaling.sip.uri import Uri

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds
BEFORE_REFRESH = 0.7  # of what was granted: the refresh follows at four fifths or later


class Registering:
    """`resolve` looks up, `begin` hands a registration to the stack, `retarget` tells the stack of new addresses.

    `tell` reports what keeps a registration from the stack.
    """

    def __init__(
        self,
        resolve: Callable[[Uri], Awaitable[Sequence[Address]]],
        begin: Callable[[Registration, Sequence[Address]], None],
        retarget: Callable[[str, Sequence[Address]], None],
        tell: Callable[[RegistrationChanged], None],
    ) -> None:
        self._resolve, self._begin, self._retarget, self._tell = resolve, begin, retarget, tell
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._registrars: dict[str, Uri] = {}  # whom to look up, of those that are with the stack
        self._sought: dict[str, RegistrationView] = {}  # of those that are not yet

    def start(self, registration: Registration) -> None:
        self.stop(registration.id)
        self._sought[registration.id] = registration.view()
        self._run(registration.id, self._first(registration))

    def stop(self, id: str) -> bool:
        """False: that one is with the stack (or over), and is to be taken back there."""
        self._sought.pop(id, None)
        with_stack = self._registrars.pop(id, None) is not None
        task = self._tasks.pop(id, None)
        return task is not None and not task.done() and task.cancel() and not with_stack

    def views(self) -> list[RegistrationView]:
        """Those whose registrar has not been found yet, with the reason why."""
        return list(self._sought.values())

    def changed(self, event: RegistrationChanged) -> None:
        """The stack tells of a registration; those that were given to it with their addresses are passed over."""
        registrar = self._registrars.get(event.id)
        if registrar is None:
            return
        if event.state == "unregistered":
            self.stop(event.id)
        elif event.state in ("failed", "registered"):
            wait = event.expires * BEFORE_REFRESH if event.state == "registered" else 0.0
            self._run(event.id, self._again(event.id, registrar, wait))

    async def aclose(self) -> None:
        tasks = list(self._tasks.values())
        for id in list(self._tasks):
            self.stop(id)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, id: str, lookup: Coroutine[None, None, None]) -> None:
        """One task for each registration: a new one takes the place of the last."""
        if (last := self._tasks.get(id)) is not None:
            last.cancel()
        task = self._tasks[id] = asyncio.get_running_loop().create_task(lookup)
        task.add_done_callback(lambda done: self._done(id, done))

    def _done(self, id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(id) is task:
            del self._tasks[id]

    async def _first(self, registration: Registration) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                targets = await self._resolve(registration.first_hop)
                break
            except Unresolvable as error:
                self._note(registration, error, wait)
                self._tell(RegistrationChanged(registration.id, "failed", error.sip_status, str(error), round(wait)))
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, 2 * wait)
        self._tasks.pop(registration.id, None)  # what the stack tells at once begins the next
        self._sought.pop(registration.id, None)
        self._registrars[registration.id] = registration.first_hop
        try:
            self._begin(registration, targets)
        except SipError as error:
            self._registrars.pop(registration.id, None)
            self._tell(RegistrationChanged(registration.id, "failed", error.sip_status, str(error), 0))

    def _note(self, registration: Registration, error: SipError, wait: float) -> None:
        next_at = asyncio.get_running_loop().time() + wait
        self._sought[registration.id] = replace(
            registration.view(), state="failed", status=error.sip_status, reason=str(error), next_at=next_at
        )

    async def _again(self, id: str, registrar: Uri, wait: float) -> None:
        await asyncio.sleep(wait)
        try:
            self._retarget(id, await self._resolve(registrar))
        except Unresolvable:
            pass  # whether the registrar can be reached where it was is seen soon enough
