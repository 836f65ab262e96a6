"""The answers that were due, in a query: of every case that was opened, whether one came in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from exchange.counting.cohort import Asked, group_columns, sex_of, with_people
from exchange.counting.current import current, kept, patients, under_present_id, word
from exchange.counting.functions import add_days, moment_on
from exchange.counting.joining import Column
from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, REFUTED
from exchange.indicators.vocabulary import LEFT_LIST
from exchange.records.codes import Answered
from exchange.store import tables
from exchange.store.columns import Day


def returns(asked: Asked) -> sa.CTE:
    """Return one row per case whose answer fell due in the period: its status, and whether it was late or missing."""
    fallen = due(asked).cte("due")
    return counted(asked, fallen, fallen.c.case_id).cte("counted")


def due(asked: Asked) -> sa.Select[Any]:
    """Return the cases whose answer fell due in the period, with the day."""
    terms = asked.question.definition.returns
    if terms is None:
        raise AssertionError(asked.question.definition.id)  # the schema asks for it
    t, person = tables.episode, patients(asked.as_of)
    opened = kept(under_present_id(tables.case_opened, ("case_id", "opened_on"), asked.as_of, *_asked(asked)), "opened")
    until = moment_on(terms.until, {"start": t.c.start_date, "end": t.c.end_date})
    day = add_days(sa.case((opened.c.opened_on > until, opened.c.opened_on), else_=until), terms.within)
    return (
        sa.select(
            opened.c.case_id,
            t.c.episode_id,
            t.c.patient_id,
            t.c.foreign,
            sa.type_coerce(until, Day()).label("until"),
            sa.type_coerce(day, Day()).label("day"),
            *group_columns(asked.question.group_by, t, sex_of(person, asked), day),
        )
        .select_from(
            with_people(
                opened.join(t, sa.and_(t.c.episode_id == opened.c.episode_id, current(t, asked.as_of))), person, asked
            )
        )
        .where(day >= asked.start, day < asked.end)
    )


def _asked(asked: Asked) -> list[Column]:
    wanted = (asked.question.agreements, asked.question.within)
    column = tables.case_opened.c.agreement_id
    return [column.in_(sorted(agreements)) for agreements in wanted if agreements is not None]


def counted(asked: Asked, due: sa.FromClause, number: Column, code: Callable[[str], Any] = str) -> sa.Select[Any]:
    """Return what became of the cases that fell due; `number` tells them apart, `code` gives a status its form."""
    columns = ("case_id", "element", "end_date", "status", "received_on")
    came = sa.and_(tables.answer.c.received_on.is_not(None), tables.answer.c.received_on <= asked.cut_off)
    answer = kept(under_present_id(tables.answer, columns, asked.as_of, came), "came")
    left = sa.and_(answer.c.element == LEFT_LIST, word(answer.c.status) == Answered.YES.value)
    first = (
        sa.select(number.label("number"), sa.func.min(answer.c.received_on, type_=Day()).label("day"))
        .join(answer, sa.and_(answer.c.case_id == due.c.case_id, answer.c.episode_id == due.c.episode_id))
        .where(sa.or_(answer.c.end_date >= due.c.until, left))
        .group_by(number)
        .cte("first")
    )
    late = sa.and_(first.c.day.is_not(None), first.c.day > due.c.day)
    status = sa.case(
        (due.c.foreign == True, code(EXCLUDED)),  # noqa: E712 - SQL
        (due.c.day > asked.cut_off, code(NOT_DUE)),
        (sa.or_(first.c.day.is_(None), late), code(REFUTED)),
        else_=code(CONFIRMED),
    )
    groups = [due.c[f"g{i}"] for i in range(len(asked.question.group_by))]
    return sa.select(
        due.c.patient_id,
        *groups,
        status.label("status"),
        sa.case((late, 1), else_=0).label("late"),
        sa.case((first.c.day.is_(None), 1), else_=0).label("missing"),
    ).select_from(due.outerjoin(first, first.c.number == number))
