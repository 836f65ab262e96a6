"""Reading the store as plain values: the dataset without identities, one patient's identity, and what leads to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.errors import StoreError
from exchange.records.model import Case, Dataset, Episode, Evaluation, Measurement, Patient, Referral, Session
from exchange.sources.rows import PatientKey
from exchange.store import tables
from exchange.store.answers import read_aggregates, read_answers
from exchange.store.database import Database
from exchange.store.naming import BSN, EPD, NAME
from exchange.store.versions import Values, current, each, first


@dataclass(frozen=True, slots=True)
class Parents:
    """Which id leads to which current episode."""

    aliases: dict[str, str]
    episodes: frozenset[str]

    def of(self, episode_id: str) -> str:
        """Return the episode an id has now, or nothing."""
        if episode_id in self.episodes:
            return episode_id
        found = self.aliases.get(episode_id, "")
        return found if found in self.episodes else ""


def _rows(connection: Connection, table: sa.Table, as_of: int | None, *order: str) -> Sequence[Values]:
    names = [column for column in table.c if not isinstance(column.type, sa.LargeBinary)]
    query = sa.select(*names).where(current(table, as_of)).order_by(*(table.c[name] for name in order))
    return list(each(connection, query))


def instruments_named(database: Database, as_of: int | None = None) -> frozenset[str]:
    """Return the instruments that episodes name as theirs."""
    table = tables.episode
    query = sa.select(table.c.instrument).where(current(table, as_of), table.c.instrument != "").distinct()
    with database.reading() as connection:
        return frozenset(connection.execute(query).scalars())


def dataset(database: Database, as_of: int | None = None) -> Dataset:
    """Return everything an indicator may look at, sorted by id, now or as of a load; nothing that says who it is.

    What belongs to no episode known here is left out.
    """
    with database.reading() as connection:
        episodes = tuple(episode_of(row) for row in _rows(connection, tables.episode, as_of, "episode_id"))
        parents = _parents(connection, as_of, episodes)
        return Dataset(
            patients=tuple(
                Patient(row["patient_id"], row["birth_date"], row["sex"])
                for row in _rows(connection, tables.patient, as_of, "patient_id")
            ),
            episodes=episodes,
            sessions=tuple(_session(row) for row in _rows(connection, tables.session, as_of, "session_id")),
            measurements=tuple(
                _measurement(row)
                for row in _rows(connection, tables.measurement, as_of, "measurement_id")
                if row["episode_id"]
            ),
            referrals=tuple(
                _referral(row) for row in _rows(connection, tables.referral, as_of, "referral_id") if row["episode_id"]
            ),
            evaluations=tuple(
                _evaluation(row)
                for row in _rows(connection, tables.evaluation, as_of, "evaluation_id")
                if row["episode_id"]
            ),
            answers=tuple(
                replace(answer, episode_id=parents.of(answer.episode_id)) for answer in read_answers(connection, as_of)
            ),
            aggregates=read_aggregates(connection, as_of),
            cases=tuple(
                replace(case, episode_id=parents.of(case.episode_id))
                for case in (case_of(row) for row in _rows(connection, tables.case_opened, as_of, "case_id"))
            ),
        )


def _parents(connection: Connection, as_of: int | None, episodes: Iterable[Episode]) -> Parents:
    alias = tables.episode_alias
    # Only what was answered or opened can hang on an old id; the rest is kept up to date.
    held = sa.union(
        sa.select(tables.answer.c.episode_id).where(current(tables.answer, as_of)),
        sa.select(tables.case_opened.c.episode_id).where(current(tables.case_opened, as_of)),
    )
    query = sa.select(alias.c.alias_id, alias.c.episode_id).where(current(alias, as_of), alias.c.alias_id.in_(held))
    aliases = {row.alias_id: row.episode_id for row in connection.execute(query)}
    return Parents(aliases, frozenset(episode.episode_id for episode in episodes))


def resolve_episode(connection: Connection, episode_id: str) -> str:
    """Return the id an episode has now; StoreError when no episode ever had this one."""
    episode, alias = tables.episode, tables.episode_alias
    query = sa.select(episode.c.episode_id).where(current(episode), episode.c.episode_id == episode_id)
    if connection.execute(query).first() is not None:
        return episode_id
    through = (
        sa.select(episode.c.episode_id)
        .join(alias, alias.c.episode_id == episode.c.episode_id)
        .where(current(episode), current(alias), alias.c.alias_id == episode_id)
    )
    found = connection.execute(through).scalar()
    if found is None:
        raise StoreError("store.unknown", what="episode", id=episode_id)
    return str(found)


def resolve_patient(connection: Connection, patient_id: str) -> str:
    """Return the id a patient has now, from any id they ever had; the same id where it is not known."""
    source = tables.patient_source
    query = sa.select(source.c.patient_id).where(
        current(source),
        sa.or_(*(source.c[name] == patient_id for name in ("patient_id", "bsn_node", "epd_node", "key_node"))),
    )
    found = sorted(connection.execute(query).scalars())
    return patient_id if not found or patient_id in found else str(found[0])


def ids_of_patient(connection: Connection, patient_id: str) -> frozenset[str]:
    """Return every id a patient has or had."""
    now = resolve_patient(connection, patient_id)
    source = tables.patient_source
    query = sa.select(source.c.bsn_node, source.c.epd_node, source.c.key_node).where(
        current(source), source.c.patient_id == now
    )
    return frozenset({now, patient_id, *(node for row in connection.execute(query) for node in row)}) - {""}


def patient_identity(database: Database, patient_id: str) -> Patient:
    """Return one patient with BSN, EPD number and name, opened; each use belongs in the audit trail."""
    table = tables.patient
    with database.reading() as connection:
        now = resolve_patient(connection, patient_id)
        row = first(connection, sa.select(table).where(current(table), table.c.patient_id == now))
    if row is None:
        raise StoreError("store.unknown", what="patient", id=patient_id)
    return Patient(
        now,
        row["birth_date"],
        row["sex"],
        bsn=database.unseal(BSN, row["bsn_index"], row["bsn_sealed"]),
        epd_number=database.unseal(EPD, row["epd_index"], row["epd_sealed"]),
        name=database.unseal(NAME, row["name_index"], row["name_sealed"]),
    )


def patient_named(database: Database, key: PatientKey) -> str | None:
    """Return the patient that a file would name so: by BSN, else by EPD number, else by a system's own id."""
    source = tables.patient_source
    nodes = (
        ("bsn_node", database.id_of("bsn", key.bsn) if key.bsn else ""),
        ("epd_node", database.id_of("epd", key.epd_number) if key.epd_number else ""),
        ("key_node", database.id_of("key", key.system, key.key) if key.key else ""),
    )
    with database.reading() as connection:
        for name, node in nodes:
            if not node:
                continue
            query = sa.select(source.c.patient_id).where(current(source), source.c[name] == node).distinct()
            found = sorted(connection.execute(query).scalars())
            if len(found) == 1 or node in found:
                return node if node in found else str(found[0])
        # A number that only claims carry is nobody's way of being named, but it is what the therapist knows.
        patient, number = tables.patient, nodes[1][1]
        shown = sa.select(patient.c.patient_id).where(current(patient), patient.c.epd_index == number)
        known = list(connection.execute(shown).scalars()) if number else []
    return str(known[0]) if len(known) == 1 else None


