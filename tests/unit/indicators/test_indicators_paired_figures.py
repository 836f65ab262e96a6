"""Figures of episodes compared with themselves or with what was agreed: method, verdict, report and disclosure."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from exchange.indicators.cube import CubeRow, change_counts, index_counts, paired_counts
from exchange.indicators.figure import Figure, Verdict
from exchange.indicators.figures import figure
from exchange.indicators.measure import measure_report
from exchange.indicators.protecting import protect
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.recomputing import recompute

PERIOD: dict[str, Any] = {"start": date(2024, 1, 1), "end": date(2025, 1, 1), "cut_off": date(2026, 6, 1)}
NONE = {"unknown": 0, "censored": 0, "no_agreement": 0, "excluded": 0}


def falls(patients: int, after: int, before: int, unknown: int = 0, target: float | None = None) -> Figure:
    """Return the figure of so many patients with the same numbers in half a year before and after, one of them shorter.

    Patients who are all alike would give no interval at all.
    """
    one = {"eligible": 1, "due": 1, "answered": 1, "a": after, "b": before, "u": 183, "v": 183, **NONE}
    lost = {**one, "answered": 0, "unknown": 1, **dict.fromkeys("abuv", 0)}
    row = CubeRow({}, paired_counts([{**one, "u": 180}] + [one] * (patients - 1) + [lost] * unknown))
    return figure(shipped_definitions()["falls"], row, target=target, **PERIOD)


def test_a_paired_ratio_is_exact_below_ten_events_on_either_side_and_clustered_from_ten() -> None:
    methods = {}
    for after, before in ((1, 2), (0, 2), (2, 0)):
        found = falls(12, after, before)
        methods[after, before] = None if found.interval is None else found.interval.method
    assert methods == {(1, 2): "paired-rate-ratio", (0, 2): "exact-conditional", (2, 0): None}
    few = falls(9, 1, 2)
    assert few.interval is not None
    assert few.interval.method == "exact-conditional"
    assert falls(12, 2, 0).value is None


def test_before_and_after_is_never_met_and_with_unknown_cases_not_unmet_either() -> None:
    assert falls(40, 1, 2, target=0.9).verdict is Verdict.CANNOT_TELL
    assert falls(40, 2, 2, target=0.5).verdict is Verdict.NOT_MET
    assert falls(40, 2, 2, unknown=1, target=0.5).verdict is Verdict.CANNOT_TELL
    assert falls(40, 1, 2).verdict is None
    # Eighty falls before of forty clients are no part of those clients.
    assert recompute(measure_report(falls(40, 1, 2), reporter="agb:07000001", made_on=date(2026, 6, 1))) == ()


def test_that_nobody_fell_is_a_fact_about_everyone_and_not_for_outsiders() -> None:
    for found, masked in ((falls(40, 1, 2), False), (falls(40, 0, 2), True), (falls(9, 3, 3), True)):
        (shown,) = protect([found], audience="outside")
        assert (shown.masked is not None) is masked
        assert (shown.value is None) is masked


def test_a_mean_change_is_in_the_points_of_its_instrument_and_can_be_a_loss() -> None:
    definition = shipped_definitions()["participation-regained"]
    gains = [15, 20, 25, -40]
    rows = [{"eligible": 1, "due": 1, "answered": 1, "unknown": 0, "excluded": 0, "gain": gain} for gain in gains]
    found = figure(definition, CubeRow({}, change_counts(rows)), target=1.0, **PERIOD)
    assert found.value == pytest.approx(0.5)
    assert found.interval is not None
    # Student's interval of 1.5, 2.0, 2.5 and -4.0: standard error 1.5138, t(3) = 3.1824.
    assert (found.interval.lower, found.interval.upper) == pytest.approx((-4.3176, 5.3176), abs=1e-3)
    assert (found.numerator, found.denominator, found.verdict) == (None, 4, Verdict.CANNOT_TELL)
    report = measure_report(found, reporter="agb:07000001", made_on=date(2026, 6, 1))
    assert recompute(report) == ()


def test_a_ratio_to_an_agreed_number_follows_from_its_own_report_whatever_was_left_out() -> None:
    definition = shipped_definitions()["sessions-against-plan"]
    rows = [{"eligible": 1, "due": 1, "excluded": 0, "o": o, "e": 18_000} for o in (6, 12, 27)]
    rows.append({"eligible": 0, "due": 0, "excluded": 1, "o": 0, "e": 0})
    found = figure(definition, CubeRow({}, index_counts(rows)), **PERIOD)
    assert (found.numerator, found.denominator, found.excluded) == (45, 54, 1)
    report = measure_report(found, reporter="agb:07000001", made_on=date(2026, 6, 1))
    assert recompute(report) == ()
    report["group"][0]["measureScore"]["value"] = 1.2
    assert [one.rule for one in recompute(report)] == ["recomputing.score-differs"]
    nothing = figure(definition, CubeRow({}, index_counts([])), **PERIOD)
    assert (nothing.value, nothing.interval) == (None, None)
