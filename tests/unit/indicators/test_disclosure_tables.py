"""Small tables worked out by hand: what a reader could still work out, and no more than that is withheld.

Each table is the smallest found that tells one step of the calculation apart from a slightly different step. The
sentences say what a reader outside would otherwise learn, or what would be lost without need.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from exchange.indicators import bounding
from exchange.indicators.disclosure import Published, instead, refuse_differencing
from exchange.indicators.figure import Figure
from exchange.indicators.protecting import TOO_FEW, WOULD_REVEAL, instead_of, protect

BASE = Figure("onward-advice", 1, "proportion", "patients", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1))


def figure(y, n, **more):
    return replace(BASE, **({"numerator": y, "denominator": n, "patients": n} | more))


def sized(n, **group):
    """A mean of n patients: only its size can tell anything."""
    return figure(None, n, kind="mean", group=group)


def outside(*figures, **more):
    return protect(figures, audience="outside", **more)


def reasons(*figures, **more):
    return [each.masked for each in outside(*figures, **more)]


def said(*figures, **more):
    """Return of each figure what is said instead of it: over or under, how many, of how many."""
    return [
        next(((key[6:], value, each.details["bound-of"]) for key, value in each.details.items()), None)
        for each in outside(*figures, **more)
    ]


def parts(*figures, **more):
    return [dict(each.parts) for each in outside(*figures, **more)]


class TestSizes:
    def test_parts_go_before_a_total_that_alone_would_do(self) -> None:
        # Withholding the 27 would hide the 9; but a total is looked at by everyone, so parts and the 19 go.
        women, b = sized(27, sex="f"), sized(19, location="b")
        cells = sized(9, sex="f", location="a"), sized(18, sex="f", location="b")
        assert reasons(*cells, b, women) == [TOO_FEW, WOULD_REVEAL, WOULD_REVEAL, None]

    def test_with_every_other_group_known_only_the_total_is_left(self) -> None:
        known = [sized(40, sex="m"), sized(44, sex="x")]
        assert reasons(sized(90), sized(6, sex="f"), published=known) == [WOULD_REVEAL, TOO_FEW]

    def test_a_total_of_ten_leaves_every_small_number_possible(self) -> None:
        assert reasons(sized(10), sized(6, sex="f")) == [None, TOO_FEW]

    def test_two_small_groups_that_make_eight_together_can_not_be_nine(self) -> None:
        groups = sized(3, sex="f"), sized(5, sex="m"), sized(20, sex="x")
        assert reasons(sized(28), *groups) == [None, TOO_FEW, TOO_FEW, WOULD_REVEAL]

    def test_margins_that_leave_at_least_two_go_too(self) -> None:
        # 25 in a row, 23 in the column of the other cell of that row: the first cell would be 2 or more.
        rows, columns = (sized(25, location="a"), sized(23, location="b")), (sized(25, sex="f"), sized(23, sex="m"))
        cells = [
            sized(n, location=row, sex=column)
            for n, row, column in ((5, "a", "f"), (20, "a", "m"), (20, "b", "f"), (3, "b", "m"))
        ]
        found = reasons(sized(48), *rows, *columns, *cells)
        assert found[5:] == [TOO_FEW, WOULD_REVEAL, WOULD_REVEAL, TOO_FEW]
        assert found[:5].count(WOULD_REVEAL) == 2


class TestSides:
    def test_two_small_numerators_that_make_eight_together_can_not_be_nine(self) -> None:
        groups = [figure(y, n, group={"sex": sex}) for y, n, sex in ((3, 30, "f"), (5, 30, "m"), (20, 40, "x"))]
        assert reasons(figure(28, 100), *groups) == [None, TOO_FEW, TOO_FEW, WOULD_REVEAL]

    def test_nothing_is_said_where_the_total_leaves_at_least_two(self) -> None:
        # 19 have the outcome at all, so of 21 women at least two have not.
        assert said(figure(19, 38), figure(18, 21, group={"sex": "f"})) == [None, None]

    def test_nothing_is_said_of_a_group_where_the_total_bounds_it(self) -> None:
        # "under 10 of 20" is at least 11 without the outcome, of 14 in all.
        group = figure(9, 20, group={"sex": "f"})
        assert reasons(figure(14, 28), group) == [None, TOO_FEW]
        assert said(figure(14, 28), group) == [None, None]

    def test_nothing_is_said_of_a_group_that_bounds_a_total_which_says_nothing(self) -> None:
        # "over 11 of 21" in the group would say that the total has twelve or more.
        total = figure(29, 74, unit="episodes", patients=29)
        group = figure(21, 21, unit="episodes", patients=12, group={"sex": "f"})
        assert reasons(total, group) == [TOO_FEW, TOO_FEW]
        assert said(total, group) == [None, None]

    def test_zero_stays_possible_in_what_is_said(self) -> None:
        january = figure(1, 1, end=date(2025, 2, 1))
        march = figure(5, 19, start=date(2025, 3, 1), end=date(2025, 4, 1))
        assert said(figure(6, 39), january, march) == [("under", 10, 39), None, ("under", 10, 19)]

    def test_a_group_withheld_for_its_size_takes_no_total_along(self) -> None:
        women, a = figure(7, 21, group={"sex": "f"}), figure(12, 27, group={"location": "a"})
        cells = figure(7, 21, group={"sex": "f", "location": "a"}), figure(5, 6, group={"sex": "m", "location": "a"})
        assert reasons(*cells, a, women) == [TOO_FEW, TOO_FEW, None, TOO_FEW]

    def test_a_group_withheld_for_its_size_hides_its_sides_from_the_start(self) -> None:
        counts = {"": (32, 124), "x": (4, 30), "a": (3, 6), "b": (14, 28), "c": (11, 60)}
        figures = [figure(*count, group={"location": name} if name else {}) for name, count in counts.items()]
        assert reasons(*figures) == [None, TOO_FEW, TOO_FEW, WOULD_REVEAL, None]

    def test_a_large_group_that_goes_along_may_be_bounded(self) -> None:
        # The 30 men in a are at least 10 (35 in a, 25 women), which gives nobody away.
        cells = {("a", "f"): (2, 5), ("a", "m"): (15, 30), ("b", "f"): (10, 20), ("b", "m"): (20, 40)}
        margins = {"": (47, 95), "a": (17, 35), "b": (30, 60), "f": (12, 25), "m": (35, 70)}
        dimension = {"a": "location", "b": "location", "f": "sex", "m": "sex"}
        figures = [figure(*count, group={dimension[k]: k} if k else {}) for k, count in margins.items()]
        figures += [figure(*count, group={"location": a, "sex": b}) for (a, b), count in cells.items()]
        assert reasons(*figures) == [None] * 5 + [TOO_FEW] + [WOULD_REVEAL] * 3

    def test_a_small_groups_size_is_not_given_away_by_what_is_said_of_others(self) -> None:
        # The group of 30 has no numerator, so the sides of the other two make up the total: 29 less 20 is 9.
        groups = [figure(y, n, group={"sex": sex}) for y, n, sex in ((4, 9, "f"), (3, 20, "m"), (None, 30, "x"))]
        found = said(figure(7, 29), *groups)
        assert found[1] is None
        assert None in (found[0], found[2])

    def test_few_patients_with_many_episodes_leave_an_empty_group_alone(self) -> None:
        # 42 and 22 episodes are not few, their 20 patients may be: no limit of nine may be taken from them.
        total = figure(42, 64, unit="episodes", patients=20)
        assert reasons(total, figure(0, 0, unit="episodes", group={"sex": "f"})) == [TOO_FEW, None]

    def test_a_figure_without_numerator_stands_beside_others(self) -> None:
        assert reasons(figure(None, 60), figure(30, 60, group={"sex": "f"})) == [None, None]

    def test_nothing_is_said_in_a_table_too_large_to_be_sure_of(self, monkeypatch) -> None:
        assert said(figure(3, 60)) == [("under", 10, 60)]
        monkeypatch.setattr(bounding, "MOST_CELLS", 1)
        assert said(figure(3, 60)) == [None]


class TestKnown:
    """Figures that outsiders already have can't be called back: what they tell is counted with."""

    def test_a_known_group_bounds_the_total(self) -> None:
        known = [figure(3, 8, group={"sex": "f"})]
        assert reasons(figure(4, 21), published=known) == [TOO_FEW]
        assert said(figure(4, 21), published=known) == [None]

    def test_the_size_of_a_known_figure_stays_known(self) -> None:
        known = [figure(3, 12, group={"location": "a"})]
        figures = figure(0, 4, group={"location": "a", "sex": "f"}), figure(10, 14, group={"sex": "f"})
        assert reasons(*figures, published=known) == [TOO_FEW, TOO_FEW]
        assert said(*figures, published=known) == [None, None]


