"""Judged cases and what they come to: a status as a small number, three totals of a patient in one, alike ones once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from exchange.counting import folding
from exchange.counting.cohort import Asked
from exchange.counting.joining import Column
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
from exchange.indicators.cube import EVIDENCE
from exchange.indicators.definition import Definition
from exchange.indicators.oracle import part_names

# Of the sessions of an episode against what was expected: nothing to hold them against, and none.
NO_REFERENCE, NO_SESSIONS = "no-reference", "no-sessions"
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
    NO_REFERENCE,
    NO_SESSIONS,
)
ADMITTED = "admitted"
CODES = {status: place for place, status in enumerate((*_STATUSES, ADMITTED))}
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
# An index looks at every episode that it could hold against something.
_ELIGIBLE = (CONFIRMED, NO_REFERENCE, NO_SESSIONS)

# What is kept under a name.
Kept = tuple[str, sa.Select[Any]]
# Questions with their places among all that are asked, and the column that tells to which of them a row belongs.
Cases = Sequence[tuple[int, Asked]]
PLACE = "place"
# Status, rank of evidence and class of change in one number: the rank stands above the status, the class above both.
RANKS, CHANGES = 16, 256


def said(definition: Definition, what: int) -> tuple[str, int, str]:
    """Return what such a number says of a case: its status, the rank of its evidence, its class of change."""
    return _STATUSES[what % RANKS], what % CHANGES // RANKS, ("", *distinctions(definition))[what // CHANGES]


def distinctions(definition: Definition) -> tuple[str, ...]:
    """Return what a definition tells of a case that no status says: classes of change, or flags of what fell due."""
    return tuple(name for name in part_names(definition) if name not in CODES)


def number(status: str) -> Column:
    """Return a status as its number, which stands in the query itself."""
    return constant(CODES[status])


def constant(value: int) -> Column:
    """Return a whole number as it stands in the query."""
    return sa.literal_column(str(value), sa.Integer)


def table(name: str, select: sa.Select[Any]) -> sa.TableClause:
    """Return what a select is kept as."""
    return sa.table(name, *(sa.column(column.name, column.type) for column in select.selected_columns))


def labelled(place: int, columns: Mapping[str, Column]) -> Iterator[sa.Label[Any]]:
    """Yield what becomes of a case under the names that are known here; `place` is the question's."""
    for name, column in columns.items():
        yield column.label(f"{name}_{place}")


def _groups(asked: Asked) -> list[str]:
    return folding.group_names(len(asked.question.group_by))


def people(judged: Kept, cases: Cases) -> sa.Select[Any]:
    """Return what each patient counts for in each question."""
    found = table(*judged)
    keys = [found.c[group] for group in _groups(cases[0][1])]
    weights = {CODES[status]: sa.literal_column(str(weight), sa.BigInteger) for status, weight in _COUNTS.items()}
    zero = sa.literal_column("0", sa.BigInteger)
    summed: list[sa.Label[Any]] = []
    for place, one in cases:
        status = found.c[f"status_{place}"]
        weight = sa.case(*((status == code, weight) for code, weight in weights.items()), else_=zero)
        summed.append(sa.cast(sa.func.sum(weight), sa.BigInteger()).label(f"counts_{place}"))
        for name in folding.numbers(one.question.definition):
            settled = sa.case((status == number(CONFIRMED), found.c[f"{name}_{place}"]), else_=constant(0))
            summed.append(folding.total(settled).label(f"{name}_{place}"))
    return sa.select(*keys, *summed).group_by(*keys, found.c.patient_id)


def alike(cases: Cases, shape: Callable[[Definition], Hashable]) -> list[Cases]:
    """Return the questions that one query can answer together, those of one shape in a list."""
    found: dict[Hashable, list[tuple[int, Asked]]] = {}
    for place, one in cases:
        found.setdefault(shape(one.question.definition), []).append((place, one))
    return list(found.values())


def totalled(definition: Definition) -> Hashable:
    """Return on what the columns of `totals` depend."""
    return (*_counted(definition).items(), *part_names(definition), *_told(definition), definition.asks_partner)


def multiplied(definition: Definition) -> Hashable:
    """Return on what the columns of `products` depend."""
    return folding.integers(definition)


