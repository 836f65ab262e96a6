"""The facts of pages: what the practice sees, what outsiders see, and what is left out because nobody knows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.operations import changes, improving, indexing
from exchange.operations.composing import Composer
from exchange.operations.workspace import Workspace

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def practice(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("composing") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    with Workspace.open(folder, passphrase=lambda _n: "", now=NOW, on=NOW.date(), user="t") as opened:
        yield opened


@pytest.fixture(scope="module")
def ours(practice: Workspace) -> Composer:
    return Composer(practice, "internal", "nl")


@pytest.fixture(scope="module")
def theirs(practice: Workspace) -> Composer:
    return Composer(practice, "insurer", "nl")


def test_sessions_are_those_of_the_last_calendar_year(ours: Composer) -> None:
    facts = ours.sessions
    assert facts is not None
    assert (facts.start, facts.end) == (date(2025, 1, 1), date(2026, 1, 1))
    assert len(facts.classes) == 7
    assert sum(count or 0 for count in facts.classes) == facts.patients


def test_groups_of_few_patients_are_for_ourselves(ours: Composer, theirs: Composer) -> None:
    assert theirs.groups
    assert {group.group for group in theirs.groups} <= {group.group for group in ours.groups}
    assert all(group.patients is not None and group.patients >= 10 for group in theirs.groups)


def test_hidden_groups_cannot_be_worked_out_from_the_total(ours: Composer, theirs: Composer) -> None:
    total = next(one for one in theirs._by_location if not one.group)
    parts = [one for one in theirs._by_location if one.group]
    hidden = [old for old, new in zip(parts, theirs.show(parts), strict=True) if new.masked]
    if hidden:
        assert sum(one.denominator or 0 for one in hidden) >= 10 or theirs.show([total])[0].masked
    assert len(ours.groups) == len(parts)


def test_small_loops_are_hidden_whole(ours: Composer, theirs: Composer) -> None:
    loops = {one.id: one.loop for one in theirs.agreements}
    store = ours.workspace.store
    for agreement in ours.agreements:
        cases = store.cases.of_agreement(agreement.id)
        answered = {one.case_id for one in store.answers.of_cases(case.case_id for case in cases)}
        told = [one for one in cases if one.case_id in answered]
        silent = [one for one in cases if one.case_id not in answered]
        assert (agreement.loop.sent, agreement.loop.answered) == (len(cases), len(told))
        # By patients: ten cases can be of nine.
        small = any(0 < len({one.patient_id for one in some}) < 10 for some in (cases, told, silent))
        assert (loops[agreement.id].sent is None) is small


def test_payers_are_words_and_payment_by_the_zvw_is_left_out(ours: Composer) -> None:
    funding = {one.id: one.funding for one in ours.agreements}
    assert funding["huisartsen"].endswith("geen vergoeding")
    assert funding["welzijn"].endswith("gemeente (Wmo 2015)")


def test_a_moment_that_passed_is_held_only_when_a_review_was(practice: Workspace) -> None:
    """A day going by is no evaluation; neither is a review that was opened and not held."""
    from exchange.store.reviews import Review

    def moments() -> dict[date, Any]:
        (found,) = (one for one in Composer(practice, "insurer", "nl").agreements if one.id == "welzijn")
        return {one.on: one for one in found.moments}

    before = moments()
    passed = [day for day, one in before.items() if one.passed]
    assert passed == [day for day in before if day < NOW.date()]
    assert len(passed) > 1
    assert all(one.held_on is None and not one.result for one in before.values())
    opened = Review("welzijn", 1, passed[0], NOW.date(), NOW.date(), {})
    practice.store.reviews.save(opened, by="t", at=NOW)
    assert moments() == before
    held = replace(opened, held_on=NOW.date(), outcome="improve", decided="KANARIE")
    practice.store.reviews.save(held, by="t", at=NOW)
    after = moments()
    assert (after[passed[0]].held_on, after[passed[0]].missed) == (NOW.date(), False)
    assert after[passed[0]].result == "Wij passen onze werkwijze aan (verbeterpunt)"
    assert {day: one for day, one in after.items() if day != passed[0]} == {
        day: one for day, one in before.items() if day != passed[0]
    }


def test_change_has_limits_where_one_instrument_is_used(ours: Composer) -> None:
    (change,) = ours.changes
    assert change.instrument == "Pijnscore (NPRS)"
    assert (change.threshold, change.mic, change.mdc) == (2.0, 2.0, None)
    assert not change.higher_is_better
    assert "within-error" not in change.classes
    assert change.measured is not None
    assert change.all_closed is not None
    assert change.measured <= change.all_closed


def test_change_over_several_instruments_has_no_limits_but_their_sources(ours: Composer) -> None:
    figure = next(one for one in ours.figures if one.indicator == "responders")
    (change,) = changes.changes(figure, {"nprs", "psk", "no-such-instrument"}, "en")
    assert change.threshold is None
    assert "within-error" in change.classes
    assert "minimal important change 2 (PMC7053735)" in change.source
    assert "(not verified)" in change.source
    (every,) = changes.changes(figure, set(changes.instruments()), "nl")
    assert "geen drempel bekend" in every.source
    share = replace(changes.instruments()["psk"], mic=None, mic_percent=30)
    assert "verschil 30%" in changes.threshold_text(share, "nl")


def test_the_letters_own_two_points_are_not_repeated(ours: Composer) -> None:
    points = {one.title for one in ours.plan({}).improvement_points}
    assert points == {"Vaker meten bij begin en einde"}
    assert {"Behandelindex omlaag", "Transparant over het effect"} <= {one.title for one in ours.improvements}


def test_a_point_that_was_checked_is_not_called_reached(town: Any) -> None:
    with town.open("praktijk") as workspace:
        improving.record(workspace, "x", realised="niet gehaald", indicator="measured")
        improving.record(workspace, "y", title="Y")
        checked, open_ = improving.shown(workspace, {"measured": "Gemeten"}, {}, "nl")
    assert (checked.title, checked.state) == ("x", "checked")
    assert "‘Gemeten’" in checked.check
    assert (open_.state, open_.check) == ("open", "")


def test_the_survey_ends_on_its_last_day(ours: Composer) -> None:
    prem = ours.plan({}).prem
    assert prem is not None
    assert prem.end == date(2026, 1, 1)
    assert "PREM Paramedisch 2025" in prem.source


def test_answers_name_the_insurer_and_year(ours: Composer) -> None:
    plan = ours.plan({"insurer": "Andere", "contract-year": "2028", "signatory": "ik", "place": "hier"})
    assert plan.insurer is not None
    assert (plan.insurer.name, plan.insurer.contract_year) == ("Andere", 2028)
    assert (plan.organisation.signatory, plan.organisation.place) == ("ik", "hier")
    plain = ours.plan({"contract-year": "volgend jaar"}).insurer
    assert plain is not None
    assert (plain.name, plain.contract_year) == ("VGZ", None)


def test_what_is_not_known_is_left_out(town: Any) -> None:
    with town.open("welzijn") as workspace:
        composer = Composer(workspace, "insurer", "nl")
        summary, plan = composer.summary(), composer.plan({})
    assert summary.charts.index is None
    assert summary.charts.sessions is None
    assert summary.charts.changes == ()
    assert plan.groups == ()
    assert plan.prem is plan.insurer is None
    assert plan.index is None


def test_told_by_hand(treated: Any, tmp_path: Path) -> None:
    from exchange.operations import loading

    # 120 sessions fewer than 150 says: worked out on paper for 150 -> 120 is a fifth of all sessions
    file = tmp_path / "index.csv"
    from exchange.operations.inventing import tables

    head, *_ = tables.index_figures().decode("cp1252").splitlines()
    columns = head.split(";")
    row = tables.index_figures().decode("cp1252").splitlines()[-1].split(";")
    cells = dict(zip(columns, row, strict=True))
    value = next(name for name in columns if cells[name] in {"157", "157,0"})
    cells[value] = "150"
    file.write_bytes(f"{head}\r\n{';'.join(cells.values())}\r\n".encode("cp1252"))
    with treated.open("praktijk") as workspace:
        loading.load(workspace, [file])
        told = indexing.index(workspace, insurer="VGZ", target=120)
        held = [
            one for one in workspace.store.dataset().sessions
            if date(2025, 1, 1) <= one.day <= date(2025, 12, 31) and one.type.value in {"session", "group"}
        ]  # fmt: skip
        lines = list(indexing.lines(told, "nl"))
    assert told.way is not None
    assert told.observed == len(held)
    assert told.way.implied_expected == pytest.approx(len(held) / 1.5)
    assert told.way.sessions_to_save == pytest.approx(len(held) / 5)
    assert told.way.share_to_save == pytest.approx(0.2)
    for plan in told.plans:
        assert indexing.goal_of(plan) >= 1
        rules = {one.rule for one in plan.warnings}
        assert ("indicators.plan-below-one" in rules) is (plan.mean < 6)
    below = [plan for plan in told.plans if plan.mean < 6]
    said = [line for line in lines if "minder dan één behandeling over" in line]
    assert len(said) == len(below)
    assert not any("−" in line and "doel" in line for line in lines)
