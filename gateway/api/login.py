"""POST /v1/login: a user name and a password for a short-lived token."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from gateway.api.login_guard import LoginGuard
from gateway.api.origin import Origin
from gateway.api.tokens import Tokens
from signaling.browser.session import Identity

MAX_BODY = 4_096
BODY_PATIENCE = 10.0
"""Seconds for the body to come."""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A person who may sign in."""

    user: str
    display: str = ""
    extension: str | None = None


Authenticate = Callable[[str, str], UserInfo | None]


def problem(status: int, code: str, words: str, **headers: str) -> web.Response:
    """An error (RFC 9457) for programs (`code`) and for people (`detail`, which the page calls `words`)."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": words, "words": words}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


class Login:
    """`authenticate` compares in constant time and returns None for a wrong name as for a wrong password."""

    def __init__(
        self, authenticate: Authenticate, tokens: Tokens, origin: Origin, guard: LoginGuard, clock: Callable[[], float]
    ) -> None:
        self._authenticate = authenticate
        self._tokens = tokens
        self._origin = origin
        self._guard = guard
        self._clock = clock
        self.refused: dict[str, int] = {"wrong-password": 0, "too-many-attempts": 0, "bad-request": 0}

    async def handle(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":  # a form of another site cannot send this
            return self._refuse(415, "bad-request", 'Send {"user": ..., "password": ...} as application/json.')
        try:
            async with asyncio.timeout(BODY_PATIENCE):
                body = await request.read()  # bounded by the application's client_max_size
            user, password = read(body)
        except TimeoutError:
            return self._refuse(408, "bad-request", "The request did not arrive in time. Try again.")
        except ValueError as why:
            return self._refuse(400, "bad-request", str(why))
        return self._sign_in(user, password, self._origin.address(request))

    def _sign_in(self, user: str, password: str, address: str) -> web.Response:
        now = self._clock()
        if (wait := self._guard.wait(user, address, now)) > 0:
            seconds = math.ceil(wait)
            words = f"Too many attempts. Wait {seconds} second{'s' * (seconds != 1)}, then try again."
            return self._refuse(429, "too-many-attempts", words, **{"Retry-After": str(seconds)})
        if (known := self._authenticate(user, password)) is None:
            self._guard.failed(user, address, now)
            return self._refuse(401, "wrong-password", "The user name or the password is wrong. Try again.")
        self._guard.succeeded(user, address)
        token, expires_in = self._tokens.issue(Identity(known.user, known.display, known.extension))
        body = {"token": token, "expires_in": expires_in, "user": known.user, "extension": known.extension}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    def _refuse(self, status: int, code: str, words: str, **headers: str) -> web.Response:
        self.refused[code] += 1
        return problem(status, code, words, **{"Cache-Control": "no-store"}, **headers)


def read(body: bytes) -> tuple[str, str]:
    """User and password. Raises ValueError with words."""
    if len(body) > MAX_BODY:
        raise ValueError(f"The request is too long: at most {MAX_BODY} bytes are read.")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError('The request is not JSON. Send {"user": ..., "password": ...}.') from None
    if not isinstance(found, dict) or set(found) != {"user", "password"}:
        raise ValueError('Send an object with exactly "user" and "password".')
    for name, longest in (("user", 128), ("password", 512)):
        value = found[name]
        if not isinstance(value, str) or not 0 < len(value) <= longest or any("\ud800" <= c <= "\udfff" for c in value):
            raise ValueError(f'"{name}" is a text of 1 to {longest} characters.')
    return found["user"].strip(), found["password"]
