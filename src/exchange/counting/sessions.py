"""What is counted from sessions and from partners' totals: evaluation moments, means, the index, rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from exchange.counting import folding, held
from exchange.counting.cohort import Asked, admission, base, group_columns, sex_of, with_people
from exchange.counting.current import current, handovers, patients, treatments, word
from exchange.counting.functions import add_months, value_of_first
from exchange.counting.gathering import Gathering
from exchange.counting.joining import Base, Column, Joined
from exchange.counting.packing import NO_REFERENCE, NO_SESSIONS
from exchange.indicators.cohort import CONFIRMED, EXCLUDED, NOT_DUE, OUTSIDE, REFUTED
from exchange.indicators.cube import INDEX_PRODUCTS, INDEX_TOTALS, RATE_TOTALS
from exchange.indicators.moments import Window
from exchange.indicators.oracle import part_names
from exchange.indicators.reference import ReferenceTable
from exchange.records.codes import Effect, Evidence, NextStep
from exchange.store import tables

_WITHOUT_EFFECT = (Effect.INSUFFICIENT.value, Effect.NONE.value)
# What evaluations come to, each a sort of the former; 1 is any other that took place.
_SORTS = {"without_effect": 2, "stopped": 3, "stopped_and_told": 4}
_EVIDENCE = {Evidence.SIGNED.value: 1, Evidence.FORM.value: 2, Evidence.CLIENT.value: 3}


def moments(asked: Asked, code: Callable[[str], Any] = str) -> sa.CTE:
    """Return one row per evaluation that fell due: when the session with its number took place.

    `code` gives a status the form it has as a column.
    """
    t, as_of = tables.episode, asked.as_of
    person, done = patients(as_of), _evaluations(asked)
    numbered = _numbered(asked)
    status = sa.case(
        (t.c.foreign == True, code(EXCLUDED)),  # noqa: E712 - SQL
        (numbered.c.day > asked.cut_off, code(NOT_DUE)),
        (done.c.episode_id.is_not(None), code(CONFIRMED)),
        else_=code(REFUTED),
    )
    return (
        sa.select(
            t.c.patient_id,
            *group_columns(asked.question.group_by, t, sex_of(person, asked), numbered.c.day),
            status.label("status"),
            *(sa.case((done.c.sort >= least, 1), else_=0).label(part) for part, least in _SORTS.items()),
        )
        .select_from(
            with_people(
                numbered.join(t, sa.and_(t.c.episode_id == numbered.c.episode_id, current(t, as_of))), person, asked
            ).outerjoin(done, sa.and_(done.c.episode_id == t.c.episode_id, done.c.session_number == numbered.c.place))
        )
        .where(
            numbered.c.place.in_(asked.question.definition.moments),
            numbered.c.day >= asked.start,
            numbered.c.day < asked.end,
        )
        .cte("counted")
    )


def _numbered(asked: Asked) -> sa.Subquery:
    """Return every session with its place in its episode, or those at the places asked for."""
    if asked.held is not None:
        return held.at_places(asked.held, asked.question.definition.moments)
    treated = treatments(asked.as_of).subquery("treated")
    place = sa.func.row_number().over(partition_by=treated.c.episode_id, order_by=(treated.c.day, treated.c.session_id))
    return sa.select(treated.c.episode_id, treated.c.day, place.label("place")).subquery("numbered")


def _evaluations(asked: Asked) -> sa.CTE:
    """Return the first evaluation recorded at each session number."""
    t = tables.evaluation
    wanted = sa.and_(current(t, asked.as_of), t.c.session_number.in_(asked.question.definition.moments))
    without = word(t.c.effect).in_(_WITHOUT_EFFECT)
    stopped = sa.and_(without, word(t.c.decision) == NextStep.STOP.value)
    told = sa.and_(stopped, t.c.told_referrer_on.is_not(None))
    sort = sa.case(
        *((which, _SORTS[part]) for part, which in zip(reversed(_SORTS), (told, stopped, without), strict=True)),
        else_=1,
    )
    if asked.held is not None:
        same, first = (t.c.episode_id, t.c.session_number), value_of_first(sort, t.c.day, t.c.evaluation_id)
        return sa.select(*same, first.label("sort")).where(wanted).group_by(*same).cte("done")
    place = sa.func.row_number().over(
        partition_by=(t.c.episode_id, t.c.session_number), order_by=(t.c.day, t.c.evaluation_id)
    )
    ordered = (
        sa.select(
            t.c.episode_id,
            t.c.session_number,
            sort.label("sort"),
            place.label("place"),
        )
        .where(wanted)
        .subquery()
    )
    return sa.select(ordered).where(ordered.c.place == 1).cte("done")


def means(asked: Asked) -> sa.Select[Any]:
    """Return how many patients had each number of sessions in the period, foreign episodes apart."""
    if asked.held is not None:
        return _means_of_episodes(asked, asked.held)
    t, person = tables.episode, patients(asked.as_of)
    treated = treatments(asked.as_of).subquery("treated")
    counted = (
        sa.select(
            t.c.patient_id,
            t.c.foreign,
            *group_columns(asked.question.group_by, t, sex_of(person, asked), treated.c.day),
        )
        .select_from(
            with_people(
                treated.join(t, sa.and_(t.c.episode_id == treated.c.episode_id, current(t, asked.as_of))), person, asked
            )
        )
        .where(treated.c.day >= asked.start, treated.c.day < asked.end)
        .subquery("counted")
    )
    keys = [counted.c[name] for name in folding.group_names(len(asked.question.group_by))]
    each = (
        sa.select(*keys, counted.c.foreign, sa.func.count().label("sessions"))
        .group_by(*keys, counted.c.foreign, counted.c.patient_id)
        .subquery("each")
    )
    return _patients_by_number(asked, each)


def _means_of_episodes(asked: Asked, each_held: sa.TableClause) -> sa.Select[Any]:
    """Return the same from what each episode held, so that a session is joined to nothing."""
    t, person = tables.episode, patients(asked.as_of)
    episodes = each_held.join(t, sa.and_(t.c.episode_id == each_held.c.episode_id, current(t, asked.as_of)))
    columns = group_columns(asked.question.group_by, t, sex_of(person, asked), t.c.start_date)
    counted = (
        sa.select(t.c.patient_id, t.c.foreign, each_held.c.inside.label("sessions"), *columns)
        .select_from(with_people(episodes, person, asked))
        .where(each_held.c.inside > 0)
        .subquery("counted")
    )
    keys = [counted.c[name] for name in folding.group_names(len(asked.question.group_by))]
    each = (
        sa.select(*keys, counted.c.foreign, folding.total(counted.c.sessions).label("sessions"))
        .group_by(*keys, counted.c.foreign, counted.c.patient_id)
        .subquery("each")
    )
    return _patients_by_number(asked, each)


def brought_in(asked: Asked) -> sa.Select[Any]:
    """Return how many patients were first handed over at each session in the period, foreign episodes apart."""
    t, person, handover = tables.episode, patients(asked.as_of), handovers(asked.as_of)
    counted = (
        sa.select(
            t.c.patient_id,
            t.c.foreign,
            handover.c.day,
            handover.c.evaluation_id,
            handover.c.session_number,
            *group_columns(asked.question.group_by, t, person.c.sex, handover.c.day),
        )
        .select_from(
            handover.join(t, sa.and_(t.c.episode_id == handover.c.episode_id, current(t, asked.as_of))).outerjoin(
                person, person.c.patient_id == t.c.patient_id
            )
        )
        .where(handover.c.day >= asked.start, handover.c.day < asked.end)
        .subquery("counted")
    )
    c, keys = counted.c, [counted.c[name] for name in folding.group_names(len(asked.question.group_by))]
    place = sa.func.row_number().over(partition_by=(*keys, c.foreign, c.patient_id), order_by=(c.day, c.evaluation_id))
    ordered = sa.select(*keys, c.foreign, c.session_number.label("sessions"), place.label("place")).subquery("ordered")
    return _patients_by_number(asked, sa.select(ordered).where(ordered.c.place == 1).subquery("each"))


def _patients_by_number(asked: Asked, each: sa.Subquery) -> sa.Select[Any]:
    groups = [each.c[name] for name in folding.group_names(len(asked.question.group_by))]
    return (
        sa.select(*groups, each.c.foreign, each.c.sessions, sa.func.count().label("patients"))
        .group_by(*groups, each.c.foreign, each.c.sessions)
        .order_by(*groups, each.c.foreign, each.c.sessions)
    )


def index(asked: Asked, table: ReferenceTable | None) -> sa.Select[Any]:
    """Return observed sessions of the episodes in the period against a table or the agreed number, per patient."""
    groups = folding.group_names(len(asked.question.group_by))
    return _index_query(against(asked, table), groups, part_names(asked.question.definition))


@dataclass(frozen=True, slots=True)
class Against:
    """What becomes of an episode as columns: its status and its sessions, observed and expected."""

    status: Column
    observed: Column
    expected: Column


def against(asked: Asked, table: ReferenceTable | None) -> sa.CTE:
    """Return one row per episode: its patient, split and status, and its sessions, observed and expected."""
    joined = Joined(base(asked), asked.as_of, asked.question.instruments)
    refused = admission(asked, joined)
    treated = treatments(asked.as_of).subquery("treated")
    sessions = joined.join(
        sa.select(treated.c.episode_id, sa.func.count().label("sessions")).group_by(treated.c.episode_id).cte("held")
    ).c.sessions
    strata = None if table is None else _strata(table)
    held_against = _against(asked, refused, sessions, strata)
    source = joined.source()
    if table is not None and strata is not None:
        source = source.outerjoin(strata, _matched(joined.base, table, strata))
    groups = folding.group_names(len(asked.question.group_by))
    judged = (
        sa.select(
            joined.base.c.episode_id,
            joined.base.c.patient_id,
            *(joined.base.c[name] for name in groups),
            held_against.status.label("status"),
            held_against.observed.label("o"),
            held_against.expected.label("e"),
        )
        .select_from(source)
        .cte("judged")
    )
    return sa.select(judged).where(judged.c.status != OUTSIDE).cte("counted")


def gathered_against(
    asked: Asked, table: ReferenceTable | None, joined: Joined, gathering: Gathering, code: Callable[[str], Any]
) -> Against:
    """Return the same where sessions are kept and everything else is gathered (`asked.held` must be there)."""
    if asked.held is None:
        raise AssertionError(asked.question.definition.id)  # who gathers keeps them first
    refused = [(condition, code(status)) for condition, status in admission(asked, joined)]
    gathering.joined_limits(asked.held, asked.held.c.episode_id == joined.base.c.episode_id)
    strata = None if table is None else _strata(table)
    if table is not None and strata is not None:
        gathering.joined_limits(strata, _matched(joined.base, table, strata))
    return _against(asked, refused, asked.held.c.sessions, strata, code)


def _against(
    asked: Asked,
    refused: list[tuple[Column, Any]],
    sessions: Column,
    strata: sa.CTE | None,
    code: Callable[[str], Any] = str,
) -> Against:
    expected: Column = sa.literal(1000 * asked.question.definition.agreed, sa.Integer)
    lacking: list[tuple[Column, Any]] = [(sessions.is_(None), code(NO_SESSIONS))]
    if strata is not None:
        expected = sa.func.coalesce(strata.c.expected, 0)
        lacking.append((strata.c.expected.is_(None), code(NO_REFERENCE)))
    status = sa.case(*refused, *lacking, else_=code(CONFIRMED))
    return Against(status, sa.func.coalesce(sessions, 0), expected)


def _index_query(counted: sa.CTE, groups: list[str], names: tuple[str, ...]) -> sa.Select[Any]:
    c = counted.c
    due = c.status == CONFIRMED
    summed = folding.per_patient(
        counted,
        groups,
        {
            "eligible": folding.when(sa.or_(due, c.status.in_((NO_REFERENCE, NO_SESSIONS)))),
            "due": folding.when(due),
            "excluded": folding.when(c.status == EXCLUDED),
            "o": folding.total(sa.case((due, c.o), else_=0)),
            "e": folding.total(sa.case((due, c.e), else_=0)),
        },
        {name: folding.when(c.status == name) for name in names},
    )
    columns: dict[str, Column] = {name: summed.c[name] for name in INDEX_TOTALS}
    return folding.per_group(
        summed,
        groups,
        totals=INDEX_TOTALS,
        distinct={"due": columns["due"]},
        products=folding.products_of(columns, INDEX_PRODUCTS),
        parts=names,
    )


def _strata(table: ReferenceTable) -> sa.CTE:
    return _as_table(len(table.characteristics), tuple(sorted(table.rows.items())))


@lru_cache(maxsize=1)
def _as_table(characteristics: int, rows: tuple[tuple[tuple[str, ...], int], ...]) -> sa.CTE:
    """Return a reference table as rows; the same object for all definitions of one query."""
    names = [sa.column(f"c{i}", sa.String()) for i in range(characteristics)]
    values = sa.values(*names, sa.column("expected", sa.Integer()), name="strata")
    return values.data([(*key, expected) for key, expected in rows]).cte("strata")


def _matched(cases: Base, table: ReferenceTable, strata: sa.CTE) -> Column:
    return sa.and_(sa.true(), *(strata.c[f"c{i}"] == value for i, value in enumerate(_stratum(cases, table))))


def _stratum(cases: Base, table: ReferenceTable) -> list[Column]:
    """Return an episode's value of each characteristic, as the table writes it."""
    start, birth = cases.c.start_date, cases.c.birth_date
    bands: list[tuple[Column, str]] = []
    for band in table.bands:
        reached = add_months(birth, 12 * band.lower) <= start
        below = sa.true() if band.upper is None else add_months(birth, 12 * band.upper) > start
        bands.append((sa.and_(birth.is_not(None), reached, below), band.label))
    chronic = sa.case((cases.c.chronic.is_(None), "unknown"), (cases.c.chronic == True, "yes"), else_="no")  # noqa: E712 - SQL
    columns: dict[str, Column] = {
        "age-band": sa.case(*bands, else_="") if bands else sa.literal("", sa.String()),
        "sex": cases.c.sex,
        "diagnosis-group": cases.c.location,
        "chronic": chronic,
    }
    return [columns[each] for each in table.characteristics]


