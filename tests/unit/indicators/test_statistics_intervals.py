"""Intervals that cluster by patient, against published values, against simpler methods and at their edges."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from exchange.indicators import statistics
from exchange.indicators.figure import Interval
from exchange.indicators.quantiles import t_quantile
from exchange.indicators.statistics import cluster_sums, clustered_wilson, mean_interval, ratio_interval

ONES = {"sum_m2": 1, "sum_ym": 1, "sum_y2": 1}


def proportion(rows, level=0.95):
    s = cluster_sums(rows)
    return clustered_wilson(
        n=s.n,
        y=s.y,
        patients=s.patients,
        sum_m2=s.sum_m2,
        sum_ym=s.sum_ym,
        sum_y2=s.sum_y2,
        patients_with_rarer=s.patients_with_rarer,
        level=level,
    )


def product(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def ratio(o, e, **more):
    return ratio_interval(
        patients=len(o),
        sum_o=sum(o),
        sum_e=sum(e),
        sum_oo=product(o, o),
        sum_oe=product(o, e),
        sum_ee=product(e, e),
        **more,
    )


def mean(x, m, **more):
    return mean_interval(
        patients=len(x),
        sum_x=sum(x),
        sum_m=sum(m),
        sum_xx=product(x, x),
        sum_xm=product(x, m),
        sum_mm=product(m, m),
        **more,
    )


def test_observed_over_expected_gives_the_check_value_of_the_rules() -> None:
    o = list(range(1, 31))
    e = [14 if x % 3 == 1 else 10 for x in o]
    found = ratio(o, e)
    assert (round(found.lower, 2), round(found.upper, 2)) == (109.08, 171.48)
    assert (found.method, found.level) == ("ratio-clustered", 0.95)
    # statsmodels 0.14, Poisson GLM with offset log e, cov_type="cluster": standard error of the log ratio.
    half = math.log(found.upper / found.lower) / 2
    assert half / t_quantile(0.975, 29) == pytest.approx(0.110592430298971, rel=1e-12)


def test_expected_numbers_in_thousandths_give_the_same_limits() -> None:
    o, e = [4, 9, 12, 3, 7], [5, 8, 11, 6, 5]
    plain, fine = ratio(o, e), ratio(o, [1000 * x for x in e], scale=100_000)
    assert fine.lower == pytest.approx(plain.lower, rel=1e-14)
    assert fine.upper == pytest.approx(plain.upper, rel=1e-14)


def test_a_ratio_without_expected_or_with_one_patient_has_no_interval() -> None:
    assert ratio([3, 4], [0, 0]) is None
    assert ratio([3], [4]) is None


def test_nothing_observed_runs_from_zero_to_the_exact_poisson_limit() -> None:
    found = ratio([0, 0, 0], [1, 2, 1], scale=1)
    assert found.lower == 0.0
    assert found.upper == pytest.approx(-math.log(0.025) / 4, rel=1e-12)
    assert found.method == "exact-poisson"


def test_patients_who_are_all_alike_give_no_interval_rather_than_one_without_width() -> None:
    # Limits that coincide with the value would call two patients certain, and their target met.
    assert ratio([2, 4, 6], [1, 2, 3]) is None
    assert mean([4, 4], [1, 1]) is None
    assert mean([4] * 35, [1] * 35) is None
    assert mean([4, 5], [1, 1]) is not None


def test_the_limit_of_what_cannot_be_below_zero_stays_at_zero() -> None:
    skew, ones = [200, *[4] * 10], [1] * 11
    assert mean(skew, ones).lower < 0
    assert mean(skew, ones, least=0).lower == 0
    assert mean(skew, ones, least=0).upper == mean(skew, ones).upper


def test_one_unit_per_patient_is_wilson_with_a_t_quantile() -> None:
    rows = [(1, 1)] * 17 + [(0, 1)] * 43
    found = proportion(rows)
    effect = 60 / 59
    p, n, t = 17 / 60, 60 / effect, t_quantile(0.975, 59)
    centre = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t / (1 + t * t / n) * math.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    assert found.lower == pytest.approx(centre - half, rel=1e-12)
    assert found.upper == pytest.approx(centre + half, rel=1e-12)
    assert found.method == "wilson-clustered"


def test_plain_wilson_gives_the_published_values() -> None:
    # Newcombe 1998 (doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E), table I, method 3.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (y, n), limits in published.items():
        found = statistics.wilson(n, y / n, 1.959963984540054)
        assert found == pytest.approx(limits, abs=5e-5)


def test_patients_with_many_alike_episodes_widen_the_interval() -> None:
    apart = proportion([(i % 2, 1) for i in range(200)])
    together = proportion([(10 * (i % 2), 10) for i in range(20)])
    assert together.upper - together.lower > 3 * (apart.upper - apart.lower)


def test_the_design_effect_is_the_ratio_of_the_clustered_to_the_simple_variance() -> None:
    rows = [(3, 5), (0, 2), (2, 2), (1, 4), (4, 4)] * 5
    s = cluster_sums(rows)
    p = s.y / s.n
    variance = 25 / 24 * sum((y - p * m) ** 2 for y, m in rows) / s.n**2
    found = statistics.design_effect(
        n=s.n, y=s.y, patients=25, sum_m2=s.sum_m2, sum_ym=s.sum_ym, sum_y2=s.sum_y2, patients_with_rarer=15
    )
    assert found == pytest.approx(variance / (p * (1 - p) / s.n), rel=1e-12)


def test_few_patients_with_the_rarer_outcome_count_as_wholly_alike() -> None:
    rows = [(1, 3)] * 9 + [(0, 3)] * 40
    s = cluster_sums(rows)
    assert s.patients_with_rarer == 9
    kwargs = {"n": s.n, "y": s.y, "patients": 49, "sum_m2": s.sum_m2, "sum_ym": s.sum_ym, "sum_y2": s.sum_y2}
    assert statistics.design_effect(**kwargs, patients_with_rarer=9) == 3.0
    assert statistics.design_effect(**kwargs, patients_with_rarer=10) < 1.1


def test_where_both_outcomes_are_as_rare_the_fewer_patients_count() -> None:
    one_against_many = [(20, 20), *[(0, 1)] * 20]
    assert cluster_sums(one_against_many).patients_with_rarer == 1
    assert cluster_sums([(m - y, m) for y, m in one_against_many]).patients_with_rarer == 1


def test_the_rarer_outcome_may_be_the_complement() -> None:
    assert cluster_sums([(1, 1), (1, 2), (2, 2), (0, 0)]).patients_with_rarer == 1
    assert cluster_sums([(0, 1), (1, 2), (0, 2)]).patients_with_rarer == 1


@pytest.mark.parametrize(("rows", "edge"), [([(0, 2)] * 12, "lower"), ([(2, 2)] * 12, "upper")])
def test_none_and_all_keep_their_own_limit(rows, edge) -> None:
    found = proportion(rows)
    assert getattr(found, edge) == (0.0 if edge == "lower" else 1.0)
    # Twelve patients, not twenty-four episodes.
    assert found.upper - found.lower == pytest.approx(statistics.wilson(12, 0.0, t_quantile(0.975, 11))[1], rel=1e-12)


def test_one_patient_tells_nothing_and_nobody_has_no_interval() -> None:
    assert proportion([(2, 5)]) == Interval(0.0, 1.0, "wilson-clustered", 0.95)
    assert proportion([]) is None


def test_a_mean_with_one_unit_per_patient_is_students() -> None:
    x = [4, 7, 1, 9, 12, 6, 6]
    found = mean(x, [1] * 7, level=0.9)
    reference = stats.t.interval(0.9, 6, loc=sum(x) / 7, scale=stats.sem(x))
    assert (found.lower, found.upper) == pytest.approx(reference, rel=1e-12)
    assert (found.method, found.level) == ("mean-clustered", 0.9)


def test_a_mean_keeps_the_decimals_of_its_scores() -> None:
    found, whole = mean([43, 71, 12], [1, 1, 1], scale=0.1), mean([43, 71, 12], [1, 1, 1])
    assert (found.lower, found.upper) == pytest.approx((whole.lower / 10, whole.upper / 10))


def test_a_mean_of_patients_with_several_episodes_is_the_ratio_estimator() -> None:
    x, m = [4, 15, 8, 30], [1, 2, 1, 3]
    found = mean(x, m)
    mu = sum(x) / sum(m)
    error = math.sqrt(4 / 3 * sum((a - mu * b) ** 2 for a, b in zip(x, m, strict=True))) / sum(m)
    assert found.upper == pytest.approx(mu + t_quantile(0.975, 3) * error, rel=1e-12)
    assert found.lower == pytest.approx(mu - t_quantile(0.975, 3) * error, rel=1e-12)


def test_a_mean_of_nobody_or_one_has_no_interval() -> None:
    assert mean([], []) is None
    assert mean([5], [1]) is None
    assert mean([5, 1], [0, 0]) is None


def test_histogram_quantiles_interpolate_as_type_seven() -> None:
    histogram = {1: 2, 4: 1, 10: 1}
    assert statistics.histogram_quantile(histogram) == 2.5
    assert statistics.histogram_quantile(histogram, Fraction(1, 4)) == 1.0
    assert statistics.histogram_quantile(histogram, 0.9) == pytest.approx(8.2)
    assert statistics.histogram_quantile(histogram, 1) == 10.0
    assert statistics.histogram_quantile({}, 0.5) is None
    assert statistics.histogram_quantile({7: 0, 3: 1}) == 3.0


def test_histogram_mean_and_deviation() -> None:
    assert statistics.histogram_mean({1: 2, 4: 1, 10: 1}) == 4.0
    assert statistics.histogram_sd({1: 2, 4: 1, 10: 1}) == pytest.approx(stats.tstd([1, 1, 4, 10]), rel=1e-12)
    assert statistics.histogram_mean({}) is None
    assert statistics.histogram_sd({5: 1}) is None
    assert statistics.histogram_sd({5: 2}) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.sampled_from((0.25, 0.5, 0.75, 0.1)))
def test_histogram_quantiles_agree_with_the_values_they_count(values, p) -> None:
    histogram = {value: values.count(value) for value in values}
    expected = stats.mstats.mquantiles(values, [p], alphap=1, betap=1)[0]
    assert statistics.histogram_quantile(histogram, p) == pytest.approx(float(expected), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 6).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m))), min_size=2, max_size=40))
def test_a_proportions_interval_holds_its_value_and_stays_within_zero_and_one(rows) -> None:
    found = proportion(rows)
    p = sum(y for y, _ in rows) / sum(m for _, m in rows)
    assert 0.0 <= found.lower <= p + 1e-12
    assert p - 1e-12 <= found.upper <= 1.0
    mirrored = proportion([(m - y, m) for y, m in rows])
    if 2 * sum(y for y, _ in rows) != sum(m for _, m in rows):
        assert mirrored.lower == pytest.approx(1 - found.upper, abs=1e-9)
