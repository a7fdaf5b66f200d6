"""Everything of records in one part for the gateway: started before the first call, closed after the last."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.calls.events import CallEvent
from gateway.cdr.export import encoded
from gateway.cdr.model import RecentCall, Record
from gateway.cdr.patience import within
from gateway.cdr.ports import Filters, Format, Page, RecordsAway
from gateway.cdr.recent import seen_by
from gateway.cdr.spool import Spool
from gateway.cdr.store import Store, Unusable
from gateway.cdr.url import problem
from gateway.cdr.writer import Explain, RecordWriter

log = logging.getLogger("tandem.records")

HOUR = 3600.0
CLOSE_WITHIN = 5.0
OPEN_WITHIN = 10.0


class CallRecords:
    """`ports.Records`, and the subscriber that makes them. `explain` may be set until the first call begins."""

    def __init__(self, url: str, spool: Path, retention_days: float = 0.0, explain: Explain = lambda call: ()) -> None:
        """Raises Unusable."""
        if words := problem(url):
            raise Unusable(words)
        self.explain = explain
        self._store = Store(url)
        self._writer = RecordWriter(
            self._store, Spool(spool), clock=_wall, now=_now, explain=lambda call: self.explain(call)
        )
        self._days = retention_days
        self._retention: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """A database that is away now may come later; one that will never take us raises Unusable."""
        opened = False
        try:
            await within(OPEN_WITHIN, self._store.open())
            opened = True
        except RecordsAway:
            pass  # the writer tries at once, and says so
        except Unusable:
            await self._store.aclose()
            raise
        self._writer.start(opened)
        if self._days:
            self._retention = asyncio.create_task(self._forget_old(), name="retention")

    async def aclose(self) -> None:
        if self._retention is not None:
            self._retention.cancel()
            with suppress(asyncio.CancelledError):
                await self._retention
        try:
            await self._writer.aclose(CLOSE_WITHIN)
        finally:
            await self._store.aclose()

    def publish(self, event: CallEvent) -> None:
        """Never blocks, never raises."""
        self._writer.publish(event)

    def gauges(self) -> dict[str, float]:
        return self._writer.gauges()

    # ------------------------------------------------------------ ports.Records

    async def get(self, id: str) -> Record | None:
        return self._writer.pending(id) or await self._store.get(id)

    async def list(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        return await self._store.list(filters, cursor, limit)

    async def recent(self, user: str, limit: int = 20) -> Sequence[RecentCall]:
        page = await self._store.list(Filters(user=user), None, limit)
        return [seen_by(user, record) for record in page.records]

    def export(self, filters: Filters, format: Format = "jsonl") -> AsyncIterator[bytes]:
        return encoded(self._store.batches(filters), format)

    # ------------------------------------------------------------ retention

    async def _forget_old(self) -> None:
        while True:
            try:
                gone = await self._store.delete_before(datetime.now(UTC) - timedelta(days=self._days))
                if gone:
                    log.info("%d calls older than %g days forgotten", gone, self._days)
            except RecordsAway as error:
                log.warning("old records could not be deleted: %s; next try in an hour", error)
            await asyncio.sleep(HOUR)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _wall(at: float) -> float:
    return time.time() - (_now() - at)
