"""The ways in which files name and describe patients, kept as source rows, and the patients they make together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from exchange.records.codes import Sex, SourceKind
from exchange.sources.rows import PatientKey, PatientRow
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.driver import chunks, select_rows
from exchange.store.identifying import Naming, identify
from exchange.store.versions import Values, amend, insert, present, replace, retire

_NODES = ("bsn_node", "epd_node", "key_node")
_PRECEDENCE = {kind: place for place, kind in enumerate(SourceKind)}

# What a sealed value is bound to, with its own index; source and patient share it, so that a value is sealed once.
BSN, EPD, NAME = "bsn", "epd", "name"


@dataclass(frozen=True, slots=True)
class Description:
    """What one kind of file says of a patient under one name."""

    key: PatientKey
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    name: str = ""
    number: str = ""


def described(row: PatientRow) -> Description:
    """Return a patient row's description."""
    return Description(row.patient, row.birth_date, row.sex, row.name, row.number)


@dataclass(frozen=True, slots=True)
class Named:
    """The source rows and patients of some ways of naming; `moved` are source ids that went to another patient.

    `fresh` are patients of whom the store knew nothing; `left` are patients that a moved way had before.
    """

    who: Mapping[PatientKey, tuple[str, str]]
    moved: Mapping[str, str]
    touched: frozenset[str]
    ambiguous: int
    fresh: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()

    def moved_to(self, who: tuple[str, str]) -> tuple[str, str]:
        """Return source row and patient of a way that was looked up before."""
        return (who[0], self.moved.get(who[0], who[1]))


def _nodes(database: Database, key: PatientKey) -> tuple[str, str, str]:
    return (
        database.id_of("bsn", key.bsn) if key.bsn else "",
        database.id_of("epd", key.epd_number) if key.epd_number else "",
        database.id_of("key", key.system, key.key) if key.key else "",
    )


def name_patients(
    connection: Connection, database: Database, kind: SourceKind, descriptions: Sequence[Description], load: int
) -> Named:
    """Keep the ways of naming patients and work out who they are, with all other ways that share an identifier."""
    nodes = {one.key: _nodes(database, one.key) for one in descriptions}
    ids = {key: database.id_of("patient-source", kind, *found) for key, found in nodes.items()}
    have = {row["source_id"]: row for row in present(connection, tables.patient_source, "source_id", set(ids.values()))}
    wanted: dict[str, dict[str, Any]] = {}
    for one in descriptions:
        source_id = ids[one.key]
        base = wanted.get(source_id) or have.get(source_id)
        made = dict(base) if base else _blank(kind, source_id, nodes[one.key])
        if _say(database, made, one) or not base:
            wanted[source_id] = made
    new = [made for source_id, made in wanted.items() if source_id not in have]
    alone = _alone(connection, new)
    retire(connection, tables.patient_source, [have[name] for name in wanted if name in have], load)
    for made in wanted.values():
        made["load_from"], made["load_to"] = load, None
    insert(connection, tables.patient_source, list(wanted.values()), load)
    insert(connection, tables.patient, [_patient(who, [made]) for who, made in alone.items()], load)
    meeting = [made for made in new if made["patient_id"] not in alone]
    moved, ambiguous, patients = _settle(connection, meeting, load)
    current = {row["source_id"]: row["patient_id"] for row in have.values()} | {
        source_id: made["patient_id"] for source_id, made in wanted.items()
    }
    current |= patients
    return Named(
        {key: (source_id, current[source_id]) for key, source_id in ids.items()},
        {source_id: patients[source_id] for source_id in moved},
        frozenset({*moved.values(), *(current[source_id] for source_id in {*wanted, *moved})}) - {""},
        ambiguous,
        frozenset(alone),
        frozenset(moved.values()),
    )


