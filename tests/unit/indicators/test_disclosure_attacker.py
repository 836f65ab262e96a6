"""An outsider with a solver attacks what was released: no withheld cell can be bounded more tightly than it may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exchange.indicators.disclosure import fewest
from exchange.indicators.figure import Figure
from exchange.indicators.protecting import protect

T = 10
BASE = Figure("onward-advice", 1, "proportion", "patients", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1))


class Attacker:
    """Everything that stands in a release, as equations and limits over every cell of the true table."""

    def __init__(self) -> None:
        self.place: dict[object, int] = {}
        self.equal: list[tuple[dict[object, int], int]] = []
        self.limits: dict[object, list[float | None]] = {}

    def cell(self, name: object) -> None:
        self.place.setdefault(name, len(self.place))
        self.limits.setdefault(name, [0, None])

    def know(self, name: object, low: float | None = None, high: float | None = None) -> None:
        self.cell(name)
        lower, upper = self.limits[name]
        if low is not None:
            lower = max(lower, low)
        if high is not None:
            upper = high if upper is None else min(upper, high)
        self.limits[name] = [lower, upper]

    def adds_up(self, total: object, parts: list[object]) -> None:
        self.equal.append(({total: -1, **dict.fromkeys(parts, 1)}, 0))
        for name in (total, *parts):
            self.cell(name)

    def bounds(self, name: object) -> tuple[float, float]:
        rows = []
        for coefficients, _ in self.equal:
            row = [0] * len(self.place)
            for each, factor in coefficients.items():
                row[self.place[each]] = factor
            rows.append(row)
        found = []
        for sign in (1, -1):
            cost = [0] * len(self.place)
            cost[self.place[name]] = sign
            solved = linprog(
                cost,
                A_eq=rows,
                b_eq=[right for _, right in self.equal],
                bounds=[tuple(self.limits[each]) for each in self.place],
            )
            assert solved.status in (0, 3), solved.message
            found.append(float("inf") if solved.status == 3 else sign * solved.fun)
        return found[0], found[1]


def release(cells):
    """Build a table of two dimensions with its margins, and return it as it is and as outsiders see it."""
    rows, columns = sorted({r for r, _ in cells}), sorted({c for _, c in cells})
    groups = {(): list(cells)}
    groups |= {(("location", r),): [cell for cell in cells if cell[0] == r] for r in rows}
    groups |= {(("sex", c),): [cell for cell in cells if cell[1] == c] for c in columns}
    groups |= {(("location", r), ("sex", c)): [(r, c)] for r, c in cells}
    true = []
    for group, members in groups.items():
        y, n = sum(cells[cell][0] for cell in members), sum(cells[cell][1] for cell in members)
        true.append(replace(BASE, group=dict(group), numerator=y, denominator=n, patients=n, eligible=n))
    return true, protect(true, audience="outside", threshold=T)


def attack(true, seen, rows, columns):
    """Return the attacker who knows the release, its rules and how groups make up the whole."""
    attacker = Attacker()
    for layer in ("n", "y"):
        for c in [*columns, None]:
            attacker.adds_up((layer, None, c), [(layer, r, c) for r in rows])
        for r in rows:
            attacker.adds_up((layer, r, None), [(layer, r, c) for c in columns])
    for figure in seen:
        key = (figure.group.get("location"), figure.group.get("sex"))
        n, y = ("n", *key), ("y", *key)
        attacker.equal.append(({n: -1, y: 1, ("rest", *key): 1}, 0))
        attacker.cell(("rest", *key))
        if figure.masked is None:
            attacker.know(n, figure.denominator, figure.denominator)
            attacker.know(y, figure.numerator, figure.numerator)
        elif "bound-of" in figure.details:
            attacker.know(n, figure.details["bound-of"], figure.details["bound-of"])
            if "bound-over" in figure.details:
                attacker.know(y, figure.details["bound-over"] + 1)
            else:
                attacker.know(y, high=figure.details["bound-under"] - 1)
    return attacker


def exposed(cells):
    true, seen = release(cells)
    rows, columns = sorted({r for r, _ in cells}), sorted({c for _, c in cells})
    attacker = attack(true, seen, rows, columns)
    found = []
    for figure in true:
        key = (figure.group.get("location"), figure.group.get("sex"))
        n, y = figure.denominator, figure.numerator
        sides = [("n", n)] if 0 < n < T else [("y", y), ("rest", n - y)] if n else []
        for layer, count in sides:
            if not (0 < count < T or (layer != "n" and count == 0)):
                continue
            low, high = attacker.bounds((layer, *key))
            if low > 1 + 1e-6 or high < min(T - 1, n if layer != "n" else T - 1) - 1e-6:
                found.append((layer, key, count, low, high))
    return found


@st.composite
def tables(draw):
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    cells = {}
    for r in range(height):
        for c in range(width):
            n = draw(st.sampled_from((0, 3, 8, 12, 25, 40, 90)))
            cells[f"r{r}", f"c{c}"] = (draw(st.integers(0, n)), n)
    return cells


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(tables())
def test_a_solver_can_not_bound_a_small_cell(cells) -> None:
    assert exposed(cells) == []


def test_the_attacker_is_strong_enough_to_break_an_unprotected_release() -> None:
    cells = {("a", "f"): (4, 30), ("a", "m"): (15, 30), ("b", "f"): (15, 30), ("b", "m"): (15, 30)}
    true, _ = release(cells)
    only_primary = [
        replace(each, masked="x", numerator=None, denominator=None, details={}) if each.numerator == 4 else each
        for each in true
    ]
    attacker = attack(true, only_primary, ["a", "b"], ["f", "m"])
    assert attacker.bounds(("y", "a", "f")) == pytest.approx((4, 4))
    assert exposed(cells) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=40))
def test_the_fewest_patients_is_never_more_than_there_are(rows) -> None:
    units, part = sum(m for _, m in rows), sum(min(y, m) for y, m in rows)
    assert fewest(len(rows), part, units) <= sum(1 for y, _ in rows if y > 0)


def test_what_is_said_instead_holds_and_leaves_every_small_number_possible() -> None:
    for y in range(61):
        (found,) = protect([replace(BASE, numerator=y, denominator=60, patients=60)], audience="outside", threshold=T)
        if "bound-over" in found.details:
            assert y > found.details["bound-over"] >= 60 - T
            assert 100 * y / 60 > found.details["bound-percent"]
        if "bound-under" in found.details:
            assert y < found.details["bound-under"] <= T
            assert 100 * y / 60 < found.details["bound-percent"]
