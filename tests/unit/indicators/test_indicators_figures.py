"""Figures from cubes: unknowns widen, zero denominators have no score, targets are judged on the whole interval."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from exchange.errors import IndicatorError
from exchange.indicators.cube import CubeRow, case_counts, index_counts, mean_counts
from exchange.indicators.figure import Figure, Verdict
from exchange.indicators.figures import figure, figures
from exchange.indicators.reading import shipped_definitions

START, END, CUT_OFF = date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1)
NAMES = ("eligible", "due", "answered", "numerator", "refuted", "unknown", "censored", "no_agreement", "excluded")


def proportion(name: str, confirmed: int, refuted: int, unknown: int, target: float | None = None) -> Figure:
    """Return a figure over patients with one case each."""
    each = [("numerator", confirmed), ("refuted", refuted), ("unknown", unknown)]
    rows = []
    for status, count in each:
        answered = int(status != "unknown")
        row = dict.fromkeys(NAMES, 0) | {"eligible": 1, "due": 1, "answered": answered, status: 1}
        rows += [row] * count
    parts = CubeRow({}, case_counts(rows), {}, {})
    return figure(shipped_definitions()[name], parts, start=START, end=END, cut_off=CUT_OFF, target=target)


def test_no_cases_give_no_score_and_never_zero() -> None:
    found = proportion("onward-advice", 0, 0, 0)
    assert (found.value, found.interval, found.bounds) == (None, None, None)
    unanswered = proportion("onward-advice", 0, 0, 5, target=0.5)
    assert (unanswered.value, unanswered.interval, unanswered.bounds) == (None, None, (0, 1))
    assert unanswered.verdict is Verdict.CANNOT_TELL


def test_unknown_cases_widen_the_interval_from_the_worst_to_the_best_case() -> None:
    known, partly = proportion("onward-advice", 60, 20, 0), proportion("onward-advice", 60, 20, 20)
    assert known.interval is not None
    assert partly.interval is not None
    assert (known.value, partly.value) == (0.75, 0.75)
    assert partly.bounds == (0.6, 0.8)
    assert partly.interval.lower < 0.6 < 0.8 < partly.interval.upper
    assert partly.interval.method == "wilson-clustered-bounds"
    assert partly.details["answered-lower"] == pytest.approx(known.interval.lower)


def test_a_target_is_met_only_by_the_whole_interval_unknown_cases_included() -> None:
    assert proportion("onward-advice", 80, 20, 0, target=0.6).verdict is Verdict.MET
    assert proportion("onward-advice", 80, 20, 40, target=0.6).verdict is Verdict.CANNOT_TELL
    assert proportion("onward-advice", 20, 80, 0, target=0.6).verdict is Verdict.NOT_MET
    assert proportion("onward-advice", 20, 80, 0).verdict is None


def test_a_comparison_of_before_and_after_is_never_met() -> None:
    counts = {"eligible": 1, "due": 1, "answered": 1, "unknown": 0}
    counts |= {"events_before": 300, "population_before": 1000, "events_after": 100, "population_after": 1000}
    definition = shipped_definitions()["specialist-referral-rate"]
    found = figure(definition, CubeRow({}, counts), start=START, end=END, cut_off=CUT_OFF, target=0.9)
    assert found.value == pytest.approx(1 / 3)
    assert found.verdict is Verdict.CANNOT_TELL
    none = figure(definition, CubeRow({}, dict.fromkeys(counts, 0)), start=START, end=END, cut_off=CUT_OFF, target=0.9)
    assert (none.value, none.interval) == (None, None)


def test_a_mean_has_its_median_and_distribution_and_none_where_nobody_came() -> None:
    definition = shipped_definitions()["sessions-per-patient"]
    histogram = {1: 2, 6: 1, 30: 1}
    row = CubeRow({"location": "34"}, mean_counts(histogram, 3), histogram=histogram)
    found = figure(definition, row, start=START, end=END, cut_off=CUT_OFF)
    assert (found.value, found.details["median"], found.excluded) == (9.5, 3.5, 3)
    assert found.parts == {"1-3": 2, "4-6": 1, "7-9": 0, "10-12": 0, "13-18": 0, "19-24": 0, "25-": 1}
    assert found.group == {"location": "34"}
    empty = figure(definition, CubeRow({}, mean_counts({}, 0)), start=START, end=END, cut_off=CUT_OFF)
    assert (empty.value, empty.details) == (None, {})


def test_an_own_estimate_of_the_index_is_refused_below_thirty_patients() -> None:
    definition = shipped_definitions()["treatment-index"]
    row = {"eligible": 1, "due": 1, "excluded": 0, "e": 8000}
    rows = [{**row, "o": 10}, {**row, "o": 8}] * 15
    few, enough = (CubeRow({}, index_counts(rows[:count])) for count in (29, 30))
    with pytest.raises(IndicatorError) as caught:
        figure(definition, few, start=START, end=END, cut_off=CUT_OFF)
    assert caught.value.rule == "indicators.reference-too-few"
    found = figure(definition, enough, start=START, end=END, cut_off=CUT_OFF, target=130)
    assert (found.value, found.verdict) == (112.5, Verdict.MET)


def test_figures_of_rows_that_share_their_integers_are_those_of_each_row_alone() -> None:
    definition = shipped_definitions()["onward-advice"]
    asked: dict[str, Any] = {"start": START, "end": END, "cut_off": CUT_OFF}
    row = dict.fromkeys(NAMES, 0) | {"eligible": 1, "due": 1, "answered": 1, "numerator": 1}
    many, few, none = case_counts([row] * 40), case_counts([row]), {"not-due": 0}
    rows = [CubeRow({"location": name}, one, none, none) for name, one in (("34", many), ("40", few), ("50", many))]
    found = figures(definition, rows, **asked)
    assert found == tuple(figure(definition, one, **asked) for one in rows)
    assert [one.group["location"] for one in found] == ["34", "40", "50"]
    assert found[0].interval is found[2].interval
