"""Between calls and the database: nothing is lost, nobody waits."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time

import pytest

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.cdr import writer as writer_module
from gateway.cdr.ports import Filters, RecordsAway
from gateway.cdr.spool import Spool
from gateway.cdr.store import Refused, Store
from gateway.cdr.writer import RecordWriter
from tests.gateway.cdr.calls import plain
from tests.kit import postgres
from tests.kit.postgres import Postgres


class Flaky(Store):
    """A real SQLite that goes away when told to."""

    def __init__(self, path) -> None:
        super().__init__(f"sqlite:///{path}/calls.db")
        self.gone = False
        self.hangs = False
        self.hates = ""
        self.opened = 0

    async def open(self, upgrade=True) -> None:
        self._check()
        self.opened += 1
        await super().open(upgrade)

    async def insert(self, records) -> None:
        self._check()
        if self.hangs:
            await asyncio.Event().wait()
        if any(record.call == self.hates for record in records):
            raise Refused("it cannot be stored")
        await super().insert(records)

    def _check(self) -> None:
        if self.gone:
            raise RecordsAway("switched off")

    async def ids(self) -> list[str]:
        return [record.call for record in (await self.list(Filters(), limit=200)).records]


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def wall(at: float) -> float:
    return time.time() - (loop_time() - at)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(writer_module, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE", 0.05)


class Desk:
    """A store, a spool and a writer in a folder; `call` lets one happen."""

    def __init__(self, folder, store=None, **more) -> None:
        self.store = store or Flaky(folder)
        self.spool = Spool(folder / "spool")
        self.writer = RecordWriter(self.store, self.spool, clock=wall, now=loop_time, **more)
        self.made = 0

    def call(self, name="") -> str:
        self.made += 1
        call, now = name or f"c{self.made}", loop_time()
        for event in (
            ev.CallStarted(call, now, ev.Identity("101", "Alice", "alice"), "browser", "102", f"{call}-a"),
            ev.LegRang(call, now, f"{call}-b1", "sip", "sip:bob@192.0.2.7", "bob"),
            ev.CallEnded(call, now, ending("busy"), None, None),
        ):
            self.writer.publish(event)
        return call

    async def until(self, what) -> None:
        async with asyncio.timeout(15):
            while not what():  # noqa: ASYNC110 - the writer tells nobody
                await asyncio.sleep(0.005)

    @property
    def counts(self):
        return self.writer.counts

    def files(self) -> list[str]:
        return sorted(p.name for p in self.spool.folder.glob("records-*")) if self.spool.folder.exists() else []


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    await desk.store.open()
    desk.writer.start(opened=True)
    yield desk
    await desk.writer.aclose(2.0)
    await desk.store.aclose()


async def test_a_call_is_written_soon_after_its_end(desk):
    call = desk.call()
    await desk.until(lambda: desk.counts.written == 1)
    assert await desk.store.ids() == [call]
    assert desk.files() == []
    assert (
        desk.writer.gauges() | {"records_written": 1, "records_waiting": 0, "records_away": 0} == desk.writer.gauges()
    )


async def test_what_has_just_ended_can_be_asked_for(desk):
    call = desk.call()
    assert desk.writer.pending(call).cause == "busy"
    assert desk.writer.pending("other") is None


async def test_verdicts_are_asked_for_when_the_record_is_complete(tmp_path):
    asked = []

    def explain(call):
        asked.append(call)
        if call == "c2":
            raise RuntimeError("a defect of the doctor's")
        return [{"words": "one-way\0", "facts": {"at": object}}]

    desk = Desk(tmp_path, explain=explain)
    await desk.store.open()
    desk.writer.start(opened=True)
    desk.call(), desk.call()
    await desk.until(lambda: desk.counts.written == 2)
    assert (await desk.store.get("c1")).verdicts[0]["words"] == "one-way"
    assert (await desk.store.get("c2")).verdicts == []
    assert (asked, desk.counts.failed) == (["c1", "c2"], 1)
    await desk.writer.aclose(2.0)
    await desk.store.aclose()


async def test_while_it_is_away_records_are_spooled_and_then_written(desk, caplog):
    caplog.set_level(logging.INFO)
    desk.store.gone = True
    for _ in range(3):
        desk.call()
        await desk.until(lambda: desk.counts.spooled == desk.made)
    assert desk.writer.away and len(desk.files()) == 1
    desk.store.gone = False
    await desk.until(lambda: desk.counts.replayed == 3 and not desk.writer.away)
    assert sorted(await desk.store.ids()) == ["c1", "c2", "c3"]
    assert desk.files() == []
    words = [r.getMessage() for r in caplog.records if r.name == "tandem.records"]
    assert len(words) == 2 and "is away (switched off)" in words[0] and "is back" in words[1]


async def test_a_restart_finds_what_was_spooled(tmp_path):
    first = Desk(tmp_path)
    first.store.gone = True
    first.writer.start(opened=False)
    first.call("early")
    await first.until(lambda: first.counts.spooled == 1)
    first.call("late")
    await first.writer.aclose(2.0)
    await first.store.aclose()
    second = Desk(tmp_path)
    second.writer.start(opened=False)
    await second.until(lambda: second.counts.replayed == 2)
    assert sorted(await second.store.ids()) == ["early", "late"]
    await second.writer.aclose(2.0)
    await second.store.aclose()


async def test_open_calls_are_written_when_the_gateway_ends(tmp_path):
    desk = Desk(tmp_path)
    await desk.store.open()
    desk.writer.start(opened=True)
    desk.writer.publish(ev.CallStarted("open", loop_time(), ev.Identity("1"), "sip", "2", "open-a"))
    desk.call("ended")
    await desk.writer.aclose(5.0)
    assert sorted(await desk.store.ids()) == ["ended", "open"]
    await desk.store.aclose()


async def test_a_database_that_hangs_counts_as_away(desk, monkeypatch):
    monkeypatch.setattr(writer_module, "ANSWER_WITHIN", 0.05)
    desk.store.hangs = True
    desk.call()
    await desk.until(lambda: desk.counts.spooled == 1)
    desk.store.hangs = False
    await desk.until(lambda: desk.counts.replayed == 1)


async def test_one_that_hangs_at_the_end_does_not_keep_the_gateway(tmp_path):
    desk = Desk(tmp_path)
    await desk.store.open()
    desk.writer.start(opened=True)
    desk.store.hangs = True
    desk.call()
    await desk.writer.aclose(0.1)
    assert desk.counts.spooled == 1 and len(desk.files()) == 1
    await desk.store.aclose()


async def test_a_record_that_is_never_taken_is_put_aside_and_holds_up_nobody(desk):
    desk.store.hates = "c2"
    for _ in range(3):
        desk.call()
    await desk.until(lambda: desk.counts.refused == 1 and desk.counts.written == 2)
    assert '"call":"c2"' in (desk.spool.folder / "refused.jsonl").read_text()
    assert not desk.writer.away


async def test_a_database_that_comes_back_empty_gets_its_tables_again(desk):
    desk.call()
    await desk.until(lambda: desk.counts.written == 1)
    desk.store.gone = True
    desk.call()
    await desk.until(lambda: desk.counts.spooled == 1)
    await desk.store._engine.dispose()
    for path in desk.spool.folder.parent.glob("calls.db*"):
        path.unlink()
    desk.store.gone = False
    await desk.until(lambda: desk.counts.replayed == 1)
    assert await desk.store.ids() == ["c2"]


# ---------------------------------------------------------------- the spool's folder cannot be used


async def test_a_spool_that_cannot_be_written_is_said_once_and_memory_holds_what_it_can(tmp_path, caplog):
    (tmp_path / "spool").write_text("a file where the folder should be")
    desk = Desk(tmp_path, limit=5)
    await desk.store.open()
    desk.writer.start(opened=True)
    desk.store.gone = True
    for _ in range(8):
        desk.call()
        await asyncio.sleep(0)
    await desk.until(lambda: desk.counts.unspooled >= 3)
    assert (desk.counts.dropped, desk.counts.spooled) == (3, 0)
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len([w for w in errors if "cannot be used for records" in w]) == 1
    assert len([w for w in errors if "some are lost" in w]) == 1
    desk.store.gone = False
    await desk.until(lambda: desk.counts.written == 5)
    await desk.writer.aclose(2.0)
    assert sorted(await desk.store.ids()) == ["c1", "c2", "c3", "c4", "c5"], "the folder's fault is not the calls'"
    await desk.store.aclose()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
async def test_a_disk_that_is_full(tmp_path, monkeypatch):
    """Every write to /dev/full fails as on a full disk (ENOSPC)."""
    desk = Desk(tmp_path)
    desk.writer.start(opened=False)
    desk.store.gone = True

    def take_the_full_one(spool):
        spool._file = open("/dev/full", "wb")  # noqa: SIM115 - the spool closes it

    monkeypatch.setattr(Spool, "_next", take_the_full_one)
    desk.call()
    await desk.until(lambda: desk.counts.unspooled >= 2)
    assert desk.writer.gauges()["records_waiting"] == 1
    monkeypatch.undo()
    monkeypatch.setattr(writer_module, "LONGEST_PAUSE", 0.05)
    await desk.until(lambda: desk.counts.spooled == 1)
    desk.store.gone = False
    await desk.until(lambda: desk.counts.replayed == 1)
    await desk.writer.aclose(2.0)
    await desk.store.aclose()


async def test_publishing_never_raises_and_never_waits(desk, monkeypatch):
    desk.store.gone = True

    def defect(self, event):
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.cdr.record.Recorder.receive", defect)
        desk.call()
    assert desk.counts.failed == 3
    desk.call()
    await desk.until(lambda: desk.counts.spooled == 1)


# ---------------------------------------------------------------- the spool itself


def test_a_line_that_broke_off_is_put_aside_and_the_rest_is_read(tmp_path):
    spool = Spool(tmp_path)
    spool.append([plain(1), plain(2)])
    (path,) = spool.waiting()
    with path.open("ab") as file:
        file.write(b'{"id": "20')
    records, lock = Spool(tmp_path).read(path)
    assert [record.call for record in records] == ["c1", "c2"]
    assert (tmp_path / "refused.jsonl").read_bytes() == b'{"id": "20\n'
    spool.done(path, lock)
    assert spool.waiting() == []


def test_two_gateways_may_share_a_folder(tmp_path):
    one, two = Spool(tmp_path), Spool(tmp_path)
    one.append([plain(1)])
    (path,) = two.waiting()
    assert two.read(path) == ([], None), "it is still being written"
    one.close()
    records, lock = two.read(path)
    assert records == [plain(1)] and one.read(path) == ([], None)
    two.done(path, lock)
    assert one.read(path) == ([], None), "it is gone"


def test_files_stay_small_and_private(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.cdr.spool.LINES", 2)
    spool = Spool(tmp_path)
    for i in range(5):
        spool.append([plain(i)])
    paths = spool.waiting()
    assert len(paths) == 3
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert Spool(tmp_path / "nothing").waiting() == []


# ---------------------------------------------------------------- a real server that stops


@pytest.mark.skipif(bool(postgres.MISSING), reason=postgres.MISSING)
async def test_a_postgresql_that_stops_in_mid_call_loses_no_record_and_holds_up_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "ANSWER_WITHIN", 1.0)
    with Postgres() as server:
        desk = Desk(tmp_path, store=Store(await server.make("tandem")))
        await desk.store.open()
        desk.writer.start(opened=True)
        for _ in range(5):
            desk.call()
        await desk.until(lambda: desk.counts.written == 5)
        desk.writer.publish(ev.CallStarted("live", loop_time(), ev.Identity("1"), "sip", "2", "live-a"))
        for stop, start in (
            (server.stop, server.start),  # politely
            (lambda: server.stop(signal.SIGQUIT), server.start),  # as when it crashes
            (lambda: server.freeze(True), lambda: server.freeze(False)),  # it hangs
        ):
            await asyncio.to_thread(stop)
            spooled = desk.counts.spooled + 5
            for _ in range(5):
                desk.call()
            assert desk.writer.gauges()["records_waiting"] == 5, "nothing was tried before publish returned"
            await desk.until(lambda spooled=spooled: desk.counts.spooled == spooled)
            await asyncio.to_thread(start)
            await desk.until(lambda: desk.counts.written == desk.made and not desk.writer.away)
        desk.writer.publish(ev.CallEnded("live", loop_time(), ending("normal"), "live-a", None))
        await desk.until(lambda: desk.counts.written == desk.made + 1)
        found = [record async for batch in desk.store.batches(Filters()) for record in batch]
        assert sorted(r.call for r in found) == sorted([*(f"c{i + 1}" for i in range(desk.made)), "live"])
        assert desk.counts.dropped == desk.counts.refused == desk.counts.failed == 0
        assert desk.files() == []
        await desk.writer.aclose(5.0)
        await desk.store.aclose()
