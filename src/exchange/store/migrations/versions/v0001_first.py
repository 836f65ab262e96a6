"""The first version: every table of the store, and an audit trail that only grows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A line at the margin names a table; its columns follow as name:type. `?` may be null, `*` is a number the database
# gives, `=` a key that we give. Written out here, not taken from the models: these will move on and this will not.
_TABLES = """
setting
    name:char64= value:text
load
    load_id:int* kind:char16 file_name:text digest:char64 at:char27 by:text counts:text
patient_source
    row_id:int* source_id:char32 kind:char32 bsn_node:char32 epd_node:char32 key_node:char32
    patient_id:char32 birth_date:date? sex:char32 bsn_index:char64? epd_index:char64? name_index:char64?
    bsn_sealed:bytes? epd_sealed:bytes? name_sealed:bytes? load_from:int load_to:int?
claim_line
    row_id:int* line_id:char32 kind:char32 declarant:char8 reference:char20 previous_reference:char20
    credit:small rejected:small named_as:char32 patient_id:char32 day:date code_list:char3
    service_code:char6 quantity:int amount_cents:int diagnosis:char4 entitlement:char3 therapist:char8
    referrer:char8 referral_day:date? end_code:char2 insurer:char4 trajectory:char40 trajectory_start:date?
    episode_id:char32? load_from:int load_to:int?
episode_source
    row_id:int* source_id:char32 kind:char32 system:char64 named_as:char32 patient_id:char32 start_date:date
    end_date:date? diagnosis:char4 access:char32 end_reason:char32 onward_advice:char32 chronic:small?
    instrument:char32 declarant:char8 therapist:char8 load_from:int load_to:int?
session_source
    row_id:int* source_id:char32 kind:char32 system:char64 episode_source_id:char32 named_as:char32
    patient_id:char32 day:date type:char32 therapist:char8 self_paid:small load_from:int load_to:int?
claim_settled
    row_id:int* line_id:char32 rejected:small load_from:int load_to:int?
patient
    row_id:int* patient_id:char32 bsn_index:char64? bsn_sealed:bytes? epd_sealed:bytes? epd_index:char64?
    name_index:char64? name_sealed:bytes? birth_date:date? sex:char32 load_from:int load_to:int?
episode
    row_id:int* episode_id:char32 patient_id:char32 source:char32 start_date:date end_date:date?
    diagnosis:char4 location:char2 access:char32 end_reason:char32 onward_advice:char32 chronic:small?
    instrument:char32 declarant:char8 therapist:char8 rebuilt:small foreign:small load_from:int load_to:int?
episode_alias
    row_id:int* alias_id:char32 episode_id:char32 load_from:int load_to:int?
session
    row_id:int* session_id:char32 episode_id:char32 patient_id:char32 day:date type:char32 therapist:char8
    source:char32 self_paid:small load_from:int load_to:int?
measurement
    row_id:int* measurement_id:char32 source_id:char32 episode_id:char32 named_as:char32 patient_id:char32
    instrument:char32 day:date score:int load_from:int load_to:int?
referral
    row_id:int* referral_id:char32 source_id:char32 episode_id:char32 named_as:char32 patient_id:char32
    referrer:char32 day:date? question:text counterfactual:char32 answered_by:text recorded_on:date?
    load_from:int load_to:int?
evaluation
    row_id:int* evaluation_id:char32 source_id:char32 episode_id:char32 named_as:char32 patient_id:char32
    session_number:int day:date instrument:char32 effect:char32 advice_taken_up:char32
    relatives_involved:char32 partner_involved:char32 decision:char32 told_referrer_on:date? load_from:int
    load_to:int?
index_figure
    row_id:int* year:int version:char16 insurer:char64 value:double lower:double? upper:double?
    period_start:date period_end:date source:text patients:int? load_from:int load_to:int?
prem
    row_id:int* prem_id:char32 bureau:text period_start:date period_end:date respondents:int mean:double?
    nps:double? source:text load_from:int load_to:int?
prem_comment
    row_id:int* comment_id:char32 prem_id:char32 text:text approved_by:text load_from:int load_to:int?
improvement
    row_id:int* point_id:char64 title:text indicator:char64 baseline:text goal:text actions:text owner:text
    check_on:text realised:text act:text load_from:int load_to:int?
partner
    row_id:int* party:char32 name:text kind:char32 label:char64 card:bytes? fingerprint:char64 serial:int
    state:char16 verified_by:text verified_on:date? verified_how:text load_from:int load_to:int?
agreement
    row_id:int* agreement_id:char64 version:int digest:char64 payload:bytes signatures:text state:char24
    ended_on:date? superseded_on:date? load_from:int load_to:int?
consent
    row_id:int* patient_id:char32 partner:char32 purpose:char64 state:char32 day:date evidence:text
    given_by:char32 load_from:int load_to:int?
case_opened
    row_id:int* case_id:char32 code:char16 agreement_id:char64 partner:char32 episode_id:char32
    patient_id:char32 opened_on:date received:small load_from:int load_to:int?
answer
    row_id:int* answer_id:char32 case_id:char32 episode_id:char32 element:char64 start_date:date
    end_date:date status:char32 evidence:char32 partner:char32 count:int? first_day:date? message_id:char64
    epoch_order:int sequence:int load_from:int load_to:int?
aggregate
    row_id:int* aggregate_id:char32 partner:char32 element:char64 start_date:date end_date:date value:int
    population:int evidence:char32 message_id:char64 epoch_order:int sequence:int load_from:int load_to:int?
sent_message
    row_id:int* case_id:char64 event:char32 digest:char64 message_id:char64 load_from:int load_to:int?
