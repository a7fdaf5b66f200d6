"""A POST with an `Idempotency-Key` is done once, however often it arrives: the first good answer is repeated.

A key belongs to who sent it. The same key with another request is a mistake (422). A second request that comes while
the first is running waits for its answer. What did not succeed is forgotten, so that it can be tried again. Memory and
time are bounded: the oldest answers go first.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.api.rest.problem import Problem, not_valid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
CAPACITY = 5_000
LIFE = 24 * 3600.0
PATIENCE = 20.0
"""Seconds that a second request waits for the first."""
LARGEST = 64 * 1024
"""Bytes of an answer that is kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def again(self) -> web.Response:
        return web.Response(status=self.status, headers=[*self.headers, (REPLAYED, "true")], body=self.body)


@dataclass(slots=True)
class _Entry:
    fingerprint: bytes
    since: float
    answer: asyncio.Future[Kept | None]
    """None: it did not succeed."""


class Replays:
    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY, patience: float = PATIENCE) -> None:
        self._clock, self._capacity, self._patience = clock, capacity, patience
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def once(
        self, owner: str, key: str, fingerprint: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """The answer of `act`, or of whoever came first with this key. Raises Problem."""
        self._forget()
        while (entry := self._entries.get((owner, key))) is not None:
            if entry.fingerprint != fingerprint:
                words = "This Idempotency-Key was sent with another request before: use a new one for each request."
                raise Problem(422, "key-reused", words)
            if (kept := await self._wait(entry)) is not None:
                return kept.again()
        return await self._first((owner, key), fingerprint, act)

    async def _wait(self, entry: _Entry) -> Kept | None:
        try:
            return await asyncio.wait_for(asyncio.shield(entry.answer), self._patience)
        except TimeoutError:
            words = "The first request with this Idempotency-Key is still running: send it again in a moment."
            raise Problem(409, "in-progress", words, headers={"Retry-After": "2"}) from None

    async def _first(
        self, name: tuple[str, str], fingerprint: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        entry = _Entry(fingerprint, self._clock(), asyncio.get_running_loop().create_future())
        self._entries[name] = entry
        kept = None
        try:
            response = await act()
            kept = _kept(response)
            return response
        finally:
            if kept is None:
                del self._entries[name]
            entry.answer.set_result(kept)

    def _forget(self) -> None:
        """What is too old, and the oldest beyond the capacity. What is still running stays."""
        now = self._clock()
        for name, entry in list(self._entries.items()):
            if now - entry.since < LIFE and len(self._entries) < self._capacity:
                break
            if entry.answer.done():
                del self._entries[name]


def idempotency_key(request: web.Request) -> str | None:
    """Raises Problem when the header is there and cannot be used."""
    key = request.headers.get(HEADER)
    if key is not None and not re.fullmatch(rf"[\x21-\x7e]{{1,{LONGEST}}}", key):
        raise not_valid("header", HEADER, f"1 to {LONGEST} visible ASCII characters are expected, such as a UUID")
    return key


def fingerprint(request: web.Request, body: bytes) -> bytes:
    return hashlib.sha256(b"\0".join((request.method.encode(), request.raw_path.encode(), body))).digest()


def _kept(response: web.Response) -> Kept | None:
    body = response.body if isinstance(response.body, bytes) else b""
    if response.status >= 300 or len(body) > LARGEST:
        return None
    return Kept(response.status, tuple(response.headers.items()), body)
