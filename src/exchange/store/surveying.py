"""What a practice looks at before it trusts its figures: what is doubtful, claims by code, a trial rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.episodes.facts import Line
from exchange.episodes.paying import Paid, claimed_twice
from exchange.episodes.services import ServiceMap, shipped_services
from exchange.findings import Finding
from exchange.records.codes import Payer, SessionType, SourceKind
from exchange.records.dcsph import code_status, dcsph_codes
from exchange.store import tables
from exchange.store.database import Database, new_load
from exchange.store.deriving import Rebuilding, derive_patients
from exchange.store.quality import Quality, likely_same, quality, self_paid

DOUBTS = ("open", "days", "outside", "birth", "codes", "no-code", "same", "claimed-twice")


@dataclass(frozen=True, slots=True)
class Doubt:
    """One doubtful thing: its kind, whose it is, the day it is about, and a code where that is what is doubtful."""

    kind: str
    patient_id: str
    day: date | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many claimed lines have a service code, credits left out."""

    code_list: str
    code: str
    lines: int


@dataclass(frozen=True, slots=True)
class Held:
    """How many sessions are of one type and source, and how many of them patients paid themselves."""

    type: SessionType
    source: SourceKind
    sessions: int
    self_paid: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What rebuilding with some settings gives: episodes, those rebuilt, open ones, sessions, and the differences."""

    episodes: int
    rebuilt: int
    open: int
    sessions: int
    differences: tuple[Finding, ...]


class _Undo(Exception):  # noqa: N818 - never leaves this module
    """Leave the transaction without a trace."""


class Survey:
    """`store.survey`: looks, changes nothing."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def doubts(self, *, on: date, gap_days: int, services: ServiceMap | None = None) -> tuple[Doubt, ...]:
        """Return everything doubtful as of a day, by kind; `services` says which claims are of a session."""
        with self._database.reading() as connection:
            found = (
                *_open(connection, on - timedelta(days=gap_days)), *_days(connection, on), *_outside(connection),
                *_birth(connection), *_codes(connection),
                *(Doubt("same", one, None) for one in likely_same(connection)),
                *_claimed_twice(connection, services or shipped_services()),
            )  # fmt: skip
        return tuple(sorted(found, key=lambda one: (DOUBTS.index(one.kind), one.day or date.min, one.patient_id)))

    def quality(self, *, on: date, gap_days: int) -> Quality:
        """Return how often something is doubtful in the data as they stand."""
        with self._database.reading() as connection:
            return quality(connection, on=on, gap_days=gap_days)

    def self_paid_sessions(self, start: date, last: date) -> int:
        """Return how many treatment sessions of a period patients paid themselves."""
        with self._database.reading() as connection:
            return self_paid(connection, start, last)

    def claimed(self) -> tuple[Claimed, ...]:
        """Return every service code in the claims, the most frequent first."""
        line = tables.claim_line
        count = sa.func.count()
        query = (
            sa.select(line.c.code_list, line.c.service_code, count)
            .where(line.c.load_to.is_(None), line.c.credit.is_(False))
            .group_by(line.c.code_list, line.c.service_code)
        )
        with self._database.reading() as connection:
            found = [Claimed(*row) for row in connection.execute(query)]
        return tuple(sorted(found, key=lambda one: (-one.lines, one.code_list, one.code)))

    def held(self) -> tuple[Held, ...]:
        """Return the sessions by type and source."""
        session = tables.session
        query = (
            sa.select(session.c.type, session.c.source, sa.func.count(), sa.func.sum(session.c.self_paid))
            .where(session.c.load_to.is_(None))
            .group_by(session.c.type, session.c.source)
        )
        with self._database.reading() as connection:
            found = [Held(kind, source, many, int(paid or 0)) for kind, source, many, paid in connection.execute(query)]
        return tuple(sorted(found, key=lambda one: (one.type, one.source)))

    def trial(self, settings: Rebuilding, *, by: str, at: datetime) -> Trial:
        """Rebuild every episode with these settings, look, and undo it: nothing is changed."""
        found: Trial | None = None
        try:
            with self._database.writing() as connection:
                load = new_load(connection, "trial", by=by, at=at)
                patient = tables.patient
                everyone = sa.select(patient.c.patient_id).where(patient.c.load_to.is_(None))
                differences = derive_patients(
                    connection, self._database, list(connection.execute(everyone).scalars()), load, settings
                )
                found = _counted(connection, differences)
                _undo()
        except _Undo:
            pass
        if found is None:
            raise AssertionError
        return found


def _undo() -> None:
    raise _Undo


def _counted(connection: Connection, differences: tuple[Finding, ...]) -> Trial:
    episode, session = tables.episode, tables.session

    def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(table.c.load_to.is_(None), *conditions)
        return int(connection.execute(query).scalar_one())

    return Trial(
        count(episode), count(episode, episode.c.rebuilt.is_(True)), count(episode, episode.c.end_date.is_(None)),
        count(session), differences,
    )  # fmt: skip


