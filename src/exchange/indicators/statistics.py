"""Intervals that cluster by patient: proportions, ratios and means, and quantiles from a histogram.

Engines hand over integer sums of per-patient totals (a cube); every division and root happens here, once. A function
returns None where no interval exists: a zero denominator (rule 10: no score, never 0) or, for a ratio or mean,
a single patient or patients without any difference: from those nobody can tell how much patients vary, and limits
that coincide with the value would say that it is certain. The method ids are those of docs/statistics.md.

    clustered_wilson   proportions            ratio_interval    observed / expected
    mean_interval      means per unit         histogram_*       median, quantile, mean, standard deviation
    byar, exact_poisson, observed_expected, exact_conditional_rate_ratio, score_rate_ratio, aggregate_rate_ratio,
    paired_sums, paired_rate_ratio            (from rates.py)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from exchange.indicators.figure import Interval
from exchange.indicators.quantiles import chi_square_quantile, t_quantile
from exchange.indicators.rates import (
    PairedSums,
    aggregate_rate_ratio,
    byar,
    exact_conditional_rate_ratio,
    exact_poisson,
    observed_expected,
    paired_rate_ratio,
    paired_sums,
    score_rate_ratio,
)

__all__ = [
    "ClusterSums",
    "PairedSums",
    "aggregate_rate_ratio",
    "byar",
    "cluster_sums",
    "clustered_wilson",
    "design_effect",
    "exact_conditional_rate_ratio",
    "exact_poisson",
    "histogram_mean",
    "histogram_quantile",
    "histogram_sd",
    "mean_interval",
    "observed_expected",
    "paired_rate_ratio",
    "paired_sums",
    "rarer",
    "ratio_interval",
    "score_rate_ratio",
    "wilson",
]

# Under this number of patients with the rarer outcome the variance between patients can't be trusted to be small.
RARE_PATIENTS = 10


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Sums over patients of y_i and m_i (numerator and denominator units of patient i) and of their products."""

    patients: int
    n: int
    y: int
    sum_m2: int
    sum_ym: int
    sum_y2: int
    patients_with_rarer: int


def cluster_sums(rows: Iterable[tuple[int, int]]) -> ClusterSums:
    """Add up one (y_i, m_i) per patient, y_i of m_i units having the outcome; patients without units are left out."""
    kept = tuple((y, m) for y, m in rows if m > 0)
    n, y = sum(m for _, m in kept), sum(y for y, _ in kept)
    with_outcome, without = sum(1 for y, _ in kept if y > 0), sum(1 for y, m in kept if y < m)
    return ClusterSums(
        len(kept),
        n,
        y,
        sum(m * m for _, m in kept),
        sum(y * m for y, m in kept),
        sum(y * y for y, _ in kept),
        rarer(n, y, with_outcome, without),
    )


def rarer(n: int, y: int, with_outcome: int, without: int) -> int:
    """Return how many patients have the rarer of both outcomes; where both are as rare, the fewer."""
    if 2 * y == n:
        return min(with_outcome, without)
    return with_outcome if 2 * y < n else without


def wilson(n: float, p: float, z: float) -> tuple[float, float]:
    """Return Wilson's (1927) limits of a proportion `p` of an effective number `n`, for a quantile `z`."""
    square = z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    lower = 0.0 if p <= 0 else max(0.0, centre - half)
    upper = 1.0 if p >= 1 else min(1.0, centre + half)
    return lower, upper


def design_effect(
    *, n: int, y: int, patients: int, sum_m2: int, sum_ym: int, sum_y2: int, patients_with_rarer: int
) -> float:
    """Return how many times wider than simple the variance of y/n is, never below 1 (Kish 1965).

    With fewer than ten patients having the rarer outcome it is at least sum m_i^2 / n (Korn & Graubard 1998).
    """
    effect = 1.0
    if patients > 1 and 0 < y < n:
        squares = n * n * sum_y2 - 2 * y * n * sum_ym + y * y * sum_m2
        effect = max(effect, patients * squares / ((patients - 1) * n * y * (n - y)))
    if patients_with_rarer < RARE_PATIENTS:
        effect = max(effect, sum_m2 / n)
    return effect


def clustered_wilson(
    *,
    n: int,
    y: int,
    patients: int,
    sum_m2: int,
    sum_ym: int,
    sum_y2: int,
    patients_with_rarer: int,
    level: float = 0.95,
) -> Interval | None:
    """Return limits of the proportion y/n of units that cluster in patients. Method `wilson-clustered`.

    Wilson with n / design effect and the t quantile with k-1 degrees of freedom. 0 of n keeps 0 as its lower limit, n
    of n keeps 1 as its upper; one patient says nothing about others and gives 0 to 1; n = 0 gives None.
    """
    if n <= 0:
        return None
    if patients < 2:
        return Interval(0.0, 1.0, "wilson-clustered", level)
    effect = design_effect(
        n=n,
        y=y,
        patients=patients,
        sum_m2=sum_m2,
        sum_ym=sum_ym,
        sum_y2=sum_y2,
        patients_with_rarer=patients_with_rarer,
    )
    lower, upper = wilson(n / effect, y / n, t_quantile(0.5 + level / 2, patients - 1))
    return Interval(lower, upper, "wilson-clustered", level, design_effect=effect, degrees_of_freedom=patients - 1)


