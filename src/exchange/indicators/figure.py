"""A figure: a number that never travels alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a target is met: only the whole interval beyond it is met, only wholly short of it is not met."""

    MET = "met"
    NOT_MET = "not-met"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval with the method's name (an id of docs/statistics.md); `level` such as 0.95.

    What the limits follow from, beside the figure's own counts, so that anyone can work them out again: the design
    effect of a proportion (over unknown cases of the worst case, and of the best), the standard error of a mean or of
    the logarithm of a ratio, and the degrees of freedom of the t quantile.
    """

    lower: float
    upper: float
    method: str
    level: float = 0.95
    design_effect: float | None = None
    design_effect_best: float | None = None
    standard_error: float | None = None
    degrees_of_freedom: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One calculated indicator over one period and group, with all that is needed to judge and to redo it.

    Counts are of the definition's own unit (episodes, patients or sessions); `patients` are distinct.
    `eligible` >= `due` >= `answered`; `unknown` = due without an answer that settles it; `censored` is shown
    within unknown. `value` is a proportion in [0, 1], a ratio, a mean, or an index where 100 is as expected;
    None where the denominator is zero or the figure is masked. `bounds` are worst and best case over the unknown.
    `masked` names the reason of suppression, and then no count that could reveal the cell is filled; `withheld` names
    the counts and details left out of a figure that stands. `numerator_patients` and `complement_patients` are the
    distinct patients with a unit in the numerator and with one outside it (they may overlap): disclosure counts people.
    `parts` holds named counts (classes of responders, session distribution), `details` named numbers
    (median, sd, observed, expected).
    """

    indicator: str
    version: int
    kind: str
    unit: str
    start: date
    end: date
    cut_off: date
    scope: str = "practice"
    group: Mapping[str, str] = field(default_factory=dict)
    eligible: int | None = None
    due: int | None = None
    answered: int | None = None
    unknown: int | None = None
    censored: int | None = None
    excluded: int | None = None
    numerator: int | None = None
    denominator: int | None = None
    patients: int | None = None
    value: float | None = None
    interval: Interval | None = None
    bounds: tuple[float, float] | None = None
    target: float | None = None
    baseline: float | None = None
    verdict: Verdict | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, int] = field(default_factory=dict)
    masked: str | None = None
    withheld: tuple[str, ...] = ()
    numerator_patients: int | None = None
    complement_patients: int | None = None
    sources: tuple[str, ...] = ()
    as_of_load: int | None = None