received_message
    row_id:int* message_id:char64 case_id:char32 party:char32 event:char32 content:bytes load_from:int
    load_to:int?
release_cell
    cell_id:int* released_at:char27 document:char64 cell:text count:int members:bytes
stream
    stream_id:int* party:char32 agreement_id:char64 other:char64 epoch:char32 epoch_order:int sequence:int
    digest:char64 acknowledged:int after:text
journal
    journal_id:int* instance:char32 direction:char3 message_id:char64 kind:char16 party:char32
    agreement_id:char64 epoch:char32 sequence:int epoch_order:int other:char64 previous:char64 digest:char64
    manifest:bytes? contents:bytes? file_name:text state:char16 at:char27 changed_at:char27
    acknowledged_at:char27? reason:char64 audit_count:int audit_hash:char64
audit
    number:int= at:char27 event:char32 outcome:char16 user:text organisation:char32 subject:char32
    object:text counterparty:char32 ground:text commitment:char64 salt:bytes? detail:text? previous:char64
    hash:char64
"""

_UNIQUE = {
    "stream": "party agreement_id other epoch",
    "journal": "direction message_id party",
}

_INDEXES = (
    "load(digest)",
    "patient_source(bsn_node)",
    "patient_source(epd_node)",
    "patient_source(key_node)",
    "patient_source(patient_id)",
    "patient_source(source_id)",
    "claim_line(line_id)",
    "claim_line(named_as)",
    "claim_line(patient_id)",
    "episode_source(named_as)",
    "episode_source(patient_id)",
    "episode_source(source_id)",
    "session_source(episode_source_id)",
    "session_source(named_as)",
    "session_source(patient_id)",
    "session_source(source_id)",
    "claim_settled(line_id)",
    "patient(bsn_index)",
    "patient(epd_index)",
    "patient(patient_id)",
    "episode(episode_id)",
    "episode(patient_id)",
    "episode_alias(alias_id)",
    "session(episode_id)",
    "session(patient_id)",
    "session(session_id)",
    "measurement(episode_id)",
    "measurement(measurement_id)",
    "measurement(named_as)",
    "measurement(patient_id)",
    "measurement(source_id)",
    "referral(episode_id)",
    "referral(named_as)",
    "referral(patient_id)",
    "referral(referral_id)",
    "referral(source_id)",
    "evaluation(episode_id)",
    "evaluation(evaluation_id)",
    "evaluation(named_as)",
    "evaluation(patient_id)",
    "evaluation(source_id)",
    "partner(party)",
    "agreement(agreement_id)",
    "consent(patient_id)",
    "case_opened(agreement_id)",
    "case_opened(case_id)",
    "case_opened(episode_id)",
    "answer(answer_id)",
    "answer(case_id)",
    "answer(episode_id)",
    "aggregate(aggregate_id)",
    "sent_message(case_id)",
    "received_message(case_id)",
    "received_message(message_id)",
    "release_cell(cell)",
    "journal(party epoch sequence)",
    "audit(subject)",
)

_TYPES = {
    "int": sa.Integer,
    "small": sa.SmallInteger,
    "double": sa.Double,
    "date": sa.Date,
    "text": sa.Text,
    "bytes": sa.LargeBinary,
}

_KEPT = (
    "number",
    "at",
    "event",
    "outcome",
    "user",
    "organisation",
    "subject",
    "object",
    "counterparty",
    "ground",
    "commitment",
    "previous",
    "hash",
)


def upgrade() -> None:
    """Make every table."""
    name, columns = "", []
    for line in [*_TABLES.strip().splitlines(), "."]:
        if line.startswith(" "):
            columns += line.split()
            continue
        if name:
            _make(name, columns)
        name, columns = line, []
    for index in _INDEXES:
        table, _, inner = index.rstrip(")").partition("(")
        names = inner.split()
        op.create_index(op.f("_".join(["ix", table, *names])), table, names)
    if op.get_bind().dialect.name == "postgresql":
        _append_only_postgresql()
    else:
        _append_only_sqlite()


def _make(name: str, columns: list[str]) -> None:
    parts: list[sa.Column[object] | sa.Constraint] = [_column(one) for one in columns]
    keys = [one.split(":")[0] for one in columns if one[-1] in "*="]
    parts.append(sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}")))
    if name in _UNIQUE:
        unique = _UNIQUE[name].split()
        parts.append(sa.UniqueConstraint(*unique, name=op.f("_".join(["uq", name, *unique]))))
    op.create_table(name, *parts)


def _column(text: str) -> sa.Column[object]:
    name, _, kind = text.rstrip("?*=").partition(":")
    made: sa.types.TypeEngine[Any]
    made = sa.String(int(kind.removeprefix("char"))) if kind.startswith("char") else _TYPES[kind]()
    return sa.Column(name, made, nullable=text.endswith("?"), autoincrement=text.endswith("*"))


def _append_only_sqlite() -> None:
    """Refuse removal, and every change but the erasure of salt and detail."""
    same = " AND ".join(f'NEW."{name}" IS OLD."{name}"' for name in _KEPT)
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
    op.execute(f"CREATE TRIGGER audit_no_removal BEFORE DELETE ON audit {refuse}")
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit "
        f"WHEN NOT (NEW.salt IS NULL AND NEW.detail IS NULL AND {same}) {refuse}"
    )


def _append_only_postgresql() -> None:
    """Refuse the same; the role of a shared store needs no more than INSERT, SELECT and UPDATE (salt, detail)."""
    same = " AND ".join(f'NEW."{name}" IS NOT DISTINCT FROM OLD."{name}"' for name in _KEPT)
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' AND NEW.salt IS NULL AND NEW.detail IS NULL AND {same} THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'the audit trail only grows'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_only_grows()"
    )
