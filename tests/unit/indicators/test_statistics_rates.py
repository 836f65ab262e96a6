"""Rates and rate ratios against published values and at their edges."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from exchange.indicators import rates
from exchange.indicators.quantiles import t_quantile

# Expected numbers, found by a root search, at which an observed count's exact limit is 100: PHEindicatormethods,
# tests/testthat/testdata_funnel_ratio_outputs.csv (upper of 95 %, lower of 95 %, upper of 99.8 %, lower of 99.8 %).
PHE = {
    1: (5.571644585, 0.025317898, 9.233410143, 0.001000547),
    2: (7.224687515, 0.242209467, 11.22886836, 0.04540199),
    5: (11.6683331, 1.623486324, 16.45474478, 0.739371928),
    9: (17.08479966, 4.11537405, 22.65737951, 2.452425215),
    10: (18.39035799, 4.795387629, 24.13397235, 2.960519925),
    30: (42.82687112, 20.24087434, 51.08312418, 15.86916711),
    100: (121.6268111, 81.36400699, 134.9243187, 71.92139974),
    716: (770.4222128, 664.5083011, 802.60414, 636.1521174),
}


@pytest.mark.parametrize("observed", PHE)
def test_exact_poisson_limits_are_those_of_the_published_funnel_table(observed: int) -> None:
    upper, lower, wide_upper, wide_lower = PHE[observed]
    found, wide = rates.exact_poisson(observed, 1), rates.exact_poisson(observed, 1, level=0.998)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), rel=1e-5, abs=1e-7)
    assert (wide.lower, wide.upper) == pytest.approx((wide_lower, wide_upper), rel=1e-5, abs=1e-7)
    assert (found.method, wide.level) == ("exact-poisson", 0.998)


def test_byar_gives_the_check_value_of_the_rules() -> None:
    found = rates.byar(465, 340, scale=100)
    assert (round(found.lower, 2), round(found.upper, 2)) == (124.61, 149.78)
    assert found.method == "byar"


@pytest.mark.parametrize("observed", [10, 25, 120])
def test_byar_is_within_a_percent_of_exact(observed: int) -> None:
    near, exact = rates.byar(observed, 7), rates.exact_poisson(observed, 7)
    assert near.lower == pytest.approx(exact.lower, rel=0.01)
    assert near.upper == pytest.approx(exact.upper, rel=0.01)


def test_no_events_have_a_lower_limit_of_zero() -> None:
    assert rates.byar(0, 5).lower == 0.0
    assert rates.exact_poisson(0, 5).lower == 0.0
    assert rates.exact_poisson(0, 5, scale=100).upper == pytest.approx(-100 * math.log(0.025) / 5)


def test_nothing_expected_has_no_interval() -> None:
    assert rates.byar(3, 0) is None
    assert rates.exact_poisson(3, 0) is None
    assert rates.observed_expected(3, 0) is None


def test_an_aggregate_is_exact_below_ten_and_byar_from_ten() -> None:
    assert rates.observed_expected(9, 5) == rates.exact_poisson(9, 5)
    assert rates.observed_expected(10, 5) == rates.byar(10, 5)


def test_exact_conditional_gives_the_value_of_r() -> None:
    # R's poisson.test(c(11, 6 + 8 + 7), c(800, 1083 + 1050 + 878)), from its manual page: 0.8584264 to 4.2772659.
    found = rates.exact_conditional_rate_ratio(11, 800, 21, 3011)
    assert (found.lower, found.upper) == pytest.approx((0.8584264, 4.2772659), abs=5e-7)
    assert found.method == "exact-conditional"


def test_score_gives_the_reference_value_of_statsmodels() -> None:
    # statsmodels 0.14 confint_poisson_2indep(41, 28010, 15, 19017, method="score", compare="ratio").
    found = rates.score_rate_ratio(41, 28010, 15, 19017)
    assert (found.lower, found.upper) == pytest.approx((1.0357847283316315, 3.3248609555430324), rel=1e-8)
    assert found.method == "score-conditional"


def test_score_limits_are_wilsons_odds() -> None:
    found = rates.score_rate_ratio(30, 2.0, 50, 3.0)
    wilson = stats.binomtest(30, 80).proportion_ci(method="wilson")
    assert found.lower == pytest.approx(wilson.low / (1 - wilson.low) * 1.5, rel=1e-10)
    assert found.upper == pytest.approx(wilson.high / (1 - wilson.high) * 1.5, rel=1e-10)
    assert rates.score_rate_ratio(0, 1.0, 50, 1.0).lower == 0.0


@pytest.mark.parametrize("function", [rates.exact_conditional_rate_ratio, rates.score_rate_ratio])
def test_a_ratio_to_no_events_or_no_time_has_no_interval(function) -> None:
    assert function(3, 10, 0, 10) is None
    assert function(3, 0, 4, 10) is None
    assert function(3, 10, 4, 0) is None


def test_no_events_after_keep_zero_as_the_lower_limit() -> None:
    found = rates.exact_conditional_rate_ratio(0, 10, 8, 10)
    assert found.lower == 0.0
    high = stats.binomtest(0, 8).proportion_ci(method="exact").high
    assert found.upper == pytest.approx(high / (1 - high), rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "method"), [(9, 40, "exact-conditional"), (40, 9, "exact-conditional"), (10, 10, "score-conditional")]
)
def test_aggregates_name_the_method_their_counts_allow(a: int, b: int, method: str) -> None:
    assert rates.aggregate_rate_ratio(a, 1000, b, 900).method == method


def rows():
    return [(i % 4, (i * 7) % 5 + 1, 365 - (i % 6) * 10, 365 - (i % 5) * 20) for i in range(40)]


def test_a_paired_ratio_is_that_of_a_poisson_model_clustered_by_patient() -> None:
    sums = rates.paired_sums(rows())
    found = rates.paired_rate_ratio(sums)
    # statsmodels 0.14, two rows a patient, offset log days, cov_type="cluster", corrected to k/(k-1).
    assert math.sqrt(found.lower * found.upper) == pytest.approx(0.4765395894428151, rel=1e-10)
    half = math.log(found.upper / found.lower) / 2
    assert half / t_quantile(0.975, 39) == pytest.approx(0.14700084079378944, rel=1e-10)
    assert found.method == "paired-rate-ratio"


def test_paired_sums_add_up_every_product() -> None:
    sums = rates.paired_sums([(1, 2, 3, 4), (5, 6, 7, 8)])
    assert sums == rates.PairedSums(2, 6, 8, 10, 12, 26, 32, 38, 44, 40, 48, 56, 58, 68, 80)


def test_a_paired_ratio_of_few_events_is_exact_and_says_so() -> None:
    few = rates.paired_sums([(1, 2, 365, 365)] * 9)
    assert rates.paired_rate_ratio(few) == rates.exact_conditional_rate_ratio(9, 3285, 18, 3285)
    assert rates.paired_rate_ratio(rates.paired_sums([(2, 1, 365, 365)] * 9)).method == "exact-conditional"
    assert (
        rates.paired_rate_ratio(rates.paired_sums([(2, 2, 365, 365)] * 4 + [(2, 3, 365, 365)])).method
        == "paired-rate-ratio"
    )


def test_a_paired_ratio_of_patients_who_changed_exactly_alike_has_no_interval() -> None:
    assert rates.paired_rate_ratio(rates.paired_sums([(2, 4, 365, 365)] * 10)) is None
    # However little they differ, it is something: a million events and one more.
    little = rates.paired_sums([(1000, 2000, 365, 365)] * 999 + [(1001, 2000, 365, 365)])
    found = rates.paired_rate_ratio(little)
    assert found is not None
    assert 0 < found.upper - found.lower < 1e-5


def test_a_paired_ratio_of_one_patient_or_no_time_has_no_interval() -> None:
    assert rates.paired_rate_ratio(rates.paired_sums([(20, 20, 365, 365)])) is None
    # A handful of events of one patient are no independent events either.
    assert rates.paired_rate_ratio(rates.paired_sums([(5, 8, 365, 365)])) is None
    assert rates.paired_rate_ratio(rates.paired_sums([(20, 20, 0, 365)] * 2)) is None
    assert rates.paired_rate_ratio(rates.paired_sums([(20, 20, 365, 0)] * 2)) is None
