"""Several definitions over the same episodes, judged together: each table read once, one row per patient for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from exchange.counting import cohort, folding, held, pairing, returning, sessions
from exchange.counting.cohort import Asked
from exchange.counting.engines import OnDuckDB, Row
from exchange.counting.functions import moment_on
from exchange.counting.gathering import NUMBER, Gathering, used
from exchange.counting.joining import Column, Joined
from exchange.counting.packing import (
    ADMITTED,
    PLACE,
    Cases,
    Kept,
    alike,
    distinctions,
    labelled,
    multiplied,
    number,
    people,
    products,
    table,
    totalled,
    totals,
)
from exchange.indicators.cohort import OUTSIDE
from exchange.indicators.definition import Definition
from exchange.indicators.moments import Moment
from exchange.indicators.reference import ReferenceTable

Refused = list[tuple[Column, Any]]
TableOf = Callable[[Asked], ReferenceTable | None]


@dataclass(frozen=True, slots=True)
class Together:
    """What to keep, in order, and the queries that then answer questions by their places; let go in reverse.

    A query for several tells in each row for which it is.
    """

    kept: tuple[Kept, ...]
    queries: tuple[tuple[tuple[int, ...], sa.Select[Any]], ...]


def rows(
    engine: OnDuckDB,
    asked: Sequence[Asked],
    cohort_of: Callable[[Asked], Hashable],
    otherwise: Callable[[Asked], sa.Select[Any]],
    table_of: TableOf,
) -> list[list[Row]]:
    """Return the rows that answer each question: those over the same episodes together, some exports at a time.

    `cohort_of` says which episodes a question starts from, `otherwise` is the query of one by itself, `table_of` is
    what sessions are held against.
    """
    shared, asked = held_by(asked, held.kept)
    plans, found = _plans(asked, cohort_of, otherwise, table_of), [_Sums.of(one) for one in asked]
    for plan in plans:
        for places, query in plan.queries:
            for place in places:
                found[place].expect(query)
    every = [select for plan in plans for _, select in (*plan.kept, *plan.queries)]
    for _ in engine.parts([*(select for _, select in shared), *every]):
        with _keeping(engine, shared):
            for plan in plans:
                _add_up(engine, plan, found)
    for one, sums in zip(asked, found, strict=True):
        if one.question.definition.count == "aggregates":
            # Partners' totals know of no episodes, and the same partner may be in several exports.
            whole = otherwise(one)
            sums.expect(whole)
            for row in engine.rows(whole):
                sums.add(row)
    return [sums.found() for sums in found]


@dataclass(frozen=True, slots=True)
class _Sums:
    """The rows of one question, by what tells them apart; everything else in them is added up."""

    keys: tuple[str, ...]
    sums: dict[str, int]
    rows: dict[tuple[Any, ...], dict[str, Any]]

    @classmethod
    def of(cls, asked: Asked) -> _Sums:
        by_number = ("foreign", "sessions") if asked.question.definition.kind == "mean" else ()
        return cls((*_groups(asked), *by_number), {}, {})

    def expect(self, query: sa.Select[Any]) -> None:
        """Begin every row at nothing, also of what a query then says nothing about."""
        told_apart = (*self.keys, PLACE)
        self.sums.update({column.name: 0 for column in query.selected_columns if column.name not in told_apart})

    def found(self) -> list[Row]:
        """Return the rows; what is not split has one, also where nothing was found."""
        return list(self.rows.values()) if self.rows or self.keys else [self.sums]

    def add(self, row: Row) -> None:
        told_apart = {key: row[key] for key in self.keys}
        sums = self.rows.setdefault(tuple(told_apart.values()), told_apart | self.sums)
        for name, value in row.items():
            if name in self.sums:
                sums[name] += value or 0


def held_by(asked: Sequence[Asked], kept: Callable[[str, Sequence[Asked]], Kept]) -> tuple[list[Kept], list[Asked]]:
    """Return what episodes held in each period that is asked for, to be kept, and the questions with what they need."""
    periods: dict[tuple[date, date], list[Asked]] = {}
    for one in filter(held.counts, asked):
        periods.setdefault((one.question.start, one.question.end), []).append(one)
    found = {period: kept(f"held_{i}", those) for i, (period, those) in enumerate(periods.items())}
    tables = {period: table(*one) for period, one in found.items()}
    return list(found.values()), [
        replace(one, held=tables[one.question.start, one.question.end]) if held.counts(one) else one for one in asked
    ]


def _plans(
    asked: Sequence[Asked],
    cohort_of: Callable[[Asked], Hashable],
    otherwise: Callable[[Asked], sa.Select[Any]],
    table_of: TableOf,
) -> list[Together]:
    starting: dict[Hashable, list[tuple[int, Asked]]] = {}
    plans: list[Together] = []
    for place, one in enumerate(asked):
        same = cohort_of(one)
        if same is not None:
            starting.setdefault(same, []).append((place, one))
        elif one.question.definition.count in ("moments", "returns"):
            plans.append(_fallen_due(place, one))
        elif one.question.definition.count != "aggregates":
            plans.append(Together((), (((place,), otherwise(one)),)))
    return plans + [together(f"cohort_{i}", those, table_of) for i, those in enumerate(starting.values())]


def _add_up(engine: OnDuckDB, plan: Together, found: Sequence[_Sums]) -> None:
    with _keeping(engine, plan.kept):
        for places, select in plan.queries:
            for row in engine.rows(select):
                found[row.get(PLACE, places[0])].add(row)


@contextmanager
def _keeping(engine: OnDuckDB, kept: Sequence[Kept]) -> Iterator[None]:
    made: list[str] = []
    try:
        for name, select in kept:
            engine.keep(name, select)
            made.append(name)
        yield
    finally:
        while made:
            engine.let_go(made.pop())


def _fallen_due(place: int, asked: Asked) -> Together:
    """Plan the answer to a question about what fell due, in whatever episode: evaluations, partners' answers."""
    kept: list[Kept] = []
    cases: sa.FromClause
    if asked.question.definition.count == "moments":
        cases = sessions.moments(asked, number)
    else:
        kept.append((f"due_{place}", returning.due(asked)))
        due = table(*kept[0])
        due.append_column(sa.column(NUMBER, sa.BigInteger()))
        cases = returning.counted(asked, due, due.c[NUMBER], number).subquery("cases")
    keys = ["patient_id", *_groups(asked)]
    told = {column.name: column for column in cases.c if column.name not in keys}
    judged = (f"due_{place}_judged", sa.select(*(cases.c[key] for key in keys), *labelled(place, told)))
    return _counted([*kept], judged, [(place, asked)])


