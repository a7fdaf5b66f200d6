"""What can go wrong between the page and the gateway.

    BrowserError
     ├─ BadMessage          remote  a frame that is not a message of the protocol
     │   ├─ NotJson         remote  not JSON, or not one object
     │   ├─ BinaryFrame     remote  a binary frame: the protocol is text only
     │   ├─ TooLong         remote  a frame over the size limit
     │   ├─ UnknownType     remote  `type` names no message
     │   ├─ BadField        remote  a field that is missing, unknown or not what it should be
     │   └─ HelloExpected   remote  anything else before `hello` or `resume`, or a second hello
     ├─ WrongVersion        remote  the page speaks another version
     ├─ TokenInvalid        remote  a token that this gateway never signed, or for another purpose
     ├─ TokenExpired        remote  a token that was good once
     ├─ SessionGone         remote  a resume for a session that is over, or never was
     ├─ ResumeRefused       remote  a resume with the wrong secret
     ├─ ResumeGap           remote  too much was missed to replay it: resume as after a reload
     ├─ NoSuchCall          remote  a call id this session does not have
     ├─ DuplicateCall       remote  a new call with the id of a living one
     ├─ WrongState          remote  a message that the call's state does not allow
     ├─ TooManyCalls        remote  the session's limit
     ├─ TooManySessions     remote  the user's, or the gateway's limit
     ├─ TooManyMistakes     remote  bad messages on one socket: closed
     ├─ TooFast             remote  messages per second: closed
     ├─ TooSlow             remote  the page does not read what it is sent: closed
     ├─ Silent              remote  no sign of life: closed, may resume
     ├─ HelloTimeout        remote  a socket that never said hello
     ├─ RefreshRefused      local   no new token over the socket
     ├─ SignedOut           remote  the page said bye
     ├─ Replaced            local   the session went on over another socket
     └─ Stopping            local   the gateway goes down

Each carries `sip_status` and `cause` (for the call record), `retryable`, the `code` that goes on the wire, and
`close`: the WebSocket close code (RFC 6455 7.4.2: 4000-4999 are ours), None when the socket stays open. The text is
for people: it says what to do.
"""

from __future__ import annotations

from typing import ClassVar


class BrowserError(Exception):
    """Any fault of the conversation with a page."""

    code: ClassVar[str] = "error"
    close: ClassVar[int | None] = None
    sip_status: ClassVar[int] = 500
    cause: ClassVar[str] = "browser-error"
    retryable: ClassVar[bool] = False

    @property
    def words(self) -> str:
        """What happened and what to do next, for a person."""
        return str(self)


class BadMessage(BrowserError):
    code, sip_status, cause, retryable = "bad-message", 400, "bad-message", False


class NotJson(BadMessage):
    code, sip_status, cause, retryable = "not-json", 400, "bad-message", False


class BinaryFrame(BadMessage):
    code, sip_status, cause, retryable = "binary-frame", 400, "bad-message", False


class TooLong(BadMessage):
    code, sip_status, cause, retryable = "too-long", 413, "bad-message", False


class UnknownType(BadMessage):
    code, sip_status, cause, retryable = "unknown-type", 400, "bad-message", False


class BadField(BadMessage):
    """Names the field and what was expected of it."""

    code, sip_status, cause, retryable = "bad-field", 400, "bad-message", False

    def __init__(self, message: str, field: str, expected: str, found: str) -> None:
        super().__init__(f'In "{message}", the field "{field}" {found}. Expected: {expected}.')
        self.field = field
        self.expected = expected


class HelloExpected(BadMessage):
    code, sip_status, cause, retryable = "hello-expected", 400, "bad-message", False


class WrongVersion(BrowserError):
    code, close, sip_status, cause, retryable = "wrong-version", 4406, 505, "wrong-version", False


class TokenInvalid(BrowserError):
    code, close, sip_status, cause, retryable = "token-invalid", 4401, 401, "token-invalid", False


class TokenExpired(BrowserError):
    code, close, sip_status, cause, retryable = "token-expired", 4402, 401, "token-expired", True


class SessionGone(BrowserError):
    code, close, sip_status, cause, retryable = "session-gone", 4404, 481, "session-gone", True


class ResumeRefused(BrowserError):
    code, close, sip_status, cause, retryable = "resume-refused", 4403, 403, "resume-refused", False


class ResumeGap(BrowserError):
    code, sip_status, cause, retryable = "resume-gap", 481, "resume-gap", True


class NoSuchCall(BrowserError):
    code, sip_status, cause, retryable = "no-such-call", 481, "no-such-call", False


class DuplicateCall(BrowserError):
    code, sip_status, cause, retryable = "duplicate-call", 482, "duplicate-call", False


class WrongState(BrowserError):
    code, sip_status, cause, retryable = "wrong-state", 491, "wrong-state", False


class TooManyCalls(BrowserError):
    code, sip_status, cause, retryable = "too-many-calls", 486, "too-many-calls", True


class TooManySessions(BrowserError):
    code, close, sip_status, cause, retryable = "too-many-sessions", 4430, 503, "too-many-sessions", True


class TooManyMistakes(BrowserError):
    code, close, sip_status, cause, retryable = "too-many-mistakes", 4400, 400, "bad-message", False


class TooFast(BrowserError):
    code, close, sip_status, cause, retryable = "too-fast", 4429, 503, "too-fast", True


class TooSlow(BrowserError):
    code, close, sip_status, cause, retryable = "too-slow", 4413, 503, "too-slow", True


class Silent(BrowserError):
    code, close, sip_status, cause, retryable = "silent", 4408, 408, "browser-silent", True


class HelloTimeout(BrowserError):
    code, close, sip_status, cause, retryable = "hello-timeout", 4407, 408, "hello-timeout", True


class RefreshRefused(BrowserError):
    code, sip_status, cause, retryable = "refresh-refused", 403, "refresh-refused", False


class SignedOut(BrowserError):
    code, close, sip_status, cause, retryable = "signed-out", 1000, 480, "signed-out", False


class Replaced(BrowserError):
    code, close, sip_status, cause, retryable = "replaced", 4409, 480, "replaced", False


class Stopping(BrowserError):
    code, close, sip_status, cause, retryable = "stopping", 4503, 503, "gateway-stopping", True
