"""What minutes say to one of several parties: who knows its own cases learns no more of the others' from a bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from exchange.indicators.figure import Figure
from exchange.indicators.reading import shipped_definitions
from exchange.operations import weighing
from exchange.operations.weighing import Weighed
from exchange.records.model import Case

DEFINITION = shipped_definitions()["onward-advice"]
BASE = Figure(DEFINITION.id, 1, "proportion", "episodes", date(2024, 1, 1), date(2025, 1, 1), date(2026, 1, 1))
TOTAL = 40


def figure(size: int, numerator: int) -> Weighed:
    counted = replace(
        BASE, eligible=size, due=size, answered=size, unknown=0, denominator=size, numerator=numerator, patients=size,
        numerator_patients=numerator, complement_patients=size - numerator,
    )  # fmt: skip
    return Weighed(DEFINITION, None, date(2024, 1, 1), counted)  # type: ignore[arg-type]  # what was agreed is not read


def bound(own: int, mine: int, theirs: int, *, everyone: bool = False, over: bool = False) -> dict[str, float]:
    """Return the bound that a party reads, of whose `own` cases `mine` are on the small side and `theirs` beside it."""

    def made(size: int, few: int) -> Weighed:
        return figure(size, size - few if over else few)

    rests = [made(TOTAL - own, theirs)] + ([made(own, mine)] if everyone else [])
    shown = weighing._shown(made(TOTAL, mine + theirs), rests, None if everyone else made(own, mine))
    assert shown.figure is not None
    return dict(shown.figure.details)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("own", [0, 5, 12, 30, 34, 40])
def test_a_bound_leaves_every_small_number_of_the_others_possible(own: int, over: bool) -> None:
    """The reader knows its own cases and the rule, and tries every world in which it would read the same."""
    said: dict[tuple[int, bool], set[int]] = {}
    for mine in range(min(own, 9) + 1):
        for theirs in range(min(TOTAL - own, 9 - mine) + 1):
            said.setdefault((mine, bool(bound(own, mine, theirs, over=over))), set()).add(theirs)
    for (_, told), possible in said.items():
        if told:
            assert possible == {*range(min(TOTAL - own, 9) + 1)}
    # It is said where it can be: to a party with nobody on that side, of more than a few others.
    assert ((0, True) in said) is (own in (0, 12, 30, 5, 40))
    assert not any(told for mine, told in said if mine)


def test_of_several_readers_there_is_always_one_who_would_learn_more() -> None:
    assert bound(20, 0, 0) != {}
    assert bound(20, 0, 0, everyone=True) == bound(20, 0, 5, everyone=True) == bound(20, 4, 5, everyone=True) == {}


def test_the_fewest_behind_a_count_are_patients_and_not_cases() -> None:
    def case(number: int, patient: int) -> Case:
        return Case(f"c{number}", "", "agreed", "agb:01000001", f"e{number}", f"p{patient}", date(2024, 1, 1))

    # Twelve answered cases are of eight patients, and thirteen others of as many.
    cases = [*(case(n, n % 8) for n in range(12)), *(case(n, n) for n in range(20, 33))]
    found = weighing.standing(cases, {f"c{n}" for n in range(12)})
    assert (found.cases, found.answered, found.unanswered, found.fewest) == (25, 12, 13, 8)
    assert weighing.standing(cases, ()).fewest == 21
    assert weighing.standing([], ()).fewest == 0
