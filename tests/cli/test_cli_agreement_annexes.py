"""What goes with an agreement: input for a DPIA, notes for a lawyer, FHIR Measures, and consents that stay at home."""

from __future__ import annotations

import json

import pytest

GP_A = "agb:01999991"


def show(run, town, *words, agreement="huisartsen"):
    return run("agreement", "show", agreement, *words, workspace=town["praktijk"])


def errors(run, file):
    found = run("check", file, "--json").json["files"][str(file)]
    return [one for one in found if one["severity"] == "error"]


@pytest.mark.parametrize(("language", "blank"), [("nl", "[in te vullen]"), ("en", "[to fill in]")])
@pytest.mark.parametrize("agreement", ["huisartsen", "welzijn", "ziekenhuis"])
def test_the_input_for_an_impact_assessment_is_filled_from_the_agreement(run, town, agreement, language, blank):
    from exchange.operations.gathering import terms_of

    text = show(run, town, "--dpia", "--language", language, agreement=agreement).out
    with town.open("praktijk") as practice:
        frozen = terms_of(practice, agreement).frozen
    for party in frozen.agreement.parties:
        assert party.name.replace("(", "").split(" verzonnen")[0].split(",")[0] in text.replace("(", "")
        assert party.privacy_contact in text
    for flow in frozen.flows:
        for element in flow.elements:
            assert frozen.labels[element]["label"][language] in text
    assert f"{frozen.agreement.retention_months} " in text
    assert f"{frozen.agreement.breach_hours} " in text
    assert blank in text
    assert "{{" not in text


@pytest.mark.parametrize("suffix", [".docx", ".html", ".pdf", ".md"])
def test_it_is_written_as_an_officer_reads_it(run, town, tmp_path, suffix):
    page = tmp_path / f"dpia{suffix}"
    assert show(run, town, "--dpia", "--to", page, "--language", "nl").code == 0
    assert page.stat().st_size > 3000


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_lawyer_gets_a_note_on_each_article(run, town, language):
    from exchange.operations.gathering import terms_of

    text = show(run, town, "--notes", "--language", language).out
    with town.open("praktijk") as practice:
        frozen = terms_of(practice, "huisartsen").frozen
    for clause in frozen.clauses[language]:
        assert f"## {clause.title}" in text


def test_there_is_a_measure_for_each_indicator_and_nothing_about_patients(run, town, tmp_path):
    file = tmp_path / "measures.json"
    assert show(run, town, "--fhir", "--to", file).code == 0
    bundle = json.loads(file.read_text(encoding="utf-8"))
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    ids = [one["resource"]["id"] for one in bundle["entry"]]
    assert set(kinds) == {"Measure"}
    assert ids[0] == "substitution-net"
    assert len(ids) == len(set(ids)) > 2
    assert errors(run, file) == []
    again = json.loads(show(run, town, "--fhir", "--json").json["text"])
    assert again == bundle


@pytest.fixture
def consents(run, town):
    """Return the resources that were written, after one more client said no."""
    with town.open("praktijk") as practice:
        people = [practice.store.patient_identity(one.patient_id) for one in practice.store.dataset().patients]
        number = min(one.epd_number for one in people if one.birth_date.year < 1990)
    words = ("--epd", number, "--partner", GP_A, "--purpose", "effect", "--state", "withdrawn", "--evidence", "brief")
    assert run("consent", "record", *words, workspace=town["praktijk"]).code == 0
    said = run("consent", "fhir", "huisartsen", "--json", workspace=town["praktijk"])
    file = town["praktijk"] / "reports" / "toestemmingen-huisartsen.fhir.json"
    assert said.json["file"] == str(file)
    found = [one["resource"] for one in json.loads(file.read_text(encoding="utf-8"))["entry"]]
    assert said.json["consents"] == len(found)
    return file, number, found


def test_there_is_a_consent_for_each_patient_partner_and_purpose(run, consents, town):
    file, number, found = consents
    assert errors(run, file) == []
    keys = [
        (one["patient"]["identifier"]["value"], one["provision"]["actor"][0]["reference"]["identifier"]["value"],
         one["category"][0]["coding"][0]["code"])
        for one in found
    ]  # fmt: skip
    assert len(keys) == len(set(keys)) > 5
    assert {partner for _, partner, _ in keys} <= {"01999991", "01999992"}
    mine = next(one for key, one in zip(keys, found, strict=True) if key == (number, "01999991", "effect"))
    assert (mine["status"], mine["provision"]["type"]) == ("inactive", "deny")
    assert mine["sourceAttachment"]["title"] == "brief"
    assert {one["status"] for one in found} <= {"active", "inactive", "rejected"}
    assert "bsn" not in file.read_text(encoding="utf-8").lower()


def test_the_file_is_the_owners_and_in_the_trail_of_each_client(run, consents, town):
    file, number, _ = consents
    assert file.stat().st_mode & 0o077 == 0
    entries = run("log", "show", "--epd", number, "--json", workspace=town["praktijk"]).json["entries"]
    assert entries[-1]["event"] == "consents-written"


@pytest.mark.parametrize("place", ["outbox/x.json", "inbox/x.json", "keys/x.json", "../x.json"])
def test_consents_are_not_written_where_files_leave(run, town, place, snapshot):
    before = snapshot(town["praktijk"])
    said = run("consent", "fhir", "huisartsen", "--to", town["praktijk"] / place, "--json", workspace=town["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "annexes.consents-elsewhere")
    assert said.json["error"]["hints"]
    assert snapshot(town["praktijk"]) == before


def test_an_export_carries_no_consent_file(run, consents, town, tmp_path):
    made = run("export", "huisartsen", "--to", tmp_path, "--json", workspace=town["praktijk"])
    assert made.code in {0, 3}
    run("import", "--from", tmp_path, workspace=town["huisarts-a"])
    with town.open("huisarts-a") as gp:
        kept = [one.content for case in gp.store.cases.received() for one in gp.store.received.of_case(case.case_id)]
    assert kept
    assert b"sourceAttachment" not in b"".join(kept)
