"""Acknowledgements, resending, taking back, gaps: between real workspaces by the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

LATER = datetime(2026, 11, 20, 9, tzinfo=UTC)
PRACTICE, GP_A, GP_B = "agb:07999990", "agb:01999991", "agb:01999992"


def newest(folder: Path) -> Path:
    return max((folder / "outbox").glob("*.age"), key=lambda file: file.stat().st_mtime_ns)


def unconfirmed(run: Any, folder: Path) -> list[tuple[str, str, int]]:
    listed = run("log", "sent", "--json", workspace=folder, at=LATER).json["sent"]
    return [(one["party"], one["agreement"], one["sequence"]) for one in listed]


def test_an_acknowledgement_rides_along_with_the_next_file_and_settles_what_was_open(run: Any, mailed: Any) -> None:
    practice = mailed["praktijk"]
    (open_a, _) = run("log", "sent", "--json", workspace=practice, at=LATER).json["sent"]
    assert (open_a["party"], open_a["days"], open_a["kind"]) == (GP_A, 17, "data")
    assert unconfirmed(run, practice) == [(GP_A, "huisartsen", 2), (GP_B, "huisartsen", 2)]
    said = run("import", mailed.folder / "post" / "from-a.age", "--json", workspace=practice)
    assert (said.code, said.json["files"][0]["answers"]) == (0, 18)
    assert unconfirmed(run, practice) == [(GP_B, "huisartsen", 2)]


def test_an_acknowledgement_goes_at_once_when_asked_and_is_never_acknowledged_itself(run: Any, mailed: Any) -> None:
    practice, gp = mailed["praktijk"], mailed["huisarts-a"]
    run("import", mailed.folder / "post" / "from-a.age", workspace=practice)
    assert unconfirmed(run, gp) == [(PRACTICE, "huisartsen", 2)]
    sent = run("export", "huisartsen", "--acknowledge", "--json", workspace=practice).json["acknowledged"]
    assert [(one["party"], one["received"], one["refused"]) for one in sent] == [(GP_A, 1, 0)]
    taken = run("import", sent[0]["file"], "--json", workspace=gp)
    assert (taken.code, taken.json["files"][0]["state"], taken.json["files"][0]["kind"]) == (
        0, "acknowledgement", "acknowledgement",
    )  # fmt: skip
    assert unconfirmed(run, gp) == []
    # the gp owes nothing for a receipt, and the practice owes nothing twice
    assert run("export", "--acknowledge", "--json", workspace=gp).json["acknowledged"] == []
    again = run("export", "huisartsen", "--acknowledge", "--json", workspace=practice)
    assert (again.code, again.json["acknowledged"]) == (0, [])
    assert "niets te bevestigen" in run("export", "--acknowledge", "--language", "nl", workspace=gp).out


def test_there_is_nothing_of_a_patient_in_an_acknowledgement(run: Any, mailed: Any) -> None:
    from exchange.operations import importing

    run("import", mailed.folder / "post" / "from-a.age", workspace=mailed["praktijk"])
    (sent,) = run("export", "huisartsen", "--acknowledge", "--json", workspace=mailed["praktijk"]).json["acknowledged"]
    with mailed.open("huisarts-a") as gp:
        read = importing.opened(gp, Path(sent["file"]), gp.folder / "inbox")
        (path,) = read.contents.values()
        said = json.loads(path.read_bytes())
        cases = {case.case_id for case in gp.store.cases.received()}
    assert set(said) == {"format", "received", "refused", "missing", "cancelled", "witness", "withdrawals"}
    assert (len(said["received"]), said["withdrawals"]) == (1, [])
    assert not any(case in json.dumps(said) for case in cases)


def test_a_refusal_is_told_by_its_rule_and_nothing_else(run: Any, mailed: Any, forger: Any) -> None:
    practice, gp = mailed["praktijk"], mailed["huisarts-a"]
    run("import", mailed.folder / "post" / "from-a.age", workspace=practice)
    file = forger(mailed, "huisarts-a").seal(b'{"resourceType": "Bundle", "secret": "Jansen"}')
    assert run("import", file, "--json", workspace=practice).code == 10
    assert run("import", file, "--json", workspace=practice).code == 10
    (sent,) = run("export", "huisartsen", "--acknowledge", "--json", workspace=practice).json["acknowledged"]
    assert (sent["received"], sent["refused"], sent["missing"]) == (1, 1, 0)
    taken = run("import", sent["file"], "--json", workspace=gp)
    assert taken.code == 3
    (found,) = taken.json["files"][0]["findings"]
    assert (found["rule"], found["params"]) == (
        "acknowledging.refused", {"party": PRACTICE, "sequence": 3, "rule": "importing.message-wrong"},
    )  # fmt: skip
    assert "Jansen" not in taken.out
    listed = run("log", "sent", "--json", workspace=gp).json["sent"]
    assert [(one["sequence"], one["reason"]) for one in listed][-1] == (3, "importing.message-wrong")


def test_a_file_under_an_unknown_agreement_is_refused_and_its_sender_hears_so_in_a_control_file(
    run: Any, mailed: Any
) -> None:
    from exchange.operations import importing
    from exchange.sealing.manifest import Kind

    stranger = mailed["huisarts-b"]
    with mailed.open("huisarts-b") as gp:  # as if the proposal never arrived here
        gone = gp.store.agreements.find("huisartsen")
        with gp.store.engine.connect().execution_options(exchange_writes=True) as connection, connection.begin():
            connection.exec_driver_sql("DELETE FROM agreement WHERE agreement_id = 'huisartsen'")
        assert gone is not None
    refused = run("import", mailed.folder / "post" / "to-b.age", "--json", workspace=stranger)
    assert (refused.code, refused.json["error"]["rule"]) == (11, "importing.agreement-unknown")
    (sent,) = run("export", "--acknowledge", "--json", workspace=stranger).json["acknowledged"]
    with mailed.open("praktijk") as practice:
        read = importing.opened(practice, Path(sent["file"]), practice.folder / "inbox")
        assert (read.manifest.kind, read.manifest.agreement) == (Kind.CONTROL, None)
    assert run("import", sent["file"], "--json", workspace=mailed["praktijk"]).code == 3
    listed = run("log", "sent", "--json", workspace=mailed["praktijk"]).json["sent"]
    assert ("agb:01999992", "importing.agreement-unknown") in {(one["party"], one["reason"]) for one in listed}


def test_a_missing_number_is_asked_for_sent_again_and_doubles_nothing(
    run: Any, mailed: Any, forger: Any, snapshot: Any
) -> None:
    practice, gp = mailed["praktijk"], mailed["huisarts-a"]
    second = forger(mailed, "huisarts-a")
    with mailed.open("huisarts-a") as one:
        case, other = one.store.cases.received()[:2]
    lost = second.seal(second.answer(case.case_id))
    late = second.seal(second.answer(other.case_id))
    run("import", mailed.folder / "post" / "from-a.age", workspace=practice)
    gap = run("import", late, "--language", "nl", workspace=practice)
    assert gap.code == 3
    assert "nummer 3 tot en met 3" in gap.out
    assert "--again 3" in gap.out
    (sent,) = run("export", "huisartsen", "--acknowledge", "--json", workspace=practice).json["acknowledged"]
    assert sent["missing"] == 1
    asked = run("import", sent["file"], "--language", "nl", workspace=gp)
    assert "exchange export huisartsen --party agb:07999990 --again 3" in asked.out
    drop = mailed.folder / "drop"
    drop.mkdir()
    again = run("export", "huisartsen", "--again", "3", "--to", drop, "--json", workspace=gp)
    assert again.code == 0
    (found,) = drop.iterdir()
    assert found.read_bytes() == lost.read_bytes()
    assert run("import", found, "--json", workspace=practice).json["files"][0]["state"] == "done"
    assert run("log", "verify", "--json", workspace=practice).json["findings"] == []
    before = snapshot(practice)
    assert run("import", lost, late, found, "--json", workspace=practice).code == 0
    assert snapshot(practice) == before


@pytest.mark.parametrize(
    ("words", "rule"),
    [(("--again", "9"), "acknowledging.no-number"), (("--again", "2"), "acknowledging.which-party")],
)
def test_a_number_that_can_not_be_meant_is_refused(run: Any, mailed: Any, words: tuple[str, ...], rule: str) -> None:
    said = run("export", "huisartsen", *words, "--json", workspace=mailed["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (14, rule)


def test_what_was_confirmed_can_not_be_taken_back(run: Any, mailed: Any) -> None:
    practice = mailed["praktijk"]
    run("import", mailed.folder / "post" / "from-a.age", workspace=practice)
    said = run("export", "huisartsen", "--cancel", "2", "--party", GP_A, "--json", workspace=practice)
    assert (said.code, said.json["error"]["rule"]) == (14, "store.state-not-allowed")


def test_a_file_that_was_taken_back_is_told_anew_and_its_number_is_missed_by_nobody(run: Any, mailed: Any) -> None:
    practice, gp = mailed["praktijk"], mailed["huisarts-b"]
    said = run("export", "huisartsen", "--cancel", "2", "--party", GP_B, "--json", workspace=practice)
    assert (said.code, said.json["taken-back"]["sequence"]) == (0, 2)
    assert not Path(said.json["taken-back"]["file"]).exists()
    (sent,) = run("export", "huisartsen", "--json", workspace=practice).json["files"]
    taken = run("import", sent["file"], "--json", workspace=gp)
    first = taken.json["files"][0]
    assert (taken.code, first["messages"], first["cases"], first["findings"]) == (0, sent["messages"], 4, [])
    assert run("log", "verify", "--json", workspace=gp).json["findings"] == []
    # had it been sent after all: the number is not the partner's problem, and nothing doubles
    assert run("import", mailed.folder / "post" / "to-b.age", "--json", workspace=gp).code == 0
    with mailed.open("huisarts-b") as one:
        assert len(one.store.cases.received()) == 4


def test_a_correction_stands_whichever_file_came_first(run: Any, mailed: Any, forger: Any, town_at: Any) -> None:
    from exchange.records.codes import Answered, Evidence
    from exchange.records.model import Answer

    second = forger(mailed, "huisarts-a")
    with mailed.open("huisarts-a") as one:
        case = one.store.cases.received()[0]
    earlier = second.seal(second.answer(case.case_id))
    base = Answer(
        "", case.case_id, "", "answer.specialist-referral", date(2026, 1, 1), date(2026, 2, 1),
        Answered.NO, Evidence.SIGNED,
    )  # fmt: skip
    corrected = second.seal(second.answer(case.case_id, answers=(replace(base, status=Answered.YES),)))
    for order in ((earlier, corrected), (corrected, earlier)):
        folder = mailed.folder / f"copy-{order.index(corrected)}" / "praktijk"
        shutil.copytree(mailed["praktijk"], folder)
        for file in order:
            run("import", file, workspace=folder)
        with town_at(folder) as practice:
            (kept,) = practice.store.answers.of_cases({case.case_id})
        assert kept.status is Answered.YES


def test_days_count_from_the_sending(run: Any, mailed: Any) -> None:
    for days in (0, 1, 30):
        at = datetime(2026, 11, 3, 9, tzinfo=UTC) + timedelta(days=days)
        listed = run("log", "sent", "--json", workspace=mailed["praktijk"], at=at).json["sent"]
        assert {one["days"] for one in listed} == {days}
