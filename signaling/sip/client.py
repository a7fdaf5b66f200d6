"""One request of ours until its final answer: target after target, challenge after challenge.

A transaction is one attempt. The next target is tried after a timeout, a transport error or a 503 (RFC 3263 section
4.3); a 401 or 407 is answered once per challenge (RFC 3261 section 22.2); a request too long for a datagram goes by
TCP where the target has it (section 18.1.1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from signaling.sip.address import Address
from signaling.sip.auth import DigestClient
from signaling.sip.core import Core
from signaling.sip.dialog import Dialog
from signaling.sip.errors import SipError, TransportFailed
from signaling.sip.message import Request, Response
from signaling.sip.session_timer import lengthen
from signaling.sip.transaction import ClientTransaction, OnResult

# requests that (re)target a dialog (RFC 3261 12.2, RFC 3311, RFC 3515 2.2, RFC 6665 4.4.1): they carry our Contact
CONTACTED = frozenset({"INVITE", "UPDATE", "REFER", "NOTIFY"})
MOST_LENGTHENED = 3  # times a 422 in a row is obeyed
VIA_SIZE = 100  # bytes our Via may add, roughly


class ClientRequest:
    """Started by `send`; `on_result` hears every response worth hearing, or the error that ended it all."""

    __slots__ = (
        "_contact_user",
        "_core",
        "_dialog",
        "_digest",
        "_left",
        "_lengthened",
        "_on_result",
        "_on_retry",
        "given_up",
        "request",
        "transaction",
    )

    def __init__(
        self,
        core: Core,
        request: Request,
        targets: Sequence[Address],
        on_result: OnResult,
        *,
        digest: DigestClient | None = None,
        dialog: Dialog | None = None,
        contact_user: str | None = None,
        on_retry: Callable[[float], object] | None = None,
    ) -> None:
        self.request = request
        self.transaction: ClientTransaction | None = None
        self.given_up = False
        self._core = core
        self._left = deque(targets)
        self._on_result = on_result
        self._digest = digest
        self._dialog = dialog
        self._contact_user = contact_user
        self._on_retry = on_retry
        self._lengthened = 0

    def send(self, now: float) -> None:
        """Try the first target."""
        if self._digest is not None:
            self._digest.attach(self.request)
        if not self._next(now):
            self._on_result(TransportFailed(f"no address to send {self.request.method} {self.request.uri} to"), now)

    @property
    def peer(self) -> Address:
        """Where the latest attempt went."""
        assert self.transaction is not None
        return self.transaction.to

    def _next(self, now: float) -> bool:
        if not self._left or self.given_up:
            return False
        self._transmit(self._pick(), now)
        return True

    def _pick(self) -> Address:
        to = self._left.popleft()
        if to.reliable or size(self.request) + VIA_SIZE <= self._core.config.udp_limit:
            return to
        stream = next((each for each in self._left if each.transport == "tcp" and each.host == to.host), None)
        if stream is None:
            return to
        self._left.remove(stream)
        self._left.appendleft(to)  # 18.1.1: should TCP not work out, UDP after all
        return stream

    def _transmit(self, to: Address, now: float) -> None:
        if self.request.method in CONTACTED:
            self.request.headers.set("Contact", self._core.contact(to.transport, self._contact_user))
        if self.transaction is not None and self._on_retry is not None:
            self._on_retry(now)
        self.transaction = self._core.transactions.request(self.request, to, self._result, now)

    def _result(self, result: Response | SipError, now: float) -> None:
        if isinstance(result, Response):
            if result.status in (401, 407) and self._authenticate(result, now):
                return
            if result.status == 422 and self._lengthen(result, now):
                return
            if result.status == 503 and self._next(now):
                return
        elif self._next(now):
            return
        self._on_result(result, now)

    def _authenticate(self, response: Response, now: float) -> bool:
        """Repeat the request with an answer to the challenge, to the same place (section 22.2)."""
        if self._digest is None or self.given_up:
            return False
        answer = self._digest.answer(response, self.request)
        if answer is None:
            return False
        self._repeat(answer, now)
        return True

    def _lengthen(self, response: Response, now: float) -> bool:
        """Repeat it with the session interval that a 422 asks for (RFC 4028 section 7.3)."""
        again = Request(self.request.method, self.request.uri, self.request.headers.copy(), self.request.body)
        if self.given_up or self._lengthened >= MOST_LENGTHENED or not lengthen(again, response):
            return False
        self._lengthened += 1
        again.headers.set("CSeq", f"{again.cseq.number + 1} {again.method}")
        if self._digest is not None:
            self._digest.attach(again)
        self._repeat(again, now)
        return True

    def _repeat(self, again: Request, now: float) -> None:
        if self._dialog is not None:  # others may have used the number after ours meanwhile
            self._dialog.local_sequence += 1
            again.headers.set("CSeq", f"{self._dialog.local_sequence} {again.method}")
        self.request = again
        self._transmit(self.peer, now)


def size(request: Request) -> int:
    """Bytes on the wire, within a few."""
    return 40 + len(str(request.uri)) + sum(len(n) + len(v) + 4 for n, v in request.headers.items()) + len(request.body)
