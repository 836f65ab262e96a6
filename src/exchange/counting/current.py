"""The rows that count: those that are current, or were as of a load, under the id their episode has now."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from exchange.indicators.vocabulary import SESSION_TYPES
from exchange.store import tables
from exchange.store.versions import current


def word(column: Any) -> sa.ColumnElement[str]:
    """Read a code as its plain word."""
    return sa.type_coerce(column, sa.String())


def patients(as_of: int | None) -> sa.CTE:
    """Return the patients' sex and birth date."""
    t = tables.patient
    return sa.select(t.c.patient_id, word(t.c.sex).label("sex"), t.c.birth_date).where(current(t, as_of)).cte("person")


def treatments(as_of: int | None) -> sa.Select[Any]:
    """Return the treatment sessions: no screenings, no surcharges."""
    t = tables.session
    return sa.select(t.c.session_id, t.c.episode_id, t.c.day).where(
        current(t, as_of), word(t.c.type).in_(SESSION_TYPES)
    )


def under_present_id(table: sa.Table, as_of: int | None) -> sa.Subquery:
    """Return a table's rows with the id their episode has now: a merge leaves an alias behind."""
    alias, own = tables.episode_alias, tables.episode
    present = sa.func.coalesce(own.c.episode_id, alias.c.episode_id, table.c.episode_id).label("episode_id")
    joined = table.outerjoin(own, sa.and_(own.c.episode_id == table.c.episode_id, current(own, as_of))).outerjoin(
        alias, sa.and_(alias.c.alias_id == table.c.episode_id, current(alias, as_of))
    )
    others = [column for column in table.c if column.name != "episode_id"]
    return sa.select(present, *others).select_from(joined).where(current(table, as_of)).subquery()
