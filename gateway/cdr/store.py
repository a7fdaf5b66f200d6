"""Records in a database: SQLite or PostgreSQL, the same statements for both.

Every method opens and ends its own short transaction; long lists are read a page at a time, by key, so that neither
memory nor a transaction grows with them and the event loop is never held for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.cdr import migrations
from gateway.cdr.model import Record
from gateway.cdr.patience import within
from gateway.cdr.ports import MOST, Filters, Page, RecordsAway, cursor_of, id_of
from gateway.cdr.tables import calls, legs, record_of, rows
from gateway.cdr.url import file_of, masked, with_driver

PATIENCE = 5.0
"""Seconds to wait for a connection, a lock, or an answer."""
BATCH = 20
"""Records read or written at once: some milliseconds of the event loop, with pauses between."""
DELETED_AT_ONCE = 500
SEARCHED = (
    "caller_number", "caller_display", "caller_user", "dialled", "answered_number", "answered_user", "route", "cause",
    "words",
)  # fmt: skip

Batch = list[Record]


class Unusable(Exception):
    """Waiting will not help: a wrong password, no such database, a folder that may not be written."""


class Refused(Exception):
    """The database is there, and will not take these records."""


class Store:
    """Raises RecordsAway from every method while the database cannot be asked."""

    def __init__(self, url: str) -> None:
        self.name = masked(url)
        self._file = file_of(url)
        self._engine = _engine(with_driver(url), self._file is not None)
        self._upsert = sqlite.insert if self._file is not None else postgresql.insert

    async def open(self, upgrade: bool = True) -> None:
        """Connect and bring the tables to the newest revision. Raises Unusable, RecordsAway."""
        try:
            if self._file is not None and upgrade:
                Path(self._file).parent.mkdir(parents=True, exist_ok=True)
            async with self._engine.begin() as connection:
                if upgrade:
                    await connection.run_sync(migrations.upgrade)
                elif await connection.run_sync(migrations.current) != migrations.head():
                    raise Unusable(f"{self.name} is of another version: start the gateway once, which upgrades it")
        except migrations.FromTheFuture:
            raise Unusable(f"{self.name} was written by a newer version of Tandem: upgrade this one") from None
        except (SQLAlchemyError, OSError) as error:
            if words := _hopeless(error, self._file):
                raise Unusable(f"{self.name}: {words}") from None
            raise RecordsAway(_words(error)) from error
        except Exception as error:
            if isinstance(error, Unusable):
                raise
            if words := _hopeless(error, self._file):  # asyncpg's own, from connecting
                raise Unusable(f"{self.name}: {words}") from None
            raise RecordsAway(_words(error)) from error

    async def aclose(self) -> None:
        with suppress(RecordsAway):
            await within(PATIENCE, self._engine.dispose())

    # ------------------------------------------------------------ writing

    async def insert(self, records: Sequence[Record]) -> None:
        """All of them or none; those that are there already are left as they are. Raises Refused, RecordsAway."""
        split = [rows(record) for record in records]
        leg_rows = [leg for _, of_it in split for leg in of_it]
        try:
            async with self._engine.begin() as connection:
                await connection.execute(self._upsert(calls).on_conflict_do_nothing(), [row for row, _ in split])
                if leg_rows:
                    await connection.execute(self._upsert(legs).on_conflict_do_nothing(), leg_rows)
        except Exception as error:
            raise Refused(_words(error)) if _refused(error) else _away(error) from error

    async def delete_before(self, moment: datetime) -> int:
        """Forget calls that began before, in batches; how many there were."""
        total = 0
        while True:
            try:
                gone = await within(2 * PATIENCE, self._delete(moment))
            except Exception as error:
                raise _away(error) from error
            total += gone
            if gone < DELETED_AT_ONCE:
                return total

    async def _delete(self, moment: datetime) -> int:
        old = sa.select(calls.c.id).where(calls.c.started_at < moment).order_by(calls.c.id).limit(DELETED_AT_ONCE)
        async with self._engine.begin() as connection:
            ids = list((await connection.execute(old)).scalars())
            if ids:
                await connection.execute(sa.delete(legs).where(legs.c.record.in_(ids)))
                await connection.execute(sa.delete(calls).where(calls.c.id.in_(ids)))
        return len(ids)

    # ------------------------------------------------------------ reading

    async def get(self, id: str) -> Record | None:
        if "\0" in id:
            return None
        wanted = sa.select(calls).where(sa.or_(calls.c.id == id, calls.c.call == id)).order_by(calls.c.id.desc())
        found = await self._read(wanted.limit(1))
        return found[0] if found else None

    async def list(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        wanted, before = max(1, min(limit, MOST)), id_of(cursor) if cursor else None
        found: Batch = []
        while len(found) <= wanted:  # one more than wanted tells whether there are more
            size = min(BATCH, wanted + 1 - len(found))
            query = sa.select(calls).where(*_conditions(filters)).order_by(calls.c.id.desc()).limit(size)
            part = await self._read(query if before is None else query.where(calls.c.id < before))
            found += part
            if len(part) < size:
                break
            before = part[-1].id
        return Page(found[:wanted], cursor_of(found[wanted - 1].id) if len(found) > wanted else None)

    async def batches(self, filters: Filters) -> AsyncIterator[Batch]:
        """All that match, the oldest first."""
        after = ""
        while True:
            wanted = sa.select(calls).where(*_conditions(filters), calls.c.id > after)
            found = await self._read(wanted.order_by(calls.c.id).limit(BATCH))
            if found:
                yield found
            if len(found) < BATCH:
                return
            after = found[-1].id

    async def _read(self, wanted: sa.Select[Any]) -> Batch:
        try:
            found, theirs = await within(2 * PATIENCE, self._rows(wanted))
        except Exception as error:
            raise _away(error) from error
        of = {id: list(group) for id, group in groupby(theirs, key=lambda leg: leg["record"])}
        records: Batch = []
        for row in found:
            if len(records) % 5 == 4:
                await asyncio.sleep(0)  # sound comes first
            records.append(record_of(row, of.get(row["id"], [])))
        return records

    async def _rows(self, wanted: sa.Select[Any]) -> tuple[Sequence[sa.RowMapping], Sequence[sa.RowMapping]]:
        """Calls, and the legs of all of them."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(wanted)).mappings().all()
            ids = [row["id"] for row in found]
            parts = sa.select(legs).where(legs.c.record.in_(ids)).order_by(legs.c.record, legs.c.position)
            return found, (await connection.execute(parts)).mappings().all() if ids else []


