"""Phones and PBXs: the SIP stack's calls <-> call events.

What a leg is called by (`_legs`) and what the stack calls it by (`_calls`) is all this remembers, and for a call that
is being placed the task that does it: finding an address takes a moment, and a caller may have hung up meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.accounts import Accounts
from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import Ending, cause_of_status
from gateway.calls.patterns import normal
from gateway.calls.ports import Contact, Control
from gateway.drivers.dtmf_info import digits
from gateway.drivers.placing import PATIENCE, Destination, Placing, by_trunk
from gateway.trunks import words
from gateway.trunks.health import On
from gateway.trunks.identity import incoming
from gateway.trunks.trunk import Trunk
from gateway.trunks.trunks import Trunks
from signaling.net.endpoint import Endpoint
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.errors import SipError, Unresolvable
from signaling.sip.message import Request
from signaling.sip.registrar import Binding, Registered, Unregistered
from signaling.sip.registration import RegistrationChanged
from signaling.sip.uri import NameAddr, Uri

log = logging.getLogger(__name__)

REASON_LENGTH = 120
"""Characters of a reason phrase; phones show it in one line."""
MOVED = (300, 301, 302)
"""Statuses whose Contact is another address of whom we called (RFC 3261 section 21.3)."""
MOST_HOPS = 70
STAGES = {"ringing": 180, "early": 183}
OWN_FAULTS = ("timeout", "transport-failed", "unresolvable")
"""Causes of refusals that our own stack made up: nobody has answered."""


@dataclass(slots=True)
class _Leg:
    call: str = ""
    """The stack's handle; empty while the call is being placed."""
    task: asyncio.Task[None] | None = None
    """Finds the address and sends the INVITE."""
    placing: Placing | None = None
    """Of a leg that we call."""


