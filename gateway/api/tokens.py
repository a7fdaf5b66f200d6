"""Short-lived signed tokens: what a page shows in `hello` (RFC 7519, HS256).

A token only opens a session; the session then lives by its own secret, and gets fresh tokens over its socket. So a
token may be short-lived without ever ending a call.
"""

from __future__ import annotations

from collections.abc import Callable

import jwt

from signaling.browser.errors import TokenExpired, TokenInvalid
from signaling.browser.session import Identity

ALGORITHM = "HS256"
AUDIENCE = "tandem-browser"
LEEWAY = 5.0  # seconds; gateways of one cluster need not agree to the second


class Tokens:
    """Issues and verifies. `clock` is wall-clock time in seconds."""

    def __init__(self, secret: bytes, ttl: float, clock: Callable[[], float]) -> None:
        if len(secret) < 32:  # RFC 7518 3.2: a key of the hash's size or larger
            raise ValueError("The token secret needs 32 bytes or more. Make one: openssl rand -hex 32")
        self._secret = secret
        self._ttl = ttl
        self._clock = clock

    def issue(self, identity: Identity) -> tuple[str, float]:
        """A token and its life in seconds."""
        now = self._clock()
        claims: dict[str, object] = {
            "sub": identity.user,
            "name": identity.display,
            "ext": identity.extension,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now + self._ttl),
        }
        return jwt.encode(claims, self._secret, ALGORITHM), self._ttl

    def verify(self, token: str) -> Identity:
        """Raises TokenInvalid or TokenExpired."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],  # never the one the token names: RFC 8725 3.1
                audience=AUDIENCE,
                options={"require": ["exp", "aud", "sub"], "verify_exp": False, "verify_iat": False},
            )
            user, expires = claims["sub"], float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise TokenInvalid("This token was not signed by this gateway. Sign in again.") from None
        if expires + LEEWAY < self._clock():
            raise TokenExpired("Your sign-in has expired. Sign in again.")
        name, extension = claims.get("name"), claims.get("ext")
        return Identity(user, name if isinstance(name, str) else "", extension if isinstance(extension, str) else None)
