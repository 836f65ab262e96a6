"""What scores say of an episode: whether they were taken at both ends, and whether they improved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from exchange.counting.current import current
from exchange.counting.functions import add_days, day_of_first, day_of_last, greatest, value_of_first, value_of_last
from exchange.counting.gathering import Gathering
from exchange.counting.joining import Base, Column, Joined, Judged
from exchange.indicators.classes import CANNOT_IMPROVE, CLASSES, DETERIORATED, IMPROVED, UNCHANGED, WITHIN_ERROR
from exchange.indicators.deciding import NO_THRESHOLD, NOT_MEASURED, has_threshold
from exchange.indicators.definition import Scores
from exchange.indicators.moments import Moment
from exchange.records.instruments import Instrument
from exchange.store import tables
from exchange.store.columns import Day


@dataclass(frozen=True, slots=True)
class Score:
    """A score as columns, both null where there is none."""

    day: Column
    score: Column


def scored(criterion: Scores, joined: Joined) -> Judged:
    """Return a criterion on scores as columns, joining what it needs."""
    if criterion.wanted == "both":
        both = _both(criterion, joined)
        return Judged(both == 1, both == 0, sa.false())
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
    if joined.gathering is not None:
        return _gathered_both(criterion, joined, joined.gathering)
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


def _gathered_both(criterion: Scores, joined: Joined, gathering: Gathering) -> Column:
    base, t = joined.base, tables.measurement
    effect = [t.c.instrument != one.id for one in joined.instruments.values() if not one.effect]
    if criterion.instrument != "any":
        effect.append(t.c.instrument == _named(criterion, base))
    ends = [
        extreme(t.c.day, type_=Day()).filter(sa.and_(_around(joined, anchor, criterion.within), *effect))
        for anchor, extreme in (("start", sa.func.min), ("end", sa.func.max))
    ]
    rises = gathering.rises(t, ("both", criterion.instrument, criterion.within), t.c.instrument, *ends)
    return sa.func.coalesce(rises, 0)


def _around(joined: Joined, anchor: str, within: int) -> Column:
    t = tables.measurement
    first, last = (joined.on(Moment(anchor, days)) for days in (-within, within))
    return sa.and_(t.c.instrument != "", t.c.day >= first, t.c.day <= last)


def _named(criterion: Scores, base: Base) -> Column:
    """Return the one instrument that is looked at."""
    if criterion.instrument == "primary":
        return base.c.instrument
    return sa.literal(criterion.instrument, sa.String())


def _improved(criterion: Scores, joined: Joined) -> Judged:
    base = joined.base
    if joined.gathering is not None:
        changed = _gathered_change(criterion, joined, joined.gathering)
        return _judged_change(changed)
    scores = Joined(base, joined.as_of, joined.instruments)
    first = _extreme_score(criterion, scores, base.c.start_date, last=False)
    last = _extreme_score(criterion, scores, base.c.end_date, last=True)
    change = _change(joined.instruments, first, last)
    found = sa.select(base.c.episode_id, change.label("change")).select_from(
        _with_limits(criterion, scores, joined.instruments)
    )
    return _judged_change(joined.join(found.cte(joined.named("changed"))).c.change)


def _judged_change(changed: Column) -> Judged:
    unknown = (NOT_MEASURED, NO_THRESHOLD)
    return Judged(
        changed == IMPROVED,
        changed.in_([one for one in CLASSES if one != IMPROVED]),
        changed.in_(unknown),
        change=changed,
    )


def _gathered_change(criterion: Scores, joined: Joined, gathering: Gathering) -> Column:
    t = tables.measurement
    named, known = _named(criterion, joined.base), _known(joined.instruments)
    if known:
        gathering.joined_limits(_limits(known), _limits(known).c.id == named)
    ends = []
    for anchor, last in (("start", False), ("end", True)):
        counts = sa.and_(t.c.instrument == named, _around(joined, anchor, criterion.within))
        ends.append(gathered_score(gathering, (criterion.instrument, criterion.within), counts, last=last))
    return _change(joined.instruments, *ends)


def gathered_score(gathering: Gathering, what: tuple[Any, ...], counts: Column, *, last: bool) -> Score:
    """Return the first or last of the scores that count, all of them by one instrument; `what` tells the same ones."""
    t = tables.measurement
    value = value_of_last if last else value_of_first
    day: Column = (sa.func.max if last else sa.func.min)(t.c.day, type_=Day()).filter(counts)
    score = value(t.c.score, t.c.day, t.c.measurement_id).filter(counts)
    if gathering.in_order:
        day = (day_of_last if last else day_of_first)(*score.clauses)
    return Score(
        gathering.column(t, ("day", *what, last), day, needs=counts),
        gathering.column(t, ("score", *what, last), score, needs=counts),
    )


def _extreme_score(criterion: Scores, joined: Joined, anchor: Column, *, last: bool) -> Score:
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
    found = joined.join(chosen.cte(joined.named("score"))).c
    return Score(found.day, found.score)


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
            found.append((each.id, sign, times, best, each.mic or 0, percent, times * (each.mdc95 or 0)))
    return tuple(found)


def _with_limits(criterion: Scores, scores: Joined, instruments: Mapping[str, Instrument]) -> sa.FromClause:
    known = _known(instruments)
    source = scores.source()
    return source.outerjoin(_limits(known), _limits(known).c.id == _named(criterion, scores.base)) if known else source


def _change(instruments: Mapping[str, Instrument], first: Score, last: Score) -> Column:
    """Return the class of change."""
    paired = sa.and_(first.day.is_not(None), last.day.is_not(None), sa.func.coalesce(last.day > first.day, sa.false()))
    known = _known(instruments)
    if not known:
        return sa.case((paired, NO_THRESHOLD), else_=NOT_MEASURED)
    limit = _limits(known).c
    mic: Column = sa.case((limit.percent > 0, greatest(1, limit.percent * first.score)), else_=limit.mic)
    gain = limit.sign * limit.times * (last.score - first.score)
    room = limit.sign * limit.times * (limit.best - first.score)
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
