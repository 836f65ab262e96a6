"""Many rows at once between our column types and the driver's, a column at a time.

SQLAlchemy's own way costs a dictionary and a call per value; a practice loads a million claims. What is sent here is
SQL text with parameters all the same, made from the tables' own columns and types, never from anything loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from exchange.store.columns import Code, Day, Flag

# Below what every supported driver takes as parameters of one statement.
CHUNK = 1000

_FEW_VALUES = (Code, Day, Flag)

_Convert = Callable[[Any], Any]


class _Known(dict[Any, Any]):
    """What each value of a column becomes; days, codes and flags are few, so each is worked out once."""

    def __init__(self, convert: _Convert) -> None:
        super().__init__()
        self.convert = convert

    def __missing__(self, value: object) -> object:
        self[value] = made = self.convert(value)
        return made


def chunks(rows: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Cut an iterable into lists."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


def insert_rows(connection: Connection, table: sa.Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows, each the values of `names` in their order."""
    columns = [table.c[name] for name in names]
    mark = _mark(connection)
    text = (
        f"INSERT INTO {_name(connection, table)} ({', '.join(_name(connection, column) for column in columns)}) "  # noqa: S608 - the names of our own tables
        f"VALUES ({', '.join([mark] * len(columns))})"
    )
    for chunk in chunks(rows):
        connection.exec_driver_sql(text, list(_bound(connection, columns, chunk)))


def select_rows(
    connection: Connection,
    table: sa.Table,
    names: Sequence[str],
    column: str,
    values: Collection[Any],
) -> list[tuple[Any, ...]]:
    """Return the values of `names` of every current row with one of the values in a column."""
    columns = [table.c[name] for name in names]
    found: list[tuple[Any, ...]] = []
    mark = _mark(connection)
    listed = ", ".join(_name(connection, one) for one in columns)
    begin = f"SELECT {listed} FROM {_name(connection, table)} WHERE {_name(connection, table.c[column])} IN ("  # noqa: S608 - the names of our own tables
    end = f") AND {_name(connection, table.c.load_to)} IS NULL"
    bind = _binder(connection, table.c[column]) or (lambda value: value)
    for chunk in chunks(values):
        text = begin + ", ".join([mark] * len(chunk)) + end
        found += _read(connection, columns, connection.exec_driver_sql(text, tuple(map(bind, chunk))).fetchall())
    return found


def update_rows(connection: Connection, table: sa.Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set `names` of rows by number; each row is the values of `names` and then its `row_id`."""
    mark = _mark(connection)
    sets = ", ".join(f"{_name(connection, table.c[name])} = {mark}" for name in names)
    text = f"UPDATE {_name(connection, table)} SET {sets} WHERE {_name(connection, table.c.row_id)} = {mark}"  # noqa: S608 - the names of our own tables
    columns = [*(table.c[name] for name in names), table.c.row_id]
    for chunk in chunks(rows):
        connection.exec_driver_sql(text, list(_bound(connection, columns, chunk)))


def _bound(
    connection: Connection, columns: Sequence[sa.Column[Any]], rows: Sequence[Sequence[Any]]
) -> Iterable[tuple[Any, ...]]:
    converts = [_binder(connection, column) for column in columns]
    return _converted(converts, rows)


def _read(connection: Connection, columns: Sequence[sa.Column[Any]], rows: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    converts = [_reader(connection, column) for column in columns]
    return _converted(converts, rows)


def _converted(converts: Sequence[_Convert | None], rows: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    by_column = [
        values if convert is None else map(convert, values)
        for values, convert in zip(zip(*rows, strict=True), converts, strict=False)
    ]
    return zip(*by_column, strict=True)


def _binder(connection: Connection, column: sa.Column[Any]) -> _Convert | None:
    return _bind(column.type, connection.dialect)


@lru_cache(maxsize=1024)
def _bind(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return _once(kind, kind.dialect_impl(dialect).bind_processor(dialect))


def _reader(connection: Connection, column: sa.Column[Any]) -> _Convert | None:
    # Numbers and texts come from every driver as they are.
    if not isinstance(column.type, (sa.types.TypeDecorator, sa.LargeBinary)):
        return None
    return _result(column.type, connection.dialect)


@lru_cache(maxsize=1024)
def _result(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return _once(kind, kind.dialect_impl(dialect).result_processor(dialect, None))


def _once(kind: sa.types.TypeEngine[Any], convert: _Convert | None) -> _Convert | None:
    if convert is None or not isinstance(kind, _FEW_VALUES):
        return convert
    return _Known(convert).__getitem__


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def _name(connection: Connection, named: sa.Table | sa.Column[Any]) -> str:
    preparer = connection.dialect.identifier_preparer
    return preparer.format_table(named) if isinstance(named, sa.Table) else preparer.format_column(named)
