"""A withdrawn consent: what it cancels, whom it is told, who answers what, and what is open after fourteen days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
PRACTICE, GP_A = "agb:07999990", "agb:01999991"


def withdraw(run: Any, town: Any, number: str, partner: str = GP_A) -> Any:
    words = ("--partner", partner, "--purpose", "effect", "--state", "withdrawn", "--evidence", "letter")
    return run("consent", "record", "--epd", number, *words, "--json", workspace=town["praktijk"])


def case_of_a(town: Any) -> Any:
    """Return EPD number and case of a client with one case, at GP A."""
    with town.open("praktijk") as practice:
        cases = practice.store.cases.of_agreement("huisartsen")
        one = next(
            case for case in cases
            if case.partner == GP_A and [other.patient_id for other in cases].count(case.patient_id) == 1
        )  # fmt: skip
        return practice.store.patient_identity(one.patient_id).epd_number, one


@pytest.fixture
def told(run: Any, mailed: Any) -> tuple[Any, Any]:
    """Return a town in which GP A was told of a withdrawal, and its case."""
    run("import", mailed.folder / "post" / "from-a.age", workspace=mailed["praktijk"])
    number, case = case_of_a(mailed)
    assert withdraw(run, mailed, number).json["cancelled"] == []
    (sent,) = [
        one for one in run("export", "huisartsen", "--json", workspace=mailed["praktijk"]).json["files"]
        if one["party"] == GP_A
    ]  # fmt: skip
    taken = run("import", sent["file"], "--json", workspace=mailed["huisarts-a"])
    assert {one["rule"] for one in taken.json["files"][0]["findings"]} == {"importing.withdrawn"}
    return mailed, case


def test_a_withdrawal_is_told_once_and_open_until_it_is_answered(run: Any, told: tuple[Any, Any]) -> None:
    town, case = told
    assert run("export", "huisartsen", "--json", workspace=town["praktijk"]).json["files"] == []
    for days, overdue, code in ((0, False, 0), (14, False, 0), (15, True, 3)):
        for name in ("praktijk", "huisarts-a"):
            ran = run("consent", "withdrawals", "--json", workspace=town[name], at=NOW + timedelta(days=days))
            (one,) = ran.json["withdrawals"]
            assert (ran.code, one["overdue"], one["days"]) == (code, overdue, days)
            assert (one["code"], one["purpose"], one["answer"]) == (case.code, "effect", "")
    late = run("consent", "withdrawals", "--language", "nl", workspace=town["praktijk"], at=NOW + timedelta(days=15))
    assert "na 14 dagen niet beantwoord" in late.out


def test_the_practice_sees_on_which_ground_a_partner_keeps_the_data(run: Any, told: tuple[Any, Any]) -> None:
    town, case = told
    gp, practice = town["huisarts-a"], town["praktijk"]
    answered = run("consent", "answer", case.code, "--kept", "care-record", "--json", workspace=gp)
    assert answered.code == 0
    (sent,) = run("export", "--acknowledge", "--json", workspace=gp).json["acknowledged"]
    assert sent["answers"] == 1
    taken = run("import", sent["file"], "--json", workspace=practice)
    assert taken.code == 0
    (found,) = taken.json["files"][0]["findings"]
    assert (found["rule"], found["params"]["ground"]) == ("withdrawing.kept", "care-record")
    late = run("consent", "withdrawals", "--json", workspace=practice, at=NOW + timedelta(days=40))
    (one,) = late.json["withdrawals"]
    assert (late.code, one["answer"], one["ground"], one["overdue"]) == (0, "kept", "care-record", False)
    with town.open("huisarts-a") as workspace:
        assert workspace.store.cases.find(case.case_id) is not None
    assert run("export", "--acknowledge", "--json", workspace=gp).json["acknowledged"] == []


def test_what_a_partner_says_it_deleted_is_deleted_there(run: Any, told: tuple[Any, Any]) -> None:
    town, case = told
    gp, practice = town["huisarts-a"], town["praktijk"]
    assert list((gp / "inbox").glob("*.age"))
    assert run("consent", "answer", case.code, "--deleted", "--json", workspace=gp).code == 0
    with town.open("huisarts-a") as workspace:
        store = workspace.store
        assert store.cases.find(case.case_id) is None
        assert store.answers.of_cases([case.case_id]) == ()
        assert {one.event.partition(":")[0] for one in store.received.of_case(case.case_id)} == {
            "consent-withdrawn", "withdrawal-answer",
        }  # fmt: skip
        assert not any(key[0] == case.case_id and not key[1].startswith("withdrawal") for key in store.sent.digests())
    (record,) = run("retention", "list", "--json", workspace=gp).json["records"]
    assert (record["ground"], record["sound"]) == ("withdrawal", True)
    (one,) = run("consent", "withdrawals", "--json", workspace=gp).json["withdrawals"]
    assert (one["code"], one["answer"]) == (case.code, "deleted")
    sent = run("export", "huisartsen", "--json", workspace=gp)
    (file,) = sent.json["files"]
    taken = run("import", file["file"], "--json", workspace=practice)
    assert "withdrawing.deleted" in {found["rule"] for found in taken.json["files"][0]["findings"]}
    (one,) = run("consent", "withdrawals", "--json", workspace=practice).json["withdrawals"]
    assert (one["answer"], one["epd_number"] != "") == ("deleted", True)
    shown = run("log", "show", "--patient", one["epd_number"], "--json", workspace=practice).json["entries"]
    events = [entry["event"] for entry in shown]
    assert [event for event in events if event in {"told-partner", "consent-withdrawn", "withdrawal-deleted"}] == [
        "told-partner", "consent-withdrawn", "told-partner", "withdrawal-deleted",
    ]  # fmt: skip
    assert [entry["number"] for entry in shown] == sorted(entry["number"] for entry in shown)


def test_an_answer_needs_an_open_withdrawal_and_one_word(run: Any, told: tuple[Any, Any]) -> None:
    town, case = told
    gp = town["huisarts-a"]
    assert run("consent", "answer", case.code, "--json", workspace=gp).code == 2
    assert run("consent", "answer", case.code, "--deleted", "--kept", "legal-duty", "--json", workspace=gp).code == 2
    assert run("consent", "answer", case.code, "--kept", "legal-duty", "--json", workspace=gp).code == 0
    again = run("consent", "answer", case.code, "--deleted", "--json", workspace=gp)
    assert (again.code, again.json["error"]["rule"]) == (11, "withdrawing.nothing-asked")


def test_a_partner_can_not_answer_for_anothers_case(run: Any, told: tuple[Any, Any], forger: Any) -> None:
    from datetime import date

    from exchange.sealing import acknowledgement
    from exchange.sealing.acknowledgement import Acknowledgement, WithdrawalAnswer
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    town, case = told
    said = WithdrawalAnswer(case.case_id, "effect", "deleted", "", date(2026, 11, 3))
    data = Acknowledgement(withdrawals=(said,)).to_bytes()
    content = Content(acknowledgement.NAME, acknowledgement.MEDIA_TYPE, 1, data)
    file = forger(town, "huisarts-b").seal(kind=Kind.ACKNOWLEDGEMENT, contents=(content,))
    taken = run("import", file, "--json", workspace=town["praktijk"])
    assert "withdrawing.unknown-case" in {one["rule"] for one in taken.json["files"][0]["findings"]}
    (one,) = run("consent", "withdrawals", "--json", workspace=town["praktijk"]).json["withdrawals"]
    assert one["answer"] == ""


def test_a_file_that_was_not_dropped_yet_is_cancelled_and_tells_the_others_anew(
    run: Any, town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exchange.sealing import sealing

    def crash(*_args: object, **_named: object) -> None:
        raise RuntimeError("the power went")

    practice = town["praktijk"]
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "write", crash)
        assert run("export", "huisartsen", workspace=practice).code == 1
    with town.open("praktijk") as workspace:
        (reserved,) = workspace.store.journal.unfinished()
        assert reserved.other == GP_A
    number, case = case_of_a(town)
    said = withdraw(run, town, number)
    assert said.json["cancelled"] == [f"{reserved.message_id}.age"]
    sent = run("export", "huisartsen", "--json", workspace=practice)
    assert sent.json["resumed"] == []
    (file,) = [one for one in sent.json["files"] if one["party"] == GP_A]
    taken = run("import", file["file"], "--json", workspace=town["huisarts-a"])
    assert (taken.code, taken.json["files"][0]["findings"]) == (0, [])
    with town.open("huisarts-a") as workspace:
        heard = {one.case_id for one in workspace.store.cases.received()}
        assert case.case_id not in heard
        assert len(heard) == taken.json["files"][0]["cases"] > 5
        assert workspace.store.journal.gaps() == ()
    assert run("consent", "withdrawals", "--json", workspace=practice).json["withdrawals"] == []


def test_a_file_that_lies_in_the_outbox_is_named_for_a_person_to_hold_back(run: Any, mailed: Any) -> None:
    number, case = case_of_a(mailed)
    with mailed.open("praktijk") as practice:
        other = next(
            one for one in practice.store.cases.of_agreement("huisartsen")
            if one.partner != GP_A and one.patient_id != case.patient_id
        )  # fmt: skip
        epd = practice.store.patient_identity(other.patient_id).epd_number
    (standing,) = withdraw(run, mailed, epd, other.partner).json["standing"]
    assert (standing["party"], standing["sequence"]) == (other.partner, 2)
    assert Path(mailed["praktijk"] / "outbox" / standing["file"]).is_file()
    # what GP A confirmed nobody can hold back
    assert number
