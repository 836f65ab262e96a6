"""The figures of episodes that are compared with themselves: rates before and after, and the mean change of a score.

Both are before and after: they regress to the mean and are never "met" (rule 3). With unknown cases they are not "not
met" either: what those would have been has no bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.indicators.cube import CubeRow
from exchange.indicators.figure import Interval, Verdict
from exchange.indicators.judging import judge
from exchange.indicators.statistics import PairedSums, mean_interval, paired_rate_ratio

_COUNTS = ("eligible", "due", "answered", "unknown", "excluded")


def paired(row: CubeRow, *, target: float | None, improvement: str, level: float = 0.95) -> dict[str, Any]:
    """Return the rate after against the rate before in the same patients, per day; None without an event before."""
    c = row.counts
    a, b, u, v = (c[name] for name in "abuv")
    value = (a * v) / (b * u) if b and u and v else None
    interval = None if value is None else paired_rate_ratio(_sums(c), level=level)
    details = {"days-before": float(v), "days-after": float(u)}
    if u and v:
        details |= {"per-year-before": 365.25 * b / v, "per-year-after": 365.25 * a / u}
    return {
        **{name: c[name] for name in _COUNTS},
        "censored": c["censored"],
        "numerator": a,
        "denominator": b,
        "patients": c["patients_answered"],
        "numerator_patients": c["patients_a"],
        "complement_patients": c["patients_b"],
        "value": value,
        "interval": interval,
        "verdict": _verdict(value, interval, c["unknown"], target, improvement),
        "parts": {**row.parts, "no-agreement": c["no_agreement"]},
        "details": details,
    }


def _sums(c: Mapping[str, int]) -> PairedSums:
    a, b, u, v = (c[name] for name in "abuv")
    products = (c[left + right] for i, left in enumerate("abuv") for right in "abuv"[i:])
    return PairedSums(c["patients_answered"], a, b, u, v, *products)


def mean_change(
    row: CubeRow, *, target: float | None, improvement: str, level: float = 0.95, scale: float = 1
) -> dict[str, Any]:
    """Return the mean gain per episode in the good direction; `scale` is that of the instrument's whole numbers."""
    c = row.counts
    answered = c["answered"]
    value = c["gain"] * scale / answered if answered else None
    interval = mean_interval(
        patients=c["patients_answered"],
        sum_x=c["gain"],
        sum_m=answered,
        sum_xx=c["gain_gain"],
        sum_xm=c["gain_answered"],
        sum_mm=c["answered_answered"],
        scale=scale,
        level=level,
    )
    return {
        **{name: c[name] for name in _COUNTS},
        "censored": 0,
        "denominator": answered,
        "patients": c["patients_answered"],
        "value": value,
        "interval": interval,
        "verdict": _verdict(value, interval, c["unknown"], target, improvement),
        "parts": row.parts,
    }


def _verdict(
    value: float | None, interval: Interval | None, unknown: int, target: float | None, improvement: str
) -> Verdict | None:
    known = None if unknown else interval
    return judge(value=value, interval=known, target=target, improvement=improvement, before_after=True)
