"""Writing versions: an identical row again is nothing, a changed row supersedes, nothing is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.store.driver import chunks, insert_rows, select_rows, update_rows

Values = Mapping[str, Any]

_BOOKKEEPING = frozenset({"row_id", "load_from", "load_to"})


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: rows new to the store, rows that superseded one, rows superseded by nothing."""

    new: int = 0
    changed: int = 0
    gone: int = 0


def current(table: sa.Table, as_of: int | None = None) -> sa.ColumnElement[bool]:
    """Return the condition for rows current now, or as of a load."""
    if as_of is None:
        return table.c.load_to.is_(None)
    return sa.and_(table.c.load_from <= as_of, sa.or_(table.c.load_to.is_(None), table.c.load_to > as_of))


def each(connection: Connection, query: sa.Executable) -> Iterable[Values]:
    """Return the rows of a query by column name."""
    # A row is a Mapping by name; its declared key type is wider.
    return cast("Iterable[Values]", connection.execute(query).mappings().all())


def first(connection: Connection, query: sa.Executable) -> Values | None:
    """Return the first row of a query by column name, if any."""
    return next(iter(each(connection, query)), None)


def present(connection: Connection, table: sa.Table, column: str, values: Collection[Any]) -> list[Values]:
    """Return the current rows with one of the values in a column."""
    names = tuple(one.name for one in table.c)
    return [dict(zip(names, row, strict=True)) for row in select_rows(connection, table, names, column, values)]


def compared_columns(table: sa.Table, but: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the columns that decide whether a row changed."""
    without = _BOOKKEEPING | set(but)
    return tuple(column.name for column in table.c if column.name not in without)


def put(
    connection: Connection,
    table: sa.Table,
    rows: Sequence[Values],
    load: int,
    *,
    key: tuple[str, ...],
    but: Iterable[str] = (),
) -> Written:
    """Write rows by natural key; `but` names columns that say nothing about a change (a sealed value).

    Each row holds every column but the bookkeeping ones. Of two rows with one key the last stands.
    """
    compared = [name for name in compared_columns(table, but) if name not in key]
    wanted = {tuple(row[name] for name in key): row for row in rows}
    have = {
        tuple(row[name] for name in key): row
        for row in present(connection, table, key[0], {row[key[0]] for row in rows})
    }
    fresh, superseded = [], []
    for natural, row in wanted.items():
        old = have.get(natural)
        if old is None:
            fresh.append(row)
        elif any(old[name] != row[name] for name in compared):
            fresh.append(row)
            superseded.append(old)
    retire(connection, table, superseded, load)
    insert(connection, table, fresh, load)
    return Written(len(fresh) - len(superseded), len(superseded), 0)


def supersede(
    connection: Connection, table: sa.Table, rows: Sequence[Values], have: Mapping[str, Values], load: int, *, key: str
) -> None:
    """Write rows that are known to be new or changed; `have` are the current rows by key."""
    retire(connection, table, [have[row[key]] for row in rows if row[key] in have], load)
    insert(connection, table, rows, load)


def replace(
    connection: Connection,
    table: sa.Table,
    rows: Sequence[Values],
    have: Sequence[Values],
    load: int,
    *,
    key: str,
) -> Written:
    """Make `rows` the current ones instead of `have`, writing only the differences."""
    compared = compared_columns(table)
    old = {row[key]: row for row in have}
    wanted = {row[key]: row for row in rows}
    gone = [row for name, row in old.items() if name not in wanted]
    changed = [name for name, row in wanted.items() if name in old and _differs(old[name], row, compared)]
    new = [row for name, row in wanted.items() if name not in old]
    retire(connection, table, [*gone, *(old[name] for name in changed)], load)
    insert(connection, table, [*new, *(wanted[name] for name in changed)], load)
    return Written(len(new), len(changed), len(gone))


def _differs(old: Values, row: Values, compared: Iterable[str]) -> bool:
    return any(old[name] != row[name] for name in compared)


def insert(connection: Connection, table: sa.Table, rows: Sequence[Values], load: int) -> None:
    """Add rows as current from this load on."""
    if rows:
        names = [name for name in rows[0] if name in table.c and name not in _BOOKKEEPING]
        unsaid = {
            one.name: one.default.arg
            for one in table.c
            if isinstance(one.default, sa.ColumnDefault) and one.name not in names
        }
        same = (*unsaid.values(), load)
        made = [(*(row[name] for name in names), *same) for row in rows]
        insert_rows(connection, table, [*names, *unsaid, "load_from"], made)


def retire(connection: Connection, table: sa.Table, rows: Iterable[Values], load: int) -> None:
    """End rows with this load; what the same load made was never seen by anyone and goes."""
    ending = list(rows)
    for chunk in chunks(row["row_id"] for row in ending if row["load_from"] != load):
        connection.execute(sa.update(table).where(table.c.row_id.in_(chunk)).values(load_to=load))
    for chunk in chunks(row["row_id"] for row in ending if row["load_from"] == load):
        connection.execute(sa.delete(table).where(table.c.row_id.in_(chunk)))


def amend(
    connection: Connection, table: sa.Table, changes: Sequence[tuple[Values, Mapping[str, Any]]], load: int
) -> None:
    """Change worked-out columns of current rows: in place where this load made the row, else as a new version.

    Every change names the same columns.
    """
    own = [(row, change) for row, change in changes if row["load_from"] == load]
    if own:
        names = list(own[0][1])
        made = [(*(change[name] for name in names), row["row_id"]) for row, change in own]
        update_rows(connection, table, names, made)
    older = [(row, change) for row, change in changes if row["load_from"] != load]
    retire(connection, table, [row for row, _ in older], load)
    insert(connection, table, [{**row, **change} for row, change in older], load)
