"""Several definitions over the same episodes, judged together: each table read once, one row per patient for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from exchange.counting import cohort, folding
from exchange.counting.cohort import Asked
from exchange.counting.engines import OnDuckDB, Row
from exchange.counting.functions import moment_on
from exchange.counting.gathering import NUMBER, Gathering, used
from exchange.counting.joining import Column, Joined
from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    EXCLUDED,
    NO_AGREEMENT,
    NOT_DUE,
    OUTSIDE,
    REFUTED,
    UNKNOWN,
    WHERE_UNKNOWN,
)
from exchange.indicators.cube import CASE_PATIENTS, CASE_PRODUCTS, CASE_TOTALS, EVIDENCE
from exchange.indicators.definition import Definition
from exchange.indicators.moments import Moment
from exchange.indicators.oracle import part_names

# A status as a small number, which is kept and compared in less room than a word.
_STATUSES = (
    OUTSIDE,
    EXCLUDED,
    WHERE_UNKNOWN,
    NOT_DUE,
    CONFIRMED,
    REFUTED,
    UNKNOWN,
    CENSORED,
    NO_AGREEMENT,
)
_ADMITTED = "admitted"
CODES = {status: place for place, status in enumerate((*_STATUSES, _ADMITTED))}
# Every total per patient that is multiplied or compared is a sum of three: confirmed, refuted, not settled. They stand
# in one number, which is enough for a million episodes of one patient.
_PLACES = 20
_MASK = (1 << _PLACES) - 1
_COUNTS = {CONFIRMED: 1, REFUTED: 1 << _PLACES} | dict.fromkeys((UNKNOWN, CENSORED, NO_AGREEMENT), 1 << 2 * _PLACES)
_MADE_OF = {
    "due": ("confirmed", "refuted", "open"),
    "answered": ("confirmed", "refuted"),
    "numerator": ("confirmed",),
    "refuted": ("refuted",),
    "possible": ("confirmed", "open"),
    "doubtful": ("refuted", "open"),
}

Kept = tuple[str, sa.Select[Any]]
Refused = list[tuple[Column, Any]]


@dataclass(frozen=True, slots=True)
class Together:
    """What to keep, in order, and the queries that then answer each question by its place; let go in reverse."""

    kept: tuple[Kept, ...]
    queries: tuple[tuple[int, sa.Select[Any]], ...]


def rows(
    engine: OnDuckDB,
    asked: Sequence[Asked],
    cohort_of: Callable[[Asked], Hashable],
    otherwise: Callable[[Asked], sa.Select[Any]],
) -> list[list[Row]]:
    """Return the rows that answer each question: those over the same episodes together, some exports at a time.

    `cohort_of` says which episodes a question starts from, `otherwise` is the query of one by itself.
    """
    asked = [replace(one, picks=True) for one in asked]
    plans, found = _plans(asked, cohort_of, otherwise), [_Sums.of(one) for one in asked]
    for plan in plans:
        for place, query in plan.queries:
            found[place].expect(query)
    for _ in engine.parts():
        for plan in plans:
            _add_up(engine, plan, found)
    for one, sums in zip(asked, found, strict=True):
        if one.question.definition.count == "aggregates":
            # Partners' totals know of no episodes, and the same partner may be in several exports.
            whole = otherwise(one)
            sums.expect(whole)
            sums.add(engine.rows(whole))
    return [list(sums.rows.values()) for sums in found]


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
        self.sums.update({column.name: 0 for column in query.selected_columns if column.name not in self.keys})

    def add(self, found: Sequence[Row]) -> None:
        for row in found:
            told_apart = {key: row[key] for key in self.keys}
            sums = self.rows.setdefault(tuple(told_apart.values()), told_apart | self.sums)
            for name, number in row.items():
                if name not in self.keys:
                    sums[name] += number or 0


def _plans(
    asked: Sequence[Asked], cohort_of: Callable[[Asked], Hashable], otherwise: Callable[[Asked], sa.Select[Any]]
) -> list[Together]:
    starting: dict[Hashable, list[tuple[int, Asked]]] = {}
    plans: list[Together] = []
    for place, one in enumerate(asked):
        same = cohort_of(one)
        if same is not None:
            starting.setdefault(same, []).append((place, one))
        elif one.question.definition.count != "aggregates":
            plans.append(Together((), ((place, otherwise(one)),)))
    return plans + [together(f"cohort_{i}", those, otherwise) for i, those in enumerate(starting.values())]


def _add_up(engine: OnDuckDB, plan: Together, found: Sequence[_Sums]) -> None:
    made: list[str] = []
    try:
        for name, select in plan.kept:
            engine.keep(name, select)
            made.append(name)
        for place, select in plan.queries:
            found[place].add(engine.rows(select))
    finally:
        while made:
            engine.let_go(made.pop())


def together(name: str, asked: Sequence[tuple[int, Asked]], otherwise: Callable[[Asked], sa.Select[Any]]) -> Together:
    """Plan the answers to questions that start from the same episodes; `otherwise` is the query of one by itself."""
    base = _base(name, asked[0][1])
    questions = [(place, replace(one, kept=base)) for place, one in asked]
    cases = [(place, one) for place, one in questions if _folds(one.question.definition)]
    alone = [(place, otherwise(one)) for place, one in questions if not _folds(one.question.definition)]
    kept: list[Kept] = []
    days: Mapping[str, Moment] = {}
    queries: list[tuple[int, sa.Select[Any]]] = list(alone)
    if len(questions) == len(cases) == 1 and cases[0][1].question.definition.where:
        kept, days = _narrowed(base, cases[0])
    elif cases:
        gathering = Gathering(base, asked[0][1].as_of)
        days = gathering.days
        judged, people = _judged(base.name, gathering, cases, None)
        kept = [*gathering.kept(), judged, people]
    for place, one in cases:
        queries += [(place, _totals(kept[-2], place, one)), (place, _products(kept[-1], place, one))]
    every = cohort.based(asked[0][1]).subquery("every")
    needed = used(base, [select for _, select in (*kept, *queries)])
    first = (base.name, sa.select(*(_column(column, every, days) for column in needed)))
    return Together((first, *kept), tuple(queries))


def _folds(definition: Definition) -> bool:
    """Say whether a definition counts episodes by their status."""
    return not (definition.paired or definition.agreed or definition.kind == "standardised-ratio")


def _base(name: str, asked: Asked) -> sa.TableClause:
    columns = [sa.column(column.name, column.type) for column in cohort.based(asked).selected_columns]
    return sa.table(name, sa.column(NUMBER, sa.BigInteger()), *columns)


def _groups(asked: Asked) -> list[str]:
    return folding.group_names(len(asked.question.group_by))


def _column(name: str, episodes: sa.FromClause, days: Mapping[str, Moment]) -> Column:
    """Return a column of episodes, or the day of a moment under its name."""
    if name not in days:
        return episodes.c[name]
    anchors = {anchor: episodes.c[f"{anchor}_date"] for anchor in ("start", "end", "handover")}
    return moment_on(days[name], anchors).label(name)


def _narrowed(base: sa.TableClause, case: tuple[int, Asked]) -> tuple[list[Kept], Mapping[str, Moment]]:
    """Return what to keep for one question by itself, with days of the base by their names.

    Episodes that it does not look at are left out as soon as that is known.
    """
    asked, name = case[1], f"{base.name}_looked_at"
    first = Gathering(base, asked.as_of)
    joined = Joined(base, asked.as_of, asked.question.instruments, gathering=first)
    refused = [(condition, _number(CODES[status])) for condition, status in cohort.admission(asked, joined)]
    state = sa.case(*refused, else_=_number(CODES[_ADMITTED])).label(_ADMITTED)
    kinds = {column.name: column.type for column in base.c} | {_ADMITTED: state.type}
    narrow = sa.table(name, *(sa.column(column, kind) for column, kind in kinds.items()))
    admitted = narrow.c[_ADMITTED] == _number(CODES[_ADMITTED])
    then = Gathering(narrow, asked.as_of, only=admitted)
    last = _judged(base.name, then, [case], [(sa.not_(admitted), narrow.c[_ADMITTED])])
    later = [*then.kept(), *last]
    needed = [column for column in used(narrow, [select for _, select in later]) if column != _ADMITTED]
    columns = [_column(column, base, then.days) for column in needed]
    every = sa.select(*columns, state).select_from(first.source()).subquery("every")
    looked_at = sa.select(every).where(every.c[_ADMITTED] != _number(CODES[OUTSIDE]))
    return [*first.kept(), (name, looked_at), *later], first.days


def _number(number: int) -> Column:
    return sa.literal_column(str(number), sa.Integer)


def _judged(
    name: str, gathering: Gathering, cases: Sequence[tuple[int, Asked]], refused: Refused | None
) -> tuple[Kept, Kept]:
    """Return every episode with what each question makes of it, and every patient with what they count for each."""
    base, groups = gathering.base, _groups(cases[0][1])
    columns: list[sa.Label[Any]] = []
    for place, one in cases:
        joined = Joined(base, one.as_of, one.question.instruments, gathering=gathering)
        case = cohort.case(one, joined, lambda status: _number(CODES[status]), refused)
        columns.append(case.status.label(f"status_{place}"))
        if one.question.definition.asks_partner:
            columns.append(case.evidence.label(f"evidence_{place}"))
        if _changes(one):
            columns.append(case.change.label(f"change_{place}"))
    keys = [base.c[group] for group in groups]
    judged = sa.select(base.c.patient_id, *keys, *columns).select_from(gathering.source())
    table = _table(f"{name}_judged", judged)
    counts = {CODES[status]: sa.literal_column(str(weight), sa.BigInteger) for status, weight in _COUNTS.items()}
    zero = sa.literal_column("0", sa.BigInteger)
    summed = [
        sa.cast(
            sa.func.sum(
                sa.case(*((table.c[f"status_{place}"] == code, count) for code, count in counts.items()), else_=zero)
            ),
            sa.BigInteger(),
        ).label(f"counts_{place}")
        for place, _ in cases
    ]
    keys = [table.c[group] for group in groups]
    people = sa.select(*keys, *summed).group_by(*keys, table.c.patient_id)
    return (table.name, judged), (f"{name}_people", people)


def _table(name: str, select: sa.Select[Any]) -> sa.TableClause:
    return sa.table(name, *(sa.column(column.name, column.type) for column in select.selected_columns))


def _changes(asked: Asked) -> bool:
    return set(part_names(asked.question.definition)) > {NOT_DUE, WHERE_UNKNOWN}


def _totals(judged: Kept, place: int, asked: Asked) -> sa.Select[Any]:
    """Return what is only added up: episodes by their status, their evidence and their class of change."""
    table, definition = _table(*judged), asked.question.definition
    status = table.c[f"status_{place}"]
    evidence = table.c[f"evidence_{place}"] if definition.asks_partner else None
    keys = [table.c[group] for group in _groups(asked)]

    def those(statuses: Sequence[str], and_: Column | None = None) -> Column:
        found = status.in_([sa.literal_column(str(CODES[one]), sa.Integer) for one in statuses])
        return folding.when(found if and_ is None else sa.and_(found, and_))

    columns = {total: those(folding.COUNTED[total]) for total in CASE_TOTALS}
    names = part_names(definition)
    parts: dict[str, Column] = {}
    for part in names:
        if part in (NOT_DUE, WHERE_UNKNOWN):
            parts[part] = those([part])
        else:
            parts[part] = those(folding.COUNTED["due"], table.c[f"change_{place}"] == part)
    if evidence is not None:
        ranks = {name: evidence == sa.literal_column(str(rank), sa.Integer) for rank, name in enumerate(EVIDENCE, 1)}
        parts |= {name: those(folding.COUNTED["answered"], which) for name, which in ranks.items()}
    listed = [column.label(total) for total, column in columns.items()]
    listed += folding.labelled_parts(parts)
    counted = status != sa.literal_column(str(CODES[OUTSIDE]), sa.Integer)
    return sa.select(*keys, *listed).where(counted).group_by(*keys)


def _products(people: Kept, place: int, asked: Asked) -> sa.Select[Any]:
    """Return what takes a patient's totals: how many patients have any, and the sums of their products.

    Few patients differ in their totals, so that those who do not are multiplied once.
    """
    table = _table(*people)
    groups, counts = _groups(asked), table.c[f"counts_{place}"]
    alike = (
        sa.select(*(table.c[group] for group in groups), counts.label("counts"), sa.func.count().label("times"))
        .where(counts != 0)
        .group_by(*(table.c[group] for group in groups), counts)
        .subquery("alike")
    )
    mask = sa.literal_column(str(_MASK), sa.BigInteger)
    made = {
        name: alike.c.counts.bitwise_rshift(sa.literal_column(str(i * _PLACES), sa.Integer)).bitwise_and(mask)
        for i, name in enumerate(("confirmed", "refuted", "open"))
    }
    each = (
        sa.select(
            *(alike.c[group] for group in groups),
            alike.c.times,
            *(column.label(name) for name, column in made.items()),
        )
    ).subquery("each")  # fmt: skip
    totals: dict[str, Column] = {}
    for name, parts in _MADE_OF.items():
        first, *rest = (each.c[part] for part in parts)
        totals[name] = sum(rest, first)
    keys = [each.c[group] for group in groups]
    distinct = [folding.total(sa.case((totals[name] > 0, each.c.times), else_=0)) for name in CASE_PATIENTS]
    products = folding.products_of(totals, CASE_PRODUCTS)
    return sa.select(
        *keys,
        *(column.label(f"patients_{name}") for name, column in zip(CASE_PATIENTS, distinct, strict=True)),
        *(folding.total(left * right * each.c.times).label(name) for left, right, name in products),
    ).group_by(*keys)
