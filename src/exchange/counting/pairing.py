"""Each episode compared with itself, in a query: events before and after, or the change of a score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exchange.counting import folding
from exchange.counting.cohort import Asked, admission, base, lost
from exchange.counting.criteria import RANK, agreed
from exchange.counting.current import current, kept, under_present_id, word
from exchange.counting.functions import days_between, value_of_first
from exchange.counting.gathering import Gathering
from exchange.counting.joining import Column, Joined
from exchange.counting.packing import constant
from exchange.counting.scores import Score, gathered_score
from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    NO_AGREEMENT,
    NOT_DUE,
    OUTSIDE,
    UNKNOWN,
    WHERE_UNKNOWN,
)
from exchange.indicators.cube import EVIDENCE
from exchange.indicators.definition import Definition
from exchange.indicators.moments import Window
from exchange.indicators.oracle import part_names
from exchange.indicators.vocabulary import LASTING
from exchange.records.codes import Answered
from exchange.store import tables

# What a settled episode adds up beside itself: events and days after and before, or the gain.
NUMBERS = ("a", "b", "u", "v", "gain")


def pairs(asked: Asked) -> sa.Select[Any]:
    """Return the events or gains of the episodes in the period, folded per patient."""
    groups = folding.group_names(len(asked.question.group_by))
    return _folded(asked.question.definition, cases(asked), groups)


@dataclass(frozen=True, slots=True)
class _Events:
    """How many events there were in a window and how strong the evidence is, both null where that is open."""

    number: Column
    rank: Column


@dataclass(frozen=True, slots=True)
class Pair:
    """What becomes of an episode that is compared with itself, as columns: status, numbers, rank of the evidence."""

    status: Column
    numbers: Mapping[str, Column]
    evidence: Column


def cases(asked: Asked) -> sa.CTE:
    """Return one row per episode: its patient, split, status and evidence, and its events or its gain."""
    joined = Joined(base(asked), asked.as_of, asked.question.instruments)
    pair = case(asked, joined)
    groups = folding.group_names(len(asked.question.group_by))
    judged = (
        sa.select(
            joined.base.c.episode_id,
            joined.base.c.patient_id,
            *(joined.base.c[name] for name in groups),
            pair.status.label("status"),
            pair.evidence.label("evidence"),
            *(column.label(name) for name, column in pair.numbers.items()),
        )
        .select_from(joined.source())
        .cte("judged")
    )
    return sa.select(judged).where(judged.c.status != OUTSIDE).cte("counted")


def case(asked: Asked, joined: Joined, code: Callable[[str], Any] = str) -> Pair:
    """Judge an episode, joining what that takes; `code` gives a status the form it has as a column."""
    definition = asked.question.definition
    refused = [(condition, code(status)) for condition, status in admission(asked, joined)]
    due = sa.and_(sa.true(), *(joined.on(moment) <= asked.cut_off for moment in definition.follow_up))
    settled, numbers, evidence = (_changed if definition.instrument else _counted)(asked, joined, code)
    return Pair(sa.case(*refused, else_=sa.case((due, settled), else_=code(NOT_DUE))), numbers, evidence)


def _windows(definition: Definition) -> Mapping[str, Window]:
    if definition.before is None or definition.after is None:
        raise AssertionError(definition.id)  # the schema asks for both
    return {"before": definition.before, "after": definition.after}


def _counted(asked: Asked, joined: Joined, code: Callable[[str], Any]) -> tuple[Column, Mapping[str, Column], Column]:
    """Return the status of an episode that is due, its events and days on both sides, and the weakest evidence."""
    definition = asked.question.definition
    sides = {side: _side(definition, joined, side, window) for side, window in _windows(definition).items()}
    before, after = sides["before"], sides["after"]
    known = sa.and_(before.number.is_not(None), after.number.is_not(None))
    settled = sa.case(
        (lost(asked, joined), code(CENSORED)),
        (known, code(CONFIRMED)),
        (sa.not_(agreed(joined, asked.question.agreements)), code(NO_AGREEMENT)),
        else_=code(UNKNOWN),
    )
    numbers: dict[str, Column] = {"a": after.number, "b": before.number}
    for name, window in zip("vu", _windows(definition).values(), strict=True):
        numbers[name] = _days(joined, window)
    evidence = sa.case((before.rank > after.rank, before.rank), else_=after.rank)
    return settled, numbers, evidence


def _days(joined: Joined, window: Window) -> Column:
    """Return the length of a window: the same for every episode, unless months or two different anchors decide it."""
    start, end = window.start, window.end
    if start.anchor == end.anchor and "months" not in (start.unit, end.unit):
        return constant(end.amount - start.amount)
    return days_between(joined.on(start), joined.on(end))


def _side(definition: Definition, joined: Joined, side: str, window: Window) -> _Events:
    """Return the number of events in one window: the strongest evidence, at equal strength the higher number."""
    base_, lasting = joined.base, definition.events.removeprefix("answer.") in LASTING
    start, end = joined.on(window.start), joined.on(window.end)
    if joined.gathering is not None:
        return _gathered_side(definition, joined.gathering, window, _number(tables.answer, start, end, lasting=lasting))
    columns = ("start_date", "end_date", "status", "evidence", "count", "first_day")
    said = under_present_id(tables.answer, columns, joined.as_of, tables.answer.c.element == definition.events)
    answer = kept(said, joined.named(f"said_{side}"))
    number, rank = _number(answer, start, end, lasting=lasting), _rank(answer)
    told = (
        sa.select(base_.c.episode_id, number.label("number"), rank.label("rank"))
        .select_from(base_.join(answer, answer.c.episode_id == base_.c.episode_id))
        .subquery()
    )
    place = sa.func.row_number().over(partition_by=told.c.episode_id, order_by=(told.c.rank, told.c.number.desc()))
    ordered = sa.select(told, place.label("place")).where(told.c.number.is_not(None)).subquery()
    first = sa.select(ordered.c.episode_id, ordered.c.number, ordered.c.rank).where(ordered.c.place == 1)
    found = joined.join(first.cte(joined.named(f"events_{side}"))).c
    return _Events(found.number, found.rank)


def _gathered_side(definition: Definition, gathering: Gathering, window: Window, number: Column) -> _Events:
    t = tables.answer
    about = t.c.element == definition.events
    told = sa.and_(about, number.is_not(None))
    what = (definition.events, window)
    first = value_of_first(sa.type_coerce(number, sa.Integer()), _rank(t), -number).filter(told)
    return _Events(
        gathering.column(t, ("number", *what), first, needs=about),
        gathering.column(t, ("rank", *what), sa.func.min(_rank(t)).filter(told), needs=about),
    )


def _rank(answer: sa.FromClause) -> Column:
    return sa.case({level.value: place for level, place in RANK.items()}, value=word(answer.c.evidence), else_=9)


def _number(answer: sa.FromClause, start: Column, end: Column, *, lasting: bool) -> Column:
    """Return how many events an answer says there were in exactly this window; null where it leaves that open."""
    c = answer.c
    covers = sa.and_(c.start_date <= start, c.end_date >= end)
    some = sa.and_(word(c.status) == Answered.YES.value, c.count.is_not(None), c.count > 0)
    dated = sa.and_(some, covers, c.first_day.is_not(None))
    cases: list[tuple[Column, Any]] = [
        (sa.and_(word(c.status) == Answered.NO.value, covers), 0),
        (sa.and_(some, c.start_date == start, c.end_date == end), c.count),
        (sa.and_(dated, c.first_day >= end), 0),
    ]
    if not lasting:
        cases.append((sa.and_(dated, c.count == 1), sa.case((c.first_day >= start, 1), else_=0)))
    return sa.case(*cases, else_=sa.null())


def _changed(asked: Asked, joined: Joined, code: Callable[[str], Any]) -> tuple[Column, Mapping[str, Column], Column]:
    """Return the status of an episode that is due and its gain in the good direction."""
    definition = asked.question.definition
    sides = {side: _score(definition, joined, side, window) for side, window in _windows(definition).items()}
    first, last = sides["before"], sides["after"]
    both = sa.and_(first.day.is_not(None), sa.func.coalesce(last.day > first.day, sa.false()))
    higher = asked.question.instruments[definition.instrument].better == "higher"
    gain = last.score - first.score if higher else first.score - last.score
    return sa.case((both, code(CONFIRMED)), else_=code(UNKNOWN)), {"gain": gain}, sa.literal(0, sa.Integer)


def _score(definition: Definition, joined: Joined, side: str, window: Window) -> Score:
    base_, t = joined.base, tables.measurement
    inside = sa.and_(
        t.c.instrument == definition.instrument,
        t.c.day >= joined.on(window.start),
        t.c.day < joined.on(window.end),
    )
    if joined.gathering is not None:
        return gathered_score(joined.gathering, (definition.instrument, window), inside, last=side == "after")
    order = (t.c.day.desc(), t.c.measurement_id.desc()) if side == "after" else (t.c.day, t.c.measurement_id)
    place = sa.func.row_number().over(partition_by=base_.c.episode_id, order_by=order)
    ordered = (
        sa.select(base_.c.episode_id, t.c.day, t.c.score, place.label("place"))
        .join(t, t.c.episode_id == base_.c.episode_id)
        .where(current(t, joined.as_of), inside)
        .subquery()
    )
    chosen = sa.select(ordered.c.episode_id, ordered.c.day, ordered.c.score).where(ordered.c.place == 1)
    found = joined.join(chosen.cte(joined.named(f"score_{side}"))).c
    return Score(found.day, found.score)


def _folded(definition: Definition, counted: sa.CTE, groups: list[str]) -> sa.Select[Any]:
    c, numbers = counted.c, NUMBERS
    names, distinct, products = folding.integers(definition)
    confirmed = c.status == CONFIRMED
    totals = {
        name: folding.total(sa.case((confirmed, c[name]), else_=0))
        if name in numbers
        else folding.when(c.status.in_(folding.COUNTED[name]))
        for name in names
    }
    parts = {name: folding.when(c.status == name) for name in (NOT_DUE, WHERE_UNKNOWN)}
    if definition.asks_partner:
        parts |= {
            name: folding.when(sa.and_(confirmed, c.evidence == place)) for place, name in enumerate(EVIDENCE, start=1)
        }
    listed = [*part_names(definition), *(EVIDENCE if definition.asks_partner else ())]
    summed = folding.per_patient(counted, groups, totals, {name: parts[name] for name in listed})
    columns: dict[str, Column] = {name: summed.c[name] for name in names}
    return folding.per_group(
        summed,
        groups,
        totals=names,
        distinct={name: columns[name] for name in distinct},
        products=folding.products_of(columns, products),
        parts=listed,
    )