def _counted(kept: Sequence[Kept], judged: Kept, cases: Cases) -> Together:
    """Plan what judged cases come to, for each question."""
    patients = (f"{judged[0]}_people", people(judged, cases))
    queries = [(same, totals(judged, same)) for same in alike(cases, totalled)]
    queries += [(same, products(patients, same)) for same in alike(cases, multiplied)]
    placed = [(tuple(place for place, _ in same), query) for same, query in queries]
    return Together((*kept, judged, patients), tuple(placed))


def together(name: str, cases: Cases, table_of: TableOf) -> Together:
    """Plan the answers to questions that start from the same episodes."""
    base = base_of(name, cases[0][1])
    cases = [(place, replace(one, kept=base)) for place, one in cases]
    first, definition = cases[0][1], cases[0][1].question.definition
    if len(cases) == 1 and looks_narrowly(definition):

        def judge(then: Gathering, refused: Refused) -> sa.Select[Any]:
            return _judged(base.name, then, cases, lambda one: None, refused)[1]

        kept, days, select = narrowed(base, first, judge)
        gathered, judged = kept, (f"{name}_judged", select)
    else:
        gathering = Gathering(base, first.as_of)
        days = gathering.days
        judging = _judged(base.name, gathering, cases, table_of)
        gathered = list(gathering.kept())
        kept, judged = _looked_at_once(gathered, judging)
    plan = _counted(kept, judged, cases)
    every = cohort.based(replace(first, kept=None)).subquery("every")
    needed = used(base, [judged[1], *(select for _, select in gathered)])
    return Together(
        ((base.name, sa.select(*(column_of(column, every, days) for column in needed))), *plan.kept), plan.queries
    )


def _looked_at_once(gathered: Sequence[Kept], judging: Kept) -> tuple[list[Kept], Kept]:
    """Return what must be kept before cases are judged, and how they are then judged.

    What only the judging looks at is worked out on its way into it: writing it down would cost more than it holds.
    """
    seen = {one.name for _, select in gathered for one in visitors.iterate(select) if isinstance(one, sa.TableClause)}
    name, select = judging
    once = [made.cte(kept).prefix_with("NOT MATERIALIZED") for kept, made in gathered if kept not in seen]
    return [one for one in gathered if one[0] in seen], (name, select.add_cte(*once))


