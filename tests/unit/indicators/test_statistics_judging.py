"""Met, not met and can't tell; classes of change."""

from __future__ import annotations

import pytest

from exchange.indicators.classes import CLASSES, change_class
from exchange.indicators.figure import Interval, Verdict
from exchange.indicators.judging import judge, unknowns_interval


def between(lower, upper, method="wilson-clustered"):
    return Interval(lower, upper, method)


@pytest.mark.parametrize(
    ("lower", "upper", "improvement", "verdict"),
    [
        (0.80, 0.90, "higher", Verdict.MET),
        (0.79, 0.90, "higher", Verdict.CANNOT_TELL),
        (0.60, 0.80, "higher", Verdict.CANNOT_TELL),
        (0.60, 0.79, "higher", Verdict.NOT_MET),
        (0.60, 0.80, "lower", Verdict.MET),
        (0.60, 0.81, "lower", Verdict.CANNOT_TELL),
        (0.80, 0.90, "lower", Verdict.CANNOT_TELL),
        (0.81, 0.90, "lower", Verdict.NOT_MET),
    ],
)
def test_only_the_whole_interval_decides(lower, upper, improvement, verdict) -> None:
    found = judge(value=0.7, interval=between(lower, upper), target=0.8, improvement=improvement)
    assert found is verdict


def test_unknown_cases_widen_what_decides() -> None:
    kwargs = {"value": 0.9, "interval": between(0.82, 0.95), "target": 0.8, "improvement": "higher"}
    assert judge(**kwargs) is Verdict.MET
    assert judge(**kwargs, bounds_interval=between(0.5, 0.97)) is Verdict.CANNOT_TELL


def test_the_interval_over_unknowns_runs_from_the_worst_to_the_best() -> None:
    worst, best = between(0.2, 0.5), between(0.6, 0.9)
    assert unknowns_interval(worst=worst, best=best) == between(0.2, 0.9, "wilson-clustered-bounds")
    assert unknowns_interval(worst=best, best=worst) == between(0.2, 0.9, "wilson-clustered-bounds")
    assert unknowns_interval(worst=None, best=best) is None
    assert unknowns_interval(worst=worst, best=None) is None


def test_before_and_after_alone_is_never_met_but_can_fall_short() -> None:
    kwargs = {"value": 0.6, "target": 0.8, "improvement": "lower", "before_after": True}
    assert judge(interval=between(0.5, 0.7), **kwargs) is Verdict.CANNOT_TELL
    assert judge(interval=between(0.9, 1.1), **kwargs) is Verdict.NOT_MET


def test_without_a_target_or_direction_nothing_is_judged() -> None:
    assert judge(value=0.5, interval=between(0.4, 0.6), target=None, improvement="higher") is None
    assert judge(value=0.5, interval=between(0.4, 0.6), target=0.5, improvement="descriptive") is None


def test_without_a_value_or_an_interval_it_can_not_be_told() -> None:
    assert judge(value=None, interval=between(0.9, 1), target=0.5, improvement="higher") is Verdict.CANNOT_TELL
    assert judge(value=0.9, interval=None, target=0.5, improvement="higher") is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (70, 40, "improved"),
        (70, 41, "within-error"),
        (70, 50, "within-error"),
        (70, 51, "unchanged"),
        (70, 99, "unchanged"),
        (70, 100, "deteriorated"),
        (20, 0, "within-error"),
        (19, 0, "cannot-improve"),
        (19, 60, "cannot-improve"),
    ],
)
def test_a_change_is_classed_at_the_exact_thresholds(start, end, expected) -> None:
    # MIC 20, MDC95 30, lower is better, best score 0; mirrored on a scale where 100 is best.
    assert change_class(start, end, 20, 30, 0, "lower") == expected
    assert change_class(100 - start, 100 - end, 20, 30, 100, "higher") == expected
    assert expected in CLASSES


def test_a_mic_above_the_mdc_decides_alone() -> None:
    assert change_class(70, 50, 20, 10, 0, "lower") == "improved"
    assert change_class(70, 51, 20, 10, 0, "lower") == "unchanged"
    assert change_class(50, 70, 20, 10, 0, "lower") == "deteriorated"
