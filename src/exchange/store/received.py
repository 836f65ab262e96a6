"""Messages that partners sent, on the receiving side: the original bytes per case, so that they can be read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import current, each, put


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message about one case as it came."""

    message_id: str
    case_id: str
    event: str
    content: bytes
    party: str = ""


class Received:
    """`store.received`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, message: ReceivedMessage, *, by: str, at: datetime) -> None:
        """Write a message; the same again is nothing."""
        row = {name: getattr(message, name) for name in ReceivedMessage.__slots__}
        with self._database.changing(by=by, at=at) as (connection, load):
            put(connection, tables.received_message, [row], load, key=("message_id", "case_id", "event"))

    def of_case(self, case_id: str) -> tuple[ReceivedMessage, ...]:
        """Return the messages about a case, in the order they were stored."""
        return self._select(tables.received_message.c.case_id == case_id)

    def of_message(self, message_id: str) -> tuple[ReceivedMessage, ...]:
        """Return what one message brought."""
        return self._select(tables.received_message.c.message_id == message_id)

    def _select(self, condition: sa.ColumnElement[bool]) -> tuple[ReceivedMessage, ...]:
        table = tables.received_message
        query = sa.select(table).where(current(table), condition).order_by(table.c.row_id)
        with self._database.reading() as connection:
            return tuple(
                ReceivedMessage(row["message_id"], row["case_id"], row["event"], bytes(row["content"]), row["party"])
                for row in each(connection, query)
            )
