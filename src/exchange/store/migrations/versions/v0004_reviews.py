"""Reviews of agreements are kept, and an EPD's session says who pays for it where its table has such a column."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; who paid for what was loaded before is not known."""
    op.add_column("session_source", sa.Column("payer", sa.String(16), nullable=False, server_default=""))
    op.create_table(
        "agreement_review",
        sa.Column("row_id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("agreement_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("moment", sa.Date(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("cut_off", sa.Date(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date()),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("decided", sa.Text(), nullable=False),
        sa.Column("present", sa.Text(), nullable=False),
        sa.Column("points", sa.Text(), nullable=False),
        sa.Column("next_version", sa.Integer()),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("load_from", sa.Integer(), nullable=False),
        sa.Column("load_to", sa.Integer()),
    )
    op.create_index("ix_agreement_review_agreement_id", "agreement_review", ["agreement_id"])
