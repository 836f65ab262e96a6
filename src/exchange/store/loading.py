"""Loading: everything of one file, or nothing, in one transaction; the same current rows in every order of files."""

from __future__ import annotations

import gc
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.findings import Finding, Severity
from exchange.records.codes import Counterfactual, SourceKind
from exchange.sources import rows as source_rows
from exchange.sources.rejects import Rejects
from exchange.sources.rows import ClaimRow, PatientKey, PatientRow, Rejected, Row, SettledRow
from exchange.store import gathering, tables
from exchange.store.answers import put_own_aggregates, put_own_answers
from exchange.store.claiming import Claiming
from exchange.store.database import Database, new_load
from exchange.store.deriving import Rebuilding, adopt, counted, derive_patients, torn
from exchange.store.figures import put_index, put_prem
from exchange.store.gathering import NOBODY, Made, kind_of
from exchange.store.naming import Description, describe_patients, described, name_patients
from exchange.store.versions import Values, amend, current, present, supersede

BUFFER = 5000
# So many ways of naming a patient are remembered; any other is looked up again.
_KNOWN_PATIENTS = 20_000

_Maker = Callable[[Database, Any, tuple[str, str]], Made]

# Which table a row of a patient goes to, by which key, and how.
_TARGETS: Mapping[type, tuple[sa.Table, str, _Maker]] = {
    source_rows.EpisodeRow: (tables.episode_source, "source_id", gathering.of_episode),
    source_rows.SessionRow: (tables.session_source, "source_id", gathering.of_session),
    source_rows.MeasurementRow: (tables.measurement, "measurement_id", gathering.of_measurement),
    source_rows.ReferralRow: (tables.referral, "referral_id", gathering.of_referral),
    source_rows.EvaluationRow: (tables.evaluation, "evaluation_id", gathering.of_evaluation),
}
_OF_PATIENTS = (ClaimRow, *_TARGETS)
_WORKED_OUT = ("episode_id",)
_COUNTED = {
    "patients": tables.patient,
    "episodes": tables.episode,
    "sessions": tables.session,
    "measurements": tables.measurement,
}


def changed_in(connection: Connection, loads: Collection[int]) -> dict[str, int]:
    """Return how many current records of each kind these loads made or changed, each record once."""
    counts = {}
    for name, table in _COUNTED.items():
        query = sa.select(sa.func.count()).select_from(table).where(current(table), table.c.load_from.in_(set(loads)))
        counts[name] = int(connection.execute(query).scalar_one())
    return counts


class _Undo(Exception):  # noqa: N818 - not an error: how a dry run leaves its transaction
    pass


class Batch:
    """One file being loaded; `add` every row of its reader, and read the results after the `with` block.

    `counts` are the patients, episodes, sessions and measurements this load made or changed, and the rows it
    rejected. `already` means that the same bytes were loaded before: nothing changes, `counts` are those of then.
    """

    def __init__(self, load_id: int, gatherer: Gatherer | None, counts: dict[str, int]) -> None:
        """Only `loading` makes one; without a gatherer the file was loaded before."""
        self.load_id = load_id
        self.counts = counts
        self.findings: tuple[Finding, ...] = ()
        self._gatherer = gatherer

    @property
    def already(self) -> bool:
        """Tell whether the same bytes were loaded before."""
        return self._gatherer is None

    @property
    def rejected(self) -> Rejects:
        """Return the rows that were not taken, by the reader or by the store."""
        return Rejects() if self._gatherer is None else self._gatherer.rejected

    def add(self, row: Row | Rejected) -> None:
        """Take one row of a reader, or one that it rejected."""
        if self._gatherer is not None:
            self._gatherer.add(row)


