"""Between calls and the database: `publish` never blocks and never raises; one task writes.

    events ── Recorder ── waiting (bounded) ── database
                              └── while it is away ── spool (files) ── database, when it is back

Nothing is lost while either the database or the spool's folder can be written. If neither can, records wait in memory,
up to a limit; what is dropped beyond it is counted and said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from gateway.calls.events import CallEvent
from gateway.cdr.draft import Clock
from gateway.cdr.model import Record, cleaned
from gateway.cdr.patience import within
from gateway.cdr.ports import RecordsAway
from gateway.cdr.record import Recorder
from gateway.cdr.spool import Spool
from gateway.cdr.store import BATCH, Refused, Store, Unusable

log = logging.getLogger("tandem.records")

LIMIT = 10_000
"""Records that may wait in memory."""
ANSWER_WITHIN = 10.0
"""Seconds for one batch; a database that takes longer counts as away."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries, doubled each time."""

Explain = Callable[[str], Sequence[dict[str, Any]]]
"""Call id -> verdicts. Asked once, when the call's record is complete."""


@dataclass(slots=True)
class Counts:
    """Since the start. `failed`: events that could not be folded; `unspooled`: tries that the folder did not take."""

    written: int = 0
    spooled: int = 0
    replayed: int = 0
    dropped: int = 0
    refused: int = 0
    failed: int = 0
    unspooled: int = 0


