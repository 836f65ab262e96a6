"""Answers and aggregates of partners: the highest (evidence, epoch, sequence) wins, never the last to arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.records.calendar import day_of
from exchange.records.codes import Evidence
from exchange.records.model import Aggregate, Answer
from exchange.sources.rows import AggregateRow, AnswerRow, Rejected
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, current, present, put, supersede

# A form or a client's word never overwrites what a partner signed.
_STRENGTH = {evidence: place for place, evidence in enumerate(reversed(Evidence))}
_ORDER = ("epoch_order", "sequence", "message_id")


def _answer_row(database: Database, answer: Answer, epoch_order: int, sequence: int) -> dict[str, Any]:
    return {
        "answer_id": database.id_of("answer", answer.case_id, answer.element, answer.start, answer.end, answer.partner),
        "case_id": answer.case_id,
        "episode_id": answer.episode_id,
        "element": answer.element,
        "start_date": answer.start,
        "end_date": answer.end,
        "status": answer.status,
        "evidence": answer.evidence,
        "partner": answer.partner,
        "count": answer.count,
        "first_day": answer.first_day,
        "received_on": answer.received_on,
        "message_id": answer.message_id,
        "epoch_order": epoch_order,
        "sequence": sequence,
    }


def _aggregate_row(database: Database, one: Aggregate, epoch_order: int, sequence: int) -> dict[str, Any]:
    return {
        "aggregate_id": database.id_of("aggregate", one.partner, one.element, one.start, one.end),
        "partner": one.partner,
        "element": one.element,
        "start_date": one.start,
        "end_date": one.end,
        "value": one.value,
        "population": one.population,
        "evidence": one.evidence,
        "message_id": one.message_id,
        "epoch_order": epoch_order,
        "sequence": sequence,
    }


def _rank(row: Values) -> tuple[int, int, int]:
    return (_STRENGTH[row["evidence"]], row["epoch_order"], row["sequence"])


def _put_highest(connection: Connection, table: sa.Table, key: str, rows: Sequence[Values], load: int) -> int:
    best: dict[str, Values] = {}
    for row in rows:
        if row[key] not in best or _rank(row) > _rank(best[row[key]]):
            best[row[key]] = row
    have = {row[key]: row for row in present(connection, table, key, list(best))}
    winning = [row for row in best.values() if row[key] not in have or _rank(row) > _rank(have[row[key]])]
    kept = [_first_received(row, have.get(row[key])) for row in winning]
    supersede(connection, table, kept, have, load, key=key)
    return len(winning)


def _first_received(row: Values, before: Values | None) -> Values:
    """Keep the day of the first answer: a correction does not make it late."""
    if before is None or before.get("received_on") is None:
        return row
    return {**row, "received_on": before["received_on"]}


def _cases(connection: Connection, column: str, values: Iterable[str]) -> dict[str, Values]:
    return {row[column]: row for row in present(connection, tables.case_opened, column, set(values))}


def put_own_answers(
    connection: Connection, database: Database, rows: Sequence[AnswerRow], load: int
) -> tuple[Rejected, ...]:
    """Write our own answers on a partner's cases, by koppelcode; return the rows whose code is not known here."""
    cases = _cases(connection, "code", (row.case_code for row in rows))
    made = [
        _answer_row(
            database,
            Answer(
                "",
                cases[row.case_code]["case_id"],
                cases[row.case_code]["episode_id"],
                row.element,
                row.start,
                row.end,
                row.status,
                Evidence.SIGNED,
                count=row.count,
                first_day=row.first_day,
            ),
            0,
            load,
        )
        for row in rows
        if row.case_code in cases
    ]
    put(connection, tables.answer, made, load, key=("answer_id",), but=_ORDER)
    return tuple(
        Rejected(row.line, "case_code", "store.unknown-case-code") for row in rows if row.case_code not in cases
    )


def put_own_aggregates(connection: Connection, database: Database, rows: Sequence[AggregateRow], load: int) -> None:
    """Write our own counts over a period."""
    made = [
        _aggregate_row(database, Aggregate("", row.element, row.start, row.end, row.value, row.population), 0, load)
        for row in rows
    ]
    put(connection, tables.aggregate, made, load, key=("aggregate_id",), but=_ORDER)


class Answers:
    """`store.answers`: what partners and clients answered, and our own answers to them (partner empty)."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def save(
        self,
        answers: Iterable[Answer],
        *,
        epoch_order: int,
        sequence: int | None,
        by: str,
        at: datetime,
        aggregates: Iterable[Aggregate] = (),
    ) -> int:
        """Write what one message says; return how many rows it made or changed.

        The store gives the ids, and the episode of a case that was opened here. What has no place in a series (a
        form, a client's word) gives no sequence: the last one entered stands.
        """
        with self._database.changing(by=by, at=at) as (connection, load):
            place = load if sequence is None else sequence
            given = list(answers)
            cases = _cases(connection, "case_id", (answer.case_id for answer in given))
            placed = [
                replace(answer, episode_id=cases[answer.case_id]["episode_id"])
                if not answer.episode_id and answer.case_id in cases
                else answer
                for answer in given
            ]
            received = [replace(one, received_on=day_of(at)) if one.partner else one for one in placed]
            rows = [_answer_row(self._database, answer, epoch_order, place) for answer in received]
            counts = [_aggregate_row(self._database, one, epoch_order, place) for one in aggregates]
            return _put_highest(connection, tables.answer, "answer_id", rows, load) + _put_highest(
                connection, tables.aggregate, "aggregate_id", counts, load
            )

    def of_cases(self, case_ids: Iterable[str], as_of: int | None = None) -> tuple[Answer, ...]:
        """Return the answers of cases."""
        wanted = set(case_ids)
        with self._database.reading() as connection:
            return tuple(answer for answer in read_answers(connection, as_of) if answer.case_id in wanted)

    def own(self, agreement_id: str) -> tuple[Answer, ...]:
        """Return our own answers on the cases of an agreement: what an export to its partner sends."""
        case = tables.case_opened
        query = sa.select(case.c.case_id).where(current(case), case.c.agreement_id == agreement_id)
        with self._database.reading() as connection:
            cases = set(connection.execute(query).scalars())
            return tuple(one for one in read_answers(connection) if one.case_id in cases and not one.partner)

    def aggregates(self, as_of: int | None = None) -> tuple[Aggregate, ...]:
        """Return every aggregate, ours with an empty partner."""
        with self._database.reading() as connection:
            return read_aggregates(connection, as_of)


def read_answers(connection: Connection, as_of: int | None = None) -> tuple[Answer, ...]:
    """Return the current answers by id, each under the episode it was saved with."""
    table = tables.answer
    return tuple(
        Answer(
            row.answer_id,
            row.case_id,
            row.episode_id,
            row.element,
            row.start_date,
            row.end_date,
            row.status,
            row.evidence,
            row.partner,
            row._mapping["count"],  # noqa: SLF001 - public; a row is a tuple, whose count is a method
            row.first_day,
            row.message_id,
            row.received_on,
        )
        for row in connection.execute(sa.select(table).where(current(table, as_of)).order_by(table.c.answer_id))
    )


def read_aggregates(connection: Connection, as_of: int | None = None) -> tuple[Aggregate, ...]:
    """Return the current aggregates by id."""
    table = tables.aggregate
    return tuple(
        Aggregate(
            row.partner,
            row.element,
            row.start_date,
            row.end_date,
            row.value,
            row.population,
            row.evidence,
            row.message_id,
        )
        for row in connection.execute(sa.select(table).where(current(table, as_of)).order_by(table.c.aggregate_id))
    )
