"""The official treatment index: its band, the way to a target, a plan per diagnosis group, and when a change shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from exchange import shipped
from exchange.errors import IndicatorError
from exchange.findings import Finding, Severity
from exchange.indicators.cube import CubeRow
from exchange.indicators.moments import add_months
from exchange.records.model import IndexFigure

# The letter of the improvement plan: "mean minus five sessions, or 18".
FEWER = 5
FIXED = 18


@dataclass(frozen=True, slots=True)
class Range:
    """One range of a band; limits are inclusive where the insurer publishes whole numbers, else up to `upper`."""

    label: Mapping[str, str]
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Band:
    """What one insurer published for one discipline and period.

    `bound` is what it compares: lower or value; `target_basis` is what its target is set on.
    """

    id: str
    insurer: str
    discipline: str
    first: date
    last: date
    bound: str
    whole_numbers: bool
    ranges: tuple[Range, ...]
    target: float | None
    index_years: Mapping[int, int]
    source: str
    target_basis: str = "value"


@dataclass(frozen=True, slots=True)
class Position:
    """Where an official figure stands in a band; `range` is None where the bound was not published."""

    band: Band
    compared: float | None
    range: Range | None


@dataclass(frozen=True, slots=True)
class Way:
    """What it takes to reach a target, with case mix unchanged; `basis` says what was used: value or lower bound."""

    basis: str
    index: float
    target: float
    observed: int
    implied_expected: float | None
    sessions_to_save: float
    share_to_save: float


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One diagnosis group: last year's mean, the goal, the sessions that saves, and the index if only this changed."""

    group: str
    patients: int
    mean: float
    rule: str
    goal: float
    sessions_saved: float
    index_if_all_so: float
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Showing:
    """One official release in which a change shows: `whole` where all its months lie after the change."""

    version: str
    year: int
    period_start: date
    period_end: date
    published: date
    whole: bool


@cache
def _data() -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads(shipped.schemas("bands.json").read_text(encoding="utf-8"))
    return content


@cache
def bands() -> tuple[Band, ...]:
    """Return every published band of schemas/bands.json."""
    return tuple(
        Band(
            id=item["id"],
            insurer=item["insurer"],
            discipline=item["discipline"],
            first=date.fromisoformat(item["from"]),
            last=date.fromisoformat(item["to"]),
            bound=item["bound"],
            whole_numbers=item["whole-numbers"],
            ranges=tuple(Range(each["label"], each["from"], each["to"]) for each in item["ranges"]),
            target=item["target"],
            index_years={int(year): over for year, over in item["index-years"].items()},
            source=item["source"],
            target_basis=item["target-basis"],
        )
        for item in _data()["bands"]
    )


def band_for(insurer: str, discipline: str, on: date, known: Iterable[Band] | None = None) -> Band | None:
    """Return an insurer's band for a contract day, or nothing: no band is ever guessed from another year."""
    wanted = insurer.strip().casefold()
    return next(
        (
            band
            for band in (bands() if known is None else known)
            if band.insurer.casefold() == wanted and band.discipline == discipline and band.first <= on <= band.last
        ),
        None,
    )


def position(official: IndexFigure, band: Band) -> Position:
    """Set the bound that the insurer names, and only that, against its band."""
    compared = official.lower if band.bound == "lower" else official.value
    if compared is None:
        return Position(band, None, None)
    return Position(band, compared, next((each for each in band.ranges if _within(each, compared, band)), None))


def _within(limits: Range, compared: float, band: Band) -> bool:
    # Where whole numbers are published, 119.4 is 119: an index is published rounded.
    number = float(round(compared)) if band.whole_numbers else compared
    return (limits.lower is None or number >= limits.lower) and (limits.upper is None or number <= limits.upper)


