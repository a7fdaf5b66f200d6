"""What the doctor says of a call. Calls from before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "2"
down_revision = "1"


def upgrade() -> None:
    op.add_column("calls", sa.Column("verdicts", sa.JSON().with_variant(JSONB(), "postgresql")))


def downgrade() -> None:
    op.drop_column("calls", "verdicts")
