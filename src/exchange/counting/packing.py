"""Judged cases and what they come to: a status as a small number, three totals of a patient in one, alike ones once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
# Status, rank of evidence and class of change in one number: the rank stands above the status, the class above both.
RANKS, CHANGES, MOST = 16, 256, 4096


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


def people(judged: Kept, cases: Sequence[tuple[int, Asked]]) -> sa.Select[Any]:
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


def totals(judged: Kept, place: int, asked: Asked) -> sa.Select[Any]:
    """Return what is only added up: cases by their status, their evidence and what else is told of them.

    There are few sorts of cases, so that each sort is counted first and looked at once.
    """
    found, definition = table(*judged), asked.question.definition
    told = [found.c[f"{name}_{place}"] for name in ("status", *_told(definition))]
    keys = [found.c[group] for group in _groups(asked)]
    sorts = (
        sa.select(*keys, *told, sa.func.count().label("times"))
        .where(found.c[f"status_{place}"] != number(OUTSIDE))
        .group_by(*keys, *told)
        .subquery("sorts")
    )
    names = [*part_names(definition), *(EVIDENCE if definition.asks_partner else ())]
    parts = {name: _times(sorts, _part(sorts, place, name)) for name in names}
    listed = [
        _times(sorts, _among(sorts, place, statuses)).label(total) for total, statuses in _counted(definition).items()
    ]
    groups = [sorts.c[group] for group in _groups(asked)]
    return sa.select(*groups, *listed, *folding.labelled_parts(parts)).group_by(*groups)


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


def _part(sorts: sa.Subquery, place: int, name: str) -> Column:
    if name in CODES:
        return _among(sorts, place, [name])
    if name in EVIDENCE:
        rank = sorts.c[f"evidence_{place}"] == constant(1 + EVIDENCE.index(name))
        return sa.and_(_among(sorts, place, folding.COUNTED["answered"]), rank)
    due = _among(sorts, place, folding.COUNTED["due"])
    flag = f"{_flag(name)}_{place}"
    return sa.and_(due, sorts.c[flag] == constant(1) if flag in sorts.c else sorts.c[f"change_{place}"] == name)


def _among(sorts: sa.Subquery, place: int, statuses: Sequence[str]) -> Column:
    return sorts.c[f"status_{place}"].in_([number(status) for status in statuses])


def _times(sorts: sa.Subquery, condition: Column) -> Column:
    return folding.total(sa.case((condition, sorts.c.times), else_=0))


def products(people: Kept, place: int, asked: Asked) -> sa.Select[Any]:
    """Return what takes a patient's totals: how many patients have any, and the sums of their products.

    Few patients differ in their totals, so that those who do not are multiplied once.
    """
    found, definition, groups = table(*people), asked.question.definition, _groups(asked)
    numbers = folding.numbers(definition)
    keys = [found.c[group] for group in groups]
    counts = found.c[f"counts_{place}"]
    same = [counts.label("counts"), *(found.c[f"{name}_{place}"].label(name) for name in numbers)]
    alike = (
        sa.select(*keys, *same, sa.func.count().label("times"))
        .where(counts != 0)
        .group_by(*keys, counts, *(found.c[f"{name}_{place}"] for name in numbers))
        .subquery("alike")
    )
    mask = sa.literal_column(str(_MASK), sa.BigInteger)
    made = [
        alike.c.counts.bitwise_rshift(constant(i * _PLACES)).bitwise_and(mask).label(name)
        for i, name in enumerate(("confirmed", "refuted", "open"))
    ]
    each = sa.select(
        *(alike.c[group] for group in groups), *(alike.c[name] for name in ("times", *numbers)), *made
    ).subquery("each")
    columns: dict[str, Column] = {name: each.c[name] for name in numbers}
    for name, parts in _MADE_OF.items():
        first, *rest = (each.c[part] for part in parts)
        columns[name] = sum(rest, first)
    _, distinct, pairs = folding.integers(definition)
    by = [each.c[group] for group in groups]
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
