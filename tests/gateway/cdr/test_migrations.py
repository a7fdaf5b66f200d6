"""Every database comes to today's shape: from empty, and from each revision before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.cdr import migrations
from gateway.cdr.store import Store, Unusable
from gateway.cdr.tables import calls, legs, metadata, rows
from gateway.cdr.url import file_of, with_driver
from tests.gateway.cdr.calls import plain


@pytest.fixture
async def engine(url, tmp_path):
    if file_of(url):
        (tmp_path / "deep").mkdir()
    engine = create_async_engine(with_driver(url))
    yield engine
    await engine.dispose()


async def run(engine, work, *args):
    async with engine.begin() as connection:
        return await connection.run_sync(work, *args)


async def test_from_empty(engine):
    assert await run(engine, migrations.current) == ""
    await run(engine, migrations.upgrade)
    assert await run(engine, migrations.current) == migrations.head() == "2"
    await run(engine, migrations.upgrade)  # again: nothing to do


async def test_from_the_previous_revision_with_records_in_it(engine, url):
    await run(engine, migrations.upgrade, "1")
    record = plain(1)
    call, parts = rows(record)
    call.pop("verdicts")
    before = sa.table("calls", *(sa.column(c.name, c.type) for c in calls.c if c.name != "verdicts"))
    async with engine.begin() as connection:
        await connection.execute(sa.insert(before), [call])
        await connection.execute(sa.insert(legs), parts)
    store = Store(url)
    await store.open()
    assert await run(engine, migrations.current) == migrations.head()
    assert await store.get(record.id) == record
    judged = plain(2)
    judged.verdicts = [{"words": "one-way"}]
    await store.insert([judged])
    assert await store.get(judged.id) == judged
    await store.aclose()


async def test_the_revisions_make_what_the_program_expects(engine):
    await run(engine, migrations.upgrade)

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), metadata)

    assert await run(engine, differences) == []


async def test_each_revision_can_be_taken_back(engine):
    await run(engine, migrations.upgrade)
    await run(engine, migrations.downgrade, "1")
    assert await run(engine, migrations.current) == "1"
    await run(engine, migrations.downgrade, "base")
    assert await run(engine, lambda connection: sa.inspect(connection).get_table_names()) == ["alembic_version"]


async def test_a_database_of_a_newer_version_is_left_alone(engine, url):
    await run(engine, migrations.upgrade)
    await run(engine, lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '99'")))
    store = Store(url)
    with pytest.raises(Unusable, match="newer version of Tandem"):
        await store.open()
    await store.aclose()
