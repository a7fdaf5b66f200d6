"""Records as a part of the gateway: its start, its end, what is too old."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.calls import events as ev
from gateway.calls.causes import ending
from gateway.cdr.ports import Filters, RecordsAway
from gateway.cdr.service import CallRecords
from gateway.cdr.store import Unusable
from gateway.config import Config
from gateway.parts import CannotStart
from gateway.parts_records import records as from_config
from tests.gateway.cdr.calls import plain


async def until(what) -> None:
    async with asyncio.timeout(15):
        while not await what():  # noqa: ASYNC110 - the writer tells nobody
            await asyncio.sleep(0.01)


async def test_from_a_call_to_every_way_of_reading_it(url, tmp_path):
    records = CallRecords(url, tmp_path / "spool")
    records.explain = lambda call: [{"words": f"{call} was one-way"}]
    await records.start()
    now = asyncio.get_running_loop().time()
    for event in (
        ev.CallStarted("c1", now, ev.Identity("101", "Alice", "alice"), "browser", "102", "c1-a"),
        ev.CallEnded("c1", now + 5, ending("busy"), None, None),
    ):
        records.publish(event)
    assert (await records.get("c1")).cause == "busy", "also before it is written"
    await until(lambda: _written(records, 1))
    found = await records.get("c1")
    assert found.verdicts == [{"words": "c1 was one-way"}]
    assert abs(found.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (await records.list(Filters(user="alice"))).records == [found]
    assert (await records.recent("alice"))[0].words == "The line is busy."
    assert b"".join([piece async for piece in records.export(Filters())]) == found.model_dump_json().encode() + b"\n"
    await records.aclose()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def _written(records, count) -> bool:
    return records.gauges()["records_written"] >= count


async def test_what_is_too_old_is_forgotten(url, tmp_path):
    records = CallRecords(url, tmp_path / "spool", retention_days=30)
    await records._store.open()
    old = plain(1).model_copy(update={"started_at": datetime.now(UTC) - timedelta(days=31)})
    new = plain(2).model_copy(update={"started_at": datetime.now(UTC) - timedelta(days=29)})
    await records._store.insert([old, new])
    await records.start()

    async def only_the_new_one():
        return [r.call for r in (await records.list(Filters())).records] == ["c2"]

    await until(only_the_new_one)
    await records.aclose()


async def test_a_database_that_is_away_at_the_start_keeps_nobody_from_telephoning(tmp_path):
    records = CallRecords("postgresql://u:p@127.0.0.1:1/d", tmp_path / "spool", retention_days=1)
    await records.start()
    now = asyncio.get_running_loop().time()
    records.publish(ev.CallStarted("c1", now, ev.Identity("1"), "sip", "2", "c1-a"))
    with pytest.raises(RecordsAway):
        await records.list(Filters())
    await records.aclose()
    assert records.gauges()["records_spooled"] == 1


async def test_what_will_never_work_stops_the_start_with_words(tmp_path):
    (tmp_path / "calls.db").write_bytes(b"no database" * 1000)
    records = CallRecords(f"sqlite:///{tmp_path}/calls.db", tmp_path / "spool")
    with pytest.raises(Unusable, match="cannot be opened"):
        await records.start()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


def test_the_configuration_decides(monkeypatch):
    monkeypatch.delenv("TANDEM_RECORDS__URL")
    assert from_config(Config(records={"enabled": False})) is None
    with pytest.raises(CannotStart, match=r"no database we know.*url in \[records\]"):
        from_config(Config(records={"url": "mysql://x"}))
