"""Receipts: what we owe partners an acknowledgement of, and what theirs say of our messages.

Of an incoming message `acknowledged_at` is when we answered for it; of an outgoing one, when the receiver did. The
`reason` of a message that was dropped is why its receiver refused it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.store import tables
from exchange.store.arrivals import State, missing_of
from exchange.store.database import Database
from exchange.store.journal import Entry, entry_of
from exchange.store.versions import each, first

CANCELLED = "cancelled"


class Receipts:
    """`store.receipts`."""

    def __init__(self, database: Database, instance: str) -> None:
        """Keep the database and the instance that speaks."""
        self._database = database
        self._instance = instance

    def owed(self) -> tuple[Entry, ...]:
        """Return what came in and was not answered for, taken in or refused, oldest first; receipts need none."""
        table = tables.journal
        return self._select(
            table.c.direction == "in",
            table.c.acknowledged_at.is_(None),
            table.c.kind.not_in(["acknowledgement", CANCELLED]),
        )

    def cancelled(self) -> tuple[Entry, ...]:
        """Return our own numbers that will never come and of which the receiver was not told yet."""
        table = tables.journal
        return self._select(
            table.c.direction == "out", table.c.acknowledged_at.is_(None), table.c.state == State.REFUSED
        )

    def answered(self, entry_ids: Collection[int], *, at: datetime) -> None:
        """Write that a receipt says what became of these."""
        table = tables.journal
        with self._database.writing() as connection:
            connection.execute(
                sa.update(table).where(table.c.journal_id.in_(list(entry_ids))).values(acknowledged_at=at)
            )

    def refused(self, message_id: str, digest: str, rule: str, *, by: str) -> bool:
        """Write that the receiver refused a message of ours, and on what ground; False when there is none such."""
        table = tables.journal
        ours = sa.and_(
            table.c.direction == "out",
            table.c.message_id == message_id,
            table.c.digest == digest,
            table.c.other == by,
        )
        with self._database.writing() as connection:
            if connection.execute(sa.select(table.c.journal_id).where(ours)).first() is None:
                return False
            # What was confirmed once stays so: an answer that comes late takes nothing back.
            connection.execute(sa.update(table).where(ours, table.c.acknowledged_at.is_(None)).values(reason=rule))
            return True

    def never_comes(self, party: str, agreement_id: str, epoch: str, sequence: int, *, at: datetime) -> bool:
        """Write that a partner cancelled a number, so that it is not missing; False where it came after all."""
        table = tables.journal
        place = sa.and_(
            table.c.direction == "in",
            table.c.party == party,
            table.c.agreement_id == agreement_id,
            table.c.epoch == epoch,
            table.c.sequence == sequence,
        )
        with self._database.writing() as connection:
            if connection.execute(sa.select(table.c.journal_id).where(place)).first() is not None:
                return False
            values = {
                "instance": self._instance,
                "direction": "in",
                "message_id": f"{epoch}:{sequence}",
                "kind": CANCELLED,
                "party": party,
                "agreement_id": agreement_id,
                "epoch": epoch,
                "sequence": sequence,
                "previous": "",
                "digest": "",
                "file_name": "",
                "state": State.REFUSED,
                "at": at,
                "changed_at": at,
                "audit_count": 0,
                "audit_hash": "",
            }
            connection.execute(sa.insert(table).values(values))
            return True

    def missing(self, party: str, agreement_id: str) -> tuple[tuple[str, int, int], ...]:
        """Return what is missing of a partner's stream: epoch, first and last number."""
        table = tables.journal
        series: dict[str, set[int]] = {}
        query = sa.select(table.c.epoch, table.c.sequence).where(
            table.c.direction == "in", table.c.party == party, table.c.agreement_id == agreement_id
        )
        with self._database.reading() as connection:
            for epoch, sequence in connection.execute(query):
                series.setdefault(epoch, set()).add(sequence)
        return tuple((epoch, low, high) for epoch in sorted(series) for low, high in missing_of(series[epoch]))

    def take_back(self, entry_id: int, *, at: datetime, reason: str) -> Entry:
        """Cancel a message that a person says was never sent; StoreError where its receiver confirmed it."""
        table = tables.journal
        with self._database.writing() as connection:
            row = first(connection, sa.select(table).where(table.c.journal_id == entry_id))
            if row is None or row["direction"] != "out" or row["instance"] != self._instance:
                raise StoreError("store.other-instance")
            if row["acknowledged_at"] is not None or row["state"] == State.REFUSED:
                raise StoreError("store.state-not-allowed", state=row["state"], wanted=State.REFUSED.value)
            values = {"state": State.REFUSED, "changed_at": at, "reason": reason, "contents": None}
            connection.execute(sa.update(table).where(table.c.journal_id == entry_id).values(values))
            return entry_of({**row, **values})

    def _select(self, *conditions: sa.ColumnElement[bool]) -> tuple[Entry, ...]:
        table = tables.journal
        query = sa.select(table).where(*conditions).order_by(table.c.journal_id)
        with self._database.reading() as connection:
            return tuple(entry_of(row) for row in each(connection, query))
