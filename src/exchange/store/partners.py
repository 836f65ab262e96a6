"""Partners and their key cards: every card a party ever had, and what a person did to verify it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.records.codes import PartnerKind
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, current, each, put

UNVERIFIED, VERIFIED, REVOKED, PAPER = "unverified", "verified", "revoked", "paper"
# signed by the card before it and not yet accepted by a person; one of two cards with one serial
ROTATED, BLOCKED = "rotated", "blocked"
_STANDING = {BLOCKED: 0, REVOKED: 1, VERIFIED: 1, PAPER: 2, ROTATED: 3, UNVERIFIED: 4}


@dataclass(frozen=True, slots=True)
class Partner:
    """One party with one of its cards; `card` is the signed card's bytes, None for a party that signs on paper."""

    party: str
    name: str
    kind: PartnerKind
    label: str = ""
    card: bytes | None = None
    fingerprint: str = ""
    serial: int = 0
    state: str = UNVERIFIED
    verified_by: str = ""
    verified_on: date | None = None
    verified_how: str = ""


class Partners:
    """`store.partners`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, partner: Partner, *, by: str, at: datetime) -> None:
        """Write a party's card and state; a party has one row per fingerprint, earlier versions stay."""
        row = {name: getattr(partner, name) for name in Partner.__slots__}
        with self._database.changing(by=by, at=at) as (connection, load):
            put(connection, tables.partner, [row], load, key=("party", "fingerprint"))

    def list(self, as_of: int | None = None) -> tuple[Partner, ...]:
        """Return every card of every party, by party; the newest serial first."""
        table = tables.partner
        query = (
            sa.select(table)
            .where(current(table, as_of))
            .order_by(table.c.party, table.c.serial.desc(), table.c.fingerprint)
        )
        with self._database.reading() as connection:
            return tuple(_partner(row) for row in each(connection, query))

    def cards(self, party: str) -> tuple[Partner, ...]:
        """Return every card of one party: what a signature may be checked with."""
        return tuple(partner for partner in self.list() if partner.party == party)

    def find(self, party: str) -> Partner | None:
        """Return the card that counts: the newest that was verified or revoked, unless two of them block each other.

        A revoked card never gives way to an older one; patient data goes to a verified one only.
        """
        # Of two cards with one serial, one revoked, a person compared the other.
        return min(
            self.cards(party),
            key=lambda one: (_STANDING.get(one.state, 9), -one.serial, one.state != VERIFIED),
            default=None,
        )

    def get(self, party: str) -> Partner:
        """Return the party as `find` does; StoreError when it is not known."""
        found = self.find(party)
        if found is None:
            raise StoreError("store.unknown", what="partner", id=party)
        return found

    def by_fingerprint(self, fingerprint: str) -> Partner | None:
        """Return the card with a fingerprint."""
        return next((partner for partner in self.list() if partner.fingerprint == fingerprint), None)


def _partner(row: Values) -> Partner:
    return Partner(**{name: row[name] for name in Partner.__slots__})