class RecordWriter:
    """`now` is the events' monotonic clock, `clock` makes wall time of it."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        *,
        clock: Clock,
        now: Callable[[], float],
        explain: Explain = lambda call: (),
        limit: int = LIMIT,
    ) -> None:
        self.counts = Counts()
        self.away = False
        self._store, self._spool = store, spool
        self._now, self._explain, self._limit = now, explain, limit
        self._recorder = Recorder(clock)
        self._waiting: deque[Record] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._opened = False
        self._replay_due = True
        self._pause = FIRST_PAUSE
        self._retry_at = 0.0
        self._spool_retry_at = 0.0
        self._complained: set[str] = set()

    # ------------------------------------------------------------ from calls

    def publish(self, event: CallEvent) -> None:
        try:
            self._recorder.receive(event)
        except Exception:
            self.counts.failed += 1
            self._complain("fold", "an event could not be taken into a record", trace=True)
        self._collect()

    def _collect(self) -> None:
        while (record := self._recorder.next_record()) is not None:
            self._add_verdicts(record)
            if len(self._waiting) >= self._limit:
                self.counts.dropped += 1
                self._complain(
                    "drop", f"neither {self._store.name} nor {self._spool.folder} takes records: some are lost"
                )
                continue
            self._waiting.append(record)
        if self._waiting or self._recorder.wake_at() is not None:
            self._news.set()

    def _add_verdicts(self, record: Record) -> None:
        try:
            record.verdicts = cleaned(list(self._explain(record.call)))
        except Exception:
            self.counts.failed += 1
            self._complain("explain", "a call could not be explained", trace=True)

    def gauges(self) -> dict[str, float]:
        """Names without prefix -> values, for metrics."""
        counts = {f"records_{name}": float(value) for name, value in asdict(self.counts).items()}
        return counts | {"records_waiting": float(len(self._waiting)), "records_away": float(self.away)}

    def pending(self, id: str) -> Record | None:
        """A record that is complete and not yet in the database."""
        return next((r for r in reversed(self._waiting) if id in (r.id, r.call)), None)

    # ------------------------------------------------------------ the one task

    def start(self, opened: bool) -> None:
        """`opened`: the store has been, else it is tried until it can be."""
        self._opened = opened
        self._news.set()  # an earlier run may have left something
        self._task = asyncio.create_task(self._work(), name="records")

    async def aclose(self, patience: float) -> None:
        """Write down what is open, write or spool what waits; at most about `patience` seconds for the database."""
        self._recorder.close(self._now())
        self._collect()
        self._closing = True
        self._news.set()
        if self._task is not None:
            try:
                await asyncio.wait_for(self._task, patience)
            except TimeoutError:
                log.warning(
                    "%s is too slow: records wait in %s for the next start", self._store.name, self._spool.folder
                )
        self._spool_retry_at = 0.0
        await self._put_by()
        with suppress(OSError):
            await asyncio.to_thread(self._spool.close)
        if self._waiting:
            self.counts.dropped += len(self._waiting)
            log.error("%d records could be neither written nor kept in %s", len(self._waiting), self._spool.folder)
            self._waiting.clear()

    async def _work(self) -> None:
        while True:
            await self._sleep()
            self._recorder.wake(self._now())
            self._collect()
            try:
                await self._turn()
            except Exception:
                log.exception("writing records failed; it is tried again")
                self._wait_longer()
            if self._closing:
                return

    async def _sleep(self) -> None:
        """Until there is news, or a moment has come."""
        moments = (self._recorder.wake_at(), self._retry_at if self.away else None)
        due = [at for at in moments if at is not None]
        if not self._news.is_set():
            delay = max(0.0, min(due) - self._now()) if due else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), delay)
        self._news.clear()

    async def _turn(self) -> None:
        if self.away and self._now() < self._retry_at and not self._closing:
            await self._put_by()
            return
        try:
            if not self._opened:
                await within(ANSWER_WITHIN, self._store.open())
                self._opened = True
            if self._replay_due:
                await self._replay()
            while self._waiting:
                batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
                await self._write(batch)
                for _ in batch:
                    self._waiting.popleft()
        except (RecordsAway, Unusable) as error:
            self._gone(error)
            await self._put_by()
        else:
            self._back()

    async def _write(self, batch: list[Record]) -> None:
        try:
            await within(ANSWER_WITHIN, self._store.insert(batch))
            self.counts.written += len(batch)
        except Refused as error:
            if len(batch) > 1:  # find the one
                for record in batch:
                    await self._write([record])
                return
            self.counts.refused += 1
            log.error(
                "%s takes no record %s (%s): kept in %s", self._store.name, batch[0].id, error, self._spool.folder
            )
            await self._in_thread(self._spool.refuse, batch)

    # ------------------------------------------------------------ away and back

    def _gone(self, error: Exception) -> None:
        if not self.away:
            log.warning("%s is away (%s): calls go on, records wait in %s", self._store.name, error, self._spool.folder)
        self.away, self._opened = True, False  # whoever comes back may be another, and empty
        self._wait_longer()

    def _wait_longer(self) -> None:
        self._retry_at = self._now() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _back(self) -> None:
        if self.away:
            log.info("%s is back, and has the records that waited", self._store.name)
        self.away, self._pause = False, FIRST_PAUSE
        self._complained.discard("drop")

    async def _put_by(self) -> None:
        """On disk with what waits."""
        if not self._waiting or self._now() < self._spool_retry_at:
            return
        batch = list(self._waiting)
        if await self._in_thread(self._spool.append, batch):
            for _ in batch:
                self._waiting.popleft()
            self.counts.spooled += len(batch)
            self._replay_due = True
        else:
            self._spool_retry_at = self._now() + LONGEST_PAUSE

    async def _replay(self) -> None:
        """Write what an earlier time, or an earlier run, has spooled."""
        try:
            for path in await asyncio.to_thread(self._spool.waiting):
                records, lock = await asyncio.to_thread(self._spool.read, path)
                if lock is None:
                    continue
                try:
                    for start in range(0, len(records), BATCH):
                        await self._write(records[start : start + BATCH])
                    await asyncio.to_thread(self._spool.done, path, lock)
                finally:
                    lock.close()
                self.counts.replayed += len(records)
        except OSError as error:
            self._spool_fails(error)
        self._replay_due = False

    async def _in_thread(self, work: Callable[[list[Record]], None], batch: list[Record]) -> bool:
        try:
            await asyncio.to_thread(work, batch)
        except OSError as error:
            self._spool_fails(error)
            return False
        self._complained.discard("spool")
        return True

    def _spool_fails(self, error: OSError) -> None:
        self.counts.unspooled += 1
        self._complain("spool", f"{self._spool.folder} cannot be used for records that wait: {error.strerror or error}")

    def _complain(self, what: str, words: str, trace: bool = False) -> None:
        """Once, until it is better again."""
        if what not in self._complained:
            self._complained.add(what)
            log.error(words, exc_info=trace)
