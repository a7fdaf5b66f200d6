"""Lists in pages: `limit` says how many, `cursor` where to go on. A cursor is opaque and good for one list only.

It names the last item that was shown, not a count, so that nothing is skipped or shown twice while items come and go.
"""

from __future__ import annotations

import base64
import binascii
import json

from gateway.api.rest.problem import not_valid

WRONG = "is no cursor of this list: take `next` of the page before, or leave it out to begin"


def encode(kind: str, *place: str | float) -> str:
    text = json.dumps([kind, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(kind: str, cursor: str) -> list[str | float]:
    """The place. Raises Problem."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, list) or not found or found[0] != kind or not _plain(found[1:]):
        raise not_valid("query", "cursor", WRONG)
    return found[1:]


def _plain(place: list[object]) -> bool:
    return all(isinstance(part, str | int | float) and not isinstance(part, bool) for part in place)