def ratio_interval(
    *,
    patients: int,
    sum_o: int,
    sum_e: int,
    sum_oo: int,
    sum_oe: int,
    sum_ee: int,
    scale: float = 100,
    level: float = 0.95,
) -> Interval | None:
    """Return limits of observed / expected x `scale`, clustered by patient. Method `ratio-clustered`.

    Theta x exp(+-t sqrt(V)/theta) with V = k/(k-1) sum (o_i - theta e_i)^2 / (sum e)^2 (Cochran 1977 ch. 6; the same
    as a Poisson model with offset log e and cluster-robust covariance). Expected sums in thousandths need only
    `scale` = 100 x 1000: the relative error does not depend on the unit. Nothing observed: 0 to the exact Poisson
    upper limit, named `exact-poisson`; nothing expected, one patient, or all exactly alike: None. The lower limit is
    safe; the upper is too low a little more often than stated up to about 100 patients.
    """
    if sum_e <= 0 or patients < 2:
        return None
    if sum_o == 0:
        upper = chi_square_quantile(0.5 + level / 2, 2) / 2
        return Interval(0.0, upper * scale / sum_e, "exact-poisson", level)
    theta = sum_o / sum_e
    squares = max(0, sum_e * sum_e * sum_oo - 2 * sum_o * sum_e * sum_oe + sum_o * sum_o * sum_ee)
    if squares == 0:
        return None
    relative = math.sqrt(patients * squares / (patients - 1)) / (sum_e * sum_o)
    half = t_quantile(0.5 + level / 2, patients - 1) * relative
    lower, upper = theta * math.exp(-half) * scale, theta * math.exp(half) * scale
    return Interval(lower, upper, "ratio-clustered", level, standard_error=relative, degrees_of_freedom=patients - 1)


def mean_interval(
    *,
    patients: int,
    sum_x: int,
    sum_m: int,
    sum_xx: int,
    sum_xm: int,
    sum_mm: int,
    scale: float = 1,
    least: float = -math.inf,
    level: float = 0.95,
) -> Interval | None:
    """Return limits of the mean sum x / sum m x `scale`, clustered by patient. Method `mean-clustered`.

    x_i is patient i's total over m_i units; mean +- t(k-1) sqrt(k/(k-1) sum (x_i - mean m_i)^2) / sum m. With one unit
    each it is Student's interval. Scores kept as integers with d decimals take `scale` = 10**-d. What can't be below
    zero has its lower limit at `least` = 0. Patients who are all alike give None.
    """
    if sum_m <= 0 or patients < 2:
        return None
    squares = max(0, sum_m * sum_m * sum_xx - 2 * sum_x * sum_m * sum_xm + sum_x * sum_x * sum_mm)
    if squares == 0:
        return None
    error = math.sqrt(patients * squares / (patients - 1)) / (sum_m * sum_m)
    half = t_quantile(0.5 + level / 2, patients - 1) * error
    mean = sum_x / sum_m
    lower, upper = max(least, (mean - half) * scale), (mean + half) * scale
    return Interval(
        lower, upper, "mean-clustered", level, standard_error=error * scale, degrees_of_freedom=patients - 1
    )


def histogram_quantile(histogram: Mapping[int, int], p: Fraction | float = Fraction(1, 2)) -> float | None:
    """Return the quantile of the values counted in a histogram, interpolated as R's type 7; the default is the median.

    None for an empty histogram. The position is a fraction, so that ties and halves come out exactly.
    """
    count = sum(histogram.values())
    if count <= 0:
        return None
    at = _exactly(p)
    rank, part = divmod((count - 1) * at.numerator, at.denominator)
    low = _at(histogram, rank)
    high = _at(histogram, rank + 1) if part else low
    # One division of whole numbers, which is rounded once.
    return (low * at.denominator + part * (high - low)) / at.denominator


@lru_cache
def _exactly(p: Fraction | float) -> Fraction:
    return Fraction(p).limit_denominator(10_000)


def histogram_mean(histogram: Mapping[int, int]) -> float | None:
    """Return the mean of the values counted in a histogram, None where it is empty."""
    count = sum(histogram.values())
    return sum(value * times for value, times in histogram.items()) / count if count > 0 else None


def histogram_sd(histogram: Mapping[int, int]) -> float | None:
    """Return the sample standard deviation (n - 1), None below two values."""
    count = sum(histogram.values())
    if count < 2:
        return None
    total = sum(value * times for value, times in histogram.items())
    squares = sum(value * value * times for value, times in histogram.items())
    return math.sqrt(Fraction(count * squares - total * total, count * (count - 1)))


def _at(histogram: Mapping[int, int], rank: int) -> int:
    """Return the value at a 0-based rank."""
    passed = 0
    for value, times in sorted(histogram.items()):
        passed += times
        if passed > rank:
            return value
    raise AssertionError(rank)
