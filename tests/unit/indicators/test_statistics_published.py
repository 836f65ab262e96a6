"""Intervals against figures that others published: R's exactci and DescTools, by way of statsmodels' own tests.

The reference numbers of R stand, with the calls that gave them, in statsmodels 0.14, `test_rates_poisson.py` and
`results_rates.py` (BSD): DescTools::PoissonCI(15, 400) and exactci::poisson.exact(c(60, 30), c(51477.5, 54308.7)), the
first example of Gu et al. 2008, doi 10.1002/bimj.200710403.
"""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import scipy.stats

from exchange.indicators.statistics import (
    aggregate_rate_ratio,
    byar,
    exact_conditional_rate_ratio,
    exact_poisson,
    observed_expected,
    paired_rate_ratio,
    paired_sums,
    score_rate_ratio,
)


def test_exact_poisson_gives_the_limits_of_r_to_twelve_digits() -> None:
    # DescTools::PoissonCI(15, n = 400, method = "exact"); exactci::poisson.exact gives the same.
    found = exact_poisson(15, 400)
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((0.0209884653319583, 0.0618505471787146), rel=1e-12)


def test_byar_is_the_form_with_one_more_event_above_and_desctools_is_the_rounded_one() -> None:
    # DescTools::PoissonCI(15, n = 400, method = "byar") = 0.0219084369245707 to 0.0602933510943048 adds half an event
    # on both sides (Rothman & Boice 1979); ours is Breslow & Day's with o and o + 1, as PHEindicatormethods has it.
    found = byar(15, 400)
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((0.0209774, 0.0618512), abs=5e-6)
    half = 15.5
    theirs = [
        half / 400 * (1 - 1 / (9 * half) + z / (3 * half**0.5)) ** 3 for z in (-1.959963984540054, 1.959963984540054)
    ]
    assert theirs == pytest.approx((0.0219084369245707, 0.0602933510943048), rel=1e-10)
    assert found.lower < theirs[0] < theirs[1] < found.upper
    exact = exact_poisson(15, 400)
    assert exact is not None
    assert (found.lower, found.upper) == pytest.approx((exact.lower, exact.upper), rel=1e-3)


def test_exact_conditional_gives_the_limits_of_r() -> None:
    # exactci::poisson.exact(c(60, 30), c(51477.5, 54308.7), tsmethod = "central").
    found = exact_conditional_rate_ratio(60, 51477.5, 30, 54308.7)
    assert found is not None
    assert (found.lower, found.upper) == pytest.approx((1.339735721772650, 3.388365573616252), rel=1e-12)


@pytest.mark.parametrize("counts", [(60, 51477.5, 30, 54308.7), (41, 28010.0, 15, 19017.0), (30, 40.0, 12, 30.0)])
def test_score_gives_the_limits_of_statsmodels(counts: tuple[int, float, int, float]) -> None:
    rates = pytest.importorskip("statsmodels.stats.rates", reason="statsmodels is not here")
    found = score_rate_ratio(*counts)
    assert found is not None
    theirs = rates.confint_poisson_2indep(*counts, method="score", compare="ratio")
    assert (found.lower, found.upper) == pytest.approx(theirs, rel=1e-6)


def test_below_ten_events_the_exact_form_is_taken_and_from_ten_the_other() -> None:
    for observed, method in ((9, "exact-poisson"), (10, "byar")):
        found = observed_expected(observed, 10)
        assert found is not None
        assert found.method == method
    for pair, method in (
        ((9, 30), "exact-conditional"),
        ((30, 9), "exact-conditional"),
        ((10, 10), "score-conditional"),
    ):
        ratio = aggregate_rate_ratio(pair[0], 100, pair[1], 100)
        assert ratio is not None
        assert ratio.method == method


def test_the_referral_rate_of_a_published_design_falls_within_its_own_digits() -> None:
    # Albada 2023, BMC Primary Care: 15 % to 11 % in a year; of 1,000 patients on both sides the ratio is 11/15.
    found = aggregate_rate_ratio(110, 1000, 150, 1000)
    assert found is not None
    assert found.lower < Fraction(11, 15) < found.upper < 1


def test_the_paired_rate_ratio_has_the_variance_of_the_boot_package() -> None:
    # Populations of ten cities in 1920 and 1930 (Davison & Hinkley 1997, table 1.3), as people counted twice over the
    # same time. The manual of R's boot: var.linear(empinf(data = city, statistic = ratio)) is 0.03248701. Theirs is
    # by a numerical derivative and without k/(k-1), so their digits hold to four.
    before, after = (138, 93, 61, 179, 48, 37, 29, 23, 30, 2), (143, 104, 69, 260, 75, 63, 50, 48, 111, 50)
    found = paired_rate_ratio(paired_sums((y, x, 365, 365) for x, y in zip(before, after, strict=True)))
    assert found is not None
    ratio = (found.lower * found.upper) ** 0.5
    assert ratio == pytest.approx(973 / 640, rel=1e-12)
    error = math.log(found.upper / ratio) / scipy.stats.t.ppf(0.975, 9)
    assert (error * ratio) ** 2 * 9 / 10 == pytest.approx(0.03248701, rel=5e-5)