class SipDriver:
    """Driver (`calls.ports`) over an Endpoint. `domain` stands behind the @ of our users."""

    def __init__(self, control: Control, accounts: Accounts, trunks: Trunks, domain: str) -> None:
        self._control, self._accounts, self._trunks, self._domain = control, accounts, trunks, domain
        self._endpoint: Endpoint
        self._legs: dict[str, _Leg] = {}
        self._calls: dict[str, str] = {}
        self.on_options: Callable[[str, int | None, str], None] = lambda id, status, reason: None
        """Hears what becomes of `ask`: the id, the status (None: no answer) and its words."""

    def connect(self, endpoint: Endpoint) -> None:
        """The wire; once, before the first call."""
        self._endpoint = endpoint

    # ------------------------------------------------------------ who is there

    def contacts(self, user: str) -> list[Contact]:
        """Every phone registered for a user, by name or by extension."""
        name = self._accounts.canonical(user) or user
        return [Contact("sip", str(binding.contact), name) for binding in self._bindings(name)]

    def _bindings(self, user: str) -> list[Binding]:
        """By the account's name, which is the registrar's key, too, whatever a phone registered as."""
        registrar = self._endpoint.stack.registrar
        return registrar.bindings(self._accounts.canonical(user) or user) if registrar is not None else []

    # ------------------------------------------------------------ from phones

    def on_event(self, event: sip.Event) -> None:
        match event:
            case sip.Invited():
                self._invited(event)
            case sip.Progressed(call=call, status=status, body=body):
                self._progressed(call, status, body)
            case sip.Answered(call=call, body=body):
                self._hear(call)
                self._tell(call, ev.Answered, body)
            case sip.Rejected():
                self._rejected(event)
            case sip.Acked(call=call, body=body):
                if body:
                    self._tell(call, ev.AnswerArrived, body)
            case sip.Cancelled(call=call):
                self._left(call)
            case sip.Ended(call=call, reason=reason):
                self._left(call, reason)
            case sip.Reinvited(call=call, body=body):
                self._tell(call, ev.Reoffered, body)
            case sip.ReinviteAnswered(call=call, body=body):
                self._tell(call, ev.AnswerArrived, body)
            case sip.ReinviteRejected(call=call, status=status):
                log.info("%s refuses our new offer: %d", self._calls.get(call), status)
            case sip.InfoReceived(call=call, content_type=kind, body=body):
                if (leg := self._calls.get(call)) and (keys := digits(kind, body)):
                    self._control.ask(leg, cmd.SendDigits(leg, keys))
            case sip.OptionsAnswered(id=id, status=status, reason=reason):
                self.on_options(id, status, reason)
            case RegistrationChanged():
                self._registration(event)
            case Registered(user=user, contact=contact):
                log.debug("%s is registered at %s", user, contact)
            case Unregistered(user=user, contact=contact, why=why):
                log.debug("%s at %s is gone: %s", user, contact, why)
            case _:
                pass  # refusals are counted by the stack

    def admit(self, request: Request, source: Address) -> str | None:
        """The trunk that a request outside of calls comes from, for certain: nobody asks it for a password."""
        trunk = self._trunks.matcher.find(source.host, request.uri, request.to.uri)
        if trunk is None or self._is_phone(request.from_.uri.user or "", source):
            return None
        return trunk.name

    def _is_phone(self, user: str, source: Address) -> bool:
        """A phone of ours is registered from there: it may share a machine with the PBX."""
        return any((each.source.host, each.source.port) == (source.host, source.port) for each in self._bindings(user))

    async def ask(self, trunk: Trunk, server: Uri) -> str:
        """Send OPTIONS to a trunk's server; `on_options` hears of this id. Raises Unresolvable."""
        from_ = NameAddr("", Uri("sip", trunk.user or None, None, trunk.caller_id.domain or self._domain))
        route = (NameAddr("", trunk.proxy),) if trunk.proxy else ()
        return await self._endpoint.options(server, from_=from_, credentials=trunk.credentials, route=route)

    def _registration(self, event: RegistrationChanged) -> None:
        trunk = self._trunks.registration(event, _now())
        level = logging.WARNING if event.state == "failed" else logging.INFO
        told = f" ({event.status} {event.reason})" if event.status else ""
        if trunk is not None and event.state == "failed":
            told = f": {words.registration_failed(trunk, event.status, event.reason)}"
        log.log(level, "trunk %s: %s%s", event.id, event.state, told)

    def _invited(self, event: sip.Invited) -> None:
        hops = min(event.max_forwards, MOST_HOPS)
        source = event.source.host.removeprefix("::ffff:")  # a socket for both families
        trunk = self._trunks.get(event.peer) if event.peer else None
        if trunk is None and event.user is None:
            trunk = self._trunks.matcher.find(source, event.uri, event.to.uri, admitted=True)
        who, dialled = self._identity(event, trunk), self._dialled(event, trunk)
        name = trunk.name if trunk is not None else ""
        leg = self._control.incoming(
            ev.Incoming("sip", self._device(event), who, dialled, hops, name, source), event.body
        )
        self._know(leg, _Leg(event.call))
        if trunk is not None:
            self._trunks.came(trunk, leg)

    def _device(self, event: sip.Invited) -> str:
        """The phone that calls, by the name it registered with: it need not be rung by its own call."""
        for binding in self._bindings(event.user) if event.user else ():
            if binding.source == event.source:
                return str(binding.contact)
        return str(event.from_.uri)

    def _identity(self, event: sip.Invited, trunk: Trunk | None) -> ev.Identity:
        """Who proved to be calling, or whom a trunk vouches for; a stranger's own words where nobody proved it."""
        if trunk is not None:
            return incoming(trunk, event.from_, event.headers)
        uri = event.from_.uri
        account = self._accounts.find(event.user) if event.user else None
        if account is not None:
            display = account.display or event.from_.display
            return ev.Identity(account.extension or account.name, display, account.name)
        number = uri.user or str(uri)
        return ev.Identity(number, event.from_.display)

    @staticmethod
    def _dialled(event: sip.Invited, trunk: Trunk | None) -> str:
        """From a trunk it is the number alone: whatever host it wrote behind that, it means us."""
        if trunk is None:
            return str(event.uri)
        uri = event.to.uri if trunk.called_from == "to" else event.uri
        return trunk.inward.apply(normal(uri.user)) if uri.user else str(event.uri)

    def _progressed(self, call: str, status: int, body: bytes) -> None:
        self._hear(call)
        if body:
            self._tell(call, ev.EarlyMedia, body)
        elif status in (180, 182):
            self._tell(call, ev.Ringing)

    def _hear(self, call: str) -> None:
        """Where it was sent last, somebody is there."""
        placing = self._legs[self._calls[call]].placing if call in self._calls else None
        if placing is not None and not placing.heard:
            placing.heard = True
            placing.done()
            self._note(placing, On.ANSWERED)

    def _rejected(self, event: sip.Rejected) -> None:
        leg = self._forget(event.call)
        if leg is None:
            return
        known = self._legs.get(leg)
        placing = known.placing if known is not None else None
        if known is not None and placing is not None:
            placing.done()
            if event.cause in OWN_FAULTS and not placing.heard:
                self._note(placing, On.SILENT, event.reason)
            elif event.cause != "cancelled":
                self._note(placing, On.ANSWERED)
            if placing.may_go_on(event.status):
                self._go_on(leg, known, f"{event.status} {event.reason}")
                return
        if 300 <= event.status < 400:
            moved = tuple(map(str, event.contacts)) if event.status in MOVED else ()
            self._control.tell(ev.Rejected(leg, "unreachable", 480, "It has moved, and does not say where to.", moved))
            return
        told = self._why(placing, event.status, event.reason) if placing is not None else ""
        status = None if event.status in (401, 407) else event.status  # their challenge is not our caller's business
        self._control.tell(ev.Rejected(leg, cause_of_status(event.status), status, told))

    def _why(self, placing: Placing, status: int, reason: str) -> str:
        """What a trunk's refusal means, in words; empty for any other leg's."""
        trunk, at = placing.trunk, placing.now_at
        if trunk is None or at is None:
            return ""
        caller = next((value for name, value in at.headers if name in _SAYS_WHO), str(at.from_))
        return words.call_refused(trunk, status, reason, at.uri.user or "", caller, self._trunks.registered(trunk))

    def _left(self, call: str, reason: str = "") -> None:
        if leg := self._forget(call):
            log.debug("%s left: %s", leg, reason)
            self._control.tell(ev.HungUp(leg))

    def _tell(self, call: str, event: Callable[[str], ev.LegEvent], body: bytes = b"") -> None:
        if leg := self._calls.get(call):
            self._control.tell(event(leg), body)

    # ------------------------------------------------------------ to phones

    def ring(
        self,
        leg: str,
        address: str,
        user: str | None,
        caller: ev.Identity,
        body: bytes,
        hops: int = 70,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        headers = (("Max-Forwards", str(hops)), *headers)
        placing = Placing(body, headers, lambda: [self._device_of(address, user, caller)])
        if address.startswith("trunk:"):
            name, _, number = address.removeprefix("trunk:").partition("/")
            placing.trunk = self._trunks.get(name)
            placing.places = lambda: self._trunk_places(leg, placing, name, number, caller)
        self._place(leg, _Leg(placing=placing))

    def _place(self, leg: str, known: _Leg) -> None:
        self._legs[leg] = known
        known.task = asyncio.create_task(self._try_all(leg, known), name=f"place-{leg}")

    def _go_on(self, leg: str, known: _Leg, why: str) -> None:
        """The next server of its trunk."""
        assert known.placing is not None and known.placing.now_at is not None
        log.info("%s: %s does not take the call (%s): the next server", leg, known.placing.now_at.server, why)
        self._place(leg, known)

    async def _try_all(self, leg: str, known: _Leg) -> None:
        """Call the next place that can be found. What is left of the places stays for later."""
        placing = known.placing
        assert placing is not None
        last: SipError | _Refused | None = None
        while True:
            try:
                to = placing.next()
                if to is None:
                    break
                call = await self._invite(to, placing)
            except (SipError, _Refused) as error:
                log.info("%s cannot be called: %s", leg, error)
                if isinstance(error, Unresolvable):
                    self._note(placing, On.SILENT, str(error))
                last = error
                if placing.left is None:
                    break  # no place could even be written down
                continue
            known.task = None
            known.call = call  # the endpoint tells nothing of it before we know it
            self._calls[call] = leg
            if placing.trunk is not None:
                placing.patience = asyncio.get_running_loop().call_later(PATIENCE, self._impatient, leg, call)
            return
        self._legs.pop(leg, None)
        cause = last.cause if isinstance(last, _Refused) else "unreachable"
        self._control.tell(ev.Rejected(leg, cause, last.sip_status if last else 503, str(last or "")))

    async def _invite(self, to: Destination, placing: Placing) -> str:
        return await self._endpoint.invite(
            to.uri,
            targets=to.targets,
            from_=to.from_,
            body=placing.body,
            headers=(*placing.headers, *to.headers),
            credentials=to.credentials,
            route=to.route,
        )

    def _impatient(self, leg: str, call: str) -> None:
        """A trunk's server says nothing at all: note it, and call the next one while there is one."""
        known = self._legs.get(leg)
        if known is None or known.call != call or known.placing is None or self._endpoint.stack.heard(call):
            return
        self._note(known.placing, On.SILENT, f"no answer in {PATIENCE:g} s")
        if known.placing.left:
            self._order(leg, lambda call: self._endpoint.cancel(call))
            self._forget(call)
            self._go_on(leg, known, f"no answer in {PATIENCE:g} s")

    def _note(self, placing: Placing, on: On, why: str = "") -> None:
        """Remember how a trunk's server is."""
        if placing.trunk is None or placing.now_at is None or placing.now_at.server is None:
            return
        state = self._trunks.heard(placing.trunk, placing.now_at.server, on, _now(), why)
        if state is not None:
            log.info("trunk %s: %s is %s%s", placing.trunk.name, placing.now_at.server, state.value, why and f": {why}")

    def _trunk_places(
        self, leg: str, placing: Placing, name: str, number: str, caller: ev.Identity
    ) -> list[Destination]:
        """The servers of a trunk that may be called now; raises _Refused."""
        trunk = placing.trunk
        if trunk is None:
            raise _Refused("unknown-number", f"There is no trunk {name}. Add it under [[trunks]].", 404)
        if not number:
            raise _Refused("unknown-number", f"trunk:{name} says no number to call; write trunk:{name}/NUMBER.", 404)
        servers = self._trunks.servers(trunk, _now())
        if not servers:
            raise _Refused("unreachable", self._trunks.why_down(trunk))
        if why := self._trunks.begin(trunk, leg, _now()):
            raise _Refused("trunk-full", why)
        return by_trunk(trunk, servers, number, caller, self._domain)

    def _device_of(self, address: str, user: str | None, caller: ev.Identity) -> Destination:
        """A registered phone, or a SIP address."""
        number = caller.number.removeprefix("sip:").partition("@")[0]
        from_ = NameAddr(caller.display, Uri("sip", number, None, self._domain))
        targets: list[Address] = []
        for binding in self._bindings(user) if user else ():
            if str(binding.contact) == address:
                targets = [binding.source]  # where its REGISTER came from: the only way back through a NAT
        return Destination(Uri.parse(address), from_, targets)

    def progress(self, leg: str, stage: str, body: bytes) -> None:
        status = STAGES.get(stage)  # the stack says 100 by itself
        if status is not None:
            self._order(leg, lambda call: self._endpoint.progress(call, status, body=body if stage == "early" else b""))

    def answer(self, leg: str, body: bytes) -> None:
        self._order(leg, lambda call: self._endpoint.answer(call, body))

    def reject(self, leg: str, ending: Ending) -> None:
        words = ending.words[:REASON_LENGTH].rstrip(".")
        self._order(
            leg,
            lambda call: self._endpoint.reject(call, ending.status, reason=words, headers=[("Reason", ending.reason)]),
        )

    def cancel(self, leg: str, ending: Ending) -> None:
        known = self._legs.get(leg)
        if known is not None:
            _give_up(known)  # where its address is still being looked up nothing has been sent, and nothing will be
        self._order(leg, lambda call: self._endpoint.cancel(call, ending.reason))

    def hang_up(self, leg: str, ending: Ending) -> None:
        self._order(leg, lambda call: self._endpoint.bye(call, ending.reason))

    def reoffer(self, leg: str, body: bytes) -> None:
        self._order(leg, lambda call: self._endpoint.reinvite(call, body))

    def answer_reoffer(self, leg: str, body: bytes) -> None:
        self._order(leg, lambda call: self._endpoint.answer_reinvite(call, body))

    def refuse_reoffer(self, leg: str, status: int) -> None:
        self._order(leg, lambda call: self._endpoint.reject_reinvite(call, status))

    def show_transfer(self, leg: str, to: str, state: str, ending: Ending) -> None:
        """A phone hears of it only where it asked by REFER."""

    def release(self, leg: str) -> None:
        self._trunks.over(leg)
        known = self._legs.pop(leg, None)
        if known is not None:
            self._calls.pop(known.call, None)
            _give_up(known)

    # ------------------------------------------------------------ which is which

    def _know(self, leg: str, known: _Leg) -> None:
        self._legs[leg] = known
        self._calls[known.call] = leg

    def _forget(self, call: str) -> str | None:
        """The stack is done with this call; its leg may still be spoken of, to nobody."""
        leg = self._calls.pop(call, None)
        if leg in self._legs:
            self._legs[leg].call = ""
        return leg

    def _order(self, leg: str, order: Callable[[str], object]) -> None:
        known = self._legs.get(leg)
        if known is None or not known.call:
            return
        try:
            order(known.call)
        except SipError as error:  # it has just ended by itself: its event is on the way
            log.debug("%s: %s", leg, error)


_SAYS_WHO = ("P-Asserted-Identity", "Remote-Party-ID")


class _Refused(Exception):
    """A call of ours that is not even tried: its trunk is full, down, or not there."""

    def __init__(self, cause: str, text: str, status: int = 503) -> None:
        super().__init__(text)
        self.cause, self.sip_status = cause, status


def _give_up(known: _Leg) -> None:
    """No further place is tried."""
    if known.task is not None:
        known.task.cancel()
    if known.placing is not None:
        known.placing.give_up()


def _now() -> float:
    return asyncio.get_running_loop().time()
