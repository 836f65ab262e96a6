"""From one row per case to one row per group: totals per patient first, then sums and sums of products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from exchange.indicators.cohort import CENSORED, CONFIRMED, DUE, EXCLUDED, NO_AGREEMENT, NOT_DUE, REFUTED, UNKNOWN
from exchange.indicators.cube import (
    CASE_PATIENTS,
    CASE_PRODUCTS,
    CASE_TOTALS,
    CHANGE_PRODUCTS,
    CHANGE_TOTALS,
    INDEX_PRODUCTS,
    INDEX_TOTALS,
    PAIRED_PRODUCTS,
    PAIRED_TOTALS,
    product_name,
)
from exchange.indicators.definition import Definition

Column = sa.ColumnElement[Any]
_PART = "part_"

# Which statuses add to which total.
COUNTED: Mapping[str, tuple[str, ...]] = {
    "eligible": (NOT_DUE, *DUE),
    "due": DUE,
    "answered": (CONFIRMED, REFUTED),
    "numerator": (CONFIRMED,),
    "refuted": (REFUTED,),
    "unknown": (UNKNOWN, CENSORED, NO_AGREEMENT),
    "censored": (CENSORED,),
    "no_agreement": (NO_AGREEMENT,),
    "excluded": (EXCLUDED,),
}


def integers(definition: Definition) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the totals, the distinct patients and the products that a definition's cube holds."""
    if definition.instrument:
        return CHANGE_TOTALS, ("due", "answered"), CHANGE_PRODUCTS
    if definition.paired:
        return PAIRED_TOTALS, ("due", "answered", "a", "b"), PAIRED_PRODUCTS
    if is_index(definition):
        return INDEX_TOTALS, ("due",), INDEX_PRODUCTS
    return CASE_TOTALS, CASE_PATIENTS, CASE_PRODUCTS


def is_index(definition: Definition) -> bool:
    """Say whether sessions are held against what was expected or agreed."""
    return definition.kind == "standardised-ratio" or bool(definition.agreed)


def numbers(definition: Definition) -> tuple[str, ...]:
    """Return the totals that are no counts of cases but are added up over the settled ones."""
    return tuple(name for name in integers(definition)[0] if name not in COUNTED)


def when(condition: Column) -> Column:
    """Count the rows for which a condition holds."""
    return sa.func.sum(sa.case((condition, 1), else_=0), type_=sa.BigInteger())


def total(column: Any) -> Column:
    """Add up a whole number."""
    return sa.func.sum(column, type_=sa.BigInteger())


def group_names(count: int) -> list[str]:
    """Return the names of the columns of a split."""
    return [f"g{i}" for i in range(count)]


def per_patient(
    rows: sa.CTE, groups: Sequence[str], totals: Mapping[str, Column], parts: Mapping[str, Column]
) -> sa.CTE:
    """Return totals and parts per group and patient."""
    keys = [rows.c[name] for name in groups]
    return (
        sa.select(
            *keys,
            *(column.label(name) for name, column in totals.items()),
            *(column.label(_PART + str(i)) for i, column in enumerate(parts.values())),
        )
        .group_by(*keys, rows.c.patient_id)
        .cte("per_patient")
    )


def per_group(
    patients: sa.CTE,
    groups: Sequence[str],
    *,
    totals: Iterable[str],
    distinct: Mapping[str, Column],
    products: Iterable[tuple[Column, Column, str]],
    parts: Sequence[str],
) -> sa.Select[Any]:
    """Return sums, distinct patients, sums of products and parts per group."""
    keys = [patients.c[name] for name in groups]
    return (
        sa.select(
            *keys,
            *(total(patients.c[name]).label(name) for name in totals),
            *(when(column > 0).label(f"patients_{name}") for name, column in distinct.items()),
            *(total(left * right).label(name) for left, right, name in products),
            *(total(patients.c[_PART + str(i)]).label(_PART + str(i)) for i, _ in enumerate(parts)),
        )
        .group_by(*keys)
        .order_by(*keys)
    )


def products_of(columns: Mapping[str, Column], pairs: Iterable[tuple[str, str]]) -> list[tuple[Column, Column, str]]:
    """Return the products by name."""
    return [(columns[left], columns[right], product_name(left, right)) for left, right in pairs]


def labelled_parts(parts: Mapping[str, Column]) -> list[sa.Label[Any]]:
    """Return the columns of parts, in their order, as `parts_of` reads them."""
    return [column.label(_PART + str(i)) for i, column in enumerate(parts.values())]


def counts_of(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, int]:
    """Read counts; the sum over nothing is 0."""
    return {name: int(row[name] or 0) for name in names}


def parts_of(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, int]:
    """Read the parts by their names."""
    return {name: int(row[_PART + str(i)] or 0) for i, name in enumerate(names)}
