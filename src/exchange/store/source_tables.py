"""The source tables: what each file said, by natural key, and to which patient of the store it belongs.

Everything derived (patient, episode, session, and the parents of measurements) is a function of these rows
alone, so that every order of loading gives the same current rows. `patient_id` in them is worked out.
"""

from __future__ import annotations

import sqlalchemy as sa

from exchange.records import codes
from exchange.store.columns import Code, Day, Flag
from exchange.store.schema import Id, versioned

# One row per kind of file and way of naming a patient. A node is HMAC(K_store, kind of identifier, identifier).
patient_source = versioned(
    "patient_source",
    sa.Column("source_id", Id, nullable=False),  # HMAC(K_store, kind of file, the three nodes)
    sa.Column("kind", Code(codes.SourceKind), nullable=False),
    sa.Column("bsn_node", Id, nullable=False),  # empty where the file does not name the patient so
    sa.Column("epd_node", Id, nullable=False),
    sa.Column("key_node", Id, nullable=False),
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("birth_date", Day),
    sa.Column("sex", Code(codes.Sex), nullable=False),
    sa.Column("bsn_index", sa.String(64)),
    sa.Column("epd_index", sa.String(64)),
    sa.Column("name_index", sa.String(64)),  # tells whether a name changed without opening it
    sa.Column("bsn_sealed", sa.LargeBinary),
    sa.Column("epd_sealed", sa.LargeBinary),
    sa.Column("name_sealed", sa.LargeBinary),
    sa.Index(None, "source_id"),
    sa.Index(None, "patient_id"),
    sa.Index(None, "bsn_node"),
    sa.Index(None, "epd_node"),
    sa.Index(None, "key_node"),
)

# One row per claimed line (debit or credit), by its natural key; what was settled is worked out, never deleted.
claim_line = versioned(
    "claim_line",
    sa.Column("line_id", Id, nullable=False),  # HMAC(K_store, kind, declarant, reference): also an alias of its episode
    sa.Column("kind", Code(codes.SourceKind), nullable=False),
    sa.Column("declarant", sa.String(8), nullable=False),
    sa.Column("reference", sa.String(20), nullable=False),
    sa.Column("previous_reference", sa.String(20), nullable=False),
    sa.Column("credit", Flag, nullable=False),
    sa.Column("rejected", Flag, nullable=False),
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("code_list", sa.String(3), nullable=False),
    sa.Column("service_code", sa.String(6), nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("amount_cents", sa.Integer, nullable=False),
    sa.Column("diagnosis", sa.String(4), nullable=False),
    sa.Column("entitlement", sa.String(3), nullable=False),  # aanspraakcode
    sa.Column("therapist", sa.String(8), nullable=False),
    sa.Column("referrer", sa.String(8), nullable=False),
    sa.Column("referral_day", Day),
    sa.Column("end_code", sa.String(2), nullable=False),
    sa.Column("insurer", sa.String(4), nullable=False),
    sa.Column("trajectory", sa.String(40), nullable=False),
    sa.Column("trajectory_start", Day),
    sa.Column("episode_id", Id),  # worked out
    sa.Index(None, "reference"),
    sa.Index(None, "patient_id"),
)

# What an EPD's table or a FHIR source says of an episode or session, by its natural key.
episode_source = versioned(
    "episode_source",
    sa.Column("source_id", Id, nullable=False),  # HMAC(K_store, kind, system, key)
    sa.Column("kind", Code(codes.SourceKind), nullable=False),
    sa.Column("system", sa.String(64), nullable=False),
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("start_date", Day, nullable=False),
    sa.Column("end_date", Day),
    sa.Column("diagnosis", sa.String(4), nullable=False),
    sa.Column("access", Code(codes.Access), nullable=False),
    sa.Column("end_reason", Code(codes.EndReason), nullable=False),
    sa.Column("onward_advice", Code(codes.Answered), nullable=False),
    sa.Column("chronic", Flag),
    sa.Column("instrument", sa.String(32), nullable=False),
    sa.Column("declarant", sa.String(8), nullable=False),
    sa.Column("therapist", sa.String(8), nullable=False),
    sa.Index(None, "source_id"),
    sa.Index(None, "patient_id"),
)

session_source = versioned(
    "session_source",
    sa.Column("source_id", Id, nullable=False),  # HMAC(K_store, kind, system, episode or patient, day, type, therapist)
    sa.Column("kind", Code(codes.SourceKind), nullable=False),
    sa.Column("system", sa.String(64), nullable=False),
    sa.Column("episode_source_id", Id, nullable=False),  # the episode it names, or empty
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("type", Code(codes.SessionType), nullable=False),
    sa.Column("therapist", sa.String(8), nullable=False),
    sa.Column("self_paid", Flag, nullable=False),
    sa.Column("payer", sa.String(16), nullable=False, default="", server_default=""),  # empty where no column says it
    sa.Index(None, "source_id"),
    sa.Index(None, "episode_source_id"),
    sa.Index(None, "patient_id"),
)

# The insurer's answer may come before the claim does; `claim_line.rejected` is worked out from it.
claim_settled = versioned(
    "claim_settled",
    sa.Column("line_id", Id, nullable=False),
    sa.Column("rejected", Flag, nullable=False),
    sa.Index(None, "line_id"),
)
