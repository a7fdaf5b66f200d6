"""The Reason header: why a request was sent (RFC 3326). It is shown to people and written into records far away."""

from __future__ import annotations

from signaling.sip.grammar import get_param, parse_params, quote, readable, unquote
from signaling.sip.message import Request, Response


def reason_header(reason: str | None) -> list[tuple[str, str]]:
    """A header line for words, or for a whole value such as `Q.850;cause=16`; nothing for nothing."""
    if not reason:
        return []
    return [("Reason", reason if ";" in reason else f"SIP;text={quote(reason)}")]


def words(message: Request | Response) -> str | None:
    """The text of the first Reason, or its protocol and cause; None where there is none."""
    value = message.headers.get("Reason")
    if value is None:
        return None
    protocol, _, rest = value.partition(";")
    params = parse_params(rest)
    return readable(get_param(params, "text") or f"{protocol.strip()} {get_param(params, 'cause') or ''}".strip())


def warning(response: Response) -> str | None:
    """The text of the first Warning (RFC 3261 section 20.43): code, agent, quoted text."""
    parts = (response.headers.get("Warning") or "").split(None, 2)
    return readable(unquote(parts[2].strip())) if len(parts) == 3 else None
