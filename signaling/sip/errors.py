"""What can go wrong with SIP.

    SipError
     ├─ BadMessage             remote  bytes that are not a SIP message, or one that breaks its grammar
     ├─ TransactionTimeout     remote  no final answer in 64*T1 (RFC 3261 17.1.1.2), or no ACK
     ├─ TransportFailed        remote  the bytes could not be delivered (8.1.3.1: as good as a 503)
     ├─ Unresolvable           remote  a host name without an address, or a transport that is not spoken here
     ├─ AuthenticationFailed   remote  the other side refused our credentials, or asked in a way we cannot answer
     ├─ NoSuchCall             local   a verb for a call that is over, or never was
     ├─ WrongState             local   a verb that the call's state does not allow
     └─ TooMany                local   a limit of the configuration was reached

Each carries `sip_status` (what to answer), `cause` (for the call record) and `retryable` (whether the same request may
do better elsewhere or later). The text is for people and says what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from signaling.sip.message import Request


class SipError(Exception):
    """Any fault of SIP."""

    sip_status: ClassVar[int] = 500
    cause: ClassVar[str] = "sip-error"
    retryable: ClassVar[bool] = False


class BadMessage(SipError):
    """Not SIP, or SIP that breaks its grammar.

    `status` is what to answer. `request` is set when the headers that a response copies could be read: only then can
    an answer be made at all.
    """

    sip_status, cause, retryable = 400, "bad-message", False

    def __init__(self, text: str, status: int = 400, request: Request | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.request = request


class TransactionTimeout(SipError):
    sip_status, cause, retryable = 408, "timeout", True


class TransportFailed(SipError):
    sip_status, cause, retryable = 503, "transport-failed", True


class Unresolvable(SipError):
    sip_status, cause, retryable = 503, "unresolvable", True


class AuthenticationFailed(SipError):
    sip_status, cause, retryable = 403, "authentication-failed", False


class NoSuchCall(SipError):
    sip_status, cause, retryable = 481, "no-such-call", False


class WrongState(SipError):
    sip_status, cause, retryable = 491, "wrong-state", True


class TooMany(SipError):
    sip_status, cause, retryable = 503, "too-many", True
