"""exchange load: the practice's own files in, bad rows aside, the same file twice changes nothing."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from pathlib import Path

import pytest

COUNTS = ("patients", "episodes", "sessions", "measurements", "rejected")


@pytest.fixture
def empty(run, tmp_path):
    """Return a new workspace of the invented practice."""
    folder = tmp_path / "praktijk"
    said = run(
        "init", folder, "--name", "Oefentherapie Voorbeeld (verzonnen)", "--id", "agb:07999990", "--no-passphrase"
    )
    assert said.code == 0
    return folder


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Return a folder with the invented practice's files, as the demo writes them."""
    from exchange.operations.inventing import claiming, drawing, tables

    courses, change = drawing.draw(), date(2025, 1, 1)
    folder = tmp_path_factory.mktemp("bestanden")
    for name, data in {
        "trajecten.csv": tables.episodes(courses),
        "metingen.csv": tables.measurements(courses),
        "evaluaties.csv": tables.evaluations(courses),
        "declaraties-2023-2024.txt": claiming.pm304(courses, drawing.FIRST_DAY, change),
        "declaraties-2025-2026.xml": claiming.gds801(courses, change, drawing.TODAY),
        "behandelindex.csv": tables.index_figures(),
        "prem.csv": tables.prem(),
    }.items():
        (folder / name).write_bytes(data)
    return folder


def counts(said):
    return {name: said.json[name] for name in COUNTS}


def test_a_table_is_recognised_and_counted(run, empty, files):
    said = run("load", files / "trajecten.csv", "--json", workspace=empty)
    assert said.code == 0
    assert counts(said) == {"patients": 246, "episodes": 400, "sessions": 0, "measurements": 0, "rejected": 0}
    (one,) = said.json["files"]
    assert (one["file"], one["kind"], one["already"]) == ("trajecten.csv", "table", False)


def test_scores_of_known_patients_bring_no_patients(run, empty, files):
    run("load", files / "trajecten.csv", workspace=empty)
    said = run("load", files / "metingen.csv", files / "evaluaties.csv", "--json", workspace=empty)
    assert counts(said) == {"patients": 0, "episodes": 0, "sessions": 0, "measurements": 954, "rejected": 0}


def test_claims_of_both_kinds_are_read(run, empty, files, town_at):
    said = run(
        "load", files / "declaraties-2023-2024.txt", files / "declaraties-2025-2026.xml", "--json", workspace=empty
    )
    assert said.code == 0
    assert [one["kind"] for one in said.json["files"]] == ["pm304", "gds801"]
    assert said.json["rejected"] == 0
    with town_at(empty) as workspace:
        assert len(workspace.store.dataset().sessions) == 4504


def test_the_same_file_again_changes_nothing_and_says_so(run, town, snapshot):
    before = snapshot(town["praktijk"])
    file = town["bestanden"] / "trajecten.csv"
    english = run("load", file, workspace=town["praktijk"])
    dutch = run("load", file, "--language", "nl", workspace=town["praktijk"])
    again = run("load", file, "--json", workspace=town["praktijk"])
    assert (english.code, dutch.code, again.code) == (0, 0, 0)
    assert "loaded before; nothing changes" in english.out
    assert "was al ingelezen" in dutch.out
    assert counts(again) == dict.fromkeys(COUNTS, 0)
    assert again.json["files"][0]["already"] is True
    assert snapshot(town["praktijk"]) == before


def test_a_dry_run_counts_and_changes_nothing(run, empty, files, snapshot):
    before = snapshot(empty)
    said = run("load", files / "trajecten.csv", "--dry-run", workspace=empty)
    document = run("load", files / "trajecten.csv", "--dry-run", "--json", workspace=empty)
    assert said.code == 0
    assert "nothing was stored" in said.out
    assert document.json["episodes"] == 400
    assert document.json["dry_run"] is True
    assert snapshot(empty) == before


def test_the_numbers_stand_in_a_table_of_words(run, empty, files):
    said = run("load", files / "trajecten.csv", "--language", "nl", workspace=empty)
    head, line, numbers = said.out.splitlines()[1:4]
    assert head.split() == ["patiënten", "trajecten", "behandelingen", "metingen", "afgekeurd"]
    assert set(line) <= {"─", " "}
    assert numbers.split() == ["246", "400", "0", "0", "0"]


# Broken rows ------------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(files, tmp_path):
    """Return a claims file of which two lines are broken, and the numbers of those lines."""
    lines = (files / "declaraties-2023-2024.txt").read_bytes().split(b"\r\n")
    numbers = [place for place, line in enumerate(lines, 1) if line.startswith(b"04")][3:5]
    first, second = (place - 1 for place in numbers)
    lines[first] = lines[first][:58] + b"20241399" + lines[first][66:]  # a date that is none
    lines[second] = lines[second][:14] + b"123456789" + lines[second][23:]  # fails the 11-test
    file = tmp_path / "kapot.txt"
    file.write_bytes(b"\r\n".join(lines))
    return file, numbers


def test_broken_lines_go_to_a_rejects_file_with_line_field_and_rule_and_the_rest_loads(run, empty, broken):
    file, numbers = broken
    said = run("load", file, "--json", workspace=empty)
    assert said.code == 3
    document = said.json
    assert document["rejected"] == 2
    assert document["sessions"] == 1485
    with Path(document["files"][0]["rejects"]).open(encoding="utf-8-sig") as stream:
        rejects = list(csv.DictReader(stream, delimiter=";"))
    assert [int(one["regel"]) for one in rejects] == numbers
    assert all(one["veld"] and one["code"] and one["toelichting"] for one in rejects)
    assert "123456789" not in json.dumps(rejects) + said.out
    assert "20241399" not in json.dumps(rejects) + said.out


