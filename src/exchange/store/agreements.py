"""Agreements as they were signed: payload bytes untouched, their signatures, and where each version stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, current, each, first, put

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class StoredAgreement:
    """One version of an agreement; `signatures` are JSON objects (party, and a JWS or a paper record)."""

    agreement_id: str
    version: int
    digest: str
    payload: bytes
    signatures: tuple[Mapping[str, Any], ...] = ()
    state: str = DRAFT
    ended_on: date | None = None
    superseded_on: date | None = None


class Agreements:
    """`store.agreements`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, agreement: StoredAgreement, *, by: str, at: datetime) -> None:
        """Write a version with its state and signatures; only a draft may change its payload."""
        row = {
            "agreement_id": agreement.agreement_id,
            "version": agreement.version,
            "digest": agreement.digest,
            "payload": agreement.payload,
            "signatures": json.dumps(list(agreement.signatures), sort_keys=True, ensure_ascii=False),
            "state": agreement.state,
            "ended_on": agreement.ended_on,
            "superseded_on": agreement.superseded_on,
        }
        table = tables.agreement
        same = sa.and_(table.c.agreement_id == agreement.agreement_id, table.c.version == agreement.version)
        with self._database.changing(by=by, at=at) as (connection, load):
            before = first(connection, sa.select(table).where(current(table), same))
            changed = before is not None and bytes(before["payload"]) != agreement.payload
            if before is not None and changed and before["state"] != DRAFT:
                raise StoreError("store.agreement-exists", id=agreement.agreement_id, version=agreement.version)
            put(connection, table, [row], load, key=("agreement_id", "version"))

    def list(self, as_of: int | None = None) -> tuple[StoredAgreement, ...]:
        """Return every version of every agreement, by id and version."""
        table = tables.agreement
        query = sa.select(table).where(current(table, as_of)).order_by(table.c.agreement_id, table.c.version)
        with self._database.reading() as connection:
            return tuple(_stored(row) for row in each(connection, query))

    def versions(self, agreement_id: str) -> tuple[StoredAgreement, ...]:
        """Return the versions of one agreement, oldest first."""
        return tuple(one for one in self.list() if one.agreement_id == agreement_id)

    def find(self, agreement_id: str, version: int | None = None) -> StoredAgreement | None:
        """Return one version, or the newest."""
        found = [one for one in self.versions(agreement_id) if version in (None, one.version)]
        return found[-1] if found else None

    def get(self, agreement_id: str, version: int | None = None) -> StoredAgreement:
        """Return what `find` does; StoreError when it is not here."""
        found = self.find(agreement_id, version)
        if found is None:
            raise StoreError("store.unknown", what="agreement", id=agreement_id)
        return found

    def by_digest(self, digest: str) -> StoredAgreement | None:
        """Return the version with a digest."""
        return next((one for one in self.list() if one.digest == digest), None)


def _stored(row: Values) -> StoredAgreement:
    return StoredAgreement(
        row["agreement_id"],
        row["version"],
        row["digest"],
        bytes(row["payload"]),
        tuple(json.loads(row["signatures"])),
        row["state"],
        row["ended_on"],
        row["superseded_on"],
    )
