"""From source rows to current episodes and sessions, patient by patient, written as differences only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from exchange.store.driver import chunks, select_rows, update_rows
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
    """Return the patients of sessions that name somebody else's episode, and whoever else has or names it.

    Such a session stays with the patient it names, in an episode apart; all are derived again whichever came last.
    """
    session, source = tables.session_source, tables.episode_source
    query = (
        sa.select(session.c.patient_id, source.c.patient_id.label("other"))
        .join(source, sa.and_(source.c.source_id == session.c.episode_source_id, source.c.load_to.is_(None)))
        .where(session.c.load_to.is_(None), session.c.patient_id != source.c.patient_id)
        .distinct()
    )
    other = session.alias()
    both = sa.select(session.c.patient_id).join(
        other,
        sa.and_(
            other.c.episode_source_id == session.c.episode_source_id,
            other.c.patient_id != session.c.patient_id,
            other.c.load_to.is_(None),
        ),
    )
    contested = both.where(session.c.load_to.is_(None), session.c.episode_source_id != "").distinct()
    found = {patient for row in connection.execute(query) for patient in row}
    return found | set(connection.execute(contested).scalars())


def _owners(connection: Connection, named: Collection[str]) -> Mapping[str, str]:
    """Return whose each named episode is: its own row says so; without one it is the first patient's, by id."""
    source, session = tables.episode_source, tables.session_source
    owners = dict(select_rows(connection, source, ("source_id", "patient_id"), "source_id", named))
    naming = select_rows(
        connection, session, ("episode_source_id", "patient_id"), "episode_source_id", set(named) - set(owners)
    )
    for episode, patient in sorted(naming):
        if patient:
            owners.setdefault(episode, patient)
    return owners


def derive_patients(
    connection: Connection, database: Database, patients: Iterable[str], load: int, settings: Rebuilding
) -> tuple[Finding, ...]:
    """Derive every patient's episodes and sessions anew and write what differs; return the differences found."""
    found: list[Finding] = []
    for chunk in chunks(sorted(patients), PATIENTS):
        lines = _lines(connection, chunk)
        derived = _derive_chunk(connection, database, chunk, lines, settings)
        _write_derived(connection, chunk, derived, load)
        _place_lines(connection, lines, derived, load)
        _attach(connection, chunk, derived, load)
        found = list(counted((*found, *(finding for one in derived.values() for finding in one.differences))))
    return tuple(found)


def counted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Add up findings of the same rule about the same thing, whichever patients they were of."""
    counts: dict[tuple[str, Severity, tuple[tuple[str, object], ...]], int] = defaultdict(int)
    for finding in findings:
        params = tuple(sorted((name, value) for name, value in finding.params.items() if name != "count"))
        amount = finding.params.get("count", 1)
        counts[(finding.rule, finding.severity, params)] += amount if isinstance(amount, int) else 1
    return tuple(
        Finding(rule, severity=severity, params={**dict(params), "count": count})
        for (rule, severity, params), count in sorted(counts.items(), key=lambda item: repr(item[0]))
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A claim line as the store has it, and where it stands there."""

    line: Line
    episode_id: str | None
    row_id: int
    load_from: int


_KEPT = (*Line._fields, "episode_id", "row_id", "load_from")


def _lines(connection: Connection, patients: Sequence[str]) -> Mapping[str, list[_Kept]]:
    found: dict[str, list[_Kept]] = defaultdict(list)
    for row in select_rows(connection, tables.claim_line, _KEPT, "patient_id", patients):
        kept = _Kept(Line._make(row[:-3]), *row[-3:])
        found[kept.line.patient_id].append(kept)
    return found


