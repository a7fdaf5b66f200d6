"""The two tables, and how a record becomes rows and comes back: columns for what is searched, JSON for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from gateway.cdr.model import Leg, Record


class UtcTime(TypeDecorator[datetime]):
    """UTC in, UTC out. SQLite knows no zones, so they are taken off and put on here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

metadata = sa.MetaData()

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("call", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("direction", sa.String, nullable=False),
    sa.Column("caller_number", sa.String, nullable=False),
    sa.Column("caller_display", sa.String, nullable=False),
    sa.Column("caller_user", sa.String),
    sa.Column("dialled", sa.String, nullable=False),
    sa.Column("route", sa.String, nullable=False),
    sa.Column("trunk", sa.String, nullable=False),
    sa.Column("trunk_out", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("alerted_at", UtcTime),
    sa.Column("answered_at", UtcTime),
    sa.Column("ended_at", UtcTime, nullable=False),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("ring", sa.Double),
    sa.Column("wait", sa.Double, nullable=False),
    sa.Column("talk", sa.Double),
    sa.Column("answered_by", sa.String, nullable=False),
    sa.Column("answered_kind", sa.String, nullable=False),
    sa.Column("answered_user", sa.String),
    sa.Column("answered_number", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("ended_by", sa.String, nullable=False),
    sa.Column("hung_up", sa.String, nullable=False),
    sa.Column("recordings", JSON, nullable=False),
    sa.Column("transfers", JSON, nullable=False),
    sa.Column("links", JSON, nullable=False),
    sa.Column("routes", JSON, nullable=False),
    sa.Column("invitations", JSON, nullable=False),
    sa.Column("trail", JSON, nullable=False),
    sa.Column("metadata", JSON, nullable=False),
    sa.Column("verdicts", JSON),
    sa.Index("calls_call", "call"),
    sa.Index("calls_started_at", "started_at"),
    sa.Index("calls_caller_user", "caller_user"),
    sa.Index("calls_caller_number", "caller_number"),
    sa.Index("calls_dialled", "dialled"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("record", sa.String, sa.ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("leg", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("direction", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("display", sa.String, nullable=False),
    sa.Column("user", sa.String),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("alerted_at", UtcTime),
    sa.Column("answered_at", UtcTime),
    sa.Column("ended_at", UtcTime, nullable=False),
    sa.Column("ring", sa.Double),
    sa.Column("talk", sa.Double),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("codecs", JSON, nullable=False),
    sa.Column("heard_at", UtcTime),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("held", sa.Double, nullable=False),
    sa.Column("holds", sa.Integer, nullable=False),
    sa.Column("silences", sa.Integer, nullable=False),
    sa.Column("interruptions", sa.Integer, nullable=False),
    sa.Column("keys", sa.Integer, nullable=False),
    sa.Column("moved_to", sa.String, nullable=False),
    sa.Column("quality", JSON),
    sa.Index("legs_user", "user"),
    sa.Index("legs_number", "number"),
)

_TIMES = [column.name for table in (calls, legs) for column in table.c if isinstance(column.type, UtcTime)]


def rows(record: Record) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The call's row and its legs' rows."""
    row = _row(record, exclude={"legs"})
    row["verdicts"] = row["verdicts"] or None
    return row, [_row(leg) | {"record": record.id, "position": position} for position, leg in enumerate(record.legs)]


def _row(shape: Record | Leg, exclude: set[str] | None = None) -> dict[str, Any]:
    """JSON's plain values, but times as times."""
    row = shape.model_dump(mode="json", exclude=exclude)
    return row | {name: getattr(shape, name) for name in _TIMES if name in row}


def record_of(row: sa.RowMapping, legs_of_it: Iterable[sa.RowMapping]) -> Record:
    values = {**row, "verdicts": row["verdicts"] or [], "legs": [_leg(leg) for leg in legs_of_it]}
    return Record.model_validate(values)


def _leg(row: sa.RowMapping) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("record", "position")}
