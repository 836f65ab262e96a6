"""Cells of tables that were released before: what a new release must not let anybody subtract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, each

_MEMBER = 8


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """One count that left the practice: `cell` names indicator, version, period, group and part (canonical JSON).

    `count` is of patients; `members` are keyed digests of them, so that two cells can be compared without naming
    anybody. `units` is the number that was printed: episodes, where somebody has several; None where it was not kept.
    """

    cell: str
    count: int
    members: frozenset[str]
    document: str = ""
    released_at: datetime | None = None
    units: int | None = None


class Releases:
    """`store.releases`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def member(self, patient_id: str) -> str:
        """Return the digest of a patient in a released cell: eight bytes as hex, keyed."""
        return self._database.id_of("member", patient_id)[: 2 * _MEMBER]

    def save(self, document: str, cells: Iterable[ReleasedCell], *, at: datetime) -> int:
        """Write the cells of one released document; return how many."""
        rows = [
            {
                "released_at": at,
                "document": document,
                "cell": one.cell,
                "count": one.count,
                "members": bytes.fromhex("".join(sorted(one.members))),
                "units": one.units,
            }
            for one in cells
        ]
        if rows:
            with self._database.writing() as connection:
                connection.execute(sa.insert(tables.release_cell), rows)
        return len(rows)

    def of_cell(self, cell: str) -> tuple[ReleasedCell, ...]:
        """Return earlier releases of one cell, oldest first."""
        return self._select(tables.release_cell.c.cell == cell)

    def all(self) -> tuple[ReleasedCell, ...]:
        """Return everything that was ever released, oldest first."""
        return self._select(sa.true())

    def newest(self) -> int:
        """Return the number of the cell that was released last: another one means that somebody published since."""
        with self._database.reading() as connection:
            found = connection.execute(sa.select(sa.func.max(tables.release_cell.c.cell_id))).scalar()
        return found or 0

    def _select(self, condition: sa.ColumnElement[bool]) -> tuple[ReleasedCell, ...]:
        table = tables.release_cell
        query = sa.select(table).where(condition).order_by(table.c.cell_id)
        with self._database.reading() as connection:
            return tuple(_cell(row) for row in each(connection, query))


def _cell(row: Values) -> ReleasedCell:
    packed = bytes(row["members"])
    members = frozenset(packed[start : start + _MEMBER].hex() for start in range(0, len(packed), _MEMBER))
    return ReleasedCell(row["cell"], row["count"], members, row["document"], row["released_at"], row["units"])
