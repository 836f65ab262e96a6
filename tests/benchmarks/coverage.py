"""Print how often each interval holds the true value, by simulation; it asserts nothing.

    python tests/benchmarks/coverage.py [RUNS]

The margin beside a share is its Monte-Carlo error: 95 % limits of what more runs would give.
The patients are invented: sessions per episode follow a lognormal-Poisson mixture whose mean and spread are Nivel's
national 8.4 and 8.5 (2018), one to three episodes each, and outcomes that are alike within a patient.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta

from exchange.indicators.charts_over_time import Point, laney_p
from exchange.indicators.figure import Interval
from exchange.indicators.funnel import Share, funnel
from exchange.indicators.judging import unknowns_interval
from exchange.indicators.statistics import (
    ClusterSums,
    byar,
    cluster_sums,
    clustered_wilson,
    exact_conditional_rate_ratio,
    exact_poisson,
    mean_interval,
    paired_rate_ratio,
    paired_sums,
    ratio_interval,
    score_rate_ratio,
    wilson,
)

PATIENTS = (10, 30, 100, 300)
# Lognormal of mean 8.4 and, with Poisson noise, standard deviation 8.5.
_SIGMA = math.sqrt(math.log(1 + (8.5**2 - 8.4) / 8.4**2))
_MU = math.log(8.4) - _SIGMA**2 / 2

Draw = Callable[[random.Random, int], tuple[Interval | None, float]]


def poisson(rng: random.Random, rate: float) -> int:
    """Draw a Poisson number by counting exponential gaps."""
    count, passed = 0, rng.expovariate(1.0)
    while passed < rate:
        count += 1
        passed += rng.expovariate(1.0)
    return count


def sessions(rng: random.Random) -> int:
    """Draw the sessions of one episode."""
    return poisson(rng, rng.lognormvariate(_MU, _SIGMA))


def ratio(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw observed over expected sessions, episodes of a patient alike, against a true index of 100."""
    o, e = [], []
    for _ in range(k):
        group = rng.choice((0.7, 1.0, 1.6))
        episodes = rng.choice((1, 1, 2))
        o.append(poisson(rng, episodes * group * rng.lognormvariate(_MU, _SIGMA)))
        e.append(round(1000 * episodes * group * 8.4))
    return _of(o, e), 100.0


def _of(o: list[int], e: list[int]) -> Interval | None:
    def product(a: list[int], b: list[int]) -> int:
        return sum(x * y for x, y in zip(a, b, strict=True))

    return ratio_interval(
        patients=len(o),
        sum_o=sum(o),
        sum_e=sum(e),
        sum_oo=product(o, o),
        sum_oe=product(o, e),
        sum_ee=product(e, e),
        scale=100_000,
    )


