"""Claims are found by their reference and patient; indexes of random ids that nothing asks for are gone."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GONE = (
    ("claim_line", "line_id"),
    ("claim_line", "named_as"),
    ("episode_source", "named_as"),
    ("session_source", "named_as"),
    ("measurement", "named_as"),
    ("referral", "named_as"),
    ("evaluation", "named_as"),
    ("session", "patient_id"),
    ("session", "session_id"),
)
_NEW = (("claim_line", "reference"), ("episode_alias", "episode_id"))


def upgrade() -> None:
    """A million lines cost an index of 50 MB each, written in no order."""
    for table, column in _GONE:
        op.drop_index(f"ix_{table}_{column}", table)
    for table, column in _NEW:
        op.create_index(f"ix_{table}_{column}", table, [column])
