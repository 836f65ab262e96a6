"""Each criterion of a definition as three conditions: that it holds, that it does not, and that this is unknown."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from exchange.counting.current import current, kept, under_present_id, word
from exchange.counting.functions import value_of_first, value_of_last
from exchange.counting.gathering import Gathering
from exchange.counting.joining import Column, Joined, Judged
from exchange.counting.scores import scored
from exchange.indicators.definition import Criterion, Happens, Has, Scores
from exchange.indicators.vocabulary import ATTRIBUTES, LASTING, LEFT_LIST, NEW_EPISODE, Attribute, answer_element
from exchange.records.codes import Answered, Evidence
from exchange.store import tables
from exchange.store.columns import Day

NO_EVIDENCE = 0
# Before any treatment; Spark's driver writes a year without its leading zeros.
_LONG_AGO = date(1000, 1, 1)
# What affirms an event and what denies it; what nobody signed for lies above both.
_AFFIRMED, _DENIED = (2, 4, 6), (3, 5, 7)
RANK = {Evidence.SIGNED: 1, Evidence.FORM: 2, Evidence.CLIENT: 3}


def judged(criterion: Criterion, joined: Joined) -> Judged:
    """Return a criterion's columns, joining what it needs."""
    if isinstance(criterion, Has):
        return _has(criterion, joined)
    if isinstance(criterion, Scores):
        return scored(criterion, joined)
    if criterion.event == NEW_EPISODE:
        return _new_episode(criterion, joined)
    return _answered(criterion, joined)


def _has(condition: Has, joined: Joined) -> Judged:
    attribute = ATTRIBUTES[condition.element]
    value: Column
    if attribute.record == "referral":
        value = sa.func.coalesce(_counterfactual(condition, joined), attribute.unknown)
    elif attribute.record == "evaluation":
        value = sa.func.coalesce(_last_evaluated(attribute, joined), attribute.unknown)
    else:
        value = joined.base.c[attribute.attribute]
    unknown, among = value == attribute.unknown, value.in_(condition.values)
    return Judged(sa.and_(sa.not_(unknown), among), sa.not_(sa.or_(unknown, among)), unknown)


def _counterfactual(condition: Has, joined: Joined) -> Column:
    base, t = joined.base, tables.referral
    limit = sa.false() if condition.recorded_by is None else t.c.recorded_on <= joined.on(condition.recorded_by)
    if joined.gathering is not None:
        value = word(t.c.counterfactual)
        found = sa.and_(value != "unknown", t.c.recorded_on.is_not(None), limit)
        first = value_of_first(value, t.c.recorded_on, t.c.referral_id).filter(found)
        return joined.gathering.column(t, ("alternative", condition.recorded_by), first)
    ordered = (
        sa.select(
            base.c.episode_id,
            word(t.c.counterfactual).label("value"),
            sa.func.row_number()
            .over(partition_by=base.c.episode_id, order_by=(t.c.recorded_on, t.c.referral_id))
            .label("place"),
        )
        .join(t, t.c.episode_id == base.c.episode_id)
        .where(current(t, joined.as_of), word(t.c.counterfactual) != "unknown", t.c.recorded_on.is_not(None), limit)
        .subquery()
    )
    earliest = sa.select(ordered.c.episode_id, ordered.c.value).where(ordered.c.place == 1)
    return joined.join(earliest.cte(joined.named("alternative"))).c.value


def _last_evaluated(attribute: Attribute, joined: Joined) -> Column:
    base, t = joined.base, tables.evaluation
    value = word(t.c[attribute.attribute])
    if joined.gathering is not None:
        latest = value_of_last(value, t.c.day, t.c.evaluation_id).filter(value != attribute.unknown)
        return joined.gathering.column(t, attribute.attribute, latest)
    ordered = (
        sa.select(
            base.c.episode_id,
            value.label("value"),
            sa.func.row_number()
            .over(partition_by=base.c.episode_id, order_by=(t.c.day.desc(), t.c.evaluation_id.desc()))
            .label("place"),
        )
        .join(t, t.c.episode_id == base.c.episode_id)
        .where(current(t, joined.as_of), value != attribute.unknown)
        .subquery()
    )
    last = sa.select(ordered.c.episode_id, ordered.c.value).where(ordered.c.place == 1)
    return joined.join(last.cte(joined.named("evaluated"))).c.value


