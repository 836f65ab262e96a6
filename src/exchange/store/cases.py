"""Cases: the link between an episode here and a partner's patient, under one agreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from exchange.errors import StoreError
from exchange.records.model import Case
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.reading import case_of, resolve_episode, resolve_patient
from exchange.store.versions import current, each, first, insert


class Cases:
    """`store.cases`. An episode id that a case was opened under leads to the episode it has become."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def open(self, case: Case, *, by: str, at: datetime, received: bool = False) -> Case:
        """Write a new case; the same again is nothing, another content under the same id a StoreError.

        `received` says that the partner opened it and we are on the other side.
        """
        table = tables.case_opened
        with self._database.changing(by=by, at=at) as (connection, load):
            placed = case
            if not received:
                placed = replace(case, episode_id=resolve_episode(connection, case.episode_id))
            if placed.patient_id:
                placed = replace(placed, patient_id=resolve_patient(connection, placed.patient_id))
            query = sa.select(table).where(current(table), table.c.case_id == case.case_id)
            row = first(connection, query)
            if row is None:
                made = {name: getattr(placed, name) for name in Case.__slots__} | {"received": received}
                insert(connection, table, [made], load)
            elif case_of(row) != placed or row["received"] != received:
                raise StoreError("store.case-exists")
            return placed

    def find(self, case_id: str) -> Case | None:
        """Return the case with an id."""
        return next(iter(self._select(tables.case_opened.c.case_id == case_id)), None)

    def get(self, case_id: str) -> Case:
        """Return the case with an id; StoreError when it is not known (and what names it is quarantined)."""
        found = self.find(case_id)
        if found is None:
            raise StoreError("store.unknown", what="case", id=case_id)
        return found

    def by_code(self, code: str) -> Case | None:
        """Return the case with a koppelcode, as `signing.pseudonyms.read_case_code` writes it."""
        return next(iter(self._select(tables.case_opened.c.code == code)), None)

    def of_agreement(self, agreement_id: str) -> tuple[Case, ...]:
        """Return the cases under an agreement, by day and id."""
        return self._select(tables.case_opened.c.agreement_id == agreement_id)

    def of_partner(self, partner: str) -> tuple[Case, ...]:
        """Return the cases with a partner."""
        return self._select(tables.case_opened.c.partner == partner)

    def of_episode(self, episode_id: str) -> tuple[Case, ...]:
        """Return the cases of an episode, by whatever id it was known when they were opened."""
        alias = tables.episode_alias
        with self._database.reading() as connection:
            now = resolve_episode(connection, episode_id)
            old = connection.execute(sa.select(alias.c.alias_id).where(current(alias), alias.c.episode_id == now))
            ids = sorted({now, episode_id, *old.scalars()})
        return self._select(tables.case_opened.c.episode_id.in_(ids))

    def received(self) -> tuple[Case, ...]:
        """Return the cases that partners opened with us."""
        return self._select(tables.case_opened.c.received.in_([True]))

    def _select(self, condition: sa.ColumnElement[bool]) -> tuple[Case, ...]:
        table, alias = tables.case_opened, tables.episode_alias
        query = (
            sa.select(table, alias.c.episode_id.label("now"))
            .outerjoin(alias, sa.and_(alias.c.alias_id == table.c.episode_id, current(alias)))
            .where(current(table), condition)
            .order_by(table.c.opened_on, table.c.case_id)
        )
        with self._database.reading() as connection:
            rows = list(each(connection, query))
        return tuple(replace(case_of(row), episode_id=row["now"] or row["episode_id"]) for row in rows)
