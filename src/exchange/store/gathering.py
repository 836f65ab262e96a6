"""What a reader's row becomes in a source table: its natural key as an id, its patient by the way it is named."""

from __future__ import annotations

from typing import Any

from exchange.records.codes import SourceKind
from exchange.sources.rows import (
    ClaimRow,
    EpisodeRow,
    EvaluationRow,
    MeasurementRow,
    PatientKey,
    ReferralRow,
    SessionRow,
    SettledRow,
)
from exchange.store.database import Database

Made = dict[str, Any]

# A row that names its patient through its episode only.
NOBODY = PatientKey()


# The columns of a claim line that a file decides, and the episode that is worked out, as `claim_values` has them.
CLAIM_NAMES = (
    "line_id",
    "named_as",
    "patient_id",
    "rejected",
    "episode_id",
    *(name for name in ClaimRow._fields if name not in {"line", "patient"}),
)


def claim_id(database: Database, row: ClaimRow, source: str) -> str:
    """Return the id of a claim line; one without a reference is known by what it says."""
    kind = "credit" if row.credit else "claim"
    if row.reference and "|" not in row.reference and "\\" not in row.reference:
        # What `id_of` makes of these three, without asking each of them again.
        return database.pseudonymiser.index(kind, f"{row.kind}|{row.declarant}|{row.reference}")
    if row.reference:
        return database.id_of(kind, row.kind, row.declarant, row.reference)
    said = (row.day, row.code_list, row.service_code, row.therapist, row.amount_cents)
    return database.id_of(kind, row.kind, row.declarant, "", source, *said)


def claim_values(row: ClaimRow, line_id: str, source: str, patient: str) -> list[Any]:
    """Return the values of CLAIM_NAMES, not rejected and in no episode yet."""
    return [line_id, source, patient, False, None, row.kind, *row[3:]]


def settled_id(database: Database, line: ClaimRow | SettledRow | Made) -> str:
    """Return what an insurer's answer and the lines it is about have in common."""
    if isinstance(line, dict):
        return database.id_of("claim", line["kind"], line["declarant"], line["reference"])
    return database.id_of("claim", line.kind, line.declarant, line.reference)


def episode_source_id(database: Database, system: str, key: str) -> str:
    """Return the id of an episode as its system names it, or nothing."""
    return database.id_of("episode", system, key) if key else ""


def of_episode(database: Database, row: EpisodeRow, who: tuple[str, str]) -> Made:
    """Return an episode source."""
    return {
        "source_id": episode_source_id(database, row.system, row.key)
        or database.id_of("episode", row.system, "", who[0], row.start, row.diagnosis),
        "kind": row.kind,
        "system": row.system,
        "named_as": who[0],
        "patient_id": who[1],
        "start_date": row.start,
        "end_date": row.end,
        "diagnosis": row.diagnosis,
        "access": row.access,
        "end_reason": row.end_reason,
        "onward_advice": row.onward_advice,
        "chronic": row.chronic,
        "instrument": row.instrument,
        "declarant": row.declarant,
        "therapist": row.therapist,
    }


def of_session(database: Database, row: SessionRow, who: tuple[str, str]) -> Made:
    """Return a session source."""
    episode = episode_source_id(database, row.system, row.episode_key)
    return {
        "source_id": database.id_of(
            "session-source", row.kind, row.system, episode or who[0], row.day, row.type, row.therapist
        ),
        "kind": row.kind,
        "system": row.system,
        "episode_source_id": episode,
        "named_as": who[0],
        "patient_id": who[1],
        "day": row.day,
        "type": row.type,
        "therapist": row.therapist,
        "self_paid": row.self_paid,
        "payer": row.payer,
    }


def _attached(database: Database, row: MeasurementRow | ReferralRow | EvaluationRow, who: tuple[str, str]) -> Made:
    return {
        "source_id": episode_source_id(database, row.system, row.episode_key),
        "episode_id": "",
        "named_as": who[0],
        "patient_id": who[1],
    }


def of_measurement(database: Database, row: MeasurementRow, who: tuple[str, str]) -> Made:
    """Return a measurement; one instrument on one day of one episode is one measurement."""
    made = _attached(database, row, who)
    key = made["source_id"] or who[0]
    return made | {
        "measurement_id": database.id_of("measurement", row.system, key, row.instrument, row.day),
        "instrument": row.instrument,
        "day": row.day,
        "score": row.score,
        "from_items": row.from_items,
    }


def of_referral(database: Database, row: ReferralRow, who: tuple[str, str]) -> Made:
    """Return a referral; an episode that is named has one, else a patient has one a day."""
    made = _attached(database, row, who)
    key = (made["source_id"],) if made["source_id"] else (who[0], row.day)
    return made | {
        "referral_id": database.id_of("referral", row.system, *key),
        "referrer": row.referrer,
        "day": row.day,
        "question": row.question,
        "counterfactual": row.counterfactual,
        "answered_by": row.answered_by,
        "recorded_on": row.recorded_on,
    }


def of_evaluation(database: Database, row: EvaluationRow, who: tuple[str, str]) -> Made:
    """Return an evaluation; an episode has one per session number and day."""
    made = _attached(database, row, who)
    key = made["source_id"] or who[0]
    return made | {
        "evaluation_id": database.id_of("evaluation", key, row.session_number, row.day),
        "session_number": row.session_number,
        "day": row.day,
        "instrument": row.instrument,
        "effect": row.effect,
        "advice_taken_up": row.advice_taken_up,
        "relatives_involved": row.relatives_involved,
        "partner_involved": row.partner_involved,
        "decision": row.decision,
        "told_referrer_on": row.told_referrer_on,
    }


def kind_of(load_kind: str) -> SourceKind:
    """Return whose word a file's description of a patient is: a table is the EPD's."""
    return SourceKind(load_kind) if load_kind in set(SourceKind) else SourceKind.EPD
