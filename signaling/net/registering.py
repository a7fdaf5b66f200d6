"""Registrations whose registrar has still to be found: looked up again and again until DNS answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from signaling.sip.address import Address
from signaling.sip.errors import SipError, Unresolvable
from signaling.sip.events import RegistrationChanged
from signaling.sip.registration import Registration
from signaling.sip.uri import Uri

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds


class Registering:
    """`resolve` looks up, `begin` hands a registration to the stack, `tell` reports what keeps it from that."""

    def __init__(
        self,
        resolve: Callable[[Uri], Awaitable[Sequence[Address]]],
        begin: Callable[[Registration, Sequence[Address]], None],
        tell: Callable[[RegistrationChanged], None],
    ) -> None:
        self._resolve, self._begin, self._tell = resolve, begin, tell
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, registration: Registration) -> None:
        self.stop(registration.id)
        task = asyncio.get_running_loop().create_task(self._run(registration))
        self._tasks[registration.id] = task
        task.add_done_callback(lambda done: self._done(registration.id, done))

    def stop(self, id: str) -> bool:
        """False: that one is not (any more) being looked up."""
        task = self._tasks.pop(id, None)
        return task is not None and not task.done() and task.cancel()

    async def aclose(self) -> None:
        tasks = list(self._tasks.values())
        for id in list(self._tasks):
            self.stop(id)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(id) is task:
            del self._tasks[id]

    async def _run(self, registration: Registration) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                targets = await self._resolve(registration.registrar)
                break
            except Unresolvable as error:
                self._tell(RegistrationChanged(registration.id, "failed", error.sip_status, str(error), round(wait)))
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, 2 * wait)
        try:
            self._begin(registration, targets)
        except SipError as error:
            self._tell(RegistrationChanged(registration.id, "failed", error.sip_status, str(error), 0))
