"""Who asks, and whether they may: an API key or a person's browser token, as `Authorization: Bearer` (RFC 6750).

Wrong keys from one address wait longer and longer; a right one is never kept out by what others at its address try
(256 random bits are not guessed, the wait only saves work). Each key, and each person, has an allowance of requests.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.api.login_guard import LoginGuard
from gateway.api.origin import Origin, networks, within
from gateway.api.rest.keys import PREFIX, ApiKey, Keyring
from gateway.api.rest.operation import MINE
from gateway.api.rest.problem import Problem
from gateway.calls.allowance import Allowance
from signaling.browser.errors import BrowserError
from signaling.browser.session import Identity

PERSONS_RATE = 5.0
MOST_PERSONS = 10_000
BURST = 2.0
"""Seconds' worth of requests that may come at once."""
MAKE_ONE = (
    "Make one with: tandem api-key new --name NAME --scope calls:read --scope calls:write; put the table that it "
    "prints into tandem.toml, restart, and send the key as Authorization: Bearer tk_..."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """Of the key; "user:NAME" for a person."""
    user: str | None = None
    """The person, for a browser token."""


class Access:
    """`verify` opens a browser token (raises BrowserError); `clock` is monotonic time."""

    def __init__(
        self,
        keys: Keyring,
        verify: Callable[[str], Identity],
        origin: Origin,
        clock: Callable[[], float],
        guard: LoginGuard | None = None,
    ) -> None:
        self._keys, self._verify, self._origin, self._clock = keys, verify, origin, clock
        self._guard = guard or LoginGuard()
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()

    def admit(self, request: web.Request, scope: str) -> Caller:
        """Raises Problem."""
        kind, _, shown = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not shown.strip():
            raise self._unknown("no-key", self._how_to())
        shown, address = shown.strip(), self._origin.address(request)
        return self._program(shown, scope, address) if shown.startswith(PREFIX) else self._person(shown, scope, address)

    def _how_to(self) -> str:
        if not len(self._keys):
            return f"This gateway has no API keys yet. {MAKE_ONE}"
        return f"Send an API key as Authorization: Bearer tk_... {MAKE_ONE}"

    def _program(self, shown: str, scope: str, address: str) -> Caller:
        if (key := self._keys.find(shown)) is None:
            raise self._wrong("bad-key", f"This key is not in the configuration. {MAKE_ONE}", address)
        self._check_place(key, address)
        self._spend(key.name, key.rate)
        if scope == MINE:
            words = "This is for people: send a user's browser token (POST /v1/login or POST /v1/tokens) as Bearer."
            raise _not_allowed(words, scope)
        if not key.may(scope):
            raise _not_allowed(f'The key "{key.name}" lacks the scope {scope}: add it to its scopes.', scope)
        return Caller(key.name)

    def _check_place(self, key: ApiKey, address: str) -> None:
        if key.networks and not within(address, networks(key.networks)):
            words = f'The key "{key.name}" may not be used from {address}: add its network to "networks" of the key.'
            raise Problem(403, "wrong-address", words)

    def _person(self, shown: str, scope: str, address: str) -> Caller:
        try:
            user = self._verify(shown).user
        except BrowserError as error:
            raise self._wrong("bad-token", str(error), address) from None
        self._spend(f"user:{user}", PERSONS_RATE)
        if scope != MINE:
            raise _not_allowed(f"A browser token opens only /v1/me; this needs a key with the scope {scope}.", scope)
        return Caller(f"user:{user}", user)

    def _wrong(self, code: str, words: str, address: str) -> Problem:
        """The attempt is counted for its address alone: strangers' guesses keep nobody else out."""
        now = self._clock()
        if (wait := self._guard.wait(address, address, now)) > 0:
            words = f"Too many wrong keys have come from {address}. {words}"
            return Problem(429, "too-many-wrong-keys", words, headers={"Retry-After": str(math.ceil(wait))})
        self._guard.failed(address, address, now)
        return self._unknown(code, words)

    def _unknown(self, code: str, words: str) -> Problem:
        challenge = 'Bearer realm="tandem"' + (', error="invalid_token"' if code != "no-key" else "")
        return Problem(401, code, words, headers={"WWW-Authenticate": challenge})

    def _spend(self, name: str, rate: float) -> None:
        """One request of this caller's allowance. Whoever has not asked for longest is forgotten first."""
        allowance = self._allowances.pop(name, None) or Allowance(max(1.0, BURST * rate), rate)
        self._allowances[name] = allowance
        if len(self._allowances) > MOST_PERSONS:
            self._allowances.popitem(last=False)
        if not allowance.take(1, self._clock()):
            wait = max(1, math.ceil(1 / rate))
            words = f"{rate:g} requests a second are allowed. Wait {wait} s, or raise the rate of the key."
            raise Problem(429, "too-many", words, headers={"Retry-After": str(wait)})


def _not_allowed(words: str, scope: str) -> Problem:
    challenge = f'Bearer realm="tandem", error="insufficient_scope", scope="{scope}"'
    return Problem(403, "wrong-scope", words, headers={"WWW-Authenticate": challenge})
