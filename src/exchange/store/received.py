"""Messages that partners sent, kept as the bytes that came; and what we last told of each case."""

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


class Sent:
    """`store.sent`: what was last told of a case in one kind of message."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, case_id: str, event: str, digest: str, message_id: str, *, by: str, at: datetime) -> None:
        """Write that this content was told; earlier ones stay as versions."""
        row = {"case_id": case_id, "event": event, "digest": digest, "message_id": message_id}
        with self._database.changing(by=by, at=at) as (connection, load):
            put(connection, tables.sent_message, [row], load, key=("case_id", "event"))

    def digests(self) -> dict[tuple[str, str], str]:
        """Return the digest of what was last told, by case and kind of message."""
        table = tables.sent_message
        query = sa.select(table.c.case_id, table.c.event, table.c.digest).where(current(table))
        with self._database.reading() as connection:
            return {(case, event): digest for case, event, digest in connection.execute(query)}
