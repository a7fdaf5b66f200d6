"""The shell of one SIP stack: it feeds it, drains it, re-arms one timer.

Every verb of the stack is here without `now`, and after each of them everything the stack has to send is sent and every
event handed to `on_event`. A verb may be called from within `on_event`: what it causes is drained by the loop that is
already running, so that events never nest. An exception out of `on_event` is logged and goes no further: one call's
mishap must not deafen the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from signaling.net.quiet import QuietLog
from signaling.net.resolver import Resolver
from signaling.net.tcp import StreamLimits, StreamOwner, Streams
from signaling.net.udp import UdpSocket
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.errors import SipError, Unresolvable
from signaling.sip.events import Event, MessageRefused, RegistrationChanged
from signaling.sip.registration import Registration
from signaling.sip.stack import Stack
from signaling.sip.uri import NameAddr, Uri

logger = logging.getLogger(__name__)
SPOKEN = ("udp", "tcp")
_RETRY_LOOKUP = (2.0, 60.0)  # seconds between look-ups of a registrar: the first wait, the longest
_FLUSH = 1.0  # seconds that closing waits for buffers to empty
_SHORTEST_WAIT = 0.001  # uvloop counts in whole milliseconds


class Endpoint:
    """A stack and its sockets. `listen` says where; port 0 takes a free one, the same for all with port 0 on a host.

    `advertised`: host and port that others reach us by, per transport, where these are not what is bound.
    """

    def __init__(
        self,
        stack: Stack,
        listen: Sequence[Address],
        on_event: Callable[[Event], None],
        *,
        advertised: dict[str, tuple[str, int]] | None = None,
        resolver: Resolver | None = None,
        limits: StreamLimits | None = None,
    ) -> None:
        unknown = [str(address) for address in listen if address.transport not in SPOKEN]
        if unknown or not listen:
            raise ValueError(f"cannot listen on {unknown or 'nothing'}: give addresses of {' or '.join(SPOKEN)}")
        self.stack = stack
        self.addresses: tuple[Address, ...] = ()  # what is really bound, in the order of `listen`
        self.refused = 0  # messages that could not be used
        self._listen, self._on_event, self._limits = tuple(listen), on_event, limits
        self._advertised = dict(advertised or {})
        self._resolver = resolver
        self._udp: list[UdpSocket] = []
        self._streams: Streams | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lookups: dict[str, asyncio.Task[None]] = {}
        self._pumping = self._closed = False

    # up and down

    async def start(self) -> None:
        """Bind everything, or nothing. Raises OSError."""
        self._loop = asyncio.get_running_loop()
        self._log = QuietLog(logger, self._loop.time)
        self._resolver = self._resolver or Resolver(list(dict.fromkeys(a.transport for a in self._listen)))
        owner = StreamOwner(self._messages, self._refuse, self._failed, self._lost)
        self._streams = Streams(owner, self._limits)
        try:
            for address in self._listen:
                bound = await self._bind(address)
                self.addresses += (bound,)
                host, port = self._advertised.get(bound.transport, (bound.host, bound.port))
                self.stack.advertise(bound.transport, host, port or bound.port)
        except OSError as error:
            await self._close_sockets()
            raise OSError(error.errno, f"cannot listen on {address}: {error.strerror or error}") from error
        self._pump()

    async def aclose(self, linger: float = 0.0) -> None:
        """Send what is to be sent (a BYE that was just ordered) and close.

        With `linger`, up to so many seconds are left for the last transactions: a BYE that gets lost is sent again.
        """
        for task in self._lookups.values():
            task.cancel()
        await asyncio.gather(*self._lookups.values(), return_exceptions=True)
        if self._streams is None or self._closed:
            return
        self._pump()
        until = self._loop.time() + linger
        await self._settle(lambda: not self.stack.transactions(), until)
        await self._settle(lambda: not self._unsent(), max(until, self._loop.time() + _FLUSH))
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._close_sockets()

    async def _settle(self, done: Callable[[], bool], until: float) -> None:
        while not done() and self._loop.time() < until:  # noqa: ASYNC110 - no socket tells when its buffer is empty
            await asyncio.sleep(0.01)

    async def _bind(self, address: Address) -> Address:
        port = address.port or next((a.port for a, asked in self._bound() if asked.host == address.host), 0)
        try:
            host, port = await self._open(address, port)
        except OSError:
            if address.port or not port:
                raise
            host, port = await self._open(address, 0)
        return Address(address.transport, host, port)

    def _bound(self) -> Iterable[tuple[Address, Address]]:
        return ((bound, asked) for bound, asked in zip(self.addresses, self._listen, strict=False) if not asked.port)

    async def _open(self, address: Address, port: int) -> tuple[str, int]:
        if address.transport == "tcp":
            assert self._streams is not None
            return await self._streams.listen(address.host, port)
        udp = UdpSocket(self._datagrams, self._unreachable)
        bound = udp.open(address.host, port)
        self._udp.append(udp)
        return bound

    async def _close_sockets(self) -> None:
        for udp in self._udp:
            udp.close()
        if self._streams is not None:
            self._streams.close()
            await self._streams.wait_closed()

    def _unsent(self) -> int:
        streams = self._streams.waiting if self._streams is not None else 0
        return streams + sum(udp.waiting for udp in self._udp)

    @property
    def connections(self) -> int:
        """TCP connections that are open or being opened."""
        return len(self._streams) if self._streams is not None else 0

    # verbs

    async def resolve(self, uri: Uri) -> list[Address]:
        """Where a request for `uri` goes (RFC 3263). Raises Unresolvable."""
        if self._resolver is None:
            raise Unresolvable("the endpoint is not started")
        return await self._resolver.resolve(uri)

    async def invite(
        self,
        uri: Uri,
        *,
        from_: NameAddr,
        to: NameAddr | None = None,
        body: bytes,
        headers: Iterable[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        route: Sequence[NameAddr] = (),
        targets: Sequence[Address] = (),
    ) -> str:
        """Call `uri`, by the first `route` if there is one; `targets` (a phone's binding) spares the look-up."""
        places = list(targets) or await self.resolve(route[0].uri if route else uri)
        try:
            return self.stack.invite(
                uri, targets=places, from_=from_, to=to, body=body, headers=headers,
                credentials=credentials, route=route, now=self._loop.time(),
            )  # fmt: skip
        finally:
            self._pump()

    def progress(self, call: str, status: int, reason: str | None = None, body: bytes = b"") -> None:
        with self._pumped():
            self.stack.progress(call, status, self._loop.time(), reason, body)

    def answer(self, call: str, body: bytes) -> None:
        with self._pumped():
            self.stack.answer(call, body, self._loop.time())

    def reject(
        self, call: str, status: int, reason: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        with self._pumped():
            self.stack.reject(call, status, self._loop.time(), reason, headers)

    def cancel(self, call: str, reason: str | None = None) -> None:
        with self._pumped():
            self.stack.cancel(call, self._loop.time(), reason)

    def bye(self, call: str, reason: str | None = None) -> None:
        with self._pumped():
            self.stack.bye(call, self._loop.time(), reason)

    def reinvite(self, call: str, body: bytes) -> None:
        with self._pumped():
            self.stack.reinvite(call, body, self._loop.time())

    def answer_reinvite(self, call: str, body: bytes) -> None:
        with self._pumped():
            self.stack.answer_reinvite(call, body, self._loop.time())

    def reject_reinvite(self, call: str, status: int) -> None:
        with self._pumped():
            self.stack.reject_reinvite(call, status, self._loop.time())

    def info(self, call: str, content_type: str, body: bytes) -> None:
        with self._pumped():
            self.stack.info(call, content_type, body, self._loop.time())

    def register(self, registration: Registration) -> str:
        """Look the registrar up, again and again until DNS answers, then stay registered there."""
        if registration.id not in self._lookups:
            task = self._loop.create_task(self._register(registration))
            self._lookups[registration.id] = task
            task.add_done_callback(lambda _: self._lookups.pop(registration.id, None))
        return registration.id

    def unregister(self, id: str) -> None:
        """Take a registration back; NoSuchCall when there is none."""
        lookup = self._lookups.get(id)
        if lookup is not None:
            lookup.cancel()
            return
        with self._pumped():
            self.stack.unregister(id, self._loop.time())

    async def _register(self, registration: Registration) -> None:
        wait, longest = _RETRY_LOOKUP
        while True:
            try:
                targets = await self.resolve(registration.registrar)
                break
            except Unresolvable as error:
                words = RegistrationChanged(registration.id, "failed", error.sip_status, str(error), round(wait))
                self._emit(words)
                await asyncio.sleep(wait)
                wait = min(longest, 2 * wait)
        try:
            with self._pumped():
                self.stack.register(registration, targets, self._loop.time())
        except SipError as error:
            self._emit(RegistrationChanged(registration.id, "failed", error.sip_status, str(error), 0))

    # what the sockets bring

    def _datagrams(self, batch: list[tuple[bytes, str, int]]) -> None:
        now = self._loop.time()
        for data, host, port in batch:
            self.stack.receive(data, Address("udp", host, port), now)
        self._pump()

    def _messages(self, messages: list[bytes], source: Address) -> None:
        now = self._loop.time()
        for data in messages:
            self.stack.receive(data, source, now)
        self._pump()

    def _refuse(self, why: str, source: Address) -> None:
        self._emit(MessageRefused(why, source))

    def _unreachable(self, host: str, port: int, why: str) -> None:
        self._failed(Address("udp", host, port), why)

    def _failed(self, to: Address, why: str) -> None:
        self.stack.transport_failed(to, self._loop.time(), why)
        self._pump()

    def _lost(self, connection: int) -> None:
        if self.stack.registrar is not None and not self._closed:
            self.stack.registrar.connection_lost(connection)
            self._pump()

    # the pump

    def _pumped(self) -> _Pumped:
        return _Pumped(self._pump)

    def _pump(self) -> None:
        """Send everything, tell everything, set the timer."""
        if self._pumping or self._closed:
            return
        self._pumping = True
        try:
            while True:
                outgoing = self.stack.outgoing()
                for transmit in outgoing:
                    self._send(transmit.data, transmit.to)
                event = self.stack.next_event()
                if event is not None:
                    self._emit(event)
                elif not outgoing:
                    break
        finally:
            self._pumping = False
        self._arm()

    def _send(self, data: bytes, to: Address) -> None:
        failed: str | None = f"{to.transport} is not spoken here"
        if to.transport == "udp" and (udp := self._udp_for(to.host)) is not None:
            failed = udp.send(data, to.host, to.port)
        elif to.transport == "tcp" and self._streams is not None:
            failed = self._streams.send(data, to)
        if failed:
            self._log.warning("cannot send to %s: %s", to, failed)
            self.stack.transport_failed(to, self._loop.time(), failed)

    def _udp_for(self, host: str) -> UdpSocket | None:
        """A socket of the right family; of several, one on loopback for loopback and another for the rest."""
        v6 = ":" in host
        fitting = [udp for udp in self._udp if (":" in udp.host) == v6]
        near = host.startswith("127.") or host == "::1"
        same = [udp for udp in fitting if (udp.host.startswith("127.") or udp.host == "::1") == near]
        return next(iter(same or fitting), None)

    def _emit(self, event: Event) -> None:
        if isinstance(event, MessageRefused):
            self.refused += 1
            self._log.warning("refused a message from %s: %s", event.source, event.why)
        try:
            self._on_event(event)
        except Exception:
            logger.exception("a listener failed on %s", event)

    # the timer

    def _arm(self) -> None:
        sweep = self._streams.wake_at() if self._streams is not None else None
        due = [at for at in (self.stack.wake_at(), sweep) if at is not None]
        if not due or self._closed:
            return
        now = self._loop.time()
        at = max(min(due), now + _SHORTEST_WAIT)
        if self._timer is not None:
            if self._timer.when() <= at:
                return  # it will find nothing to do, and set the next one
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._streams is not None:
            self._streams.wake(now)
        self.stack.wake(now)
        self._pump()


class _Pumped:
    """Whatever the verb did, also when it raised: what it left is sent and told."""

    def __init__(self, pump: Callable[[], None]) -> None:
        self._pump = pump

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._pump()
