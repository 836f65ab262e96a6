"""What people read of the treatment index: official figures first, then the way, the plans and the own estimate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exchange.findings import say
from exchange.records.dcsph import location_label

if TYPE_CHECKING:
    from exchange.indicators.index import GroupPlan
    from exchange.operations.indexing import Told

_SHOWN = 3  # releases and heaviest groups


def lines(told: Told, language: str) -> Iterator[str]:
    """Yield what people read of it, with the arithmetic."""
    yield from _official(told, language)
    yield from _banded(told, language)
    yield from _way(told, language)
    yield from _weighed(told, language)
    yield from _planned(told, language)
    yield from _shown(told, language)
    yield from _spread(told, language)
    yield from _own(told, language)


def goal_of(plan: GroupPlan) -> float:
    """Return the goal that can be meant: who takes five off a mean of four still treats once."""
    return max(plan.goal, 1.0)


def _said(rule: str, language: str, **params: object) -> str:
    return say(f"indexing.{rule}", params, language)


def _number(value: float | None, language: str, decimals: int = 0) -> str:
    from exchange.reports.numbers import number

    return number(value, language, decimals)


def _short(value: float | None, language: str) -> str:
    from exchange.reports.numbers import shortest

    return shortest(value, language)


def _official(told: Told, language: str) -> Iterator[str]:
    from exchange.reports.numbers import day

    for one in told.official:
        bounds = (
            "" if one.lower is None or one.upper is None
            else f" ({_short(one.lower, language)}–{_short(one.upper, language)})"
        )  # fmt: skip
        yield _said(
            "official", language, year=one.year, version=one.version, insurer=one.insurer,
            value=f"{_short(one.value, language)}{bounds}", source=one.source or "–",
            first=day(one.period_start, language), last=day(one.period_end, language),
        )  # fmt: skip


def _banded(told: Told, language: str) -> Iterator[str]:
    position = told.position
    insurer = told.latest.insurer if told.latest is not None else ""
    if position is None:
        yield _said("no-band", language, insurer=insurer)
    elif position.range is None:
        yield _said("no-bound", language, insurer=insurer)
    else:
        band = position.band
        yield _said(
            f"band-{band.bound}", language, insurer=band.insurer, compared=_short(position.compared, language),
            range=position.range.label[language], first=band.first.year, source=band.source,
        )  # fmt: skip
        if told.band_is_old:
            yield _said("band-old", language, year=band.last.year)
    if told.contracts and told.latest is not None:
        years = ", ".join(map(str, told.contracts))
        yield _said("contracts", language, insurer=insurer, year=told.latest.year, contracts=years)


def _way(told: Told, language: str) -> Iterator[str]:
    way = told.way
    if way is None:
        rule = "no-target" if told.target is None else "no-way"
        yield _said(rule, language, target=_short(told.target, language))
        return
    if not way.sessions_to_save:
        yield _said("there", language, index=_short(way.index, language), target=_short(way.target, language))
        return
    yield _said(
        f"way-{way.basis}", language, index=_short(way.index, language), target=_short(way.target, language),
        observed=_number(way.observed, language), expected=_number(way.implied_expected, language),
        save=_number(way.sessions_to_save, language), share=_number(100 * way.share_to_save, language, 1),
    )  # fmt: skip
    yield _said("observed-given" if told.observed_is_given else "observed-ours", language)
    if told.self_paid:
        yield _said("self-paid", language, count=_number(told.self_paid, language))


def _weighed(told: Told, language: str) -> Iterator[str]:
    """Say where the sessions are; without a reference table nobody can say which group is above what is expected."""
    if not told.weights:
        return
    yield ""
    yield _said("weights", language, count=min(_SHOWN, len(told.weights)), of=len(told.weights))
    for one in told.weights[:_SHOWN]:
        yield _said(
            "weight", language, group=location_label(one.group), sessions=_number(one.sessions, language),
            share=_number(100 * one.share, language), patients=one.patients, above=one.patients_above,
            beyond=_number(one.sessions_above, language),
        )  # fmt: skip


def _planned(told: Told, language: str) -> Iterator[str]:
    if not told.plans:
        return
    fixed = {one.group: one for one in told.fixed}
    yield ""
    yield _said("plans", language)
    for plan in told.plans:
        yield _said(
            "plan", language, group=location_label(plan.group), mean=_number(plan.mean, language, 1),
            patients=plan.patients, goal=_number(goal_of(plan), language, 1),
            saved=_number(plan.sessions_saved, language),
        )  # fmt: skip
        yield from _warned(plan, language)
        other = fixed[plan.group]
        if other.sessions_saved:
            yield _said("plan-fixed", language, saved=_number(other.sessions_saved, language))
            yield from _warned(other, language)
    idle = [one for one in told.fixed if not one.sessions_saved]
    if idle:
        named = ", ".join(f"{location_label(one.group)} ({_number(one.mean, language, 1)})" for one in idle)
        yield _said("plan-fixed-idle", language, groups=named)
    if told.target is not None:
        target = _short(told.target, language)
        for rule, reached in (("", told.reached), ("-fixed", told.reached_fixed)):
            if reached is not None:
                named = ("reached" if reached <= told.target else "missed") + rule
                yield _said(named, language, index=_number(reached, language), target=target)


def _warned(plan: GroupPlan, language: str) -> Iterator[str]:
    from exchange.reports.numbers import shortest

    for warning in plan.warnings:
        params = {
            name: shortest(value, language) if isinstance(value, int | float) else value
            for name, value in warning.params.items()
        }
        yield "  " + say(warning.rule, {**params, "group": location_label(plan.group)}, language)


def _shown(told: Told, language: str) -> Iterator[str]:
    from exchange.reports.numbers import day

    yield ""
    if told.change is not None:
        yield _said("change", language, day=day(told.change, language))
    for showing in told.shows[:_SHOWN]:
        when = day(showing.published, language)
        yield _said("shows", language, version=showing.version, year=showing.year, published=when)
    whole = next((one for one in told.shows if one.whole), None)
    if whole is not None:
        when = day(whole.published, language)
        yield _said("shows-whole", language, version=whole.version, year=whole.year, published=when)


def _spread(told: Told, language: str) -> Iterator[str]:
    """Lay our own sessions per patient beside what Nivel published, with its year and source."""
    from exchange.reports.charts import national_sessions
    from exchange.reports.numbers import percent

    mine = told.spread
    if mine is None or not mine.patients:
        return
    known = national_sessions()
    yield ""
    yield _said("spread", language, source=known["source"][language])
    yield _said(
        "spread-mean", language, mean=_number(mine.value, language, 1), sd=_number(mine.details.get("sd"), language, 1),
        median=_short(mine.details.get("median"), language), patients=_number(mine.patients, language),
        national=_number(known["mean"], language, 1), national_sd=_number(known["sd"], language, 1),
        national_median=_short(known["median"], language),
    )  # fmt: skip
    shares = zip(known["classes"], mine.parts.values(), known["shares"], strict=True)
    for name, count, share in shares:
        yield _said(
            "spread-class", language, sessions=name.rjust(5), own=percent(count / mine.patients, language).rjust(6),
            national=percent(share, language).rjust(6),
        )  # fmt: skip


def _own(told: Told, language: str) -> Iterator[str]:
    own = told.own
    if own is None:
        return
    from exchange.reports.numbers import period

    figure, interval = own.figure, own.figure.interval
    yield ""
    yield _said("own-head", language)
    yield _said(
        "own", language, value=_number(figure.value, language),
        lower=_number(interval.lower if interval else None, language),
        upper=_number(interval.upper if interval else None, language),
        observed=_number(figure.details["observed"], language),
        expected=_number(figure.details["expected"], language, 1),
        trajectories=_number(figure.due, language), patients=_number(figure.patients, language),
        period=period(figure.start, figure.end, language),
    )  # fmt: skip
    named = ", ".join(say(f"indexing.characteristic-{one}", {}, language) for one in own.characteristics)
    yield _said("own-table", language, table=own.table, version=own.version, source=own.source, characteristics=named)
    if own.left_out:
        yield _said("own-left-out", language, count=own.left_out)
    for one in own.groups:
        yield _said(
            "own-group", language, group=location_label(one.group), observed=_number(one.observed, language),
            expected=_number(one.expected, language, 1), excess=_number(one.excess, language, 1),
        )  # fmt: skip
    yield _said("own-limits", language)
