"""Messages that partners sent, kept as the bytes that came; and what we last told of each case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import current, each, put, retire

# The message that opens a case.
OPENING = "case-opening"


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

    def of_event(self, event: str) -> tuple[ReceivedMessage, ...]:
        """Return the messages of one kind, in the order they were stored."""
        return self._select(tables.received_message.c.event == event)

    def of_events(self, prefix: str) -> tuple[ReceivedMessage, ...]:
        """Return the messages of every kind that begins so."""
        return self._select(tables.received_message.c.event.startswith(prefix, autoescape=True))

    def since(self, event: str) -> dict[tuple[str, str], datetime]:
        """Return when messages of one kind were stored, by message and case."""
        table, load = tables.received_message, tables.load
        query = (
            sa.select(table.c.message_id, table.c.case_id, load.c.at)
            .join(load, load.c.load_id == table.c.load_from)
            .where(current(table), table.c.event == event)
        )
        with self._database.reading() as connection:
            return {(message, case): at for message, case, at in connection.execute(query)}

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
    """`store.sent`: what was last told of a case in one kind of message, and in which sealed file."""

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

    def at(self) -> dict[tuple[str, str], tuple[datetime, str]]:
        """Return when and in which sealed file each was last told, by case and kind of message."""
        table, load = tables.sent_message, tables.load
        query = (
            sa.select(table.c.case_id, table.c.event, load.c.at, table.c.message_id)
            .join(load, load.c.load_id == table.c.load_from)
            .where(current(table))
        )
        with self._database.reading() as connection:
            return {(case, event): (at, message) for case, event, at, message in connection.execute(query)}

    def forget(self, message_id: str, *, by: str, at: datetime) -> int:
        """Forget what a sealed file told, so that it is told again; return of how many cases.

        Where the file opened a case, all that was told of that case is forgotten: nobody would know what it is about.
        """
        table = tables.sent_message
        with self._database.changing(by=by, at=at) as (connection, load):
            rows = list(each(connection, sa.select(table).where(current(table), table.c.message_id == message_id)))
            opened = {row["case_id"] for row in rows if row["event"] == OPENING}
            more = sa.select(table).where(current(table), table.c.case_id.in_(opened), table.c.message_id != message_id)
            retire(connection, table, [*rows, *each(connection, more)], load)
            return len({row["case_id"] for row in rows})
