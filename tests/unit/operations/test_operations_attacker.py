"""An outsider with a solver lays releases over time beside each other, by whichever way they left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exchange.indicators.disclosure import THRESHOLD, refuse_differencing
from exchange.indicators.figure import Figure
from exchange.indicators.protecting import protect
from exchange.operations import instead
from exchange.operations.comparing import Standing
from exchange.operations.releasing import published_parts, units
from exchange.store.releases import ReleasedCell

SLICES = 5
STATUSES = ("numerator", "complement", "unknown")
BASE = Figure("onward-advice", 1, "proportion", "episodes", date(2024, 1, 1), date(2024, 1, 1), date(2027, 1, 1))
ENDS = tuple(date(2024 + one // 2, 1 + 6 * (one % 2), 1) for one in range(1, SLICES + 1))


@dataclass(frozen=True, slots=True)
class Person:
    """One patient: when the treatment ended, whether under the agreement, and what came of it."""

    name: str
    slice: int
    agreed: bool
    status: str


@dataclass(frozen=True, slots=True)
class Release:
    """One figure as it left: by which way, up to which slice, who stands in it, and what outsiders read of it."""

    agreed: bool
    until: int
    people: frozenset[Person]
    shown: Figure
    year: int = 0


def members(people: frozenset[Person], part: str) -> frozenset[str]:
    wanted = {"answered": STATUSES[:2], "due": STATUSES, "eligible": STATUSES}.get(part, (part,))
    return frozenset(one.name for one in people if one.status in wanted)


def released(people: frozenset[Person], agreed: bool, until: int, year: int = 0) -> Release:
    """Count, and protect as one release by itself."""
    inside = frozenset(one for one in people if one.slice < until and (one.agreed or not agreed))
    sizes = {name: len(members(inside, name)) for name in (*STATUSES, "answered", "due")}
    figure = replace(
        BASE, end=ENDS[until - 1], numerator=sizes["numerator"], denominator=sizes["answered"], eligible=sizes["due"],
        due=sizes["due"], answered=sizes["answered"], unknown=sizes["unknown"], patients=sizes["answered"],
        numerator_patients=sizes["numerator"], complement_patients=sizes["complement"],
    )  # fmt: skip
    (shown,) = protect([figure], audience="outside")
    return Release(agreed, until, inside, shown, year)


def cells(one: Release) -> dict[str, ReleasedCell]:
    """Return the ledger's cells of a release: what stands behind every way out."""
    found = {}
    for part in published_parts(one.shown):
        named = {"agreement": "gp" if one.agreed else "", "start": str(one.year), "end": str(one.until)}
        named |= {"indicator": BASE.indicator}
        inside = members(one.people, part)
        if inside:
            cell = json.dumps({**named, "part": part}, sort_keys=True)
            found[part] = ReleasedCell(cell, len(inside), inside, units=units(one.shown, part))
    return found


def quiet(one: Release, standing: Standing) -> Release:
    """Leave out what would be said instead and would tell beside what left before."""
    parts = {part: (cell.members, cell.units or 0) for part, cell in cells(one).items()}
    (shown,) = instead.hushed([BASE], {id(BASE): one.shown}, lambda _one, _seen: parts, standing.said).values()
    return replace(one, shown=shown)


def sent(people: frozenset[Person], asked: list[tuple[bool, int]], *, ledger: bool = True) -> list[Release]:
    """Return what leaves of all that is asked for, one after the other."""
    return sent_over({0: people}, [(0, *one) for one in asked], ledger=ledger)


def sent_over(
    years: dict[int, frozenset[Person]], asked: list[tuple[int, bool, int]], *, ledger: bool = True
) -> list[Release]:
    """Return what leaves of figures over several years, in which the same patients are treated again."""
    standing, left = Standing(), []
    for year, agreed, until in asked:
        one = quiet(released(years[year], agreed, until, year), standing)
        parts = cells(one)
        if ledger and standing.refused(parts, BASE.kind) is not None:
            continue
        standing.add(standing.fresh(parts), "document")
        left.append(one)
    return left


