"""From a cube's integers to a figure: every division, interval and verdict, once, whatever engine counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from operator import attrgetter
from typing import Any

from exchange.errors import IndicatorError
from exchange.indicators.cube import CubeRow
from exchange.indicators.definition import Definition
from exchange.indicators.figure import Figure, Interval
from exchange.indicators.figures_paired import mean_change, paired
from exchange.indicators.judging import judge, unknowns_interval
from exchange.indicators.statistics import (
    aggregate_rate_ratio,
    clustered_wilson,
    histogram_quantile,
    histogram_sd,
    mean_interval,
    rarer,
    ratio_interval,
)
from exchange.records.instruments import instruments

# Below this the own estimate of the index says too little (indicators.md, rule 4).
LEAST_INDEX_PATIENTS = 30
# Nivel's classes of sessions per patient (2018), so that a practice can lay its own beside them.
SESSION_CLASSES = ((1, 3), (4, 6), (7, 9), (10, 12), (13, 18), (19, 24), (25, None))


_NAMES = tuple(one.name for one in fields(Figure))
_VALUES, _GROUP = attrgetter(*_NAMES), _NAMES.index("group")


@dataclass(frozen=True, slots=True)
class _Asked:
    definition: Definition
    target: float | None
    level: float


def figure(
    definition: Definition,
    row: CubeRow,
    *,
    start: date,
    end: date,
    cut_off: date,
    target: float | None = None,
    baseline: float | None = None,
    scope: str = "practice",
    sources: tuple[str, ...] = (),
    as_of_load: int | None = None,
    level: float = 0.95,
) -> Figure:
    """Return the figure of one row of a cube.

    A proportion's value is over the cases with an answer; with unknown cases its interval runs from the worst case's
    lower to the best case's upper limit over all due cases, and `details` keeps the limits among those answered. Raises
    an IndicatorError for an own estimate of the index over fewer than 30 patients.
    """
    asked = _Asked(definition, target, level)
    if definition.kind == "mean":
        values = _mean(asked, row)
    elif definition.kind == "standardised-ratio":
        values = _index(asked, row)
    elif definition.kind == "ratio":
        values = _against_agreed(asked, row)
    elif definition.kind == "mean-change":
        scale = float(f"1e-{instruments()[definition.instrument].decimals}")
        values = mean_change(row, target=target, improvement=definition.improvement, level=level, scale=scale)
    elif definition.paired:
        values = paired(row, target=target, improvement=definition.improvement, level=level)
    elif definition.kind == "rate-ratio":
        values = _rate(asked, row)
    else:
        values = _proportion(asked, row)
    return Figure(
        indicator=definition.id,
        version=definition.version,
        kind=definition.kind,
        unit=definition.count,
        start=start,
        end=end,
        cut_off=cut_off,
        scope=scope,
        group=row.group,
        target=target,
        baseline=baseline,
        evidence=row.evidence,
        sources=sources,
        as_of_load=as_of_load,
        **values,
    )


def figures(
    definition: Definition,
    rows: Sequence[CubeRow],
    *,
    start: date,
    end: date,
    cut_off: date,
    target: float | None = None,
    baseline: float | None = None,
    sources: tuple[str, ...] = (),
    as_of_load: int | None = None,
) -> tuple[Figure, ...]:
    """Return the figure of each row of a cube: see `figure`.

    A split has thousands of rows and few that differ; those that share their integers, as an engine's may, are divided
    once.
    """
    known: dict[tuple[int, ...], list[Any]] = {}
    found: list[Figure] = []
    for row in rows:
        shared = (id(row.counts), id(row.parts), id(row.evidence), id(row.histogram) if row.histogram else 0)
        values = known.get(shared)
        if values is None:
            one = figure(
                definition, row, start=start, end=end, cut_off=cut_off, target=target, baseline=baseline,
                sources=sources, as_of_load=as_of_load,
            )  # fmt: skip
            known[shared] = [*_VALUES(one)]
        else:
            values[_GROUP] = row.group
            one = Figure(*values)
        found.append(one)
    return tuple(found)


def _proportion(asked: _Asked, row: CubeRow) -> dict[str, Any]:
    c = row.counts
    due, answered, numerator, unknown = (c[name] for name in ("due", "answered", "numerator", "unknown"))
    value = numerator / answered if answered else None
    among = _answered_interval(c, asked.level)
    widest = _unknowns_interval(c, asked.level) if unknown else None
    details: dict[str, float] = {}
    if among is not None and widest is not None:
        details = {"answered-lower": among.lower, "answered-upper": among.upper}
        if among.design_effect is not None:
            details["answered-design-effect"] = among.design_effect
    return {
        **{name: c[name] for name in ("eligible", "due", "answered", "unknown", "censored", "excluded", "numerator")},
        "denominator": answered,
        "patients": c["patients_answered"],
        "numerator_patients": c["patients_numerator"],
        "complement_patients": c["patients_refuted"],
        "value": value,
        "interval": (widest or among) if answered else None,
        "bounds": (numerator / due, (numerator + unknown) / due) if unknown else None,
        "verdict": judge(
            value=value,
            interval=among,
            bounds_interval=widest,
            target=asked.target,
            improvement=asked.definition.improvement,
        ),
        "parts": {**row.parts, **({"no-agreement": c["no_agreement"]} if asked.definition.asks_partner else {})},
        "details": details,
    }


def _answered_interval(c: Mapping[str, int], level: float) -> Interval | None:
    n, y = c["answered"], c["numerator"]
    return clustered_wilson(
        n=n,
        y=y,
        patients=c["patients_answered"],
        sum_m2=c["answered_answered"],
        sum_ym=c["numerator_answered"],
        sum_y2=c["numerator_numerator"],
        patients_with_rarer=rarer(n, y, c["patients_numerator"], c["patients_refuted"]),
        level=level,
    )


def _unknowns_interval(c: Mapping[str, int], level: float) -> Interval | None:
    """Return the interval over all due cases: unknown counted against, and unknown counted for."""
    n = c["due"]
    worst_y, best_y = c["numerator"], c["numerator"] + c["unknown"]
    worst = clustered_wilson(
        n=n,
        y=worst_y,
        patients=c["patients_due"],
        sum_m2=c["due_due"],
        sum_ym=c["numerator_due"],
        sum_y2=c["numerator_numerator"],
        patients_with_rarer=rarer(n, worst_y, c["patients_numerator"], c["patients_doubtful"]),
        level=level,
    )
    best = clustered_wilson(
        n=n,
        y=best_y,
        patients=c["patients_due"],
        sum_m2=c["due_due"],
        sum_ym=c["possible_due"],
        sum_y2=c["possible_possible"],
        patients_with_rarer=rarer(n, best_y, c["patients_possible"], c["patients_refuted"]),
        level=level,
    )
    return unknowns_interval(worst=worst, best=best)


def _mean(asked: _Asked, row: CubeRow) -> dict[str, Any]:
    k, total = row.counts["patients"], row.counts["sum"]
    value = total / k if k else None
    interval = mean_interval(
        patients=k,
        sum_x=total,
        sum_m=k,
        sum_xx=row.counts["sum_squares"],
        sum_xm=total,
        sum_mm=k,
        least=0,
        level=asked.level,
    )
    found = {
        "median": histogram_quantile(row.histogram),
        "lower-quartile": histogram_quantile(row.histogram, 0.25),
        "upper-quartile": histogram_quantile(row.histogram, 0.75),
        "sd": histogram_sd(row.histogram),
    }
    return {
        **dict.fromkeys(("eligible", "due", "answered", "denominator", "patients"), k),
        "unknown": 0,
        "censored": 0,
        "excluded": row.counts["excluded"],
        "numerator": total,
        "value": value,
        "interval": interval,
        "verdict": judge(value=value, interval=interval, target=asked.target, improvement=asked.definition.improvement),
        "parts": _session_classes(row.histogram),
        "details": {name: number for name, number in found.items() if number is not None},
    }


def _session_classes(histogram: Mapping[int, int]) -> dict[str, int]:
    return {
        f"{low}-{'' if high is None else high}": sum(
            times for value, times in histogram.items() if value >= low and (high is None or value <= high)
        )
        for low, high in SESSION_CLASSES
    }


def _observed_expected(asked: _Asked, row: CubeRow, *, scale: int) -> Interval | None:
    """Return the limits of observed against expected, clustered by patient."""
    c = row.counts
    return ratio_interval(
        patients=c["patients_due"],
        sum_o=c["o"],
        sum_e=c["e"],
        sum_oo=c["oo"],
        sum_oe=c["oe"],
        sum_ee=c["ee"],
        scale=scale,
        level=asked.level,
    )


def _index(asked: _Asked, row: CubeRow) -> dict[str, Any]:
    c = row.counts
    if c["patients_due"] < LEAST_INDEX_PATIENTS:
        raise IndicatorError("indicators.reference-too-few", least=LEAST_INDEX_PATIENTS)
    value = 100_000 * c["o"] / c["e"]
    interval = _observed_expected(asked, row, scale=100_000)
    return {
        "eligible": c["eligible"],
        "due": c["due"],
        "answered": c["due"],
        "unknown": 0,
        "censored": 0,
        "excluded": c["excluded"],
        "numerator": c["o"],
        "denominator": c["due"],
        "patients": c["patients_due"],
        "value": value,
        "interval": interval,
        "verdict": judge(value=value, interval=interval, target=asked.target, improvement=asked.definition.improvement),
        "parts": row.parts,
        "details": {"observed": float(c["o"]), "expected": c["e"] / 1000},
    }


def _against_agreed(asked: _Asked, row: CubeRow) -> dict[str, Any]:
    """Set sessions against the agreed number: below 1 were saved, above 1 exceeded, and neither is an effect."""
    c, agreed = row.counts, row.counts["e"] // 1000
    interval = _observed_expected(asked, row, scale=1000)
    value = c["o"] / agreed if agreed else None
    return {
        "eligible": c["eligible"],
        "due": c["due"],
        "answered": c["due"],
        "unknown": 0,
        "censored": 0,
        "excluded": c["excluded"],
        "numerator": c["o"],
        "denominator": agreed,
        "patients": c["patients_due"],
        "value": value,
        "interval": interval,
        "verdict": judge(value=value, interval=interval, target=asked.target, improvement=asked.definition.improvement),
        "parts": row.parts,
        "details": {"saved": float(agreed - c["o"])},
    }


def _rate(asked: _Asked, row: CubeRow) -> dict[str, Any]:
    c = row.counts
    after, before = c["events_after"], c["events_before"]
    people_after, people_before = c["population_after"], c["population_before"]
    counted = before > 0 and people_after > 0 and people_before > 0
    value = (after * people_before) / (before * people_after) if counted else None
    interval = aggregate_rate_ratio(after, people_after, before, people_before, level=asked.level) if counted else None
    details = {
        "events-before": float(before),
        "events-after": float(after),
        "population-before": float(people_before),
        "population-after": float(people_after),
    }
    if counted:
        details |= {"rate-before": before / people_before, "rate-after": after / people_after}
    return {
        **{name: c[name] for name in ("eligible", "due", "answered", "unknown")},
        "censored": 0,
        "excluded": 0,
        "numerator": after,
        "denominator": before,
        "patients": people_after,
        "value": value,
        "interval": interval,
        "verdict": judge(
            value=value,
            interval=interval,
            target=asked.target,
            improvement=asked.definition.improvement,
            before_after=True,
        ),
        "details": details,
    }
