"""A definition as one query: the same integers as the oracle's, on every engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.counting import at_once, cohort, folding, pairing, returning, sessions, together
from exchange.counting.cohort import Asked
from exchange.counting.current import Rows, current
from exchange.counting.dialects import COMPILE_ONLY, own_text, text
from exchange.counting.engines import Engine, OnDuckDB, OnStore, looks_at
from exchange.counting.laying import Laid, laid_out
from exchange.errors import IndicatorError
from exchange.indicators.cohort import NOT_DUE, WHERE_UNKNOWN, Question
from exchange.indicators.cube import (
    CASE_PATIENTS,
    CASE_PRODUCTS,
    CASE_TOTALS,
    EVIDENCE,
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
from exchange.store import tables
from exchange.store.columns import Day

Row = Mapping[str, Any]
DIALECTS = ("sqlite", "postgresql", *COMPILE_ONLY)


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
    question = Question(definition, start, end, cut_off, group_by, instruments, agreements, within)
    return next(cubes(OnStore(connection), [question], reference=reference, as_of=as_of))


def cubes(
    engine: Engine,
    questions: Sequence[Question],
    *,
    reference: ReferenceTable | None = None,
    as_of: int | None = None,
) -> Iterator[Cube]:
    """Answer questions in their order; those that start from the same episodes share them."""
    for question in questions:
        require_groups(question.definition, question.group_by)
    with laid_out(engine, as_of) as laid:
        # What is laid out hides the store's own tables, so that nobody else may have a turn before it is gone.
        found = None if laid is None else list(_cubes(laid, questions, reference, as_of))
    yield from _cubes(engine, questions, reference, as_of) if found is None else found


def _cubes(
    engine: Engine, questions: Sequence[Question], reference: ReferenceTable | None, as_of: int | None
) -> Iterator[Cube]:
    looked_at = Rows.LAID_OUT if isinstance(engine, Laid) else looks_at(engine, as_of)
    asked = [Asked(question, looked_at) for question in questions]
    if isinstance(engine, OnDuckDB):
        found = together.rows(
            engine,
            asked,
            _cohort,
            lambda one: query(one, reference),
            lambda one: _table(one.question.definition, reference),
        )
        yield from (_cube(one.question, _rows(one.question, rows)) for one, rows in zip(asked, found, strict=True))
        return
    if isinstance(engine, Laid):
        ways = at_once.Ways(
            _cohort,
            lambda one: _cases(one, reference),
            lambda one: query(one, reference),
            lambda one: _table(one.question.definition, reference),
            lambda one, rows: _rows(one.question, rows),
        )
        counted = at_once.rows(engine, asked, ways)
        yield from (_cube(one.question, tuple(rows)) for one, rows in zip(asked, counted, strict=True))
        return
    with _shared(engine, asked) as kept:
        for one in asked:
            rows = engine.rows(query(replace(one, kept=kept.get(_cohort(one))), reference))
            yield _cube(one.question, _rows(one.question, rows))


def _cube(q: Question, rows: tuple[CubeRow, ...]) -> Cube:
    return Cube(q.definition.id, q.definition.version, q.start, q.end, q.cut_off, q.group_by, rows)


def first_day(engine: Engine, as_of: int | None = None) -> date | None:
    """Return the day on which the first treatment began."""
    t = tables.episode
    rows = engine.rows(
        sa.select(sa.func.min(t.c.start_date, type_=Day()).label("day")).where(current(t, looks_at(engine, as_of)))
    )
    return rows[0]["day"] if rows else None


Cohort = tuple[str, date, date, tuple[str, ...], frozenset[str] | None, bool]


def _cohort(asked: Asked) -> Cohort | None:
    """Return what decides the episodes a question starts from; nothing for one that does not start from episodes."""
    question = asked.question
    if question.definition.count not in ("episodes", "patients") or question.definition.kind == "mean":
        return None
    people = cohort.looks_at_people(question)
    return (question.definition.period, question.start, question.end, question.group_by, question.within, people)


@contextmanager
def _shared(engine: Engine, asked: Sequence[Asked]) -> Iterator[Mapping[Cohort | None, sa.TableClause]]:
    """Keep the episodes that more than one question starts from, as long as they are needed."""
    often = [cohort_of for cohort_of, count in Counter(map(_cohort, asked)).items() if cohort_of and count > 1]
    kept: dict[Cohort | None, sa.TableClause] = {}
    try:
        for i, wanted in enumerate(often):
            first = next(one for one in asked if _cohort(one) == wanted)
            select = cohort.based(first)
            engine.keep(f"cohort_{i}", select)
            columns = [sa.column(column.name, column.type) for column in select.selected_columns]
            kept[wanted] = sa.table(f"cohort_{i}", *columns)
        yield kept
    finally:
        for table in kept.values():
            engine.let_go(table.name)


def sql(
    definition: Definition, dialect: str, *, group_by: tuple[str, ...] = (), reference: ReferenceTable | None = None
) -> str:
    """Return the query of a definition as it runs on an engine, over the rows that are there now."""
    if dialect not in DIALECTS:
        raise IndicatorError("indicators.engine-unknown", engine=dialect, known=", ".join(DIALECTS))
    any_day = date(2000, 1, 1)
    question = Question(definition, any_day, any_day, any_day, group_by, known_instruments())
    if dialect in COMPILE_ONLY:
        return text(query(Asked(question, Rows.EXPORTED), reference), dialect).sql
    return own_text(query(Asked(question, None), reference), sa.dialects.registry.load(dialect)()).sql


def query(asked: Asked, reference: ReferenceTable | None) -> sa.Select[Any]:
    """Return the one query that answers a question."""
    definition = asked.question.definition
    if definition.count == "aggregates":
        return sessions.rates(asked)
    if definition.paired:
        return pairing.pairs(asked)
    if definition.measure == SESSIONS_TO_PARTNER:
        return sessions.brought_in(asked)
    if definition.kind == "mean":
        return sessions.means(asked)
    if folding.is_index(definition):
        return sessions.index(asked, _table(definition, reference))
    return _folded(asked, _judged(asked))


def _cases(asked: Asked, reference: ReferenceTable | None) -> sa.CTE | None:
    """Return the cases of a question before they are folded; nothing where there are none, but means or rates."""
    definition = asked.question.definition
    if definition.count == "aggregates" or definition.kind == "mean":
        return None
    if definition.paired:
        return pairing.cases(asked)
    if folding.is_index(definition):
        return sessions.against(asked, _table(definition, reference))
    return _judged(asked)


def _table(definition: Definition, reference: ReferenceTable | None) -> ReferenceTable | None:
    return None if definition.agreed else require_reference(definition, reference)


def _judged(asked: Asked) -> sa.CTE:
    definition = asked.question.definition
    if definition.count == "moments":
        return sessions.moments(asked)
    return returning.returns(asked) if definition.count == "returns" else cohort.cases(asked)


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
    if asked.question.definition.count in ("moments", "returns"):
        return folding.when(sa.and_(due, c[name.replace("-", "_")] == 1))
    return folding.when(sa.and_(due, c.change == name))


def _rows(question: Question, found: Sequence[Row]) -> tuple[CubeRow, ...]:
    if question.definition.kind == "mean":
        return _mean_rows(question, found)
    return _in_order([_row(question, row) for row in found])


def _in_order(rows: Sequence[CubeRow]) -> tuple[CubeRow, ...]:
    """Sort groups: engines order text by their own collation; the oracle's order is that of the code points."""
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
    if definition.count == "aggregates":
        return list(RATE_TOTALS)
    totals, distinct, products = folding.integers(definition)
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
