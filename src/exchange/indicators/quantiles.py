"""Quantile functions of the normal, t, chi-square, gamma and beta distributions in plain Python, to about 1e-10.

The embedded path imports no scipy; scipy is the referee of the tests. The incomplete gamma and beta functions use
their series and continued fractions (NIST DLMF 8.11.4, 8.9.2 and 8.17.22), the inverses a bracketed Newton search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300
_EPSILON = 1e-16
_STEPS = 100_000
_NORMAL = NormalDist()


def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p; Wichura's algorithm AS241, as the standard library has it."""
    return _NORMAL.inv_cdf(p)


def normal_cdf(x: float) -> float:
    """Return P(Z <= x), accurate in the lower tail too."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@lru_cache(maxsize=1024)
def t_quantile(p: float, df: float) -> float:
    """Return t with P(T <= t) = p for Student's t with `df` > 0 degrees of freedom."""
    _require(p, df)
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1.0 - p, df)
    # P(T > t) = I_x(df/2, 1/2) / 2 with x = df / (df + t^2); the beta quantile of the complement keeps the digits of
    # both a small and a large t.
    x = beta_quantile(2.0 * (1.0 - p), df / 2.0, 0.5)
    complement = beta_quantile(2.0 * p - 1.0, 0.5, df / 2.0)
    return math.sqrt(df * complement / x)


def t_cdf(t: float, df: float) -> float:
    """Return P(T <= t) for Student's t."""
    tail = 0.5 * beta_cdf(df / (df + t * t), df / 2.0, 0.5)
    return tail if t < 0 else 1.0 - tail


def chi_square_quantile(p: float, df: float) -> float:
    """Return x with P(X <= x) = p for chi-square with `df` > 0 degrees of freedom."""
    return 2.0 * gamma_quantile(p, df / 2.0)


@lru_cache(maxsize=1024)
def gamma_quantile(p: float, shape: float) -> float:
    """Return x with P(X <= x) = p for the gamma distribution with this shape and scale 1."""
    _require(p, shape)
    upper = shape + 1.0
    while gamma_cdf(upper, shape) < p:
        upper *= 2.0
    return _invert(lambda x: gamma_cdf(x, shape), lambda x: _gamma_density(x, shape), p, 0.0, upper)


def gamma_cdf(x: float, shape: float) -> float:
    """Return the regularised lower incomplete gamma function P(shape, x)."""
    if x <= 0.0:
        return 0.0
    if x < shape + 1.0:
        return min(1.0, _gamma_density(x, shape) * x * _gamma_series(x, shape))
    return 1.0 - _gamma_density(x, shape) * x * _gamma_fraction(x, shape)


@lru_cache(maxsize=4096)
def beta_quantile(p: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = p."""
    _require(p, min(a, b))
    if p > 0.5 and beta_cdf(0.5, a, b) < p:
        # Near 1 the digits are kept by searching the complement.
        return 1.0 - _invert(lambda x: beta_cdf(x, b, a), lambda x: _beta_density(x, b, a), 1.0 - p, 0.0, 0.5)
    return _invert(lambda x: beta_cdf(x, a, b), lambda x: _beta_density(x, a, b), p, 0.0, 1.0)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x),
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(x, a, b) / a
    return 1.0 - front * _beta_fraction(1.0 - x, b, a) / b


def binomial_cdf(y: int, n: int, p: float) -> float:
    """Return P(Y <= y) for a binomial count."""
    if y < 0:
        return 0.0
    return 1.0 if y >= n else beta_cdf(1.0 - p, n - y, y + 1.0)


def _require(p: float, positive: float) -> None:
    if not (0.0 < p < 1.0 and positive > 0.0):
        raise ValueError(p, positive)


def _invert(
    cdf: Callable[[float], float], density: Callable[[float], float], p: float, low: float, high: float
) -> float:
    """Solve cdf(x) = p between `low` and `high` by Newton's step, or by halving where it would leave the bracket."""
    x = 0.5 * (low + high)
    for _ in range(400):
        gap = cdf(x) - p
        if gap > 0.0:
            high = x
        else:
            low = x
        slope = density(x)
        step = x - gap / slope if slope > _TINY else math.nan
        # Below a thousandth of the bracket's top, halve on a logarithmic scale: tail quantiles span many decades.
        middle = math.sqrt(low * high) if low > 0.0 else 0.5 * (low + high) if high > 1e-3 else high * 1e-3
        following = step if low < step < high else middle
        if following == x or abs(following - x) <= 4e-16 * abs(x):
            return following
        x = following
    return x


def _gamma_density(x: float, shape: float) -> float:
    return math.exp((shape - 1.0) * math.log(x) - x - math.lgamma(shape))


def _beta_density(x: float, a: float, b: float) -> float:
    if not 0.0 < x < 1.0:
        return 0.0
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp((a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x) - log_beta)


def _gamma_series(x: float, shape: float) -> float:
    term = total = 1.0 / shape
    for step in range(1, _STEPS):
        term *= x / (shape + step)
        total += term
        if term < total * _EPSILON:
            break
    return total


def _gamma_fraction(x: float, shape: float) -> float:
    b = x + 1.0 - shape
    c = 1.0 / _TINY
    d = 1.0 / b
    result = d
    for step in range(1, _STEPS):
        factor = -step * (step - shape)
        b += 2.0
        d = 1.0 / _away_from_zero(factor * d + b)
        c = _away_from_zero(b + factor / c)
        result *= d * c
        if abs(d * c - 1.0) < 4 * _EPSILON:
            break
    return result


def _beta_fraction(x: float, a: float, b: float) -> float:
    c = 1.0
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for factor in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + factor * d)
            c = _away_from_zero(1.0 + factor / c)
            result *= d * c
        if abs(d * c - 1.0) < 4 * _EPSILON:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
