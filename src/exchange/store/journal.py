"""The journal: what was sent and received, so that nothing is sent or taken twice and a crash loses nothing.

Outgoing, by the workspace instance that reserved it and no other:

    state      what is certain                                         next, or after a crash
    reserved   the number is taken, manifest and contents are kept     seal from the kept bytes -> written
    written    a sealed file was fsynced under a temporary name        rename -> published; gone -> reserved
    published  the file stands under its own name in the outbox        drop it at the partner's -> done
    done       dropped; the contents are no longer kept                -
    refused    cancelled before it was dropped (a withdrawal), or      -; its number stays used, and the partner
               taken back by a person before it was acknowledged       is told so

Incoming, in the transaction that is committed after the contents were stored:

    done       checked, gated and stored                               the same again is "already imported"
    refused    checked and refused; it does not count as received      the same again is looked at again
               (kind `cancelled`: the sender says that the number will never come)

Who owes whom an acknowledgement, and what an acknowledgement does here, is in `receipts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.errors import StoreError
from exchange.findings import Finding
from exchange.store import tables
from exchange.store.arrivals import Arrival, Examined, Seen, State, examined, gap, missing_of, refused_so
from exchange.store.audit import head_of
from exchange.store.database import Database
from exchange.store.streams import Slot, advance, begin, epochs, foreseen, newest, order_of
from exchange.store.versions import Values, each, first

__all__ = ["Arrival", "Entry", "Examined", "Journal", "Outgoing", "Seen", "State"]

_NEXT = {
    State.RESERVED: {State.WRITTEN, State.REFUSED},
    State.WRITTEN: {State.PUBLISHED, State.RESERVED, State.REFUSED},
    State.PUBLISHED: {State.DONE, State.REFUSED},
    State.DONE: set(),
    State.REFUSED: set(),
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent: `party` is us, `other` who it goes to, `contents` the tar contents."""

    message_id: str
    kind: str
    party: str
    agreement_id: str
    other: str
    contents: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    entry_id: int
    instance: str
    direction: str
    message_id: str
    kind: str
    party: str
    agreement_id: str
    other: str
    epoch: str
    epoch_order: int
    sequence: int
    previous: str
    digest: str
    manifest: bytes | None
    contents: bytes | None
    file_name: str
    state: State
    at: datetime
    changed_at: datetime
    acknowledged_at: datetime | None
    reason: str
    audit_count: int
    audit_hash: str


