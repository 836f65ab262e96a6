"""exchange demo: a whole round trip, and none of its clients in what is said, logged or written for others."""

from __future__ import annotations

import json
import zipfile

import pytest

from exchange.operations.inventing import drawing

FOLDERS = ("praktijk", "huisarts-a", "huisarts-b", "huisarts-c", "welzijn")


@pytest.fixture(scope="module")
def clients():
    people = {course.client for course in drawing.draw()}
    return {text for one in people for text in (one.bsn, one.name, one.epd_number)}


def naming(text: str, clients) -> list[str]:
    return [one for one in clients if one in text]


def test_it_says_every_step_and_ends_with_files_and_six_figures(played):
    made = json.loads((played / "said.json").read_text())
    assert [rule for rule, _ in made["said"]][:4] == ["demo.workspaces", "demo.cards", "demo.agreements", "demo.loaded"]
    assert len(made["figures"]) == 6
    suffixes = {name.rpartition(".")[2] for name in made["files"]}
    assert suffixes >= {"html", "docx", "pdf", "xlsx", "json"}
    for file in made["files"]:
        assert (played / file.partition("/played/")[2]).stat().st_size > 1000


def test_what_it_loaded_is_counted_as_it_is(played):
    said = dict(json.loads((played / "said.json").read_text())["said"])
    assert said["demo.loaded"] == {"patients": 246, "episodes": 400, "sessions": 4504, "rejected": 0}


def test_nobody_is_named_in_what_it_said(played, clients):
    assert naming((played / "said.json").read_text(), clients) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_nobody_is_named_in_anyones_trail(run, demo, clients, name):
    said = run("log", "show", "--last", "100000", "--json", workspace=demo / name)
    assert said.json["entries"]
    assert naming(said.out, clients) == []
    checked = run("log", "verify", workspace=demo / name)
    assert (checked.code, naming(checked.out, clients)) == (0, [])


def test_nobody_is_named_in_the_reports(played, clients):
    reports = played / "praktijk" / "reports"
    for file in sorted(reports.rglob("*")):
        if file.suffix in {".docx", ".xlsx"}:
            with zipfile.ZipFile(file) as book:
                text = b"\n".join(book.read(one) for one in book.namelist()).decode("utf-8", "replace")
        else:
            text = file.read_bytes().decode("utf-8", "replace")
        assert naming(text, clients) == [], file.name


def test_nobody_is_named_in_a_manifest(demo, clients, town_at):
    from exchange.signing import jws

    for name in FOLDERS:
        with town_at(demo / name) as workspace:
            entries = (*workspace.store.journal.outgoing(), *workspace.store.journal.incoming())
            assert entries
            for entry in entries:
                assert naming(jws.payload(entry.manifest).decode(), clients) == []
                assert naming(entry.file_name, clients) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_nobody_is_readable_in_a_store_or_a_sealed_file(played, clients, name):
    sample = [one.encode() for one in sorted(clients)[::20]]  # a few of every sort; all of them takes long
    for file in (*(played / name).glob("*.db"), *(played / name).rglob("*.age")):
        data = file.read_bytes()
        assert b"Proefcli" not in data, file.name
        assert not [one for one in sample if one in data], file.name


def test_one_gp_of_the_group_has_no_trace_of_anothers_patients(demo, town_at):
    known = {}
    for letter in "abc":
        with town_at(demo / f"huisarts-{letter}") as gp:
            cases = gp.store.cases.received()
            people = [gp.store.patient_identity(one.patient_id) for one in gp.store.dataset().patients]
            known[letter] = ({one.case_id for one in cases}, {one.bsn for one in people})
    courses = drawing.draw()
    with town_at(demo / "huisarts-b") as gp:
        theirs = {one.client.bsn for one in courses if one.referrer == drawing.GPS[1]}
        others = {one.client.bsn for one in courses if one.referrer == drawing.GPS[0]} - theirs
        assert others
        assert not [bsn for bsn in others if gp.store.knows_bsn(bsn)]
    assert not known["a"][0] & known["b"][0]
    assert known["b"][1] <= theirs


def test_the_social_partner_never_gets_a_number(demo, town_at):
    with town_at(demo / "welzijn") as social:
        people = [social.store.patient_identity(one.patient_id) for one in social.store.dataset().patients]
    assert people
    assert {one.bsn for one in people} <= {None, ""}
    assert all(one.name for one in people)


def test_what_a_partner_answered_counts_as_signed_and_a_form_does_not(demo, town_at):
    with town_at(demo / "praktijk") as practice:
        answers = practice.store.dataset().answers
        evidence = {one.partner: {one.evidence.value} for one in answers}
    assert evidence[drawing.GPS[0]] == {"signed"}
    assert evidence[drawing.HOSPITAL] == {"form"}


def test_a_folder_with_something_in_it_is_refused(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    said = run("demo", "--into", tmp_path, "--json")
    assert (said.code, said.json["error"]["rule"]) == (16, "workspace.not-empty")
    assert said.json["error"]["hints"]
    dutch = run("demo", "--into", tmp_path, "--language", "nl")
    assert (dutch.code, dutch.out) == (16, "")
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_steps_files_and_figures(run, tmp_path, monkeypatch, as_json):
    """The playing itself is shown by the tests above; here only what the command makes of it."""
    from exchange.operations import demo

    def play(top, *, say, language):
        say("demo.cards")
        return demo.Played(top, (top / "overzicht.html",), (f"figuur in het {language}",))

    monkeypatch.setattr(demo, "play", play)
    said = run("demo", "--into", tmp_path / "x", "--language", "nl", *(["--json"] if as_json else []))
    assert said.code == 0
    if as_json:
        assert said.json["figures"] == ["figuur in het nl"]
    else:
        assert "Sleutelkaarten uitgewisseld" in said.out
        assert "  • figuur in het nl" in said.out
        assert str(tmp_path / "x" / "overzicht.html") in said.out
