"""What definitions look at, gathered in one reading of each table: a row per episode, a column per criterion."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from exchange.counting.current import AsOf, current
from exchange.indicators.moments import Moment
from exchange.store import tables
from exchange.store.columns import Day

Column = sa.ColumnElement[Any]

# The order in which tables are read: of answers it is asked when the referral was.
_READ = (
    tables.referral, tables.evaluation, tables.measurement, tables.session, tables.episode, tables.case_opened,
    tables.answer,
)  # fmt: skip
# The number of an episode in what is kept: smaller and faster to join than its id.
NUMBER = "rowid"


@dataclass(slots=True)
class _Reading:
    """What is worked out from one table: columns by what they are, the table they are kept in, which rows it needs."""

    kept: sa.TableClause
    columns: dict[Hashable, sa.Label[Any]] = field(default_factory=dict)
    needed: dict[Hashable, Column] = field(default_factory=dict)
    # Pairs that are compared for each value of one column: both ends by that value, and then whether any rises.
    by: Column | None = None
    ends: dict[Hashable, tuple[sa.Label[Any], sa.Label[Any]]] = field(default_factory=dict)


@dataclass(slots=True)
class Gathering:
    """The kept episodes of a period and one reading of each table that their criteria look at.

    Only for an engine that numbers the rows of a kept table (`NUMBER`) and can be asked for the value of the first
    row without sorting (`functions.value_of_first`).
    """

    base: sa.TableClause
    as_of: AsOf
    # Of which episodes anything is gathered; of all where there is no condition.
    only: Column | None = None
    # Days away from an episode's own, by their names in the base: each is worked out once for all windows.
    days: dict[str, Moment] = field(default_factory=dict)
    # For SQLite: rows lie in the order of their episodes, so that a table is rather read twice than sorted, and a day
    # is text, so that also those a few days away are worked out once.
    in_order: bool = False
    _readings: dict[tuple[str, bool], _Reading] = field(default_factory=dict)
    _limits: list[tuple[sa.FromClause, Column]] = field(default_factory=list)

    @property
    def number(self) -> Column:
        """Return the number of an episode."""
        return self.base.c[NUMBER]

    def column(self, table: sa.Table, what: Hashable, made: Column, *, needs: Column | None = None) -> Column:
        """Return a column that is worked out from an episode's rows in a table, by an expression that adds them up.

        `what` tells the same column asked twice; only rows for which any column's `needs` holds are read.
        """
        reading = self._reading(table)
        if what not in reading.columns:
            labelled = made.label(f"n{len(reading.columns)}")
            reading.columns[what] = labelled
            reading.needed[what] = sa.true() if needs is None else needs
            reading.kept.append_column(sa.column(labelled.name, labelled.type))
        return reading.kept.c[reading.columns[what].name]

    def rises(self, table: sa.Table, what: Hashable, by: Column, low: Column, high: Column) -> Column:
        """Return 1 for an episode where for any value of a table's column `by` one sum lies above the other."""
        reading = self._reading(table, apart=self.in_order)
        reading.by = by
        if what not in reading.ends:
            name = f"p{len(reading.ends)}"
            reading.ends[what] = (low.label(f"{name}_low"), high.label(f"{name}_high"))
            reading.kept.append_column(sa.column(name, sa.Integer()))
        return reading.kept.c[reading.ends[what][0].name.removesuffix("_low")]

    def keeps(self, moment: Moment) -> bool:
        """Say whether the day of a moment is worked out once for all windows."""
        return bool(moment.amount) and (moment.unit == "months" or self.in_order)

    def on(self, moment: Moment) -> Column:
        """Return the day of a moment of an episode, as a column of the base."""
        name = f"{moment.anchor}_{moment.amount}_{moment.unit}".replace("-", "minus_")
        if name not in self.days:
            self.days[name] = moment
            self.base.append_column(sa.column(name, Day()))
        return self.base.c[name]

    def joined_limits(self, limits: sa.FromClause, on: Column) -> None:
        """Join a small table of constants to each episode."""
        if all(limits is not other for other, _ in self._limits):
            self._limits.append((limits, on))

    def source(self) -> sa.FromClause:
        """Return the episodes with everything that was gathered."""
        source: sa.FromClause = self.base
        for reading in self._readings.values():
            source = source.outerjoin(reading.kept, reading.kept.c.number == self.number)
        for limits, on in self._limits:
            source = source.outerjoin(limits, on)
        return source

    def kept(self) -> Iterator[tuple[str, sa.Select[Any]]]:
        """Yield what must be kept before `source` can be read: names with their queries, in order."""
        for table in _READ:
            for apart in (False, True):
                reading = self._readings.get((table.name, apart))
                if reading is not None:
                    yield reading.kept.name, self._read(table, reading)

    def _reading(self, table: sa.Table, *, apart: bool = False) -> _Reading:
        if (table.name, apart) not in self._readings:
            name = f"{self.base.name}_{table.name}{'_apart' if apart else ''}"
            self._readings[table.name, apart] = _Reading(sa.table(name, sa.column("number", sa.BigInteger())))
        return self._readings[table.name, apart]

    def _read(self, table: sa.Table, reading: _Reading) -> sa.Select[Any]:
        same = table.c.episode_id == self.base.c.episode_id
        if table is tables.episode:
            same = sa.and_(table.c.patient_id == self.base.c.patient_id, sa.not_(same))
        source: sa.FromClause = self.base.join(table, same)
        needed = [] if self.only is None else [self.only]
        for other in self._looked_at(reading):
            source = source.outerjoin(other, other.c.number == self.number)
        if not reading.ends:
            needed.append(sa.or_(*reading.needed.values()))
        found = (
            sa.select(self.number.label("number"), *reading.columns.values(), *chain(*reading.ends.values()))
            .select_from(source)
            .where(current(table, self.as_of), *needed)
            .group_by(self.number)
        )
        return found if reading.by is None else _per_episode(reading, found.group_by(reading.by).subquery())

    def _looked_at(self, reading: _Reading) -> Sequence[sa.TableClause]:
        """Return what was gathered from other tables and is looked at here."""
        seen = {id(one.table) for made in reading.columns.values() for one in _columns(made)}
        return [each.kept for each in self._readings.values() if id(each.kept) in seen]


def _per_episode(reading: _Reading, found: sa.Subquery) -> sa.Select[Any]:
    """Fold what was worked out for each value of a column: other columns are not null for one value at most."""
    columns = [sa.func.max(found.c[one.name]).label(one.name) for one in reading.columns.values()]
    for low, high in reading.ends.values():
        rises = sa.case((found.c[high.name] > found.c[low.name], 1), else_=0)
        columns.append(sa.func.max(rises).label(low.name.removesuffix("_low")))
    return sa.select(found.c.number, *columns).group_by(found.c.number)


def _columns(element: sa.ClauseElement) -> Iterator[sa.ColumnClause[Any]]:
    for one in visitors.iterate(element):
        if isinstance(one, sa.ColumnClause) and one.table is not None:
            yield one


def used(base: sa.TableClause, statements: Sequence[sa.ClauseElement]) -> list[str]:
    """Return the columns of kept episodes that any statement looks at, in their own order."""
    seen = {one.name for statement in statements for one in _columns(statement) if one.table is base}
    return [column.name for column in base.c if column.name in seen and column.name != NUMBER]
