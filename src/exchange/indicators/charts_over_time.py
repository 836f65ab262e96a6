"""Charts over time: XmR for single values, Laney's p' and u' for proportions and rates of varying size (rule 7).

A chart is refused rather than drawn wrongly: at least twelve points, complete periods that follow on each other, and a
new baseline only with a reason. A rolling twelve-month series signals in 98 % of runs without any change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from exchange.errors import IndicatorError
from exchange.findings import Finding

FEWEST_POINTS = 12
# Wheeler & Chambers 1992: d2 of two values, and D4 for the largest ordinary moving range.
_D2 = 1.128
_SCREEN = 3.267
_SHIFT = 7
_TREND = 7


@dataclass(frozen=True, slots=True)
class Point:
    """One period, [start, end), with its numerator and, for a proportion or rate, its size."""

    start: date
    end: date
    value: float
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Rebase:
    """A new baseline from the point that starts on this day, with the reason that is printed."""

    start: date
    reason: str


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """What is drawn for one period, and which rules it breaks: outside, shift, trend, two-of-three."""

    start: date
    end: date
    value: float
    centre: float
    lower: float
    upper: float
    signals: tuple[str, ...] = ()


def refusals(points: Sequence[Point], *, cut_off: date, rebases: Sequence[Rebase] = ()) -> tuple[Finding, ...]:
    """Return why no chart may be drawn of these points; () where it may."""
    found = []
    for before, after in pairwise(points):
        if after.start < before.end:
            found.append(Finding("charts.periods-overlap", after.start.isoformat()))
        elif after.start > before.end:
            # A range over a hole is no range between neighbours, and limits would rest on it.
            found.append(Finding("charts.period-missing", before.end.isoformat()))
    found += [Finding("charts.period-incomplete", each.start.isoformat()) for each in points if each.end > cut_off]
    found += [Finding("charts.period-empty", each.start.isoformat()) for each in points if not _holds_cases(each)]
    found += [Finding("charts.no-number", each.start.isoformat()) for each in points if not math.isfinite(each.value)]
    starts = {each.start for each in points}
    for rebase in rebases:
        if not rebase.reason.strip():
            found.append(Finding("charts.rebase-without-reason", rebase.start.isoformat()))
        if rebase.start not in starts:
            found.append(Finding("charts.rebase-between-periods", rebase.start.isoformat()))
    for segment in _segments(points, rebases):
        if len(segment) < FEWEST_POINTS:
            path = segment[0].start.isoformat() if segment else ""
            found.append(
                Finding("charts.too-few-points", path, params={"points": len(segment), "least": FEWEST_POINTS})
            )
    return tuple(sorted(found, key=lambda finding: finding.order))


def xmr(
    points: Sequence[Point], *, cut_off: date, rebases: Sequence[Rebase] = (), screen: bool = True
) -> tuple[ChartPoint, ...]:
    """Return an XmR chart: mean +- 3 x mean moving range / 1.128 of each baseline.

    `screen` leaves moving ranges above 3.267 times their mean out of the limits, as NHSRplotthedots does.
    Raises IndicatorError where `refusals` has a finding.
    """
    _require(points, cut_off, rebases)
    drawn: list[ChartPoint] = []
    for segment in _segments(points, rebases):
        values = [point.value for point in segment]
        centre = math.fsum(values) / len(values)
        sigma = _moving(values, screen=screen) / _D2
        drawn += _drawn(segment, values, centre, [sigma] * len(segment), lowest=None, highest=None)
    return tuple(drawn)


def laney_p(points: Sequence[Point], *, cut_off: date, rebases: Sequence[Rebase] = ()) -> tuple[ChartPoint, ...]:
    """Return Laney's (2002) p' chart of value/size proportions: binomial limits times the variation between points."""
    return _laney(points, cut_off, rebases, proportion=True)


def laney_u(points: Sequence[Point], *, cut_off: date, rebases: Sequence[Rebase] = ()) -> tuple[ChartPoint, ...]:
    """Return Laney's (2002) u' chart of value/size rates: Poisson limits times the variation between points."""
    return _laney(points, cut_off, rebases, proportion=False)


def _laney(
    points: Sequence[Point], cut_off: date, rebases: Sequence[Rebase], *, proportion: bool
) -> tuple[ChartPoint, ...]:
    _require(points, cut_off, rebases)
    if any(point.value < 0 or (proportion and point.value > point.size) for point in points):
        raise IndicatorError("charts.refused", hints=("charts.no-rate",))
    drawn: list[ChartPoint] = []
    for segment in _segments(points, rebases):
        rates = [point.value / point.size for point in segment]
        centre = math.fsum(point.value for point in segment) / math.fsum(point.size for point in segment)
        spread = centre * (1 - centre) if proportion else centre
        within = [math.sqrt(max(0.0, spread) / point.size) for point in segment]
        between = 0.0
        if spread > 0:
            between = _moving([(r - centre) / s for r, s in zip(rates, within, strict=True)], screen=False) / _D2
        highest = 1.0 if proportion else None
        drawn += _drawn(segment, rates, centre, [s * between for s in within], lowest=0.0, highest=highest)
    return tuple(drawn)


def _holds_cases(point: Point) -> bool:
    return math.isfinite(point.size) and point.size > 0


def _require(points: Sequence[Point], cut_off: date, rebases: Sequence[Rebase]) -> None:
    found = refusals(points, cut_off=cut_off, rebases=rebases)
    if found:
        raise IndicatorError("charts.refused", hints=(found[0].rule,), **found[0].params)


def _segments(points: Sequence[Point], rebases: Sequence[Rebase]) -> list[Sequence[Point]]:
    cuts = sorted({i for i, point in enumerate(points) for rebase in rebases if point.start == rebase.start and i})
    edges = [0, *cuts, len(points)]
    return [points[a:b] for a, b in pairwise(edges)]


def _moving(values: Sequence[float], *, screen: bool) -> float:
    """Return the mean moving range, once screened for ranges that no ordinary variation gives."""
    moves = [abs(b - a) for a, b in pairwise(values)]
    mean = math.fsum(moves) / len(moves)
    if screen:
        kept = [move for move in moves if move <= _SCREEN * mean]
        mean = math.fsum(kept) / len(kept)
    return mean


def _drawn(
    segment: Sequence[Point],
    values: Sequence[float],
    centre: float,
    sigmas: Sequence[float],
    *,
    lowest: float | None,
    highest: float | None,
) -> list[ChartPoint]:
    distances = [_distance(value - centre, sigma) for value, sigma in zip(values, sigmas, strict=True)]
    drawn = []
    for i, (point, value, sigma) in enumerate(zip(segment, values, sigmas, strict=True)):
        lower, upper = centre - 3 * sigma, centre + 3 * sigma
        lower = lower if lowest is None else max(lowest, lower)
        upper = upper if highest is None else min(highest, upper)
        drawn.append(ChartPoint(point.start, point.end, value, centre, lower, upper, _signals(values, distances, i)))
    return drawn


def _distance(gap: float, sigma: float) -> float:
    """Return a distance in sigmas; rounding noise around a constant series is no distance."""
    if sigma > 0:
        return gap / sigma
    return 0.0 if abs(gap) < 1e-12 else math.copysign(math.inf, gap)


def _signals(values: Sequence[float], distances: Sequence[float], i: int) -> tuple[str, ...]:
    rules = {
        "outside": abs(distances[i]) > 3,
        "shift": any(_one_side(distances[a : a + _SHIFT], 0, _SHIFT) for a in _windows(i, _SHIFT, len(values))),
        "trend": any(_monotone(values[a : a + _TREND]) for a in _windows(i, _TREND, len(values))),
        "two-of-three": abs(distances[i]) > 2
        and any(_one_side(distances[a : a + 3], 2, 2) for a in _windows(i, 3, len(values))),
    }
    return tuple(name for name, broken in rules.items() if broken)


def _windows(i: int, width: int, count: int) -> range:
    return range(max(0, i - width + 1), min(i, count - width) + 1)


def _one_side(distances: Sequence[float], limit: float, least: int) -> bool:
    return max(sum(d > limit for d in distances), sum(d < -limit for d in distances)) >= least


def _monotone(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values)) or all(a > b for a, b in pairwise(values))
