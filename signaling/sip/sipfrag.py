"""What a NOTIFY of a REFER says: a status line as its body (RFC 3420), and two headers (RFC 3515, RFC 6665)."""

from __future__ import annotations

import re

from signaling.sip.grammar import get_param, parse_params
from signaling.sip.message import Request
from signaling.sip.reasons import reason_of

TYPE = "message/sipfrag;version=2.0"
_STATUS = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9][0-9])(?: ([^\r\n]*))?", re.IGNORECASE)
_LONGEST = 120


def build(status: int, reason: str) -> bytes:
    return f"SIP/2.0 {status} {reason}\r\n".encode("utf-8", "replace")


def words(status: int, reason: str | None) -> str:
    """A reason phrase fit for one line."""
    text = "".join(char if char.isprintable() else " " for char in reason or "").strip()[:_LONGEST]
    return text or reason_of(status)


def parse(body: bytes) -> tuple[int, str]:
    """Status and reason; 100 for a body that says nothing (RFC 3515 section 2.4.5 asks for a status line)."""
    match = _STATUS.match(body)
    if match is None:
        return 100, "Trying"
    status = int(match[1])
    return status, words(status, (match[2] or b"").decode("utf-8", "replace"))


def event(request: Request) -> tuple[str, str]:
    """The event package in small letters, and its id or ""."""
    package, _, rest = (request.headers.get("Event") or "").partition(";")
    return package.strip().lower(), get_param(parse_params(rest), "id") or ""


def is_last(request: Request) -> bool:
    """Whether the subscription ends with this NOTIFY: said so, or by a final status (RFC 3515 section 2.4.7)."""
    state = (request.headers.get("Subscription-State") or "").partition(";")[0].strip().lower()
    return state == "terminated" or parse(request.body)[0] >= 200
