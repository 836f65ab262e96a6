"""The exact bounds of withheld cells, against scipy's linprog as the referee."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exchange.indicators import bounding
from exchange.indicators.bounding import Range, Sum, ranges


def referee(cell, cells, sums, published, limits):
    """Return scipy's bounds of one withheld cell."""
    place = {each: i for i, each in enumerate(cells)}
    rows, rights = [], []
    for one in sums:
        row, right = [0] * len(cells), 0
        for sign, each in ((-1, one.total), *((1, part) for part in one.parts)):
            if each in published:
                right -= sign * published[each]
            else:
                row[place[each]] += sign
        rows.append(row)
        rights.append(right)
    found = []
    for sign in (1, -1):
        cost = [0] * len(cells)
        cost[place[cell]] = sign
        solved = linprog(cost, A_eq=rows, b_eq=rights, bounds=[limits.get(each, (0, None)) for each in cells])
        found.append(None if solved.status == 3 else sign * solved.fun)
    return found


@st.composite
def tables(draw):
    """Draw a table with its margins, and which cells are withheld."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    values = {(r, c): draw(st.sampled_from((0, 1, 2, 5, 9, 12, 30))) for r in range(height) for c in range(width)}
    for r in range(height):
        values[r, "all"] = sum(values[r, c] for c in range(width))
    columns = [*range(width), "all"]
    for c in columns:
        values["all", c] = sum(values[r, c] for r in range(height))
    sums = [Sum((r, "all"), tuple((r, c) for c in range(width))) for r in [*range(height), "all"]]
    sums += [Sum(("all", c), tuple((r, c) for r in range(height))) for c in columns]
    hidden = [cell for cell in values if draw(st.booleans())]
    limits = {cell: (0, 9) for cell in hidden if values[cell] < 10 and draw(st.booleans())}
    return values, sums, hidden, limits


@settings(max_examples=40, deadline=None)
@given(tables())
def test_bounds_are_those_of_scipy(drawn) -> None:
    values, sums, hidden, limits = drawn
    published = {cell: value for cell, value in values.items() if cell not in hidden}
    found = ranges(hidden, sums=sums, published=published, limits=limits)
    for cell in hidden[:4]:
        low, high = referee(cell, hidden, sums, published, limits)
        assert found[cell].lower == math.ceil(low - 1e-6)
        assert found[cell].upper == (None if high is None else math.floor(high + 1e-6))
    assert all(found[cell].lower <= values[cell] for cell in hidden)


def test_a_single_withheld_part_is_exactly_known() -> None:
    found = ranges(["b"], sums=[Sum("all", ("a", "b"))], published={"all": 30, "a": 27}, limits={})
    assert found == {"b": Range(3, 3)}


def test_what_stands_in_no_sum_is_known_by_its_limits_alone() -> None:
    found = ranges(["a", "b"], sums=[], published={}, limits={"b": (2, 7)})
    assert found == {"a": Range(0, None), "b": Range(2, 7)}


def test_limits_of_other_cells_bind_too() -> None:
    sums = [Sum("all", ("a", "b"))]
    found = ranges(["a", "b"], sums=sums, published={"all": 18}, limits={"a": (0, 9), "b": (0, 9)})
    assert found == {"a": Range(9, 9), "b": Range(9, 9)}
    found = ranges(["a"], sums=sums, published={"all": 18}, limits={"b": (4, 9)})
    assert found == {"a": Range(9, 14)}


def test_bounds_are_rounded_inwards_to_whole_numbers() -> None:
    # a + b = 5, b + c = 5, a + c = 5 leaves halves: no whole number fits between 2.5 and 2.5.
    sums = [Sum("p", ("a", "b")), Sum("q", ("b", "c")), Sum("r", ("a", "c"))]
    found = ranges(["a"], sums=sums, published={"p": 5, "q": 5, "r": 5}, limits={})
    assert found == {"a": Range(3, 2)}


def test_a_table_that_contradicts_itself_has_no_bounds() -> None:
    sums = [Sum("all", ("a", "b"))]
    assert ranges(["a"], sums=sums, published={"all": 30}, limits={"a": (0, 5), "b": (0, 5)}) == {"a": None}


def test_too_large_a_table_is_not_solved(monkeypatch) -> None:
    sums = [Sum("all", ("a", "b", "c"))]
    monkeypatch.setattr(bounding, "MOST_CELLS", 3)
    assert ranges(["a"], sums=sums, published={"all": 9}, limits={})["a"] == Range(0, 9)
    monkeypatch.setattr(bounding, "MOST_CELLS", 2)
    assert ranges(["a", "c"], sums=sums, published={"all": 9}, limits={}) == {"a": None, "c": None}


def test_a_published_cell_does_not_connect_two_tables() -> None:
    sums = [Sum("all", ("a", "b")), Sum("b", ("c", "d")), Sum("e", ("f",))]
    equations, members = bounding.component("a", sums, {"all": 9, "b": 4})
    assert (equations, members) == ([sums[0]], ["a"])
    equations, members = bounding.component("a", sums, {"all": 9})
    assert (equations, members) == (sums[:2], ["a", "b", "c", "d"])


@pytest.mark.parametrize(
    ("known", "hides"),
    [((1, 9), True), ((0, None), True), ((2, 9), False), ((1, 8), False), ((0, 9), True), ((2, None), False)],
)
def test_a_range_hides_what_lies_wholly_within_it(known, hides) -> None:
    assert Range(*known).hides(1, 9) is hides