def episodes_of_patients(connection: Connection, patient_ids: Iterable[str]) -> tuple[Episode, ...]:
    """Return the episodes of patients, by start."""
    table = tables.episode
    query = (
        sa.select(table)
        .where(current(table), table.c.patient_id.in_(sorted(patient_ids)))
        .order_by(table.c.start_date, table.c.episode_id)
    )
    return tuple(episode_of(row) for row in each(connection, query))


def sessions_of_episode(connection: Connection, episode_id: str) -> tuple[Session, ...]:
    """Return the sessions of an episode, by day."""
    table = tables.session
    query = (
        sa.select(table)
        .where(current(table), table.c.episode_id == episode_id)
        .order_by(table.c.day, table.c.session_id)
    )
    return tuple(_session(row) for row in each(connection, query))


def evaluations_of(connection: Connection, episode_id: str) -> tuple[Evaluation, ...]:
    """Return the evaluations of an episode, by session number."""
    table = tables.evaluation
    query = (
        sa.select(table)
        .where(current(table), table.c.episode_id == episode_id)
        .order_by(table.c.session_number, table.c.evaluation_id)
    )
    return tuple(_evaluation(row) for row in each(connection, query))


def episode_of(row: Values) -> Episode:
    """Return an episode from its row."""
    return Episode(
        row["episode_id"],
        row["patient_id"],
        row["source"],
        row["start_date"],
        row["end_date"],
        row["diagnosis"],
        row["access"],
        row["end_reason"],
        row["onward_advice"],
        row["chronic"],
        row["instrument"],
        row["declarant"],
        row["therapist"],
        row["rebuilt"],
        row["foreign"],
    )


def case_of(row: Values) -> Case:
    """Return a case from its row."""
    return Case(**{name: row[name] for name in Case.__slots__})


def _session(row: Values) -> Session:
    return Session(
        row["session_id"],
        row["episode_id"],
        row["patient_id"],
        row["day"],
        row["type"],
        row["therapist"],
        row["source"],
        row["self_paid"],
    )


def _measurement(row: Values) -> Measurement:
    return Measurement(
        row["measurement_id"],
        row["episode_id"],
        row["patient_id"],
        row["instrument"],
        row["day"],
        row["score"],
        from_items=row["from_items"],
    )


def _referral(row: Values) -> Referral:
    return Referral(**{name: row[name] for name in Referral.__slots__})


def _evaluation(row: Values) -> Evaluation:
    return Evaluation(**{name: row[name] for name in Evaluation.__slots__})
