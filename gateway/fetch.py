"""Sounds from elsewhere: http(s) addresses become files of a cache, before a call is told to play them.

Only hosts that the operator named are asked, over a redirect neither; a file has a largest size and a longest time. A
file that was fetched in the last minutes is not asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from gateway.calls.errors import BadTarget, NotNow

log = logging.getLogger(__name__)

MOST_BYTES = 20 * 1024 * 1024
PATIENCE = 10.0
FRESH = 300.0
"""Seconds a fetched file is good for."""
MOST_FILES = 200
ENDINGS = (".wav", ".mp3", ".ogg", ".opus", ".flac", ".m4a")


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


class Fetcher:
    """`hosts`: "sounds.example.com", "127.0.0.1:8000"; the port where it is not the scheme's own."""

    def __init__(self, hosts: Sequence[str], clock: Callable[[], float]) -> None:
        self._hosts, self._clock = frozenset(host.lower() for host in hosts), clock
        self._folder: Path | None = None
        self._fetched: dict[str, tuple[float, Path]] = {}
        self._running: dict[str, asyncio.Task[Path]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def local(self, sources: Sequence[str]) -> tuple[str, ...]:
        """The same sources, with addresses replaced by files. Raises BadTarget, NotNow with words."""
        return tuple([f"file:{await self._file(s)}" if is_url(s) else s for s in sources])

    async def aclose(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        if self._session is not None:
            await self._session.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _file(self, url: str) -> Path:
        self._allowed(url)
        known = self._fetched.get(url)
        if known is not None and self._clock() - known[0] < FRESH and known[1].exists():
            return known[1]
        task = self._running.get(url)
        if task is None:
            task = self._running[url] = asyncio.create_task(self._fetch(url), name="fetch-sound")
            task.add_done_callback(lambda _: self._running.pop(url, None))
        return await asyncio.shield(task)

    def _allowed(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.netloc.lower()
        except ValueError:
            raise BadTarget(f"{url[:200]} is no address.") from None
        if "@" in host or host not in self._hosts:
            raise BadTarget(f"Sounds are not fetched from {host or 'nowhere'}: add it to fetch_from in [api].")
        if Path(parts.path).suffix.lower() not in ENDINGS:
            raise BadTarget(f"The address must end in one of {', '.join(ENDINGS)}: that tells what it is.")

    async def _fetch(self, url: str) -> Path:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise NotNow(f"{url} answered {response.status}: nothing to play.")
                return await self._keep(url, response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotNow(f"{url} could not be fetched: {error or type(error).__name__}.") from None

    async def _keep(self, url: str, response: aiohttp.ClientResponse) -> Path:
        path = self._path(url)
        loop = asyncio.get_running_loop()
        size = 0
        with path.with_suffix(".part").open("wb") as file:
            async for chunk in response.content.iter_chunked(64 * 1024):
                size += len(chunk)
                if size > MOST_BYTES:
                    raise BadTarget(f"{url} is larger than {MOST_BYTES >> 20} MiB.")
                await loop.run_in_executor(None, file.write, chunk)
        path.with_suffix(".part").rename(path)
        self._fetched.pop(url, None)
        self._fetched[url] = (self._clock(), path)
        self._forget()
        return path

    def _path(self, url: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tandem-sounds-"))
        name = hashlib.sha256(f"{url} {self._clock()}".encode()).hexdigest()[:24]
        return self._folder / (name + Path(urlsplit(url).path).suffix.lower())

    def _forget(self) -> None:
        while len(self._fetched) > MOST_FILES:
            _, path = self._fetched.pop(next(iter(self._fetched)))
            path.unlink(missing_ok=True)
