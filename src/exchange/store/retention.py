"""Retention: what is past its term or has no ground any more, and its destruction beyond recovery.

Terms are given per kind of data by whoever knows the agreements; the practice's care file is kept elsewhere, by law.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.records.codes import ConsentState
from exchange.store import tables
from exchange.store.database import Database, translated

_IDENTITY = ("bsn_sealed", "epd_sealed", "name_sealed")
# What stays of a case that is gone: that consent was withdrawn, and what was answered.
_STAYS = ("consent-withdrawn%", "withdrawal-answer%")
_OF_PATIENT = (
    tables.measurement,
    tables.referral,
    tables.evaluation,
    tables.session_source,
    tables.episode_source,
    tables.patient,
    tables.patient_source,
)
_OF_EPISODE = (
    tables.session,
    tables.measurement,
    tables.referral,
    tables.evaluation,
    tables.answer,
    tables.case_opened,
    tables.claim_line,
    tables.episode_alias,
    tables.episode,
)


class Kind(StrEnum):
    """What is kept for a term of its own."""

    IDENTITY = "identity"  # BSN, EPD number and name of patients that nothing needs any more
    CARE = "care"  # an ended episode with all that hangs on it
    CASE = "case"  # what a partner told us of a case that it opened with us, and our answers
    PATIENT = "patient"  # what is left of a patient when the last episode or case is gone
    RECEIVED = "received"  # the bytes of partners' messages
    LOG = "log"  # the details of the audit trail; the chain itself stays


@dataclass(frozen=True, slots=True)
class Terms:
    """Per kind the day before which it is past its term (None: never), and the patients whose identity is needed.

    `episodes` and `cases` are past their terms by name, for terms that differ by agreement.
    """

    care_before: date | None = None
    received_before: date | None = None
    log_before: date | None = None
    needed: Collection[str] | None = None
    episodes: Collection[str] = ()
    cases: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """So many rows of a kind are past their term; after `run`, so many were destroyed."""

    kind: Kind
    count: int


class Retention:
    """`store.retention`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def due(self, terms: Terms) -> tuple[Due, ...]:
        """Return what is past its term, kinds without anything left out.

        Patients of whom nothing will be left are not counted: that is seen when it is done.
        """
        with self._database.reading() as connection:
            counts = {
                Kind.IDENTITY: len(_unneeded(connection, terms.needed)),
                Kind.CARE: len(_past_care(connection, terms)),
                Kind.CASE: len(_past_cases(connection, terms.cases)),
                Kind.RECEIVED: len(_past_received(connection, terms.received_before)),
                Kind.LOG: len(_past_log(connection, terms.log_before)),
            }
        return _counted(counts)

    def run(self, terms: Terms) -> tuple[Due, ...]:
        """Destroy what is past its term, all versions of it, in one transaction, and shrink the file.

        Return what was destroyed: the caller signs that record and keeps it outside the store's backup.
        """
        with self._database.writing() as connection:
            counts = _destroy(connection, terms)
        self.shrink()
        return _counted(counts)

    def shrink(self) -> None:
        """Rewrite the file without its free pages and empty the write-ahead log: nothing deleted can be read back."""
        with translated(), self._database.engine.connect() as connection:
            if self._database.postgresql:
                plain = connection.execution_options(isolation_level="AUTOCOMMIT")
                plain.exec_driver_sql("VACUUM FULL")
                return
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101 - the connection was opened just now
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _counted(counts: Mapping[Kind, int]) -> tuple[Due, ...]:
    return tuple(Due(kind, counts[kind]) for kind in Kind if counts.get(kind))