def way_to_target(official: IndexFigure, observed: int, target: float, *, basis: str = "value") -> Way:
    """Return what reaching a target takes, from the observed sessions of the same year, insurers and trajectories.

    `basis` is `value`, or `lower` where the target is set on the lower bound: then the bound is used throughout, never
    together with the point estimate, and no expected number follows from it. Raises an IndicatorError where the basis
    was not published.
    """
    index = official.value if basis == "value" else official.lower
    if index is None or index <= 0 or observed < 0:
        raise IndicatorError("indicators.index-basis-missing", hints=("hint.index-bound",), basis=basis)
    share = max(0.0, 1 - target / index)
    return Way(
        basis=basis,
        index=index,
        target=target,
        observed=observed,
        implied_expected=100 * observed / index if basis == "value" else None,
        sessions_to_save=observed * share,
        share_to_save=share,
    )


def group_plans(rows: Iterable[CubeRow], *, index: float, target: float, rule: str = "fewer") -> tuple[GroupPlan, ...]:
    """Return "mean minus five" (`fewer`) or "18" (`fixed`) for each group of last year's sessions per patient.

    `rows` come from the cube of sessions-per-patient by location. Each plan warns where it saves nothing and where it
    would miss the target even if every group fell by the same share.
    """
    plans = []
    for row in rows:
        patients, total = row.counts["patients"], row.counts["sum"]
        if patients and total:
            plans.append(_plan(row.group.get("location", ""), patients, total / patients, index, target, rule))
    return tuple(plans)


def _plan(group: str, patients: int, mean: float, index: float, target: float, rule: str) -> GroupPlan:
    goal = float(FIXED) if rule == "fixed" else mean - FEWER
    warnings: list[Finding] = []
    if rule == "fixed" and goal >= mean:
        warnings.append(_warning("indicators.plan-no-less", group, goal=FIXED, mean=round(mean, 1)))
    if goal < 1:
        warnings.append(_warning("indicators.plan-below-one", group, mean=round(mean, 1)))
    reached = min(max(goal, 1.0), mean)
    after = index * reached / mean
    if after > target:
        params = {"index": round(index), "after": round(after), "target": round(target)}
        warnings.append(_warning("indicators.plan-misses-target", group, **params))
    return GroupPlan(group, patients, mean, rule, goal, patients * (mean - reached), after, tuple(warnings))


def _warning(rule: str, group: str, **params: object) -> Finding:
    return Finding(rule, group, Severity.WARNING, params={"group": group, **params})


def index_after(plans: Iterable[GroupPlan], *, index: float, observed: int) -> float | None:
    """Return the index if every plan comes true and nothing else changes; nothing without sessions."""
    return index * (observed - sum(plan.sessions_saved for plan in plans)) / observed if observed > 0 else None


def shows_in(change: date, *, years: int = 2) -> tuple[Showing, ...]:
    """Return the official releases in which a change on a day shows, in the order in which they are published."""
    found = []
    for year in range(change.year, change.year + years):
        start = date(year, 1, 1)
        for version in _data()["releases"]["versions"]:
            end = add_months(start, version["months"])
            published = date(year + int(version["published-next-year"]), version["published-month"], 15)
            if change < end:
                found.append(Showing(version["id"], year, start, end, published, change <= start))
    return tuple(sorted(found, key=lambda each: (each.published, each.version)))


def contract_years(band: Band, over: int) -> tuple[int, ...]:
    """Return the contract years for which an insurer looks at the index over a year."""
    return tuple(sorted(year for year, looked_at in band.index_years.items() if looked_at == over))


def period_of(year: int, version: str) -> tuple[date, date]:
    """Return the first and last day that a release of a year covers; the whole year where the version is not known."""
    months = next((each["months"] for each in _data()["releases"]["versions"] if each["id"] == version), 12)
    start = date(year, 1, 1)
    return start, add_months(start, months) - timedelta(days=1)


def versions() -> tuple[str, ...]:
    """Return the releases of a year in their order."""
    return tuple(each["id"] for each in _data()["releases"]["versions"])