def read_off(one: Release, own: str, place: list[tuple[str, str]]) -> tuple[list[Any], list[Any]]:
    """Return what one release says, as equations and as limits over groups and statuses."""

    def row(*statuses: str) -> list[int]:
        return [int(group in ("both", own) and status in statuses) for group, status in place]

    shown = one.shown
    counts = {("numerator", "complement"): shown.answered, ("unknown",): shown.unknown}
    if shown.masked is None and shown.numerator is not None and shown.denominator is not None:
        counts |= {("numerator",): shown.numerator, ("complement",): shown.denominator - shown.numerator}
    if "bound-of" in shown.details:
        counts["numerator", "complement"] = int(shown.details["bound-of"])
    equal = [(row(*statuses), count) for statuses, count in counts.items() if count is not None]
    upper: list[Any] = []
    if "bound-over" in shown.details:
        upper.append(([-each for each in row("numerator")], -(shown.details["bound-over"] + 1)))
    if "bound-under" in shown.details:
        upper.append((row("numerator"), shown.details["bound-under"] - 1))
    return equal, upper


def told(first: Release, second: Release, *, by: str = "first second") -> dict[str, tuple[float, float]]:
    """Solve what two releases tell of the patients by whom they differ; the attacker knows who was treated when.

    `by` leaves one of the two out: what the other tells by itself.
    """
    groups = {
        "both": first.people & second.people,
        "first": first.people - second.people,
        "second": second.people - first.people,
    }
    place = [(group, status) for group in groups for status in STATUSES]
    equal: list[Any] = [([int(name == group) for name, _ in place], len(inside)) for group, inside in groups.items()]
    upper: list[Any] = []
    for one, own in ((first, "first"), (second, "second")):
        if own not in by:
            continue
        more, limits = read_off(one, own, place)
        equal, upper = [*equal, *more], [*upper, *limits]
    found = {}
    for group in ("first", "second"):
        for name, statuses in (("numerator", STATUSES[:1]), ("complement", STATUSES[1:2]), ("answered", STATUSES[:2])):
            cost = [int(each == group and status in statuses) for each, status in place]
            low, high = (sign * _solve([sign * each for each in cost], equal, upper, len(place)) for sign in (1, -1))
            found[f"{group} {name}"] = (low, high)
    return found


def _solve(cost: list[int], equal: Any, upper: Any, size: int) -> float:
    solved = linprog(
        cost, A_eq=[row for row, _ in equal], b_eq=[right for _, right in equal],
        A_ub=[row for row, _ in upper] or None, b_ub=[right for _, right in upper] or None, bounds=[(0, None)] * size,
    )  # fmt: skip
    assert solved.status == 0, solved.message
    return float(solved.fun)


def known_anyway(first: Release, second: Release, group: str) -> bool:
    """Say whether how many of a group were answered about is no secret between these two.

    It is none where one of them tells it by itself: all, where all of it were. And what two counts tell that overlap
    without one lying within the other is named in docs/sending.md; of outcomes they are held to tell nothing either.
    """
    if first.people - second.people and second.people - first.people:
        return True
    ends = [told(first, second, by=one)[f"{group} answered"] for one in ("first", "second")]
    return any(high - low < 1e-6 for low, high in ends)


def narrowed(first: Release, second: Release) -> list[tuple[str, float]]:
    """Return of whom two releases tell together, and neither by itself, that 1 to 9 have an outcome, not how many."""

    def few(known: tuple[float, float]) -> bool:
        return 0.5 < known[0] <= known[1] < THRESHOLD - 0.5

    known = {name: ends for name, ends in told(first, second).items() if not name.endswith("answered")}
    return [
        (name, ends[0])
        for name, ends in known.items()
        if few(ends)
        and ends[1] - ends[0] > 0.5
        and not any(few(told(first, second, by=one)[name]) for one in ("first", "second"))
    ]


