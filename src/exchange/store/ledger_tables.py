"""The ledgers: released cells, streams, journal and audit; never versioned, each written in a short transaction."""

from __future__ import annotations

import sqlalchemy as sa

from exchange.store.columns import Instant
from exchange.store.schema import Id, metadata

release_cell = sa.Table(
    "release_cell",
    metadata,
    sa.Column("cell_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("released_at", Instant, nullable=False),
    sa.Column("document", sa.String(64), nullable=False),
    sa.Column("cell", sa.Text, nullable=False),  # indicator, version, period, group, part: canonical JSON
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("members", sa.LargeBinary, nullable=False),  # sorted 8-byte keyed digests of patients
    sa.Column("units", sa.Integer),  # what was printed; null for what left before it was kept
    sa.Index(None, "cell"),
)

stream = sa.Table(
    "stream",
    metadata,
    sa.Column("stream_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("party", sa.String(32), nullable=False),  # whose stream: ours or a partner's
    sa.Column("agreement_id", sa.String(64), nullable=False),
    sa.Column("other", sa.String(64), nullable=False, default=""),  # ours: who it goes to, for each sees a whole series
    sa.Column("epoch", sa.String(32), nullable=False),
    sa.Column("epoch_order", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),  # the highest used or seen
    sa.Column("digest", sa.String(64), nullable=False),  # of the manifest with that number
    sa.Column("acknowledged", sa.Integer, nullable=False, default=0),  # ours: the highest number its receiver confirmed
    sa.Column("after", sa.Text, nullable=False, default=""),  # the last acknowledged epoch:sequence:digest before it
    sa.UniqueConstraint("party", "agreement_id", "other", "epoch"),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("journal_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("instance", sa.String(32), nullable=False),
    sa.Column("direction", sa.String(3), nullable=False),  # out, in
    sa.Column("message_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("party", sa.String(32), nullable=False),
    sa.Column("agreement_id", sa.String(64), nullable=False),
    sa.Column("epoch", sa.String(32), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("epoch_order", sa.Integer, nullable=False, default=0),
    sa.Column("other", sa.String(64), nullable=False, default=""),  # outgoing: who it goes to
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the manifest's payload bytes
    sa.Column("manifest", sa.LargeBinary),  # JWS bytes
    sa.Column("contents", sa.LargeBinary),  # outgoing: the tar contents, kept until published
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # reserved, written, published, done, refused
    sa.Column("at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),  # of the last change of state
    sa.Column("acknowledged_at", Instant),
    sa.Column("reason", sa.String(64), nullable=False, default=""),  # an id of the wording catalogue, if refused
    sa.Column("audit_count", sa.Integer, nullable=False),
    sa.Column("audit_hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("direction", "message_id", "party"),
    sa.Index(None, "party", "epoch", "sequence"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False, default="done"),  # done, refused, failed
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("organisation", sa.String(32), nullable=False),
    sa.Column("subject", Id, nullable=False),  # patient_id, or empty
    sa.Column("object", sa.Text, nullable=False, default=""),  # what it was done to: kind:id, never a value of a record
    sa.Column("counterparty", sa.String(32), nullable=False, default=""),  # who sent or receives
    sa.Column("ground", sa.Text, nullable=False, default=""),  # agreement, consent or law it rests on
    sa.Column("commitment", sa.String(64), nullable=False),  # SHA-256(salt || detail)
    sa.Column("salt", sa.LargeBinary),
    sa.Column("detail", sa.Text),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index(None, "subject"),
)
