"""Claims into the store: a patient who is new is worked out whole and written once; the rest line by line.

A practice's file holds up to a million lines, patient after patient. What is known of a new patient is all in hand,
so that episodes and sessions follow at once (`episodes.rebuilding.derive`) and no row is read back or written twice.
Whoever comes back later in the file is derived again at the end like any patient the store knew, with the same result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.episodes.facts import Derived, Line
from exchange.findings import Finding
from exchange.sources.rows import ClaimRow, PatientKey, Rejected, SettledRow
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.deriving import EPISODE_NAMES, SESSION_NAMES, Rebuilding, derive_one, episode_values
from exchange.store.driver import insert_rows
from exchange.store.gathering import CLAIM_NAMES, NOBODY, claim_id, claim_values, settled_id
from exchange.store.versions import Values, present, put, replace, supersede

_REJECTED, _PATIENT, _NAMED_AS, _EPISODE = (
    CLAIM_NAMES.index(name) for name in ("rejected", "patient_id", "named_as", "episode_id")
)
_AS_LINE = itemgetter(*(CLAIM_NAMES.index(name) for name in Line._fields))
_COMPARED = [name for name in CLAIM_NAMES if name != "episode_id"]

_Claim = list[Any]  # the values of CLAIM_NAMES


@dataclass(slots=True)
class Taken:
    """What one batch of claims did: patients to derive again, patients derived whole, rows without a patient."""

    touched: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)


class Claiming:
    """Writes the claims of one file; `differences` are those of the patients it derived whole."""

    def __init__(self, connection: Connection, database: Database, load: int, settings: Rebuilding) -> None:
        """Work within one transaction."""
        self.differences: dict[str, tuple[Finding, ...]] = {}
        self._connection = connection
        self._database = database
        self._load = load
        self._settings = settings

    def take(
        self, rows: Sequence[ClaimRow], who: Mapping[PatientKey, tuple[str, str]], fresh: Collection[str]
    ) -> Taken:
        """Write claims; `who` are the source row and patient of each way of naming one, `fresh` the new patients."""
        taken = Taken()
        claims: dict[str, _Claim] = {}
        for row in rows:
            source, patient = who.get(row.patient, ("", ""))
            if row.patient == NOBODY:
                taken.rejected.append(Rejected(row.line, "patient", "store.patient-not-named"))
                continue
            line_id = claim_id(self._database, row, source)
            claims[line_id] = claim_values(row, line_id, source, patient)
        self._answered(claims)
        self._write(claims, set(fresh), taken)
        return taken

    def settle(self, rows: Sequence[SettledRow]) -> set[str]:
        """Write an insurer's answers and mark the lines they are about; return the patients this touches."""
        if not rows:
            return set()
        # A line that was rejected may be claimed anew under its old reference: of two answers the one that granted
        # stands, whichever came first.
        verdicts: dict[str, bool] = {}
        for row in rows:
            settled = settled_id(self._database, row)
            verdicts[settled] = verdicts.get(settled, True) and row.rejected
        before = present(self._connection, tables.claim_settled, "line_id", list(verdicts))
        verdicts |= {row["line_id"]: False for row in before if not row["rejected"]}
        made = [{"line_id": settled, "rejected": verdict} for settled, verdict in verdicts.items()]
        put(self._connection, tables.claim_settled, made, self._load, key=("line_id",))
        for row in rows:
            credit = self._database.id_of("credit", row.kind, row.declarant, row.reference)
            verdicts[credit] = verdicts[settled_id(self._database, row)]
        named = present(self._connection, tables.claim_line, "reference", {row.reference for row in rows})
        changed = [
            line for line in named if line["line_id"] in verdicts and line["rejected"] != verdicts[line["line_id"]]
        ]
        anew = [{**line, "rejected": verdicts[line["line_id"]]} for line in changed]
        replace(self._connection, tables.claim_line, anew, changed, self._load, key="line_id")
        return {line["patient_id"] for line in changed}

    def _answered(self, claims: Mapping[str, _Claim]) -> None:
        """Mark the lines that an insurer rejected before they were loaded here."""
        table = tables.claim_settled
        if self._connection.execute(sa.select(table.c.row_id).limit(1)).first() is None:
            return
        ids = {
            line_id: settled_id(self._database, dict(zip(CLAIM_NAMES, claim, strict=True)))
            for line_id, claim in claims.items()
        }
        found = present(self._connection, table, "line_id", list(ids.values()))
        rejected = {row["line_id"] for row in found if row["rejected"]}
        for line_id, claim in claims.items():
            claim[_REJECTED] = ids[line_id] in rejected

    def _write(self, claims: Mapping[str, _Claim], fresh: set[str], taken: Taken) -> None:
        known = self._known(claims)
        changed, added = [], []
        for line_id, claim in claims.items():
            old = known.get(line_id)
            if old is None:
                added.append(claim)
                continue
            new = dict(zip(CLAIM_NAMES, claim, strict=True))
            if any(old[name] != new[name] for name in _COMPARED):
                changed.append(new)
                taken.touched |= {new["patient_id"], old["patient_id"]}
        supersede(self._connection, tables.claim_line, changed, known, self._load, key="line_id")
        by_patient: dict[str, list[_Claim]] = defaultdict(list)
        for claim in added:
            by_patient[claim[_PATIENT]].append(claim)
        taken.whole = (fresh & set(by_patient)) - taken.touched
        taken.touched |= set(by_patient) - taken.whole
        self._derive({patient: by_patient[patient] for patient in sorted(taken.whole)})
        insert_rows(
            self._connection, tables.claim_line, (*CLAIM_NAMES, "load_from"), [[*claim, self._load] for claim in added]
        )

    def _known(self, claims: Mapping[str, _Claim]) -> Mapping[str, Values]:
        """Return the lines the store has, found by reference: numbers that follow each other, unlike our ids."""
        reference = CLAIM_NAMES.index("reference")
        references = {claim[reference] for claim in claims.values()} - {""}
        rows = present(self._connection, tables.claim_line, "reference", references)
        without = {claim[_PATIENT] for claim in claims.values() if not claim[reference]}
        rows += present(self._connection, tables.claim_line, "patient_id", without)
        return {row["line_id"]: row for row in rows}

    def _derive(self, patients: Mapping[str, Sequence[_Claim]]) -> None:
        episodes: list[tuple[Any, ...]] = []
        sessions: list[tuple[Any, ...]] = []
        for patient, claims in patients.items():
            derived = derive_one(self._database, [Line._make(_AS_LINE(claim)) for claim in claims], self._settings)
            self._place(claims, derived)
            episodes += [(*episode_values(one), self._load) for one in derived.episodes]
            sessions += [(*one, self._load) for one in derived.sessions]
            if derived.differences:
                self.differences[patient] = derived.differences
        insert_rows(self._connection, tables.episode, (*EPISODE_NAMES, "load_from"), episodes)
        insert_rows(self._connection, tables.session, (*SESSION_NAMES, "load_from"), sessions)

    @staticmethod
    def _place(claims: Sequence[_Claim], derived: Derived) -> None:
        for claim in claims:
            claim[_EPISODE] = derived.episode_of_line.get(claim[0])