def rates(asked: Asked) -> sa.Select[Any]:
    """Return partners' totals before and after, of the partners that gave both."""
    question, definition = asked.question, asked.question.definition
    if definition.before is None or definition.after is None:
        raise AssertionError(definition.id)  # the schema asks for both
    before, after = _aggregates(asked, definition.before, "before"), _aggregates(asked, definition.after, "after")
    partners = sa.union(sa.select(before.c.partner), sa.select(after.c.partner)).subquery("partners")
    due = 1 if definition.after.end.on(question.start) <= question.cut_off else 0
    both = sa.and_(before.c.partner.is_not(None), after.c.partner.is_not(None), sa.literal(due, sa.Integer) == 1)
    totals: dict[str, Column] = {
        "eligible": sa.func.count(),
        "due": folding.when(sa.literal(due, sa.Integer) == 1),
        "answered": folding.when(both),
        "unknown": folding.when(sa.and_(sa.not_(both), sa.literal(due, sa.Integer) == 1)),
    }
    for side, rows in (("before", before), ("after", after)):
        totals[f"events_{side}"] = folding.total(sa.case((both, rows.c.value), else_=0))
        totals[f"population_{side}"] = folding.total(sa.case((both, rows.c.population), else_=0))
    keys = [partners.c.partner.label("g0")] if question.group_by else []
    return (
        sa.select(*keys, *(totals[name].label(name) for name in RATE_TOTALS))
        .select_from(
            partners.outerjoin(before, before.c.partner == partners.c.partner).outerjoin(
                after, after.c.partner == partners.c.partner
            )
        )
        .group_by(*([partners.c.partner] if question.group_by else []))
    )


def _aggregates(asked: Asked, window: Window, name: str) -> sa.CTE:
    """Return one count per partner over exactly a window: the strongest evidence, then the first message."""
    t, start = tables.aggregate, asked.question.start
    rank = sa.case(_EVIDENCE, value=word(t.c.evidence), else_=9)
    place = sa.func.row_number().over(
        partition_by=t.c.partner, order_by=(rank, t.c.message_id, t.c.value, t.c.population)
    )
    ordered = (
        sa.select(t.c.partner, t.c.value, t.c.population, place.label("place"))
        .where(
            current(t, asked.as_of),
            t.c.element == asked.question.definition.events,
            t.c.start_date == window.start.on(start),
            t.c.end_date == window.end.on(start),
        )
        .subquery()
    )
    return sa.select(ordered).where(ordered.c.place == 1).cte(name)
