"""Jacobson and Truax's classes of change: a table of its own, never mixed with the responders of rule 6.

Jacobson & Truax 1991, Journal of Consulting and Clinical Psychology 59:12-19, doi 10.1037/0022-006X.59.1.12. Change is
reliable beyond 1.96 times the error of a difference, and clinically significant where it crosses the point c between
the means of people with and without the complaint. Both need norms, which are shown with their source or not used.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.errors import IndicatorError

RECOVERED = "recovered"
IMPROVED = "improved"
UNCHANGED = "unchanged"
DETERIORATED = "deteriorated"
RELIABLE_CLASSES = (RECOVERED, IMPROVED, UNCHANGED, DETERIORATED)
METHOD = "jacobson-truax"
# The two-sided 5 % of the paper.
_RELIABLE = 1.96


@dataclass(frozen=True, slots=True)
class Norms:
    """Means and standard deviations with and without the complaint, the reliability, and where they were published."""

    instrument: str
    mean: float
    sd: float
    healthy_mean: float
    healthy_sd: float
    reliability: float
    source: str

    @property
    def error(self) -> float:
        """Return the standard error of a difference between two scores of one person."""
        return math.sqrt(2) * self.sd * math.sqrt(1 - self.reliability)

    @property
    def cut_off(self) -> float:
        """Return the paper's point c: as likely in both distributions, weighted by their spread."""
        return (self.sd * self.healthy_mean + self.healthy_sd * self.mean) / (self.sd + self.healthy_sd)

    @property
    def higher_is_better(self) -> bool:
        """Say in which direction people without the complaint score."""
        return self.healthy_mean > self.mean


@dataclass(frozen=True, slots=True)
class Table:
    """How many are in each class, over those with both scores, with the norms by which they were judged."""

    norms: Norms
    counts: Mapping[str, int]
    method: str = METHOD

    @property
    def total(self) -> int:
        """Return how many were judged."""
        return sum(self.counts.values())


def require_norms(instrument: str, norms: Norms | None) -> Norms:
    """Return norms that may be used; IndicatorError where there are none, without a source, or impossible ones."""
    if norms is None or norms.instrument != instrument or not norms.source.strip():
        raise IndicatorError("reliable-change.no-norms", instrument=instrument)
    if min(norms.sd, norms.healthy_sd) <= 0 or not 0 <= norms.reliability < 1 or norms.mean == norms.healthy_mean:
        raise IndicatorError("reliable-change.bad-norms", instrument=instrument)
    return norms


def reliable_change(start: float, end: float, norms: Norms) -> str:
    """Return the class of one person's change."""
    direction = 1 if norms.higher_is_better else -1
    index = direction * (end - start) / norms.error
    if index < -_RELIABLE:
        return DETERIORATED
    if index <= _RELIABLE:
        return UNCHANGED
    crossed = direction * (start - norms.cut_off) < 0 <= direction * (end - norms.cut_off)
    return RECOVERED if crossed else IMPROVED


def table(instrument: str, pairs: Iterable[tuple[float, float]], norms: Norms | None) -> Table:
    """Return the table of one instrument's start and end scores."""
    known = require_norms(instrument, norms)
    found = Counter(reliable_change(start, end, known) for start, end in pairs)
    return Table(known, {name: found[name] for name in RELIABLE_CLASSES})
