"""Streams: one unbroken series of numbers per sender, agreement and receiver, in epochs that a backup can't repeat."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.store import tables
from exchange.store.versions import Values, each, first

NOTHING_BEFORE = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """The next place in one of our streams: what its manifest must bind.

    `after` is what a new epoch says of the one before: the last acknowledged `epoch:sequence:digest`, or empty.
    """

    epoch: str
    epoch_order: int
    sequence: int
    previous: str
    after: str
    audit_count: int
    audit_hash: str


def newest(connection: Connection, party: str, agreement_id: str, other: str) -> Values | None:
    """Return the newest epoch of a stream, locked until the transaction ends."""
    table = tables.stream
    query = (
        sa.select(table)
        .where(table.c.party == party, table.c.agreement_id == agreement_id, table.c.other == other)
        .order_by(table.c.epoch_order.desc())
        .limit(1)
        .with_for_update()
    )
    return first(connection, query)


def begin(connection: Connection, party: str, agreement_id: str, other: str, before: Values | None) -> Values:
    """Begin a new epoch of one of our streams; it names the last acknowledged message of the one before."""
    after = NOTHING_BEFORE
    if before is not None:
        after = f"{before['epoch']}:{before['acknowledged']}:{_digest_of(connection, before)}"
    values = {
        "party": party,
        "agreement_id": agreement_id,
        "other": other,
        "epoch": secrets.token_hex(16),
        "epoch_order": 0 if before is None else before["epoch_order"] + 1,
        "sequence": 0,
        "digest": "",
        "acknowledged": 0,
        "after": after if before is not None and before["acknowledged"] else NOTHING_BEFORE,
    }
    connection.execute(sa.insert(tables.stream).values(values))
    found = newest(connection, party, agreement_id, other)
    assert found is not None  # noqa: S101 - it was written just now
    return found


def _digest_of(connection: Connection, stream: Values) -> str:
    journal = tables.journal
    query = sa.select(journal.c.digest).where(
        journal.c.direction == "out",
        journal.c.party == stream["party"],
        journal.c.epoch == stream["epoch"],
        journal.c.sequence == stream["acknowledged"],
    )
    return str(connection.execute(query).scalar() or "")


def advance(connection: Connection, stream_id: int, sequence: int, digest: str) -> None:
    """Move a stream to a number."""
    table = tables.stream
    connection.execute(sa.update(table).where(table.c.stream_id == stream_id).values(sequence=sequence, digest=digest))


def order_of(connection: Connection, party: str, agreement_id: str, epoch: str, after: str) -> Values:
    """Return a partner's epoch, giving it its order the first time it is seen.

    An epoch that names one we have not seen comes after it all the same, whichever arrives first.
    """
    known = epochs(connection, party, agreement_id)
    if epoch not in known:
        named, order = foreseen(known, epoch, after)
        if named:
            _insert(connection, party, agreement_id, named, order - 1)
        _insert(connection, party, agreement_id, epoch, order, after)
    return epochs(connection, party, agreement_id)[epoch]


def foreseen(known: Mapping[str, Values], epoch: str, after: str) -> tuple[str, int]:
    """Return the order an epoch has or will have, and before it the epoch it names if that must be made room for."""
    if epoch in known:
        return "", int(known[epoch]["epoch_order"])
    named = after.split(":", 1)[0]
    missing = named if named not in known else ""
    newest_order = max((row["epoch_order"] for row in known.values()), default=-1)
    return missing, newest_order + 1 + bool(missing)


def followed(connection: Connection, party: str, agreement_id: str, epoch: str) -> bool:
    """Tell whether a partner's epoch was given up for another, that names it.

    Epochs that do not name each other stand side by side: two laptops of one organisation.
    """
    known = epochs(connection, party, agreement_id)
    return any(row["after"].split(":", 1)[0] == epoch for row in known.values() if row["after"])


def _insert(
    connection: Connection, party: str, agreement_id: str, epoch: str, order: int, after: str = NOTHING_BEFORE
) -> None:
    connection.execute(
        sa.insert(tables.stream).values(
            party=party,
            agreement_id=agreement_id,
            other="",
            epoch=epoch,
            epoch_order=order,
            sequence=0,
            digest="",
            acknowledged=0,
            after=after,
        )
    )


def epochs(connection: Connection, party: str, agreement_id: str) -> Mapping[str, Values]:
    table = tables.stream
    query = sa.select(table).where(table.c.party == party, table.c.agreement_id == agreement_id)
    return {row["epoch"]: row for row in each(connection, query)}
