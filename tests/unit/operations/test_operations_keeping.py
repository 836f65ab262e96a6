"""The smaller operations: asking, keeping keys, the trail, the doctor, evaluations, referrals and checks."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import Locked, SourceError, StoreError, WorkspaceError
from exchange.operations import (
    asking,
    checking,
    doctoring,
    evaluating,
    improving,
    keeping,
    referring,
    summarising,
    trail,
)


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",))))
def test_any_answer_comes_back_as_it_was_given(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("answers")
    asking.answer(folder, "closing", text)
    kept = text.strip()
    assert asking.answers(folder).get("closing", "") == kept


def test_an_empty_answer_is_forgotten_and_others_stay(tmp_path: Path) -> None:
    asking.answer(tmp_path, "closing", "a")
    asking.answer(tmp_path, "signatory", "b")
    asking.answer(tmp_path, "closing", "  ")
    assert asking.answers(tmp_path) == {"signatory": "b"}
    asking.answer(tmp_path, "never-given", "")
    assert asking.answers(tmp_path) == {"signatory": "b"}


def test_what_data_answer_is_not_asked(tmp_path: Path) -> None:
    asked = {one.id for one in asking.questions(tmp_path)}
    assert {"insurer", "contract-year", "closing", "signatory"} <= asked
    assert "index-current" not in asked or "klinimetrie" not in asked
    assert all(one.text and not one.answer for one in asking.questions(tmp_path, "en"))
    asking.write_blank(tmp_path, asking.questions(tmp_path))
    assert tomllib.loads((tmp_path / asking.FILE).read_text(encoding="utf-8")) == {}


def test_an_unreadable_file_of_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / asking.FILE).mkdir()
    with pytest.raises(WorkspaceError):
        asking.answers(tmp_path)


def test_answers_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / asking.FILE).write_text("a = 1\nb = 'x'\n[c]\nd = 'y'\n", encoding="utf-8")
    assert asking.answers(tmp_path) == {"b": "x"}


def test_demo_keys_have_no_passphrase(town: Any) -> None:
    with town.open("praktijk") as workspace, pytest.raises(Locked) as refused:
        keeping.change_passphrase(workspace, old="a" * 20, new="b" * 20)
    assert refused.value.rule == "keeping.demo"


def test_the_trail_shows_the_last_and_one_clients_entries(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        trail.note(workspace, "calculated", detail="a")
        trail.note(workspace, "calculated", detail="b")
        assert [one.detail for one in trail.show(workspace, last=2)] == ["a", "b"]
        with pytest.raises(StoreError):
            trail.show(workspace, epd_number="nobody")
        verified = trail.verify(workspace)
        assert verified.findings == ()
        assert verified.entries == trail.show(workspace, last=1)[0].number


def test_the_doctor_names_each_thing_that_is_wrong(town: Any) -> None:
    with town.open("praktijk") as workspace:
        assert all(one.sound for one in doctoring.examine(workspace))
        (workspace.folder / "outbox").rename(workspace.folder / "uitbak")
        workspace.on = date(2050, 1, 1)
        workspace.settings = replace(workspace.settings, demo=False)
        wrong = {one.rule for one in doctoring.examine(workspace) if not one.sound}
    assert wrong == {"doctor.folders", "doctor.card", "doctor.keys"}


def test_the_doctor_says_when_sealing_or_documents_do_not_work(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    from exchange.errors import CannotOpen
    from exchange.sealing import originals

    def broken(*_: object) -> None:
        raise CannotOpen(file="x")

    monkeypatch.setattr(originals, "fetch", broken)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with town.open("praktijk") as workspace:
        found = {one.rule: one for one in doctoring.examine(workspace)}
    assert not found["doctor.sealing"].sound
    assert not found["doctor.documents"].sound
    assert "typst" in str(found["doctor.documents"].params["missing"])


def test_evaluations_follow_the_practices_own_moments(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        workspace.settings = replace(workspace.settings, moments=(2,), every=3)
        counted = {one.moment: one for one in evaluating.counted(workspace)}
        assert {2, 5, 8} <= set(counted)
        assert all(one.done <= one.due for one in counted.values())
        held = {one.moment for one in evaluating.due(workspace)}
        assert held <= set(counted) | {max(counted) + 3}


def test_an_evaluation_keeps_an_unknown_instrument_by_its_name(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        epd = evaluating.due(workspace)[0].epd_number
        words: dict[str, Any] = {
            "epd_number": epd, "session_number": 4, "day": None, "effect": "none", "advice_taken_up": "yes",
            "relatives_involved": "no", "decision": "hand-over", "told_referrer_on": None,
        }  # fmt: skip
        saved = evaluating.record(workspace, instrument=" eigen lijst ", partner_involved="agb:01999991", **words)
        assert (saved.instrument, saved.partner_involved, saved.day) == ("eigen lijst", "agb:01999991", workspace.on)
        with pytest.raises(StoreError) as ahead:
            evaluating.record(
                workspace, instrument="", partner_involved="",
                **{**words, "told_referrer_on": workspace.on + timedelta(days=1)},
            )  # fmt: skip
        assert ahead.value.rule == "operations.day-ahead"


def test_a_referral_of_a_day_to_come_is_refused(treated: Any) -> None:
    with treated.open("praktijk") as workspace, pytest.raises(StoreError):
        referring.record(
            workspace, epd_number="P00001", referrer="agb:01999991", day=workspace.on + timedelta(days=1), question="",
            otherwise="gp", answered_by="",
        )  # fmt: skip


def test_referrals_of_more_than_a_year_ago_are_not_listed(treated: Any) -> None:
    with treated.open("praktijk") as workspace:
        now = {one.epd_number for one in referring.listed(workspace).referrals}
        workspace.on = workspace.on + timedelta(days=4000)
        assert now
        assert referring.listed(workspace).referrals == ()


def test_an_improvement_point_keeps_what_is_not_said(town: Any) -> None:
    with town.open("praktijk") as workspace:
        improving.record(workspace, "a", title="T", goal="G", check_on=(date(2027, 1, 1),))
        again = improving.record(workspace, "a", goal=None, realised="R")
    assert (again.title, again.goal, again.realised, again.check_on) == ("T", "G", "R", (date(2027, 1, 1),))


def test_a_file_to_check_that_cannot_be_read_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        checking.check(tmp_path / "none.json")


def test_every_text_of_the_facts_is_looked_through() -> None:
    from exchange.reports.facts import Prem

    prem = Prem("bron", quotations=("een", "twee"), questions=(("vraag", 8.1, 3),))
    assert dict(summarising.texts({"a": [prem]}))
    places = list(summarising.texts({"a": prem}))
    assert {text for _, text in places} == {"bron", "een", "twee", "vraag"}
    assert list(summarising.texts(b"123456782")) == []
    assert list(summarising.texts(7)) == []
