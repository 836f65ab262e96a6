"""Each criterion of a definition as a column of three values: 0 false, 1 true, 2 unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from exchange.counting.current import AsOf, current, kept, under_present_id, word
from exchange.counting.functions import add_days, greatest, moment_on
from exchange.indicators.classes import CANNOT_IMPROVE, DETERIORATED, IMPROVED, UNCHANGED, WITHIN_ERROR
from exchange.indicators.deciding import NO_THRESHOLD, NOT_MEASURED, has_threshold
from exchange.indicators.definition import Criterion, Happens, Has, Scores
from exchange.indicators.vocabulary import ATTRIBUTES, LASTING, LEFT_LIST, NEW_EPISODE, Attribute, answer_element
from exchange.records.codes import Answered, Evidence
from exchange.records.instruments import Instrument
from exchange.store import tables
from exchange.store.columns import Day

Column = sa.ColumnElement[Any]
# The episodes of a question: worked out within its query, or kept by the engine for several.
Base = sa.CTE | sa.TableClause
NO_EVIDENCE = 0
# Before any treatment; Spark's driver writes a year without its leading zeros.
_LONG_AGO = date(1000, 1, 1)
RANK = {Evidence.SIGNED: 1, Evidence.FORM: 2, Evidence.CLIENT: 3}


@dataclass(slots=True)
class Joined:
    """A base of episodes and what was joined to it for the criteria so far."""

    base: Base
    as_of: AsOf
    instruments: Mapping[str, Instrument]
    joins: list[sa.CTE] = field(default_factory=list)

    def join(self, found: sa.CTE) -> sa.CTE:
        """Join one row per episode, or none."""
        self.joins.append(found)
        return found

    def source(self) -> sa.FromClause:
        """Return the base with every join."""
        source: sa.FromClause = self.base
        for found in self.joins:
            source = source.outerjoin(found, found.c.episode_id == self.base.c.episode_id)
        return source

    def named(self, name: str) -> str:
        """Return a name for the next join."""
        return f"{name}_{len(self.joins) + 1}"

    def on(self, moment: Any) -> Column:
        """Return the day of a moment of an episode."""
        return moment_on(moment, {name: self.base.c[f"{name}_date"] for name in ("start", "end", "handover")})


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion as columns: its state, the rank of the evidence behind it, its class of change where it has one.

    `seen` is where the state rests on what happened, and not on what a partner says did not; None is always.
    """

    state: Column
    evidence: Column | None = None
    change: Column | None = None
    seen: Column | None = None


def judged(criterion: Criterion, joined: Joined) -> Judged:
    """Return a criterion's columns, joining what it needs."""
    if isinstance(criterion, Has):
        return Judged(_has(criterion, joined))
    if isinstance(criterion, Scores):
        return _scores(criterion, joined)
    if criterion.event == NEW_EPISODE:
        return Judged(_wanted(_new_episode(criterion, joined), criterion.wanted))
    return _answered(criterion, joined)


def _has(condition: Has, joined: Joined) -> Column:
    attribute = ATTRIBUTES[condition.element]
    value: Column
    if attribute.record == "referral":
        value = sa.func.coalesce(_counterfactual(condition, joined), attribute.unknown)
    elif attribute.record == "evaluation":
        value = sa.func.coalesce(_last_evaluated(attribute, joined), attribute.unknown)
    else:
        value = joined.base.c[attribute.attribute]
    return sa.case((value == attribute.unknown, 2), (value.in_(condition.values), 1), else_=0)


def _counterfactual(condition: Has, joined: Joined) -> Column:
    base, t = joined.base, tables.referral
    limit = sa.false() if condition.recorded_by is None else t.c.recorded_on <= joined.on(condition.recorded_by)
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
    first = sa.select(ordered.c.episode_id, ordered.c.value).where(ordered.c.place == 1)
    return joined.join(first.cte(joined.named("alternative"))).c.value


def _last_evaluated(attribute: Attribute, joined: Joined) -> Column:
    base, t = joined.base, tables.evaluation
    value = word(t.c[attribute.attribute])
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


def _wanted(happened: Column, wanted: bool) -> Column:
    return happened if wanted else sa.case((happened == 2, 2), else_=1 - happened)


