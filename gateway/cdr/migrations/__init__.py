"""How the database came to its present shape: one revision a file in `versions/`; each database is brought there.

I am: the shape's history.  I may use: alembic and SQLAlchemy; not `gateway.cdr.tables`, which knows only the present.
I never: change a revision that has been released; lose a record.  What wakes me: the gateway's start (`upgrade`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each look at a database

LOCK = 0x74616E64656D
"""Of PostgreSQL's advisory locks, so that two gateways that start together do not both upgrade."""


class FromTheFuture(Exception):
    """The database has been upgraded by a newer version of the program."""


def scripts() -> ScriptDirectory:
    folder = Path(__file__).parent
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def head() -> str:
    """The newest revision."""
    return scripts().get_current_head() or ""


def current(connection: sa.Connection) -> str:
    """The database's revision; empty for an empty database."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Bring the database to a revision, in the connection's transaction. Raises FromTheFuture."""
    found = scripts()
    _run(connection, found, revision, lambda at: found._upgrade_revs(revision, at))  # as alembic.command does


def downgrade(connection: sa.Connection, revision: str) -> None:
    """Take the database back to a revision ("base": to nothing). Only people and tests do that."""
    found = scripts()
    _run(connection, found, revision, lambda at: found._downgrade_revs(revision, at))


def _run(
    connection: sa.Connection, found: ScriptDirectory, revision: str, steps: Callable[[Any], list[RevisionStep]]
) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    try:
        with EnvironmentContext(Config(), found, fn=lambda at, _: steps(at), destination_rev=revision) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    except CommandError as error:
        raise FromTheFuture(str(error)) from None