class Gatherer:
    """Writes the rows of one file to the source tables and keeps whom they touch."""

    def __init__(
        self, connection: Connection, database: Database, kind: SourceKind, load_id: int, settings: Rebuilding
    ) -> None:
        """Work within one transaction."""
        self.rejected = Rejects()
        self._connection = connection
        self._database = database
        self._kind = kind
        self._load = load_id
        self._settings = settings
        self._claiming = Claiming(connection, database, load_id, settings)
        self._rows: dict[type, list[Any]] = defaultdict(list)
        self._waiting = 0
        self._touched: set[str] = set()
        self._who: dict[PatientKey, tuple[str, str]] = {}
        self._ambiguous = 0

    def add(self, row: Row | Rejected) -> None:
        """Keep a row until there are enough to write at once."""
        if isinstance(row, Rejected):
            self.rejected.append(row)
            return
        # A patient's rows stand together: what is cut between two patients is whole.
        if self._waiting >= BUFFER and (type(row) is PatientRow or self._waiting >= 2 * BUFFER):
            self.flush()
        self._rows[type(row)].append(row)
        self._waiting += 1

    def flush(self) -> None:
        """Write what waits."""
        rows, self._rows, self._waiting = self._rows, defaultdict(list), 0
        fresh = self._name(rows)
        taken = self._claiming.take(rows[ClaimRow], self._who, fresh)
        self.rejected.extend(taken.rejected)
        # Whoever was derived whole is touched again when anything else comes.
        self._touched = (self._touched - taken.whole) | taken.touched
        for kind, (table, key, make) in _TARGETS.items():
            if rows[kind]:
                self._write(table, key, self._made(rows[kind], make))
        self._touched |= self._claiming.settle(rows[SettledRow])
        self._others(rows)

    def finish(self) -> tuple[dict[str, int], tuple[Finding, ...]]:
        """Write the last rows and derive what follows from all; return counts and findings."""
        self.flush()
        touched = (self._touched | adopt(self._connection, self._load) | torn(self._connection)) - {""}
        describe_patients(self._connection, touched, self._load)
        differences = derive_patients(self._connection, self._database, touched, self._load, self._settings)
        for patient in touched:
            self._claiming.differences.pop(patient, None)
        early = (finding for found in self._claiming.differences.values() for finding in found)
        differences = counted((*differences, *early))
        counts = {name: self._count(table) for name, table in _COUNTED.items()} | {"rejected": len(self.rejected)}
        return counts, (*differences, *self._own_findings())

    def _name(self, rows: Mapping[type, Sequence[Any]]) -> frozenset[str]:
        """Find out who the rows are about; return the patients of whom nothing was known."""
        if len(self._who) > _KNOWN_PATIENTS:
            self._who = {}
        descriptions = [described(row) for row in rows[PatientRow]]
        keys = {row.patient: None for kind in _OF_PATIENTS for row in rows[kind] if row.patient not in self._who}
        keys.pop(NOBODY, None)
        descriptions += [Description(key) for key in keys]
        named = name_patients(self._connection, self._database, self._kind, descriptions, self._load)
        self._touched |= named.touched
        self._ambiguous += named.ambiguous
        if named.moved:
            for table in (tables.claim_line, *(target[0] for target in _TARGETS.values())):
                theirs = present(self._connection, table, "patient_id", named.left)
                moving = [row for row in theirs if row["named_as"] in named.moved]
                moves = [(row, {"patient_id": named.moved[row["named_as"]]}) for row in moving]
                amend(self._connection, table, moves, self._load)
            # Whoever was looked up before may be somebody else now.
            self._who = {key: named.moved_to(who) for key, who in self._who.items()}
        self._who |= named.who
        return named.fresh

    def _made(self, rows: Sequence[Any], make: _Maker) -> list[Made]:
        made = []
        for row in rows:
            if row.patient == NOBODY and not getattr(row, "episode_key", ""):
                self.rejected.append(Rejected(row.line, "patient", "store.patient-not-named"))
            else:
                made.append(make(self._database, row, self._who.get(row.patient, ("", ""))))
        return made

    def _write(self, table: sa.Table, key: str, made: Sequence[Made]) -> None:
        unique = {one[key]: one for one in made}
        have = {row[key]: row for row in present(self._connection, table, key, list(unique))}
        changed = []
        for natural, one in unique.items():
            old = have.get(natural)
            if old is not None and not one["named_as"]:
                # Whoever it was last worked out to be; `adopt` looks again.
                one["patient_id"] = old["patient_id"]
            if old is not None and table is tables.referral:
                _keep_answer(one, old)
            if old is None or _changed(old, one):
                changed.append(one)
                self._touched |= {one["patient_id"], old["patient_id"] if old else ""}
        supersede(self._connection, table, changed, have, self._load, key=key)

    def _others(self, rows: Mapping[type, Sequence[Any]]) -> None:
        put_index(self._connection, rows[source_rows.IndexRow], self._load)
        put_prem(self._connection, self._database, rows[source_rows.PremRow], self._load)
        strange = put_own_answers(self._connection, self._database, rows[source_rows.AnswerRow], self._load)
        self.rejected.extend(strange)
        put_own_aggregates(self._connection, self._database, rows[source_rows.AggregateRow], self._load)

    def _count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(current(table), table.c.load_from == self._load)
        return int(self._connection.execute(query.where(*conditions)).scalar_one())

    def _own_findings(self) -> tuple[Finding, ...]:
        attached = (tables.measurement, tables.referral, tables.evaluation)
        loose = sum(self._count(table, table.c.episode_id == "") for table in attached)
        return tuple(
            Finding(rule, severity=Severity.WARNING, params={"count": count})
            for rule, count in (("store.patient-ambiguous", self._ambiguous), ("store.not-attached", loose))
            if count
        )


def _keep_answer(new: Made, old: Values) -> None:
    """Keep what the client answered where a file only says that it does not know."""
    if new["counterfactual"] is Counterfactual.UNKNOWN and new["recorded_on"] is None:
        new |= {name: old[name] for name in ("counterfactual", "answered_by", "recorded_on")}


def _changed(old: Values, new: Values) -> bool:
    return any(old[name] != value for name, value in new.items() if name not in _WORKED_OUT)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for cycles less often: rows are tuples of texts and days, and looking through them costs a sixth."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def loading(
    database: Database,
    *,
    kind: str,
    file_name: str,
    digest: str,
    by: str,
    at: datetime,
    settings: Rebuilding | None = None,
    dry_run: bool = False,
) -> Iterator[Batch]:
    """Load one file: `kind` as in `exchange load --as`, `digest` the SHA-256 of what decides its rows.

    An exception inside the block undoes all of it. A dry run counts and finds as if, and changes nothing.
    """
    try:
        with database.writing() as connection:
            before = connection.execute(
                sa.select(tables.load).where(tables.load.c.digest == digest, tables.load.c.digest != "")
            ).first()
            if before is not None:
                yield Batch(before.load_id, None, json.loads(before.counts))
                return
            load_id = new_load(connection, kind, by=by, at=at, file_name=file_name, digest=digest)
            gatherer = Gatherer(connection, database, kind_of(kind), load_id, settings or Rebuilding())
            batch = Batch(load_id, gatherer, {})
            with database.roomy(connection), _seldom_collecting():
                yield batch
                batch.counts, batch.findings = gatherer.finish()
            counted = json.dumps(batch.counts, sort_keys=True)
            connection.execute(sa.update(tables.load).where(tables.load.c.load_id == load_id).values(counts=counted))
            _undo_if(dry_run)
    except _Undo:
        pass


def _undo_if(dry_run: bool) -> None:
    if dry_run:
        raise _Undo
