"""A real receiver of webhooks: answers as it is told, and checks every signature."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from gateway.events.signature import HEADER, verify

SECRET = "sixteen characters or more"


class Receiver:
    """`answer` decides on each request; by default everything is taken."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any], web.Request], Any] = lambda event, request: 204
        self.taken: list[dict[str, Any]] = []
        """Bodies that were answered with 2xx, in order."""
        self.asked: list[tuple[dict[str, Any], dict[str, str]]] = []
        """All bodies and headers."""
        self.elsewhere = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        verify(SECRET, request.headers[HEADER], body, time.time())
        event = await request.json()
        self.asked.append((event, dict(request.headers)))
        answer = self.answer(event, request)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, int):
            answer = web.Response(status=answer)
        if 200 <= answer.status < 300:
            self.taken.append(event)
        return answer

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_post("/hook", found.handle)
    app.router.add_route("*", "/elsewhere", found._elsewhere)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield found
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.005)
