"""The treatment index: the official figure against its band, the way to the target, and a plan per diagnosis group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.operations import figuring
from exchange.operations.workspace import Workspace
from exchange.records.dcsph import location_label
from exchange.records.model import IndexFigure

if TYPE_CHECKING:
    from exchange.indicators.cube import CubeRow
    from exchange.indicators.index import Band, GroupPlan, Position, Showing, Way

DISCIPLINE = "oefentherapie"


@dataclass(frozen=True, slots=True)
class Told:
    """All that can be said of the index; what can't be known is empty, never guessed."""

    official: tuple[IndexFigure, ...]
    latest: IndexFigure | None
    position: Position | None
    target: float | None
    way: Way | None
    observed: int
    plans: tuple[GroupPlan, ...]
    reached: float | None
    shows: tuple[Showing, ...]
    band_is_old: bool = False


def index(
    workspace: Workspace, *, insurer: str = "", target: float | None = None, year: int | None = None
) -> Told:  # fmt: skip
    """Return the official figures, band, way and plans; IndicatorError where no official figure was loaded."""
    from exchange.indicators import index as rules

    official = tuple(sorted(workspace.store.figures.index(), key=lambda one: (one.year, one.version)))
    wanted = insurer or workspace.settings.insurer
    mine = [one for one in official if not wanted or one.insurer.casefold() == wanted.casefold()]
    chosen = [one for one in mine if year in (None, one.year)]
    if not chosen:
        raise IndicatorError("indexing.none", hints=("hint.indexing-load",))
    latest = chosen[-1]
    band = _band(latest.insurer, workspace.on)
    goal = target if target is not None else (band.target if band is not None else None)
    observed, groups = _sessions(workspace, latest)
    way = rules.way_to_target(latest, observed, goal) if goal is not None else None
    plans = rules.group_plans(groups, index=latest.value, target=goal) if goal is not None else ()
    return Told(
        official=official,
        latest=latest,
        position=rules.position(latest, band) if band is not None else None,
        target=goal,
        way=way,
        observed=observed,
        plans=tuple(sorted(plans, key=lambda one: -one.sessions_saved)),
        reached=rules.index_after(plans, index=latest.value, observed=observed) if plans else None,
        shows=rules.shows_in(workspace.on),
        band_is_old=band is not None and band.last < workspace.on,
    )


def goal_of(plan: GroupPlan) -> float:
    """Return the goal that can be meant: who takes five off a mean of four still treats once."""
    return max(plan.goal, 1.0)


def _band(insurer: str, on: date) -> Band | None:
    """Return the insurer's band of this year, else the latest one before it that is known."""
    from exchange.indicators import index as rules

    found = rules.band_for(insurer, DISCIPLINE, on)
    if found is not None:
        return found
    earlier = [
        one for one in rules.bands() if one.insurer.casefold() == insurer.casefold() and one.discipline == DISCIPLINE
    ]
    return max((one for one in earlier if one.last < on), key=lambda one: one.last, default=None)


def _sessions(workspace: Workspace, official: IndexFigure) -> tuple[int, tuple[CubeRow, ...]]:
    """Return the sessions over the figure's own period, and the cube of them by body location."""
    from exchange.indicators.moments import add_days

    (definition,) = figuring.definitions(("sessions-per-patient",))
    end = add_days(official.period_end, 1)
    found = figuring.cube(workspace, definition, start=official.period_start, end=end, group_by=("location",))
    return sum(row.counts["sum"] for row in found.rows), found.rows


def lines(told: Told, language: str) -> Iterator[str]:
    """Yield what people read of it, with the arithmetic."""
    from exchange.reports.numbers import day, number

    for one in told.official:
        bounds = "" if one.lower is None or one.upper is None else f" ({one.lower:g}–{one.upper:g})"
        yield _said(
            "official", language, year=one.year, version=one.version, insurer=one.insurer,
            value=f"{one.value:g}{bounds}", source=one.source,
        )  # fmt: skip
    yield from _banded(told, language)
    yield from _way(told, language)
    for plan in told.plans:
        yield _said(
            "plan", language, group=location_label(plan.group), mean=number(plan.mean, language, 1),
            patients=plan.patients, goal=number(goal_of(plan), language, 1),
            saved=number(plan.sessions_saved, language, 0),
        )  # fmt: skip
        for warning in plan.warnings:
            params = {**warning.params, "group": location_label(plan.group)}
            yield "  " + say(warning.rule, params, language)
    if told.reached is not None and told.target is not None:
        rule = "reached" if told.reached <= told.target else "missed"
        yield _said(rule, language, index=number(told.reached, language, 0), target=f"{told.target:g}")
    for showing in told.shows[:3]:
        when = day(showing.published, language)
        yield _said("shows", language, version=showing.version, year=showing.year, published=when)


def _said(rule: str, language: str, **params: object) -> str:
    return say(f"indexing.{rule}", params, language)


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
            f"band-{band.bound}", language, insurer=band.insurer, compared=f"{position.compared:g}",
            range=position.range.label[language], first=band.first.year, source=band.source,
        )  # fmt: skip
        if told.band_is_old:
            yield _said("band-old", language, year=band.last.year)


def _way(told: Told, language: str) -> Iterator[str]:
    from exchange.reports.numbers import number

    if told.way is not None:
        way = told.way
        yield _said(
            "way",
            language,
            index=f"{way.index:g}",
            target=f"{way.target:g}",
            observed=number(way.observed, language, 0),
            expected=number(way.implied_expected or 0, language, 0),
            save=number(way.sessions_to_save, language, 0),
            share=number(100 * way.share_to_save, language, 1),
        )
