"""How a follower's messages reach its reader: as WebSocket text frames, or as server-sent events.

Both wait for the reader to take each message; one that takes none for `PATIENCE` seconds is cut off. It lost nothing:
it resumes after the last id that it read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from aiohttp import web

from gateway.events.follow import Follower, Message

PATIENCE = 10.0
"""Seconds for a reader to take one message."""
MAX_REASON = 123
"""Bytes of a close reason (RFC 6455 section 5.5)."""


async def by_sse(follower: Follower, request: web.Request, response: web.StreamResponse) -> None:
    with contextlib.suppress(ConnectionError):  # gone: it will come back and resume
        await response.write(b"retry: 2000\n\n")
        await _carry(follower, request, lambda message: response.write(_sse(message)))


def _sse(message: Message) -> bytes:
    """An event without data only moves Last-Event-ID on (HTML Standard, server-sent events)."""
    if message.kind == "heartbeat":
        return f": heartbeat\nid: {message.id}\n\n".encode()
    return f"id: {message.id}\ndata: {message.text}\n\n".encode()


async def by_socket(follower: Follower, request: web.Request, socket: web.WebSocketResponse) -> None:
    """Until either side closes. What a reader says is not listened to."""
    leaving = asyncio.Event()
    speaker = asyncio.create_task(_speak(follower, request, socket, leaving), name="event-stream")
    try:
        async for _ in socket:
            pass
    finally:
        if not leaving.is_set():
            speaker.cancel()
        outcome = (await asyncio.gather(speaker, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        raise outcome


async def _speak(
    follower: Follower, request: web.Request, socket: web.WebSocketResponse, leaving: asyncio.Event
) -> None:
    try:
        with contextlib.suppress(ConnectionError):
            end = await _carry(follower, request, lambda message: socket.send_str(message.text))
            if end is not None:
                leaving.set()
                await socket.close(code=end.close, message=end.words.encode()[:MAX_REASON])
    finally:
        if not leaving.is_set():
            _cut(request)  # the listener sees it


async def _carry(
    follower: Follower, request: web.Request, send: Callable[[Message], Awaitable[None]]
) -> Message | None:
    """Send all messages, each with so much patience. The last, unless the reader was cut off."""
    message = None
    async with aclosing(follower.messages()) as messages:
        async for message in messages:
            try:
                async with asyncio.timeout(PATIENCE):
                    await send(message)
            except TimeoutError:
                _cut(request)
                return None
    return message


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