def _alone(connection: Connection, new: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name the new ways that share no identifier with any other: each is a new patient by itself.

    It is what `_settle` would find, without asking after each of them.
    """
    met: dict[str, set[str]] = {}
    for name in _NODES:
        nodes = [made[name] for made in new if made[name]]
        twice = {node for node, times in Counter(nodes).items() if times > 1}
        met[name] = twice | {row[0] for row in select_rows(connection, tables.patient_source, (name,), name, nodes)}
    alone = {
        next(made[name] for name in _NODES if made[name]): made
        for made in new
        if any(made[name] for name in _NODES) and not any(made[name] in met[name] for name in _NODES)
    }
    known = {row[0] for row in select_rows(connection, tables.patient, ("patient_id",), "patient_id", list(alone))}
    found = {patient: made for patient, made in alone.items() if patient not in known}
    for patient, made in found.items():
        made["patient_id"] = patient
    return found


def _blank(kind: SourceKind, source_id: str, nodes: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "kind": kind,
        **dict(zip(_NODES, nodes, strict=True)),
        "patient_id": "",
        "birth_date": None,
        "sex": Sex.UNKNOWN,
        "bsn_index": nodes[0] or None,
        "epd_index": nodes[1] or None,
        "name_index": None,
        "bsn_sealed": None,
        "epd_sealed": None,
        "name_sealed": None,
    }


def _say(database: Database, made: dict[str, Any], one: Description) -> bool:
    """Let a description speak; what it leaves empty overwrites nothing. Tell whether it changed anything."""
    changed = False
    if one.birth_date is not None and made["birth_date"] != one.birth_date:
        made["birth_date"], changed = one.birth_date, True
    if one.sex is not Sex.UNKNOWN and made["sex"] != one.sex:
        made["sex"], changed = one.sex, True
    name = database.id_of("name", one.name) if one.name else ""
    if name and (made["name_index"] != name or made["name_sealed"] is None):
        made["name_index"], made["name_sealed"], changed = name, database.seal(NAME, name, one.name), True
    # What retention dropped comes back when a file brings it again; it goes again when nothing needs it.
    for kind, value in ((BSN, one.key.bsn), (EPD, one.key.epd_number)):
        if value and made[f"{kind}_sealed"] is None:
            made[f"{kind}_sealed"], changed = database.seal(kind, made[f"{kind}_index"], value), True
    # A claim's own number of a patient is shown; it is no node, so that it never makes two people one.
    number = database.id_of("epd", one.number) if one.number and not made["epd_node"] else ""
    if number and (made["epd_index"] != number or made["epd_sealed"] is None):
        made["epd_index"], made["epd_sealed"], changed = number, database.seal(EPD, number, one.number), True
    return changed


def _settle(connection: Connection, new: Iterable[Values], load: int) -> tuple[dict[str, str], int, dict[str, str]]:
    """Work out the patients of new ways and of all that hang together with them.

    Return the ways that had another patient with that patient, the number of ambiguous identifiers, and the
    patient of every way that was looked at.
    """
    rows = {row["source_id"]: row for row in _connected(connection, new)}
    found = identify(
        Naming(row["source_id"], row["bsn_node"], row["epd_node"], row["key_node"]) for row in rows.values()
    )
    changes = {
        source_id: patient for source_id, patient in found.patients.items() if rows[source_id]["patient_id"] != patient
    }
    amend(connection, tables.patient_source, [(rows[name], {"patient_id": who}) for name, who in changes.items()], load)
    moved = {source_id: rows[source_id]["patient_id"] for source_id in changes if rows[source_id]["patient_id"]}
    return moved, found.ambiguous, dict(found.patients)


def _connected(connection: Connection, start: Iterable[Values]) -> list[Values]:
    """Return every way of naming that shares an identifier with these, directly or through others."""
    found: dict[str, Values] = {}
    frontier = {name: {row[name] for row in start} - {""} for name in _NODES}
    seen: dict[str, set[str]] = {name: set() for name in _NODES}
    while any(frontier.values()):
        rows: list[Values] = []
        for name in _NODES:
            seen[name] |= frontier[name]
            rows += present(connection, tables.patient_source, name, frontier[name])
        found |= {row["source_id"]: row for row in rows}
        frontier = {name: {row[name] for row in rows} - {""} - seen[name] for name in _NODES}
    return list(found.values())


def describe_patients(connection: Connection, patient_ids: Iterable[str], load: int) -> None:
    """Make the patients' current rows what their sources say together: an EPD's word before a claim's."""
    for chunk in chunks(sorted(patient_ids)):
        sources: dict[str, list[Values]] = {}
        for row in present(connection, tables.patient_source, "patient_id", chunk):
            sources.setdefault(row["patient_id"], []).append(row)
        rows = [_patient(patient_id, found) for patient_id, found in sources.items()]
        have = present(connection, tables.patient, "patient_id", chunk)
        _keep_sealed(rows, {row["patient_id"]: row for row in have})
        replace(connection, tables.patient, rows, have, load, key="patient_id")


def _keep_sealed(rows: Iterable[dict[str, Any]], have: Mapping[str, Values]) -> None:
    """Keep the sealed bytes of what did not change: sealed anew they differ, and the patient would seem changed."""
    for row in rows:
        before = have.get(row["patient_id"])
        if before is None:
            continue
        for kind in ("bsn", "epd", "name"):
            same = row[f"{kind}_index"] == before[f"{kind}_index"] and row[f"{kind}_sealed"] is not None
            if same and before[f"{kind}_sealed"] is not None:
                row[f"{kind}_sealed"] = before[f"{kind}_sealed"]


def _patient(patient_id: str, sources: list[Values]) -> dict[str, Any]:
    ordered = sorted(sources, key=lambda row: (_PRECEDENCE[row["kind"]], row["source_id"]))

    def first(name: str, nothing: object = None) -> Any:
        return next((row[name] for row in ordered if row[name] != nothing), nothing)

    sealed: dict[str, Any] = {}
    for kind in (BSN, EPD, NAME):
        index = first(f"{kind}_index")
        same = (row[f"{kind}_sealed"] for row in ordered if row[f"{kind}_index"] == index)
        # A value opens beside its own index only.
        sealed |= {f"{kind}_index": index, f"{kind}_sealed": next((one for one in same if one is not None), None)}
    return {
        "patient_id": patient_id,
        **sealed,
        "birth_date": first("birth_date"),
        "sex": first("sex", Sex.UNKNOWN),
    }
