"""The stream over HTTP: as a WebSocket, as server-sent events, or page by page.

    GET /v1/events               everything; ?call=ID, ?types=call.*,leg.left, ?after=PLACE
    GET /v1/calls/{id}/events    one call's, from its first

Which of the three is the request's choice: `Upgrade: websocket`, `Accept: text/event-stream`, or neither. A reader
that does not take what it is sent is cut off after a while; nothing is queued for it (see `follow`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from gateway.events.carriers import PATIENCE, by_socket, by_sse
from gateway.events.feed import Feed
from gateway.events.follow import GAP, RESTART, Follower, Pace
from gateway.events.log import Page, Restarted
from gateway.events.query import Refused, Wish, parse, place

SCOPE = "calls:read"
MOST_SCANNED = 5_000
"""Events looked at for one page: a filter that leaves most of them out gets shorter pages instead of a slow gateway."""

QUICKEST_PING = 10.0
"""Seconds between pings, which half of that must suffice to answer: a busy reader is not a dead one."""

Access = Callable[[web.Request, str], str | web.Response]
"""Who asks, by name, if they have this scope; else what to answer."""
Refuse = Callable[[int, str, str], web.Response]
"""The answer for a status, a code and words."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    pace: Pace = Pace()
    most: int = 200
    """Open streams."""
    most_of_one: int = 50
    """Open streams of one name."""


def problem(status: int, code: str, words: str) -> web.Response:
    """RFC 9457."""
    shown = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": words}
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    return web.Response(status=status, text=json.dumps(shown), headers=headers)


class EventStreams:
    """`routes` for a web server; or `answer` by itself, for one who has checked already who asks."""

    def __init__(self, feed: Feed, limits: StreamLimits) -> None:
        self.open: Counter[str] = Counter()
        """Streams by the name of their reader."""
        self._feed, self._limits = feed, limits

    def routes(self, access: Access, refuse: Refuse = problem) -> Sequence[web.AbstractRouteDef]:
        async def handle(request: web.Request) -> web.StreamResponse:
            who = access(request, SCOPE)
            if isinstance(who, web.Response):
                return who
            try:
                return await self.answer(request, who, request.match_info.get("id"))
            except Refused as why:
                return refuse(why.status, why.code, why.words)

        return [
            web.get("/v1/events", handle, allow_head=False),
            web.get("/v1/calls/{id}/events", handle, allow_head=False),
        ]

    async def answer(self, request: web.Request, who: str, call: str | None = None) -> web.StreamResponse:
        """Until the stream is over. Raises Refused, before anything has been sent."""
        streaming = request.method == "GET" and "text/event-stream" in request.headers.get("Accept", "").lower()
        wish = parse(request.query.items(), call, request.headers.get("Last-Event-ID") if streaming else None)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._by_socket(request, wish, who)
        if streaming:
            return await self._by_sse(request, wish, who)
        return self._page(wish)

    # ------------------------------------------------------------ a page

    def _page(self, wish: Wish) -> web.Response:
        log = self._feed.log
        try:
            cursor = place(log, wish, log.oldest(wish.call))
        except Restarted:
            raise Refused(410, "restarted", f"{RESTART} Leave out after to get it.") from None
        texts: list[str] = []
        for _ in range(MOST_SCANNED // 50):
            page = log.read(cursor, min(50, wish.limit - len(texts)))
            if page.missed:
                raise Refused(410, "gap", f"{GAP} Leave out after to get what there is.")
            cursor = page.cursor
            texts += _texts(page, wish)
            if not log.behind(cursor) or len(texts) >= wish.limit:
                break
        more = "true" if log.behind(cursor) else "false"
        body = f'{{"events":[{",".join(texts)}],"next":"{log.id_at(cursor)}","more":{more}}}'
        return web.Response(text=body, content_type="application/json", headers={"Cache-Control": "no-store"})

    # ------------------------------------------------------------ a stream

    @asynccontextmanager
    async def _admitted(self, who: str) -> AsyncIterator[None]:
        if self.open.total() >= self._limits.most or self.open[who] >= self._limits.most_of_one:
            raise Refused(503, "too-many-streams", "Too many event streams are open. Close one, or share it.")
        self.open[who] += 1
        try:
            yield
        finally:
            self.open[who] -= 1
            if not self.open[who]:
                del self.open[who]

    async def _by_sse(self, request: web.Request, wish: Wish, who: str) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        follower = Follower(self._feed, wish, self._limits.pace)
        async with self._admitted(who):
            await response.prepare(request)
            await by_sse(follower, request, response)
        return response

    async def _by_socket(self, request: web.Request, wish: Wish, who: str) -> web.StreamResponse:
        pace = self._limits.pace
        ping = max(QUICKEST_PING, pace.heartbeat)
        socket = web.WebSocketResponse(heartbeat=ping, max_msg_size=4_096, compress=False, timeout=PATIENCE)
        if not socket.can_prepare(request):
            raise Refused(422, "not-valid", "This is no WebSocket handshake (RFC 6455 section 4.1).")
        follower = Follower(self._feed, wish, pace)
        async with self._admitted(who):
            await socket.prepare(request)
            await by_socket(follower, request, socket)
        return socket


def _texts(page: Page, wish: Wish) -> list[str]:
    return [event.text for event in page.events if event.type in wish.types]
