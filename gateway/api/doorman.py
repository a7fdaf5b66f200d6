"""Who stands at the counter without saying anything: connections between requests, bounded in patience and number.

aiohttp waits for ever for a connection's first request, and for the rest of one that was begun. Here a connection
without a request in progress is cut after `patience` seconds, and beyond `most` connections a new one is closed at
once. A WebSocket is a request in progress all its life; its conversation has time limits of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_runner import BaseSite

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorman:
    """Give `watch` to the application as a middleware, then `open` its door."""

    def __init__(self, patience: float, most: int) -> None:
        self.turned_away = 0
        """Connections cut for their silence, or closed at once for want of room."""
        self._patience, self._most = patience, most
        self._waiting_since: dict[object, float | None] = {}
        """By connection; None while it has a request in progress."""
        self._server: web.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Listen. `runner` has been set up. Raises OSError when the port is taken."""
        self._server = runner.server
        await _Site(runner, self, host, port, tls).start()
        self._look_round()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server = None

    def let_in(self) -> asyncio.BaseProtocol:
        assert self._server is not None
        if len(self._server.connections) < self._most:
            return self._server()
        self.turned_away += 1
        return _Closed()

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._waiting_since[request.protocol] = None
        try:
            return await handler(request)
        finally:
            self._waiting_since[request.protocol] = asyncio.get_running_loop().time()

    def _look_round(self) -> None:
        if self._server is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._waiting_since = {c: self._waiting_since.get(c, now) for c in self._server.connections}
        for connection, since in self._waiting_since.items():
            transport = getattr(connection, "transport", None)
            if since is not None and now - since >= self._patience and transport is not None:
                self.turned_away += 1
                transport.abort()
        self._timer = loop.call_later(self._patience / 4, self._look_round)


class _Site(BaseSite):
    """aiohttp's TCPSite, but for who makes the protocols."""

    def __init__(
        self, runner: web.AppRunner, doorman: Doorman, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._doorman, self._host, self._port = doorman, host, port

    @property
    def name(self) -> str:
        return f"{'https' if self._ssl_context else 'http'}://{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            self._doorman.let_in,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_address=True,
        )


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
