"""Digest authentication, both sides: `DigestClient` answers challenges, `DigestServer` makes and checks them."""

from __future__ import annotations

from signaling.sip.auth_client import Credentials, DigestClient
from signaling.sip.auth_server import DigestServer, Verdict

__all__ = ["Credentials", "DigestClient", "DigestServer", "Verdict"]
