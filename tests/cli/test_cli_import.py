"""exchange import: what a partner sealed comes in whole, or nothing of it does and one message says why."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

PRACTICE, GP_A, HOSPITAL = "agb:07999990", "agb:01999991", "agb:06999994"


@pytest.fixture
def refused(run, snapshot):
    """Import files and show that they were refused: exit code and rule, a hint, one message, and nothing changed."""

    def tried(folder: Path, *files: Path, code: int, rule: str):
        before = snapshot(folder)
        said = run("import", *files, "--json", workspace=folder)
        document = said.json
        assert (said.code, document["exit"], document["error"]["rule"]) == (code, code, rule)
        assert document["error"]["hints"], document
        assert said.err == ""
        spoken = {}
        for language in ("en", "nl"):
            spoken[language] = run("import", *files, "--language", language, workspace=folder)
            assert spoken[language].code == code
            assert spoken[language].out == ""
            first, *rest = spoken[language].err.splitlines()
            assert first
            assert rest
            assert all(line.startswith("  → ") for line in rest)
        assert spoken["en"].err != spoken["nl"].err
        assert snapshot(folder) == before
        return document["error"]

    return tried


def open_case(town, name="huisarts-a"):
    with town.open(name) as workspace:
        return workspace.store.cases.of_agreement("huisartsen")[0]


# What goes well ---------------------------------------------------------------------------------------------------


def test_answers_of_a_partner_are_taken_in_and_counted(run, mailed):
    said = run("import", mailed["post"] / "from-a.age", "--json", workspace=mailed["praktijk"])
    (one,) = said.json["files"]
    assert said.code == 0
    assert (one["party"], one["state"], one["file"]) == (GP_A, "done", "from-a.age")
    assert one["answers"] == 18
    assert one["messages"] == 9
    with mailed.open("praktijk") as practice:
        cases = practice.store.cases.of_agreement("huisartsen")
        answers = practice.store.answers.of_cases(case.case_id for case in cases)
        assert len(answers) == 18
        assert {one.partner for one in answers} == {GP_A}
        assert {one.evidence.value for one in answers} == {"signed"}
        assert all(one.episode_id for one in answers)


def test_the_same_file_again_is_said_to_be_known_and_changes_nothing(run, mailed, snapshot):
    file = mailed["post"] / "from-a.age"
    assert run("import", file, workspace=mailed["praktijk"]).code == 0
    before = snapshot(mailed["praktijk"])
    again = run("import", file, workspace=mailed["praktijk"])
    renamed = mailed["post"] / "again.age"
    shutil.copy(file, renamed)
    dutch = run("import", renamed, "--language", "nl", workspace=mailed["praktijk"])
    assert (again.code, dutch.code) == (0, 0)
    assert "already imported" in again.out
    assert "al ingelezen" in dutch.out
    assert run("import", file, "--json", workspace=mailed["praktijk"]).json["files"][0]["state"] == "already"
    assert snapshot(mailed["praktijk"]) == before


def test_a_case_is_opened_at_the_partner_with_the_identity_the_agreement_allows(run, mailed):
    said = run("import", mailed["post"] / "to-b.age", "--json", workspace=mailed["huisarts-b"])
    (one,) = said.json["files"]
    assert (said.code, one["cases"], one["messages"]) == (0, 4, 8)
    with mailed.open("huisarts-b") as gp:
        for case in gp.store.cases.of_agreement("huisartsen"):
            who = gp.store.patient_identity(case.patient_id)
            assert who.bsn
            assert who.name
            assert who.birth_date is not None


def test_every_sealed_file_of_a_folder_is_taken_in(run, mailed, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(mailed["post"] / "to-b.age", folder)
    (folder / "note.txt").write_text("no sealed file")
    said = run("import", "--from", folder, "--json", workspace=mailed["huisarts-b"])
    assert said.code == 0
    assert [one["state"] for one in said.json["files"]] == ["done"]


def test_a_bad_file_does_not_hold_up_a_good_one(run, mailed, tmp_path):
    bad = tmp_path / "bad.age"
    bad.write_bytes(b"no sealed file")
    said = run("import", bad, mailed["post"] / "to-b.age", "--json", workspace=mailed["huisarts-b"])
    assert (said.code, said.json["error"]["rule"]) == (12, "sealing.cannot-open")
    with mailed.open("huisarts-b") as gp:
        assert len(gp.store.cases.of_agreement("huisartsen")) == 4


def test_of_several_files_each_says_what_became_of_it(run, mailed, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    whole = (mailed["post"] / "to-b.age").read_bytes()
    for name, data in (("a-cut", whole[:-1]), ("b-whole", whole), ("c-text", b"no sealed file"), ("d-empty", b"")):
        (folder / f"{name}.age").write_bytes(data)
    said = run("import", "--from", folder, workspace=mailed["huisarts-b"])
    assert said.code == 12
    assert "b-whole.age" in said.out
    assert all(f"{name}.age" in said.err for name in ("a-cut", "c-text", "d-empty"))
    again = run("import", "--from", folder, "--json", workspace=mailed["huisarts-b"])
    assert (again.code, again.json["exit"]) == (12, 12)
    assert [(one["file"], one["state"]) for one in again.json["files"]] == [("b-whole.age", "already")]
    assert [one["text"].partition(":")[0] for one in again.json["errors"]] == ["a-cut.age", "c-text.age", "d-empty.age"]


def test_without_a_file_the_command_line_is_off(run, mailed):
    said = run("import", "--json", workspace=mailed["praktijk"])
    assert (said.code, said.json["exit"], said.json["error"]["rule"]) == (2, 2, "program.usage")


# Sealed files that are not what they should be --------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 1, 40, 300, 3000, -1])
def test_a_truncated_file_is_refused(refused, mailed, tmp_path, kept):
    whole = (mailed["post"] / "from-a.age").read_bytes()
    file = tmp_path / "part.age"
    file.write_bytes(whole[:kept])
    refused(mailed["praktijk"], file, code=12, rule="sealing.cannot-open")


@pytest.mark.parametrize("place", [30, 400, 2500, -20])
def test_an_altered_file_is_refused(refused, mailed, tmp_path, place):
    data = bytearray((mailed["post"] / "from-a.age").read_bytes())
    data[place] ^= 1
    file = tmp_path / "altered.age"
    file.write_bytes(data)
    refused(mailed["praktijk"], file, code=12, rule="sealing.cannot-open")


def test_a_file_for_somebody_else_is_refused(refused, mailed):
    refused(mailed["huisarts-a"], mailed["post"] / "to-b.age", code=12, rule="sealing.cannot-open")


def test_a_file_of_somebody_we_do_not_know_is_refused(refused, mailed, forger, run, tmp_path):
    stranger = tmp_path / "stranger"
    run("init", stranger, "--name", "Iemand (verzonnen)", "--id", "agb:07000009", "--no-passphrase")
    shutil.copytree(stranger, mailed["vreemd"])
    with mailed.open("vreemd") as one, mailed.open("praktijk") as practice:
        from exchange.operations import partners

        card = partners.own_card(practice, to=tmp_path / "card.json")
        partners.add(one, tmp_path / "card.json", kind="practice")
        partners.verify(
            one, PRACTICE, fingerprint=card.fingerprint, ours=one.card.fingerprint, how="telefonisch"
        )  # fmt: skip
        agreement = practice.store.agreements.find("huisartsen")
        one.store.agreements.save(agreement, by="x", at=one.now)
    file = forger(mailed, "vreemd").seal(b"{}")
    refused(mailed["praktijk"], file, code=12, rule="sealing.cannot-open")


@pytest.mark.parametrize("content", [b"", b"not sealed at all", b"age-encryption.org/v1\n", b"\x00" * 4096])
def test_what_is_no_sealed_file_is_refused(refused, mailed, tmp_path, content):
    file = tmp_path / "letter.age"
    file.write_bytes(content)
    refused(mailed["praktijk"], file, code=12, rule="sealing.cannot-open")


def test_a_file_that_is_not_there_is_refused(refused, mailed, tmp_path):
    refused(mailed["praktijk"], tmp_path / "none.age", code=12, rule="sealing.cannot-open")


def test_a_sender_whose_card_nobody_verified_is_refused_and_named(refused, mailed):
    with mailed.open("praktijk") as practice:
        known = practice.store.partners.find(GP_A)
        practice.store.partners.save(replace(known, state="unverified"), by="x", at=practice.now)
    error = refused(mailed["praktijk"], mailed["post"] / "from-a.age", code=12, rule="partners.not-verified")
    assert GP_A in error["text"]


def test_a_refusal_stands_in_the_trail(run, mailed, tmp_path):
    file = tmp_path / "bad.age"
    file.write_bytes(b"no")
    run("import", file, workspace=mailed["praktijk"])
    (entry,) = run("log", "show", "--last", "1", "--json", workspace=mailed["praktijk"]).json["entries"]
    assert (entry["event"], entry["outcome"], entry["detail"]) == ("import-refused", "refused", "sealing.cannot-open")
    assert entry["user"] == "tester"


# Messages that may not come in ------------------------------------------------------------------------------------


def test_under_an_agreement_that_is_over_nothing_comes_in(refused, mailed, run):
    words = ("agreement", "end", "huisartsen", "--on", "2024-01-02", "--ground", "agreed")
    assert run(*words, workspace=mailed["praktijk"], at=datetime(2024, 1, 2, 9, tzinfo=UTC)).code == 0
    error = refused(mailed["praktijk"], mailed["post"] / "from-a.age", code=11, rule="gate.in-time.refused")
    assert any("term" in premise or "." in premise for premise in error["premises"])


def test_an_element_outside_the_agreement_stops_the_whole_file(refused, mailed, forger):
    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    file = gp.seal(gp.answer(case.case_id), gp.answer(case.case_id, "answer.programme-start"))
    error = refused(mailed["praktijk"], file, code=11, rule="gate.elements.refused")
    assert error["premises"]


def test_a_case_that_nobody_opened_is_put_aside_and_the_rest_is_stored(run, mailed, forger):
    from exchange.sealing import originals
    from exchange.signing.pseudonyms import case_id

    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    unknown = gp.answer(case_id())
    file = gp.seal(gp.answer(case.case_id), unknown)
    said = run("import", file, "--json", workspace=mailed["praktijk"])
    (one,) = said.json["files"]
    assert said.code == 3
    assert [found["rule"] for found in one["findings"] if "case" in found["rule"]] == ["importing.unknown-case"]
    assert (one["messages"], one["answers"]) == (1, 1)
    (put_aside,) = mailed["praktijk"].joinpath("quarantine").iterdir()
    assert put_aside.read_bytes().startswith(b"age-encryption.org/v1")
    with mailed.open("praktijk") as practice:
        originals.fetch(put_aside, mailed.folder / "clear", practice.keyring.storage)
    assert (mailed.folder / "clear").read_bytes() == unknown


def test_a_case_of_another_partner_is_unknown_to_this_one(run, mailed, forger, snapshot):
    assert run("import", mailed["post"] / "to-b.age", workspace=mailed["huisarts-b"]).code == 0
    theirs = open_case(mailed, "huisarts-b")
    gp = forger(mailed, "huisarts-a")
    said = run("import", gp.seal(gp.answer(theirs.case_id)), "--json", workspace=mailed["praktijk"])
    assert said.code == 3
    assert said.json["files"][0]["answers"] == 0
    with mailed.open("praktijk") as practice:
        assert practice.store.answers.of_cases([theirs.case_id]) == ()


def test_a_file_under_an_agreement_that_is_not_here_is_refused(refused, mailed, forger):
    from exchange.sealing.manifest import AgreementRef

    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    file = gp.seal(gp.answer(case.case_id), agreement=AgreementRef("huisartsen", 1, "0" * 64))
    refused(mailed["praktijk"], file, code=11, rule="importing.agreement-unknown")


def test_a_file_under_somebody_elses_agreement_is_refused(refused, mailed, forger):
    from exchange.sealing.manifest import AgreementRef

    with mailed.open("praktijk") as practice:
        other = practice.store.agreements.find("welzijn")
    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    named = AgreementRef(other.agreement_id, other.version, other.digest)
    refused(
        mailed["praktijk"], gp.seal(gp.answer(case.case_id), agreement=named), code=11, rule="importing.not-a-party"
    )


def test_a_message_for_somebody_else_inside_a_file_for_us_is_refused(refused, mailed, forger):
    from exchange.messages.facts import Organisation

    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    line = gp.answer(case.case_id, receiver=Organisation("agb:01999992", "Huisartsenpraktijk B (verzonnen)"))
    refused(mailed["praktijk"], gp.seal(line), code=10, rule="importing.other-envelope")


def test_a_line_that_is_no_message_is_refused_and_not_repeated(refused, mailed, forger):
    gp = forger(mailed, "huisarts-a")
    error = refused(
        mailed["praktijk"], gp.seal(b'{"resourceType": "KANARIE-4711"}'), code=10, rule="messages.not-a-message"
    )
    assert "KANARIE" not in json.dumps(error)


def test_a_control_file_of_an_unknown_sort_is_refused(refused, mailed, forger):
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    for name, rule in (
        ("card.jws.json", "importing.control-unknown"),
        ("revocation.jws.json", "partners.revocation-wrong"),
        ("rotation.jws.json", "partners.rotation-wrong"),
    ):
        content = Content(name, "application/jose+json", 1, b"{}")
        file = forger(mailed, "huisarts-a").seal(kind=Kind.CONTROL, contents=(content,))
        refused(mailed["praktijk"], file, code=12, rule=rule)


def test_a_rotation_may_come_in_a_control_file_of_the_old_card(run, mailed, forger, tmp_path):
    from exchange.operations import rotating
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    shutil.copytree(mailed["huisarts-a"], tmp_path / "nieuw" / "huisarts-a")
    with type(mailed)(tmp_path / "nieuw").open("huisarts-a") as gp:
        turned = rotating.rotate(gp, passphrase=None)
    content = Content("rotation.jws.json", "application/jose+json", 1, turned.file.read_bytes())
    file = forger(mailed, "huisarts-a").seal(kind=Kind.CONTROL, contents=(content,))
    run("import", mailed.folder / "post" / "from-a.age", workspace=mailed["praktijk"])  # the number before it
    taken = run("import", file, "--language", "nl", workspace=mailed["praktijk"])
    assert taken.code == 0, taken.out
    assert "nieuwe sleutelkaart van agb:01999991" in taken.out
    with mailed.open("praktijk") as practice:
        assert practice.store.partners.by_fingerprint(turned.fingerprint).state == "rotated"


def test_a_message_of_the_right_form_with_something_wrong_in_it_is_refused_without_a_word_of_it(
    refused, mailed, forger
):
    gp, case = forger(mailed, "huisarts-a"), open_case(mailed)
    tree = json.loads(gp.answer(case.case_id))
    tree["entry"][0]["resource"]["KANARIE-4711"] = "KANARIE-4712"
    tree["entry"][1]["resource"]["status"] = "KANARIE-4713"
    error = refused(mailed["praktijk"], gp.seal(json.dumps(tree).encode()), code=10, rule="importing.message-wrong")
    assert "KANARIE" not in json.dumps(error)


def test_answers_about_a_client_who_withdrew_do_not_come_in_and_hold_up_nobody_else(mailed, run):
    with mailed.open("praktijk") as practice:
        patient = practice.store.cases.get(open_case(mailed).case_id).patient_id
        epd = practice.store.patient_identity(patient).epd_number
        purpose = practice.store.consents.of_patient(patient)[0].purpose
    said = run(
        "consent", "record", "--epd", epd, "--partner", GP_A, "--purpose", purpose, "--state", "withdrawn",
        "--evidence", "brief", workspace=mailed["praktijk"],
    )  # fmt: skip
    assert said.code == 0
    said = run("import", mailed["post"] / "from-a.age", "--json", workspace=mailed["praktijk"])
    (one,) = said.json["files"]
    assert said.code == 3
    assert {found["rule"] for found in one["findings"]} == {"importing.no-consent"}
    assert one["messages"] == 9 - len(one["findings"])
    assert epd not in said.out
    with mailed.open("praktijk") as practice:
        mine = [case.case_id for case in practice.store.cases.of_agreement("huisartsen") if case.patient_id == patient]
        assert mine
        assert practice.store.answers.of_cases(mine) == ()
        assert list((mailed["praktijk"] / "quarantine").iterdir()) == []


# Forms ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def form(run, town, tmp_path):
    """Return a filled form of the hospital's, and how to import it."""
    import openpyxl

    blank, filled = tmp_path / "form.xlsx", tmp_path / "filled.xlsx"
    made = run(
        "agreement", "form", "ziekenhuis", "--partner", HOSPITAL, "--to", blank, "--json", workspace=town["praktijk"]
    )
    assert made.code == 0
    assert made.json["cases"] > 0
    assert made.json["passphrase"] == ""

    def fill(change=lambda sheet, row: None, answer: str = "nee") -> Path:
        book = openpyxl.load_workbook(blank)
        sheet = book.worksheets[0]
        head = next(row[0].row for row in sheet.iter_rows(max_col=1) if row[0].value in {"Koppelcode", "Case code"})
        for row in range(head + 1, sheet.max_row + 1):
            if sheet.cell(row, 1).value:
                sheet.cell(row, 6).value = answer
        change(sheet, head + 1)
        book.save(filled)
        return filled

    return fill