class TestWhatIsSaid:
    def test_all_of_a_listed_fact_is_said_as_over(self) -> None:
        everyone = figure(60, 60, kind="completeness")
        assert said(everyone, sensitive={"onward-advice"}) == [("over", 50, 60)]
        assert said(figure(60, 60)) == [("over", 50, 60)]

    def test_none_or_all_of_a_harmless_fact_needs_no_other_words(self) -> None:
        for y in (0, 60):
            harmless = figure(y, 60, kind="completeness")
            assert instead(harmless, 10, sensitive=False) is None
            assert instead_of(harmless, 10) == {}


MEAN = figure(None, 50, kind="mean")


class TestParts:
    def test_two_parts_that_make_ten_hide_each_other(self) -> None:
        assert parts(replace(MEAN, parts={"1-3": 3, "4-6": 7, "7-9": 40})) == [{"7-9": 40}]

    def test_two_parts_that_make_eight_do_not(self) -> None:
        assert parts(replace(MEAN, parts={"1-3": 3, "4-6": 5, "7-9": 42})) == [{}]

    def test_parts_that_are_not_everyone_do_not_give_each_other_away(self) -> None:
        assert parts(replace(MEAN, parts={"1-3": 4, "4-6": 40})) == [{"4-6": 40}]

    def test_without_denominator_parts_are_taken_as_they_are(self) -> None:
        assert parts(figure(None, None, kind="mean", parts={"1-3": 3, "4-6": 10})) == [{"4-6": 10}]

    def test_a_part_can_not_hide_behind_a_denominator_that_is_printed(self) -> None:
        # All 24 are women, of whom 30: without the knee in both, the ankle is known to be 6.
        total = figure(None, 60, kind="mean", parts={"knee": 24})
        women = figure(None, 30, kind="mean", parts={"ankle": 6, "knee": 24}, group={"sex": "f"})
        assert parts(total, women) == [{}, {}]

    @pytest.mark.parametrize("small", ["ankle", "knee"])
    def test_a_part_is_closed_over_the_groups_whatever_its_name(self, small) -> None:
        other = {"ankle": "knee", "knee": "ankle"}[small]
        total = figure(None, 160, kind="mean", parts={small: 64, other: 70})
        groups = [
            figure(None, n, kind="mean", group={"sex": sex}, parts={small: count, other: rest})
            for n, sex, count, rest in ((50, "f", 4, 30), (50, "m", 25, 20), (60, "x", 35, 20))
        ]
        assert parts(total, *groups) == [{small: 64, other: 70}, {other: 30}, {other: 20}, {small: 35, other: 20}]

    def test_a_part_of_a_group_goes_before_the_same_part_of_the_total(self) -> None:
        total = figure(None, 65, kind="mean", parts={"hip": 10, "knee": 23})
        parts_of_women = {"ankle": 2, "hip": 10, "knee": 23, "wrist": 5}
        women = figure(None, 40, kind="mean", group={"sex": "f"}, parts=parts_of_women)
        assert parts(total, women) == [{"knee": 23}, {}]

    def test_margins_that_leave_at_least_two_go_too(self) -> None:
        total = figure(None, 48, kind="mean", parts={"knee": 25, "hip": 23})
        women = figure(None, 25, kind="mean", group={"sex": "f"}, parts={"knee": 5, "hip": 20})
        men = figure(None, 23, kind="mean", group={"sex": "m"}, parts={"knee": 20, "hip": 3})
        assert parts(total, women, men) == [{}, {}, {}]

    def test_a_class_that_all_but_ten_are_in_stands_and_all_but_nine_does_not(self) -> None:
        classes = figure(None, 90, kind="category-share")
        assert parts(replace(classes, parts={"unchanged": 80})) == [{"unchanged": 80}]
        assert parts(replace(classes, parts={"unchanged": 81})) == [{}]

    def test_a_class_of_ten_goes_along_and_may_be_bounded(self) -> None:
        # 13 unchanged in all, so at least two of the 15 women improved: ten are not few.
        total = figure(None, 115, kind="category-share", parts={"improved": 102, "unchanged": 13})
        women = figure(None, 15, kind="category-share", group={"sex": "f"}, parts={"improved": 10, "unchanged": 5})
        men = figure(None, 100, kind="category-share", group={"sex": "m"}, parts={"improved": 92, "unchanged": 8})
        assert parts(total, women, men) == [{"improved": 102, "unchanged": 13}, {}, {}]

    def test_a_large_part_of_a_withheld_figure_may_be_bounded(self) -> None:
        total = figure(None, 8, kind="mean", parts={"short": 26})
        women = figure(None, None, kind="mean", group={"sex": "f"}, parts={"short": 26})
        assert reasons(total, women) == [TOO_FEW, None]
        assert parts(total, women) == [{}, {"short": 26}]

    def test_an_empty_part_of_a_withheld_figure_may_be_known(self) -> None:
        total = figure(15, 42, parts={"hip": 19, "knee": 23, "wrist": 0})
        women = figure(0, 2, group={"sex": "f"}, parts={"hip": 1, "knee": 1, "wrist": 0})
        assert parts(total, women) == [{"hip": 19, "knee": 23, "wrist": 0}, {}]

    def test_the_size_of_a_withheld_figure_bounds_no_part(self) -> None:
        total = figure(None, 72, kind="mean", parts={"knee": 29, "neck": 7})
        parts_of_women = {"ankle": 14, "hip": 12, "knee": 27, "neck": 7}
        women = figure(None, 60, kind="mean", group={"sex": "f"}, parts=parts_of_women)
        men = figure(None, 2, kind="mean", group={"sex": "m"}, parts={"hip": 0, "knee": 2})
        found = parts(total, women, men, threshold=5)
        assert found == [{"knee": 29, "neck": 7}, {"ankle": 14, "neck": 7}, {}]


