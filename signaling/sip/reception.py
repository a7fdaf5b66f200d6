"""Where a message goes: to its transaction, its call, or through the gate (RFC 3261 sections 8.1.3, 8.2, 9.2, 12.2)."""

from __future__ import annotations

from signaling.sip.address import Address
from signaling.sip.core import Core
from signaling.sip.errors import BadMessage
from signaling.sip.events import MessageRefused
from signaling.sip.gate import Admission, Gate, Refusal
from signaling.sip.message import Request, Response
from signaling.sip.registrar import Registrar
from signaling.sip.replacement import replaced_call
from signaling.sip.session_timer import too_short
from signaling.sip.stateless import stateless_tag
from signaling.sip.uac import OutgoingCall
from signaling.sip.uas import IncomingCall
from signaling.sip.way_back import mark_source, way_back

REMEMBERED = ("INVITE", "REGISTER")  # what may begin a transaction outside a call


class Reception:
    """Sorts what comes in. Whatever nobody wants is counted and, where that is possible, answered."""

    def __init__(self, core: Core, gate: Gate, registrar: Registrar | None) -> None:
        self._core = core
        self._gate = gate
        self._registrar = registrar

    def receive(self, message: Request | Response, source: Address, now: float) -> None:
        if isinstance(message, Response):
            self._receive_response(message, now)
        else:
            mark_source(message, source)
            self._receive_request(message, source, now)

    def refuse_garbage(self, error: BadMessage, source: Address) -> None:
        """Not SIP, or broken; answered if it was a request whose sender can be told (section 8.2.7)."""
        self._core.counts["garbage"] += 1
        if error.request is not None and self._is_unheard(error.request, source):
            return
        self._core.events.append(MessageRefused(str(error), source))
        if error.request is not None:
            mark_source(error.request, source)
            self._answer_statelessly(error.request, error.status, source, reason=plain(str(error)))

    # responses

    def _receive_response(self, response: Response, now: float) -> None:
        if len(response.headers.all("Via")) > 1:  # 8.1.3.3: it has lost its way
            self._core.counts["stray-response"] += 1
            return
        if self._core.transactions.receive_response(response, now):
            return
        if response.cseq.method == "INVITE" and 200 <= response.status < 300:
            tag = response.from_.tag or ""
            call = self._core.calls.get(tag) or self._core.ghosts.get(tag)
            if isinstance(call, OutgoingCall) and call.invite.call_id == response.call_id:
                call.accepted(response, now)  # its transaction has ended, the phone talks already
                return
        self._core.counts["stray-response"] += 1

    # requests

    def _receive_request(self, request: Request, source: Address, now: float) -> None:
        transaction = self._core.transactions.match(request)
        if transaction is not None:
            transaction.receive(request, now)
        elif request.method == "ACK":
            self._receive_ack(request, now)
        elif request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        elif request.to.tag is not None:
            self._receive_in_dialog(request, source, now)
        else:
            self._receive_new(request, source, now)

    def _receive_ack(self, request: Request, now: float) -> None:
        tag = request.to.tag or ""
        call = self._core.calls.get(tag)
        if call is not None and call.receive_ack(request, now):
            return
        if tag != stateless_tag(request):  # the ACK for a refusal that we have not remembered: as it should be
            self._core.counts["stray-ack"] += 1

    def _receive_cancel(self, request: Request, source: Address, now: float) -> None:
        """Section 9.2: answered at once, whatever becomes of the INVITE."""
        invite = self._core.transactions.invite_of(request)
        if invite is None:
            if not self._is_unheard(request, source):
                self._answer_statelessly(request, 481, source)
            return
        tag = invite.owner or stateless_tag(request)
        self._core.transactions.serve(request, source).respond(self._core.reply(request, 200, tag=tag), now)
        call = self._core.calls.get(invite.owner)
        if call is not None:
            call.cancelled(request, invite, now)

    def _receive_in_dialog(self, request: Request, source: Address, now: float) -> None:
        """Those of a call that we know are served however full it is: a BYE that is refused frees nothing."""
        call = self._core.calls.get(request.to.tag or "")
        if call is None and request.method == "NOTIFY":
            call = self._core.afterlife.get(request.to.tag or "")
        if (call is None or not call.knows(request)) and self._is_unheard(request, source):
            return
        refusal = self._gate.inspect(request, in_dialog=True)
        if refusal is not None:
            self._refuse(request, refusal, source)
        elif call is None or not call.knows(request):
            self._core.counts["no-such-call"] += 1
            self._answer_statelessly(request, 481, source)  # 12.2.2
        else:
            transaction = self._core.transactions.serve(request, source)
            transaction.owner = call.handle
            call.receive(request, transaction, now)

    def _is_unheard(self, request: Request, source: Address) -> bool:
        """A stranger, where those get no answer; counted."""
        if not self._gate.hears_nothing(source) or self._gate.recognise(request, source) is not None:
            return False
        self._core.counts["silent"] += 1
        return True

    def _receive_new(self, request: Request, source: Address, now: float) -> None:
        known = self._gate.recognise(request, source) if request.method != "REGISTER" else None
        if known is None and request.method != "REGISTER" and self._gate.hears_nothing(source):
            known = self._gate.overhears(request, source, now)
            if known is None:
                self._core.counts["silent"] += 1
                return
        refusal = self._gate.inspect(request)
        if refusal is None and self._core.transactions.merged(request):
            refusal = Refusal(482, (), "the same request by two paths")  # 8.2.2.2
        if refusal is None and self._full(request):
            refusal = self._gate.busy()
        if refusal is not None:
            self._refuse(request, refusal, source)
        elif request.method == "INVITE":
            self._receive_invite(request, source, now, known)
        elif request.method == "REGISTER":
            self._receive_register(request, source, now)
        elif request.method == "OPTIONS":
            self._answer_options(request, source)
        elif request.method == "REFER":  # it would have us call whomever a stranger likes
            self._refuse(request, Refusal(403, (), f"REFER outside of a call, from {request.from_.uri}"), source)
        else:  # BYE, INFO, UPDATE, NOTIFY belong into a dialog
            self._core.counts["no-such-call"] += 1
            self._answer_statelessly(request, 481, source)

    def _full(self, request: Request) -> bool:
        """Whether a limit keeps out what would be remembered; what is answered statelessly costs nothing."""
        core, config = self._core, self._core.config
        if request.method == "INVITE" and len(core.calls) >= config.max_calls:
            return True
        return request.method in REMEMBERED and len(core.transactions) >= config.max_transactions

    def _receive_invite(self, request: Request, source: Address, now: float, known: Admission | Refusal | None) -> None:
        admission = known or self._gate.admit(request, source, now)
        if isinstance(admission, Refusal):
            self._refuse(request, admission, source)
            return
        core = self._core
        if least := too_short(core.config, request):
            self._refuse(request, Refusal(422, least), source)
            return
        replaced = replaced_call(core, request)
        if isinstance(replaced, Refusal):
            self._refuse(request, replaced, source)
            return
        handle = core.random(16)
        call = IncomingCall(core, handle, core.transactions.serve(request, source), admission, replaced)
        core.calls[handle] = call
        call.start(now)

    def _receive_register(self, request: Request, source: Address, now: float) -> None:
        assert self._registrar is not None
        response = self._registrar.handle(request, way_back(request, source), now)  # where it listens
        response.headers.add("Server", self._core.config.user_agent)
        if response.status >= 400 and "Authorization" in request.headers and not is_stale(response):
            self._core.counts[f"refused-{response.status}"] += 1
            why = f"REGISTER of {request.to.uri} refused: {response.status} {response.reason}; is the password right?"
            self._core.events.append(MessageRefused(why, source))
        if response.status >= 300:
            self._core.transactions.send(bytes(response), way_back(request, source))  # nothing to remember
        else:
            self._core.transactions.serve(request, source).respond(response, now)

    def _answer_options(self, request: Request, source: Address) -> None:
        """Section 11.2: what an INVITE would have been told."""
        core = self._core
        headers = (*self._gate.allow, ("Accept", ", ".join(core.config.accept)), ("Supported", core.supported))
        self._answer_statelessly(request, 200, source, headers)

    # answers without a call

    def _refuse(self, request: Request, refusal: Refusal, source: Address) -> None:
        self._core.counts[f"refused-{refusal.status}"] += 1
        if refusal.why:
            self._core.events.append(MessageRefused(refusal.why, source))
        self._answer_statelessly(request, refusal.status, source, refusal.headers)

    def _answer_statelessly(
        self,
        request: Request,
        status: int,
        source: Address,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
    ) -> None:
        response = self._core.reply(request, status, reason, tag=stateless_tag(request), headers=headers)
        self._core.transactions.send(bytes(response), way_back(request, source))


def is_stale(response: Response) -> bool:
    """Only the nonce was too old: the phone tries again by itself."""
    return any("stale=true" in value for value in response.headers.all("WWW-Authenticate"))


def plain(text: str) -> str:
    """A parser's complaint as a reason phrase."""
    return "".join(char if char.isprintable() and char.isascii() else "?" for char in text)[:120]
