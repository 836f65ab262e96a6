"""What is doubtful in the data as they stand: counts only, so that nothing of a patient is in them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.episodes.services import TREATMENTS
from exchange.records.codes import Sex
from exchange.records.dcsph import code_status, dcsph_codes
from exchange.store import tables


@dataclass(frozen=True, slots=True)
class Quality:
    """How often something is doubtful, over all that is current.

    `open_without_care`: episodes without an end whose last session (or start) is longer ago than the gap.
    `days_to_come`: sessions on a day that has yet to come. `codes_closed`: episodes whose DCSPH code is closed at
    their start (the list holds from its own first day; before it nothing is said). `perhaps_same`: patients known
    by EPD number only who share birth date and sex with one known by BSN only.
    """

    open_without_care: int
    days_to_come: int
    codes_closed: int
    perhaps_same: int


def quality(connection: Connection, *, on: date, gap_days: int) -> Quality:
    """Count what is doubtful now."""
    return Quality(
        _open_without_care(connection, on - timedelta(days=gap_days)),
        _days_to_come(connection, on),
        _codes_closed(connection),
        len(likely_same(connection)),
    )


def self_paid(connection: Connection, start: date, last: date) -> int:
    """Count the treatment sessions from `start` through `last` that patients paid themselves."""
    session = tables.session
    query = (
        sa.select(sa.func.count())
        .select_from(session)
        .where(session.c.load_to.is_(None), session.c.self_paid.is_(True))
        .where(session.c.day >= start, session.c.day <= last, session.c.type.in_(sorted(TREATMENTS)))
    )
    return int(connection.execute(query).scalar_one())


def _open_without_care(connection: Connection, before: date) -> int:
    episode, session = tables.episode, tables.session
    later = (
        sa.select(session.c.row_id)
        .where(session.c.load_to.is_(None), session.c.episode_id == episode.c.episode_id, session.c.day >= before)
        .exists()
    )
    query = (
        sa.select(sa.func.count())
        .select_from(episode)
        .where(episode.c.load_to.is_(None), episode.c.end_date.is_(None), episode.c.start_date < before, ~later)
    )
    return int(connection.execute(query).scalar_one())


def _days_to_come(connection: Connection, on: date) -> int:
    session = tables.session
    query = sa.select(sa.func.count()).select_from(session).where(session.c.load_to.is_(None), session.c.day > on)
    return int(connection.execute(query).scalar_one())


def _codes_closed(connection: Connection) -> int:
    episode = tables.episode
    query = (
        sa.select(episode.c.diagnosis, sa.func.count())
        .where(
            episode.c.load_to.is_(None),
            episode.c.diagnosis != "",
            episode.c.start_date >= date.fromisoformat(dcsph_codes().valid_from),
        )
        .group_by(episode.c.diagnosis)
    )
    return sum(count for code, count in connection.execute(query) if code_status(code) in {"closed", "unknown"})


def likely_same(connection: Connection) -> tuple[str, ...]:
    """Return the patients known by EPD number only who share birth date and sex with one known by BSN only."""
    patient, source = tables.patient, tables.patient_source
    # Named by a number, not merely shown with one that stood on a claim.
    numbered = sa.select(source.c.patient_id).where(source.c.load_to.is_(None), source.c.epd_node != "")
    without_number = patient.c.patient_id.not_in(numbered)
    query = (
        sa.select(
            patient.c.patient_id, patient.c.birth_date, patient.c.sex, patient.c.bsn_index.is_(None), without_number
        )
        .where(patient.c.load_to.is_(None), patient.c.birth_date.is_not(None))
        .where(sa.or_(patient.c.bsn_index.is_(None), without_number))
    )
    by_number: list[tuple[str, date, Sex]] = []
    by_bsn: dict[date, set[Sex]] = defaultdict(set)
    for who, born, sex, no_bsn, no_number in connection.execute(query):
        if no_number:
            by_bsn[born].add(sex)
        elif no_bsn:
            by_number.append((who, born, sex))
    # GDS801 tells no sex.
    return tuple(
        who
        for who, born, sex in by_number
        if by_bsn[born] and (sex is Sex.UNKNOWN or by_bsn[born] & {sex, Sex.UNKNOWN})
    )