def derive_one(
    database: Database,
    lines: Iterable[Line],
    settings: Rebuilding,
    episodes: Iterable[EpisodeSource] = (),
    sessions: Iterable[SessionSource] = (),
) -> Derived:
    """Derive one patient from all that is known of them."""

    def session_id(patient: str, day: date, therapist: str, kind: str) -> str:
        return database.id_of("session", patient, day, therapist, kind)

    return derive(
        lines,
        episodes,
        sessions,
        gap_days=settings.gap_days,
        services=settings.services,
        declarant=settings.declarant,
        also=settings.also,
        session_id=session_id,
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
    lines: Mapping[str, list[_Kept]],
    settings: Rebuilding,
) -> dict[str, Derived]:
    episodes = _by_patient(connection, tables.episode_source, patients)
    sessions = _by_patient(connection, tables.session_source, patients)
    named = {row["episode_source_id"] for rows in sessions.values() for row in rows} - {""}
    owners = _owners(connection, named)

    def session_source(row: Values) -> SessionSource:
        source = row["episode_source_id"]
        if owners.get(source, row["patient_id"]) != row["patient_id"]:
            source = database.id_of("apart", source, row["patient_id"])
        return _session_source(row, source)

    return {
        patient: derive_one(
            database,
            [kept.line for kept in lines.get(patient, ())],
            settings,
            [_episode_source(row) for row in episodes.get(patient, ())],
            [session_source(row) for row in sessions.get(patient, ())],
        )
        for patient in patients
    }


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
    episodes = [_named(EPISODE_NAMES, episode_values(episode)) for one in derived.values() for episode in one.episodes]
    before = present(connection, tables.episode, "patient_id", patients)
    replace(connection, tables.episode, episodes, before, load, key="episode_id")
    sessions = [session._asdict() for one in derived.values() for session in one.sessions]
    # An episode may have gone to another patient within this load: what is theirs by now stays.
    under = present(connection, tables.session, "episode_id", [row["episode_id"] for row in before])
    have = [row for row in under if row["patient_id"] in derived]
    replace(connection, tables.session, sessions, have, load, key="session_id")
    gone = {row["episode_id"] for row in before} - {row["episode_id"] for row in episodes}
    aliases = {alias: episode for one in derived.values() for alias, episode in one.aliases}
    # A claim line says itself where it belongs; a second source of an episode is found, and destroyed, by its alias.
    of_lines = {line for one in derived.values() for line in one.episode_of_line}
    _keep_aliases(connection, gone | (set(aliases) - of_lines), aliases, load)


def _keep_aliases(connection: Connection, names: Collection[str], aliases: Mapping[str, str], load: int) -> None:
    """Let every id that an episode lost, or that a second source gave it, lead to the one it has now.

    So do cases and answers under it. An alias is never withdrawn: who kept an old id still finds the episode.
    """
    earlier = [row["alias_id"] for row in present(connection, tables.episode_alias, "episode_id", names)]
    old = {name: aliases[name] for name in (*names, *earlier) if aliases.get(name, name) != name}
    rows = [{"alias_id": name, "episode_id": episode} for name, episode in sorted(old.items())]
    put(connection, tables.episode_alias, rows, load, key=("alias_id",))
    for table in (tables.case_opened, tables.answer):
        moved = present(connection, table, "episode_id", old)
        amend(connection, table, [(row, {"episode_id": old[row["episode_id"]]}) for row in moved], load)


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def _place_lines(
    connection: Connection, lines: Mapping[str, list[_Kept]], derived: Mapping[str, Derived], load: int
) -> None:
    place = {line: episode for one in derived.values() for line, episode in one.episode_of_line.items()}
    moved = [
        (kept, home)
        for rows in lines.values()
        for kept in rows
        if kept.episode_id != (home := place.get(kept.line.line_id))
    ]
    own = [(home, kept.row_id) for kept, home in moved if kept.load_from == load]
    update_rows(connection, tables.claim_line, ("episode_id",), own)
    older = {kept.row_id: home for kept, home in moved if kept.load_from != load}
    rows = present(connection, tables.claim_line, "row_id", list(older))
    amend(connection, tables.claim_line, [(row, {"episode_id": older[row["row_id"]]}) for row in rows], load)


EPISODE_NAMES = (
    "episode_id",
    "patient_id",
    "source",
    "start_date",
    "end_date",
    "diagnosis",
    "location",
    "access",
    "end_reason",
    "onward_advice",
    "chronic",
    "instrument",
    "declarant",
    "therapist",
    "rebuilt",
    "foreign",
)
# A session is its row.
SESSION_NAMES = Session._fields


def episode_values(episode: Episode) -> tuple[Any, ...]:
    """Return the values of EPISODE_NAMES."""
    return (
        episode.episode_id,
        episode.patient_id,
        episode.source,
        episode.start,
        episode.end,
        episode.diagnosis,
        episode.location,
        episode.access,
        episode.end_reason,
        episode.onward_advice,
        episode.chronic,
        episode.instrument,
        episode.declarant,
        episode.therapist,
        episode.rebuilt,
        episode.foreign,
    )


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