def _engine(url: str, sqlite_file: bool) -> AsyncEngine:
    if not sqlite_file:
        return create_async_engine(
            url,
            pool_size=4,
            max_overflow=4,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,
            hide_parameters=True,  # callers' numbers do not belong into errors
            connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE * 6},
        )
    engine = create_async_engine(
        url,
        pool_size=3,
        max_overflow=2,
        pool_timeout=PATIENCE,
        hide_parameters=True,
        connect_args={"timeout": PATIENCE},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")  # readers and the writer are not in each other's way
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine


def _conditions(filters: Filters) -> Iterable[sa.ColumnElement[bool]]:
    """Users and numbers are looked for in legs, too."""
    leg = legs.c
    if filters.user:
        of_leg = sa.select(leg.record).where(leg.user == filters.user)
        yield sa.or_(calls.c.caller_user == filters.user, calls.c.id.in_(of_leg))
    if filters.number:
        of_leg = sa.select(leg.record).where(leg.number == filters.number)
        yield sa.or_(calls.c.caller_number == filters.number, calls.c.dialled == filters.number, calls.c.id.in_(of_leg))
    if filters.cause:
        yield calls.c.cause == filters.cause
    if filters.answered is not None:
        yield calls.c.answered_at.is_not(None) if filters.answered else calls.c.answered_at.is_(None)
    if filters.since is not None:
        yield calls.c.started_at >= filters.since
    if filters.until is not None:
        yield calls.c.started_at < filters.until
    if filters.trunk:
        yield sa.or_(calls.c.trunk == filters.trunk, calls.c.trunk_out == filters.trunk)
    if filters.verdict is not None:
        yield calls.c.verdicts.is_not(None) if filters.verdict else calls.c.verdicts.is_(None)
    if filters.text:
        seen = (calls.c[name] for name in SEARCHED)
        yield sa.or_(*(column.icontains(filters.text, autoescape=True) for column in seen))


def _refused(error: Exception) -> bool:
    """It is the record's fault (SQLSTATE classes 22 and 23: data, integrity), not the database's."""
    if isinstance(error, DataError | IntegrityError):
        return True
    faults = (ValueError, TypeError, OverflowError)
    return any(
        isinstance(e, faults)
        or type(e).__name__ == "DataError"
        or str(getattr(e, "sqlstate", "")).startswith(("22", "23"))
        for e in _chain(error)
    )


def _away(error: Exception) -> Exception:
    return error if isinstance(error, RecordsAway) else RecordsAway(_words(error))


def _words(error: BaseException) -> str:
    """One line, without the statement."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).strip() or type(cause).__name__
    return text.splitlines()[0].rpartition("'>: ")[2][:200]


def _hopeless(error: BaseException, file: str | None) -> str:
    """Words when waiting will not help, empty when it may."""
    if file is not None:
        why = _words(error)
        return f"the file cannot be opened or written ({why})" if "locked" not in why else ""
    states = {getattr(e, "sqlstate", None) or "" for e in _chain(error)}
    if any(state.startswith("28") for state in states):
        return "the server refuses this user and password"
    if "3D000" in states:
        return f"the server has no such database; make it with: createdb ({_words(error)})"
    if "42501" in states:
        return "this user may not make tables there: grant it CREATE on the schema"
    return ""


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        orig = getattr(error, "orig", None)
        if orig is not None and orig is not error:
            yield from _chain(orig)
        error = error.__cause__ or error.__context__
