"""Figures for the insurer leave as agreed and beside what left before, whichever command writes them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

START = date(2024, 1, 1)


@pytest.fixture
def practice(demo: Path) -> Path:
    """Return the demo practice's folder."""
    return demo / "praktijk"


def ledger(town_at: Any, folder: Path) -> tuple[Any, ...]:
    """Return all that was released."""
    with town_at(folder) as workspace:
        return tuple(workspace.store.releases.all())


def asked(until: date, *more: object) -> tuple[object, ...]:
    return ("indicators", "onward-advice", "--from", START, "--until", until, "--json", *more)


def two_ends(run: Any, practice: Path) -> tuple[date, date]:
    """Return two ends of a period between which a few patients ended their treatment; both figures can be shown."""
    first, end = None, date(2025, 6, 1)
    while end < date(2026, 6, 1):
        (ours,) = run(*asked(end), workspace=practice).json["figures"]
        (theirs,) = run(*asked(end, "--for", "insurer"), workspace=practice).json["figures"]
        if theirs["masked"] is None:
            if first is not None and 0 < ours["denominator"] - first[1] < 10:
                return first[0], end
            first = (end, ours["denominator"])
        end += timedelta(days=7)
    raise AssertionError("the demo has no two such weeks")


def test_printed_figures_are_a_preview_and_written_ones_are_entered(run, practice, town_at, tmp_path):
    until, to = date(2026, 1, 1), tmp_path / "figures.json"
    printed = run(*asked(until, "--for", "insurer"), workspace=practice)
    assert printed.json["entered"] is False
    assert ledger(town_at, practice) == ()
    words = [one for one in asked(until, "--for", "insurer", "--language", "nl") if one != "--json"]
    assert "staat niet in het register van uitgaven" in run(*words, workspace=practice).out
    written = run(*asked(until, "--for", "insurer", "--to", to), workspace=practice)
    assert written.json["entered"] is True
    cells = ledger(town_at, practice)
    assert {one.document for one in cells} == {"indicators figures.json 2026-11-03"}
    (row,) = json.loads(to.read_text(encoding="utf-8"))
    answered = next(one for one in cells if json.loads(one.cell)["part"] == "answered")
    assert answered.units == row["answered"] == row["denominator"]
    # The same once more is nothing new, and what only the practice reads is nobody's release.
    assert (
        run(*asked(until, "--for", "insurer", "--to", tmp_path / "again.csv"), workspace=practice).code == printed.code
    )
    assert run(*asked(date(2026, 1, 3), "--to", tmp_path / "ours.csv"), workspace=practice).code == 0
    assert ledger(town_at, practice) == cells


def test_a_period_that_differs_by_a_few_patients_is_refused_printed_and_written(run, practice, town_at, tmp_path):
    first, second = two_ends(run, practice)
    assert run(*asked(first, "--for", "insurer", "--to", tmp_path / "first.csv"), workspace=practice).code in (0, 3)
    before, to = ledger(town_at, practice), tmp_path / "second.csv"
    for more in ((), ("--to", to)):
        said = run(*asked(second, "--for", "insurer", *more), workspace=practice)
        assert (said.code, said.json["error"]["rule"]) == (17, "releasing.differencing")
        assert "indicators first.csv 2026-11-03" in said.json["error"]["text"]
    assert not to.exists()
    assert ledger(town_at, practice) == before
    assert run(*asked(second), workspace=practice).code == 0


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("measured", "--by", "month"), "tabling.nobody-plans"),
        (("sessions-per-patient", "--by", "location", "--by", "sex"), "tabling.nobody-plans"),
        (("substitution-net", "--by", "location"), "tabling.not-planned"),
    ],
)
def test_a_split_that_no_agreement_plans_is_refused_and_says_what_to_do(run, practice, tmp_path, words, rule):
    to = tmp_path / "split.csv"
    said = run("indicators", *words, "--for", "insurer", "--to", to, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (13, rule)
    assert "table-plan" in said.json["error"]["hints"][0]
    for word in words[2::2]:
        assert str(word) in said.json["error"]["text"]
    assert not to.exists()
    dutch = run("indicators", *words, "--for", "insurer", "--language", "nl", workspace=practice)
    assert "lichaamsplaats" in dutch.err or "maand" in dutch.err
    assert run("indicators", *words, "--json", workspace=practice).code == 0  # nobody outside reads it


def test_what_rests_on_answers_under_another_agreement_needs_its_clause_for_the_partner(practice, town_at):
    from exchange.operations.gathering import terms_of
    from exchange.operations.reporting import Reports
    from exchange.operations.telling import Draft

    with town_at(practice) as workspace:
        terms = terms_of(workspace, "huisartsen")
        reports = Reports(workspace, {})
        held = {
            one.asked.definition.id: reports._of_others(one, Draft(terms.others[0]))
            for one in reports._figures(terms, date(2026, 7, 1))
        }
        # A group of which the clause speaks may have it, one of which it does not may not.
        assert reports._may_have("ziekenhuis", {"zorgverzekeraar"})
        assert not reports._may_have("ziekenhuis", {"huisartsenpraktijk a (verzonnen)"})
        assert not reports._may_have("nobody", {"zorgverzekeraar"})
    assert held["onward-advice"] is None  # the practice's own data
    assert held["substitution-net"] is not None
    assert "ziekenhuis" in str(held["substitution-net"].params["agreements"])


def test_the_progress_of_the_plan_is_sent_and_so_is_entered(run, practice, town_at, tmp_path):
    to = tmp_path / "progress.md"
    assert run("plan", "--progress", "--to", to, workspace=practice).code in (0, 3)
    assert {one.document for one in ledger(town_at, practice)} == {"plan-progress 2026-11-03"}


def test_a_draft_is_held_to_the_ledger_and_says_that_it_is_none_of_it(run, practice, town_at, tmp_path):
    said = run("summary", "--to", tmp_path / "draft.md", "--language", "en", workspace=practice)
    assert "This is a preview" in said.out
    with town_at(practice) as workspace:
        from exchange.operations import composing, releasing
        from exchange.store.releases import ReleasedCell

        published = composing.Composer(workspace, "insurer", "nl").published
        one = next(each for each in published if each[0].definition.id == "measured" and not each[0].agreement)
        cell = next(
            each
            for each in releasing.Ledger(workspace).judge([one]).cells
            if json.loads(each.cell)["part"] == "answered"
        )
        earlier = json.dumps(json.loads(cell.cell) | {"end": "2026-05-01"})
        near = ReleasedCell(earlier, cell.count - 3, frozenset(sorted(cell.members)[3:]))
        workspace.store.releases.save("summary 2026-05-01", [near], at=workspace.now)
    to = tmp_path / "second.md"
    for command in ("summary", "plan"):
        draft = run(command, "--to", to, "--json", "--language", "en", workspace=practice)
        left = [one["params"]["document"] for one in draft.json["findings"] if one["rule"] == "releasing.left-out"]
        assert (draft.code, {*left}) == (3, {"summary 2026-05-01"})
        assert "too near what was given out before" in to.read_text(encoding="utf-8")
    with town_at(practice) as workspace:
        assert len(workspace.store.releases.all()) == 1
    assert run("summary", "--for", "internal", "--to", to, workspace=practice).code in (0, 3)
