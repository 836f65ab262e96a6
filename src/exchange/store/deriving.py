"""From source rows to current episodes and sessions, patient by patient, written as differences only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.episodes.facts import Derived, EpisodeSource, Line, SessionSource
from exchange.episodes.rebuilding import derive
from exchange.episodes.services import ServiceMap, shipped_services
from exchange.findings import Finding, Severity
from exchange.records.model import Episode, Session
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.driver import chunks
from exchange.store.versions import Values, amend, each, present, put, replace

# So many patients' rows are in memory at once.
PATIENTS = 400

GAP_DAYS = 90

_ATTACHED = (tables.measurement, tables.referral, tables.evaluation)


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """The visible settings of rebuilding: gap, map of service codes, our own AGB (or empty) and our other ones."""

    gap_days: int = GAP_DAYS
    services: ServiceMap = field(default_factory=shipped_services)
    declarant: str = ""
    also: frozenset[str] = frozenset()


def adopt(connection: Connection, load: int) -> set[str]:
    """Give rows that name only their episode the episode's patient; return the patients this touches."""
    touched: set[str] = set()
    source = tables.episode_source
    for table, column in (
        (tables.session_source, "episode_source_id"),
        (tables.measurement, "source_id"),
        (tables.referral, "source_id"),
        (tables.evaluation, "source_id"),
    ):
        query = (
            sa.select(table, source.c.patient_id.label("adopter"))
            .join(source, sa.and_(source.c.source_id == table.c[column], source.c.load_to.is_(None)))
            .where(table.c.load_to.is_(None), table.c.named_as == "", table.c.patient_id != source.c.patient_id)
        )
        rows = list(each(connection, query))
        touched |= {row["patient_id"] for row in rows} | {row["adopter"] for row in rows}
        amend(connection, table, [(row, {"patient_id": row["adopter"]}) for row in rows], load)
    return touched - {""}


def torn(connection: Connection) -> set[str]:
    """Return the patients of sessions that name somebody else's episode, and the patients of those episodes.

    Such a session stays with the patient it names, in an episode apart; both are derived again whichever came last.
    """
    session, source = tables.session_source, tables.episode_source
    query = (
        sa.select(session.c.patient_id, source.c.patient_id.label("other"))
        .join(source, sa.and_(source.c.source_id == session.c.episode_source_id, source.c.load_to.is_(None)))
        .where(session.c.load_to.is_(None), session.c.patient_id != source.c.patient_id)
        .distinct()
    )
    return {patient for row in connection.execute(query) for patient in row}


def derive_patients(
    connection: Connection, database: Database, patients: Iterable[str], load: int, settings: Rebuilding
) -> tuple[Finding, ...]:
    """Derive every patient's episodes and sessions anew and write what differs; return the differences found."""
    counts: dict[tuple[str, Severity, tuple[tuple[str, object], ...]], int] = defaultdict(int)
    for chunk in chunks(sorted(patients), PATIENTS):
        lines = _by_patient(connection, tables.claim_line, chunk)
        derived = _derive_chunk(connection, database, chunk, lines, settings)
        _write_derived(connection, chunk, derived, load)
        _place_lines(connection, lines, derived, load)
        _attach(connection, chunk, derived, load)
        for finding in (finding for one in derived.values() for finding in one.differences):
            params = tuple(sorted((name, value) for name, value in finding.params.items() if name != "count"))
            amount = finding.params.get("count", 1)
            counts[(finding.rule, finding.severity, params)] += amount if isinstance(amount, int) else 1
    return tuple(
        Finding(rule, severity=severity, params={**dict(params), "count": count})
        for (rule, severity, params), count in sorted(counts.items(), key=lambda item: repr(item[0]))
    )


def _by_patient(connection: Connection, table: sa.Table, patients: Sequence[str]) -> Mapping[str, list[Values]]:
    found: dict[str, list[Values]] = defaultdict(list)
    for row in present(connection, table, "patient_id", patients):
        found[row["patient_id"]].append(row)
    return found


def _derive_chunk(
    connection: Connection,
    database: Database,
    patients: Sequence[str],
    lines: Mapping[str, list[Values]],
    settings: Rebuilding,
) -> dict[str, Derived]:
    episodes = _by_patient(connection, tables.episode_source, patients)
    sessions = _by_patient(connection, tables.session_source, patients)
    named = {row["episode_source_id"] for rows in sessions.values() for row in rows} - {""}
    owners = {
        row["source_id"]: row["patient_id"] for row in present(connection, tables.episode_source, "source_id", named)
    }

    def session_source(row: Values) -> SessionSource:
        source = row["episode_source_id"]
        if owners.get(source, row["patient_id"]) != row["patient_id"]:
            source = database.id_of("apart", source, row["patient_id"])
        return _session_source(row, source)

    def session_id(patient: str, day: date, therapist: str, kind: str) -> str:
        return database.id_of("session", patient, day, therapist, kind)

    return {
        patient: derive(
            [_line(row) for row in lines.get(patient, ())],
            [_episode_source(row) for row in episodes.get(patient, ())],
            [session_source(row) for row in sessions.get(patient, ())],
            gap_days=settings.gap_days,
            services=settings.services,
            declarant=settings.declarant,
            also=settings.also,
            session_id=session_id,
        )
        for patient in patients
    }


