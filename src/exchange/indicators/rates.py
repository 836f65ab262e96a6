"""Intervals of rates and rate ratios: Byar, exact Poisson, exact conditional, score and paired by patient.

Every function returns None where no interval exists: a zero denominator, a single patient, or patients all alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from exchange.indicators.figure import Interval
from exchange.indicators.quantiles import beta_quantile, chi_square_quantile, normal_quantile, t_quantile

# Under this count the exact method is taken (indicators.md, rule 2; the same turn as PHEindicatormethods).
EXACT_BELOW = 10


def byar(observed: int, expected: float, *, scale: float = 1, level: float = 0.95) -> Interval | None:
    """Return Byar's limits of observed / expected x `scale` (Breslow & Day 1987, p. 69), for independent events.

    Method `byar`. It assumes that events do not cluster; for sessions of patients use `statistics.ratio_interval`.
    """
    if expected <= 0:
        return None
    z = normal_quantile(0.5 + level / 2)
    lower = 0.0
    if observed > 0:
        lower = observed * (1 - 1 / (9 * observed) - z / (3 * math.sqrt(observed))) ** 3
    above = observed + 1
    upper = above * (1 - 1 / (9 * above) + z / (3 * math.sqrt(above))) ** 3
    return Interval(max(0.0, lower) * scale / expected, upper * scale / expected, "byar", level)


def exact_poisson(observed: int, expected: float, *, scale: float = 1, level: float = 0.95) -> Interval | None:
    """Return Garwood's (1936) exact limits of observed / expected x `scale`. Method `exact-poisson`."""
    if expected <= 0:
        return None
    tail = (1 - level) / 2
    lower = chi_square_quantile(tail, 2 * observed) / 2 if observed > 0 else 0.0
    upper = chi_square_quantile(1 - tail, 2 * observed + 2) / 2
    return Interval(lower * scale / expected, upper * scale / expected, "exact-poisson", level)


def observed_expected(observed: int, expected: float, *, scale: float = 1, level: float = 0.95) -> Interval | None:
    """Return limits for an aggregate without patients: exact below ten events, Byar above; the method says which."""
    chosen = exact_poisson if observed < EXACT_BELOW else byar
    return chosen(observed, expected, scale=scale, level=level)


def exact_conditional_rate_ratio(
    a: int, time_a: float, b: int, time_b: float, *, level: float = 0.95
) -> Interval | None:
    """Return exact limits of (a / time_a) / (b / time_b) given a + b (Clopper & Pearson 1934, as R's poisson.test).

    Method `exact-conditional`. None where b is zero: the ratio has no upper limit and no score.
    """
    if b <= 0 or time_a <= 0 or time_b <= 0:
        return None
    tail = (1 - level) / 2
    low = beta_quantile(tail, a, b + 1) if a > 0 else 0.0
    high = beta_quantile(1 - tail, a + 1, b)
    factor = time_b / time_a
    return Interval(low / (1 - low) * factor, high / (1 - high) * factor, "exact-conditional", level)


def score_rate_ratio(a: int, time_a: float, b: int, time_b: float, *, level: float = 0.95) -> Interval | None:
    """Return score limits of (a / time_a) / (b / time_b): Wilson's given a + b (Price & Bonett 2000).

    Method `score-conditional`.
    """
    if b <= 0 or time_a <= 0 or time_b <= 0:
        return None
    z = normal_quantile(0.5 + level / 2)
    # The odds of Wilson's limits in closed form, so that a small b loses no digits.
    root = z * math.sqrt(a * b + z * z * (a + b) / 4)
    middle = a * b + z * z * (a + b) / 2
    factor = time_b / time_a / (b * b)
    lower = max(0.0, middle - root * math.sqrt(a + b)) if a > 0 else 0.0
    return Interval(lower * factor, (middle + root * math.sqrt(a + b)) * factor, "score-conditional", level)


def aggregate_rate_ratio(
    a: int, population_a: float, b: int, population_b: float, *, level: float = 0.95
) -> Interval | None:
    """Return limits of (a / population_a) / (b / population_b) for counts without patients (a is after, b before).

    Exact conditional where either count is below ten, else score. Neither knows that one patient may count
    more than once: the interval is too narrow where that is common, and the figure must say "aggregate".
    """
    chosen = exact_conditional_rate_ratio if min(a, b) < EXACT_BELOW else score_rate_ratio
    return chosen(a, population_a, b, population_b, level=level)


@dataclass(frozen=True, slots=True)
class PairedSums:
    """Sums over patients of events after (a) and before (b), their person-time (u, v), and of every product.

    Person-time is in whole units (days), so that an engine can add these up as integers.
    """

    patients: int
    a: int
    b: int
    u: int
    v: int
    aa: int
    ab: int
    au: int
    av: int
    bb: int
    bu: int
    bv: int
    uu: int
    uv: int
    vv: int


def paired_sums(rows: Iterable[tuple[int, int, int, int]]) -> PairedSums:
    """Add up one row per patient: events after, events before, person-time after, person-time before."""
    kept = tuple(rows)
    a, b, u, v = (sum(row[i] for row in kept) for i in range(4))
    products = tuple(sum(row[i] * row[j] for row in kept) for i in range(4) for j in range(i, 4))
    aa, ab, au, av, bb, bu, bv, uu, uv, vv = products
    return PairedSums(len(kept), a, b, u, v, aa, ab, au, av, bb, bu, bv, uu, uv, vv)


def paired_rate_ratio(sums: PairedSums, *, level: float = 0.95) -> Interval | None:
    """Return limits of (A/U) / (B/V), the rate after against the rate before in the same patients.

    Method `paired-rate-ratio`: with d_i = (a_i/A - u_i/U) - (b_i/B - v_i/V), log limits t(k-1) sqrt(k/(k-1) sum d_i^2)
    (linearised ratio of ratios, Cochran 1977 ch. 6). Below ten events on either side: `exact-conditional`, which
    ignores the pairing. One patient, or patients who all changed exactly alike, give None. Before the call the starting
    referral, the treatment and the 90 days before the start are left out. It is descriptive: after a run of contacts
    the ratio falls below 1 without any effect.
    """
    s = sums
    if s.patients < 2 or s.u <= 0 or s.v <= 0:
        return None
    if min(s.a, s.b) < EXACT_BELOW:
        return exact_conditional_rate_ratio(s.a, s.u, s.b, s.v, level=level)
    squares = _squares(s)
    if squares == 0:
        return None
    k, ratio = s.patients, (s.a / s.u) / (s.b / s.v)
    error = math.sqrt(Fraction(k, k - 1) * squares)
    half = t_quantile(0.5 + level / 2, k - 1) * error
    lower, upper = ratio * math.exp(-half), ratio * math.exp(half)
    return Interval(lower, upper, "paired-rate-ratio", level, standard_error=error, degrees_of_freedom=k - 1)


def _squares(s: PairedSums) -> Fraction:
    """Return the sum over patients of d_i squared, exactly: only then is nothing different from very little."""
    a, b, u, v = (Fraction(each) for each in (s.a, s.b, s.u, s.v))
    own = s.aa / a**2 + s.uu / u**2 + s.bb / b**2 + s.vv / v**2
    crossed = -s.au / (a * u) - s.ab / (a * b) + s.av / (a * v) + s.bu / (b * u) - s.uv / (u * v) - s.bv / (b * v)
    return own + 2 * crossed
