"""Calendar functions compiled per engine: months clamped to the month's end, days, and the month and year as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from exchange.indicators.moments import Moment
from exchange.store.columns import Day

DayExpression = sa.ColumnElement[date]


class add_months(GenericFunction[date]):  # noqa: N801 - the name as it stands in the query
    """The same day so many months on, or the last day of that month where it is shorter."""

    type = Day()
    inherit_cache = True

    def __init__(self, day: Any, months: int) -> None:
        """Take the number as a constant of the definition."""
        if not isinstance(months, int):
            raise TypeError(months)
        super().__init__(day, sa.literal_column(str(months), sa.Integer))


class add_days(GenericFunction[date]):  # noqa: N801 - the name as it stands in the query
    """The day so many days on."""

    type = Day()
    inherit_cache = True

    def __init__(self, day: Any, days: int) -> None:
        """Take the number as a constant of the definition."""
        if not isinstance(days, int):
            raise TypeError(days)
        super().__init__(day, sa.literal_column(str(days), sa.Integer))


class days_between(GenericFunction[int]):  # noqa: N801 - the name as it stands in the query
    """How many days lie from the first day up to, not including, the last."""

    type = sa.Integer()
    inherit_cache = True


class first_letters(GenericFunction[str]):  # noqa: N801 - the name as it stands in the query
    """The first four or seven characters of a day as `YYYY-MM-DD`: its year or its month."""

    type = sa.String()
    inherit_cache = True


class greatest(GenericFunction[int]):  # noqa: N801 - the name as it stands in the query
    """The largest of its arguments, none of which is null."""

    type = sa.Integer()
    inherit_cache = True


class least(GenericFunction[int]):  # noqa: N801 - the name as it stands in the query
    """The smallest of its arguments, none of which is null."""

    type = sa.Integer()
    inherit_cache = True


class value_of_first(GenericFunction[Any]):  # noqa: N801 - the name as it stands in the query
    """The value in the row that comes first by two columns, as an aggregate; only where an engine needs no sort."""

    inherit_cache = True

    def __init__(self, value: Any, first: Any, then: Any, *counts: Any) -> None:
        """Take the value's type; the order is by a day or a number, and then a number or an id, and is never null."""
        super().__init__(value, first, then, *counts, type_=self._of(value))

    def _of(self, value: Any) -> Any:
        return value.type

    def filter(self, *criterion: Any) -> Any:
        """Look only at the rows for which a condition holds."""
        value, first, then, *counts = self.clauses
        return type(self)(value, first, then, sa.and_(*counts, *criterion))


class value_of_last(value_of_first):  # noqa: N801 - the name as it stands in the query
    """The value in the row that comes last by two columns, as an aggregate."""

    inherit_cache = True


class day_of_first(value_of_first):  # noqa: N801 - the name as it stands in the query
    """The day by which a row comes first, of an engine that finds it with the value of that row."""

    inherit_cache = True

    def _of(self, value: Any) -> Any:
        return Day()


class day_of_last(day_of_first, value_of_last):  # noqa: N801 - the name as it stands in the query
    """The day by which a row comes last, of an engine that finds it with the value of that row."""

    inherit_cache = True


