"""The rows that count: those that are current, or were as of a load, under the id their episode has now."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa

from exchange.indicators.vocabulary import SESSION_TYPES
from exchange.records.codes import NextStep
from exchange.store import tables, versions


class Rows(Enum):
    """What an engine counts instead of a store: the current rows under their present ids, and nothing else.

    They were exported, or laid out, and then only treatments are among the sessions.
    """

    EXPORTED = "exported"
    LAID_OUT = "laid out"


# As the store is now, as it was after a load, or rows that were taken from one.
AsOf = int | Rows | None


def current(table: sa.Table, as_of: AsOf) -> sa.ColumnElement[bool]:
    """Return the condition for the rows that count."""
    return sa.true() if isinstance(as_of, Rows) else versions.current(table, as_of)


def word(column: Any) -> sa.ColumnElement[str]:
    """Read a code as its plain word."""
    return sa.type_coerce(column, sa.String())


def patients(as_of: AsOf) -> sa.CTE:
    """Return the patients' sex and birth date."""
    t = tables.patient
    return sa.select(t.c.patient_id, word(t.c.sex).label("sex"), t.c.birth_date).where(current(t, as_of)).cte("person")


def handovers(as_of: AsOf) -> sa.CTE:
    """Return the evaluation that first handed each episode over to a partner."""
    t = tables.evaluation
    place = sa.func.row_number().over(partition_by=t.c.episode_id, order_by=(t.c.day, t.c.evaluation_id))
    ordered = (
        sa.select(t.c.episode_id, t.c.evaluation_id, t.c.session_number, t.c.day, place.label("place"))
        .where(current(t, as_of), word(t.c.decision) == NextStep.HAND_OVER.value)
        .subquery()
    )
    return sa.select(ordered).where(ordered.c.place == 1).cte("handover")


def treatments(as_of: AsOf) -> sa.Select[Any]:
    """Return the treatment sessions: no screenings, no surcharges."""
    t = tables.session
    treated = sa.true() if as_of is Rows.LAID_OUT else word(t.c.type).in_(SESSION_TYPES)
    return sa.select(t.c.session_id, t.c.episode_id, t.c.day).where(current(t, as_of), treated)


def kept(select: sa.Select[Any], name: str) -> sa.CTE:
    """Name a select that an engine works out once: unfolded into a join it would be searched for every episode."""
    named = select.cte(name)
    for dialect in ("sqlite", "postgresql"):
        named = named.prefix_with("MATERIALIZED", dialect=dialect)
    # DuckDB joins by hash and would write down for nothing what is read once.
    return named.prefix_with("NOT MATERIALIZED", dialect="duckdb")


def under_present_id(
    table: sa.Table, columns: Sequence[str], as_of: AsOf, *conditions: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Select a table's rows with the id their episode has now: a merge leaves an alias behind."""
    others = [table.c[name] for name in columns]
    if isinstance(as_of, Rows):
        return sa.select(table.c.episode_id, *others).where(*conditions)
    alias, own = tables.episode_alias, tables.episode
    # Without the cast SQLite gives the column no affinity, makes no index for the join, and turns quadratic.
    present = sa.cast(
        sa.func.coalesce(own.c.episode_id, alias.c.episode_id, table.c.episode_id), table.c.episode_id.type
    ).label("episode_id")
    joined = table.outerjoin(own, sa.and_(own.c.episode_id == table.c.episode_id, current(own, as_of))).outerjoin(
        alias, sa.and_(alias.c.alias_id == table.c.episode_id, current(alias, as_of))
    )
    return sa.select(present, *others).select_from(joined).where(current(table, as_of), *conditions)
