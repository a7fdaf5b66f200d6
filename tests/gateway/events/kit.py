"""Call events to publish, a log that is told the time, and a web server with the streams of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.events.feed import Feed
from gateway.events.follow import Pace
from gateway.events.log import EventLog, Limits
from gateway.events.streams import EventStreams, StreamLimits, problem

START = "5f0c2a91"
UNIX = 1_772_357_405.25
"""2026-03-01T09:30:05.250Z"""
KEY = {"Authorization": "Bearer right"}


def log(**limits: Any) -> EventLog:
    return EventLog(START, Limits(**limits))


def started(call: str, at: float = 0.0) -> ev.CallStarted:
    return ev.CallStarted(call, at, ev.Identity("101", "Alice", "alice"), "browser", "102", f"{call}-1")


def digit(call: str, key: str = "5", at: float = 0.0) -> ev.CallDigit:
    return ev.CallDigit(call, at, f"{call}-1", key)


def ended(call: str, at: float = 0.0) -> ev.CallEnded:
    return ev.CallEnded(call, at, ending("normal"), f"{call}-1", None, ())


def access(request: web.Request, scope: str) -> str | web.Response:
    if request.headers.get("Authorization") != KEY["Authorization"]:
        return problem(401, "no-key", f"Send a key with the scope {scope}.")
    return "program"


class Running:
    def __init__(self, stream: EventLog, limits: StreamLimits) -> None:
        self.feed = Feed(stream)
        self.streams = EventStreams(self.feed, limits)
        self.http: aiohttp.ClientSession
        self.url = ""
        self.runner: web.AppRunner
        self.faults: list[dict[str, Any]] = []

    def publish(self, *events: ev.CallEvent) -> None:
        for event in events:
            self.feed.publish(event)

    def digits(self, call: str, count: int) -> None:
        now = asyncio.get_running_loop().time()
        self.publish(*(digit(call, str(i % 10), now) for i in range(count)))

    def socket(self, path: str = "/v1/events", **more: Any) -> Any:
        return self.http.ws_connect(self.url + path, headers=KEY, **more)

    def sse(self, path: str = "/v1/events", **headers: str) -> Any:
        return self.http.get(self.url + path, headers=KEY | {"Accept": "text/event-stream"} | headers)

    async def page(self, path: str = "/v1/events") -> tuple[int, dict[str, Any]]:
        async with self.http.get(self.url + path, headers=KEY) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def running(
    pace: Pace | None = None, most: int = 20, most_of_one: int = 10, **log_limits: Any
) -> AsyncIterator[Running]:
    run = Running(log(**log_limits), StreamLimits(pace or Pace(), most, most_of_one))
    app = web.Application()
    app.add_routes(run.streams.routes(access))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    run.runner = runner
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    run.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: run.faults.append(context))
    async with aiohttp.ClientSession() as run.http:
        try:
            yield run
        finally:
            run.feed.close()
            await runner.cleanup()
    assert run.faults == []
    assert run.streams.open == {}
