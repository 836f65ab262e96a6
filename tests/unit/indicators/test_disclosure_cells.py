"""What is unsafe by itself, what may be said instead, and what the release ledger refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.indicators import disclosure
from exchange.indicators.disclosure import Bound, People, Published, refuse_differencing, refuse_unplanned
from exchange.indicators.figure import Figure

BASE = Figure("onward-advice", 1, "proportion", "patients", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1))


def figure(y, n, **more):
    return replace(BASE, **({"numerator": y, "denominator": n, "patients": n} | more))


def test_people_are_counted_where_units_are_patients() -> None:
    assert disclosure.people(figure(12, 60)) == People(60, 12, 48)
    assert disclosure.people(figure(12, 60, patients=None)) == People(60, 12, 48)


def test_known_distinct_patients_are_taken() -> None:
    found = figure(30, 60, unit="episodes", patients=40, numerator_patients=9, complement_patients=35)
    assert disclosure.people(found) == People(40, 9, 35)


def test_unknown_distinct_patients_are_never_overstated() -> None:
    assert disclosure.people(figure(30, 60, unit="episodes", patients=40)) == People(40, 10, 10)
    assert disclosure.people(figure(30, 60, unit="episodes", patients=20)) == People(20, 1, 1)
    assert disclosure.people(figure(0, 60, unit="episodes", patients=20)) == People(20, 0, 20)
    assert disclosure.people(figure(30, 60, unit="episodes", patients=None)) == People(1, 1, 1)


def test_no_more_patients_than_units_and_nobody_without_units() -> None:
    assert disclosure.people(figure(3, 8, patients=500)).whole == 8
    assert disclosure.people(figure(None, None)) == People(0, 0, 0)
    assert disclosure.people(replace(BASE, unit="episodes")) == People(0, 0, 0)


@pytest.mark.parametrize(("count", "small"), [(0, False), (1, True), (9, True), (10, False)])
def test_too_few_is_one_to_threshold_minus_one(count, small) -> None:
    assert disclosure.too_few(count, 10) is small


@pytest.mark.parametrize(("n", "small"), [(0, False), (9, True), (10, False)])
def test_a_small_denominator_is_unsafe(n, small) -> None:
    assert disclosure.small_whole(figure(0, n), 10) is small


def test_a_ratio_of_two_counts_has_two_cells() -> None:
    assert disclosure.small_whole(figure(9, 60, kind="rate-ratio"), 10)
    assert not disclosure.small_whole(figure(10, 60, kind="rate-ratio"), 10)
    assert disclosure.small_whole(figure(30, 60, kind="rate-ratio", numerator_patients=9), 10)
    assert not disclosure.small_whole(figure(None, 60, kind="rate-ratio"), 10)
    # Nobody with what is counted, on either side, is a fact about everyone.
    assert disclosure.small_whole(figure(0, 60, kind="rate-ratio"), 10)
    assert not disclosure.small_whole(figure(0, 60), 10)
    paired = {"kind": "rate-ratio", "unit": "episodes", "patients": 40, "numerator_patients": 20}
    assert disclosure.small_whole(figure(30, 60, **paired, complement_patients=9), 10)
    assert disclosure.small_whole(figure(30, 60, **paired, complement_patients=0), 10)
    assert not disclosure.small_whole(figure(30, 60, **paired, complement_patients=10), 10)
    assert not disclosure.small_whole(figure(0, 0, kind="rate-ratio"), 10)
    assert not disclosure.small_whole(figure(5, 60, unit="episodes", patients=40, complement_patients=5), 10)
    assert not disclosure.small_whole(figure(9, 60), 10)


@pytest.mark.parametrize(
    ("y", "inside", "outside"),
    [(0, True, False), (1, True, False), (9, True, False), (10, False, False), (50, False, False), (51, False, True)],
)
def test_numerator_and_complement_are_cells(y, inside, outside) -> None:
    assert disclosure.small_inside(figure(y, 60), 10, sensitive=True) is inside
    assert disclosure.small_outside(figure(y, 60), 10, sensitive=True) is outside
    assert disclosure.small_outside(figure(60 - y, 60), 10, sensitive=True) is inside


def test_none_or_all_is_only_unsafe_of_a_sensitive_fact() -> None:
    assert not disclosure.small_inside(figure(0, 60), 10, sensitive=False)
    assert not disclosure.small_outside(figure(60, 60), 10, sensitive=False)
    assert disclosure.small_outside(figure(60, 60), 10, sensitive=True)


def test_sums_and_empty_figures_have_no_side_of_people() -> None:
    assert not disclosure.small_inside(figure(3, 60, kind="mean"), 10, sensitive=True)
    assert not disclosure.small_inside(figure(0, 0), 10, sensitive=True)
    assert not disclosure.small_outside(figure(0, 0), 10, sensitive=True)


def test_being_measured_is_no_fact_about_health() -> None:
    assert disclosure.is_sensitive(BASE)
    assert not disclosure.is_sensitive(replace(BASE, kind="completeness"))
    assert disclosure.is_sensitive(BASE, {"onward-advice"})
    assert not disclosure.is_sensitive(BASE, set())


def test_more_than_is_said_as_the_rules_print_it() -> None:
    found = disclosure.instead(figure(55, 60), 10)
    assert found == Bound(True, 50, 60, 83)
    assert found.rule == "disclosure.more-than"
    words = say(found.rule, {"percent": found.percent, "count": found.count, "total": found.total})
    assert words == "more than 83 % (over 50 of 60)"


def test_less_than_rounds_up_and_more_than_rounds_down() -> None:
    found = disclosure.instead(figure(3, 60), 10)
    assert found == Bound(False, 10, 60, 17)
    assert found.rule == "disclosure.less-than"
    assert disclosure.instead(figure(3, 20), 10) == Bound(False, 10, 20, 50)


@pytest.mark.parametrize("threshold", [5, 10])
def test_every_small_number_stays_possible_beside_a_side_that_is_not_small(threshold: int) -> None:
    # Of 12 with "more than 2" the other side is ten or more, which leaves at most two and not nine.
    least = 2 * threshold - 1
    for y in range(least + 1):
        small = {y, least - y}
        said = disclosure.instead(figure(y, least), threshold)
        assert (said is not None) == any(each < threshold for each in small)
        assert disclosure.instead(figure(min(y, least - 1), least - 1), threshold) is None


@pytest.mark.parametrize("y", [51, 55, 59, 60])
def test_the_same_is_said_whatever_the_small_number_is(y) -> None:
    assert disclosure.instead(figure(y, 60), 10) == disclosure.instead(figure(55, 60), 10)
    assert disclosure.instead(figure(60 - y, 60), 10) == disclosure.instead(figure(5, 60), 10)


@pytest.mark.parametrize(
    "unsaid",
    [
        figure(30, 60),
        figure(2, 8),
        figure(6, 12),
        figure(None, 60),
        figure(5, None),
        figure(60, 60, kind="completeness"),
        # Few patients outside, but many of their episodes: "over 50 of 60" would be untrue.
        figure(45, 60, unit="episodes", patients=40, complement_patients=3),
        figure(15, 60, unit="episodes", patients=40, numerator_patients=3),
        figure(50, 60, unit="episodes", patients=40, complement_patients=3),
        figure(10, 60, unit="episodes", patients=40, numerator_patients=3),
    ],
)
def test_nothing_is_said_instead_where_it_would_be_untrue_or_tell_more(unsaid) -> None:
    sensitive = unsaid.kind != "completeness"
    assert disclosure.instead(unsaid, 10, sensitive=sensitive) is None


def test_a_threshold_below_five_is_refused() -> None:
    assert disclosure.require_threshold(5) == 5
    with pytest.raises(IndicatorError) as caught:
        disclosure.require_threshold(4)
    assert caught.value.rule == "disclosure.threshold-too-low"
    assert caught.value.params == {"lowest": 5}
    assert caught.value.hints == ("hint.disclosure-threshold",)


def members(*ranges):
    return frozenset(f"{i:04}" for start, end in ranges for i in range(start, end))


def ledger(*earlier):
    return [Published(f"cell-{i}", each) for i, each in enumerate(earlier)]


@pytest.mark.parametrize(("extra", "allowed"), [(0, True), (1, False), (9, False), (10, True)])
def test_a_difference_of_a_few_patients_with_an_earlier_cell_is_refused(extra, allowed) -> None:
    small, large = members((0, 50)), members((0, 50 + extra))
    assert (refuse_differencing(large, ledger(small), 10) == ()) is allowed
    assert (refuse_differencing(small, ledger(large), 10) == ()) is allowed


def test_a_refusal_names_the_earlier_cell_and_the_threshold() -> None:
    found = refuse_differencing(members((0, 53)), ledger(members((100, 200)), members((0, 50))), 10, key="new")
    assert [(each.rule, each.path, each.params) for each in found] == [
        ("disclosure.differencing", "new", {"earlier": "cell-1", "threshold": 10})
    ]


def test_every_refusal_is_given_in_order() -> None:
    found = refuse_differencing(members((0, 53)), ledger(members((0, 55)), members((0, 50))), 10)
    assert [each.params["earlier"] for each in found] == ["cell-0", "cell-1"]


def test_cells_that_merely_overlap_are_the_named_residual_risk() -> None:
    assert refuse_differencing(members((3, 53)), ledger(members((0, 50))), 10) == ()


@pytest.mark.parametrize(("now", "allowed"), [((0, 50), True), ((1, 50), False), ((5, 54), False), ((5, 55), True)])
def test_a_correction_needs_nobody_or_enough_patients_changed(now, allowed) -> None:
    found = refuse_differencing(members(now), [Published("same", members((0, 50)))], 10, key="same")
    assert (found == ()) is allowed
    assert {each.rule for each in found} <= {"disclosure.correction-too-small"}


def test_the_default_threshold_is_ten_and_a_lower_one_than_five_refused() -> None:
    nine, ten = members((0, 59)), members((0, 60))
    assert refuse_differencing(nine, ledger(members((0, 50))))
    assert not refuse_differencing(ten, ledger(members((0, 50))))
    assert not refuse_differencing(nine, ledger(members((0, 50))), 5)
    with pytest.raises(IndicatorError):
        refuse_differencing(nine, [], 4)


def test_only_tables_of_the_plan_may_be_released() -> None:
    plan = {"onward-advice": [(), ("location",), ("year", "sex")]}
    groups = ({}, {"location": "knee"}, {"sex": "f", "year": "2025"}, {"sex": "f"}, {"sex": "m"})
    found = refuse_unplanned([figure(20, 60, group=group) for group in groups], plan)
    assert [(each.rule, each.path, each.params) for each in found] == [
        ("disclosure.not-in-plan", "onward-advice/sex", {"table": "onward-advice/sex"})
    ]
    other = refuse_unplanned([replace(BASE, indicator="measured"), BASE], {"onward-advice": [()]})
    assert [each.path for each in other] == ["measured"]
