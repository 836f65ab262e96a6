"""Whether a count may leave beside what outsiders have: by the patients of both, and by nothing else.

Refused is a count from which an earlier one of the same indicator and part can be subtracted so that 1 to 9 patients
are left, one of the same patients with another number, and a figure of whose difference from an earlier one nobody,
everybody or 1 to 9 have what is counted, also where one of the two is only a bound, or lies not wholly within the other
(`operations.instead`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exchange.indicators.disclosure import NOT_SENSITIVE, Published, refuse_differencing
from exchange.operations import instead

if TYPE_CHECKING:
    from exchange.store.releases import ReleasedCell

_WHOLE = instead.WHOLE
_SIDES = instead.SIDES

Parts = Mapping[str, "ReleasedCell"]


class Standing:
    """What outsiders have: every count by indicator and part, and every figure each time that it was released."""

    def __init__(self, cells: Iterable[ReleasedCell] = ()) -> None:
        """Take what was released."""
        self._cells: dict[tuple[str, str], list[ReleasedCell]] = {}
        self._figures: dict[str, dict[str, dict[str, ReleasedCell]]] = {}
        self._releases: dict[str, list[dict[str, ReleasedCell]]] = {}
        self.add(cells)

    def __bool__(self) -> bool:
        """Say whether anything ever left."""
        return bool(self._cells)

    def add(self, cells: Iterable[ReleasedCell], document: str = "") -> None:
        """Take cells as released."""
        last: object = None
        for given in cells:
            one = replace(given, document=document) if document else given
            name, part = _name(one)
            releases = self._releases.setdefault(name["indicator"], [])
            if (_key(name), one.document) != last or part in releases[-1]:
                releases.append({})
                last = (_key(name), one.document)
            releases[-1][part] = one
            self._cells.setdefault((name["indicator"], part), []).append(one)
            self._figures.setdefault(name["indicator"], {}).setdefault(_key(name), {})[part] = one

    def refused(self, parts: Parts, kind: str) -> tuple[str, ReleasedCell] | None:
        """Return the first part of a figure of this kind that may not leave, and the released count it is too near."""
        for part, one in parts.items():
            found = self._too_near(one)
            if found is not None:
                return part, found
        if kind in NOT_SENSITIVE or _WHOLE not in parts:
            return None
        name, _ = _name(parts[_WHOLE])
        # Each release as it was: counts of two of them taken together are of no figure that anybody has.
        for earlier in self._releases.get(name["indicator"], ()):
            if _WHOLE in earlier and _none_or_all(parts, earlier):
                return _WHOLE, earlier[_WHOLE]
        return self._subtracted(parts, name["indicator"]) if instead.weighs(kind) else None

    def fresh(self, parts: Parts) -> list[ReleasedCell]:
        """Return the counts of a figure, or none of them where one that left before says just the same.

        They stay together: what a figure tells, a bound above all, is judged by which counts stand beside each other.
        """
        for one in parts.values():
            name, _ = _name(one)
            mine = _told(parts)
            if any(mine == _told(earlier) for earlier in self._releases.get(name["indicator"], ())):
                return []
        return [*parts.values()]

    def same(self, parts: Parts) -> Parts:
        """Return the counts of the figure of this very name that left before, the newest of each."""
        for one in parts.values():
            name, _ = _name(one)
            return self._figures.get(name["indicator"], {}).get(_key(name), {})
        return {}

    def known(self, indicator: str, part: str) -> list[tuple[frozenset[str], int | None]]:
        """Return the patients and the number of every released count of this indicator and part."""
        return [(one.members, one.units) for one in self._cells.get((indicator, part), ())]

    def said(self, indicator: str) -> list[instead.Said]:
        """Return what every figure of this indicator tells, each time that it was released."""
        return [instead.said(_counts(one)) for one in self._releases.get(indicator, ())]

    def _subtracted(self, parts: Parts, indicator: str) -> tuple[str, ReleasedCell] | None:
        mine = instead.said(_counts(parts))
        for earlier in self._releases.get(indicator, ()):
            if instead.tells(mine, instead.said(_counts(earlier))):
                return _WHOLE, next(iter(earlier.values()))
        return None

    def _before(self, one: ReleasedCell) -> list[ReleasedCell]:
        name, part = _name(one)
        return self._cells.get((name["indicator"], part), [])

    def _too_near(self, one: ReleasedCell) -> ReleasedCell | None:
        before = self._before(one)
        same = [cell for cell in before if cell.members == one.members]
        if same:
            # The same people, and yet another number: one of them has something more.
            return next((cell for cell in same if None is not cell.units != one.units), None)
        for cell in before:
            if refuse_differencing(one.members, (Published(cell.cell, cell.members),), key=one.cell):
                return cell
        return None


def _none_or_all(parts: Parts, earlier: Parts) -> bool:
    """Say whether two figures, one within the other, tell that of their difference none, or all, are confirmed."""
    whole, known = parts[_WHOLE].members, earlier[_WHOLE].members
    if not (whole < known or known < whole):
        return False
    nobody: frozenset[str] = frozenset()
    # A count of nobody is not kept, and is known all the same where the other side and the whole are.
    sides = [
        (_members(side, parts) or nobody, _members(side, earlier) or nobody)
        for side in _SIDES
        if _members(side, parts) is not None and _members(side, earlier) is not None
    ]
    nested = [(one, two) for one, two in sides if one <= two or two <= one]
    return len(nested) == len(_SIDES) and any(one == two for one, two in nested)


def _told(parts: Parts) -> dict[str, tuple[frozenset[str], int | None]]:
    return {part: (one.members, one.units) for part, one in parts.items()}


def _counts(parts: Parts) -> dict[str, tuple[frozenset[str], int]]:
    return {part: (one.members, one.count if one.units is None else one.units) for part, one in parts.items()}


def _members(side: str, parts: Parts) -> frozenset[str] | None:
    if side in parts:
        return parts[side].members
    return frozenset() if any(other in parts for other in _SIDES) else None


def _name(one: ReleasedCell) -> tuple[dict[str, Any], str]:
    name = json.loads(one.cell)
    return name, name.pop("part")


def _key(name: Mapping[str, object]) -> str:
    return json.dumps(name, sort_keys=True)
