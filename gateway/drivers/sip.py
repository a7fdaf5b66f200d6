"""Phones and PBXs: the SIP stack's calls <-> call events.

What a leg is called by (`_legs`) and what the stack calls it by (`_calls`) is all this remembers, and for a call that
is being placed the task that does it: finding an address takes a moment, and a caller may have hung up meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.accounts import Accounts
from gateway.calls import commands as cmd
from gateway.calls import events as ev
from gateway.calls.causes import Ending, cause_of_status
from gateway.calls.ports import Contact, Control
from gateway.drivers.dtmf_info import digits
from signaling.net.endpoint import Endpoint
from signaling.sip import events as sip
from signaling.sip.address import Address
from signaling.sip.auth import Credentials
from signaling.sip.errors import SipError
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


@dataclass(frozen=True, slots=True)
class Trunk:
    """Another SIP server that is called with credentials."""

    name: str
    server: Uri
    user: str
    credentials: Credentials


@dataclass(slots=True)
class _Leg:
    call: str = ""
    """The stack's handle; empty while the call is being placed."""
    placing: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Destination:
    uri: Uri
    from_: NameAddr
    targets: Sequence[Address] = ()
    credentials: Credentials | None = None


class SipDriver:
    """Driver (`calls.ports`) over an Endpoint."""

    def __init__(self, control: Control, accounts: Accounts, trunks: Mapping[str, Trunk], domain: str) -> None:
        self._control, self._accounts, self._trunks, self._domain = control, accounts, trunks, domain
        self._endpoint: Endpoint
        self._legs: dict[str, _Leg] = {}
        self._calls: dict[str, str] = {}

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

    def leg_of(self, call: str) -> str | None:
        """The leg that the stack's handle belongs to, while both live."""
        return self._calls.get(call)

    # ------------------------------------------------------------ from phones

    def on_event(self, event: sip.Event) -> None:
        match event:
            case sip.Invited():
                self._invited(event)
            case sip.Progressed(call=call, status=status, body=body):
                self._progressed(call, status, body)
            case sip.Answered(call=call, body=body):
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
            case RegistrationChanged(id=trunk, state=state, status=status, reason=reason):
                level = logging.WARNING if state == "failed" else logging.INFO
                log.log(level, "trunk %s: %s%s", trunk, state, f" ({status} {reason})" if status else "")
            case Registered(user=user, contact=contact):
                log.debug("%s is registered at %s", user, contact)
            case Unregistered(user=user, contact=contact, why=why):
                log.debug("%s at %s is gone: %s", user, contact, why)
            case _:
                pass  # refusals are counted by the stack

    def _invited(self, event: sip.Invited) -> None:
        hops = min(event.max_forwards, MOST_HOPS)
        incoming = ev.Incoming("sip", self._device(event), self._identity(event), str(event.uri), hops)
        leg = self._control.incoming(incoming, event.body)
        self._know(leg, _Leg(event.call))

    def _device(self, event: sip.Invited) -> str:
        """The phone that calls, by the name it registered with: it need not be rung by its own call."""
        for binding in self._bindings(event.user) if event.user else ():
            if binding.source == event.source:
                return str(binding.contact)
        return str(event.from_.uri)

    def _identity(self, event: sip.Invited) -> ev.Identity:
        """Who proved to be calling; a stranger's own words only where nobody proved anything."""
        uri = event.from_.uri
        account = self._accounts.find(event.user) if event.user else None
        if account is not None:
            display = account.display or event.from_.display
            return ev.Identity(account.extension or account.name, display, account.name)
        number = uri.user or str(uri)
        return ev.Identity(number, event.from_.display)

    def _progressed(self, call: str, status: int, body: bytes) -> None:
        if body:
            self._tell(call, ev.EarlyMedia, body)
        elif status in (180, 182):
            self._tell(call, ev.Ringing)

    def _rejected(self, event: sip.Rejected) -> None:
        leg = self._forget(event.call)
        if leg is None:
            return
        if 300 <= event.status < 400:
            moved = tuple(map(str, event.contacts)) if event.status in MOVED else ()
            self._control.tell(ev.Rejected(leg, "unreachable", 480, "It has moved, and does not say where to.", moved))
            return
        self._control.tell(ev.Rejected(leg, cause_of_status(event.status), event.status))

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
        known = self._legs[leg] = _Leg()

        def destination() -> _Destination:
            return self._destination(address, user, caller)

        placing = self._place(leg, known, destination, body, (("Max-Forwards", str(hops)), *headers))
        known.placing = asyncio.create_task(placing, name=f"place-{leg}")

    async def _place(
        self,
        leg: str,
        known: _Leg,
        destination: Callable[[], _Destination],
        body: bytes,
        headers: tuple[tuple[str, str], ...],
    ) -> None:
        try:
            to = destination()
            call = await self._endpoint.invite(
                to.uri,
                targets=to.targets,
                from_=to.from_,
                body=body,
                headers=headers,
                credentials=to.credentials,
            )
        except SipError as error:
            log.info("%s cannot be called: %s", leg, error)
            self._legs.pop(leg, None)
            self._control.tell(ev.Rejected(leg, "unreachable", error.sip_status, str(error)))
            return
        known.placing = None
        known.call = call  # the endpoint tells nothing of it before we know it
        self._calls[call] = leg

    def _destination(self, address: str, user: str | None, caller: ev.Identity) -> _Destination:
        """From a contact's address: a trunk and a number, a registered phone, or a SIP URI."""
        if address.startswith("trunk:"):
            name, _, number = address.removeprefix("trunk:").partition("/")
            trunk = self._trunks[name]
            uri = replace(trunk.server, user=number)
            return _Destination(uri, self._from(caller, trunk.user, trunk.server.host), credentials=trunk.credentials)
        targets: list[Address] = []
        for binding in self._bindings(user) if user else ():
            if str(binding.contact) == address:
                targets = [binding.source]  # where its REGISTER came from: the only way back through a NAT
        return _Destination(Uri.parse(address), self._from(caller), targets)

    def _from(self, caller: ev.Identity, user: str = "", host: str = "") -> NameAddr:
        name = user or caller.number.removeprefix("sip:").partition("@")[0]
        return NameAddr(caller.display, Uri("sip", name, None, host or self._domain))

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
        if known is not None and known.placing is not None:
            known.placing.cancel()  # its address is still being looked up: nothing has been sent, nothing will be
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
        known = self._legs.pop(leg, None)
        if known is not None:
            self._calls.pop(known.call, None)
            if known.placing is not None:
                known.placing.cancel()

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
