"""Calls and their legs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "1"
down_revision = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calls",
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
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("alerted_at", TIME),
        sa.Column("answered_at", TIME),
        sa.Column("ended_at", TIME, nullable=False),
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
    )
    for column in ("call", "started_at", "caller_user", "caller_number", "dialled"):
        op.create_index(f"calls_{column}", "calls", [column])
    op.create_table(
        "legs",
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
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("alerted_at", TIME),
        sa.Column("answered_at", TIME),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("ring", sa.Double),
        sa.Column("talk", sa.Double),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("words", sa.String, nullable=False),
        sa.Column("codecs", JSON, nullable=False),
        sa.Column("heard_at", TIME),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("held", sa.Double, nullable=False),
        sa.Column("holds", sa.Integer, nullable=False),
        sa.Column("silences", sa.Integer, nullable=False),
        sa.Column("interruptions", sa.Integer, nullable=False),
        sa.Column("keys", sa.Integer, nullable=False),
        sa.Column("moved_to", sa.String, nullable=False),
        sa.Column("quality", JSON),
    )
    for column in ("user", "number"):
        op.create_index(f"legs_{column}", "legs", [column])


def downgrade() -> None:
    op.drop_table("legs")
    op.drop_table("calls")
