"""A figure that is too near an earlier release is left out, and nothing beside it tells what it would have been."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exchange.indicators.figure import Figure
from exchange.indicators.protecting import TOO_FEW, TOO_NEAR, WOULD_REVEAL, explain, protect

T = 10


def share(inside: int, outside: int, unknown: int = 0, **more: Any) -> Figure:
    whole = inside + outside
    return Figure(
        "measured", 1, "proportion", "patients", date(2024, 1, 1), date(2025, 1, 1), date(2025, 6, 1),
        eligible=whole + unknown, due=whole + unknown, answered=whole, unknown=unknown, numerator=inside,
        denominator=whole, patients=whole, numerator_patients=inside, complement_patients=outside, value=0.5, **more,
    )  # fmt: skip


def table(*sizes: tuple[int, int]) -> list[Figure]:
    """Return a total and its groups."""
    groups = [share(inside, outside, group={"location": str(number)}) for number, (inside, outside) in enumerate(sizes)]
    return [share(sum(one for one, _ in sizes), sum(two for _, two in sizes)), *groups]


def masks(figures: list[Figure], *near: int) -> list[str | None]:
    return [one.masked for one in protect(figures, audience="outside", near=near)]


def test_by_itself_it_goes_whole_and_says_why() -> None:
    (seen,) = protect([replace(share(40, 20, 13), parts={"a": 30, "b": 30})], audience="outside", near=[0])
    assert seen.masked == TOO_NEAR
    known = (seen.numerator, seen.denominator, seen.eligible, seen.unknown, seen.value, seen.patients)
    assert known == (None,) * 6
    assert (seen.parts, seen.details) == ({}, {})
    assert explain(seen) == (TOO_NEAR, {"threshold": T})
    assert protect([share(40, 20)], audience="internal", near=[0]) == (share(40, 20),)


def test_nothing_is_said_instead_of_it() -> None:
    for figure, bound in ((share(40, 4), "bound-over"), (share(4, 40), "bound-under")):
        (few,) = protect([figure], audience="outside")
        assert (few.masked, bound in few.details) == (TOO_FEW, True)
        (near,) = protect([figure], audience="outside", near=[0])
        assert (near.masked, near.details) == (TOO_NEAR, {})


def test_a_group_left_out_takes_another_along_and_the_total_stays() -> None:
    figures = table((40, 40), (30, 30), (20, 20))
    assert masks(figures) == [None] * 4
    assert masks(figures, 1) == [None, TOO_NEAR, None, WOULD_REVEAL]


def test_a_total_left_out_takes_a_group_along() -> None:
    assert masks(table((40, 40), (30, 30), (20, 20)), 0) == [TOO_NEAR, None, None, WOULD_REVEAL]


def test_what_stands_beside_it_keeps_no_smaller_count_that_would_add_up() -> None:
    groups = [share(40, 40, 20, group={"location": name}) for name in "abc"]
    seen = protect([share(120, 120, 60), *groups], audience="outside", near=[1])
    assert [one.masked for one in seen] == [None, TOO_NEAR, WOULD_REVEAL, None]
    assert (seen[0].unknown, seen[0].eligible) == (60, 300)
    for name in ("eligible", "due", "answered", "unknown"):
        assert getattr(seen[3], name) is None, name
        assert name in seen[3].withheld


def test_parts_of_a_group_left_out_can_not_be_had_from_those_of_the_others() -> None:
    groups = [replace(share(40, 40, group={"location": name}), parts={"x": 40, "y": 40}) for name in "abc"]
    whole = replace(share(120, 120), parts={"x": 120, "y": 120})
    seen = protect([whole, *groups], audience="outside", near=[1])
    hidden = [one for one in seen[1:] if "x" not in one.parts]
    assert len(hidden) >= 2


def test_a_mean_is_left_out_by_its_denominator() -> None:
    assert masks(means(20, 20, 20), 2) == [None, WOULD_REVEAL, TOO_NEAR, None]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(10, 45), st.integers(10, 45)), min_size=2, max_size=6),
    place=st.integers(0, 6),
)
def test_everything_within_a_threshold_of_it_stays_possible(sizes: list[tuple[int, int]], place: int) -> None:
    figures = table(*sizes)
    near = place % len(figures)
    seen = protect(figures, audience="outside", near=[near])
    layers = {
        "whole": [one.denominator for one in seen],
        "inside": [one.numerator for one in seen],
        "outside": [None if one.masked else (one.denominator or 0) - (one.numerator or 0) for one in seen],
    }
    whole, inside = figures[near].denominator or 0, figures[near].numerator or 0
    real = {"whole": whole, "inside": inside, "outside": whole - inside}
    for layer, shown in layers.items():
        low, high = reach(shown, near)
        assert low <= real[layer] - T + 1, layer
        assert high is None or high >= real[layer] + T - 1, layer


def reach(shown: list[int | None], near: int) -> tuple[float, float | None]:
    """Return the least and the most that a figure can be: the total is the sum of its groups, and none is negative."""
    size = len(shown)
    equal = [([1, *([-1] * (size - 1))], 0)]
    equal += [
        ([int(at == place) for at in range(size)], count) for place, count in enumerate(shown) if count is not None
    ]
    found: list[float | None] = []
    for sign in (1, -1):
        cost = [sign * int(at == near) for at in range(size)]
        solved = linprog(cost, A_eq=[row for row, _ in equal], b_eq=[right for _, right in equal], bounds=(0, None))
        found.append(sign * solved.fun if solved.status == 0 else None)
    return found[0] or 0, found[1]


def mean(patients: int, **more: Any) -> Figure:
    kind = {"kind": "mean", "numerator": 8 * patients, "numerator_patients": None, "complement_patients": None}
    return replace(share(patients, 0, **more), **kind)


def means(*sizes: int) -> list[Figure]:
    """Return a total and its groups."""
    return [mean(sum(sizes)), *(mean(size, group={"location": str(number)}) for number, size in enumerate(sizes))]


def test_ten_beside_a_group_are_enough_to_hide_it_and_eight_are_not() -> None:
    assert masks(means(40, 10, 50), 1) == [None, TOO_NEAR, WOULD_REVEAL, None]
    assert masks(means(40, 8, 50), 1) == [None, TOO_NEAR, TOO_FEW, WOULD_REVEAL]
    assert masks(means(40, 9, 50), 1) == [None, TOO_NEAR, TOO_FEW, None]


def test_ten_within_a_total_are_enough_to_hide_it_and_eight_are_not() -> None:
    assert masks(means(40, 10, 50), 0) == [TOO_NEAR, None, WOULD_REVEAL, None]
    assert masks(means(40, 8, 50), 0) == [TOO_NEAR, WOULD_REVEAL, TOO_FEW, None]
    assert masks(means(40, 9, 50), 0) == [TOO_NEAR, None, TOO_FEW, None]


def test_a_numerator_needs_as_much_beside_it_as_a_denominator() -> None:
    assert masks(table((40, 40), (10, 40), (50, 50)), 1) == [None, TOO_NEAR, WOULD_REVEAL, None]
    assert masks(table((40, 40), (4, 40), (50, 50)), 1)[1::2] == [TOO_NEAR, WOULD_REVEAL]


def test_a_part_needs_as_much_beside_it() -> None:
    sizes = {"a": (30, 50, 40, 40), "b": (22, 22, 4, 40), "c": (52, 52, 50, 54)}
    groups = [
        replace(share(inside, outside, group={"location": name}), parts={"x": x, "y": y})
        for name, (inside, outside, x, y) in sizes.items()
    ]
    whole = replace(share(104, 124), parts={"x": 94, "y": 134})
    seen = protect([whole, *groups], audience="outside", near=[1])
    assert [one.masked for one in seen] == [None, TOO_NEAR, WOULD_REVEAL, None]
    assert "parts.x" in seen[3].withheld
    assert seen[0].parts == {"x": 94, "y": 134}