def _parts(element: Any, compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    day, number = list(element.clauses)
    return compiler.process(day, **options), str(number)


@compiles(add_months, "sqlite")
def _add_months_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite overflows into the next month (and only 3.46 can be told not to), so the month's last day is the limit.
    day, months = _parts(element, compiler, **options)
    same, following = f"date({day}, '{int(months):+d} months')", int(months) + 1
    last = f"date({day}, 'start of month', '{following:+d} months', '-1 day')"
    return f"CASE WHEN substr({day}, 9) <= '28' THEN {same} ELSE min({same}, {last}) END"


@compiles(add_months, "postgresql")
def _add_months_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, months = _parts(element, compiler, **options)
    return f"CAST({day} + make_interval(months => {months}) AS date)"


@compiles(add_days, "sqlite")
def _add_days_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _parts(element, compiler, **options)
    return f"date({day}, '{int(days):+d} days')"


@compiles(add_days, "postgresql")
def _add_days_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _parts(element, compiler, **options)
    return f"({day} + {days})"


@compiles(add_months, "duckdb")
def _add_months_duckdb(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, months = _parts(element, compiler, **options)
    return f"CAST({day} + to_months({months}) AS DATE)"


@compiles(add_days, "duckdb")
def _add_days_duckdb(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _parts(element, compiler, **options)
    return f"({day} + {days})"


@compiles(add_days, "spark")
def _add_days_spark(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    # Spark's own `add_months` clamps as ours does, and has the same name.
    day, days = _parts(element, compiler, **options)
    return f"date_add({day}, {days})"


@compiles(add_months, "trino")
def _add_months_trino(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, months = _parts(element, compiler, **options)
    return f"date_add('month', {months}, {day})"


@compiles(add_days, "trino")
def _add_days_trino(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, days = _parts(element, compiler, **options)
    return f"date_add('day', {days}, {day})"


@compiles(value_of_first, "duckdb")
def _value_of_first_duckdb(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    value, first, then, *counts = element.clauses
    # The row is wanted, also where it has no value, and not the first one with a value.
    name = "arg_max" if isinstance(element, value_of_last) else "arg_min"
    place = compiler.process(first, **options)
    if isinstance(first.type, Day):
        place = f"({place} - DATE '0001-01-01')"
    # Both in one number is compared faster than a row of two: what comes second has at most 64 bits, and a sign.
    order = f"CAST({place} AS HUGEINT) * {1 << 64} + {compiler.process(then, **options)}"
    only = "".join(f" FILTER (WHERE {compiler.process(one, **options)})" for one in counts)
    return f"{name}_null({compiler.process(value, **options)}, {order}){only}"


@compiles(value_of_first, "sqlite")
def _value_of_first_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    value, first, then, *counts = element.clauses
    # Order and value in one text, of which the first is that of the first row: days are as long as each other, numbers
    # are made so, and what stands before the value comes before every letter and digit.
    order = " || ".join(_as_ordered_text(one, compiler, **options) for one in (first, then))
    row = f"{order} || char(1) || coalesce({compiler.process(value, **options)}, '')"
    if counts:
        row = f"CASE WHEN {compiler.process(counts[0], **options)} THEN {row} END"
    # The same text is worked out once, however often it is written.
    found = f"{'max' if isinstance(element, value_of_last) else 'min'}({row})"
    if isinstance(element, day_of_first):
        return f"substr({found}, 1, 10)"
    told = f"nullif(substr({found}, instr({found}, char(1)) + 1), '')"
    return f"CAST({told} AS INTEGER)" if isinstance(element.type, sa.Integer) else told


def _as_ordered_text(column: Any, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(column, **options)
    return f"printf('%019d', {text} + {1 << 62})" if isinstance(column.type, sa.Integer) else text


def _ends(element: Any, compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    first, last = list(element.clauses)
    return compiler.process(first, **options), compiler.process(last, **options)


@compiles(days_between, "sqlite")
def _days_between_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    first, last = _ends(element, compiler, **options)
    return f"CAST(julianday({last}) - julianday({first}) AS INTEGER)"


@compiles(days_between, "postgresql")
def _days_between_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    first, last = _ends(element, compiler, **options)
    return f"({last} - {first})"


@compiles(days_between, "duckdb")
@compiles(days_between, "trino")
def _days_between_elsewhere(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    first, last = _ends(element, compiler, **options)
    return f"date_diff('day', {first}, {last})"


@compiles(days_between, "spark")
def _days_between_spark(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    first, last = _ends(element, compiler, **options)
    return f"datediff({last}, {first})"


@compiles(first_letters, "sqlite")
def _first_letters_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, number = _parts(element, compiler, **options)
    return f"substr({day}, 1, {number})"


@compiles(first_letters, "postgresql")
def _first_letters_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, number = _parts(element, compiler, **options)
    return f"substr(to_char({day}, 'YYYY-MM-DD'), 1, {number})"


@compiles(first_letters, "duckdb")
@compiles(first_letters, "spark")
@compiles(first_letters, "trino")
def _first_letters_elsewhere(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    day, number = _parts(element, compiler, **options)
    return f"substr(CAST({day} AS {'STRING' if compiler.dialect.name == 'spark' else 'VARCHAR'}), 1, {number})"


@compiles(greatest, "sqlite")
def _greatest_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(least, "sqlite")
def _least_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"min({compiler.process(element.clauses, **options)})"


def moment_on(moment: Moment, anchors: Mapping[str, Any]) -> sa.ColumnElement[Any]:
    """Return the day of a moment, given an episode's anchors; null where the anchor is."""
    anchor: sa.ColumnElement[Any] = anchors[moment.anchor]
    if not moment.amount:
        return anchor
    return add_months(anchor, moment.amount) if moment.unit == "months" else add_days(anchor, moment.amount)


def month_of(day: Any) -> sa.ColumnElement[str]:
    """Return `YYYY-MM`."""
    return first_letters(day, sa.literal_column("7", sa.Integer))


def year_of(day: Any) -> sa.ColumnElement[str]:
    """Return `YYYY`."""
    return first_letters(day, sa.literal_column("4", sa.Integer))
