"""An answer keeps the day on which the first one to its question came in, so that being in time can be counted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from exchange.records.calendar import day_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: the day of the load that first brought an answer in; our own answers have none."""
    op.add_column("answer", sa.Column("received_on", sa.Date()))
    connection = op.get_bind()
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("answer_id", "partner", "load_from")]
    answer = sa.table("answer", *columns, sa.column("received_on", sa.Date()))
    load = sa.table("load", sa.column("load_id"), sa.column("at"))
    brought = (
        sa.select(answer.c.answer_id, sa.func.min(load.c.at))
        .join(load, load.c.load_id == answer.c.load_from)
        .where(answer.c.partner != "")
        .group_by(answer.c.answer_id)
    )
    for ident, at in connection.execute(brought).all():
        connection.execute(answer.update().where(answer.c.answer_id == ident).values(received_on=_day(at)))


def _day(at: str) -> date:
    return day_of(datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC))