def _line(row: Values) -> Line:
    return Line(
        line_id=row["line_id"],
        kind=row["kind"],
        patient_id=row["patient_id"],
        day=row["day"],
        reference=row["reference"],
        previous_reference=row["previous_reference"],
        declarant=row["declarant"],
        credit=row["credit"],
        rejected=row["rejected"],
        service_code=row["service_code"],
        code_list=row["code_list"],
        quantity=row["quantity"],
        diagnosis=row["diagnosis"],
        entitlement=row["entitlement"],
        therapist=row["therapist"],
        referrer=row["referrer"],
        referral_day=row["referral_day"],
        end_code=row["end_code"],
        trajectory=row["trajectory"],
        trajectory_start=row["trajectory_start"],
    )


def _episode_source(row: Values) -> EpisodeSource:
    return EpisodeSource(
        source_id=row["source_id"],
        kind=row["kind"],
        patient_id=row["patient_id"],
        start=row["start_date"],
        end=row["end_date"],
        diagnosis=row["diagnosis"],
        access=row["access"],
        end_reason=row["end_reason"],
        onward_advice=row["onward_advice"],
        chronic=row["chronic"],
        instrument=row["instrument"],
        declarant=row["declarant"],
        therapist=row["therapist"],
    )


def _session_source(row: Values, source: str) -> SessionSource:
    return SessionSource(
        source_id=source,
        patient_id=row["patient_id"],
        day=row["day"],
        type=row["type"],
        therapist=row["therapist"],
        self_paid=row["self_paid"],
        kind=row["kind"],
    )


def _write_derived(connection: Connection, patients: Sequence[str], derived: Mapping[str, Derived], load: int) -> None:
    episodes = [_episode_row(episode) for one in derived.values() for episode in one.episodes]
    have = present(connection, tables.episode, "patient_id", patients)
    replace(connection, tables.episode, episodes, have, load, key="episode_id")
    sessions = [_session_row(session) for one in derived.values() for session in one.sessions]
    have = present(connection, tables.session, "patient_id", patients)
    replace(connection, tables.session, sessions, have, load, key="session_id")
    aliases = [{"alias_id": alias, "episode_id": episode} for one in derived.values() for alias, episode in one.aliases]
    # An alias is never withdrawn: who kept an old id still finds the episode.
    put(connection, tables.episode_alias, aliases, load, key=("alias_id",))
    _move_exchanged(connection, {one["alias_id"]: one["episode_id"] for one in aliases}, load)


def _move_exchanged(connection: Connection, aliases: Mapping[str, str], load: int) -> None:
    """Let cases and answers follow the episode they were opened under, so that a query needs no alias."""
    old = [alias for alias, episode in aliases.items() if alias != episode]
    for table in (tables.case_opened, tables.answer):
        if connection.execute(sa.select(table.c.row_id).limit(1)).first() is not None:
            moved = present(connection, table, "episode_id", old)
            amend(connection, table, [(row, {"episode_id": aliases[row["episode_id"]]}) for row in moved], load)


def _place_lines(
    connection: Connection, lines: Mapping[str, list[Values]], derived: Mapping[str, Derived], load: int
) -> None:
    place = {line: episode for one in derived.values() for line, episode in one.episode_of_line.items()}
    homes = [(row, {"episode_id": place.get(row["line_id"])}) for rows in lines.values() for row in rows]
    moved = [(row, home) for row, home in homes if row["episode_id"] != home["episode_id"]]
    amend(connection, tables.claim_line, moved, load)


def _episode_row(episode: Episode) -> dict[str, Any]:
    return {
        "episode_id": episode.episode_id,
        "patient_id": episode.patient_id,
        "source": episode.source,
        "start_date": episode.start,
        "end_date": episode.end,
        "diagnosis": episode.diagnosis,
        "location": episode.location,
        "access": episode.access,
        "end_reason": episode.end_reason,
        "onward_advice": episode.onward_advice,
        "chronic": episode.chronic,
        "instrument": episode.instrument,
        "declarant": episode.declarant,
        "therapist": episode.therapist,
        "rebuilt": episode.rebuilt,
        "foreign": episode.foreign,
    }


def _session_row(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "episode_id": session.episode_id,
        "patient_id": session.patient_id,
        "day": session.day,
        "type": session.type,
        "therapist": session.therapist,
        "source": session.source,
        "self_paid": session.self_paid,
    }


def _attach(connection: Connection, patients: Sequence[str], derived: Mapping[str, Derived], load: int) -> None:
    """Place measurements, referrals and evaluations under the episode they name, else under one of their day."""
    aliases = {patient: dict(one.aliases) for patient, one in derived.items()}
    for table in _ATTACHED:
        rows = present(connection, table, "patient_id", patients)
        homes = [
            (row, {"episode_id": _home(row, derived[row["patient_id"]].episodes, aliases[row["patient_id"]])})
            for row in rows
        ]
        moved = [(row, home) for row, home in homes if row["episode_id"] != home["episode_id"]]
        amend(connection, table, moved, load)


def _home(row: Values, episodes: Sequence[Episode], aliases: Mapping[str, str]) -> str:
    present_ids = {episode.episode_id for episode in episodes}
    for known in (aliases.get(row["source_id"], ""), row["source_id"]):
        if known in present_ids:
            return known
    day = row["day"] or row.get("recorded_on")
    if day is None:
        return episodes[0].episode_id if len(episodes) == 1 else ""
    around = [one for one in episodes if one.start <= day and (one.end is None or day <= one.end)]
    if around:
        return max(around, key=lambda one: (one.start, one.episode_id)).episode_id
    # A referral comes before the treatment it asks for.
    after = [one for one in episodes if one.start > day] if "referrer" in row else []
    return min(after, key=lambda one: (one.start, one.episode_id)).episode_id if after else ""
