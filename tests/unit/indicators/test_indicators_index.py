"""The official index: bands by insurer and year, the way to the target, plans per group, and when a change shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.indicators.cube import CubeRow, mean_counts
from exchange.indicators.index import (
    band_for,
    bands,
    contract_years,
    group_plans,
    index_after,
    position,
    shows_in,
    way_to_target,
)
from exchange.records.model import IndexFigure

OFFICIAL = IndexFigure(2024, "v3", "VGZ", 180, 160, 205, date(2024, 1, 1), date(2025, 1, 1), "invented for a test")


def test_every_band_names_its_source_and_its_own_years() -> None:
    for band in bands():
        assert band.source
        assert band.first < band.last
        assert band.bound in {"lower", "value"}


def test_a_band_is_never_taken_from_another_year_or_discipline() -> None:
    found = band_for("vgz", "oefentherapie", date(2025, 6, 1))
    assert found is not None
    assert found.target == 130
    assert band_for("VGZ", "oefentherapie", date(2024, 6, 1)) is None
    assert band_for("VGZ", "logopedie", date(2025, 6, 1)) is None


@pytest.mark.parametrize(("lower", "label"), [(149.4, "toegestaan"), (150, "boven de grens"), (39, "toegestaan")])
def test_only_the_bound_the_insurer_uses_is_set_against_its_band(lower: float, label: str) -> None:
    band = band_for("VGZ", "oefentherapie", date(2025, 6, 1))
    assert band is not None
    found = position(replace(OFFICIAL, lower=lower), band)
    assert found.range is not None
    assert (found.compared, found.range.label["nl"]) == (lower, label)


def test_without_the_published_bound_there_is_no_position() -> None:
    band = band_for("VGZ", "oefentherapie", date(2025, 6, 1))
    assert band is not None
    assert position(replace(OFFICIAL, lower=None), band).range is None
    cz = band_for("CZ", "oefentherapie", date(2026, 1, 1))
    assert cz is not None
    found = position(replace(OFFICIAL, value=100), cz)
    assert found.range is not None
    assert found.range.label["en"] == "module Transparantie"
    assert contract_years(cz, 2024) == (2026,)


def test_the_way_to_the_target_follows_from_the_official_figure() -> None:
    way = way_to_target(OFFICIAL, 3600, 130)
    assert way.implied_expected == 2000
    assert way.sessions_to_save == pytest.approx(1000)
    assert way_to_target(OFFICIAL, 3600, 190).sessions_to_save == 0


def test_a_target_on_the_lower_bound_uses_the_bound_throughout() -> None:
    way = way_to_target(OFFICIAL, 3200, 130, basis="lower")
    assert way.implied_expected is None
    assert way.sessions_to_save == pytest.approx(600)
    with pytest.raises(IndicatorError):
        way_to_target(replace(OFFICIAL, lower=None), 3200, 130, basis="lower")


def group(mean: int, patients: int = 10) -> CubeRow:
    """Return a group of patients who all had the same number of sessions."""
    return CubeRow({"location": "34"}, mean_counts({mean: patients}, 0), histogram={mean: patients})


def test_mean_minus_five_of_twenty_two_takes_180_to_139_and_says_that_it_misses_130() -> None:
    (plan,) = group_plans([group(22), group(0)], index=180, target=130)
    assert (plan.goal, plan.sessions_saved, round(plan.index_if_all_so)) == (17, 50, 139)
    assert [warning.rule for warning in plan.warnings] == ["indicators.plan-misses-target"]
    assert "139" in say(plan.warnings[0].rule, plan.warnings[0].params, "nl")
    assert index_after([plan], index=180, observed=220) == pytest.approx(139.09, abs=0.01)
    assert index_after([plan], index=180, observed=0) is None


def test_a_plan_that_saves_nothing_or_leaves_nothing_says_so() -> None:
    (fixed,) = group_plans([group(12)], index=120, target=130, rule="fixed")
    assert (fixed.sessions_saved, [each.rule for each in fixed.warnings]) == (0, ["indicators.plan-no-less"])
    (small,) = group_plans([group(4)], index=120, target=130)
    assert "indicators.plan-below-one" in {each.rule for each in small.warnings}
    (enough,) = group_plans([group(30)], index=180, target=130, rule="fixed")
    assert enough.warnings == ()


def test_a_change_first_shows_in_the_release_whose_months_come_after_it() -> None:
    found = shows_in(date(2025, 8, 1))
    assert [(each.version, each.year, each.published) for each in found[:3]] == [
        ("v2", 2025, date(2026, 1, 15)),
        ("v3", 2025, date(2026, 4, 15)),
        ("v1", 2026, date(2026, 10, 15)),
    ]
    assert [each.whole for each in found[:3]] == [False, False, True]
