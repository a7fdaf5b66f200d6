"""Proof that a webhook is ours, and fresh: HMAC-SHA256 over the time and the body.

    Tandem-Signature: t=1772357405,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd

`v1` is the HMAC of "t.body" in hexadecimal. There may be several: while a secret is being changed, one of each. Nothing
but the standard library is used here, so that a receiver may take this file as it is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

HEADER = "Tandem-Signature"
TOLERANCE = 300.0
"""Seconds that the sender's clock and ours may differ, and a delivery may be on its way."""


class BadSignature(Exception):
    """Not ours, changed on its way, or too old. The text says which."""


def sign(secret: str, body: bytes, now: float) -> str:
    """The header's value for a body that is sent now (Unix seconds)."""
    return f"t={int(now)},v1={_mac(secret, str(int(now)), body)}"


def verify(secret: str, header: str, body: bytes, now: float, tolerance: float = TOLERANCE) -> None:
    """Return if `body`, byte for byte as it came, was signed with `secret` near `now`. Raises BadSignature."""
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    stamp = next((value for name, value in pairs if name == "t"), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        raise BadSignature("The signature names no time: t=<seconds> is missing.")
    if not _any_equal(_mac(secret, stamp, body), (value for name, value in pairs if name == "v1")):
        raise BadSignature("The signature is not that of this body with this secret.")
    if abs(now - int(stamp)) > tolerance:
        raise BadSignature(f"The signature is {abs(now - int(stamp)):.0f} seconds off; check both clocks.")


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _any_equal(expected: str, given: Iterable[str]) -> bool:
    return any(hmac.compare_digest(expected.encode(), value.encode("utf-8", "replace")) for value in given)
