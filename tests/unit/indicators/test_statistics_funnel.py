"""Practices in a funnel: chance, overdispersion drawn in at the ends, and what is refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import binom, norm
from scipy.stats.mstats import winsorize

from exchange.errors import IndicatorError
from exchange.indicators.funnel import Share, binomial_quantile, funnel, overdispersion, winsorised


def drawn(spread: float, count: int = 40, seed: int = 7) -> list[Share]:
    rng, found = random.Random(seed), []
    for i in range(count):
        size = rng.choice((30, 60, 150, 400))
        own = rng.betavariate(0.7 * spread, 0.3 * spread)
        found.append(Share(f"p{i:03}", sum(rng.random() < own for _ in range(size)), size))
    return found


def test_limits_and_phi_are_those_of_the_paper_by_another_calculation() -> None:
    shares = drawn(60)
    y, n = (np.array([getattr(one, name) for one in shares]) for name in ("numerator", "denominator"))
    centre = y.sum() / n.sum()
    z = (y / n - centre) / np.sqrt(centre * (1 - centre) / n)
    phi = (np.asarray(winsorize(z, limits=(0.1, 0.1))) ** 2).mean()
    found = funnel(shares)
    assert (found.centre, found.phi) == pytest.approx((centre, phi), rel=1e-12)
    assert phi > 1.5
    for level, place in ((0.95, 0), (0.998, 1)):
        reach = norm.ppf(0.5 + level / 2) * np.sqrt(phi * centre * (1 - centre) / n)
        limits = np.array([point.limits[place] for point in found.points])
        assert limits[:, 0] == pytest.approx(np.maximum(0, centre - reach), rel=1e-9)
        assert limits[:, 1] == pytest.approx(np.minimum(1, centre + reach), rel=1e-9)


def test_scores_that_vary_as_chance_gives_them_are_not_widened_or_narrowed() -> None:
    assert overdispersion([0.1, -0.1] * 10) == 1.0
    assert overdispersion([3.0, -3.0] * 10) == 9.0
    assert winsorised([100.0, *range(1, 9), -100.0]) == (8, 1, 2, 3, 4, 5, 6, 7, 8, 1)
    assert winsorised([5.0, 1.0, 9.0]) == (5.0, 1.0, 9.0)


def test_an_odd_practice_stands_out_and_does_not_widen_the_limits_for_itself() -> None:
    calm = drawn(1e6)
    odd = funnel([*calm, Share("odd", 40, 400)])
    place = {point.name: point.position for point in odd.points}
    assert place.pop("odd") == "below-alarm"
    assert odd.phi < 2
    assert sum(position == "inside" for position in place.values()) >= 35
    assert {funnel([*calm, Share("odd", 400, 400)]).points[0].name, "odd"} == {"odd"}


def test_with_overdispersion_forgotten_most_large_practices_would_be_odd() -> None:
    """What the multiplicative factor is for: without it a third of these practices lies outside, by nothing but mix."""
    found = funnel(drawn(30, count=60))
    plain = sum(abs(point.z) > 1.96 for point in found.points) / 60
    kept = sum(point.position != "inside" for point in found.points) / 60
    assert plain > 0.3
    assert kept < 0.15


@pytest.mark.parametrize(
    ("shares", "rule"),
    [
        ([Share(f"p{i}", 5, 10) for i in range(9)], "funnel.too-few"),
        ([Share(f"p{i}", 5, 10) for i in range(10)] + [Share("none", 0, 0)], "funnel.no-share"),
        ([Share(f"p{i}", 5, 10) for i in range(10)] + [Share("more", 11, 10)], "funnel.no-share"),
        ([Share(f"p{i}", 10, 10) for i in range(10)], "funnel.no-variation"),
    ],
)
def test_what_no_funnel_can_be_drawn_of_is_refused(shares: list[Share], rule: str) -> None:
    with pytest.raises(IndicatorError) as refused:
        funnel(shares)
    assert refused.value.rule == rule


def test_a_practice_of_a_case_or_two_is_judged_by_exact_limits() -> None:
    """By normal limits one of one, where one in ten has the outcome, would lie far above the 99.8 % limit."""
    shares = [Share(f"p{i}", 2, 20) for i in range(12)] + [Share("one", 1, 1), Share("two", 2, 2), Share("none", 0, 3)]
    place = {point.name: point for point in funnel(shares).points}
    assert (place["one"].position, place["two"].position, place["none"].position) == (
        "inside",
        "above-warning",
        "inside",
    )
    assert place["one"].limits == ((0.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize("size", [1, 2, 7, 40, 4000])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.97])
def test_binomial_quantiles_are_those_of_scipy(size: int, share: float) -> None:
    for tail in (0.001, 0.025, 0.975, 0.999):
        assert binomial_quantile(tail, size, share) == binom.ppf(tail, size, share)


def test_odd_groups_of_practices_are_drawn_without_a_crash() -> None:
    same = funnel([Share(f"p{i}", 5, 10) for i in range(10)])
    assert {(point.position, point.z) for point in same.points} == {("inside", 0.0)}
    single = funnel([Share(f"p{i}", i % 2, 1) for i in range(12)])
    assert {(point.position, point.limits) for point in single.points} == {("inside", ((0.0, 1.0), (0.0, 1.0)))}
    rare = funnel([Share("all", 1, 1), *(Share(f"p{i}", 0, 10**6) for i in range(9))])
    assert {point.position for point in rare.points} == {"above-alarm", "inside"}
