"""The treatment index: the official figure against its band, the way to the target, and a plan per diagnosis group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.operations import estimating, figuring
from exchange.operations.index_lines import goal_of, lines
from exchange.operations.workspace import Workspace
from exchange.records.model import IndexFigure

if TYPE_CHECKING:
    from exchange.indicators.cube import CubeRow
    from exchange.indicators.figure import Figure
    from exchange.indicators.index import Band, GroupPlan, Position, Showing, Way
    from exchange.indicators.reference import ReferenceTable
    from exchange.operations.estimating import Estimate

__all__ = ["Told", "Weight", "goal_of", "index", "lines"]

DISCIPLINE = "oefentherapie"


@dataclass(frozen=True, slots=True)
class Weight:
    """What one diagnosis group weighs: its sessions, and those of patients beyond the letter's fixed number."""

    group: str
    patients: int
    sessions: int
    share: float
    patients_above: int
    sessions_above: int


@dataclass(frozen=True, slots=True)
class Told:
    """All that can be said of the index; what can't be known is empty, never guessed.

    `plans` take five off each mean, `fixed` set 18; `reached` and `reached_fixed` are the index if only that
    changes. `observed` leaves out `self_paid`; `own` is never mixed with the official figure.
    """

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
    self_paid: int = 0
    observed_is_given: bool = False
    fixed: tuple[GroupPlan, ...] = ()
    reached_fixed: float | None = None
    weights: tuple[Weight, ...] = ()
    spread: Figure | None = None
    change: date | None = None
    contracts: tuple[int, ...] = ()
    own: Estimate | None = None


def index(
    workspace: Workspace,
    *,
    insurer: str = "",
    target: float | None = None,
    year: int | None = None,
    basis: str | None = None,
    observed: int | None = None,
    change: date | None = None,
    reference: ReferenceTable | None = None,
) -> Told:
    """Return the official figures, band, way and plans; IndicatorError where no official figure is known.

    `basis` says whether the target is set on the figure itself (value) or on its lower bound. `observed` is the number
    of sessions as the official report states it; else those in the store over the same period. `change` is the day
    from which treatment changes. With `reference` an own estimate over the same period goes beside it.
    """
    from exchange.indicators import index as rules

    official = tuple(sorted(workspace.store.figures.index(), key=lambda one: (one.year, one.version)))
    latest = _chosen(official, insurer or workspace.settings.insurer, year)
    band = _band(latest.insurer, workspace.on)
    goal = target if target is not None else (band.target if band is not None else None)
    start_from = basis or (band.target_basis if band is not None and target is None else "value")
    spread, rows = _sessions(workspace, latest)
    paid = workspace.store.survey.self_paid_sessions(latest.period_start, latest.period_end)
    counted = observed if observed is not None else (spread.numerator or 0) - paid
    # A target on a bound that was not published has no way to it; who asks for the bound hears that it is missing.
    known = start_from == "value" or latest.lower is not None or basis is not None
    way = rules.way_to_target(latest, counted, goal, basis=start_from) if goal is not None and known else None
    plans, reached = _plans(rows, way, "fewer")
    fixed, reached_fixed = _plans(rows, way, "fixed")
    return Told(
        official=official,
        latest=latest,
        position=rules.position(latest, band) if band is not None else None,
        target=goal,
        way=way,
        observed=counted,
        plans=plans,
        reached=reached,
        shows=rules.shows_in(change or workspace.on),
        band_is_old=band is not None and band.last < workspace.on,
        self_paid=paid,
        observed_is_given=observed is not None,
        fixed=fixed,
        reached_fixed=reached_fixed,
        weights=_weights(rows),
        spread=spread,
        change=change or workspace.on,
        contracts=rules.contract_years(band, latest.year) if band is not None else (),
        own=estimating.estimate(workspace, latest, reference) if reference is not None else None,
    )


def _chosen(official: tuple[IndexFigure, ...], insurer: str, year: int | None) -> IndexFigure:
    """Return the latest figure of the insurer and year, or say which there are."""
    if not official:
        raise IndicatorError("indexing.none", hints=("hint.indexing-load", "hint.indexing-record"))
    mine = [one for one in official if not insurer or one.insurer.casefold() == insurer.casefold()]
    found = [one for one in mine if year in (None, one.year)]
    if found:
        return found[-1]
    known = ", ".join(sorted({f"{one.insurer} {one.year}" for one in official}))
    raise IndicatorError(
        "indexing.not-this", hints=("hint.indexing-record",), insurer=insurer or "-", year=year or "-", known=known
    )


def _plans(rows: tuple[CubeRow, ...], way: Way | None, rule: str) -> tuple[tuple[GroupPlan, ...], float | None]:
    """Return a plan for each group, the one that saves most first, and the index if only that changes."""
    from exchange.indicators import index as rules

    if way is None:
        return (), None
    found = rules.group_plans(rows, index=way.index, target=way.target, rule=rule)
    plans = tuple(sorted(found, key=lambda one: (-one.sessions_saved, one.group)))
    return plans, rules.index_after(plans, index=way.index, observed=way.observed) if plans else None


def _weights(rows: tuple[CubeRow, ...]) -> tuple[Weight, ...]:
    from exchange.indicators.index import FIXED

    total = sum(row.counts["sum"] for row in rows)
    found = [
        Weight(
            row.group.get("location", ""),
            row.counts["patients"],
            row.counts["sum"],
            row.counts["sum"] / total,
            sum(times for value, times in row.histogram.items() if value > FIXED),
            sum((value - FIXED) * times for value, times in row.histogram.items() if value > FIXED),
        )
        for row in rows
        if row.counts["sum"]
    ]
    return tuple(sorted(found, key=lambda one: (-one.sessions, one.group)))


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


def _sessions(workspace: Workspace, official: IndexFigure) -> tuple[Figure, tuple[CubeRow, ...]]:
    """Return the sessions per patient over the figure's own period, and the cube of them by body location."""
    from exchange.indicators.moments import add_days

    (definition,) = figuring.definitions(("sessions-per-patient",))
    span: Mapping[str, date] = {"start": official.period_start, "end": add_days(official.period_end, 1)}
    (whole,) = figuring.counted(workspace, definition, start=span["start"], end=span["end"])
    found = figuring.cube(workspace, definition, start=span["start"], end=span["end"], group_by=("location",))
    return whole, found.rows
