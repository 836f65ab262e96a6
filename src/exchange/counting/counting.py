"""A definition as one query: the same integers as the oracle's, on SQLite, SQLCipher and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.counting import cohort, folding, sessions
from exchange.counting.cohort import Asked
from exchange.errors import IndicatorError
from exchange.indicators.cohort import NOT_DUE, WHERE_UNKNOWN, Question
from exchange.indicators.cube import (
    CASE_PATIENTS,
    CASE_PRODUCTS,
    CASE_TOTALS,
    EVIDENCE,
    INDEX_PRODUCTS,
    INDEX_TOTALS,
    RATE_TOTALS,
    Cube,
    CubeRow,
    mean_counts,
    product_name,
)
from exchange.indicators.definition import Definition
from exchange.indicators.oracle import part_names, require_groups
from exchange.indicators.reference import ReferenceTable, require_reference
from exchange.indicators.vocabulary import SESSIONS_TO_PARTNER
from exchange.records.instruments import Instrument
from exchange.records.instruments import instruments as known_instruments

Row = Mapping[str, Any]
DIALECTS = ("sqlite", "postgresql")


def cube(
    connection: Connection,
    definition: Definition,
    *,
    start: date,
    end: date,
    cut_off: date,
    group_by: tuple[str, ...] = (),
    instruments: Mapping[str, Instrument],
    reference: ReferenceTable | None = None,
    agreements: frozenset[str] | None = None,
    within: frozenset[str] | None = None,
    as_of: int | None = None,
) -> Cube:
    """Return the integers of a definition over [start, end), as the store stands or stood after load `as_of`.

    The arguments are the oracle's (`indicators.oracle.cube`); so is the answer.
    """
    require_groups(definition, group_by)
    question = Question(definition, start, end, cut_off, group_by, instruments, agreements, within)
    found = [dict(row) for row in connection.execute(query(Asked(question, as_of), reference)).mappings()]
    return Cube(definition.id, definition.version, start, end, cut_off, group_by, _rows(question, found))


def sql(definition: Definition, dialect: str, *, reference: ReferenceTable | None = None) -> str:
    """Return the query of a definition as it runs on an engine, over the current rows, unsplit."""
    if dialect not in DIALECTS:
        raise IndicatorError("indicators.engine-unknown", engine=dialect, known=", ".join(DIALECTS))
    any_day = date(2000, 1, 1)
    question = Question(definition, any_day, any_day, any_day, (), known_instruments())
    return str(query(Asked(question, None), reference).compile(dialect=sa.dialects.registry.load(dialect)()))


def query(asked: Asked, reference: ReferenceTable | None) -> sa.Select[Any]:
    """Return the one query that answers a question."""
    definition = asked.question.definition
    if definition.kind == "rate-ratio":
        return sessions.rates(asked)
    if definition.measure == SESSIONS_TO_PARTNER:
        return sessions.brought_in(asked)
    if definition.kind == "mean":
        return sessions.means(asked)
    if definition.kind == "standardised-ratio":
        return sessions.index(asked, require_reference(definition, reference))
    if definition.count == "moments":
        return _folded(asked, sessions.moments(asked))
    return _folded(asked, cohort.cases(asked))


def _folded(asked: Asked, counted: sa.CTE) -> sa.Select[Any]:
    """Fold judged cases (or evaluation moments) into totals per patient, and those into the cube's integers."""
    names = [*part_names(asked.question.definition), *(EVIDENCE if asked.question.definition.asks_partner else ())]
    groups = folding.group_names(len(asked.question.group_by))
    totals = {name: folding.when(counted.c.status.in_(statuses)) for name, statuses in folding.COUNTED.items()}
    patients = folding.per_patient(counted, groups, totals, {name: _part(asked, counted, name) for name in names})
    c = patients.c
    columns: dict[str, folding.Column] = {name: c[name] for name in CASE_TOTALS}
    columns |= {"possible": c.numerator + c.unknown, "doubtful": c.refuted + c.unknown}
    return folding.per_group(
        patients,
        groups,
        totals=CASE_TOTALS,
        distinct={name: columns[name] for name in CASE_PATIENTS},
        products=folding.products_of(columns, CASE_PRODUCTS),
        parts=names,
    )


def _part(asked: Asked, counted: sa.CTE, name: str) -> folding.Column:
    c = counted.c
    if name in (NOT_DUE, WHERE_UNKNOWN):
        return folding.when(c.status == name)
    if name in EVIDENCE:
        answered = c.status.in_(folding.COUNTED["answered"])
        return folding.when(sa.and_(answered, c.evidence == 1 + EVIDENCE.index(name)))
    due = c.status.in_(folding.COUNTED["due"])
    if asked.question.definition.count == "moments":
        return folding.when(sa.and_(due, c[name.replace("-", "_")] == 1))
    return folding.when(sa.and_(due, c.change == name))


def _rows(question: Question, found: Sequence[Row]) -> tuple[CubeRow, ...]:
    if question.definition.kind == "mean":
        return _mean_rows(question, found)
    rows = [_row(question, row) for row in found]
    # Engines order text by their own collation; the oracle's order is that of the code points.
    return tuple(sorted(rows, key=lambda row: tuple(row.group.values())))


def _row(question: Question, row: Row) -> CubeRow:
    definition = question.definition
    names = part_names(definition)
    evidence = EVIDENCE if definition.asks_partner else ()
    parts = folding.parts_of(row, [*names, *evidence])
    return CubeRow(
        group=_group(question, row),
        counts=folding.counts_of(row, _names(definition)),
        parts={name: parts[name] for name in names},
        evidence={name: parts[name] for name in evidence},
    )


def _group(question: Question, row: Row) -> dict[str, str]:
    return {name: str(row[f"g{i}"]) for i, name in enumerate(question.group_by)}


def _names(definition: Definition) -> list[str]:
    if definition.kind == "rate-ratio":
        return list(RATE_TOTALS)
    index = definition.kind == "standardised-ratio"
    totals, distinct, products = (
        (INDEX_TOTALS, ("due",), INDEX_PRODUCTS) if index else (CASE_TOTALS, CASE_PATIENTS, CASE_PRODUCTS)
    )
    return [*totals, *(f"patients_{name}" for name in distinct), *(product_name(*pair) for pair in products)]


def _mean_rows(question: Question, found: Sequence[Row]) -> tuple[CubeRow, ...]:
    histograms: dict[tuple[str, ...], dict[int, int]] = {}
    excluded: dict[tuple[str, ...], int] = {}
    for row in found:
        group = tuple(_group(question, row).values())
        histogram = histograms.setdefault(group, {})
        if row["foreign"]:
            excluded[group] = excluded.get(group, 0) + int(row["patients"])
        else:
            histogram[int(row["sessions"])] = int(row["patients"])
    if not question.group_by:
        histograms.setdefault((), {})
    return tuple(
        CubeRow(
            group=dict(zip(question.group_by, group, strict=True)),
            counts=mean_counts(histogram, excluded.get(group, 0)),
            histogram=dict(sorted(histogram.items())),
        )
        for group, histogram in sorted(histograms.items())
    )
