"""A funnel: shares of several practices against limits that narrow with size and widen with overdispersion.

Spiegelhalter 2005, Statistics in Medicine 24:1185-1202, doi 10.1002/sim.1970: practices always differ by more than
chance, because their patients do; limits that forget it call most large practices odd. The multiplicative form: the
variance of chance times phi, the mean of the squared z-scores after the outer tenth on both sides is drawn in. Where a
practice is too small for normal limits they are no narrower than the exact binomial ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.errors import IndicatorError
from exchange.indicators.quantiles import normal_quantile

# Phi from fewer practices is itself chance.
FEWEST_PRACTICES = 10
WINSORISED = 0.1
METHOD = "funnel-winsorised"
# Two limits, as is usual: about one practice in twenty, and one in five hundred, lies outside by chance.
LEVELS = (0.95, 0.998)
# Below so many expected with or without the outcome the normal limits tell nothing: 1 of 1 would be an alarm.
EXPECTED = 5


@dataclass(frozen=True, slots=True)
class Share:
    """One practice's share: how many of how many."""

    name: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One practice in the funnel; `limits` are lower and upper for each of LEVELS, `position` says where it lies."""

    name: str
    numerator: int
    denominator: int
    value: float
    z: float
    limits: tuple[tuple[float, float], ...]
    position: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """The centre (all shares together), the overdispersion and each practice, in the order of their names."""

    centre: float
    phi: float
    method: str
    points: tuple[FunnelPoint, ...]


def winsorised(scores: Sequence[float], share: float = WINSORISED) -> tuple[float, ...]:
    """Draw the outer share on each side in to the nearest score that stays."""
    ordered = sorted(scores)
    cut = int(share * len(ordered))
    low, high = ordered[cut], ordered[len(ordered) - 1 - cut]
    return tuple(min(max(score, low), high) for score in scores)


def overdispersion(scores: Sequence[float]) -> float:
    """Return phi; 1 where the scores vary no more than chance gives them (count x phi no more than count - 1)."""
    count = len(scores)
    phi = math.fsum(score * score for score in winsorised(scores)) / count
    return phi if count * phi > count - 1 else 1.0


def funnel(shares: Sequence[Share]) -> Funnel:
    """Return the funnel of practices' shares; IndicatorError where it could not say anything.

    Refused below ten practices, where a practice has nobody, and where all or none have the outcome.
    """
    if len(shares) < FEWEST_PRACTICES:
        raise IndicatorError("funnel.too-few", practices=len(shares), least=FEWEST_PRACTICES)
    if any(not 0 <= one.numerator <= one.denominator or one.denominator < 1 for one in shares):
        raise IndicatorError("funnel.no-share")
    centre = sum(one.numerator for one in shares) / sum(one.denominator for one in shares)
    if centre in (0.0, 1.0):
        raise IndicatorError("funnel.no-variation")
    errors = [math.sqrt(centre * (1 - centre) / one.denominator) for one in shares]
    scores = [(one.numerator / one.denominator - centre) / error for one, error in zip(shares, errors, strict=True)]
    phi = overdispersion(scores)
    points = (_point(one, centre, phi, score) for one, score in zip(shares, scores, strict=True))
    return Funnel(centre, phi, METHOD, tuple(sorted(points, key=lambda point: point.name)))


def limits_at(size: int, centre: float, phi: float) -> tuple[tuple[float, float], ...]:
    """Return lower and upper limits for each of LEVELS, for a practice of so many."""
    spread = math.sqrt(centre * (1 - centre) / size) * math.sqrt(phi)
    return tuple(_limits(size, centre, spread, (1 - level) / 2) for level in LEVELS)


def _point(share: Share, centre: float, phi: float, z: float) -> FunnelPoint:
    value = share.numerator / share.denominator
    limits = limits_at(share.denominator, centre, phi)
    place = "inside"
    for name, (lower, upper) in zip(("warning", "alarm"), limits, strict=True):
        if value < lower or value > upper:
            place = f"{'below' if value < lower else 'above'}-{name}"
    return FunnelPoint(share.name, share.numerator, share.denominator, value, z, limits, place)


def _limits(size: int, centre: float, spread: float, tail: float) -> tuple[float, float]:
    """Return the limits around the centre with this probability outside on each side."""
    reach = normal_quantile(1 - tail) * spread
    lower, upper = max(0.0, centre - reach), min(1.0, centre + reach)
    if size * min(centre, 1 - centre) < EXPECTED:
        lower = min(lower, binomial_quantile(tail, size, centre) / size)
        upper = max(upper, binomial_quantile(1 - tail, size, centre) / size)
    return lower, upper


def binomial_quantile(probability: float, size: int, share: float) -> int:
    """Return the smallest number of `size`, each with this chance, that at most so many reach with the probability."""
    below, odds = 0.0, math.log(share / (1 - share))
    term = size * math.log1p(-share)
    for number in range(size):
        below += math.exp(term)
        if below >= probability:
            return number
        term += math.log((size - number) / (number + 1)) + odds
    return size