def _destroy(connection: Connection, terms: Terms) -> Mapping[Kind, int]:
    identities = _unneeded(connection, terms.needed)
    episodes = _past_care(connection, terms)
    cases = _past_cases(connection, terms.cases)
    messages = _past_received(connection, terms.received_before)
    entries = _past_log(connection, terms.log_before)
    _forget_identities(connection, identities)
    left = _patients_of(connection, episodes, cases)
    _destroy_cases(connection, [*cases, *_cases_of(connection, episodes)])
    _destroy_care(connection, episodes)
    gone = _bare(connection, left)
    _destroy_patients(connection, gone)
    _delete(connection, tables.received_message, "row_id", messages)
    for part in _parts(entries):
        connection.execute(
            sa.update(tables.audit).where(tables.audit.c.number.in_(part)).values(salt=None, detail=None)
        )
    return {
        Kind.IDENTITY: len(identities),
        Kind.CARE: len(episodes),
        Kind.CASE: len(cases),
        Kind.PATIENT: len(gone),
        Kind.RECEIVED: len(messages),
        Kind.LOG: len(entries),
    }


def _parts(values: Collection[object], size: int = 1000) -> list[list[object]]:
    listed = list(values)
    return [listed[start : start + size] for start in range(0, len(listed), size)]


def _delete(connection: Connection, table: sa.Table, column: str, values: Collection[object]) -> None:
    for part in _parts(values):
        connection.execute(sa.delete(table).where(table.c[column].in_(part)))


def _unneeded(connection: Connection, needed: Collection[str] | None) -> list[str]:
    if needed is None:
        return []
    source = tables.patient_source
    query = sa.select(source.c.patient_id).where(sa.or_(*(source.c[name].is_not(None) for name in _IDENTITY)))
    return sorted(set(connection.execute(query).scalars()) - set(needed))


def _forget_identities(connection: Connection, patients: Collection[str]) -> None:
    """Drop the sealed identities of every version; the keyed indexes stay, so that files still match."""
    nothing = dict.fromkeys(_IDENTITY)
    for table in (tables.patient, tables.patient_source):
        for part in _parts(patients):
            connection.execute(sa.update(table).where(table.c.patient_id.in_(part)).values(nothing))


def _past_care(connection: Connection, terms: Terms) -> list[str]:
    named: set[str] = set()
    for part in _parts(terms.episodes):
        known = sa.select(tables.episode.c.episode_id).where(tables.episode.c.episode_id.in_(part))
        named.update(connection.execute(known).scalars())
    if terms.care_before is None:
        return sorted(named)
    before, episode, session = terms.care_before, tables.episode, tables.session
    last = _last_session(session)
    # An episode that nobody closed ended with its last session.
    ended = sa.func.coalesce(episode.c.end_date, last.c.last, episode.c.start_date)
    query = (
        sa.select(episode.c.episode_id)
        .outerjoin(last, last.c.episode_id == episode.c.episode_id)
        .where(episode.c.load_to.is_(None), ended < before)
    )
    return sorted(named | set(connection.execute(query).scalars()))


def _last_session(session: sa.Table) -> sa.Subquery:
    return (
        sa.select(session.c.episode_id, sa.func.max(session.c.day).label("last"))
        .where(session.c.load_to.is_(None))
        .group_by(session.c.episode_id)
        .subquery()
    )


def _past_cases(connection: Connection, cases: Collection[str]) -> list[str]:
    found: set[str] = set()
    for part in _parts(cases):
        query = sa.select(tables.case_opened.c.case_id).where(tables.case_opened.c.case_id.in_(part))
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _cases_of(connection: Connection, episodes: Collection[str]) -> list[str]:
    found: set[str] = set()
    alias, case = tables.episode_alias, tables.case_opened
    for part in _parts(episodes):
        old = connection.execute(sa.select(alias.c.alias_id).where(alias.c.episode_id.in_(part))).scalars()
        query = sa.select(case.c.case_id).where(case.c.episode_id.in_(sorted({*old, *map(str, part)})))
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _patients_of(connection: Connection, episodes: Collection[str], cases: Collection[str]) -> set[str]:
    found: set[str] = set()
    for table, column, values in ((tables.episode, "episode_id", episodes), (tables.case_opened, "case_id", cases)):
        for part in _parts(values):
            query = sa.select(table.c.patient_id).where(table.c[column].in_(part))
            found.update(connection.execute(query).scalars())
    return found - {""}


