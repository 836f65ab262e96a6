"""Write a dataset's records straight into the tables, as one load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from exchange.records.model import Dataset, Session
from exchange.store import tables


def _renamed(record: Any) -> dict[str, Any]:
    # A session is a named tuple: there are millions.
    values = record._asdict() if isinstance(record, Session) else asdict(record)
    for name in ("start", "end"):
        if name in values:
            values[f"{name}_date"] = values.pop(name)
    return values


def write(connection: sa.Connection, dataset: Dataset, load: int = 1) -> None:
    """Insert every record as current from a load on; nothing checks them."""
    kinds: tuple[tuple[sa.Table, Iterable[Any]], ...] = (
        (tables.patient, dataset.patients),
        (tables.episode, dataset.episodes),
        (tables.session, dataset.sessions),
        (tables.measurement, dataset.measurements),
        (tables.referral, dataset.referrals),
        (tables.evaluation, dataset.evaluations),
        (tables.answer, dataset.answers),
        (tables.aggregate, dataset.aggregates),
        (tables.case_opened, dataset.cases),
    )
    for table, records in kinds:
        rows = []
        for record in records:
            values = _renamed(record) | {"load_from": load, "load_to": None}
            if table is tables.episode:
                values["location"] = record.location
            if table is tables.case_opened:
                values["received"] = False
            rows.append({name: value for name, value in values.items() if name in table.c})
        if rows:
            filler = {
                column.name: ""
                for column in table.c
                if not column.nullable
                and column.name not in rows[0]
                and column.name != "row_id"
                and column.default is None
            }
            connection.execute(table.insert(), [filler | row for row in rows])
