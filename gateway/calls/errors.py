"""What a command can be refused for. Drivers ignore these (hanging up crosses everything); programs are told.

CommandRefused
├── NoSuchCall      404
├── NoSuchLeg       404
├── BadTarget       422   the target or number means nothing here
├── NotNow          409   the call is not in a state for it; the words say in which it is
└── NotTaken        503   the gateway takes no more (full, stopping)
"""

from __future__ import annotations


class CommandRefused(Exception):
    """`code` for programs, the text for people: it says what to do."""

    code = "refused"
    status = 409
    sip_status, cause, retryable = 403, "forbidden", False

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class NoSuchCall(CommandRefused):
    code, status = "no-such-call", 404


class NoSuchLeg(CommandRefused):
    code, status = "no-such-leg", 404


class BadTarget(CommandRefused):
    code, status = "bad-target", 422


class NotNow(CommandRefused):
    code, status = "not-now", 409
    retryable = True


class NotTaken(CommandRefused):
    code, status = "not-taken", 503
    sip_status, cause, retryable = 503, "full", True