def _new_episode(criterion: Happens, joined: Joined) -> Column:
    base, t = joined.base, tables.episode
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
    return sa.case(
        (sa.func.coalesce(found.c.same, 0) == 1, 1), (sa.func.coalesce(found.c.either_unknown, 0) == 1, 2), else_=0
    )


def _answered(criterion: Happens, joined: Joined) -> Judged:
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
    hit, clear = _says(answer, start, end, left_out, lasting=criterion.event in LASTING)
    rank = sa.case({level.value: number for level, number in RANK.items()}, value=word(answer.c.evidence), else_=9)
    found = (
        sa.select(base.c.episode_id, sa.func.min(sa.case((hit, 2 * rank), (clear, 2 * rank + 1))).label("code"))
        .select_from(source)
        .group_by(base.c.episode_id)
        .cte(joined.named("answered"))
    )
    code = joined.join(found).c.code
    happened = sa.case((code.is_(None), 2), (code.in_((2, 4, 6)), 1), else_=0)
    evidence = sa.case((code.in_((2, 3)), 1), (code.in_((4, 5)), 2), (code.in_((6, 7)), 3), else_=NO_EVIDENCE)
    return Judged(_wanted(happened, criterion.wanted), evidence, seen=happened == 1)


def _says(answer: sa.CTE, start: Column, end: Column, left_out: Column, *, lasting: bool) -> tuple[Column, Column]:
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
    answer = kept(under_present_id(t, ("first_day",), joined.as_of, yes), joined.named("left"))
    undated = sa.literal(_LONG_AGO, Day())
    day = sa.func.min(sa.func.coalesce(answer.c.first_day, undated), type_=Day()).label("day")
    found = sa.select(answer.c.episode_id, day).group_by(answer.c.episode_id).cte(joined.named("gone"))
    return joined.join(found).c.day


def agreed(joined: Joined, agreements: frozenset[str] | None) -> Column:
    """Return whether an episode has a case under an agreement."""
    t = tables.case_opened
    conditions = [] if agreements is None else [t.c.agreement_id.in_(sorted(agreements))]
    query = under_present_id(t, (), joined.as_of, *conditions).distinct()
    return joined.join(query.cte(joined.named("agreed"))).c.episode_id.is_not(None)


def _scores(criterion: Scores, joined: Joined) -> Judged:
    if criterion.wanted == "both":
        return Judged(_both(criterion, joined))
    return _improved(criterion, joined)


def _near(joined: Joined, anchor: Column, within: int) -> sa.Select[Any]:
    """Select the scores around a day, at most so many days away."""
    base, t = joined.base, tables.measurement
    return (
        sa.select(base.c.episode_id)
        .join(t, t.c.episode_id == base.c.episode_id)
        .where(
            current(t, joined.as_of),
            t.c.instrument != "",
            t.c.day >= add_days(anchor, -within),
            t.c.day <= add_days(anchor, within),
        )
    )


def _both(criterion: Scores, joined: Joined) -> Column:
    base, t = joined.base, tables.measurement
    ends = []
    for anchor, extreme in ((base.c.start_date, sa.func.min), (base.c.end_date, sa.func.max)):
        query = _near(joined, anchor, criterion.within).add_columns(
            t.c.instrument, extreme(t.c.day, type_=Day()).label("day")
        )
        if criterion.instrument != "any":
            query = query.where(t.c.instrument == _named(criterion, base))
        # What a prognostic list says at the start and the end is no measurement of effect.
        query = query.where(*(t.c.instrument != one.id for one in joined.instruments.values() if not one.effect))
        ends.append(query.group_by(base.c.episode_id, t.c.instrument).subquery())
    first, last = ends
    same = sa.and_(first.c.episode_id == last.c.episode_id, first.c.instrument == last.c.instrument)
    pairs = sa.select(first.c.episode_id).distinct().join(last, same).where(last.c.day > first.c.day)
    found = joined.join(pairs.cte(joined.named("measured")))
    return sa.case((found.c.episode_id.is_not(None), 1), else_=0)


def _named(criterion: Scores, base: Base) -> Column:
    """Return the one instrument that is looked at."""
    if criterion.instrument == "primary":
        return base.c.instrument
    return sa.literal(criterion.instrument, sa.String())


