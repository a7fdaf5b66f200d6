"""Two questions that machines ask.

/healthz  is the process alive? A no means: start another one. It stays yes while calls are drained.
/readyz   may new calls come here? A no means: send them elsewhere, leave this one alone.

What does not stand in the way of calls (a trunk that is away, a database that is) is a warning and no refusal: a load
balancer cannot mend it. Answers go to whoever can reach the page: they name no trunk, no host, no error text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from aiohttp import web

RETRY_AFTER = 30
"""Seconds after which to ask again one that takes no calls."""


class Table(Protocol):
    @property
    def draining(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...
    def __len__(self) -> int: ...


class Health:
    """`warnings`: each is asked at each request and says words, or "" while all is well."""

    def __init__(self, table: Table, warnings: Iterable[Callable[[], str]] = ()) -> None:
        self.started = False
        self.warnings = list(warnings)
        self._table = table

    @property
    def status(self) -> str:
        table = self._table
        if table.stopping:
            return "stopping"
        if table.draining:
            return "draining"
        return "ok" if self.started else "starting"

    def alive(self) -> Mapping[str, object]:
        return {"status": self.status, "calls": len(self._table)}

    def ready(self) -> dict[str, object]:
        return {
            "ready": self.status == "ok",
            "status": self.status,
            "calls": len(self._table),
            "warnings": [words for ask in self.warnings if (words := ask())],
        }

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/readyz", self._readyz)]

    async def _readyz(self, _: web.Request) -> web.Response:
        body = self.ready()
        headers = {"Cache-Control": "no-store"}
        if not body["ready"]:
            headers["Retry-After"] = str(RETRY_AFTER)
        return web.json_response(body, status=200 if body["ready"] else 503, headers=headers)
