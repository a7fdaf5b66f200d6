"""Replaces: which call a new one takes the place of (RFC 3891), and how Refer-To carries it (RFC 3515, RFC 5589).

The tags are named from the side of whoever will receive the INVITE: `to_tag` is that side's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replaced
from urllib.parse import quote as percent_quote
from urllib.parse import unquote as percent_unquote

from signaling.sip.errors import BadMessage
from signaling.sip.grammar import get_param, parse_params
from signaling.sip.uri import NameAddr, Uri


@dataclass(frozen=True, slots=True)
class Replaces:
    """One dialog by its three identifiers. `early_only`: not once it is answered."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @staticmethod
    def parse(text: str) -> Replaces:
        """Read the header's value (RFC 3891 section 6.1); raises BadMessage."""
        call_id, _, rest = text.partition(";")
        params = parse_params(rest)
        to_tag, from_tag = get_param(params, "to-tag"), get_param(params, "from-tag")
        if not call_id.strip() or not to_tag or not from_tag:
            raise BadMessage(f"not a Replaces: {text[:80]!r} (expected call-id;to-tag=...;from-tag=...)")
        return Replaces(call_id.strip(), to_tag, from_tag, get_param(params, "early-only") is not None)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def parse_refer_to(text: str) -> tuple[Uri, Replaces | None]:
    """Whom a Refer-To names, without the headers in its URI, and the call that those say to replace.

    Raises BadMessage. A URI with `?` outside of brackets is against the grammar (RFC 3261 section 20.10), and read.
    """
    uri = NameAddr.parse(text if "<" in text or "?" not in text else f"<{text.strip()}>").uri
    value = uri_header(uri, "replaces")
    return replaced(uri, headers=""), None if value is None else Replaces.parse(value)


def uri_header(uri: Uri, name: str) -> str | None:
    """A header that a URI carries behind its `?`, decoded (RFC 3261 section 19.1.1)."""
    for part in uri.headers.split("&"):
        key, _, value = part.partition("=")
        if percent_unquote(key).strip().lower() == name:
            return percent_unquote(value)
    return None


def refer_to(uri: Uri, replaces: Replaces | None) -> str:
    """The value of a Refer-To; the Replaces escaped into its URI."""
    if replaces is not None:
        uri = replaced(uri, headers=f"Replaces={percent_quote(str(replaces), safe='')}")
    return f"<{uri}>"