def exposed(left: list[Release]) -> list[tuple[str, float]]:
    """Return what any two releases tell exactly of a few, or of all of a group, that neither tells by itself."""
    found = []
    for place, first in enumerate(left):
        for second in left[place + 1 :]:
            known = told(first, second)
            for group in ("first", "second"):
                exact = {
                    name: round(low)
                    for name in ("numerator", "complement", "answered")
                    for low, high in [known[f"{group} {name}"]]
                    if high - low < 1e-6
                }
                # That of nobody in a group of nobody something is known tells nothing.
                if not exact.get("answered", 1):
                    continue
                for name, count in exact.items():
                    few = 0 < count < THRESHOLD and not (name == "answered" and known_anyway(first, second, group))
                    everyone = count == 0 and name != "answered" and "answered" in exact
                    if few or everyone:
                        found.append((f"{group} {name}", float(count)))
            found += [(f"{name} from", low) for name, low in narrowed(first, second)]
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[frozenset[Person], list[tuple[bool, int]]]:
    people = []
    for number in range(SLICES):
        for agreed in (True, False):
            for status in STATUSES:
                size = draw(st.sampled_from((0, 1, 4, 9, 10, 13, 30)))
                people += [Person(f"{number}{agreed}{status}{one}", number, agreed, status) for one in range(size)]
    asked = draw(st.lists(st.tuples(st.booleans(), st.integers(1, SLICES)), min_size=2, max_size=8))
    return frozenset(people), asked


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_no_two_releases_tell_of_a_few_whichever_way_they_left(world: tuple[frozenset[Person], Any]) -> None:
    people, asked = world
    assert exposed(sent(people, asked)) == []


@st.composite
def tight_worlds(draw: st.DrawFn) -> tuple[frozenset[Person], list[tuple[bool, int]]]:
    """Draw worlds in which a bound is said of the agreement, and the practice's own figure just stands."""
    side, other = draw(st.permutations(STATUSES[:2]))
    groups = [(0, True, side, draw(st.integers(1, 9))), (0, True, other, draw(st.integers(10, 12)))]
    for number, agreed in ((0, False), (1, True), (1, False)):
        sizes = [draw(st.sampled_from((0, 0, 1, 5, 9, 10, 11))) for _ in STATUSES]
        groups += [(number, agreed, status, size) for status, size in zip(STATUSES, sizes, strict=True)]
    return crowd(*groups), draw(st.permutations([(agreed, until) for agreed in (True, False) for until in (1, 2)]))


@settings(max_examples=40, deadline=None)
@given(tight_worlds())
def test_no_bound_tells_beside_another_figure_whichever_way_they_left(world: tuple[frozenset[Person], Any]) -> None:
    people, asked = world
    assert exposed(sent(people, asked)) == []


def crowd(*groups: tuple[int, bool, str, int]) -> frozenset[Person]:
    return frozenset(
        Person(f"{number}{agreed}{status}{one}", number, agreed, status)
        for number, agreed, status, size in groups
        for one in range(size)
    )


MANY = (
    (0, True, "numerator", 40),
    (0, True, "complement", 20),
    (0, False, "numerator", 30),
    (0, False, "complement", 20),
)


@pytest.mark.parametrize(
    ("later", "found"),
    [
        (((1, True, "numerator", 3), (1, True, "complement", 12)), ("second numerator", 3)),  # three of fifteen
        (((1, True, "numerator", 12),), ("second complement", 0)),  # all twelve that came later
    ],
)
def test_without_the_ledger_the_attacker_reads_it_off_and_with_it_nothing(later: Any, found: tuple[str, int]) -> None:
    people = crowd(*MANY, *later)
    asked = [(True, 1), (True, 2)]
    assert found in exposed(sent(people, asked, ledger=False))
    assert exposed(sent(people, asked)) == []
    assert len(sent(people, asked)) == 1