def _new_episode(criterion: Happens, joined: Joined) -> Judged:
    base, t = joined.base, tables.episode
    if joined.gathering is not None:
        return _told(*_returned(criterion, joined, joined.gathering), wanted=criterion.wanted)
    kept = sa.select(t.c.episode_id, t.c.patient_id, t.c.start_date, t.c.location).where(current(t, joined.as_of))
    other = kept.subquery("other")
    same = sa.and_(base.c.location != "", other.c.location == base.c.location)
    either_unknown = sa.or_(base.c.location == "", other.c.location == "")
    found = (
        sa.select(
            base.c.episode_id,
            sa.func.max(sa.case((same, 1), else_=0)).label("same"),
            sa.func.max(sa.case((either_unknown, 1), else_=0)).label("either_unknown"),
        )
        .join(other, sa.and_(other.c.patient_id == base.c.patient_id, other.c.episode_id != base.c.episode_id))
        .where(
            other.c.start_date >= joined.on(criterion.window.start),
            other.c.start_date < joined.on(criterion.window.end),
        )
        .group_by(base.c.episode_id)
        .cte(joined.named("return"))
    )
    joined.join(found)
    same, either = sa.func.coalesce(found.c.same, 0), sa.func.coalesce(found.c.either_unknown, 0)
    return _told(same, either, wanted=criterion.wanted)


def _told(same: Column, either_unknown: Column, *, wanted: bool) -> Judged:
    yes, no = same == 1, sa.and_(same == 0, either_unknown == 0)
    return Judged(yes if wanted else no, no if wanted else yes, sa.and_(same == 0, either_unknown == 1))


def _returned(criterion: Happens, joined: Joined, gathering: Gathering) -> tuple[Column, Column]:
    base, t = joined.base, tables.episode
    start, end = joined.on(criterion.window.start), joined.on(criterion.window.end)
    inside = sa.and_(t.c.start_date >= start, t.c.start_date < end)
    either: dict[str, Column] = {
        "same": sa.and_(inside, base.c.location != "", t.c.location == base.c.location),
        "either-unknown": sa.and_(inside, sa.or_(base.c.location == "", t.c.location == "")),
    }
    same, unknown = (
        gathering.column(t, (name, criterion.window), sa.func.max(sa.case((condition, 1), else_=0)), needs=inside)
        for name, condition in either.items()
    )
    return sa.func.coalesce(same, 0), sa.func.coalesce(unknown, 0)


def _answered(criterion: Happens, joined: Joined) -> Judged:
    code = _code(criterion, joined) if joined.gathering is None else _gathered_code(criterion, joined, joined.gathering)
    # DuckDB joins a list of five to every episode, and compares a shorter one.
    yes, no = code.in_(_AFFIRMED), sa.or_(code.in_(_DENIED), code > _DENIED[-1])
    evidence = sa.case(*((code < 2 * rank + 2, rank) for rank in sorted(RANK.values())), else_=NO_EVIDENCE)
    return Judged(yes if criterion.wanted else no, no if criterion.wanted else yes, code.is_(None), evidence, seen=yes)


def _gathered_code(criterion: Happens, joined: Joined, gathering: Gathering) -> Column:
    t, start, end = tables.answer, joined.on(criterion.window.start), joined.on(criterion.window.end)
    left_out: Column = sa.false()
    if criterion.leave_out_start:
        began = gathering.column(tables.referral, "began", sa.func.min(tables.referral.c.day, type_=Day()))
        left_out = sa.and_(began.is_not(None), t.c.first_day == began)
    about = t.c.element == answer_element(criterion.event)
    what = (criterion.event, criterion.window, criterion.leave_out_start)
    code = _strongest(t, _says(t, start, end, left_out, lasting=criterion.event in LASTING), about)
    return gathering.column(t, what, code, needs=about)


def _strongest(answer: sa.FromClause, says: tuple[Column, Column], about: Column) -> Column:
    """Return the strongest of what is said: twice the rank of its evidence, and one more where it denies."""
    rank = sa.case({level.value: number for level, number in RANK.items()}, value=word(answer.c.evidence), else_=9)
    hit, clear = says
    return sa.func.min(sa.case((sa.and_(about, hit), 2 * rank), (sa.and_(about, clear), 2 * rank + 1)))


