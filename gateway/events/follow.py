"""One reader's way along the stream, whatever carries it: events, and words of the stream's own between them.

stream.open       first of all: `id` is where the reader stands
stream.reset      something before the next event is missing, and why ("gap", "restart"); `id` is where it goes on
stream.heartbeat  nothing new for a while; `id` moves on with events that the reader's filter leaves out
stream.end        the last: "stopping", "too-slow" (resume after the last `id`), "forgotten" (the call)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from gateway.events.feed import Feed
from gateway.events.log import Cursor, Restarted
from gateway.events.query import Wish, place

BATCH = 64
GAP = "Events before this one are no longer kept: read the state of your calls anew, then go on from here."
RESTART = "The gateway was restarted: calls from before are over. Here is what has happened since."
STOPPING = "The gateway is stopping. Connect again, and resume after your last id."
TOO_SLOW = "You are too many events behind. Connect again, resume after your last id, and read faster."
FORGOTTEN = "The call is over, and its events are no longer kept."


@dataclass(frozen=True, slots=True)
class Message:
    """`text` is JSON on one line."""

    id: str
    text: str
    kind: str = "event"
    """"event", "open", "reset", "heartbeat" or "end"."""
    close: int = 1000
    """With "end": the WebSocket's close code."""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    heartbeat: float = 15.0
    """Seconds without any message before one says that the stream is alive."""
    most_behind: int = 5_000
    """Events that a reader may be behind once it has caught up."""


class Follower:
    """`messages` from the place that was wished for to the end. Raises query.Refused at once, before any message."""

    def __init__(self, feed: Feed, wish: Wish, pace: Pace) -> None:
        self._feed, self._log, self._wish, self._pace = feed, feed.log, wish, pace
        beginning = self._log.now() if wish.call is None else self._log.oldest(wish.call)
        self._restarted = False
        try:
            self._cursor = place(self._log, wish, beginning)
        except Restarted:
            self._restarted = True
            self._cursor = self._log.oldest(wish.call)
        self._last = 0.0
        self._caught_up = False

    async def messages(self) -> AsyncGenerator[Message]:
        self._last = _now()
        # Until it has read the reset, a reader that is cut off shall come back with its old place, and be told again.
        old = self._wish.after if self._restarted else None
        yield self._own("open", {"heartbeat": self._pace.heartbeat}, here=old)
        if self._restarted:
            yield self._own("reset", {"why": "restart", "words": RESTART})
        while (end := self._end()) is None:
            for message in self._next():
                self._last = _now()
                yield message
            if self._behind() == 0:
                self._caught_up = True
                wait = self._last + self._pace.heartbeat - _now()
                if not self._leaving() and not (wait > 0 and await self._feed.news(wait)):
                    self._last = _now()
                    yield self._own("heartbeat", {})
            else:
                await asyncio.sleep(0)  # a reader of much that its filter leaves out must not hold up the loop
        yield end

    def _next(self) -> list[Message]:
        page = self._log.read(self._cursor, BATCH)
        self._cursor = page.cursor
        found = [Message(e.id, e.text) for e in page.events if e.type in self._wish.types]
        if page.missed:
            at = replace(self._cursor, at=self._cursor.at - len(page.events))
            found.insert(0, self._own("reset", {"why": "gap", "words": GAP}, at))
        return found

    def _end(self) -> Message | None:
        if self._wish.call is not None and not self._log.knows(self._wish.call):
            return self._own("end", {"why": "forgotten", "words": FORGOTTEN}, close=1000)
        behind = self._behind()
        if self._caught_up and behind > self._pace.most_behind:
            return self._own("end", {"why": "too-slow", "words": TOO_SLOW}, close=4413)
        if self._feed.closing and self._caught_up and behind == 0:
            return self._own("end", {"why": "stopping", "words": STOPPING}, close=1001)
        return None

    def _leaving(self) -> bool:
        return self._feed.closing or (self._wish.call is not None and not self._log.knows(self._wish.call))

    def _behind(self) -> int:
        return self._log.behind(self._cursor)

    def _own(
        self,
        kind: str,
        data: dict[str, object],
        at: Cursor | None = None,
        here: str | None = None,
        close: int = 1000,
    ) -> Message:
        here = here or self._log.id_at(at or self._cursor)
        text = json.dumps({"id": here, "type": f"stream.{kind}", "data": data}, separators=(",", ":"))
        return Message(here, text, kind, close, str(data.get("words", "")))


def _now() -> float:
    return asyncio.get_running_loop().time()
