"""Storage, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.calls import events as ev
from gateway.cdr.model import Quality, Spread
from gateway.cdr.ports import BadCursor, Filters, RecordsAway, cursor_of, id_of
from gateway.cdr.service import CallRecords
from gateway.cdr.store import BATCH, Refused, Store, Unusable
from tests.gateway.cdr.calls import plain

STRANGER = ev.Identity("+49301234", "Zoë", None)


@pytest.fixture
async def store(url):
    store = Store(url)
    await store.open()
    yield store
    await store.aclose()


async def ids(store, **filters) -> list[str]:
    return [record.call for record in (await store.list(Filters(**filters), limit=200)).records]


async def test_a_record_comes_back_as_it_was(store):
    record = plain(1)
    record.verdicts = [{"code": "latched", "words": "Zoë's phone says 172.18.0.6", "facts": {"n": 1.5, "list": [None]}}]
    record.metadata = {"ticket": "7 % _ '"}
    record.legs[1].quality = Quality(packets_in=2**40, loss_in=0.25, rtt_ms=Spread(min=1, avg=2.5, max=4))
    await store.insert([record])
    assert await store.get(record.id) == record
    assert await store.get(record.call) == record
    assert await store.get("nothing") is None
    assert await store.get("nothing\0") is None


async def test_a_call_id_that_comes_again_gives_the_latest(store):
    old, new = plain(1, call="same"), plain(5000, call="same")
    await store.insert([new])
    await store.insert([old])
    assert (await store.get("same")).id == new.id
    assert (await store.get(old.id)).id == old.id


async def test_writing_twice_is_writing_once(store):
    first, second = plain(1), plain(2)
    await store.insert([first])
    await store.insert([first.model_copy(update={"words": "changed"}), second])
    assert await ids(store) == ["c2", "c1"]
    assert await store.get(first.id) == first


async def test_filters(store):
    await store.insert(
        [
            plain(1),
            plain(2, user="carol", called="dave", dialled="104", answered=False, cause="busy"),
            plain(3, caller=STRANGER, trunk="office", kind="sip", dialled="+49999"),
            plain(4, targets=("trunk:mobile/0171",), dialled="00171"),
            plain(5, cause="media-timeout", words="100% silent_ness"),
        ]
    )
    began = datetime.fromtimestamp(1_800_000_000, UTC)
    assert await ids(store) == ["c5", "c4", "c3", "c2", "c1"]
    assert await ids(store, user="carol") == ["c2"]
    assert await ids(store, user="dave") == ["c2"], "who was called"
    assert await ids(store, number="+49301234") == ["c3"]
    assert await ids(store, number="104") == ["c2"]
    assert await ids(store, number="bob") == ["c5", "c4", "c3", "c1"], "of a leg"
    assert await ids(store, cause="busy") == ["c2"]
    assert await ids(store, answered=False) == ["c2"]
    assert await ids(store, answered=True) == ["c5", "c4", "c3", "c1"]
    assert await ids(store, since=began + timedelta(seconds=4)) == ["c5", "c4"]
    assert await ids(store, until=began + timedelta(seconds=2)) == ["c1"]
    assert await ids(store, since=began + timedelta(seconds=2), until=began + timedelta(seconds=4)) == ["c3", "c2"]
    assert await ids(store, trunk="office") == ["c3"]
    assert await ids(store, text="zoË"[:2]) == ["c3"]
    assert await ids(store, text="100% s") == ["c5"]
    assert await ids(store, text="silent_n") == ["c5"]
    assert await ids(store, text="s%t") == [], "no pattern of ours"
    assert await ids(store, user="alice", cause="busy") == []
    assert await ids(store, text="'; DROP TABLE calls; --") == []


async def test_a_trunk_that_it_left_by_counts(store):
    record = plain(1)
    await store.insert([record.model_copy(update={"trunk_out": "mobile"})])
    assert await ids(store, trunk="mobile") == ["c1"]


async def test_with_and_without_a_verdict(store):
    bad = plain(1)
    bad.verdicts = [{"words": "one-way"}]
    await store.insert([bad, plain(2)])
    assert await ids(store, verdict=True) == ["c1"]
    assert await ids(store, verdict=False) == ["c2"]


async def test_pages_lose_and_repeat_nothing_while_calls_come_in(store):
    await store.insert([plain(i) for i in range(BATCH * 2 + 5)])
    seen, cursor = [], None
    while True:
        page = await store.list(Filters(), cursor, 7)
        seen += [record.call for record in page.records]
        await store.insert([plain(10_000 + len(seen))])
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"c{i}" for i in reversed(range(BATCH * 2 + 5))]


@pytest.mark.parametrize(("count", "limit", "more"), [(0, 10, False), (10, 10, False), (11, 10, True), (45, 40, True)])
async def test_the_last_page_says_so(store, count, limit, more):
    if count:
        await store.insert([plain(i) for i in range(count)])
    page = await store.list(Filters(), None, limit)
    assert (len(page.records), page.next is not None) == (min(count, limit), more)


@pytest.mark.parametrize("cursor", ["x", "!!!", "é", "cjE6", cursor_of("a\0b"), "AAAA", "c" * 1000])
async def test_a_wrong_cursor_is_told_and_nothing_else(store, cursor):
    try:
        page = await store.list(Filters(), cursor)
    except BadCursor as error:
        assert "cursor" in str(error)
    else:
        assert page.records == [] and id_of(cursor) == ""


async def test_all_of_them_the_oldest_first_in_batches(store):
    await store.insert([plain(i) for i in range(BATCH * 3)])
    found = [batch async for batch in store.batches(Filters(user="alice"))]
    assert [record.call for batch in found for record in batch] == [f"c{i}" for i in range(BATCH * 3)]
    assert {len(batch) for batch in found} == {BATCH}


async def test_old_ones_are_forgotten_with_their_legs(store, monkeypatch):
    monkeypatch.setattr("gateway.cdr.store.DELETED_AT_ONCE", 3)
    await store.insert([plain(i) for i in range(10)])
    began = datetime.fromtimestamp(1_800_000_000, UTC)
    assert await store.delete_before(began + timedelta(seconds=7)) == 7
    assert await ids(store) == ["c9", "c8", "c7"]
    assert await store.delete_before(began + timedelta(seconds=7)) == 0
    await store.insert([plain(1)])
    assert len((await store.get("c1")).legs) == 2, "no leg of the forgotten one is in the way"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_a_record_that_the_database_will_never_take_is_told_from_one_that_is_away(store):
    broken = plain(1).model_copy(update={"status": 2**40})
    if store.name.startswith("postgresql"):
        with pytest.raises(Refused):
            await store.insert([broken, plain(2)])
        assert await ids(store) == [], "all or none"
    broken = plain(1).model_copy(update={"kind": None})
    with pytest.raises(Refused):
        await store.insert([plain(2), broken])
    assert await ids(store) == []


async def test_what_a_user_sees_of_recent_calls(url):
    records = CallRecords(url, spool="unused")
    await records._store.open()
    await records._store.insert(
        [
            plain(1),
            plain(2, user="bob", called="alice", dialled="101", answered=False, cause="no-answer"),
            plain(3, user="carol", called="dave"),
        ]
    )
    missed, made = await records.recent("alice")
    assert (made.direction, made.number, made.answered, made.talk) == ("out", "102", True, 7)
    assert (missed.direction, missed.answered, missed.elsewhere, missed.cause) == ("in", False, False, "no-answer")
    (seen,) = await records.recent("dave", limit=1)
    assert (seen.direction, seen.number, seen.display, seen.answered) == ("in", "101", "Alice", True)
    await records._store.aclose()


# ---------------------------------------------------------------- databases that cannot be used


async def test_an_empty_database_is_not_touched_by_who_only_reads(url, tmp_path):
    store = Store(url)
    if url.startswith("sqlite"):
        (tmp_path / "deep").mkdir()
    with pytest.raises(Unusable, match="start the gateway once"):
        await store.open(upgrade=False)
    await store.aclose()


async def test_a_wrong_password_and_a_database_that_is_not_there(server):
    for change, words in (
        (("s3cret%2Fw%C3%B6rd", "wrong-secret"), "refuses this user and password"),
        (("/postgres", "/nowhere"), "no such database"),
    ):
        store = Store(server.url("postgres").replace(*change))
        with pytest.raises(Unusable, match=words) as error:
            await store.open()
        assert "secret" not in str(error.value) and "***" in str(error.value)
        await store.aclose()


async def test_a_server_that_is_not_there_may_come_later():
    store = Store("postgresql://tandem:secret@127.0.0.1:1/x")
    with pytest.raises(RecordsAway) as error:
        await store.open()
    assert "secret" not in str(error.value)
    await store.aclose()


async def test_a_file_that_cannot_be_a_database(tmp_path):
    (tmp_path / "not.db").write_bytes(b"something else entirely" * 100)
    (tmp_path / "file").write_text("")
    for path in ("not.db", "file/below.db"):
        store = Store(f"sqlite:///{tmp_path}/{path}")
        with pytest.raises(Unusable, match="cannot be opened or written"):
            await store.open()
        await store.aclose()