class Journal:
    """`store.journal`, of one workspace instance."""

    def __init__(self, database: Database, instance: str) -> None:
        """Keep the database and the instance that speaks."""
        self._database = database
        self._instance = instance

    def reserve(self, outgoing: Outgoing, *, at: datetime, sign: Callable[[Slot], tuple[bytes, str]]) -> Entry:
        """Take the next number and keep the signed manifest in one transaction.

        `sign` is called with the slot while the stream is locked, and returns the manifest's JWS bytes and the
        digest of its payload. Whatever it raises leaves the number free.
        """
        with self._database.writing() as connection:
            names = (outgoing.party, outgoing.agreement_id, outgoing.other)
            stream = newest(connection, *names) or begin(connection, *names, None)
            count, head = head_of(connection)
            slot = Slot(
                stream["epoch"],
                stream["epoch_order"],
                stream["sequence"] + 1,
                stream["digest"],
                stream["after"],
                count,
                head,
            )
            manifest, digest = sign(slot)
            advance(connection, stream["stream_id"], slot.sequence, digest)
            values = {name: getattr(outgoing, name) for name in Outgoing.__slots__}
            values |= {name: getattr(slot, name) for name in Slot.__slots__ if name != "after"}
            values |= {"instance": self._instance, "direction": "out", "digest": digest, "manifest": manifest}
            values |= {"file_name": "", "state": State.RESERVED, "at": at, "changed_at": at, "reason": ""}
            inserted = connection.execute(sa.insert(tables.journal).values(values)).inserted_primary_key
            assert inserted is not None  # noqa: S101 - an insert of one row always has one
            return entry_of(_row(connection, inserted[0]))

    def mark(
        self, entry_id: int, state: State, *, at: datetime, file_name: str | None = None, reason: str = ""
    ) -> Entry:
        """Move one of our own messages on; another instance's, or a step the table does not have, is a StoreError."""
        table = tables.journal
        with self._database.writing() as connection:
            row = _row(connection, entry_id)
            if row["instance"] != self._instance:
                raise StoreError("store.other-instance")
            if state not in _NEXT[State(row["state"])] or row["direction"] != "out":
                raise StoreError("store.state-not-allowed", state=row["state"], wanted=state.value)
            values: dict[str, object] = {"state": state, "changed_at": at, "reason": reason}
            if file_name is not None:
                values["file_name"] = file_name
            if state in {State.DONE, State.REFUSED}:
                values["contents"] = None
            connection.execute(sa.update(table).where(table.c.journal_id == entry_id).values(values))
            return entry_of(_row(connection, entry_id))

    def unfinished(self) -> tuple[Entry, ...]:
        """Return this instance's messages on their way, oldest first: what a restart goes on with."""
        table = tables.journal
        underway = [State.RESERVED, State.WRITTEN, State.PUBLISHED]
        return self._select(table.c.direction == "out", table.c.instance == self._instance, table.c.state.in_(underway))

    def examine(self, arrival: Arrival) -> Examined:
        """Say what an arrival is, before anything of it is stored; nothing is written."""
        with self._database.reading() as connection:
            known = epochs(connection, arrival.party, arrival.agreement_id)
            order = foreseen(known, arrival.epoch, arrival.after)[1]
            return examined(connection, arrival, order)

    def receive(
        self,
        arrival: Arrival,
        *,
        at: datetime,
        manifest: bytes | None = None,
        state: State = State.DONE,
        reason: str = "",
    ) -> Examined:
        """Write that a message was stored (or refused); call it when its contents are. The same again is nothing."""
        with self._database.writing() as connection:
            stream = order_of(connection, arrival.party, arrival.agreement_id, arrival.epoch, arrival.after)
            found = examined(connection, arrival, stream["epoch_order"])
            if found.seen is not Seen.NEW or (state is State.REFUSED and refused_so(connection, arrival, reason)):
                return found
            table = tables.journal
            connection.execute(
                sa.delete(table).where(
                    table.c.direction == "in",
                    table.c.party == arrival.party,
                    table.c.message_id == arrival.message_id,
                    table.c.state == State.REFUSED,
                )
            )
            values = {name: getattr(arrival, name) for name in Arrival.__slots__ if name != "after"}
            values |= {
                "instance": self._instance,
                "direction": "in",
                "manifest": manifest,
                "state": state,
                "reason": reason,
            }
            values |= {"at": at, "changed_at": at, "epoch_order": stream["epoch_order"]}
            connection.execute(sa.insert(table).values(values))
            if state is State.DONE and arrival.sequence > stream["sequence"]:
                advance(connection, stream["stream_id"], arrival.sequence, arrival.digest)
            return found

    def acknowledge(self, message_id: str, digest: str, *, at: datetime, by: str | None = None) -> bool:
        """Write that the receiver (`by`) confirmed a message of ours; False when there is none such for it."""
        table, stream = tables.journal, tables.stream
        ours = sa.and_(table.c.direction == "out", table.c.message_id == message_id, table.c.digest == digest)
        if by is not None:
            ours = sa.and_(ours, table.c.other == by)
        with self._database.writing() as connection:
            row = first(connection, sa.select(table).where(ours))
            if row is None:
                return False
            connection.execute(
                sa.update(table).where(ours, table.c.acknowledged_at.is_(None)).values(acknowledged_at=at, reason="")
            )
            connection.execute(
                sa.update(stream)
                .where(
                    stream.c.party == row["party"],
                    stream.c.epoch == row["epoch"],
                    stream.c.acknowledged < row["sequence"],
                )
                .values(acknowledged=row["sequence"])
            )
            return True

    def unacknowledged(self, before: datetime) -> tuple[Entry, ...]:
        """Return messages sent before a moment that nobody confirmed; acknowledgements themselves need none."""
        table = tables.journal
        return self._select(
            table.c.direction == "out",
            table.c.state.in_([State.PUBLISHED, State.DONE]),
            table.c.acknowledged_at.is_(None),
            table.c.kind != "acknowledgement",
            table.c.at < before,
        )

    def gaps(self) -> tuple[Finding, ...]:
        """Return the numbers missing from partners' streams; what we refused or they cancelled is not missing."""
        found: list[Finding] = []
        series: dict[tuple[str, str, str], set[int]] = {}
        for entry in self.incoming():
            series.setdefault((entry.party, entry.agreement_id, entry.epoch), set()).add(entry.sequence)
        for (party, agreement, _), numbers in sorted(series.items()):
            found += [gap(party, agreement, low, high) for low, high in missing_of(numbers)]
        return tuple(found)

    def new_epochs(self, party: str) -> int:
        """Begin a new epoch of every stream of ours: after a restore, or when the store is behind the high water."""
        table = tables.stream
        with self._database.writing() as connection:
            streams = connection.execute(
                sa.select(table.c.agreement_id, table.c.other).where(table.c.party == party).distinct()
            ).all()
            for agreement_id, other in streams:
                begin(connection, party, agreement_id, other, newest(connection, party, agreement_id, other))
            return len(streams)

    def high_water(self, party: str) -> dict[str, int]:
        """Return the highest number of every epoch of ours: kept beside the keystore, outside every backup."""
        table = tables.stream
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(table.c.epoch, table.c.sequence).where(table.c.party == party))
            return {epoch: sequence for epoch, sequence in rows if sequence}

    def behind(self, party: str, kept: dict[str, int]) -> bool:
        """Tell whether the store is older than the high water: a backup was put back."""
        now = self.high_water(party)
        return any(now.get(epoch, 0) < sequence for epoch, sequence in kept.items())

    def outgoing(self) -> tuple[Entry, ...]:
        """Return what we sent, oldest first."""
        return self._select(tables.journal.c.direction == "out")

    def incoming(self) -> tuple[Entry, ...]:
        """Return what partners sent, oldest first."""
        return self._select(tables.journal.c.direction == "in")

    def find(self, message_id: str, party: str | None = None) -> Entry | None:
        """Return the entry of a message, of one sender where a party is given."""
        table = tables.journal
        conditions = [table.c.message_id == message_id] + ([table.c.party == party] if party else [])
        return next(iter(self._select(*conditions)), None)

    def witnesses(self, party: str) -> tuple[tuple[int, str], ...]:
        """Return the audit heads that a partner's messages carried: what we can witness of their trail."""
        heads = {(one.audit_count, one.audit_hash) for one in self.incoming() if one.party == party and one.audit_count}
        return tuple(sorted(heads))

    def heads_sent(self, party: str) -> dict[str, tuple[bool, int]]:
        """Return of every epoch of ours whether it is the newest of its stream, and the longest trail it told of.

        After a restore an older epoch went on beyond what this store knows; up to that number it knows all of it.
        """
        table = tables.stream
        with self._database.reading() as connection:
            rows = list(each(connection, sa.select(table).where(table.c.party == party)))
        newest_order: dict[tuple[str, str], int] = {}
        for row in rows:
            name = (row["agreement_id"], row["other"])
            newest_order[name] = max(newest_order.get(name, -1), row["epoch_order"])
        longest: dict[str, int] = {}
        for entry in self.outgoing():
            longest[entry.epoch] = max(longest.get(entry.epoch, 0), entry.audit_count)
        return {
            row["epoch"]: (
                row["epoch_order"] == newest_order[row["agreement_id"], row["other"]],
                longest.get(row["epoch"], 0),
            )
            for row in rows
        }

    def _select(self, *conditions: sa.ColumnElement[bool]) -> tuple[Entry, ...]:
        table = tables.journal
        query = sa.select(table).where(*conditions).order_by(table.c.journal_id)
        with self._database.reading() as connection:
            return tuple(entry_of(row) for row in each(connection, query))


def _row(connection: Connection, entry_id: int) -> Values:
    query = sa.select(tables.journal).where(tables.journal.c.journal_id == entry_id)
    row = first(connection, query)
    if row is None:
        raise StoreError("store.unknown", what="message", id=entry_id)
    return row


def entry_of(row: Values) -> Entry:
    """Return a row as an entry."""
    values = {name: row[name] for name in Entry.__slots__ if name not in {"entry_id", "state"}}
    values |= {name: None if row[name] is None else bytes(row[name]) for name in ("manifest", "contents")}
    return Entry(entry_id=row["journal_id"], state=State(row["state"]), **values)
