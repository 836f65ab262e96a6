"""An outsider with a solver lays documents over time beside each other from which figures were left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from exchange.indicators.disclosure import THRESHOLD
from exchange.indicators.figure import Figure
from exchange.indicators.protecting import TOO_NEAR, WOULD_REVEAL, protect
from exchange.operations import nesting
from exchange.operations.comparing import Standing
from exchange.operations.omitting import settled
from exchange.operations.releasing import published_parts, units
from exchange.store.releases import ReleasedCell

SLICES = 4
GROUPS = ("gp", "hospital", "none")
STATUSES = ("numerator", "complement", "unknown")
NAMES = ("practice", "gp", "hospital")
KIND = "proportion"
BASE = Figure("onward-advice", 1, KIND, "episodes", date(2024, 1, 1), date(2024, 1, 1), date(2027, 1, 1))
ENDS = tuple(date(2024 + one // 2, 1 + 6 * (one % 2), 1) for one in range(1, SLICES + 1))

Sizes = dict[tuple[int, str, str], int]  # how many patients, by when they ended, under which agreement, and what came
Where = list[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Edition:
    """One document as it left: up to which slice, and what outsiders read of each of its figures."""

    until: int
    shown: dict[str, Figure]


def holds(name: str, until: int, place: tuple[int, str, str]) -> bool:
    return place[0] < until and (name in ("practice", place[1]))


def people(world: Sizes, name: str, until: int) -> dict[str, frozenset[str]]:
    """Return the patients of each count of a figure."""

    def some(*statuses: str) -> frozenset[str]:
        inside = [place for place in world if holds(name, until, place) and place[2] in statuses]
        return frozenset(f"{place}{one}" for place in inside for one in range(world[place]))

    found = {one: some(one) for one in STATUSES}
    return {**found, "answered": some(*STATUSES[:2]), "due": some(*STATUSES), "eligible": some(*STATUSES)}


def counted(world: Sizes, name: str, until: int) -> Figure:
    sizes = {part: len(members) for part, members in people(world, name, until).items()}
    return replace(
        BASE, end=ENDS[until - 1], numerator=sizes["numerator"], denominator=sizes["answered"], eligible=sizes["due"],
        due=sizes["due"], answered=sizes["answered"], unknown=sizes["unknown"], patients=sizes["answered"],
        numerator_patients=sizes["numerator"], complement_patients=sizes["complement"],
    )  # fmt: skip


def cells(world: Sizes, name: str, until: int, shown: Figure) -> dict[str, ReleasedCell]:
    """Return the ledger's cells of a figure as it is printed."""
    members = people(world, name, until)
    named = f'{{"agreement":"{name}","end":"{until}","indicator":"{BASE.indicator}","part":'
    return {
        part: ReleasedCell(f'{named}"{part}"}}', len(members[part]), members[part], units=units(shown, part))
        for part in published_parts(shown)
        if members[part]
    }


def sent(world: Sizes, moments: list[int], *, rest: bool = True, ledger: bool = True) -> list[Edition]:
    """Return the documents that leave, one after the other; `rest` is what else must go with a figure left out."""
    standing, left = Standing(), []
    for until in moments:
        made = {name: counted(world, name, until) for name in NAMES}
        names = {id(one): name for name, one in made.items()}

        def refused(one: Figure, shown: Figure, until: int = until, names: dict[int, str] = names) -> object:
            if not ledger:
                return None
            return standing.refused(cells(world, names[id(one)], until, shown), KIND)

        def members(one: Figure, until: int = until, names: dict[int, str] = names) -> nesting.Cells:
            return people(world, names[id(one)], until)

        if rest:
            shown, _, _ = settled(list(made.values()), refused, members, standing.known)
        else:
            seen = protect(list(made.values()), audience="outside")
            both = nesting.apart(list(made.values()), dict(zip(map(id, made.values()), seen, strict=True)), members)
            shown = {
                identity: replace(one, masked=TOO_NEAR, details={}) if refused(made[names[identity]], one) else one
                for identity, one in both.items()
            }
        edition = Edition(until, {name: shown[id(one)] for name, one in made.items()})
        for name, one in edition.shown.items():
            standing.add(cells(world, name, until, one).values(), "document")
        left.append(edition)
    return left


def read_off(editions: list[Edition], place: Where) -> list[Any]:
    """Return what all documents say, as equations over when, under what and with what outcome.

    Not "more than 50 of 60": what that tells beside another figure is drawn in `test_operations_attacker`.
    """
    equal: list[Any] = []
    for edition in editions:
        for name, shown in edition.shown.items():

            def row(*statuses: str, name: str = name, until: int = edition.until) -> list[int]:
                return [int(holds(name, until, each) and each[2] in statuses) for each in place]

            if shown.masked is None:
                outside = (shown.denominator or 0) - (shown.numerator or 0)
                equal += [(row("numerator"), shown.numerator), (row("complement"), outside)]
                equal += [(row("unknown"), shown.unknown)] if shown.unknown is not None else []
            if "bound-of" in shown.details:
                equal.append((row("numerator", "complement"), shown.details["bound-of"]))
    return equal