def _bare(connection: Connection, patients: Collection[str]) -> list[str]:
    """Return those of whom no episode, session or case is left."""
    left = set(patients)
    for table in (tables.episode, tables.session, tables.case_opened):
        for part in _parts(sorted(left)):
            left -= set(connection.execute(sa.select(table.c.patient_id).where(table.c.patient_id.in_(part))).scalars())
    return sorted(left)


def _destroy_cases(connection: Connection, cases: Collection[str]) -> None:
    """Destroy the messages, answers and whatever was told of cases; the withdrawals and their answers stay."""
    for table in (tables.received_message, tables.sent_message):
        stays = sa.or_(*(table.c.event.like(pattern) for pattern in _STAYS))
        for part in _parts(cases):
            connection.execute(sa.delete(table).where(table.c.case_id.in_(part), sa.not_(stays)))
    for table in (tables.answer, tables.case_opened):
        _delete(connection, table, "case_id", cases)


def _destroy_patients(connection: Connection, patients: Collection[str]) -> None:
    """Destroy what is left of patients; that one of them withdrew consent is kept, under a keyed index alone."""
    line, consent = tables.claim_line, tables.consent
    for part in _parts(patients):
        lines = sorted(connection.execute(sa.select(line.c.line_id).where(line.c.patient_id.in_(part))).scalars())
        _delete(connection, tables.claim_settled, "line_id", lines)
        connection.execute(sa.delete(line).where(line.c.patient_id.in_(part)))
        connection.execute(
            sa.delete(consent).where(consent.c.patient_id.in_(part), consent.c.state != ConsentState.WITHDRAWN)
        )
        for table in _OF_PATIENT:
            connection.execute(sa.delete(table).where(table.c.patient_id.in_(part)))


def _destroy_care(connection: Connection, episodes: Collection[str]) -> None:
    alias, source, sessions = tables.episode_alias, tables.episode_source, tables.session_source
    for part in _parts(episodes):
        old = connection.execute(sa.select(alias.c.alias_id).where(alias.c.episode_id.in_(part))).scalars()
        ids = sorted({*old, *map(str, part)})
        # Sessions that an EPD gave without an episode, or with somebody else's, are found by the patient and day of
        # what was made of them.
        made = sa.select(tables.session.c.patient_id, tables.session.c.day).where(tables.session.c.episode_id.in_(part))
        days = connection.execute(made).all()
        for table in _OF_EPISODE:
            _delete(connection, table, "episode_id", ids)
        _delete(connection, source, "source_id", ids)
        _delete(connection, sessions, "episode_source_id", ids)
        for patient, day in days:
            staying = sa.select(tables.episode.c.episode_id).where(tables.episode.c.patient_id == patient)
            theirs = staying.union(sa.select(alias.c.alias_id).where(alias.c.episode_id.in_(staying)))
            connection.execute(
                sa.delete(sessions).where(
                    sessions.c.patient_id == patient,
                    sessions.c.day == day,
                    sessions.c.episode_source_id.not_in(theirs),
                )
            )


def _past_received(connection: Connection, before: date | None) -> list[int]:
    if before is None:
        return []
    message, load = tables.received_message, tables.load
    # What is about no case at all (heads of an audit trail) has no patient in it and witnesses for us.
    query = (
        sa.select(message.c.row_id)
        .join(load, load.c.load_id == message.c.load_from)
        .where(load.c.at < datetime.combine(before, time(), UTC), message.c.case_id != "")
    )
    return list(connection.execute(query).scalars())


def _past_log(connection: Connection, before: date | None) -> list[int]:
    if before is None:
        return []
    table = tables.audit
    query = sa.select(table.c.number).where(
        table.c.at < datetime.combine(before, time(), UTC), table.c.salt.is_not(None)
    )
    return list(connection.execute(query).scalars())