class TestSmallerCounts:
    def excluded(self, *figures):
        return [each.excluded for each in outside(*figures)]

    def test_groups_that_overlap_say_nothing_of_each_other(self) -> None:
        total = figure(60, 120, excluded=36)
        groups = [
            figure(n // 2, n, group={"diagnosis": name}, excluded=count)
            for n, name, count in ((60, "hip", 4), (70, "knee", 36))
        ]
        assert self.excluded(total, *groups) == [36, None, 36]

    def test_groups_without_denominator_are_still_a_table(self) -> None:
        groups = [
            figure(None, None, kind="mean", group={"sex": sex}, excluded=count) for sex, count in (("f", 4), ("m", 36))
        ]
        assert self.excluded(figure(None, None, kind="mean", excluded=40), *groups) == [40, None, None]

    def test_a_count_goes_on_through_every_table_it_stands_in(self) -> None:
        # The 4 takes the women of a along, and that the women of b, whose table was looked at before.
        women = figure(30, 60, group={"sex": "f"}, excluded=40)
        a = figure(30, 60, group={"location": "a"}, excluded=24)
        cells = [
            figure(15, 30, group={"location": location, "sex": sex}, excluded=count)
            for location, sex, count in (("a", "f", 20), ("a", "m", 4), ("b", "f", 20))
        ]
        assert self.excluded(women, a, *cells) == [40, 24, None, None, None]

    def test_without_denominator_the_other_counts_are_compared(self) -> None:
        (found,) = outside(figure(None, None, kind="mean", due=70, answered=65, details={"sd": 2.0}))
        assert (found.due, found.answered, found.details) == (None, 65, {"sd": 2.0})


@pytest.mark.parametrize("name", ["", "XXXX"])
def test_a_cell_without_a_key_corrects_no_earlier_cell(name) -> None:
    # One patient left and one came: they merely overlap.
    now, before = frozenset("bcdefghijk"), frozenset("abcdefghij")
    assert refuse_differencing(now, [Published(name, before)]) == ()