def taken(run, town, file, *more, agreement="ziekenhuis"):
    return run(
        "import", file, "--agreement", agreement, "--partner", HOSPITAL, "--how", "gebracht", *more,
        workspace=town["praktijk"],
    )  # fmt: skip


def test_a_form_comes_in_as_unsigned_evidence_that_a_named_person_vouches_for(run, town, form):
    said = taken(run, town, form(), "--json")
    (one,) = said.json["forms"]
    assert (said.code, one["party"], one["open"]) == (0, HOSPITAL, 0)
    with town.open("praktijk") as practice:
        cases = practice.store.cases.of_agreement("ziekenhuis")
        answers = practice.store.answers.of_cases(case.case_id for case in cases)
        assert len(answers) == one["answers"] > 0
        assert {answer.evidence.value for answer in answers} == {"form"}
        (entry,) = (one for one in practice.store.audit.show(after=0) if one.event.event == "form-received")
        assert (entry.event.user, entry.event.detail) == ("tester", {"text": "gebracht"})


def test_a_corrected_form_stands_in_place_of_the_one_before(run, town, form):
    assert taken(run, town, form()).code == 0
    assert taken(run, town, form(answer="ja")).code == 0
    with town.open("praktijk") as practice:
        cases = practice.store.cases.of_agreement("ziekenhuis")
        answers = practice.store.answers.of_cases(case.case_id for case in cases)
        assert {answer.status.value for answer in answers} == {"yes"}


