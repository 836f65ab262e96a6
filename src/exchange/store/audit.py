"""The audit trail (NEN 7513): who did what, when, to whose record and on what ground, in a chain that shows any change.

What can be said of it: without our keys every edit, removal or reorder is found, for the links are keyed; with them,
every change before a head that a partner holds. An entry commits to SHA-256(salt || detail), so that retention can
drop salt and detail and the chain stays whole.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.findings import Finding
from exchange.store import tables
from exchange.store.columns import Instant
from exchange.store.database import Database
from exchange.store.reading import ids_of_patient
from exchange.store.versions import Values, each

START = "0" * 64
_SALT = 16
_CHAINED = (
    "number",
    "event",
    "outcome",
    "user",
    "organisation",
    "subject",
    "object",
    "counterparty",
    "ground",
    "commitment",
    "previous",
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done. `user` is a named person or program, `subject` a patient_id or empty.

    `object` says to what, as `kind:id`; `ground` the agreement, consent or law; nothing here is a value out of a
    record. `detail` may say more and is erased after its term.
    """

    event: str
    user: str
    organisation: str
    subject: str = ""
    object: str = ""
    counterparty: str = ""
    ground: str = ""
    outcome: str = "done"
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its number, its moment and its link; `erased` says that its detail is gone."""

    number: int
    at: datetime
    event: Event
    hash: str
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """A head of our trail that somebody else kept."""

    name: str
    count: int
    hash: str


def head_of(connection: Connection) -> tuple[int, str]:
    """Return the number of entries and the last link."""
    table = tables.audit
    row = connection.execute(sa.select(table.c.number, table.c.hash).order_by(table.c.number.desc()).limit(1)).first()
    return (0, START) if row is None else (int(row.number), str(row.hash))


class Audit:
    """`store.audit`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def append(self, event: Event, *, at: datetime) -> Recorded:
        """Write an event in a short transaction of its own; one at a time, whoever else is writing."""
        return self.append_all([event], at=at)[0]

    def append_all(self, events: Iterable[Event], *, at: datetime) -> tuple[Recorded, ...]:
        """Write events in order in one transaction: all of them or none."""
        with self._database.writing() as connection:
            return tuple(self._append(connection, event, at) for event in events)

    def _append(self, connection: Connection, event: Event, at: datetime) -> Recorded:
        count, previous = head_of(connection)
        salt = secrets.token_bytes(_SALT)
        detail = json.dumps(dict(event.detail), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        values = {name: getattr(event, name) for name in Event.__slots__ if name != "detail"}
        values |= {"number": count + 1, "at": at, "salt": salt, "detail": detail, "previous": previous}
        values["commitment"] = _commitment(salt, detail)
        values["hash"] = self._link(values)
        connection.execute(sa.insert(tables.audit).values(values))
        return Recorded(count + 1, at, event, values["hash"])

    def head(self) -> tuple[int, str]:
        """Return the number of entries and the last link: what a manifest carries and a partner keeps."""
        with self._database.reading() as connection:
            return head_of(connection)

    def show(self, *, after: int = 0, limit: int | None = None) -> tuple[Recorded, ...]:
        """Return entries in order, after a number."""
        table = tables.audit
        return self._select(sa.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit))

    def of_patient(self, patient_id: str) -> tuple[Recorded, ...]:
        """Return what was done with one patient's record, in order, under whatever id they were known."""
        table = tables.audit
        with self._database.reading() as connection:
            ids = sorted(ids_of_patient(connection, patient_id))
        return self._select(sa.select(table).where(table.c.subject.in_(ids)).order_by(table.c.number))

    def verify(self) -> tuple[Finding, ...]:
        """Walk the whole chain; return where an entry was changed, removed, added or moved."""
        found: list[Finding] = []
        number, previous = 0, START
        with self._database.reading() as connection:
            for row in each(connection, sa.select(tables.audit).order_by(tables.audit.c.number)):
                if row["number"] != number + 1 or row["previous"] != previous:
                    found.append(Finding("store.audit-broken", params={"number": row["number"]}))
                if self._link(row) != row["hash"]:
                    found.append(Finding("store.audit-changed", params={"number": row["number"]}))
                if (
                    row["salt"] is not None
                    and _commitment(bytes(row["salt"]), row["detail"] or "") != row["commitment"]
                ):
                    found.append(Finding("store.audit-detail-changed", params={"number": row["number"]}))
                number, previous = row["number"], row["hash"]
        return tuple(found)

    def verify_witness(self, heads: Iterable[Witness]) -> tuple[Finding, ...]:
        """Compare the trail with heads that others kept: this finds what someone with our keys changed."""
        found: list[Finding] = []
        table = tables.audit
        with self._database.reading() as connection:
            count, _ = head_of(connection)
            for head in heads:
                params = {"witness": head.name, "number": head.count, "count": count}
                if head.count > count:
                    found.append(Finding("store.audit-shorter", params=params))
                    continue
                link = connection.execute(sa.select(table.c.hash).where(table.c.number == head.count)).scalar()
                if (link or START) != head.hash:
                    found.append(Finding("store.audit-witness-differs", params=params))
        return tuple(found)

    def erase_details(self, before: datetime) -> int:
        """Drop salt and detail of entries before a moment; the chain stays whole. Return how many."""
        table = tables.audit
        with self._database.writing() as connection:
            erased = connection.execute(
                sa.update(table).where(table.c.at < before, table.c.salt.is_not(None)).values(salt=None, detail=None)
            )
            return int(erased.rowcount)

    def _link(self, row: Values) -> str:
        at = Instant().process_bind_param(row["at"], self._database.engine.dialect)
        said = json.dumps(
            {**{name: row[name] for name in _CHAINED}, "at": at},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        # Two indexes of 128 bits each make one link of 64 hex digits.
        return self._database.id_of("audit-left", said) + self._database.id_of("audit-right", said)

    def _select(self, query: sa.Select[tuple[object, ...]]) -> tuple[Recorded, ...]:
        with self._database.reading() as connection:
            return tuple(_recorded(row) for row in each(connection, query))


def _commitment(salt: bytes, detail: str) -> str:
    return hashlib.sha256(salt + detail.encode()).hexdigest()


def _recorded(row: Values) -> Recorded:
    detail = json.loads(row["detail"]) if row["detail"] else {}
    values = {name: row[name] for name in Event.__slots__ if name != "detail"}
    return Recorded(row["number"], row["at"], Event(**values, detail=detail), row["hash"], row["salt"] is None)
