"""A web server on a free port, with two users and a place for events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.api.config import WebConfig
from gateway.api.login import UserInfo
from gateway.api.server import WebServer, browser_hub
from gateway.api.turn import IceServers
from signaling.browser.config import BrowserConfig
from signaling.browser.events import BrowserEvent
from signaling.browser.session import Session

PASSWORDS = {"alice": "wonder", "bob": "builder"}
SECRET = b"0123456789abcdef0123456789abcdef"


def authenticate(user: str, password: str) -> UserInfo | None:
    return UserInfo(user, user.title(), "101") if PASSWORDS.get(user) == password else None


class Running:
    def __init__(self, config: WebConfig, limits: BrowserConfig, **more: Any) -> None:
        self.events: list[tuple[Session, BrowserEvent]] = []
        hub = browser_hub(config, limits, IceServers(("stun:127.0.0.1",), None, lambda: 0.0))
        self.server = WebServer(config, hub, authenticate, lambda s, e: self.events.append((s, e)), **more)
        self.http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.server.urls[0].rstrip("/")

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.events]

    async def login(self, user: str = "alice", password: str = "wonder") -> tuple[int, dict[str, Any]]:
        async with self.http.post(f"{self.url}/v1/login", json={"user": user, "password": password}) as response:
            return response.status, await response.json()

    async def socket(self, **more: Any) -> aiohttp.ClientWebSocketResponse:
        return await self.http.ws_connect(f"{self.url}/v1/ws", **more)

    async def signed_in(self, user: str = "alice") -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        _, body = await self.login(user, PASSWORDS[user])
        socket = await self.socket()
        await socket.send_json({"type": "hello", "version": 1, "token": body["token"]})
        return socket, await socket.receive_json()


@asynccontextmanager
async def running(
    limits: BrowserConfig | None = None, web: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[Running]:
    fields: dict[str, Any] = {"secret": SECRET, "port": 0, "stop_grace": 0.5} | (web or {})
    run = Running(WebConfig(**fields), limits or BrowserConfig(), **more)
    await run.server.start()
    async with aiohttp.ClientSession() as run.http:
        try:
            yield run
        finally:
            await run.server.aclose()