def test_broken_lines_are_said_in_words_in_both_languages(run, empty, broken):
    file, _ = broken
    dutch = run("load", file, "--language", "nl", workspace=empty)
    assert dutch.code == 3
    assert "2 regels zijn niet ingelezen" in dutch.out
    assert "afgekeurd-kapot.csv" in dutch.out


def test_a_table_with_a_broken_row_keeps_the_rest(run, empty, files, tmp_path):
    lines = (files / "metingen.csv").read_bytes().split(b"\r\n")
    lines[2] = lines[2].rpartition(b";")[0] + b";KANARIE-4711"
    file = tmp_path / "metingen.csv"
    file.write_bytes(b"\r\n".join(lines))
    said = run("load", files / "trajecten.csv", file, "--json", workspace=empty)
    assert (said.code, said.json["rejected"], said.json["measurements"]) == (3, 1, 953)
    rejects = (empty / "reports" / "afgekeurd-metingen.csv").read_text(encoding="utf-8-sig")
    assert rejects.splitlines()[1].startswith("3;")
    assert "KANARIE" not in rejects + said.out + said.err


# Files that can't be read -----------------------------------------------------------------------------------------


def refused(run, snapshot, folder, *words, code=15):
    before = snapshot(folder)
    said = run("load", *words, "--json", workspace=folder)
    assert said.code == said.json["exit"] == code
    assert said.json["error"]["hints"]
    for language in ("nl", "en"):
        spoken = run("load", *words, "--language", language, workspace=folder)
        assert (spoken.code, spoken.out) == (code, "")
        assert "\n  → " in spoken.err
    assert snapshot(folder) == before
    return said.json["error"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("leeg.csv", b""),
        ("brief.txt", b"Beste collega, KANARIE-4711"),
        ("plaat.xlsx", b"PK\x03\x04KANARIE-4711"),
        ("bom.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "KANARIE-4711">]><Bericht>&b;</Bericht>'),
        ("half.xml", b"<Bericht><Verzekerde><BSN>KANARIE-4711"),
        ("kolommen.csv", b"KANARIE-4711;b\r\n1;2\r\n"),
        ("bundel.json", b'{"resourceType": "KANARIE-4711"'),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_whole_and_not_repeated(run, empty, tmp_path, snapshot, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    error = refused(run, snapshot, empty, file)
    assert "KANARIE" not in json.dumps(error)


def test_a_claims_file_that_was_cut_off_is_refused_whole(run, empty, files, tmp_path, snapshot):
    data = (files / "declaraties-2025-2026.xml").read_bytes()
    file = tmp_path / "half.xml"
    file.write_bytes(data[: len(data) // 2])
    refused(run, snapshot, empty, file)


def test_a_file_that_is_not_there_is_said_to_be_so(run, empty, tmp_path, snapshot):
    error = refused(run, snapshot, empty, tmp_path / "none.csv")
    assert "none.csv" in error["text"]


def test_an_unknown_mapping_is_refused(run, empty, files, snapshot):
    refused(run, snapshot, empty, files / "trajecten.csv", "--mapping", "nergens")


def test_without_a_file_the_command_line_is_off(run, empty):
    said = run("load", "--json", workspace=empty)
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")
    assert run("load", "--as", "iets", "x.csv", workspace=empty).code == 2


# More than one way ------------------------------------------------------------------------------------------------


def test_a_mapping_can_be_proposed_from_the_headers_alone(run, files, tmp_path, empty):
    said = run("load", files / "trajecten.csv", "--suggest", workspace=empty)
    assert said.code == 0
    assert "Trajectnummer" in said.out
    assert "Proefcli" not in said.out
    document = run("load", files / "trajecten.csv", "--suggest", "--json")
    assert list(document.json) == [str(files / "trajecten.csv")]


def test_index_figures_and_a_prem_are_tables_too(run, empty, files):
    said = run("load", files / "behandelindex.csv", files / "prem.csv", "--json", workspace=empty)
    assert (said.code, said.json["rejected"]) == (0, 0)


def test_claims_of_another_practice_are_loaded_and_warned_of(run, tmp_path, files, town_at):
    folder = tmp_path / "ander"
    run("init", folder, "--name", "Ander (verzonnen)", "--id", "agb:07999995", "--no-passphrase")
    said = run("load", files / "declaraties-2025-2026.xml", "--json", workspace=folder)
    assert said.json["sessions"] == 3017
    assert [one["rule"] for one in said.json["files"][0]["findings"]] == ["loading.other-practice"]
    words = run("load", files / "declaraties-2023-2024.txt", "--language", "nl", workspace=folder).out
    assert "1487 regels zijn van een andere praktijk" in words
    with town_at(folder) as workspace:
        assert all(one.foreign for one in workspace.store.dataset().episodes)


def test_a_load_stands_in_the_trail_with_counts_and_no_values(run, empty, files):
    run("load", files / "trajecten.csv", workspace=empty)
    entry = run("log", "show", "--last", "1", "--json", workspace=empty).json["entries"][0]
    assert (entry["event"], entry["object"], entry["user"]) == ("loaded", "file:trajecten.csv", "tester")
    assert "246" in entry["detail"]


@pytest.mark.shared
def test_a_synthea_record_of_a_partners_fhir_system_loads(run, empty, shared):
    bundle = shared / "synthea" / "patient-01.json.gz"
    if not bundle.is_file():
        pytest.skip("../shared/synthea is not here")
    unpacked = empty.parent / "patient-01.json"
    unpacked.write_bytes(gzip.decompress(bundle.read_bytes()))
    said = run("load", unpacked, "--json", workspace=empty)
    assert said.code in {0, 3}
    assert said.json["patients"] >= 1
