"""A published count is kept as the number that was printed, beside the number of patients behind it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was published before only the patients are known."""
    op.add_column("release_cell", sa.Column("units", sa.Integer()))