def _sorts(kept: Kept, cases: Cases, names: Sequence[str]) -> sa.Subquery:
    """Return how many rows there are of each sort, for each question: a row with its place, what it tells, how many.

    The rows are read once for all of them. The first of what is told is never null.
    """
    found = table(*kept)
    keys = [found.c[group] for group in _groups(cases[0][1])]
    told = {place: [found.c[f"{name}_{place}"] for name in names] for place, _ in cases}
    sets = sa.func.grouping_sets(*(sa.tuple_(*keys, *each) for each in told.values()))
    each = sa.select(*keys, *chain(*told.values()), sa.func.count().label("times")).group_by(sets).subquery("each")
    places = [(each.c[first.name].is_not(None), constant(place)) for place, (first, *_) in told.items()]
    columns = [
        sa.func.coalesce(*(each.c[one.name] for one in same)).label(name)
        for name, same in zip(names, zip(*told.values(), strict=True), strict=True)
    ]
    groups = [each.c[group] for group in _groups(cases[0][1])]
    return sa.select(*groups, sa.case(*places).label(PLACE), *columns, each.c.times).subquery("sorts")


def totals(judged: Kept, cases: Cases) -> sa.Select[Any]:
    """Return what is only added up, for questions alike: cases by their status, evidence and what else is told of them.

    There are few sorts of cases, so that each sort is counted first and looked at once.
    """
    first = cases[0][1]
    definition = first.question.definition
    sorts = _sorts(judged, cases, ("status", *_told(definition)))
    names = [*part_names(definition), *(EVIDENCE if definition.asks_partner else ())]
    parts = {name: _times(sorts, _part(sorts, name)) for name in names}
    listed = [_times(sorts, _among(sorts, statuses)).label(total) for total, statuses in _counted(definition).items()]
    by = [*(sorts.c[group] for group in _groups(first)), sorts.c[PLACE]]
    looked_at = sorts.c.status != number(OUTSIDE)
    return sa.select(*by, *listed, *folding.labelled_parts(parts)).where(looked_at).group_by(*by)


def _counted(definition: Definition) -> Mapping[str, Sequence[str]]:
    """Return which statuses add to which total."""
    names, _, _ = folding.integers(definition)
    if folding.is_index(definition):
        return {"eligible": _ELIGIBLE, "due": (CONFIRMED,), "excluded": (EXCLUDED,)}
    return {name: folding.COUNTED[name] for name in names if name in folding.COUNTED}


def _told(definition: Definition) -> list[str]:
    """Return what is told of a case beside its status, by the names of its columns."""
    flags = [_flag(name) for name in distinctions(definition)]
    told = flags if definition.count in ("moments", "returns") else ["change"] * bool(flags)
    return ["evidence", *told] if definition.asks_partner else told


def _flag(part: str) -> str:
    return part.replace("-", "_")


def _part(sorts: sa.Subquery, name: str) -> Column:
    if name in CODES:
        return _among(sorts, [name])
    if name in EVIDENCE:
        rank = sorts.c.evidence == constant(1 + EVIDENCE.index(name))
        return sa.and_(_among(sorts, folding.COUNTED["answered"]), rank)
    flag = _flag(name)
    return sa.and_(
        _among(sorts, folding.COUNTED["due"]),
        sorts.c[flag] == constant(1) if flag in sorts.c else sorts.c.change == name,
    )


def _among(sorts: sa.Subquery, statuses: Sequence[str]) -> Column:
    return sorts.c.status.in_([number(status) for status in statuses])


def _times(sorts: sa.Subquery, condition: Column) -> Column:
    return folding.total(sa.case((condition, sorts.c.times), else_=0))


def products(people: Kept, cases: Cases) -> sa.Select[Any]:
    """Return what takes a patient's totals, for questions alike: how many have any, and the sums of their products.

    Few patients differ in their totals, so that those who do not are multiplied once.
    """
    first = cases[0][1]
    numbers, (_, distinct, pairs) = (
        folding.numbers(first.question.definition),
        folding.integers(first.question.definition),
    )
    same = _sorts(people, cases, ("counts", *numbers))
    mask = sa.literal_column(str(_MASK), sa.BigInteger)
    made = [
        same.c.counts.bitwise_rshift(constant(i * _PLACES)).bitwise_and(mask).label(name)
        for i, name in enumerate(("confirmed", "refuted", "open"))
    ]
    keys = [same.c[name] for name in (*_groups(first), PLACE)]
    counted = sa.select(*keys, same.c.times, *(same.c[name] for name in numbers), *made)
    each = counted.where(same.c.counts != 0).subquery("people")
    columns: dict[str, Column] = {name: each.c[name] for name in numbers}
    for name, parts in _MADE_OF.items():
        one, *rest = (each.c[part] for part in parts)
        columns[name] = sum(rest, one)
    by = [each.c[key.name] for key in keys]
    return sa.select(
        *by,
        *(folding.total(each.c[name] * each.c.times).label(name) for name in numbers),
        *(
            folding.total(sa.case((columns[name] > 0, each.c.times), else_=0)).label(f"patients_{name}")
            for name in distinct
        ),
        *(
            folding.total(left * right * each.c.times).label(name)
            for left, right, name in folding.products_of(columns, pairs)
        ),
    ).group_by(*by)
