"""The API on a free port, over the real call core in a hand-cranked world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gateway.api.config import WebConfig
from gateway.api.rest.build import ApiConfig, Clocks, Rest
from gateway.api.rest.keys import ApiKey, hashed
from gateway.api.rest.sources import PhoneView, Sources
from gateway.api.server import WebServer, browser_hub
from gateway.api.turn import IceServers
from gateway.calls import commands as cmd
from gateway.calls.errors import NoSuchCall
from gateway.calls.router import Account
from gateway.calls.view import CallView
from media.host import check_source
from signaling.browser.config import BrowserConfig
from tests.gateway.api.kit import SECRET, authenticate
from tests.gateway.calls.office import Office
from tests.gateway.calls.world import USERS, Directory

FULL, READER, NOBODY = "tk_full", "tk_reader", "tk_nobody"
SLOW, ELSEWHERE = "tk_slow", "tk_elsewhere"
KEYS = (
    ApiKey("full", hashed(FULL), frozenset({"admin"}), 10_000.0),
    ApiKey("reader", hashed(READER), frozenset({"calls:read"}), 10_000.0),
    ApiKey("slow", hashed(SLOW), frozenset({"calls:read"}), 1.0),
    ApiKey("elsewhere", hashed(ELSEWHERE), frozenset({"admin"}), 10.0, ("192.0.2.0/24",)),
)


class OfficeDesk:
    """`calls.ports.Desk` over an office: the real table of calls, without media."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.commands: list[cmd.Command] = []

    def place(self, order: cmd.Place) -> str:
        call = self.office.table.place(order, self.office.now)
        self.office.pump()
        return call.id

    def command(self, call: str, command: cmd.Command) -> None:
        if (found := self.office.table.get(call)) is None:
            raise NoSuchCall(f"There is no live call {call}.")
        self.commands.append(command)
        try:
            self.office.table.order(found, command, self.office.now)
        finally:
            self.office.pump()

    def merge(self, order: cmd.Merge) -> None:
        self.office.table.merge(order, self.office.now)
        self.office.pump()

    def split(self, order: cmd.Split) -> None:
        self.office.table.split(order, self.office.now)
        self.office.pump()

    def view(self, call: str) -> CallView | None:
        found = self.office.table.get(call)
        return found.view() if found is not None else None

    def views(self) -> list[CallView]:
        return [call.view() for call in self.office.table]


class Staff:
    def find(self, name_or_extension: str) -> Account | None:
        return next((a for a in USERS if name_or_extension in (a.name, a.extension)), None)

    def everyone(self) -> list[Account]:
        return USERS


PHONE = PhoneView("bob", "sip:bob@192.0.2.7", "192.0.2.7:5060", "udp", 160.0)


class Counter:
    """`office` is the world behind it, `ask` a request to it."""

    http: aiohttp.ClientSession
    server: WebServer

    def __init__(self, recordings: Path, keys: tuple[ApiKey, ...] = KEYS, more: dict[str, Any] | None = None) -> None:
        self.office = Office()
        self.desk = OfficeDesk(self.office)
        self.sources = Sources(self.desk, Staff(), Directory(), lambda: [PHONE], recordings)
        self.config = WebConfig(secret=SECRET, port=0, stop_grace=0.5)
        self.clocks = Clocks(lambda: self.office.now, lambda: 1_800_000_000 + self.office.now)
        config = ApiConfig(keys, **(more or {}))
        self.rest = Rest(config, self.config, self.sources, check_source, self.clocks, "0.1.0")

    @property
    def url(self) -> str:
        return self.server.urls[0].rstrip("/")

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str = FULL, **headers: str
    ) -> tuple[int, Any, Any]:
        """Status, body (None when there is none), headers. "Idempotency_Key" is a header, too."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        more = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self.http.request(method, self.url + path, headers=sent, **more) as response:
            text = await response.read()
            found = await response.json(content_type=None) if text and "json" in response.content_type else text
            return response.status, found or None, response.headers

    async def good(self, method: str, path: str, body: object = None) -> Any:
        status, found, _ = await self.ask(method, path, body)
        assert status < 300, found
        return found

    async def bad(self, method: str, path: str, body: object = None, **more: str) -> dict[str, Any]:
        """A problem, checked for what each has."""
        status, found, headers = await self.ask(method, path, body, **more)
        assert headers["Content-Type"] == "application/problem+json", found
        assert found["status"] == status >= 400
        assert found["type"] == f"/v1/docs#{found['code']}"
        assert found["title"]
        assert found["detail"]
        return found


@asynccontextmanager
async def counter(recordings: Path, **more: Any) -> AsyncIterator[Counter]:
    run = Counter(recordings, **more)
    hub = browser_hub(run.config, BrowserConfig(), IceServers((), None, lambda: 0.0))
    run.server = WebServer(run.config, hub, authenticate, lambda s, e: None, routes=run.rest.routes())
    await run.server.start()
    async with aiohttp.ClientSession() as run.http:
        try:
            yield run
        finally:
            await run.server.aclose()
