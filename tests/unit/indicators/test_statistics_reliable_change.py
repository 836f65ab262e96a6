"""Jacobson and Truax's classes: published values, both directions, the error alone, and a table by instrument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from exchange.errors import IndicatorError
from exchange.indicators.cohort import Question
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.reliable_change import (
    MeasurementError,
    Norms,
    Population,
    Table,
    change_beyond,
    measurement_error,
    reliable_change,
    scores_of,
    tables,
)
from exchange.records.codes import EndReason, SourceKind
from exchange.records.instruments import instruments
from exchange.records.model import Dataset, Episode, Measurement

# The hypothetical example of Jacobson & Truax 1991, table 1.
PAPER = Norms(
    "example", Population("with", 40, 7.5, "table 1"), Population("without", 60, 7.5, "table 1"), 0.80, "table 1"
)
# Invented, for the NPRS: lower is better.
PAIN = Norms(
    "nprs", Population("with", 5.5, 1.8, "invented"), Population("without", 1.0, 1.1, "invented"), 0.81, "invented"
)
START, END = date(2025, 1, 1), date(2025, 3, 1)


def test_the_example_of_the_paper_comes_out_in_its_own_digits() -> None:
    assert round(PAPER.error, 2) == 4.74
    assert PAPER.cut_off == 50
    assert round((47.5 - 32.5) / PAPER.error, 2) == 3.16
    # Reliable, and still on the side of those with the complaint.
    assert reliable_change(32.5, 47.5, PAPER) == "improved"


def test_the_cut_off_is_that_of_the_clinicalsignificance_package() -> None:
    # README of pedscience/clinicalsignificance: claus_2020, BDI, cut-off "c" with a value of 21.6 from M 35.48, SD 8.16
    # of patients and M 8, SD 8 of the functional population, at a reliability of 0.81; lower is better.
    beck = Norms("bdi", Population("", 35.48, 8.16, ""), Population("", 8, 8, ""), 0.81, "")
    assert round(beck.cut_off, 2) == 21.6
    # Its picture in words: 32 before and 12 after crosses the cut-off, beyond the error of measurement.
    assert reliable_change(32, 12, beck) == "recovered"


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        (40, 50, "recovered"),
        (40, 49.9, "improved"),
        (40, 49.2, "unchanged"),
        (49.9, 60, "recovered"),
        (50, 60, "improved"),
        (50, 40, "deteriorated"),
        (50, 41, "unchanged"),
        (40, 40, "unchanged"),
    ],
)
def test_each_class_begins_where_the_paper_says_in_both_directions(start: float, end: float, named: str) -> None:
    assert reliable_change(start, end, PAPER) == named
    lower = replace(PAPER, dysfunctional=PAPER.functional, functional=PAPER.dysfunctional)
    assert reliable_change(100 - start, 100 - end, lower) == named


def test_the_cut_off_lies_nearer_to_the_narrower_group() -> None:
    # c = (7.5 x 60 + 2.5 x 40) / 10: nearer to those whose scores spread less.
    assert replace(PAPER, functional=replace(PAPER.functional, sd=2.5)).cut_off == 55


@pytest.mark.parametrize(
    ("name", "least", "confidence"),
    [
        ("qbpds", 12.0, 95),
        ("berg", 7.0, 95),
        # 90 % is 1.644854 times the same error, 95 % 1.959964 times.
        ("lefs", 9 * 1.959964 / 1.644854, 90),
        ("quickdash", 12.9 * 1.959964 / 1.644854, 90),
        ("ndi", 11.0, None),
    ],
)
def test_a_published_error_is_taken_at_95_per_cent(name: str, least: float, confidence: int | None) -> None:
    found = measurement_error(instruments()[name])
    assert found is not None
    assert (found.least, found.confidence) == (pytest.approx(least, rel=1e-6), confidence)


def test_an_instrument_without_a_published_error_has_none() -> None:
    assert measurement_error(instruments()["nprs"]) is None


def test_by_the_error_alone_nobody_is_recovered_and_the_error_itself_counts() -> None:
    error = MeasurementError(12.0, 95)
    told = [change_beyond(40, end, error, higher_is_better=False) for end in (0, 28, 28.1, 51.9, 52, 100)]
    assert told == ["improved", "improved", "unchanged", "unchanged", "deteriorated", "deteriorated"]
    assert change_beyond(1.0, 1.3, MeasurementError(0.3, 95), higher_is_better=True) == "improved"


def episode(number: int, instrument: str, reason: EndReason = EndReason.GOALS_REACHED, patient: int = 0) -> Episode:
    return Episode(
        f"e{number:02}", f"p{patient or number:02}", SourceKind.EPD, START, end=END, end_reason=reason,
        instrument=instrument,
    )  # fmt: skip


def scored(one: Episode, first: int, last: int) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(f"{one.episode_id}-{day}", one.episode_id, one.patient_id, one.instrument, day, score)
        for day, score in ((START, first), (END, last))
    )


def found_in(dataset: Dataset, norms: Mapping[str, Norms]) -> dict[str, Table]:
    question = Question(
        shipped_definitions()["responders"], START, date(2026, 1, 1), date(2026, 1, 1), (), instruments()
    )
    return {one.instrument: one for one in tables(question, dataset, norms)}


def practice() -> Dataset:
    """Six on the NPRS of whom one died and one was not measured, two on the QBPDS, one on a list, one without any."""
    pain = [episode(n, "nprs", EndReason.DIED if n == 6 else EndReason.GOALS_REACHED) for n in range(1, 7)]
    pain[1] = episode(2, "nprs", patient=1)
    back, other = [episode(n, "qbpds") for n in (7, 8)], [episode(9, "startback"), episode(10, "")]
    scores = [*scored(pain[0], 70, 20), *scored(pain[1], 70, 40), *scored(pain[2], 60, 50), *scored(pain[3], 30, 60)]
    scores += [*scored(pain[5], 70, 0), *scored(back[0], 60, 30), *scored(back[1], 60, 49), *scored(other[0], 5, 1)]
    return Dataset(episodes=(*pain, *back, *other), measurements=tuple(scores))


def test_a_table_stands_for_each_instrument_and_holds_who_was_not_measured() -> None:
    found = found_in(practice(), {"nprs": PAIN})
    assert list(found) == ["nprs", "qbpds", ""]  # a list that predicts is no measure of effect
    pain, back, none = found.values()
    assert pain.counts == {"recovered": 1, "improved": 1, "unchanged": 1, "deteriorated": 1}
    assert (pain.episodes, pain.measured, pain.patients, pain.basis) == (5, 4, 3, "norms")
    assert (pain.share, pain.bounds) == (0.5, (2 / 5, 3 / 5))
    assert pain.improved is not None
    assert pain.improved.method == "wilson-clustered"
    assert 0 < pain.improved.lower < 0.5 < pain.improved.upper < 1
    assert (back.counts, back.basis, back.verified) == (
        {"improved": 1, "unchanged": 1, "deteriorated": 0}, "error", True,
    )  # fmt: skip
    assert (none.counts, none.basis, none.episodes, none.share) == ({}, "none", 1, None)


def test_without_norms_or_an_error_nothing_is_told_of_an_instrument_but_how_many_were_measured() -> None:
    pain = found_in(practice(), {})["nprs"]
    assert (pain.counts, pain.basis, pain.share, pain.bounds) == ({}, "none", None, None)
    assert (pain.episodes, pain.measured) == (5, 4)


def test_unverified_norms_and_thresholds_are_marked() -> None:
    assert not found_in(practice(), {"nprs": PAIN})["nprs"].verified
    assert found_in(practice(), {"nprs": replace(PAIN, verified=True)})["nprs"].verified
    neck = episode(1, "ndi")
    assert not found_in(Dataset(episodes=(neck,), measurements=scored(neck, 30, 10)), {})["ndi"].verified


def test_an_indicator_that_looks_at_no_improvement_has_no_table() -> None:
    with pytest.raises(IndicatorError) as refused:
        scores_of(shipped_definitions()["measured"])
    assert refused.value.rule == "reliable-change.no-scores"
