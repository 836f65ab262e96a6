"""A reader who subtracts the agreements' figures from the practice's learns nothing about a few people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.indicators.figure import Figure
from exchange.operations import loading, nesting, releasing, tracing
from exchange.operations.choosing import Asked
from exchange.operations.composing import Composer
from exchange.operations.workspace import Workspace

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
people = st.frozensets(st.integers(0, 30).map(str), max_size=30)


@given(people, st.lists(people, max_size=4))
def test_nobody_is_left_alone_with_nine_others(whole: frozenset[str], parts: list[frozenset[str]]) -> None:
    """The attacker tries every sum of counts that have nobody in common."""
    inside = [part & whole for part in parts]
    found = nesting._leaves_few(whole, "answered", [{"answered": part} for part in inside])
    smaller = [part for part in inside if part < whole]
    sums = [chosen for size in range(1, len(smaller) + 1) for chosen in combinations(smaller, size)]
    apart = [chosen for chosen in sums if all(one.isdisjoint(other) for one, other in combinations(chosen, 2))]
    assert found == any(0 < len(whole) - sum(map(len, chosen)) < 10 for chosen in apart)


def test_counts_that_only_one_publishes_tell_nothing() -> None:
    whole = frozenset(map(str, range(40)))
    assert not nesting._leaves_few(whole, "answered", [{"numerator": whole - {"1"}}])
    assert nesting._leaves_few(whole, "answered", [{"answered": whole - {"1"}}])


@pytest.fixture
def practice(played: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    with Workspace.open(folder, passphrase=lambda _n: "", now=NOW, on=NOW.date(), user="t") as opened:
        yield opened


def test_a_figure_that_holds_another_but_for_one_patient_is_withheld(
    practice: Workspace, played: Path, tmp_path: Path
) -> None:
    """The same figures before and after one more client was loaded, as if an agreement held all clients but one."""
    before = {one[1].indicator: one for one in _outside(practice)}
    head, *rows = (played / "bestanden" / "trajecten.csv").read_bytes().decode("cp1252").splitlines()
    names = head.split(";")
    cells = dict(zip(names, next(row for row in rows if ";2025" in row or "-2025;" in row).split(";"), strict=True))
    cells |= {"Patiëntnummer": "P-EXTRA", "Trajectnummer": "T-EXTRA", "BSN": ""}
    extra = tmp_path / "extra.csv"
    extra.write_bytes("\r\n".join([head, ";".join(cells[name] for name in names)]).encode("cp1252"))
    loading.load(practice, [extra])
    after = {one[1].indicator: one for one in _outside(practice)}
    both = [one for name in before for one in (before[name], after[name])]
    asked = {id(counted): one for one, counted, _ in both}

    def members(figure: Figure) -> nesting.Cells:
        return tracing.members(tracing.trace(practice, asked[id(figure)], figure))

    shown = {id(counted): one for _, counted, one in both}
    found = nesting.apart([counted for _, counted, _ in both], shown, members)
    gone = {identity for identity, one in found.items() if one.masked != shown[identity].masked}
    assert id(after["measured"][1]) in gone
    assert not gone & {id(counted) for _, counted, _ in before.values()}
    same = "evaluation-moments"
    assert id(after[same][1]) not in gone


def _outside(practice: Workspace) -> list[tuple[Asked, Figure, Figure]]:
    composer = Composer(practice, "insurer", "nl")
    return [(composer.asked[id(one)], one, composer.shown[id(one)]) for one in composer.figures]


def test_what_leaves_with_the_practices_summary_leaves_nobody_alone(practice: Workspace) -> None:
    """Not by the code under test: every pair of published counts of one indicator, by their patients."""
    composer = Composer(practice, "insurer", "nl")
    counts: dict[tuple[str, str], list[frozenset[str]]] = {}
    for one in composer._everything:
        shown = composer.shown[id(one)]
        if one.group:
            continue
        members = tracing.members(tracing.trace(practice, composer.asked[id(one)], one))
        for part in releasing.published_parts(shown):
            counts.setdefault((one.indicator, part), []).append(members.get(part, frozenset()))
    assert any(len(some) > 1 for some in counts.values())
    for some in counts.values():
        for one, other in combinations(some, 2):
            if one < other or other < one:
                assert len(one ^ other) >= 10 or not one or not other
