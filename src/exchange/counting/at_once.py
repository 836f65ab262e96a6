"""Questions over a laid out store: those about the same episodes judged in one query, a small number a case for each.

What a criterion looks at is gathered as for DuckDB, each table read once for all definitions. What becomes of an
episode is not folded by the engine but handed over: `adding` sums up rows that look alike faster than SQLite does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa

from exchange.counting import adding, cohort, folding, held
from exchange.counting.cohort import Asked
from exchange.counting.functions import moment_on
from exchange.counting.gathering import Gathering, used
from exchange.counting.joining import Column
from exchange.counting.laying import Laid
from exchange.counting.packing import CHANGES, RANKS, Kept, constant, distinctions
from exchange.counting.together import (
    Refused,
    TableOf,
    base_of,
    case_of,
    column_of,
    held_by,
    looked_at_of,
    looks_narrowly,
    narrowed,
)
from exchange.indicators.cube import CubeRow
from exchange.indicators.definition import Definition
from exchange.indicators.moments import Moment

_WHAT = "what"
# By which day of its own an episode belongs to a period.
_DAYS: Mapping[str, str] = {"start": "start_date", "end": "end_date"}
# As many moments of one anchor are rather worked out for each day than for each episode.
_MANY_MOMENTS = 6


@dataclass(frozen=True, slots=True)
class Ways:
    """How a question is asked by itself: which episodes it starts from, its cases, and where it has none, its query.

    `table` is what sessions are held against, `rows` reads what the query found.
    """

    cohort: Callable[[Asked], Hashable]
    cases: Callable[[Asked], sa.CTE | None]
    query: Callable[[Asked], sa.Select[Any]]
    table: TableOf
    rows: Callable[[Asked, list[Mapping[str, Any]]], Sequence[CubeRow]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What to keep, in order, whose the cases are and what becomes of them: queries that answer some questions.

    Of each case its key is told, and for each question what `packing.said` reads and then the `numbers` it adds up.
    """

    asked: Mapping[int, Asked]
    kept: tuple[Kept, ...]
    whose: sa.Select[Any]
    judged: sa.Select[Any]
    numbers: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Alone:
    """A question by itself: its query, and what that tells of a case after whose it is, if cases are what it tells."""

    asked: Asked
    query: sa.Select[Any]
    what: tuple[str, ...]


def rows(engine: Laid, asked: Sequence[Asked], ways: Ways) -> list[Sequence[CubeRow]]:
    """Answer questions in their order."""
    shared, asked = held_by(asked, held.kept_in_order)
    starting: dict[Hashable, dict[int, Asked]] = {}
    alone: dict[int, _Alone] = {}
    for place, one in enumerate(asked):
        same = ways.cohort(one)
        if same is None:
            alone[place] = _alone(one, ways)
        else:
            starting.setdefault(same, {})[place] = one
    by_itself = len(asked) == 1 and looks_narrowly(asked[0].question.definition)
    step_of = _narrow_step if by_itself else _step
    steps = [step_of(f"cohort_{i}", those, ways.table) for i, those in enumerate(starting.values())]
    engine.expect(select for _, select in shared)
    engine.expect(one.query for one in alone.values())
    for step in steps:
        engine.expect([*(select for _, select in step.kept), step.whose, step.judged])
    if by_itself and not alone and asked[0].question.definition.period in _DAYS:
        question = asked[0].question
        engine.narrow(_DAYS[question.definition.period], question.start, question.end)
    with engine.keeping(shared):
        found = {place: _answer(engine, one, ways) for place, one in alone.items()}
        for step in steps:
            found |= _taken(engine, step, narrows=len(asked) == 1)
    return [found[place] for place in range(len(asked))]


def _alone(asked: Asked, ways: Ways) -> _Alone:
    cases = ways.cases(asked)
    if cases is None:
        return _Alone(asked, ways.query(asked), ())
    whose = [cases.c.patient_id, *(cases.c[name] for name in folding.group_names(len(asked.question.group_by)))]
    what = list(cases.c)[list(cases.c).index(cases.c.status) :]
    return _Alone(asked, sa.select(*whose, *what).order_by(*whose), tuple(column.name for column in what))


def _answer(engine: Laid, alone: _Alone, ways: Ways) -> Sequence[CubeRow]:
    if not alone.what:
        return ways.rows(alone.asked, engine.rows(alone.query))
    columns = list(zip(*engine.tuples(alone.query), strict=True)) or [()] * len(alone.query.selected_columns)
    people = adding.people(zip(count(), *columns[: -len(alone.what)], strict=False))
    found = zip(count(), *columns[-len(alone.what) :], strict=False)
    question = alone.asked.question
    return adding.rows(question, people.listed(question.group_by), alone.what, adding.cases(people, found))