def test_the_same_form_again_changes_no_answer(run, town, form, snapshot):
    file = form()
    assert taken(run, town, file).code == 0
    before = snapshot(town["praktijk"])
    assert taken(run, town, file).code == 0
    assert snapshot(town["praktijk"])["answers"] == before["answers"]


def test_a_form_of_another_agreement_is_refused(run, town, form, snapshot):
    with town.open("praktijk") as practice:
        from exchange.operations import agreeing

        agreeing.sign(practice, town.draft(practice, "specialist", "ziekenhuis-2", HOSPITAL))
    before = snapshot(town["praktijk"])
    said = taken(run, town, form(), "--json", agreement="ziekenhuis-2")
    after = snapshot(town["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "agreements.form-other")
    assert said.json["error"]["hints"]
    assert {name for name in before if before[name] != after[name]} <= {"cases", "loads"}  # the form opened its cases


def test_a_form_with_a_formula_is_refused(run, town, form, snapshot):
    def formula(sheet, row):
        sheet.cell(row, 7).value = "=1+1"

    file = form(formula)
    before = snapshot(town["praktijk"])
    said = taken(run, town, file, "--json")
    assert said.code in {11, 15}
    assert "form" in said.json["error"]["text"].lower()
    assert said.json["error"]["hints"]
    assert snapshot(town["praktijk"]) == before


def test_a_spreadsheet_that_is_no_form_is_refused(run, town, tmp_path, snapshot):
    import openpyxl

    file = tmp_path / "other.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"] = "KANARIE-4711"
    book.save(file)
    before = snapshot(town["praktijk"])
    said = taken(run, town, file, "--json")
    assert (said.code, said.json["error"]["rule"]) == (11, "agreements.form-unknown")
    assert "KANARIE" not in said.out
    assert snapshot(town["praktijk"]) == before


def test_a_form_without_saying_whose_it_is_is_refused(run, town, form):
    said = run("import", form(), "--json", workspace=town["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "forms.say-whose")


def test_an_answer_about_a_case_nobody_opened_is_left_out_and_said(run, town, form):
    from exchange.signing.pseudonyms import case_code, case_id

    def another(sheet, row):
        sheet.cell(row, 1).value = case_code(case_id())

    said = taken(run, town, form(another), "--json")
    assert said.code == 3
    assert [one["rule"] for one in said.json["forms"][0]["findings"]] == ["importing.unknown-case"]


# Who may see whom -------------------------------------------------------------------------------------------------


def test_a_partner_of_the_group_finds_no_trace_of_anothers_patients(run, mailed):
    assert run("import", mailed["post"] / "to-b.age", workspace=mailed["huisarts-b"]).code == 0
    with mailed.open("huisarts-a") as a, mailed.open("huisarts-b") as b:
        of_a = {a.store.patient_identity(case.patient_id): case for case in a.store.cases.received()}
        of_b = {b.store.patient_identity(case.patient_id).bsn for case in b.store.cases.received()}
        assert of_a
        assert of_b
        names = {
            patient.name
            for patient in map(b.store.patient_identity, (p.patient_id for p in b.store.dataset().patients))
        }
        for patient, case in of_a.items():
            if patient.bsn in of_b:
                continue
            assert not b.store.knows_bsn(patient.bsn)
            assert patient.name not in names
            assert b.store.cases.find(case.case_id) is None
            assert b.store.cases.by_code(case.code) is None
            assert b.store.received.of_case(case.case_id) == ()