def looks_narrowly(definition: Definition) -> bool:
    """Say whether a definition by itself had better leave out episodes before it judges them."""
    return bool(definition.where) and definition.count in ("episodes", "patients") and not folding.numbers(definition)


def base_of(name: str, asked: Asked) -> sa.TableClause:
    columns = [sa.column(column.name, column.type) for column in cohort.based(asked).selected_columns]
    return sa.table(name, sa.column(NUMBER, sa.BigInteger()), *columns)


def _groups(asked: Asked) -> list[str]:
    return folding.group_names(len(asked.question.group_by))


def column_of(name: str, episodes: sa.FromClause, days: Mapping[str, Moment]) -> Column:
    """Return a column of episodes, or the day of a moment under its name."""
    if name not in days:
        return episodes.c[name]
    anchors = {anchor: episodes.c[f"{anchor}_date"] for anchor in ("start", "end", "handover")}
    return moment_on(days[name], anchors).label(name)


def looked_at_of(base: sa.TableClause) -> str:
    """Return the name of what is kept of a base where episodes are left out."""
    return f"{base.name}_looked_at"


def narrowed(
    base: sa.TableClause, asked: Asked, judge: Callable[[Gathering, Refused], sa.Select[Any]], *, in_order: bool = False
) -> tuple[list[Kept], Mapping[str, Moment], sa.Select[Any]]:
    """Return what to keep for one question by itself, days of the base by their names, and how `judge` judges it.

    Episodes that it does not look at are left out as soon as that is known.
    """
    name = looked_at_of(base)
    first = Gathering(base, asked.as_of, in_order=in_order)
    joined = Joined(base, asked.as_of, asked.question.instruments, gathering=first)
    refused = [(condition, number(status)) for condition, status in cohort.admission(asked, joined)]
    state = sa.case(*refused, else_=number(ADMITTED)).label(ADMITTED)
    kinds = {column.name: column.type for column in base.c} | {ADMITTED: state.type}
    narrow = sa.table(name, *(sa.column(column, kind) for column, kind in kinds.items()))
    admitted = narrow.c[ADMITTED] == number(ADMITTED)
    then = Gathering(narrow, asked.as_of, only=admitted, in_order=in_order)
    judged = judge(then, [(sa.not_(admitted), narrow.c[ADMITTED])])
    later = list(then.kept())
    looked = [*(select for _, select in later), judged]
    needed = [column for column in used(narrow, looked) if column != ADMITTED]
    columns = [column_of(column, base, then.days) for column in needed]
    every = sa.select(*columns, state).select_from(first.source()).subquery("every")
    looked_at = sa.select(every).where(every.c[ADMITTED] != number(OUTSIDE))
    return [*first.kept(), (name, looked_at), *later], first.days, judged


def _judged(
    name: str,
    gathering: Gathering,
    cases: Cases,
    table_of: TableOf,
    refused: Refused | None = None,
) -> Kept:
    """Return every episode with what each question makes of it."""
    base = gathering.base
    columns: list[sa.Label[Any]] = []
    for place, one in cases:
        columns += labelled(place, case_of(gathering, one, table_of, refused))
    keys = [base.c[group] for group in _groups(cases[0][1])]
    return f"{name}_judged", sa.select(base.c.patient_id, *keys, *columns).select_from(gathering.source())


def case_of(gathering: Gathering, asked: Asked, table_of: TableOf, refused: Refused | None) -> Mapping[str, Column]:
    """Return what a question makes of an episode, by name."""
    definition = asked.question.definition
    joined = Joined(gathering.base, asked.as_of, asked.question.instruments, gathering=gathering)
    if folding.is_index(definition):
        against = sessions.gathered_against(asked, table_of(asked), joined, gathering, number)
        return {"status": against.status, "o": against.observed, "e": against.expected}
    case = pairing.case(asked, joined, number) if definition.paired else cohort.case(asked, joined, number, refused)
    made = {"status": case.status} | ({"evidence": case.evidence} if definition.asks_partner else {})
    if isinstance(case, pairing.Pair):
        return made | dict(case.numbers)
    return made | ({"change": case.change} if distinctions(definition) else {})