def exposed(world: Sizes, editions: list[Edition]) -> list[tuple[str, int, str, int]]:
    """Return what is known to a person of whom a figure that was left out would have told.

    The attacker knows who was treated when and under what, has every document, and looks at those by whom each figure
    that was left out differs from the same one in an earlier document.
    """
    place = [(number, group, status) for number in range(SLICES) for group in GROUPS for status in STATUSES]
    known: list[Any] = []
    for number in range(SLICES):
        for group in GROUPS:
            row = [int(each[:2] == (number, group)) for each in place]
            known.append((row, sum(world.get((number, group, status), 0) for status in STATUSES)))
    equal = read_off(editions, place)
    found = []
    for at, edition in enumerate(editions):
        gone = [name for name, one in edition.shown.items() if one.masked == TOO_NEAR]
        for name in gone:
            for before in (one for one in editions[:at] if one.shown[name].masked is None):
                low, high = sorted((before.until, edition.until))
                added = [each for each in place if holds(name, high, each) and not holds(name, low, each)]
                exact = {
                    part: _exactly([int(each in added and each[2] in statuses) for each in place], known + equal)
                    for part, statuses in (("numerator", "n"), ("complement", "c"), ("answered", "nc"))
                    for statuses in [[one for one in STATUSES if one[0] in statuses]]
                }
                # That all of a larger group were answered about is no outcome, and tells it of every smaller one.
                for part in ("numerator", "complement"):
                    count = exact[part]
                    everyone = count == 0 and (exact["answered"] or 0) > 0
                    if count is not None and (0 < count < THRESHOLD or everyone):
                        found.append((name, edition.until, part, count))
    return found


def _exactly(cost: list[int], equal: Any) -> int | None:
    """Return a sum that everything published leaves one value for."""
    ends = []
    for sign in (1, -1):
        solved = linprog(
            [sign * each for each in cost], A_eq=[row for row, _ in equal], b_eq=[right for _, right in equal],
            bounds=(0, None),
        )  # fmt: skip
        assert solved.status == 0, solved.message
        ends.append(sign * solved.fun)
    return round(ends[0]) if ends[1] - ends[0] < 1e-6 else None


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Sizes, list[int]]:
    world = {}
    for number in range(SLICES):
        for group in GROUPS:
            for status in STATUSES:
                few = (0, 0, 1, 3, 9, 10, 14, 30) if number else (10, 13, 30, 40)
                world[number, group, status] = draw(st.sampled_from(few))
    return world, draw(st.lists(st.integers(1, SLICES), min_size=2, max_size=4))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_documents_with_figures_left_out_expose_nobody(world: tuple[Sizes, list[int]]) -> None:
    made, moments = world
    assert exposed(made, sent(made, moments)) == []


OLD = {(0, group, status): 30 for group in GROUPS for status in STATUSES}
APART = OLD | {(1, "gp", "numerator"): 3, (1, "hospital", "numerator"): 12, (1, "hospital", "complement"): 12}


def test_leaving_out_the_near_figure_alone_lets_it_be_worked_out_and_what_goes_with_it_does_not() -> None:
    """The practice gained 27 patients and the hospital 24 of them: what is left are three of the general practice."""
    alone = sent(APART, [1, 2], rest=False)
    assert [name for name, one in alone[1].shown.items() if one.masked] == ["gp"]
    assert ("gp", 2, "numerator", 3) in exposed(APART, alone)
    together = sent(APART, [1, 2])
    assert exposed(APART, together) == []
    assert {name: one.masked for name, one in together[1].shown.items()} == {
        "practice": WOULD_REVEAL,
        "gp": TOO_NEAR,
        "hospital": None,
    }


def test_ten_others_of_whom_nothing_was_told_let_the_larger_figure_stand() -> None:
    more = APART | {(1, "none", "numerator"): 11, (1, "none", "complement"): 11}
    edition = sent(more, [1, 2])[1]
    assert [name for name, one in edition.shown.items() if one.masked] == ["gp"]
    assert exposed(more, sent(more, [1, 2])) == []


def test_where_agreements_make_up_all_of_what_was_left_out_the_smaller_one_goes_too() -> None:
    world = {place: size for place, size in OLD.items() if place[1] != "none"} | {(1, "gp", "numerator"): 3}
    made = {name: counted(world, name, 2) for name in NAMES}
    names = {id(one): name for name, one in made.items()}
    before = cells(world, "practice", 1, counted(world, "practice", 1))
    standing = Standing(before.values())
    shown, near, _ = settled(
        list(made.values()),
        lambda one, seen: standing.refused(cells(world, names[id(one)], 2, seen), KIND),
        lambda one: people(world, names[id(one)], 2),
        standing.known,
    )
    assert [names[identity] for identity in near] == ["practice"]
    assert {name: shown[id(one)].masked for name, one in made.items()} == {
        "practice": TOO_NEAR,
        "gp": None,
        "hospital": WOULD_REVEAL,
    }


def test_that_a_figure_is_left_out_leaves_every_small_number_possible() -> None:
    """Who knows the rule, and how many patients were added, still can't tell how many of them have the outcome."""
    for added in (1, 4, 9, 10, 12, 20):
        left_out: set[tuple[int, int]] = set()
        for numerator in range(added + 1):
            for complement in range(added + 1 - numerator):
                sizes = (numerator, complement, added - numerator - complement)
                world = OLD | {(1, "none", status): size for status, size in zip(STATUSES, sizes, strict=True)}
                standing = Standing(cells(world, "practice", 1, counted(world, "practice", 1)).values())
                (seen,) = protect([counted(world, "practice", 2)], audience="outside")
                if standing.refused(cells(world, "practice", 2, seen), KIND) is not None:
                    left_out.add(sizes[:2])
        few = range(min(added, THRESHOLD - 1) + 1)
        assert {one for one, _ in left_out} >= {*few}
        assert {two for _, two in left_out} >= {*few}


@pytest.mark.parametrize("moments", [[1, 2], [2, 1], [1, 2, 1, 2]])
def test_only_what_was_printed_is_entered(moments: list[int]) -> None:
    editions = sent(APART, moments)
    assert all(edition.shown["gp"].masked is None for edition in editions if edition.until == moments[0])
    assert all(edition.shown["gp"].masked == TOO_NEAR for edition in editions if edition.until != moments[0])
