"""Quantile functions of our own against scipy's, the referee."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from exchange.indicators import quantiles

LEVELS = (1e-6, 0.005, 0.025, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.975, 0.995, 1 - 1e-6)
SHAPES = (0.5, 1, 2, 3, 7, 29, 40, 299, 5000)


@pytest.mark.parametrize("p", LEVELS)
def test_t_and_chi_square_agree_with_scipy(p: float) -> None:
    for df in (1, 2, 3, 5, 10, 29, 30, 99, 299, 1000, 50_000):
        assert quantiles.t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-10, abs=1e-10)
        assert quantiles.chi_square_quantile(p, df) == pytest.approx(stats.chi2.ppf(p, df), rel=1e-10)
    assert quantiles.normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("p", LEVELS)
def test_beta_and_gamma_agree_with_scipy(p: float) -> None:
    for a in SHAPES:
        assert quantiles.gamma_quantile(p, a) == pytest.approx(stats.gamma.ppf(p, a), rel=1e-10)
        for b in (0.5, 1, 3, 40, 900):
            assert quantiles.beta_quantile(p, a, b) == pytest.approx(stats.beta.ppf(p, a, b), rel=1e-10)


@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 0.4, 2.5])
def test_distribution_functions_agree_with_scipy(x: float) -> None:
    assert quantiles.normal_cdf(x) == pytest.approx(stats.norm.cdf(x), rel=1e-12)
    for df in (1, 4, 60):
        assert quantiles.t_cdf(x, df) == pytest.approx(stats.t.cdf(x, df), rel=1e-10)
    for n, p in ((1, 0.5), (20, 0.1)):
        for y in range(-1, n + 1):
            assert quantiles.binomial_cdf(y, n, p) == pytest.approx(stats.binom.cdf(y, n, p), rel=1e-10)


def test_the_ends_of_a_distribution_are_exact() -> None:
    assert quantiles.gamma_cdf(-1.0, 2.0) == 0.0
    assert quantiles.beta_cdf(-0.1, 2.0, 3.0) == 0.0
    assert quantiles.beta_cdf(1.0, 2.0, 3.0) == 1.0
    assert quantiles.t_quantile(0.5, 7) == 0.0
    assert quantiles.t_quantile(0.2, 7) == -quantiles.t_quantile(0.8, 7)


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (0.5, 0), (math.nan, 3)])
def test_a_level_outside_zero_to_one_or_no_freedom_is_refused(p: float, df: float) -> None:
    for quantile in (quantiles.t_quantile, quantiles.gamma_quantile):
        with pytest.raises(ValueError, match=r"."):
            quantile(p, df)
