"""A stack with its sockets: feeds it, drains it, keeps its one timer.

    datagram, message, failure, verb, timer  ->  stack  ->  bytes to transports, events to `on_event`

Every path ends in `_settle`, which sends what the stack has to say and tells what has happened until it has nothing
left; `on_event` may call any verb on the way, and events never nest. The clock is the loop's.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence

from signaling.net.registering import Registering
from signaling.net.resolver import Resolver
from signaling.net.tcp import Tcp
from signaling.net.trace import OnMessage, Tracer
from signaling.net.transport import Owner, Traffic, Transport, ip_version
from signaling.net.udp import Udp
from signaling.sip.address import Address, Transmit
from signaling.sip.auth import Credentials
from signaling.sip.errors import TransportFailed
from signaling.sip.events import Event, MessageRefused, RegistrationChanged
from signaling.sip.registration import Registration, RegistrationView
from signaling.sip.replaces import Replaces
from signaling.sip.stack import Stack
from signaling.sip.uri import NameAddr, Uri

# Whoever adds TLS or WebSocket adds a row; the resolver then offers it to callers.
TRANSPORTS: Mapping[str, Callable[[Address, Owner], Transport]] = {"udp": Udp, "tcp": Tcp}

OnEvent = Callable[[Event], None]


class Endpoint:
    """`listen`: one address per transport and IP version; port 0 takes any. The first is preferred.

    `on_message` hears every SIP message that comes in or goes out, with its secrets masked; it must not call verbs.
    """

    def __init__(
        self,
        stack: Stack,
        listen: Sequence[Address],
        on_event: OnEvent,
        *,
        resolver: Resolver | None = None,
        on_message: OnMessage | None = None,
    ) -> None:
        self._tracer = Tracer(stack, on_message) if on_message is not None else None
        self.stack = stack
        self._on_event = on_event
        self._transports = {(each.transport, ip_version(each.host)): _transport(each, self) for each in listen}
        if len(self._transports) < len(listen) or not listen:
            raise TransportFailed("listen on one address per transport and IP version, and on at least one")
        self._resolver = resolver or Resolver(
            random=random.random,
            transports=tuple(dict.fromkeys(each.transport for each in listen)),
            versions=sorted({ip_version(each.host) or 4 for each in listen}),
        )
        self._registering = Registering(self._resolver.resolve, self._register, self.stack.retarget, self._tell)
        self._open = False
        self._settling = False
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at = 0.0
        self._settled = asyncio.Event()

    # life

    async def start(self) -> None:
        """Listen; raises TransportFailed, and then nothing is left open."""
        self._loop = asyncio.get_running_loop()
        try:
            for transport in self._transports.values():
                await transport.start()
        except BaseException:
            await self._close_transports(0.0)
            raise
        self._open = True
        self._advertise()
        self._settle()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where we listen, in the order asked for, with the real ports."""
        return tuple(transport.address for transport in self._transports.values())

    @property
    def traffic(self) -> dict[str, Traffic]:
        """Counters by address, as `udp:127.0.0.1:5060`."""
        return {str(transport.address): transport.traffic for transport in self._transports.values()}

    async def drain(self, seconds: float) -> None:
        """Wait until every transaction is over (a lost last BYE is sent again), but not longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.stack.transactions():
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError:
            pass

    async def aclose(self, flush: float = 1.0) -> None:
        """Send what waits, for at most `flush` seconds where a stream has to take it, then close everything."""
        self._settle()
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        await self._registering.aclose()
        await self._close_transports(flush)
        await self._resolver.aclose()

    async def _close_transports(self, flush: float) -> None:
        await asyncio.gather(*(transport.aclose(flush) for transport in self._transports.values()))

    def _advertise(self) -> None:
        """Say where we are, unless the configuration says it better (behind NAT it must)."""
        told = self.stack.config.contact_host
        for transport in reversed(self._transports.values()):  # the first of a transport has the last word
            address = transport.address
            host, port = told.get(address.transport, ("", 0))
            self.stack.advertise(address.transport, host or reachable(address.host), port or address.port)

    # verbs: those of the stack, without `now`

    async def invite(
        self,
        uri: Uri,
        *,
        from_: NameAddr,
        to: NameAddr | None = None,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        route: Sequence[NameAddr] = (),
        targets: Sequence[Address] = (),
    ) -> str:
        """Call `uri`; raises Unresolvable. With `targets` (a registered phone's sources) nothing is looked up.

        Awaited directly, it returns the handle before the call's first event is told.
        """
        targets = targets or await self._resolver.resolve(route[0].uri if route else uri)
        call = self.stack.invite(
            uri,
            targets=targets,
            from_=from_,
            to=to,
            body=body,
            headers=headers,
            credentials=credentials,
            route=route,
            now=self._now(),
        )
        self._loop.call_soon(self._settle)
        return call

    async def resolve(self, uri: Uri) -> tuple[Address, ...]:
        """Where requests to `uri` are sent, the best first; raises Unresolvable."""
        return await self._resolver.resolve(uri)

    def register(self, registration: Registration, targets: Sequence[Address] = ()) -> str:
        """Keep `registration` alive, as soon as its registrar is found; returns its id."""
        if targets:
            self._register(registration, targets)
        else:
            self._registering.start(registration)
        return registration.id

    def registrations(self) -> list[RegistrationView]:
        """Each registration of ours as it is now; times are the event loop's."""
        return [*self.stack.registrations(), *self._registering.views()]

    def unregister(self, id: str) -> None:
        """Take it back; raises NoSuchCall when there is none."""
        if not self._registering.stop(id):
            self._then_settle(lambda now: self.stack.unregister(id, now))

    def _register(self, registration: Registration, targets: Sequence[Address]) -> None:
        self._then_settle(lambda now: self.stack.register(registration, targets, now))

    def progress(self, call: str, status: int, reason: str | None = None, body: bytes = b"") -> None:
        self._then_settle(lambda now: self.stack.progress(call, status, now, reason, body))

    def answer(self, call: str, body: bytes) -> None:
        self._then_settle(lambda now: self.stack.answer(call, body, now))

    def reject(
        self, call: str, status: int, reason: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._then_settle(lambda now: self.stack.reject(call, status, now, reason, headers))

    def cancel(self, call: str, reason: str | None = None) -> None:
        self._then_settle(lambda now: self.stack.cancel(call, now, reason))

    def bye(self, call: str, reason: str | None = None) -> None:
        self._then_settle(lambda now: self.stack.bye(call, now, reason))

    def reinvite(self, call: str, body: bytes) -> None:
        self._then_settle(lambda now: self.stack.reinvite(call, body, now))

    def answer_reinvite(self, call: str, body: bytes) -> None:
        self._then_settle(lambda now: self.stack.answer_reinvite(call, body, now))

    def reject_reinvite(self, call: str, status: int) -> None:
        self._then_settle(lambda now: self.stack.reject_reinvite(call, status, now))

    def info(self, call: str, content_type: str, body: bytes) -> None:
        self._then_settle(lambda now: self.stack.info(call, content_type, body, now))

    async def options(
        self,
        uri: Uri,
        *,
        from_: NameAddr | None = None,
        credentials: Credentials | None = None,
        route: Sequence[NameAddr] = (),
        targets: Sequence[Address] = (),
    ) -> str:
        """Ask `uri` what it can do; raises Unresolvable. Its name is looked up anew each time (the cache is short).

        Awaited directly, it returns the id before `OptionsAnswered` is told.
        """
        targets = targets or await self._resolver.resolve(route[0].uri if route else uri)
        id = self.stack.options(uri, targets, self._now(), from_=from_, credentials=credentials, route=route)
        self._loop.call_soon(self._settle)
        return id

    def accept_refer(self, call: str, id: int | None = None) -> None:
        self._then_settle(lambda now: self.stack.accept_refer(call, now, id))

    def notify_refer(self, call: str, status: int, reason: str | None = None, id: int | None = None) -> None:
        self._then_settle(lambda now: self.stack.notify_refer(call, status, reason, now, id))

    def refuse_refer(self, call: str, status: int, reason: str | None = None, id: int | None = None) -> None:
        self._then_settle(lambda now: self.stack.refuse_refer(call, status, now, reason, id))

    def refer(self, call: str, to: Uri, replaces: Replaces | None = None, referred_by: NameAddr | None = None) -> int:
        """Ask the other side to call `to`; the REFER's id, which its events carry."""
        try:
            return self.stack.refer(call, to, self._now(), replaces, referred_by)
        finally:
            self._loop.call_soon(self._settle)

    def _then_settle(self, verb: Callable[[float], object]) -> None:
        """A verb's error is its caller's; what the stack has to say goes out all the same."""
        try:
            verb(self._now())
        finally:
            self._settle()

    # what transports tell (`Owner`)

    def receive(self, data: bytes, source: Address) -> None:
        self._guarded(lambda: self._receive(data, source))

    def _receive(self, data: bytes, source: Address) -> None:
        now = self._now()
        try:
            self.stack.receive(data, source, now)
        finally:
            if self._tracer is not None:
                self._trace(self._tracer, data, True, source, now)

    def failed(self, to: Address, why: str) -> None:
        self._guarded(lambda: self.stack.transport_failed(to, self._now(), why))

    def refused(self, why: str, source: Address) -> None:
        self._tell(MessageRefused(why, source))

    # the engine

    def _now(self) -> float:
        return self._loop.time()

    def _guarded(self, step: Callable[[], None]) -> None:
        """A defect shows in the log and costs one message, not a socket or the timer."""
        if not self._open:
            return
        try:
            step()
        except Exception as error:
            self._report("a SIP message or timer could not be handled", error)
        self._settle()

    def _settle(self) -> None:
        if self._settling or not self._open:
            return  # whoever is settling goes on until nothing is left
        self._settling = True
        try:
            while self._send_all() + self._tell_all():
                pass
        finally:
            self._settling = False
            self._arm()
        self._settled.set()

    def _send_all(self) -> int:
        transmits = self.stack.outgoing()
        for transmit in transmits:
            self._send(transmit)
        return len(transmits)

    def _send(self, transmit: Transmit) -> None:
        to = transmit.to
        if self._tracer is not None:
            self._trace(self._tracer, transmit.data, False, to, self._now())
        transport = self._transports.get((to.transport, ip_version(to.host)))
        if transport is None:
            self.failed(to, f"cannot send to {to}: no socket here for that transport and kind of address")
        else:
            transport.send(transmit)

    def _trace(self, tracer: Tracer, data: bytes, inbound: bool, remote: Address, now: float) -> None:
        transport = self._transports.get((remote.transport, ip_version(remote.host)))
        try:
            tracer.tell(data, inbound, transport.address if transport is not None else None, remote, now)
        except Exception as error:
            self._report("a SIP message could not be traced", error)

    def _tell_all(self) -> int:
        told = 0
        while (event := self.stack.next_event()) is not None:
            self._tell(event)
            told += 1
        return told

    def _tell(self, event: Event) -> None:
        if isinstance(event, RegistrationChanged):
            self._registering.changed(event)
        try:
            if self._open:
                self._on_event(event)
        except Exception as error:
            self._report(f"{type(event).__name__} could not be handled", error)

    def _arm(self) -> None:
        at = self.stack.wake_at() if self._open else None
        if self._timer is not None:
            if at is not None and self._armed_at <= at:
                return  # it looks again when it fires: cheaper than a new timer for each message
            self._timer.cancel()
        self._timer = None if at is None else self._loop.call_at(at, self._wake)
        self._armed_at = at or 0.0

    def _wake(self) -> None:
        self._timer = None
        now = max(self._now(), self._armed_at)  # loops fire up to a clock tick early
        self._guarded(lambda: self.stack.wake(now))

    def _report(self, words: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": f"{words}: {error!r}", "exception": error})


def _transport(local: Address, owner: Owner) -> Transport:
    make = TRANSPORTS.get(local.transport)
    if make is None:
        raise TransportFailed(f"cannot listen on {local}: use one of {', '.join(TRANSPORTS)}")
    return make(local, owner)


def reachable(host: str) -> str:
    """What to advertise for `host`: for "any address", the one that traffic to the world would leave from."""
    if host not in ("0.0.0.0", "::"):
        return host
    family, world = (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((world, 9))  # sends nothing: only asks for a route
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if host == "::" else "127.0.0.1"
