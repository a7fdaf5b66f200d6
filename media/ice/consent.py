"""How long a browser may be silent before we say so, and before we stop sending (RFC 7675).

A lite agent sends no checks of its own, so it watches the other side's: Chromium's come every 2.5 s, aiortc's every
5 s. RFC 7675's 30 s is the longest anyone may send without consent; a person should be told far sooner. Any
authenticated packet proves that the way to us works, so it keeps the leg from being called quiet; consent needs checks.
"""

from __future__ import annotations

from enum import Enum

QUIET = 6.0
"""Seconds without check or media until the leg is called disconnected."""
EXPIRY = 20.0
"""Seconds without a check until we stop sending for good; RFC 7675 section 5.1 allows at most 30."""


class Verdict(Enum):
    FRESH = "fresh"
    QUIET = "quiet"
    EXPIRED = "expired"


class Consent:
    """When a leg was last checked and last heard. Times are the caller's clock, seconds."""

    __slots__ = ("checked_at", "expiry", "heard_at", "quiet")

    def __init__(self, quiet: float = QUIET, expiry: float = EXPIRY) -> None:
        self.quiet = quiet
        self.expiry = expiry
        self.checked_at = float("-inf")
        self.heard_at = float("-inf")

    @property
    def given(self) -> bool:
        """Whether a valid check has ever come."""
        return self.checked_at > float("-inf")

    def checked(self, now: float) -> None:
        self.checked_at = now

    def verdict(self, now: float) -> Verdict:
        """Meaningful once consent was `given`."""
        if now - self.checked_at > self.expiry:
            return Verdict.EXPIRED
        if now - max(self.checked_at, self.heard_at) > self.quiet:
            return Verdict.QUIET
        return Verdict.FRESH
