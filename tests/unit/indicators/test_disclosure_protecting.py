"""One release for outsiders: what is withheld with a cell, beside a cell, and from a figure that stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from exchange.errors import IndicatorError
from exchange.indicators import bounding
from exchange.indicators.families import sums_of
from exchange.indicators.figure import Figure, Interval, Verdict
from exchange.indicators.protecting import TOO_FEW, WOULD_REVEAL, explain, protect, stand_in, withhold

BASE = Figure(
    "durable-discharge-12", 2, "proportion", "patients", date(2025, 1, 1), date(2026, 1, 1), date(2027, 2, 1),
    sources=("epd",), target=0.8, as_of_load=7,
)  # fmt: skip


def figure(y, n, **more):
    return replace(BASE, **({"numerator": y, "denominator": n, "patients": n} | more))


def outside(*figures, **more):
    return protect(figures, audience="outside", **more)


def reasons(*figures, **more):
    return [each.masked for each in outside(*figures, **more)]


def by(dimension, *counts, **more):
    return [figure(y, n, group={dimension: f"g{i}"}, **more) for i, (y, n) in enumerate(counts)]


FULL = figure(
    4, 60, eligible=80, due=70, answered=60, unknown=10, censored=2, excluded=11, value=4 / 60,
    interval=Interval(0.02, 0.16, "wilson-clustered"), bounds=(0.05, 0.2), verdict=Verdict.NOT_MET,
    numerator_patients=4, complement_patients=56, baseline=0.5,
    parts={"knee": 30, "hip": 30}, details={"median": 5.0}, evidence={"signed": 60}, withheld=("due",),
)  # fmt: skip


@pytest.mark.parametrize("audience", ["internal", "review"])
def test_inside_and_in_a_review_nothing_changes(audience) -> None:
    assert protect([FULL], audience=audience) == (FULL,)


def test_a_threshold_below_five_is_refused_for_every_audience() -> None:
    for audience in ("internal", "outside"):
        with pytest.raises(IndicatorError):
            protect([FULL], audience=audience, threshold=4)


def test_an_unknown_audience_is_refused() -> None:
    with pytest.raises(ValueError, match="insurer"):
        protect([FULL], audience="insurer")


def test_everything_that_derives_from_a_withheld_cell_is_withheld() -> None:
    (found,) = outside(FULL)
    kept = replace(BASE, masked=TOO_FEW, baseline=0.5)
    assert found == replace(kept, details={"bound-under": 10.0, "bound-of": 60.0, "bound-percent": 17.0})


def test_a_withheld_figure_explains_itself() -> None:
    under, over, blank, safe = outside(
        *(figure(y, n, indicator=f"i{y}") for y, n in ((4, 60), (55, 60), (2, 8), (30, 60)))
    )
    assert explain(under) == ("disclosure.less-than", {"percent": 17, "count": 10, "total": 60})
    assert explain(over) == ("disclosure.more-than", {"percent": 83, "count": 50, "total": 60})
    assert explain(blank, 7) == (TOO_FEW, {"threshold": 7})
    assert explain(blank) == (TOO_FEW, {"threshold": 10})
    assert explain(safe) is None


@pytest.mark.parametrize(
    ("y", "n", "masked"),
    [
        (10, 20, None),
        (9, 20, TOO_FEW),
        (11, 20, TOO_FEW),
        (0, 20, TOO_FEW),
        (20, 20, TOO_FEW),
        (4, 9, TOO_FEW),
        (0, 0, None),
    ],
)
def test_a_single_figure_is_withheld_by_its_own_cells(y, n, masked) -> None:
    assert reasons(figure(y, n)) == [masked]


def test_the_threshold_is_the_agreements() -> None:
    assert reasons(figure(7, 20), threshold=7) == [None]
    assert reasons(figure(6, 20), threshold=7) == [TOO_FEW]


def test_none_or_all_stands_where_the_fact_is_not_sensitive() -> None:
    assert reasons(figure(60, 60, kind="completeness")) == [None]
    assert reasons(figure(60, 60), sensitive=()) == [None]
    assert reasons(figure(60, 60), sensitive=("durable-discharge-12",)) == [TOO_FEW]


def test_one_small_group_takes_the_smallest_other_group_along() -> None:
    total, *groups = figure(50, 100), *by("location", (3, 6), (15, 30), (15, 30), (17, 34))
    assert reasons(total, *groups) == [None, TOO_FEW, WOULD_REVEAL, None, None]


def test_an_empty_group_hides_nothing_and_stays() -> None:
    total, *groups = figure(30, 70), *by("location", (3, 6), (0, 0), (27, 64))
    assert reasons(total, *groups) == [None, TOO_FEW, None, WOULD_REVEAL]


def test_a_total_is_withheld_only_when_nothing_else_can_be() -> None:
    total, *groups = figure(20, 46), *by("location", (3, 6))
    groups += by("location", (17, 40), indicator="other")
    assert reasons(total, *groups) == [None, TOO_FEW, None]
    both = [figure(23, 46), *by("location", (3, 6), (20, 40))]
    assert reasons(*both) == [None, TOO_FEW, WOULD_REVEAL]
    alone = [figure(3, 6), *by("location", (3, 6))]
    assert reasons(*alone) == [TOO_FEW, TOO_FEW]


def test_two_small_groups_that_bound_each_other_need_a_third() -> None:
    # 9 + 9 = 18 with both known to be below ten would give both.
    groups = by("location", (9, 40), (9, 40), (20, 42))
    assert reasons(figure(38, 122), *groups) == [None, TOO_FEW, TOO_FEW, WOULD_REVEAL]
    assert reasons(figure(38, 122), *groups[:2]) == [None, TOO_FEW, TOO_FEW]


def test_a_small_numerator_takes_another_groups_numerator_along() -> None:
    found = outside(figure(42, 110), *by("location", (4, 30), (17, 35), (21, 45)))
    assert [each.masked for each in found] == [None, TOO_FEW, WOULD_REVEAL, None]
    assert (found[1].details["bound-under"], found[2].details) == (10.0, {})


def test_nothing_is_said_instead_where_that_would_bound_another_cell() -> None:
    # With "under 10 of 24" for the total, the first group would have at least 3 of 12 without the outcome.
    found = outside(figure(3, 24), *by("location", (3, 12), (0, 12)))
    assert [each.masked for each in found] == [TOO_FEW, TOO_FEW, TOO_FEW]
    assert [dict(each.details) for each in found][1:] == [{}, {}]


def test_nothing_is_said_instead_of_a_figure_whose_size_would_give_another_away() -> None:
    # "under 10 of 19" beside the total of 22 would leave 3 for the first group.
    found = outside(figure(0, 22), *by("location", (0, 3), (0, 19)))
    assert [each.masked for each in found] == [TOO_FEW, TOO_FEW, TOO_FEW]
    assert [dict(each.details) for each in found] == [
        {"bound-under": 10.0, "bound-of": 22.0, "bound-percent": 46.0},
        {},
        {},
    ]


def test_nothing_is_said_beside_a_printed_total_where_it_would_leave_less_of_another_group() -> None:
    # Of 19 in all, "under 10 of 19" in the second group would leave ten or more of 18 in the first, and not 9 to 17.
    found = outside(figure(19, 37), *by("location", (14, 18), (5, 19)))
    assert [each.masked for each in found] == [None, TOO_FEW, TOO_FEW]
    assert [dict(each.details) for each in found] == [{}, {}, {}]


def test_a_small_complement_takes_another_along() -> None:
    assert reasons(figure(60, 100), *by("location", (27, 30), (15, 35), (18, 35))) == [
        None,
        TOO_FEW,
        WOULD_REVEAL,
        None,
    ]


def test_a_table_of_two_dimensions_is_closed_both_ways() -> None:
    cells = {("a", "f"): 4, ("a", "m"): 30, ("b", "f"): 30, ("b", "m"): 30, ("c", "f"): 40, ("c", "m"): 40}
    figures = [figure(87, 174)]
    for name, place in (("location", 0), ("sex", 1)):
        for level in sorted({key[place] for key in cells}):
            n = sum(v for key, v in cells.items() if key[place] == level)
            figures.append(figure(n // 2, n, group={name: level}, kind="mean"))
    figures[0] = replace(figures[0], kind="mean")
    figures += [figure(0, n, group={"location": a, "sex": b}, kind="mean") for (a, b), n in cells.items()]
    masked = {tuple(sorted(each.group.values())): each.masked for each in outside(*figures)}
    hidden = {key for key, reason in masked.items() if reason}
    assert masked["a", "f"] == TOO_FEW
    assert hidden == {("a", "f"), ("a", "m"), ("b", "f"), ("b", "m")}


def test_months_are_a_table_under_their_year() -> None:
    months = [
        figure(12, 24 if i else 6, kind="mean", start=date(2025, i + 1, 1), end=date(2025, i + 2, 1)) for i in range(11)
    ]
    months.append(figure(12, 24, kind="mean", start=date(2025, 12, 1), end=date(2026, 1, 1)))
    year = figure(200, 270, kind="mean")
    found = reasons(year, *months)
    assert found[:2] == [None, TOO_FEW]
    assert found.count(WOULD_REVEAL) == 1


def test_practices_are_a_table_under_the_pooled_figure() -> None:
    pooled = figure(60, 120, scope="pooled")
    practices = [figure(y, n, scope=f"agb:0700000{i}") for i, (y, n) in enumerate(((3, 8), (22, 42), (35, 70)))]
    assert reasons(pooled, *practices) == [None, TOO_FEW, WOULD_REVEAL, None]


def test_a_figure_that_outsiders_already_have_stays_known() -> None:
    groups = by("location", (3, 6), (20, 40), (22, 44))
    assert reasons(figure(45, 90), *groups) == [None, TOO_FEW, WOULD_REVEAL, None]
    assert reasons(figure(45, 90), groups[0], groups[2], published=[groups[1]]) == [None, TOO_FEW, WOULD_REVEAL]
    # With every other group published before, only the total is left to withhold.
    assert reasons(figure(45, 90), groups[0], published=groups[1:]) == [WOULD_REVEAL, TOO_FEW]
    # What is already out can't be called back, small or not.
    assert reasons(figure(45, 90), published=groups) == [None]


def test_a_table_too_large_to_be_sure_of_is_refused_but_for_its_total(monkeypatch) -> None:
    monkeypatch.setattr(bounding, "MOST_CELLS", 1)
    figures = [figure(90, 180), *by("location", (3, 6), (4, 8), (40, 80), (43, 86))]
    assert reasons(*figures) == [None, TOO_FEW, TOO_FEW, WOULD_REVEAL, WOULD_REVEAL]


def test_figures_of_another_version_or_indicator_are_no_table() -> None:
    groups = by("location", (3, 6), (47, 94), version=3)
    assert reasons(figure(50, 100), *groups) == [None, TOO_FEW, None]


def test_groups_that_overlap_are_no_sum() -> None:
    figures = [figure(50, 100), *by("diagnosis", (30, 60), (30, 60))]
    assert sums_of(figures, {i: each.denominator for i, each in enumerate(figures)}) == []


def test_what_is_missing_from_a_total_is_a_rest_that_nobody_publishes() -> None:
    figures = [figure(50, 100), *by("diagnosis", (30, 60), (15, 30))]
    (one,) = sums_of(figures, {0: 100, 1: 60, 2: 30})
    assert (one.total, one.parts) == (0, (1, 2, ("rest", 0, 1, 2)))


def test_overlapping_periods_are_chained_without_overlap() -> None:
    spans = [(1, 4), (3, 6), (4, 7), (7, 10)]
    quarters = [figure(5, 20, start=date(2025, a, 1), end=date(2025, b, 1)) for a, b in spans]
    (one,) = sums_of([figure(15, 60), *quarters], dict(enumerate([60, 20, 20, 20, 20])))
    assert one.parts == (1, 3, 4)


def parts_of(figures):
    return [(dict(each.parts), each.withheld) for each in figures]


def test_a_small_part_takes_another_along() -> None:
    found = outside(figure(30, 90, kind="mean", parts={"1-3": 4, "4-6": 40, "7-9": 46}))
    assert parts_of(found) == [({"7-9": 46}, ("parts.1-3", "parts.4-6"))]


def test_parts_of_ten_or_none_stand_in_a_distribution() -> None:
    parts = {"1-3": 0, "4-6": 10, "7-9": 80}
    assert parts_of(outside(figure(30, 90, kind="mean", parts=parts))) == [(parts, ())]


def test_a_class_that_holds_nobody_is_withheld_with_others() -> None:
    found = outside(figure(40, 90, kind="category-share", parts={"improved": 40, "unchanged": 50, "deteriorated": 0}))
    assert parts_of(found) == [({"improved": 40}, ("parts.deteriorated", "parts.unchanged"))]


def test_classes_are_left_whole_where_the_fact_is_not_sensitive() -> None:
    parts = {"improved": 40, "unchanged": 50, "deteriorated": 0}
    assert parts_of(outside(figure(40, 90, kind="category-share", parts=parts), sensitive=())) == [(parts, ())]


def test_a_part_is_closed_over_the_groups_too() -> None:
    total = figure(60, 160, kind="mean", parts={"short": 64, "long": 96})
    groups = [
        figure(20, 50, kind="mean", group={"sex": "f"}, parts={"short": 4, "long": 46}),
        figure(20, 50, kind="mean", group={"sex": "m"}, parts={"short": 25, "long": 25}),
        figure(20, 60, kind="mean", group={"sex": "x"}, parts={"short": 35, "long": 25}),
    ]
    found = parts_of(outside(total, *groups))
    assert found[0] == ({"short": 64, "long": 96}, ())
    assert found[1][0] == {}
    assert {} in [found[2][0], found[3][0]]


def test_the_parts_of_a_withheld_group_can_not_be_subtracted() -> None:
    total = figure(60, 108, kind="mean", parts={"short": 54, "long": 54})
    groups = [
        figure(3, 8, kind="mean", group={"sex": "f"}, parts={"short": 4, "long": 4}),
        figure(20, 40, kind="mean", group={"sex": "m"}, parts={"short": 20, "long": 20}),
        figure(20, 60, kind="mean", group={"sex": "x"}, parts={"short": 30, "long": 30}),
    ]
    found = outside(total, *groups)
    assert [each.masked for each in found] == [None, TOO_FEW, WOULD_REVEAL, None]
    assert parts_of(found)[3] == ({"short": 30, "long": 30}, ())


def test_few_patients_with_many_episodes_are_a_small_part() -> None:
    found = outside(figure(30, 90, kind="mean", unit="episodes", patients=60, parts={"1-3": 35, "4-6": 55}))
    assert found[0].withheld == ("parts.1-3",) or "parts.1-3" in found[0].withheld


@pytest.mark.parametrize(
    ("counts", "withheld"),
    [
        ({"eligible": 80, "due": 70, "answered": 60, "unknown": 10}, ()),
        ({"due": 65, "answered": 60, "unknown": 5}, ("due", "unknown")),
        ({"eligible": 74, "due": 70, "answered": 60}, ("eligible",)),
        ({"answered": 63}, ("answered",)),
        ({"excluded": 9}, ("excluded",)),
        ({"excluded": 10, "censored": 0}, ()),
        ({"unknown": 20, "censored": 12}, ("censored",)),
        ({"unknown": 20, "censored": 10}, ()),
        ({"unknown": 20, "excluded": 12}, ()),
        ({"censored": 3}, ("censored",)),
    ],
)
def test_smaller_counts_are_left_out_where_they_or_their_differences_are_small(counts, withheld) -> None:
    (found,) = outside(figure(30, 60, **counts))
    assert found.masked is None
    assert found.withheld == withheld
    for name, count in counts.items():
        assert getattr(found, name) == (None if name in withheld else count)


def test_bounds_go_where_the_unknown_goes_and_the_value_stays() -> None:
    (found,) = outside(figure(30, 60, unknown=4, due=64, bounds=(0.47, 0.53), value=0.5, verdict=Verdict.MET))
    assert (found.bounds, found.value, found.verdict) == (None, 0.5, Verdict.CANNOT_TELL)
    assert found.withheld == ("bounds", "due", "unknown")
    (kept,) = outside(figure(30, 60, unknown=14, bounds=(0.4, 0.6)))
    assert kept.bounds == (0.4, 0.6)


def test_limits_do_not_tell_how_many_are_unknown_where_that_is_withheld() -> None:
    """Whatever the number of unknown from 1 to 9, a reader sees the same figure."""
    from exchange.indicators.cube import CubeRow
    from exchange.indicators.figures import figure as counted
    from exchange.indicators.reading import shipped_definitions

    definition = shipped_definitions()["onward-advice"]

    def seen(unknown: int, target: float | None = None) -> Figure:
        due, sums = 60 + unknown, {}
        for name, count in {"answered": 60, "numerator": 40, "due": due, "possible": 40 + unknown}.items():
            sums |= {f"{name}_{name}": count, f"{name}_due": count, f"patients_{name}": count, name: count}
        sums |= {
            "numerator_answered": 40,
            "patients_refuted": 20,
            "patients_doubtful": 20 + unknown,
            "unknown": unknown,
        }
        row = CubeRow({}, {"eligible": due, "censored": 0, "excluded": 0, "no_agreement": 0, **sums})
        made = counted(definition, row, start=BASE.start, end=BASE.end, cut_off=BASE.cut_off, target=target)
        judged.add(made.verdict)
        assert made.interval is not None
        assert made.interval.method == ("wilson-clustered-bounds" if unknown else "wilson-clustered")
        (found,) = outside(made)
        return found

    judged: set[Verdict | None] = set()
    for target in (0.5, 0.55, 0.77, 0.8):
        # Judged over the unknown the verdict would bound how many there are.
        judged.clear()
        assert len({repr(seen(unknown, target)) for unknown in range(1, 10)}) == 1
        if target in (0.5, 0.8):
            assert len(judged) == 2
    told = [seen(unknown) for unknown in range(1, 10)]
    assert all(one == told[0] for one in told)
    assert told[0].interval is not None
    assert told[0].interval.method == "wilson-clustered-answered"
    assert (told[0].interval.lower, told[0].interval.upper) == (seen(0).interval.lower, seen(0).interval.upper)
    assert seen(30).interval.method == "wilson-clustered-bounds"


def test_a_verdict_stays_where_the_number_of_unknown_is_printed() -> None:
    shown = {"value": 0.5, "interval": Interval(0.3, 0.7, "wilson-bounds"), "bounds": (0.4, 0.6)}
    # That some were left out or are not due yet says nothing of how many are unknown.
    (found,) = outside(figure(30, 60, unknown=14, due=74, excluded=3, verdict=Verdict.NOT_MET, **shown))
    assert (found.bounds, found.verdict) == (None, Verdict.NOT_MET)
    # Without a target there is nothing to judge.
    (descriptive,) = outside(figure(30, 60, unknown=4, **shown))
    assert descriptive.verdict is None
    # The number that was due tells the number of unknown as well.
    (due,) = outside(figure(30, 60, due=64, verdict=Verdict.MET, **shown))
    assert due.verdict is Verdict.CANNOT_TELL


def test_limits_among_those_answered_take_the_place_of_wider_ones() -> None:
    limits = {"answered-lower": 0.4, "answered-upper": 0.6}
    wide = figure(
        30, 60, unknown=4, due=64, bounds=(0.47, 0.53), interval=Interval(0.3, 0.7, "wilson-bounds", 0.9),
        details={**limits, "mean": 5.0, "minimum": 1.0},
    )  # fmt: skip
    (found,) = outside(wide)
    assert found.interval == Interval(0.4, 0.6, "wilson-answered", 0.9)
    assert found.details == {"mean": 5.0}
    assert found.withheld == ("bounds", "details.minimum", "due", "unknown")
    # Without both limits among those answered there are none to show.
    for missing in limits:
        (bare,) = outside(replace(wide, details={name: limits[name] for name in limits if name != missing}))
        assert bare.interval is None
        assert bare.details == {}
    # Where nothing is withheld, nothing changes.
    open_ = replace(wide, unknown=14, due=74, details=limits)
    assert outside(open_) == (open_,)


def test_a_figure_withheld_for_another_says_nothing_instead() -> None:
    gone = withhold(replace(FULL, withheld=()))
    assert gone == replace(outside(figure(4, 60))[0], masked=WOULD_REVEAL, details={}, baseline=0.5)
    assert (gone.masked, gone.value, gone.details, gone.target) == (WOULD_REVEAL, None, {}, 0.8)


def test_a_count_withheld_from_one_group_is_withheld_from_its_sisters() -> None:
    total, *groups = figure(60, 120, excluded=40), *by("sex", (30, 60), (30, 60))
    groups = [replace(groups[0], excluded=4), replace(groups[1], excluded=36)]
    found = outside(total, *groups)
    assert [each.excluded for each in found] == [40, None, None]
    alone = outside(total, groups[0])
    assert [each.excluded for each in alone] == [None, None]


@pytest.mark.parametrize(("patients", "withheld"), [(19, True), (20, False)])
def test_a_median_needs_twice_the_threshold(patients, withheld) -> None:
    (found,) = outside(figure(100, patients, kind="mean", details={"median": 5.0, "sd": 2.0}))
    assert ("median" not in found.details) is withheld
    assert found.details["sd"] == 2.0
    assert found.withheld == (("details.median",) if withheld else ())


def test_extremes_are_one_patients_own_value() -> None:
    (found,) = outside(figure(100, 500, kind="mean", details={"minimum": 1.0, "maximum": 40.0}))
    assert (found.details, found.withheld) == ({}, ("details.maximum", "details.minimum"))


def test_evidence_of_a_few_cases_is_left_out_whole() -> None:
    (found,) = outside(figure(30, 60, evidence={"signed": 57, "form": 3}))
    assert (found.evidence, found.withheld) == ({}, ("evidence",))
    (kept,) = outside(figure(30, 60, evidence={"signed": 50, "form": 10}))
    assert kept.evidence == {"signed": 50, "form": 10}


def test_the_pooled_figure_stands_in_for_a_withheld_one() -> None:
    own, pooled = outside(figure(3, 60, indicator="a"), figure(30, 60, scope="pooled", indicator="a", version=2))
    assert stand_in(own, [own, pooled]) is pooled
    assert stand_in(own, [own]) is None
    assert stand_in(own, [replace(pooled, masked=TOO_FEW)]) is None
    assert stand_in(own, [replace(pooled, version=3)]) is None
    assert stand_in(own, [replace(pooled, end=date(2026, 4, 1))]) is None
    assert stand_in(pooled, [pooled]) is None


def test_limits_among_those_answered_keep_what_they_follow_from() -> None:
    limits = {"answered-lower": 0.4, "answered-upper": 0.6, "answered-design-effect": 1.25}
    over = Interval(0.3, 0.7, "wilson-bounds", 0.9, 1.5, 1.6, None, 63)
    wide = figure(30, 60, unknown=4, due=64, bounds=(0.47, 0.53), interval=over, details={**limits, "mean": 5.0})
    (found,) = outside(wide)
    patients = wide.patients
    assert found.interval == Interval(0.4, 0.6, "wilson-answered", 0.9, 1.25, None, None, patients - 1)
    assert found.details == {"mean": 5.0}
    # Where nobody can know of how many patients they are, that is not said either.
    (nobody,) = outside(replace(wide, patients=None))
    assert nobody.interval is None or nobody.interval.degrees_of_freedom is None


def test_limits_over_unknown_cases_go_outside_without_what_they_follow_from() -> None:
    limits = {"answered-lower": 0.4, "answered-upper": 0.6, "answered-design-effect": 1.25}
    over = Interval(0.3, 0.7, "wilson-bounds", 0.9, 1.5, 1.6, None, 73)
    (found,) = outside(
        figure(30, 60, unknown=14, due=74, bounds=(0.4, 0.6), interval=over, details=limits, eligible=None)
    )
    assert found.interval == Interval(0.3, 0.7, "wilson-bounds", 0.9)
    assert found.details == limits
    # Limits that are not over unknown cases, and of whom all stands beside them, keep it.
    plain = Interval(0.4, 0.6, "wilson-clustered", 0.95, 1.25, None, None, 59)
    (kept,) = outside(figure(30, 60, interval=plain))
    assert kept.interval == plain
    (none,) = outside(figure(30, 60, interval=None))
    assert none.interval is None
