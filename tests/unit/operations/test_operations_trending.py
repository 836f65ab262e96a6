"""Figures over time: complete periods only, safe beside their total, and never drawn where they say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.operations import summarising, trending
from exchange.operations.composing import Composer
from exchange.operations.workspace import Workspace
from exchange.reports.facts import Trend

T = 10
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """The trends of one edition of the demo, and its figures as counted and as shown."""

    on: date
    trends: Any
    totals: dict[tuple[str, str], Any]


def seen(folder: Path, audience: str) -> Seen:
    with Workspace.open(
        folder / "praktijk", passphrase=lambda _name: "", now=NOW, on=NOW.date(), user="tester"
    ) as workspace:
        composer = Composer(workspace, audience, "nl")
        totals = {(asked.agreement, asked.definition.id): (raw, shown) for asked, raw, shown in composer._single}
        return Seen(workspace.on, composer._trends, totals)


@pytest.fixture(scope="module")
def inside(played: Path) -> Seen:
    return seen(played, "internal")


@pytest.fixture(scope="module")
def outside(played: Path) -> Seen:
    return seen(played, "insurer")


def test_a_period_is_a_whole_quarter_half_year_or_year() -> None:
    assert trending.periods(date(2023, 11, 6), date(2024, 11, 1), 6) == [(date(2024, 1, 1), date(2024, 7, 1))]
    assert len(trending.periods(date(2024, 1, 1), date(2025, 1, 1), 3)) == 4
    assert trending.periods(date(2024, 1, 2), date(2025, 1, 1), 12) == []
    assert trending.periods(date(2024, 5, 1), date(2024, 5, 1), 6) == []


def test_only_periods_that_can_be_known_are_drawn(inside: Seen) -> None:
    found, on = inside.trends, inside.on
    durable = found["", "durable-discharge-12"].trend
    assert durable.points
    assert all(one.end.replace(year=one.end.year + 1) <= on for one in durable.points)
    moments = found["", "evaluation-moments"].trend
    assert moments.points[-1].end <= on
    assert len(moments.points) > len(durable.points)


def test_outsiders_see_no_period_with_fewer_than_ten_people_on_a_side(outside: Seen) -> None:
    cells = [cell for one in outside.trends.values() for cell in one.cells]
    assert cells
    hidden = [shown for _, _, shown in cells if shown.masked is not None]
    for _, counted, shown in cells:
        if shown.masked is None:
            assert counted.numerator_patients >= T
            assert counted.complement_patients >= T
    assert hidden, "the demo has a period that is too small"
    assert all(one.value is None and one.numerator is None and one.denominator is None for one in hidden)


def test_what_is_left_outside_the_printed_periods_is_as_safe(outside: Seen) -> None:
    # total minus the printed periods is a number that a reader can work out
    for name, one in outside.trends.items():
        raw, shown_total = outside.totals[name]
        if not one.cells or any(shown.masked is not None for _, _, shown in one.cells):
            continue
        for count in ("numerator", "denominator"):
            rest = getattr(raw, count) - sum(getattr(shown, count) for _, _, shown in one.cells)
            assert rest == 0 or rest >= T, (name, count)
        assert shown_total.masked is None


def test_an_attacker_who_subtracts_learns_no_small_number(outside: Seen) -> None:
    """The reader has the total and the printed periods; a withheld one could be anything from 1 to 9 on both sides."""
    attacked = 0
    for name, one in outside.trends.items():
        raw, total = outside.totals[name]
        if total.masked is not None or not one.cells:
            continue
        printed = [shown for _, _, shown in one.cells if shown.masked is None]
        withheld = [counted for _, counted, shown in one.cells if shown.masked is not None]
        if not withheld:
            continue
        attacked += 1
        begins, ends = (min(c.start for _, c, _ in one.cells), max(c.end for _, c, _ in one.cells))
        unknown = len(withheld) + (raw.start < begins) + (raw.end > ends)
        assert unknown >= 2, name
        left = total.numerator - sum(shown.numerator for shown in printed)
        without = total.denominator - total.numerator
        without -= sum(shown.denominator - shown.numerator for shown in printed)
        assert left >= T - 1, name
        assert without >= T - 1, name
        for shown in printed:
            # nor do its limits tell what its own count of unknown does not
            assert shown.unknown is not None or shown.interval.method.endswith(("-answered", "-clustered")), name
    assert attacked, "the demo has a trend with a withheld period"


def test_an_indicator_has_one_trend_in_the_edition_for_outsiders(outside: Seen, inside: Seen) -> None:
    drawn = [name for (_, name), one in outside.trends.items() if one.trend.points]
    assert len(drawn) == len(set(drawn))
    assert outside.trends["huisartsen", "durable-discharge-12"].trend.left_out == "elsewhere"
    assert inside.trends["huisartsen", "durable-discharge-12"].trend.points
    # where the practice's own is not drawn either, nobody is sent looking for it
    assert outside.trends["huisartsen", "onward-advice"].trend.left_out == "too-small"


def test_a_withheld_figure_has_no_trend(outside: Seen) -> None:
    found = outside.trends
    assert found["", "substitution-net"].trend == Trend(left_out="masked")
    assert found["huisartsen", "specialist-referral-rate"].trend.left_out == "before-after"
    assert found["", "sessions-per-patient"].trend.left_out == "too-few"


def test_periods_of_a_handful_of_cases_are_not_drawn_for_the_practice_either(inside: Seen) -> None:
    found = inside.trends
    assert found["ziekenhuis", "substitution-net"].trend.left_out == "too-thin"
    assert found["", "measured"].trend.step == "quarter"
    assert found["huisartsen", "substitution-net"].trend.step in {"half-year", "quarter"}


def test_a_release_enters_each_period_in_the_ledger_and_can_be_made_again(
    demo: Path, town_at: Callable[[Path], Any], tmp_path: Path
) -> None:
    with town_at(demo / "praktijk") as workspace:
        summarising.summary(workspace, [tmp_path / "a.md"], release=True)
        cells = [one.cell for one in workspace.store.releases.all()]
        assert any('"start":"2024-07-01"' in one and '"indicator":"measured"' in one for one in cells)
        summarising.summary(workspace, [tmp_path / "b.md"], release=True)
        assert len(workspace.store.releases.all()) == len(cells)
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()


def test_a_trend_that_the_ledger_refuses_is_left_out_and_the_rest_stays(
    played: Path, town_at: Callable[[Path], Any]
) -> None:
    def refused(cells: Any) -> bool:
        return any(asked.definition.id == "measured" for asked, _, _ in cells)

    with town_at(played / "praktijk") as workspace:
        single = list(Composer(workspace, "insurer", "nl")._single)
        found = trending.trends(workspace, single, outside=True, released=refused)
    assert found["", "measured"] == trending.Traced(Trend("half-year", left_out="released"))
    assert found["", "evaluation-moments"].trend.points
