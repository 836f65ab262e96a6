"""What two figures of the same indicator tell beside each other, also where one is a bound ("fewer than 10 of 19").

Who has both takes a bound for every number that it leaves possible, and subtracts. Where that tells that of those by
whom the two figures differ nobody, everybody, or 1 to 9 have the outcome, the bound is not said, or the figure is left
out. The two may overlap, as where one patient was taken out and three came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exchange.indicators.disclosure import COUNTING_PEOPLE, NOT_SENSITIVE, THRESHOLD

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure

WHOLE = "answered"
SIDES = ("numerator", "complement")

Patients = frozenset[str]
# The patients of a count of a figure as its readers see it, and the number that is printed.
Counts = Mapping[str, tuple[Patients, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a figure tells: of whom, how many they are as printed, and from how many to how many have the outcome."""

    people: Patients
    units: int
    low: int
    high: int


# One where the figure was printed; two where a bound was said, for the ledger does not keep which way it went.
Said = tuple[Told, ...]
Earlier = Callable[[str], Iterable[Said]]


def weighs(kind: str) -> bool:
    """Say whether figures of this kind count people of whom the outcome tells something."""
    return kind in COUNTING_PEOPLE and kind not in NOT_SENSITIVE


def said(counts: Counts) -> Said:
    """Return what a figure of a kind that `weighs` tells by these counts; () where it tells nothing.

    A count of nobody is not among them. A figure with a whole and no side is one of which a bound was said.
    """
    sides = [counts[side] for side in SIDES if side in counts]
    if WHOLE in counts:
        people, units = counts[WHOLE]
    elif len(sides) == len(SIDES):
        people, units = sides[0][0] | sides[1][0], sides[0][1] + sides[1][1]
    else:
        return ()
    if sides:
        inside = counts["numerator"][1] if "numerator" in counts else units - counts["complement"][1]
        return (Told(people, units, inside, inside),)
    # The other side of a bound is never small: whoever knows the rule counts on that.
    most = max(0, min(THRESHOLD - 1, units - THRESHOLD))
    return Told(people, units, 0, most), Told(people, units, units - most, units)


def tells(one: Said, other: Said) -> bool:
    """Say whether two figures tell together of those by whom they differ."""
    return any(_tells(each, beside) for each in one for beside in other)


def hushed(
    counted: Sequence[Figure],
    shown: Mapping[int, Figure],
    counts: Callable[[Figure, Figure], Counts],
    earlier: Earlier,
) -> dict[int, Figure]:
    """Return the figures as outsiders may see them without the bounds that tell beside another, or beside earlier ones.

    `counts` gives those of a figure as counted and as shown.
    """
    found = dict(shown)
    bounded = [one for one in counted if "bound-of" in shown[id(one)].details and weighs(one.kind)]
    for one in bounded:
        mine = said(counts(one, shown[id(one)]))
        others = (each for each in counted if each is not one and each.indicator == one.indicator)
        beside = (said(counts(each, found[id(each)])) for each in others)
        if any(tells(mine, each) for each in (*beside, *earlier(one.indicator))):
            found[id(one)] = replace(shown[id(one)], details={})
    return found


def _tells(one: Told, other: Told) -> bool:
    small, large = sorted((one, other), key=lambda each: (len(each.people), each.units))
    shared = len(small.people & large.people)
    if not shared:
        return False
    if shared == len(small.people):
        # The smaller one's units are some of the larger one's; where they can't be, something was corrected meanwhile.
        shared = small.units
    elif (small.units, large.units) != (len(small.people), len(large.people)):
        return False  # of episodes nobody outside can say how many the two have in common
    return _of_rest(small, large, shared) or _of_rest(large, small, shared)


def _of_rest(own: Told, other: Told, shared: int) -> bool:
    """Say whether both tell of those in `own` alone what `own` by itself does not."""
    free = replace(other, low=0, high=other.units)
    return _few(own, other, shared) and not _few(own, free, shared)


def _few(own: Told, other: Told, shared: int) -> bool:
    rest, others = own.units - shared, other.units - shared
    least = max(0, own.low - rest, other.low - others)
    most = min(shared, own.high, other.high)
    if rest <= 0 or others < 0 or least > most:
        return False
    low, high = max(0, own.low - most), min(rest, own.high - least)
    nobody_or_all = high == 0 or low == rest
    return nobody_or_all or 0 < low <= high < THRESHOLD or 0 < rest - high <= rest - low < THRESHOLD
