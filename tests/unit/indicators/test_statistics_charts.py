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


# Emergency attendances seen within four hours in twenty weeks: Mohammed et al. 2013, BMJ Quality & Safety
# 22:362-368, doi 10.1136/bmjqs-2012-001373; `nhs_accidents` of qicharts2.
WITHIN = [
    266501, 264225, 276532, 281461, 269071, 261215, 270409, 279778, 270483, 270320, 267923, 271478, 255353, 256820,
    261835, 259144, 255910, 260863, 264465, 260989,
]  # fmt: skip
ATTENDED = [
    280443, 276823, 291681, 296155, 282343, 275888, 283867, 295251, 284468, 282529, 279618, 283932, 266629, 268091,
    276803, 271578, 266005, 273520, 278574, 273772,
]  # fmt: skip


def test_laney_p_gives_the_limits_of_qicharts2() -> None:
    # qic(i, r, n, nhs_accidents, chart = "pp", return.data = TRUE), as PowerBI-SPC's tests quote it (qicharts2.ts).
    drawn = laney_p(points(WITHIN, ATTENDED, days=7), cut_off=LATE)
    assert drawn[0].centre == pytest.approx(0.95289971134419116, rel=1e-13)
    assert [point.lower for point in drawn[:4]] == pytest.approx(
        [0.9401296441775141, 0.94004641862513627, 0.9403780655785402, 0.94047300747792362], rel=1e-13
    )
    assert [point.upper for point in drawn[-3:]] == pytest.approx(
        [0.96583037870695121, 0.96571254516695282, 0.96582442616547814], rel=1e-13
    )
    # An ordinary p chart, whose limits forget the variation between weeks, has most of these weeks outside.
    assert all("outside" not in point.signals for point in drawn)


def test_laney_u_gives_the_limits_of_qicharts2() -> None:
    # Infections and risk days of six hospitals together, `hospital_infections` by month, chart = "up"; same source.
    infections = [
        575, 521, 585, 528, 507, 519, 457, 505, 494, 512, 543, 506, 509, 521, 549, 531, 509, 528, 419, 512, 495, 513,
        454, 490,
    ]  # fmt: skip
    days = [
        310466.83333329321, 282346.79166671709, 309089.70833330322, 287977.33333316818, 297743.37500002852,
        286988.25000001001, 261120.33333336981, 268720.75000004529, 284437.87500012899, 290449.49999993952,
        288104.45833330858, 279961.37499995198, 289803.95833335089, 275950.58333331929, 290824.45833333238,
        285495.75000004098, 282515.20833329752, 273927.8750000195, 253085.624999983, 262410.7083333832,
        275529.25000001222, 282405.08333336539, 259530.7916666563, 256235.45833330762,
    ]  # fmt: skip
    drawn = laney_u(points(infections, days), cut_off=LATE)
    assert drawn[0].centre == pytest.approx(0.0018235751654857592, rel=1e-13)
    assert [1000 * point.lower for point in drawn[:3]] == pytest.approx(
        [1.5763817754848699, 1.5643644022212873, 1.5758317120955831], rel=1e-12
    )
    assert [1000 * point.upper for point in drawn[-2:]] == pytest.approx(
        [2.0939398817536583, 2.0956728496182051], rel=1e-12
    )


def test_a_missing_period_is_refused() -> None:
    series = points(SERIES)
    assert rules(series[:4] + series[5:]) == ["charts.period-missing"]
    (found,) = refusals(series[:4] + series[5:], cut_off=LATE)
    assert found.path == series[4].start.isoformat()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value) -> None:
    assert rules(points([*SERIES[:11], value])) == ["charts.no-number"]
    assert rules(points([1] * 12, [5] * 11 + [value])) == ["charts.period-empty"]


@pytest.mark.parametrize(("draw", "values"), [(laney_p, [5] * 11 + [11]), (laney_p, [-1] * 12), (laney_u, [-1] * 12)])
def test_what_is_no_proportion_or_rate_is_refused(draw, values) -> None:
    with pytest.raises(IndicatorError) as caught:
        draw(points(values, [10] * 12), cut_off=LATE)
    assert caught.value.hints == ("charts.no-rate",)


def test_nothing_everywhere_and_one_case_a_period_are_drawn_without_a_signal() -> None:
    assert all(not point.signals for point in xmr(points([0.0] * 12), cut_off=LATE))
    assert all(not point.signals for point in laney_u(points([0] * 12, [7] * 12), cut_off=LATE))
    single = laney_p(points([0, 1] * 6, [1] * 12), cut_off=LATE)
    assert {(point.lower, point.upper, point.signals) for point in single} == {(0.0, 1.0, ())}