def ratio_byar(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw the same as `ratio`, with Byar's limits, which take every session for independent."""
    o = [sessions(rng) for _ in range(k)]
    return byar(sum(o), 8.4 * k, scale=100), 100.0


def mean(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw mean sessions per patient."""
    x = [sessions(rng) for _ in range(k)]
    squares = sum(a * a for a in x)
    return mean_interval(patients=k, sum_x=sum(x), sum_m=k, sum_xx=squares, sum_xm=sum(x), sum_mm=k), 8.4


def _outcomes(rng: random.Random, k: int, p: float) -> list[tuple[int, int]]:
    rows = []
    for _ in range(k):
        own, m = rng.betavariate(p * 1.5, (1 - p) * 1.5), rng.choice((1, 1, 2, 3))
        rows.append((sum(rng.random() < own for _ in range(m)), m))
    return rows


def proportion(p: float) -> Draw:
    """Return a draw of a proportion of episodes that cluster in patients."""

    def draw(rng: random.Random, k: int) -> tuple[Interval | None, float]:
        return _clustered(cluster_sums(_outcomes(rng, k, p))), p

    return draw


def _clustered(sums: ClusterSums) -> Interval | None:
    return clustered_wilson(**asdict(sums))


def _answers(rng: random.Random, k: int) -> list[tuple[int, int, int]]:
    """Draw per patient the episodes with the outcome, without it, and unknown: failures are told of half as often."""
    rows = []
    for hits, m in _outcomes(rng, k, 0.7):
        told = sum(rng.random() < 0.9 for _ in range(hits))
        against = sum(rng.random() < 0.5 for _ in range(m - hits))
        rows.append((told, against, m - told - against))
    return rows


def bounds(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw a share of which about a fifth is unknown, failures more often: limits from worst to best case."""
    rows = _answers(rng, k)
    worst = _clustered(cluster_sums((told, told + against + unknown) for told, against, unknown in rows))
    best = _clustered(cluster_sums((told + unknown, told + against + unknown) for told, against, unknown in rows))
    return unknowns_interval(worst=worst, best=best), 0.7


def answered(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw the same among those answered only: what limits that forget the unknown would hold."""
    return _clustered(cluster_sums((told, told + against) for told, against, _ in _answers(rng, k))), 0.7


def proportion_naive(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw the same with plain Wilson, which takes every episode for independent."""
    s = cluster_sums(_outcomes(rng, k, 0.7))
    lower, upper = wilson(s.n, s.y / s.n, 1.959963984540054)
    return Interval(lower, upper, "wilson"), 0.7


def paired(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw contacts before and after in the same patients, a true ratio of 0.8 and no selection at the start."""
    rows = []
    for _ in range(k):
        own = rng.gammavariate(1.5, 2.0)
        rows.append((poisson(rng, 0.8 * own), poisson(rng, own), 365, 365))
    return paired_rate_ratio(paired_sums(rows)), 0.8


def regression(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw patients who enter after a run of contacts, without any effect: what rule 3 warns of."""
    rows = []
    while len(rows) < k:
        own = rng.gammavariate(1.5, 2.0)
        before = poisson(rng, own)
        if before >= 3:
            rows.append((poisson(rng, own), before, 365, 365))
    return paired_rate_ratio(paired_sums(rows)), 1.0


def exact(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw an independent count against an expectation of k/10."""
    return exact_poisson(poisson(rng, k / 10), k / 10), 1.0


def byar_independent(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw an independent count against an expectation of k."""
    return byar(poisson(rng, k), k), 1.0


def conditional(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw two small independent counts with a true ratio of 0.6."""
    return exact_conditional_rate_ratio(poisson(rng, 0.06 * k), 1.0, poisson(rng, 0.1 * k), 1.0), 0.6


def score(rng: random.Random, k: int) -> tuple[Interval | None, float]:
    """Draw two independent counts with a true ratio of 0.6."""
    return score_rate_ratio(poisson(rng, 0.6 * k), 1.0, poisson(rng, k), 1.0), 0.6


CASES: dict[str, Draw] = {
    "ratio-clustered": ratio,
    "byar on clustered sessions": ratio_byar,
    "mean-clustered": mean,
    "wilson-clustered, p = 0.7": proportion(0.7),
    "wilson-clustered, p = 0.05": proportion(0.05),
    "plain wilson, p = 0.7": proportion_naive,
    "…-bounds, a fifth unknown": bounds,
    "…-answered, a fifth unknown": answered,
    "paired-rate-ratio": paired,
    "paired-rate-ratio, entry after a run": regression,
    "exact-poisson, independent": exact,
    "byar, independent": byar_independent,
    "exact-conditional, independent": conditional,
    "score-conditional, independent": score,
}


def coverage(draw: Draw, k: int, runs: int, seed: int) -> tuple[float, float, float, int]:
    """Return the shares of runs that hold the truth, lie above it and below it, and how many had an interval."""
    rng = random.Random(seed)
    held = above = below = counted = 0
    for _ in range(runs):
        found, truth = draw(rng, k)
        if found is None:
            continue
        counted += 1
        above += found.lower > truth
        below += found.upper < truth
        held += found.lower <= truth <= found.upper
    return held / counted, above / counted, below / counted, counted


def margin(share: float, runs: int) -> float:
    """Return how far 95 % of such simulations lie from the truth at most: Wilson's, so that 100 % is not certain."""
    lower, upper = wilson(runs, share, 1.959963984540054)
    return max(share - lower, upper - share)


def funnels(runs: int) -> None:
    """Print how many practices of thirty lie outside the 95 % limits, by chance alone and with other case mix."""
    for name, spread in (("chance alone", 1e6), ("case mix", 60.0)):
        rng, outside, plain = random.Random(1), 0, 0
        for _ in range(runs):
            shares = []
            for i in range(30):
                size, own = rng.choice((30, 60, 150, 400)), rng.betavariate(0.7 * spread, 0.3 * spread)
                shares.append(Share(str(i), sum(rng.random() < own for _ in range(size)), size))
            points = funnel(shares).points
            outside += sum(point.position != "inside" for point in points)
            plain += sum(abs(point.z) > 1.96 for point in points)
        print(f"funnel, {name:32} outside {outside / 30 / runs:6.1%}, without phi {plain / 30 / runs:6.1%}")


def charts(runs: int) -> None:
    """Print how many of 24 ordinary quarters lie outside Laney's limits, and outside binomial ones that forget mix."""
    first = date(2020, 1, 1)
    for name, spread in (("chance alone", 1e6), ("case mix", 60.0)):
        rng, outside, any_outside, plain = random.Random(1), 0, 0, 0
        for _ in range(runs):
            points = []
            for i in range(24):
                size, own = rng.choice((30, 60, 150, 400)), rng.betavariate(0.7 * spread, 0.3 * spread)
                hits = sum(rng.random() < own for _ in range(size))
                points.append(Point(first + timedelta(90 * i), first + timedelta(90 * i + 90), hits, size))
            drawn = laney_p(points, cut_off=date(2030, 1, 1))
            found = [not one.lower <= one.value <= one.upper for one in drawn]
            outside, any_outside = outside + sum(found), any_outside + any(found)
            sigmas = [
                3 * math.sqrt(one.centre * (1 - one.centre) / at.size) for one, at in zip(drawn, points, strict=True)
            ]
            plain += sum(abs(one.value - one.centre) > sigma for one, sigma in zip(drawn, sigmas, strict=True))
        print(
            f"Laney p', {name:30} outside {outside / 24 / runs:6.1%}, in any of 24 {any_outside / runs:6.1%}, "
            f"binomial limits {plain / 24 / runs:6.1%}"
        )


def main() -> None:
    """Print per method and number of patients how often the interval holds the truth, lies above it and below it."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{'method':40} {'k':>4} {'holds':>7} {'margin':>7} {'above':>7} {'below':>7} {'runs':>7}")
    for name, draw in CASES.items():
        for k in PATIENTS:
            held, above, below, counted = coverage(draw, k, runs, seed=k)
            error = margin(held, counted)
            print(f"{name:40} {k:4} {held:7.1%} {error:7.2%} {above:7.1%} {below:7.1%} {counted:7}", flush=True)
    funnels(max(1, runs // 3))
    charts(max(1, runs // 3))


if __name__ == "__main__":
    main()