def _open(connection: Connection, before: date) -> Iterator[Doubt]:
    """Yield episodes without an end in which nothing stands since a day."""
    episode, session = tables.episode, tables.session
    last = sa.func.max(session.c.day)
    query = (
        sa.select(episode.c.patient_id, episode.c.start_date, last)
        .select_from(episode)
        .outerjoin(session, sa.and_(session.c.episode_id == episode.c.episode_id, session.c.load_to.is_(None)))
        .where(episode.c.load_to.is_(None), episode.c.end_date.is_(None))
        .group_by(episode.c.episode_id, episode.c.patient_id, episode.c.start_date)
    )
    for patient, start, day in connection.execute(query):
        latest = max(start, day) if day is not None else start
        if latest < before:
            yield Doubt("open", patient, latest)


def _days(connection: Connection, on: date) -> Iterator[Doubt]:
    session = tables.session
    query = sa.select(session.c.patient_id, session.c.day).where(session.c.load_to.is_(None), session.c.day > on)
    yield from (Doubt("days", patient, day) for patient, day in connection.execute(query))


def _outside(connection: Connection) -> Iterator[Doubt]:
    """Yield sessions before the start or after the end of their own episode."""
    episode, session = tables.episode, tables.session
    query = (
        sa.select(session.c.patient_id, session.c.day)
        .join(episode, sa.and_(episode.c.episode_id == session.c.episode_id, episode.c.load_to.is_(None)))
        .where(
            session.c.load_to.is_(None),
            sa.or_(session.c.day < episode.c.start_date, session.c.day > episode.c.end_date),
        )
    )
    yield from (Doubt("outside", patient, day) for patient, day in connection.execute(query))


def _birth(connection: Connection) -> Iterator[Doubt]:
    """Yield patients without a date of birth, and those treated before it or longer ago than people live."""
    patient, session = tables.patient, tables.session
    query = (
        sa.select(patient.c.patient_id, patient.c.birth_date, sa.func.min(session.c.day))
        .select_from(patient)
        .outerjoin(session, sa.and_(session.c.patient_id == patient.c.patient_id, session.c.load_to.is_(None)))
        .where(patient.c.load_to.is_(None))
        .group_by(patient.c.patient_id, patient.c.birth_date)
    )
    for who, born, first in connection.execute(query):
        if born is None or (first is not None and not 0 <= (first - born).days < 115 * 366):
            yield Doubt("birth", who, born)


def _claimed_twice(connection: Connection, services: ServiceMap) -> Iterator[Doubt]:
    """Yield sessions at another's expense that were claimed with an insurer too, and those claimed on two of them."""
    session, line = tables.session_source, tables.claim_line
    query = sa.select(
        session.c.patient_id, session.c.day, session.c.type, session.c.therapist, session.c.payer, session.c.self_paid
    ).where(session.c.load_to.is_(None), sa.or_(session.c.payer != "", session.c.self_paid.is_(True)))
    paid = [
        Paid(who, day, kind, therapist, Payer.OWN if own else Payer(payer))
        for who, day, kind, therapist, payer, own in connection.execute(query)
    ]
    for one in sorted({*(each.patient_id for each in paid), *_on_two_insurances(connection, services)}):
        rows = connection.execute(
            sa.select(*(line.c[name] for name in Line._fields)).where(
                line.c.load_to.is_(None), line.c.patient_id == one
            )
        )
        own = [each for each in paid if each.patient_id == one]
        for found in claimed_twice(own, (Line(*row) for row in rows), services):
            yield Doubt("claimed-twice", found.patient_id, found.day, found.payer.value)


def _on_two_insurances(connection: Connection, services: ServiceMap) -> set[str]:
    """Return who has claims on one day on the basic and on the supplementary insurance, whether they stand or not."""
    line = tables.claim_line

    def some(payer: Payer) -> sa.ColumnElement[bool]:
        codes = [code for code, meant in services.entitlements.items() if meant is payer]
        # Files write a code with or without its leading zeros.
        of_payer = line.c.entitlement.in_([form for code in codes for form in {code, code.zfill(2), code.zfill(3)}])
        return sa.func.max(sa.case((of_payer, 1), else_=0)) == 1

    query = (
        sa.select(line.c.patient_id)
        .where(line.c.load_to.is_(None), line.c.credit.is_(False))
        .group_by(line.c.patient_id, line.c.day)
        .having(some(Payer.ZVW), some(Payer.SUPPLEMENTARY))
    )
    return set(connection.execute(query).scalars())


def _codes(connection: Connection) -> Iterator[Doubt]:
    """Yield episodes without a diagnosis, and those whose code was closed or unknown on their first day."""
    episode = tables.episode
    known_from = date.fromisoformat(dcsph_codes().valid_from)
    query = sa.select(episode.c.patient_id, episode.c.start_date, episode.c.diagnosis).where(
        episode.c.load_to.is_(None), episode.c.foreign.is_(False)
    )
    for patient, start, code in connection.execute(query):
        if not code:
            yield Doubt("no-code", patient, start)
        elif start >= known_from and code_status(code) in {"closed", "unknown"}:
            yield Doubt("codes", patient, start, code)
