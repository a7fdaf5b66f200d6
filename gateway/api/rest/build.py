"""Puts the counter together: the resources, who may use them, their description and its page."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from gateway.api.config import WebConfig
from gateway.api.login_guard import LoginGuard
from gateway.api.origin import Origin
from gateway.api.rest import docs_page, openapi
from gateway.api.rest.access import Access
from gateway.api.rest.api import Api
from gateway.api.rest.calls import Calls
from gateway.api.rest.desk import Live
from gateway.api.rest.keys import ApiKey, Keyring
from gateway.api.rest.legs import Legs
from gateway.api.rest.operation import operations
from gateway.api.rest.people import Around, Mine
from gateway.api.rest.playing import Playing
from gateway.api.rest.records import Archive
from gateway.api.rest.shown import wall
from gateway.api.rest.sounds import Sounds
from gateway.api.rest.sources import Sources
from gateway.api.tokens import Tokens


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """What an operator sets about the API."""

    keys: tuple[ApiKey, ...] = ()
    sounds: Path | None = None
    """The folder of `file:` sources."""
    fetch_from: tuple[str, ...] = ()
    """Hosts, or host:port, that sounds may be fetched from."""


@dataclass(frozen=True, slots=True)
class Clocks:
    monotonic: Callable[[], float]
    """The calls' clock."""
    unix: Callable[[], float]


class Rest:
    """`routes` are mounted by the web server. `parse_sound` raises MediaError for what cannot be played."""

    def __init__(
        self,
        config: ApiConfig,
        server: WebConfig,
        sources: Sources,
        parse_sound: Callable[[str], object],
        clocks: Clocks,
        version: str,
        guard: LoginGuard | None = None,
    ) -> None:
        live = Live(sources.desk, wall(clocks.monotonic(), clocks.unix()), clocks.monotonic)
        sounds = Sounds(parse_sound, config.sounds, config.fetch_from)
        tokens = Tokens(server.secret, server.token_ttl, clocks.unix)
        self.resources = (
            Calls(live, sounds, _new_id),
            Legs(live, sounds, _new_id),
            Playing(live, sounds, _new_id),
            Around(live, sources, tokens.issue),
            Mine(live, sources),
            Archive(live, sources),
        )
        origin = Origin(server.allowed_origins, server.trusted_proxies)
        self.access = Access(Keyring(config.keys), tokens.verify, origin, clocks.monotonic, guard)
        self.api = Api(operations(*self.resources), self.access, clocks.monotonic)
        self.document = openapi.document(self.api.operations, version)
        self._json = json.dumps(self.document, ensure_ascii=False).encode()
        self._page = docs_page.page(self.document).encode()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            *self.api.routes(),
            web.get("/v1/openapi.json", self._openapi),
            web.get("/v1/docs", self._docs),
        ]

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.Response(body=self._json, content_type="application/json", headers={"Cache-Control": "no-cache"})

    async def _docs(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}
        return web.Response(body=self._page, headers=headers)


def _new_id() -> str:
    return secrets.token_hex(4)
