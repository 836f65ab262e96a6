"""What every table shares: the metadata with its naming rule, the id, and the columns that version a row."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = sa.String(32)


def versioned(name: str, *columns: sa.Column[object] | sa.Index) -> sa.Table:
    """Return a table whose rows carry the load that made them and the load that superseded them."""
    return sa.Table(
        name,
        metadata,
        sa.Column("row_id", sa.Integer, primary_key=True, autoincrement=True),
        *columns,
        sa.Column("load_from", sa.Integer, nullable=False),
        sa.Column("load_to", sa.Integer),
    )