def _code(criterion: Happens, joined: Joined) -> Column:
    base = joined.base
    asked = tables.answer.c.element == answer_element(criterion.event)
    columns = ("start_date", "end_date", "status", "evidence", "count", "first_day")
    answer = kept(under_present_id(tables.answer, columns, joined.as_of, asked), joined.named("said"))
    start, end = joined.on(criterion.window.start), joined.on(criterion.window.end)
    source: sa.FromClause = base.join(answer, answer.c.episode_id == base.c.episode_id)
    left_out: Column = sa.false()
    if criterion.leave_out_start:
        began = _began(joined)
        source = source.outerjoin(began, began.c.episode_id == base.c.episode_id)
        left_out = sa.and_(began.c.day.is_not(None), answer.c.first_day == began.c.day)
    says = _says(answer, start, end, left_out, lasting=criterion.event in LASTING)
    found = (
        sa.select(base.c.episode_id, _strongest(answer, says, sa.true()).label("code"))
        .select_from(source)
        .group_by(base.c.episode_id)
        .cte(joined.named("answered"))
    )
    return joined.join(found).c.code


def _says(
    answer: sa.FromClause, start: Column, end: Column, left_out: Column, *, lasting: bool
) -> tuple[Column, Column]:
    """Return when an answer means an event in the window, and when it means its certain absence."""
    c = answer.c
    yes, no = word(c.status) == Answered.YES.value, word(c.status) == Answered.NO.value
    covers = sa.and_(c.start_date <= start, c.end_date >= end)
    undated = sa.and_(yes, c.first_day.is_(None), c.start_date >= start, c.start_date < c.end_date, c.end_date <= end)
    dated = sa.and_(yes, c.first_day.is_not(None))
    inside = sa.and_(dated, c.first_day >= start, c.first_day < end, sa.not_(left_out))
    only_one = sa.false() if lasting else sa.and_(c.count.is_not(None), c.count == 1)
    elsewhere = sa.and_(dated, covers, sa.or_(c.first_day >= end, only_one))
    return sa.or_(undated, inside), sa.or_(sa.and_(no, covers), elsewhere)


def _began(joined: Joined) -> sa.Subquery:
    t = tables.referral
    return (
        sa.select(t.c.episode_id, sa.func.min(t.c.day, type_=Day()).label("day"))
        .where(current(t, joined.as_of), t.c.day.is_not(None))
        .group_by(t.c.episode_id)
        .subquery()
    )


def left_on(joined: Joined) -> Column:
    """Return the first day on which a patient was no longer known to who answers; long ago where it has no date."""
    t = tables.answer
    yes = sa.and_(t.c.element == LEFT_LIST, word(t.c.status) == Answered.YES.value)
    undated = sa.literal(_LONG_AGO, Day())
    if joined.gathering is not None:
        first = sa.func.min(sa.case((yes, sa.func.coalesce(t.c.first_day, undated))), type_=Day())
        return joined.gathering.column(t, LEFT_LIST, first, needs=yes)
    answer = kept(under_present_id(t, ("first_day",), joined.as_of, yes), joined.named("left"))
    day = sa.func.min(sa.func.coalesce(answer.c.first_day, undated), type_=Day()).label("day")
    found = sa.select(answer.c.episode_id, day).group_by(answer.c.episode_id).cte(joined.named("gone"))
    return joined.join(found).c.day


def agreed(joined: Joined, agreements: frozenset[str] | None) -> Column:
    """Return whether an episode has a case under an agreement."""
    t = tables.case_opened
    conditions = [] if agreements is None else [t.c.agreement_id.in_(sorted(agreements))]
    if joined.gathering is not None:
        under = sa.and_(sa.true(), *conditions)
        return joined.gathering.column(t, agreements, sa.func.max(sa.case((under, 1))), needs=under).is_not(None)
    query = under_present_id(t, (), joined.as_of, *conditions).distinct()
    return joined.join(query.cte(joined.named("agreed"))).c.episode_id.is_not(None)
