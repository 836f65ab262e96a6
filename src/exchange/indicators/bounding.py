"""What a reader can work out about a withheld cell from the published ones: exact bounds by linear programming.

The embedded path has no scipy. Tables are small, so a two-phase simplex in whole numbers (Edmonds' fraction-free
pivots, Bland's rule against cycling) gives the bounds exactly; scipy's linprog plays the attacker in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

# More withheld cells than this in one connected table are not solved: whoever asks takes them for unprotected.
MOST_CELLS = 60


@dataclass(frozen=True, slots=True)
class Sum:
    """One total that a reader knows to be the sum of its parts."""

    total: Hashable
    parts: tuple[Hashable, ...]

    @property
    def cells(self) -> tuple[Hashable, ...]:
        """Return the total and the parts."""
        return (self.total, *self.parts)


@dataclass(frozen=True, slots=True)
class Range:
    """The whole numbers a cell can have as far as a reader can tell; `upper` None is without end."""

    lower: int
    upper: int | None

    def hides(self, lower: int, upper: int) -> bool:
        """Say whether everything from `lower` to `upper` stays possible."""
        return self.lower <= lower and (self.upper is None or self.upper >= upper)


def ranges(
    cells: Sequence[Hashable],
    *,
    sums: Sequence[Sum],
    published: Mapping[Hashable, int],
    limits: Mapping[Hashable, tuple[int, int | None]],
) -> dict[Hashable, Range | None]:
    """Return what a reader can infer of each withheld cell; None where the table is too large or contradicts itself.

    A cell that is not in `published` is withheld; its `limits` (at least 0 where none are given) are what the reader
    knows beforehand. Bounds are rounded inwards: counts are whole.
    """
    found: dict[Hashable, Range | None] = {}
    for cell in cells:
        if cell in found:
            continue
        equations, members = component(cell, sums, published)
        wanted = [each for each in cells if each in members]
        found.update(_solve(wanted, equations, members, published, limits))
    return found


def component(cell: Hashable, sums: Sequence[Sum], published: Container[Hashable]) -> tuple[list[Sum], list[Hashable]]:
    """Return the sums that a withheld cell is connected with through withheld cells, and those cells, in order."""
    members: dict[Hashable, None] = {cell: None}
    taken: list[Sum] = []
    left = list(sums)
    grown = True
    while grown:
        grown = False
        apart = []
        for one in left:
            if any(each in members for each in one.cells):
                taken.append(one)
                members.update((each, None) for each in one.cells if each not in published)
                grown = True
            else:
                apart.append(one)
        left = apart
    return taken, list(members)


def _solve(
    wanted: Sequence[Hashable],
    equations: Sequence[Sum],
    members: Sequence[Hashable],
    published: Mapping[Hashable, int],
    limits: Mapping[Hashable, tuple[int, int | None]],
) -> dict[Hashable, Range | None]:
    if len(members) > MOST_CELLS:
        return dict.fromkeys(wanted)
    place = {member: i for i, member in enumerate(members)}
    lows = [limits.get(member, (0, None))[0] for member in members]
    rows, rights = [], []
    for equation in equations:
        row = [0] * len(members)
        right = 0
        for sign, each in ((-1, equation.total), *((1, part) for part in equation.parts)):
            if each in published:
                right -= sign * published[each]
            else:
                row[place[each]] += sign
                right -= sign * lows[place[each]]
        rows.append(row)
        rights.append(right)
    _bound_above(rows, rights, members, lows, limits)
    start = _feasible(rows, rights)
    if start is None:
        return dict.fromkeys(wanted)
    return {each: _range(start, place[each], lows[place[each]]) for each in wanted}


def _bound_above(
    rows: list[list[int]],
    rights: list[int],
    members: Sequence[Hashable],
    lows: Sequence[int],
    limits: Mapping[Hashable, tuple[int, int | None]],
) -> None:
    """Add a row and a slack for each cell with a known upper limit."""
    for i, member in enumerate(members):
        high = limits.get(member, (0, None))[1]
        if high is None:
            continue
        width = len(rows[0]) if rows else len(members)
        for row in rows:
            row.append(0)
        rows.append([int(j == i) for j in range(width)] + [1])
        rights.append(high - lows[i])


@dataclass(slots=True)
class _Tableau:
    """A simplex tableau in whole numbers over one common denominator; the last column is the right-hand side."""

    rows: list[list[int]]
    basis: list[int]
    denominator: int

    def pivot(self, r: int, c: int, cost: list[int]) -> list[int]:
        """Bring column `c` into the basis in row `r` and return the changed cost row."""
        chosen = self.rows[r]
        p = chosen[c]
        for i, row in enumerate(self.rows):
            if i != r:
                self.rows[i] = self._eliminated(row, chosen, row[c], p)
        cost = self._eliminated(cost, chosen, cost[c], p)
        self.basis[r], self.denominator = c, p
        return cost

    def _eliminated(self, row: list[int], chosen: list[int], factor: int, p: int) -> list[int]:
        d = self.denominator
        return [(p * x - factor * y) // d for x, y in zip(row, chosen, strict=True)]

    def minimise(self, cost: list[int], columns: int) -> list[int] | None:
        """Pivot until no column lowers the cost (Bland's rule); None where it falls without end."""
        while True:
            entering = next((j for j in range(columns) if cost[j] < 0), None)
            if entering is None:
                return cost
            leaving = None
            for i, row in enumerate(self.rows):
                if row[entering] <= 0:
                    continue
                if leaving is None:
                    leaving = i
                    continue
                mine, best = row[-1] * self.rows[leaving][entering], self.rows[leaving][-1] * row[entering]
                if mine < best or (mine == best and self.basis[i] < self.basis[leaving]):
                    leaving = i
            if leaving is None:
                return None
            cost = self.pivot(leaving, entering, cost)


def _feasible(rows: Sequence[Sequence[int]], rights: Sequence[int]) -> _Tableau | None:
    """Return a tableau at a feasible corner of rows x = rights, x >= 0; None where there is none."""
    m, n = len(rows), len(rows[0]) if rows else 0
    signed = [
        [(-x if right < 0 else x) for x in row] + [int(i == j) for j in range(m)] + [abs(right)]
        for i, (row, right) in enumerate(zip(rows, rights, strict=True))
    ]
    tableau = _Tableau(signed, list(range(n, n + m)), 1)
    cost = [-sum(column) for column in zip(*signed, strict=True)] if signed else []
    cost[n : n + m] = [0] * m
    if signed:
        done = tableau.minimise(cost, n)
        if done is None or done[-1] != 0:
            return None
        _drive_out(tableau, n, done)
    tableau.rows = [row[:n] + row[-1:] for row in tableau.rows]
    return tableau


def _drive_out(tableau: _Tableau, n: int, cost: list[int]) -> None:
    """Take the artificial columns out of the basis; a row that has nothing else is redundant."""
    for i in reversed(range(len(tableau.rows))):
        if tableau.basis[i] < n:
            continue
        column = next((j for j in range(n) if tableau.rows[i][j]), None)
        if column is None:
            del tableau.rows[i], tableau.basis[i]
            continue
        if tableau.rows[i][column] < 0:
            tableau.rows[i] = [-x for x in tableau.rows[i]]
        cost = tableau.pivot(i, column, cost)


def _range(start: _Tableau, cell: int, low: int) -> Range:
    least, most = _extreme(start, cell, 1), _extreme(start, cell, -1)
    lower = low if least is None else low + math.ceil(least)
    return Range(lower, None if most is None else low + math.floor(most))


def _extreme(start: _Tableau, cell: int, sign: int) -> Fraction | None:
    """Return the least (`sign` 1) or the greatest (-1) value of one variable, None where there is no end."""
    if not start.rows:
        return Fraction(0) if sign > 0 else None
    tableau = _Tableau([list(row) for row in start.rows], list(start.basis), start.denominator)
    width = len(tableau.rows[0])
    cost = [sign * tableau.denominator * int(j == cell) for j in range(width)]
    for row, basic in zip(tableau.rows, tableau.basis, strict=True):
        if basic == cell:
            cost = [x - sign * y for x, y in zip(cost, row, strict=True)]
    done = tableau.minimise(cost, width - 1)
    return None if done is None else Fraction(-done[-1] * sign, tableau.denominator)
