"""A measurement says whether its score was worked out from the answers to its items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was loaded before came as a total."""
    op.add_column("measurement", sa.Column("from_items", sa.SmallInteger(), nullable=False, server_default="0"))
