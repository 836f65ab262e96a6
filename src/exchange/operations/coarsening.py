"""What pooled data shows of a person: dates by the week, and no characteristics that fewer than five share.

Records hold no place of residence, so a person's region is the practice: each practice asks this of its own people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

# How many years of birth are taken together, step by step, before a diagnosis group is given up.
WIDTHS = (1, 5, 10, 20, 0)
LEAST = 5


def week_of(start: date) -> date:
    """Return the Monday of a first day's week: from when the weeks of a treatment are counted."""
    return start - timedelta(days=start.weekday())


def by_weeks(day: date | None, start: date, *, up: bool = False) -> date | None:
    """Return a day as whole weeks since the start, from the start's own Monday on.

    `up` takes a begun week as whole: for the day after a window, which else would not reach as far as it did, and for
    the day on which something was recorded, which else would seem to be in time.
    """
    if day is None:
        return None
    days = (day - start).days
    return week_of(start) + timedelta(weeks=-(-days // 7) if up else days // 7)


@dataclass(frozen=True, slots=True)
class Known:
    """What can be recognised of one person: the first year of a range of years, sex, and diagnosis groups."""

    year: int | None
    sex: str
    groups: frozenset[str]
    width: int = 1

    def cells(self) -> Iterable[tuple[object, ...]]:
        """Return every combination that somebody who knows the person might look for."""
        return [(self.width, self.year, self.sex, group) for group in self.groups]


def coarsened(people: Mapping[str, Known], least: int = LEAST) -> dict[str, Known]:
    """Return the people so that at least `least` share each combination; who cannot be hidden is left out.

    Years of birth are widened first, for those who need it; then sex is left unsaid, and then the diagnosis groups.
    """
    found = dict(people)
    for width in WIDTHS[1:]:
        for person in _exposed(found, least):
            found[person] = _wider(people[person], width)
    for change in (_without_sex, _without_groups):
        for person in _exposed(found, least):
            found[person] = change(found[person])
    while exposed := _exposed(found, least):
        for person in exposed:
            del found[person]
    return found


def _exposed(people: Mapping[str, Known], least: int) -> list[str]:
    sharing: dict[tuple[object, ...], int] = defaultdict(int)
    for known in people.values():
        for cell in known.cells():
            sharing[cell] += 1
    return [person for person, known in people.items() if any(sharing[cell] < least for cell in known.cells())]


def _wider(known: Known, width: int) -> Known:
    if known.year is None or not width:
        return replace(known, year=None, width=0)
    return replace(known, year=known.year - known.year % width, width=width)


def _without_sex(known: Known) -> Known:
    return replace(known, sex="unknown")


def _without_groups(known: Known) -> Known:
    return replace(known, groups=frozenset({""}))
