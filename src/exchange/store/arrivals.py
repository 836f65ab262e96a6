"""Arrivals: what a partner's message is beside what came before it, and what is missing between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.findings import Finding, Severity
from exchange.store import tables
from exchange.store.streams import followed
from exchange.store.versions import Values, each


class State(StrEnum):
    """Where a message stands."""

    RESERVED = "reserved"
    WRITTEN = "written"
    PUBLISHED = "published"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a verified manifest of a partner says of itself."""

    message_id: str
    kind: str
    party: str
    agreement_id: str
    epoch: str
    sequence: int
    previous: str
    digest: str
    after: str = ""
    audit_count: int = 0
    audit_hash: str = ""
    file_name: str = ""


class Seen(StrEnum):
    """What an arrival is to us: new, the same again, or another under the same name: a security event."""

    NEW = "new"
    ALREADY = "already"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Examined:
    """What the journal says of an arrival; `epoch_order` is its precedence beside its sequence."""

    seen: Seen
    epoch_order: int
    findings: tuple[Finding, ...] = ()


def examined(connection: Connection, arrival: Arrival, order: int) -> Examined:
    """Say what an arrival is beside what is known, and where its place in the stream does not fit."""
    table = tables.journal
    theirs = sa.and_(table.c.direction == "in", table.c.party == arrival.party, table.c.state == State.DONE)
    place = sa.and_(table.c.agreement_id == arrival.agreement_id, table.c.epoch == arrival.epoch)
    same = sa.or_(table.c.message_id == arrival.message_id, sa.and_(place, table.c.sequence == arrival.sequence))
    known = connection.execute(sa.select(table.c.digest).where(theirs, same)).scalars().all()
    if any(digest != arrival.digest for digest in known):
        conflict = Finding("store.message-replaced", params={"message": arrival.message_id})
        return Examined(Seen.CONFLICT, order, (conflict,))
    if known:
        return Examined(Seen.ALREADY, order)
    looked_at = sa.and_(table.c.direction == "in", table.c.party == arrival.party)
    rows = list(each(connection, sa.select(table).where(looked_at, place)))
    return Examined(Seen.NEW, order, _continuity(connection, arrival, {row["sequence"]: row for row in rows}))


def _continuity(connection: Connection, arrival: Arrival, known: dict[int, Values]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    last = max((number for number in known if number < arrival.sequence), default=0)
    if last + 1 < arrival.sequence:
        found.append(gap(arrival.party, arrival.agreement_id, last + 1, arrival.sequence - 1))
    before, after = known.get(arrival.sequence - 1), known.get(arrival.sequence + 1)
    # A number that was cancelled has no digest here.
    broken = [before is not None and bool(before["digest"]) and before["digest"] != arrival.previous]
    broken.append(after is not None and bool(after["digest"]) and after["previous"] != arrival.digest)
    broken.append(arrival.sequence == 1 and bool(arrival.previous))
    if any(broken):
        found.append(Finding("store.previous-broken", params={"sequence": arrival.sequence, "party": arrival.party}))
    if followed(connection, arrival.party, arrival.agreement_id, arrival.epoch):
        found.append(Finding("store.epoch-older", severity=Severity.WARNING, params={"party": arrival.party}))
    return tuple(found)


def missing_of(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return the stretches that are missing from a series that begins with 1, first and last number of each."""
    return tuple((low + 1, high - 1) for low, high in pairwise([0, *sorted(numbers)]) if high > low + 1)


def gap(party: str, agreement: str, first: int, last: int) -> Finding:
    """Return what is said of missing numbers."""
    params = {"party": party, "agreement": agreement, "first": first, "last": last}
    return Finding("store.sequence-gap", severity=Severity.WARNING, params=params)


def refused_so(connection: Connection, arrival: Arrival, reason: str) -> bool:
    """Tell whether just this was refused before on the same ground: looking again changes nothing."""
    table = tables.journal
    query = sa.select(table.c.journal_id).where(
        table.c.direction == "in",
        table.c.party == arrival.party,
        table.c.message_id == arrival.message_id,
        table.c.digest == arrival.digest,
        table.c.state == State.REFUSED,
        table.c.reason == reason,
    )
    return connection.execute(query).first() is not None
