"""ICE servers for the page, with TURN credentials that expire: coturn's `use-auth-secret`, the "TURN REST API".

User name: "expiry:user", expiry in Unix seconds. Password: base64 of HMAC-SHA1 over the user name. The TURN server
knows the secret and checks both without being asked. Credentials are minted for each hello, resume and refresh, as
coturn looks at the expiry whenever an allocation is made.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TurnConfig:
    urls: tuple[str, ...]
    """turn:host:port?transport=udp, turns:host:port ..."""
    secret: bytes = field(repr=False)
    ttl: float = 43_200.0
    """Just above the longest call."""


def credentials(secret: bytes, user: str, expires_at: float) -> tuple[str, str]:
    """User name and password."""
    username = f"{int(expires_at)}:{user}"
    digest = hmac.digest(secret, username.encode("utf-8", "replace"), "sha1")
    return username, base64.b64encode(digest).decode()


class IceServers:
    """RTCIceServer dictionaries for a user. `clock` is wall-clock time."""

    def __init__(self, stun: tuple[str, ...], turn: TurnConfig | None, clock: Callable[[], float]) -> None:
        self._stun = stun
        self._turn = turn
        self._clock = clock

    def __call__(self, user: str) -> list[dict[str, Any]]:
        servers: list[dict[str, Any]] = [{"urls": list(self._stun)}] if self._stun else []
        if self._turn:
            username, password = credentials(self._turn.secret, user, self._clock() + self._turn.ttl)
            servers.append({"urls": list(self._turn.urls), "username": username, "credential": password})
        return servers