def test_an_agreements_figure_and_the_practices_hold_each_other_back() -> None:
    people = crowd(*MANY[:2], (0, False, "numerator", 4), (0, False, "complement", 15))
    for asked in ([(True, 1), (False, 1)], [(False, 1), (True, 1)]):
        assert exposed(sent(people, asked, ledger=False))
        assert len(sent(people, asked)) == 1


def test_the_same_patients_with_another_number_are_refused() -> None:
    first = cells(released(crowd(*MANY), agreed=True, until=1))
    standing = Standing(first.values())
    one_more = {name: replace(one, units=(one.units or 0) + (name == "numerator")) for name, one in first.items()}
    refused = standing.refused(one_more, BASE.kind)
    assert refused is not None
    assert refused[0] == "numerator"
    assert standing.refused(first, BASE.kind) is None
    # Of what left before the number was kept only the patients can be compared.
    old = Standing(replace(one, units=None) for one in first.values())
    assert old.refused(one_more, BASE.kind) is None


def test_three_releases_together_can_tell_what_no_two_do_and_that_is_the_named_residual() -> None:
    """Practice and agreement at two moments, each pair far enough apart: four figures tell of the few beside them."""
    later = (
        (1, True, "numerator", 30),
        (1, True, "complement", 30),
        (1, False, "numerator", 4),
        (1, False, "complement", 3),
    )
    people = crowd(*MANY, *later)
    left = sent(people, [(True, 1), (False, 1), (True, 2), (False, 2)])
    assert len(left) == 4
    assert exposed(left) == []
    numbers = [one.shown.numerator or 0 for one in left]
    assert (numbers[3] - numbers[1]) - (numbers[2] - numbers[0]) == 4  # docs/sending.md says that this is not covered


# Twenty patients came in both years, and in the second fewer than ten have the outcome; ten more came in the second.
TWICE = {
    0: crowd((0, True, "numerator", 10), (1, True, "complement", 10)),
    1: frozenset(
        Person(f"{number}True{was}{one}", number, True, "numerator" if number == 0 and one < 9 else "complement")
        for number, was in ((0, "numerator"), (1, "complement"))
        for one in range(10)
    )
    | crowd((1, False, "numerator", 10)),
}


def test_a_bound_is_entered_though_the_number_of_the_same_patients_was_known_from_another_year() -> None:
    left = sent_over(TWICE, [(0, True, 2), (1, True, 2), (1, False, 2)])
    # The whole of the second year would tell that all ten others have the outcome, and stays away.
    assert [(one.year, one.agreed) for one in left] == [(0, True), (1, True)]
    assert left[1].shown.details["bound-of"] == left[0].shown.denominator == 20
    both = [released(TWICE[1], agreed, 2, 1) for agreed in (True, False)]
    assert ("second complement", 0) in exposed(both)


@st.composite
def double_worlds(draw: st.DrawFn) -> tuple[dict[int, frozenset[Person]], list[tuple[int, bool, int]]]:
    """Draw patients who are treated in two years, with one outcome in each."""
    years: dict[int, set[Person]] = {0: set(), 1: set()}
    for number, agreed in ((0, True), (0, False), (1, True)):
        for was in STATUSES[:2]:
            for became in STATUSES[:2]:
                for one in range(draw(st.sampled_from((0, 1, 5, 9, 10, 11)))):
                    name = f"{number}{agreed}{was}{became}{one}"
                    years[0].add(Person(name, number, agreed, was))
                    years[1].add(Person(name, number, agreed, became))
    figures = [(year, agreed, until) for year in (0, 1) for agreed in (True, False) for until in (1, 2)]
    return {year: frozenset(people) for year, people in years.items()}, draw(st.permutations(figures))