def _improved(criterion: Scores, joined: Joined) -> Judged:
    base = joined.base
    scores = Joined(base, joined.as_of, joined.instruments)
    first = _extreme_score(criterion, scores, base.c.start_date, last=False)
    last = _extreme_score(criterion, scores, base.c.end_date, last=True)
    change = _change(joined.instruments, base, first, last)
    found = sa.select(base.c.episode_id, change.label("change")).select_from(
        _with_limits(criterion, scores, joined.instruments)
    )
    changed = joined.join(found.cte(joined.named("changed"))).c.change
    unknown = changed.in_((NOT_MEASURED, NO_THRESHOLD))
    return Judged(sa.case((unknown, 2), (changed == IMPROVED, 1), else_=0), change=changed)


def _extreme_score(criterion: Scores, joined: Joined, anchor: Column, *, last: bool) -> sa.CTE:
    base, t = joined.base, tables.measurement
    order = (t.c.day.desc(), t.c.measurement_id.desc()) if last else (t.c.day, t.c.measurement_id)
    place = sa.func.row_number().over(partition_by=base.c.episode_id, order_by=order)
    ordered = (
        _near(joined, anchor, criterion.within)
        .add_columns(t.c.day, t.c.score, place.label("place"))
        .where(t.c.instrument == _named(criterion, base))
        .subquery()
    )
    chosen = sa.select(ordered.c.episode_id, ordered.c.day, ordered.c.score).where(ordered.c.place == 1)
    return joined.join(chosen.cte(joined.named("score")))


_LIMITS = ("sign", "times", "best", "mic", "percent", "mdc")


@cache
def _limits(known: tuple[tuple[str, int, int, int, int, int, int], ...]) -> sa.CTE:
    """Return the instruments' constants as a table, in integers."""
    columns: list[sa.ColumnClause[Any]] = [sa.column("id", sa.String())]
    columns += [sa.column(name, sa.Integer()) for name in _LIMITS]
    return sa.values(*columns, name="limits").data(list(known)).cte("limits")


def _known(instruments: Mapping[str, Instrument]) -> tuple[tuple[str, int, int, int, int, int, int], ...]:
    found = []
    for each in sorted(instruments.values(), key=lambda each: each.id):
        if has_threshold(each):
            sign, best = (1, each.highest) if each.better == "higher" else (-1, each.lowest)
            # A MIC in percent of the start score is compared by cross-multiplication, so everything is times 100.
            times, percent = (1, 0) if each.mic is not None else (100, each.mic_percent or 0)
            found.append((each.id, sign, times, best, each.mic or 0, percent, times * (each.mdc or 0)))
    return tuple(found)


def _with_limits(criterion: Scores, scores: Joined, instruments: Mapping[str, Instrument]) -> sa.FromClause:
    known = _known(instruments)
    source = scores.source()
    return source.outerjoin(_limits(known), _limits(known).c.id == _named(criterion, scores.base)) if known else source


def _change(instruments: Mapping[str, Instrument], base: Base, first: sa.CTE, last: sa.CTE) -> Column:
    """Return the class of change."""
    paired = sa.and_(
        first.c.day.is_not(None), last.c.day.is_not(None), sa.func.coalesce(last.c.day > first.c.day, sa.false())
    )
    known = _known(instruments)
    if not known:
        return sa.case((paired, NO_THRESHOLD), else_=NOT_MEASURED)
    limit = _limits(known).c
    mic: Column = sa.case((limit.percent > 0, greatest(1, limit.percent * first.c.score)), else_=limit.mic)
    gain = limit.sign * limit.times * (last.c.score - first.c.score)
    room = limit.sign * limit.times * (limit.best - first.c.score)
    real = greatest(mic, limit.mdc)
    return sa.case(
        (sa.not_(paired), NOT_MEASURED),
        (limit.id.is_(None), NO_THRESHOLD),
        (room < mic, CANNOT_IMPROVE),
        (gain >= real, IMPROVED),
        (gain >= mic, WITHIN_ERROR),
        (gain <= -real, DETERIORATED),
        else_=UNCHANGED,
    )
