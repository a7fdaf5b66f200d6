"""The shell around one `Link`: feed it, drain it, close when it says so.

Reading goes straight into the link. Writing is one task that sends what the link has queued; while it waits for a
slow page, the link's queue grows to its limit, the link closes itself, and after a moment of grace the connection is
cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import WSMsgType, web

from signaling.browser.link import Link

MAX_REASON = 123  # bytes of a close reason: RFC 6455 5.5


class BrowserSocket:
    """`fed` is called after each frame: the hub may have events, or another moment to wake at."""

    def __init__(
        self, link: Link, socket: web.WebSocketResponse, request: web.Request, fed: Callable[[], None], grace: float
    ) -> None:
        self._link = link
        self._socket = socket
        self._request = request
        self._fed = fed
        self._grace = grace
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._cut: asyncio.TimerHandle | None = None
        link.notify = self._notify
        self._notify()

    async def run(self) -> None:
        """Until the socket is closed, by whomever."""
        writer = asyncio.create_task(self._write(), name=f"browser-writer-{self._link.source}")
        try:
            await self._read()
        finally:
            self._link.lost(self._loop.time())
            self._fed()
            if self._link.closing is None:
                writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            if self._cut:
                self._cut.cancel()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self._link.receive(message.data, self._loop.time())
            elif message.type is WSMsgType.BINARY:
                self._link.receive_binary(self._loop.time())
            elif message.type is WSMsgType.ERROR:
                self._link.garbled()
            self._fed()

    async def _write(self) -> None:
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                for text in self._link.outgoing(self._loop.time()):
                    await self._socket.send_str(text)
                if why := self._link.closing:
                    reason = why.words.encode("utf-8", "replace")[:MAX_REASON].decode("utf-8", "ignore")
                    await self._socket.close(code=why.close or 1000, message=reason.encode())
                    return
        except (ConnectionError, RuntimeError):  # gone while we wrote: the reader sees it too
            return

    def _notify(self) -> None:
        self._ready.set()
        if self._link.closing is not None and self._cut is None:
            self._cut = self._loop.call_later(self._grace, self._abort)

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
