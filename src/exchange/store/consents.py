"""Consents: every statement of a patient for a partner and a purpose; a withdrawal wins on its day."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from exchange.records.codes import ConsentState
from exchange.records.model import Consent
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.reading import ids_of_patient, resolve_patient
from exchange.store.versions import current, each, put

_LAST_WORD = {ConsentState.GIVEN: 0, ConsentState.REFUSED: 1, ConsentState.WITHDRAWN: 2}


class Consents:
    """`store.consents`."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(self, consent: Consent, *, by: str, at: datetime) -> None:
        """Write what a patient, or who decides for them, said on a day."""
        row = {name: getattr(consent, name) for name in Consent.__slots__}
        with self._database.changing(by=by, at=at) as (connection, load):
            row["patient_id"] = resolve_patient(connection, consent.patient_id)
            put(connection, tables.consent, [row], load, key=("patient_id", "partner", "purpose", "day", "state"))

    def of_patient(self, patient_id: str) -> tuple[Consent, ...]:
        """Return everything a patient said, oldest first, under whatever id they were known."""
        table = tables.consent
        with self._database.reading() as connection:
            ids = sorted(ids_of_patient(connection, patient_id))
            query = sa.select(table).where(current(table), table.c.patient_id.in_(ids))
            found = [Consent(**{name: row[name] for name in Consent.__slots__}) for row in each(connection, query)]
        return tuple(sorted(found, key=lambda one: (one.day, _LAST_WORD[one.state], one.partner, one.purpose)))

    def standing(self, patient_id: str, partner: str, purpose: str, on: date) -> Consent | None:
        """Return the last word of a patient for a partner and purpose as of a day, or nothing if they said none."""
        said = [
            one
            for one in self.of_patient(patient_id)
            if one.partner == partner and one.purpose == purpose and one.day <= on
        ]
        return said[-1] if said else None

    def all_standing(self, on: date) -> dict[tuple[str, str, str], Consent]:
        """Return every last word as of a day, by patient, partner and purpose: what a long run asks once."""
        table = tables.consent
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(table).where(current(table), table.c.day <= on)).mappings().all()
            now = {one: resolve_patient(connection, one) for one in {row["patient_id"] for row in rows}}
        said = [Consent(**{name: row[name] for name in Consent.__slots__}) for row in rows]
        ordered = sorted(said, key=lambda one: (one.day, _LAST_WORD[one.state]))
        return {(now[one.patient_id], one.partner, one.purpose): one for one in ordered}
