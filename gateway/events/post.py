"""A signed POST to a program of the operator's, with a time limit: what webhooks and route webhooks share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from gateway.events.signature import HEADER, sign


@dataclass(frozen=True, slots=True)
class Posted:
    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    """Not: the answer was longer than it may be, and is cut off."""


class NotPosted(Exception):
    """No answer came. The text says why, without secrets of the URL."""


class Poster:
    """One HTTP client: no cookies, no proxies, no redirects, nothing decompressed. `unix` is the wall clock."""

    def __init__(self, unix: Callable[[], float] = time.time) -> None:
        self._unix = unix
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, secret: str, body: bytes, headers: Mapping[str, str], patience: float, most: int
    ) -> Posted:
        """Raises NotPosted. At most `most` bytes of the answer are read. Without a secret it is not signed."""
        signature = {HEADER: sign(secret, body, self._unix())} if secret else {}
        head = {"Content-Type": "application/json", "Accept-Encoding": "identity"} | signature | dict(headers)
        try:
            async with (
                asyncio.timeout(patience),
                self._open().post(url, data=body, headers=head, allow_redirects=False) as answer,
            ):
                found = bytearray()
                async for chunk in answer.content.iter_any():
                    found += chunk
                    if len(found) > most:  # leaving it unread closes the connection
                        break
                return Posted(answer.status, dict(answer.headers), bytes(found[:most]), len(found) <= most)
        except TimeoutError:
            raise NotPosted(f"no answer within {patience:g} seconds") from None
        except aiohttp.ClientConnectorError as error:
            raise NotPosted(f"cannot be reached: {error.os_error.strerror or type(error.os_error).__name__}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotPosted(f"cannot be asked: {type(error).__name__}") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # each receiver has a limit of its own
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "Tandem"},
                auto_decompress=False,
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def host(url: str) -> str:
    """What may be shown of a URL: paths and queries often hold secrets."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"