def _step(name: str, asked: Mapping[int, Asked], table_of: TableOf) -> _Step:
    """Plan the answers to questions that start from the same episodes."""
    first = next(iter(asked.values()))
    base = base_of(name, first)
    gathering = Gathering(base, first.as_of, in_order=True)
    found = [_found(one, gathering, table_of) for one in asked.values()]
    judged, whose = _judged(base, gathering, found), _whose(base, first)
    gathered = tuple(gathering.kept())
    episodes = _episodes(base, first, gathering.days, [whose, judged, *(select for _, select in gathered)])
    numbers = tuple(tuple(name for name in one if name != _WHAT) for one in found)
    return _Step(asked, ((name, episodes), *gathered), whose, judged, numbers)


def _narrow_step(name: str, asked: Mapping[int, Asked], table_of: TableOf) -> _Step:
    """Plan the answer to one question, which leaves out what it does not look at as soon as that is known."""
    ((_, first),) = asked.items()
    base = base_of(name, first)

    def judge(then: Gathering, refused: Refused) -> sa.Select[Any]:
        return _judged(then.base, then, [_found(first, then, table_of, refused)])

    kept, days, judged = narrowed(base, first, judge, in_order=True)
    looked_at: sa.Select[Any] = sa.select(sa.column("episode_id")).select_from(sa.table(looked_at_of(base)))
    whose = _whose(base, first).where(base.c.episode_id.in_(looked_at))
    episodes = _episodes(base, first, days, [whose, *(select for _, select in kept)])
    return _Step(asked, ((name, episodes), *kept), whose, judged, ((),))


def _judged(base: sa.TableClause, gathering: Gathering, found: Sequence[Mapping[str, Column]]) -> sa.Select[Any]:
    columns = [column.label(f"{name}_{place}") for place, one in enumerate(found) for name, column in one.items()]
    return sa.select(base.c.episode_id, *columns).select_from(gathering.source())


def _whose(base: sa.TableClause, asked: Asked) -> sa.Select[Any]:
    """Return whose each episode is, those of a patient in a group together."""
    groups = [base.c[group] for group in folding.group_names(len(asked.question.group_by))]
    return sa.select(base.c.episode_id, base.c.patient_id, *groups).order_by(base.c.patient_id, *groups)


def _episodes(
    base: sa.TableClause, asked: Asked, days: Mapping[str, Moment], statements: Sequence[sa.ClauseElement]
) -> sa.Select[Any]:
    """Return what must be kept of the episodes for the statements."""
    every = cohort.based(asked).subquery("every")
    needed = used(base, statements)
    source: sa.FromClause = every
    known: dict[str, Column] = {}
    for anchor in sorted({moment.anchor for moment in days.values()}):
        moments = {name: moment for name, moment in days.items() if moment.anchor == anchor and name in needed}
        if len(moments) >= _MANY_MOMENTS:
            worked_out, on = _by_day(asked, anchor, moments), every.c[f"{anchor}_date"]
            source = source.outerjoin(worked_out, worked_out.c.day == on)
            known |= {name: worked_out.c[name] for name in moments}
    listed = [known[name] if name in known else column_of(name, every, days) for name in needed]
    return sa.select(*listed).select_from(source)


def _by_day(asked: Asked, anchor: str, moments: Mapping[str, Moment]) -> sa.CTE:
    """Work moments out once for each day on which an anchor of any of the episodes falls: many share theirs."""
    every = cohort.based(asked).subquery("every_day")
    day = every.c[f"{anchor}_date"].label("day")
    distinct = sa.select(day).distinct().where(day.is_not(None)).subquery(f"days_of_{anchor}")
    columns = [moment_on(moment, {anchor: distinct.c.day}).label(name) for name, moment in moments.items()]
    return sa.select(distinct.c.day, *columns).cte(f"{anchor}_moments").prefix_with("MATERIALIZED")


def _taken(engine: Laid, step: _Step, *, narrows: bool) -> Iterator[tuple[int, Sequence[CubeRow]]]:
    with engine.keeping(step.kept, narrows=narrows):
        people = adding.people(engine.tuples(step.whose))
        questions = list(zip([one.question for one in step.asked.values()], step.numbers, strict=True))
        answers = adding.rows_at_once(questions, people, engine.tuples(step.judged))
    yield from zip(step.asked, answers, strict=True)


def _found(
    asked: Asked, gathering: Gathering, table_of: TableOf, refused: Refused | None = None
) -> Mapping[str, Column]:
    """Return what a question finds of an episode: its case in a number, and the numbers it adds up by their names."""
    case = dict(case_of(gathering, asked, table_of, refused))
    return {_WHAT: _packed(asked.question.definition, case), **case}


def _packed(definition: Definition, case: dict[str, Column]) -> Column:
    """Take from a case what one number has room for."""
    what, evidence, change = (case.pop(name, None) for name in ("status", "evidence", "change"))
    if what is None:
        raise AssertionError(definition.id)  # every case has one
    if evidence is not None:
        what = what + constant(RANKS) * sa.func.coalesce(evidence, 0)
    if change is not None:
        codes = {name: constant(CHANGES * place) for place, name in enumerate(distinctions(definition), start=1)}
        what = what + sa.case(codes, value=change, else_=constant(0))
    return what
