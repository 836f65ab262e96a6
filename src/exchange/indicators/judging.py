"""Whether a target is met, not met, or can't be told (rule 5), from the interval and never from the point alone."""

from __future__ import annotations

from dataclasses import replace

from exchange.indicators.figure import Interval, Verdict


def unknowns_interval(*, worst: Interval | None, best: Interval | None) -> Interval | None:
    """Return the interval over unknown cases: from the lower of both cases' limits to the upper of both.

    `worst` counts every unknown case against the outcome, `best` counts it for. Method `<method>-bounds`.
    """
    if worst is None or best is None:
        return None
    lower, upper = min(worst.lower, best.lower), max(worst.upper, best.upper)
    method = worst.method.removesuffix("-bounds") + "-bounds"
    return replace(worst, lower=lower, upper=upper, method=method, design_effect_best=best.design_effect)


def judge(
    *,
    value: float | None,
    interval: Interval | None,
    bounds_interval: Interval | None = None,
    target: float | None,
    improvement: str,
    before_after: bool = False,
) -> Verdict | None:
    """Judge a figure: met is the whole interval at or beyond the target, not met is wholly short of it.

    With unknown cases `bounds_interval` (see `unknowns_interval`) decides. `improvement` is "higher", "lower" or
    "descriptive"; descriptive or without a target gives None. A comparison of before and after alone
    (`before_after`) is never met: regression to the mean gives the same picture (rule 3).
    """
    if target is None or improvement not in {"higher", "lower"}:
        return None
    decisive = bounds_interval or interval
    if value is None or decisive is None:
        return Verdict.CANNOT_TELL
    if improvement == "higher":
        met, short = decisive.lower >= target, decisive.upper < target
    else:
        met, short = decisive.upper <= target, decisive.lower > target
    if short:
        return Verdict.NOT_MET
    return Verdict.MET if met and not before_after else Verdict.CANNOT_TELL
