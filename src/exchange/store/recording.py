"""What a person records by command: an evaluation of an episode, a referral and its counterfactual."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.errors import StoreError
from exchange.records.model import Evaluation, Referral
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.reading import resolve_episode
from exchange.store.versions import Values, current, first, put


def record_evaluation(database: Database, evaluation: Evaluation, *, by: str, at: datetime) -> Evaluation:
    """Write an evaluation; one for the same session of the same episode supersedes it. Return it with its ids."""
    with database.changing(by=by, at=at) as (connection, load):
        episode_id, patient_id, named_as = _home(connection, evaluation.episode_id)
        table = tables.evaluation
        before = _before(connection, table, episode_id, table.c.session_number == evaluation.session_number)
        source_id = before["source_id"] if before else episode_id
        made = replace(
            evaluation,
            episode_id=episode_id,
            evaluation_id=before["evaluation_id"]
            if before
            else database.id_of("evaluation", source_id, evaluation.session_number, "recorded"),
        )
        row = {
            "evaluation_id": made.evaluation_id,
            "source_id": source_id,
            "episode_id": episode_id,
            "named_as": before["named_as"] if before else named_as,
            "patient_id": patient_id,
            "session_number": made.session_number,
            "day": made.day,
            "instrument": made.instrument,
            "effect": made.effect,
            "advice_taken_up": made.advice_taken_up,
            "relatives_involved": made.relatives_involved,
            "partner_involved": made.partner_involved,
            "decision": made.decision,
            "told_referrer_on": made.told_referrer_on,
        }
        put(connection, table, [row], load, key=("evaluation_id",))
        return made


def record_referral(database: Database, referral: Referral, *, by: str, at: datetime) -> Referral:
    """Write why the patient of an episode came; a referral of that episode supersedes it. Return it with its ids."""
    with database.changing(by=by, at=at) as (connection, load):
        episode_id, patient_id, named_as = _home(connection, referral.episode_id)
        table = tables.referral
        before = _before(connection, table, episode_id)
        source_id = before["source_id"] if before else episode_id
        made = replace(
            referral,
            episode_id=episode_id,
            patient_id=patient_id,
            referral_id=before["referral_id"] if before else database.id_of("referral", source_id, "recorded"),
        )
        row = {
            "referral_id": made.referral_id,
            "source_id": source_id,
            "episode_id": episode_id,
            "named_as": before["named_as"] if before else named_as,
            "patient_id": patient_id,
            "referrer": made.referrer,
            "day": made.day,
            "question": made.question,
            "counterfactual": made.counterfactual,
            "answered_by": made.answered_by,
            "recorded_on": made.recorded_on,
        }
        put(connection, table, [row], load, key=("referral_id",))
        return made


def _home(connection: Connection, episode_id: str) -> tuple[str, str, str]:
    """Return the episode an id has now, its patient, and a way of naming that patient that moves along with them."""
    now = resolve_episode(connection, episode_id)
    episode, source = tables.episode, tables.patient_source
    patient_id = connection.execute(
        sa.select(episode.c.patient_id).where(current(episode), episode.c.episode_id == now)
    ).scalar_one()
    naming = sa.select(sa.func.min(source.c.source_id)).where(current(source), source.c.patient_id == patient_id)
    named_as = connection.execute(naming).scalar()
    if named_as is None:
        raise StoreError("store.unknown", what="patient", id=patient_id)
    return now, patient_id, named_as


def _before(
    connection: Connection, table: sa.Table, episode_id: str, *conditions: sa.ColumnElement[bool]
) -> Values | None:
    query = sa.select(table).where(current(table), table.c.episode_id == episode_id, *conditions)
    return first(connection, query.order_by(table.c.row_id.desc()))
