"""Charts over time: limits against published ones, signals, and the charts that are refused."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from exchange.errors import IndicatorError
from exchange.indicators.charts_over_time import Point, Rebase, laney_p, laney_u, refusals, xmr

FIRST = date(2025, 1, 1)
LATE = date(2030, 1, 1)
# R 4: set.seed(123); rnorm(20), the series of NHSRplotthedots' own snapshot tests.
SERIES = [
    -0.56047565, -0.23017749, 1.55870831, 0.07050839, 0.12928774, 1.71506499, 0.46091621, -1.26506123, -0.68685285,
    -0.44566197, 1.22408180, 0.35981383, 0.40077145, 0.11068272, -0.55584113, 1.78691314, 0.49785048, -1.96661716,
    0.70135590, -0.47279141,
]  # fmt: skip


def points(values, sizes=None, days=30):
    sizes = sizes or [1.0] * len(values)
    starts = [FIRST + timedelta(days=days * i) for i in range(len(values))]
    return [Point(a, a + timedelta(days=days), v, s) for a, v, s in zip(starts, values, sizes, strict=True)]


def signals(values):
    return {i: point.signals for i, point in enumerate(xmr(points(values), cut_off=LATE)) if point.signals}


def test_xmr_limits_are_those_of_nhsrplotthedots() -> None:
    drawn = xmr(points(SERIES), cut_off=LATE)
    assert round(drawn[0].centre, 3) == 0.142
    assert (round(drawn[0].lower, 2), round(drawn[0].upper, 2)) == (-3.01, 3.29)
    assert all(point.signals == () for point in drawn)


def test_a_wild_moving_range_is_screened_from_the_limits() -> None:
    values = [*SERIES[:14], 10.0, *SERIES[15:]]
    screened = xmr(points(values), cut_off=LATE)
    plain = xmr(points(values), cut_off=LATE, screen=False)
    assert plain[0].upper - plain[0].lower > screened[0].upper - screened[0].lower
    assert screened[14].signals[0] == "outside"


def test_equal_values_have_limits_without_width_and_no_signal() -> None:
    drawn = xmr(points([0.1] * 12), cut_off=LATE)
    assert drawn[0].lower == pytest.approx(drawn[0].upper)
    assert all(point.signals == () for point in drawn)


def test_a_shift_is_seven_on_one_side_and_six_are_none() -> None:
    noise = [1.0, -1.0]
    assert not any("shift" in found for found in signals((noise * 7)[:14]).values())
    shifted = [-1.0, 1.2, -1.4, 1.0, -1.2, -1.0, 0.4, 1.0, 0.6, 1.2, 0.5, 1.1, 0.7, -1.3, -4.0, -1.0, -1.2]
    assert {i for i, found in signals(shifted).items() if "shift" in found} == set(range(6, 13))


def test_a_trend_is_seven_in_one_direction_up_or_down() -> None:
    wave = [5, 1, 5, 1, 5, 0, 1, 2, 3, 4, 5, 6, 1, 5, 1, 5]
    up = {i for i, found in signals([float(x) for x in wave]).items() if "trend" in found}
    down = {i for i, found in signals([float(-x) for x in wave]).items() if "trend" in found}
    assert up == down == set(range(5, 12))


def test_two_of_three_near_a_limit_count_on_one_side_only() -> None:
    calm = [1.0, -1.0] * 8
    one_side, two_sides = [*calm[:14], 5.5, 5.5], [*calm[:14], 5.5, -5.5]
    assert any("two-of-three" in found for found in signals(one_side).values())
    assert not any("two-of-three" in found for found in signals(two_sides).values())


def test_a_new_baseline_has_its_own_limits() -> None:
    values = [1.0, 2.0] * 6 + [11.0, 12.0] * 6
    series = points(values)
    drawn = xmr(series, cut_off=LATE, rebases=[Rebase(series[12].start, "nieuwe werkwijze")])
    assert (drawn[0].centre, drawn[12].centre) == (1.5, 11.5)
    assert drawn[11].upper == pytest.approx(1.5 + 3 / 1.128)


def test_laney_p_narrows_with_size_and_widens_with_variation_between_points() -> None:
    sizes = [400, 100] * 6
    rates = [0.5, 0.6, 0.4, 0.7, 0.3, 0.6, 0.5, 0.4, 0.6, 0.5, 0.7, 0.4]
    drawn = laney_p(points([r * n for r, n in zip(rates, sizes, strict=True)], sizes), cut_off=LATE)
    centre = sum(r * n for r, n in zip(rates, sizes, strict=True)) / sum(sizes)
    within = [(centre * (1 - centre) / n) ** 0.5 for n in sizes]
    z = [(r - centre) / s for r, s in zip(rates, within, strict=True)]
    between = sum(abs(b - a) for a, b in pairwise(z)) / 11 / 1.128
    assert drawn[0].upper == pytest.approx(min(1.0, centre + 3 * within[0] * between))
    assert drawn[0].lower == pytest.approx(max(0.0, centre - 3 * within[0] * between))
    assert drawn[0].value == 0.5
    assert between > 1


def test_laney_limits_stay_where_a_proportion_or_rate_can_be() -> None:
    values, sizes = [0, 10, 1, 10, 0, 9, 1, 10, 0, 10, 0, 10], [10] * 12
    proportions = laney_p(points(values, sizes), cut_off=LATE)
    assert (proportions[0].lower, proportions[0].upper) == (0.0, 1.0)
    counts = laney_u(points(values, sizes), cut_off=LATE)
    assert counts[0].lower == 0.0
    assert counts[0].upper > 1.0


@pytest.mark.parametrize("value", [0, 10])
def test_laney_of_none_or_all_has_no_width(value) -> None:
    drawn = laney_p(points([value] * 12, [10] * 12), cut_off=LATE)
    assert {(point.lower, point.upper) for point in drawn} == {(value / 10, value / 10)}


def test_laney_u_uses_the_poisson_variance() -> None:
    drawn = laney_u(points([4, 8] * 6, [2] * 12), cut_off=LATE)
    sigma = (3 / 2) ** 0.5
    assert drawn[0].upper == pytest.approx(3 + 3 * sigma * (2 / sigma) / 1.128)


def rules(series, **more):
    return [finding.rule for finding in refusals(series, **({"cut_off": LATE} | more))]


def test_twelve_complete_periods_may_be_drawn_and_eleven_may_not() -> None:
    assert rules(points(SERIES[:12])) == []
    assert rules(points(SERIES[:11])) == ["charts.too-few-points"]
    assert rules([]) == ["charts.too-few-points"]


def test_a_rolling_series_is_refused() -> None:
    rolling = [Point(FIRST + timedelta(30 * i), FIRST + timedelta(30 * i + 365), 1.0) for i in range(14)]
    assert set(rules(rolling)) == {"charts.periods-overlap"}


def test_a_period_that_is_not_over_is_refused() -> None:
    series = points(SERIES[:12])
    assert rules(series, cut_off=series[-1].end) == []
    assert rules(series, cut_off=series[-1].end - timedelta(1)) == ["charts.period-incomplete"]


def test_an_empty_period_is_refused() -> None:
    assert rules(points([1] * 12, [5] * 11 + [0])) == ["charts.period-empty"]


def test_a_new_baseline_needs_a_reason_a_period_and_twelve_points() -> None:
    series = points(SERIES + SERIES)
    assert rules(series, rebases=[Rebase(series[20].start, " ")]) == ["charts.rebase-without-reason"]
    assert rules(series, rebases=[Rebase(series[20].start + timedelta(1), "x")]) == ["charts.rebase-between-periods"]
    assert rules(series, rebases=[Rebase(series[30].start, "x")]) == ["charts.too-few-points"]
    assert rules(series, rebases=[Rebase(series[0].start, "x")]) == []


def test_a_refused_chart_raises_with_the_first_reason() -> None:
    with pytest.raises(IndicatorError) as caught:
        xmr(points(SERIES[:5]), cut_off=LATE)
    assert (caught.value.rule, caught.value.hints) == ("charts.refused", ("charts.too-few-points",))
    with pytest.raises(IndicatorError):
        laney_p(points(SERIES[:5]), cut_off=LATE)