@settings(max_examples=40, deadline=None)
@given(double_worlds())
def test_no_two_releases_tell_of_a_few_who_were_treated_in_two_years(world: tuple[Any, Any]) -> None:
    years, asked = world
    left = sent_over(years, asked)
    for year in years:
        assert exposed([one for one in left if one.year == year]) == []


def test_each_release_of_a_figure_is_compared_as_it_left() -> None:
    """A figure that was corrected by ten patients takes nothing away from what the earlier one tells."""

    def told(numerator: int, complement: int, *, until: str) -> dict[str, ReleasedCell]:
        sides = {"numerator": range(numerator), "complement": range(100, 100 + complement)}
        people = {part: frozenset(map(str, some)) for part, some in sides.items()}
        people["answered"] = people["numerator"] | people["complement"]
        named = {"agreement": "", "end": until, "indicator": BASE.indicator}
        cells = {part: json.dumps({**named, "part": part}, sort_keys=True) for part in people}
        return {part: ReleasedCell(cells[part], len(some), some, units=len(some)) for part, some in people.items()}

    standing = Standing()
    for first in (told(20, 20, until="1"), told(30, 32, until="1")):
        assert standing.refused(first, BASE.kind) is None
        standing.add(standing.fresh(first), "summary")
    # Less the first, all twelve have it; less the second, ten have it not of the ten who left again.
    assert standing.refused(told(32, 20, until="2"), BASE.kind) is not None
    # What says the same as any earlier release is not entered again.
    assert standing.fresh(told(20, 20, until="1")) == []
    assert len(standing.fresh(told(40, 44, until="2"))) == 3


# Of 29 ten are on one side; under the agreement fewer than ten of 19 are on the other: the ten are all under it.
TELLING = (
    ((0, False, "numerator", 10), (0, True, "numerator", 9), (0, True, "complement", 10), "first complement"),
    ((0, False, "complement", 10), (0, True, "complement", 9), (0, True, "numerator", 10), "first numerator"),
)


@pytest.mark.parametrize("case", TELLING)
def test_what_is_said_instead_tells_nothing_beside_a_whole_figure(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    *groups, found = case
    people = crowd(*groups)
    whole_first, bound_first = [(False, 1), (True, 1)], [(True, 1), (False, 1)]
    unsaid, alone = sent(people, whole_first), sent(people, bound_first)
    assert [(one.shown.masked, dict(one.shown.details)) for one in unsaid] == [(None, {}), ("disclosure.too-few", {})]
    # What has been said stays said: then the whole figure doesn't leave.
    assert [one.agreed for one in alone] == [True]
    assert "bound-of" in alone[0].shown.details
    assert exposed(unsaid) == exposed(alone) == []
    monkeypatch.setattr(instead, "tells", lambda *_: False)
    for asked, whose in ((whole_first, "first"), (bound_first, "second")):
        assert (found.replace("first", whose), 0) in exposed(sent(people, asked))


def test_a_bound_that_leaves_every_small_number_possible_is_said_and_the_whole_figure_leaves_too() -> None:
    people = crowd(*MANY[2:], (0, True, "numerator", 5), (0, True, "complement", 20))
    for asked in ([(False, 1), (True, 1)], [(True, 1), (False, 1)]):
        left = sent(people, asked)
        assert {one.agreed: "bound-of" in one.shown.details for one in left} == {True: True, False: False}
        assert exposed(left) == []


def test_the_ledgers_rule_is_the_one_of_disclosure_control() -> None:
    from exchange.indicators.disclosure import Published

    whole, few = frozenset(map(str, range(40))), frozenset(map(str, range(31)))
    assert refuse_differencing(whole, [Published("one", few)])
    cell = json.dumps({"indicator": "measured", "part": "answered", "end": "1"})
    other = json.dumps({"indicator": "measured", "part": "answered", "end": "2"})
    assert Standing([ReleasedCell(cell, 31, few)]).refused({"answered": ReleasedCell(other, 40, whole)}, "completeness")
