"""`exchange load` in the hands of somebody whose files we have not seen; all that stands in them is invented."""

from __future__ import annotations

import json

import pytest

HEAD = "Patiëntnummer;Trajectnummer;Begindatum;Einddatum;DCSPH;Geboortedatum;Geslacht\r\n"
CLAIMS = """<?xml version="1.0"?><v:Bericht xmlns:v="http://ei.vektis.nl/declaratiebericht573">
<v:Header><v:Declarant><v:Zorgaanbiedercode>07000001</v:Zorgaanbiedercode></v:Declarant></v:Header>
<v:Verzekerde><v:BSN>999990019</v:BSN><v:Geboortedatum>1970-01-01</v:Geboortedatum>{lines}</v:Verzekerde></v:Bericht>"""
LINE = """<v:Prestatie><v:DebetPrestatie><v:Aantal>1</v:Aantal><v:Begindatum>{day}</v:Begindatum>
<v:Prestatiecode>{code}</v:Prestatiecode><v:PrestatieCodelijstCode>{list}</v:PrestatieCodelijstCode>
<v:Referentienummer>{day}</v:Referentienummer><v:DeclaratieBedragInclBtw>35.00</v:DeclaratieBedragInclBtw>
<v:Zorgtraject><v:ZorgtrajectStartdatum>{start}</v:ZorgtrajectStartdatum></v:Zorgtraject>
</v:DebetPrestatie></v:Prestatie>"""


def claims(*days, code="2000", code_list="074"):
    lines = (LINE.format(day=day, code=code, list=code_list, start=days[0]) for day in days)
    return CLAIMS.format(lines="".join(lines))


@pytest.fixture
def folder(run, tmp_path):
    run("init", tmp_path / "ws", "--name", "Praktijk (verzonnen)", "--id", "agb:07000001", "--no-passphrase")
    return tmp_path / "ws"


@pytest.fixture
def put(tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def rules(said):
    return [one["rule"] for file in said.json["files"] for one in file["findings"]]


def test_one_bad_file_does_not_keep_the_others_out(run, folder, put):
    good = put("goed.csv", HEAD + "P1;T1;08-01-2024;;3427;01-02-1970;V\r\n")
    other = put("ook-goed.csv", HEAD + "P2;T2;08-01-2024;;3427;01-02-1971;M\r\n")
    bad = put("kapot.txt", "01107kapot KANARIE\r\n")
    said = run("load", good, bad, other, "--json", workspace=folder)
    assert said.code == said.json["exit"] == 15
    assert (said.json["episodes"], said.err) == (2, "")
    assert [one["rule"] for one in said.json["errors"]] == ["sources.pm304-version"]
    assert "KANARIE" not in said.out
    words = run("load", good, bad, other, "--language", "nl", workspace=folder)
    assert (words.code, words.out.count("was al ingelezen")) == (15, 2)
    assert "1 van de 3 bestanden" in words.out
    assert words.err.startswith("kapot.txt: ")


def test_a_folder_is_refused_in_our_own_words(run, folder, tmp_path):
    said = run("load", tmp_path, "--language", "nl", workspace=folder)
    assert said.code == 15
    assert "Dit is een map" in said.err


def test_a_record_that_two_files_change_counts_once(run, folder, put):
    first = put("a.xml", claims("2025-01-06", "2025-01-13"))
    second = put("b.xml", claims("2025-01-06", "2025-01-13", "2025-01-20"))
    said = run("load", first, second, "--json", workspace=folder)
    assert (said.json["patients"], said.json["episodes"], said.json["sessions"]) == (1, 1, 3)


def test_a_line_that_breaks_several_rules_is_one_line(run, folder, put):
    file = put("a.csv", HEAD + ";T1;08-01-2024;;3427;;\r\nP2;T2;08-01-2024;;3427;;\r\n")
    said = run("load", file, "--json", workspace=folder)
    assert (said.code, said.json["rejected"], said.json["patients"]) == (3, 1, 1)


def test_unknown_codes_are_listed_and_an_edited_map_is_applied_at_the_next_load(run, folder, put):
    file = put("a.xml", claims("2025-01-06", "2025-01-13", code="2999"))
    said = run("load", file, "--language", "nl", workspace=folder)
    assert said.code == 3
    assert "Prestatiecode 2999 (lijst 074)" in said.out
    assert "2 regel(s) tellen niet mee" in said.out
    assert "exchange services set" in said.out
    settings = folder / "exchange.toml"
    ours = 'services = {lists = {074 = {2999 = {type = "session"}}}}'
    settings.write_text(settings.read_text().replace("services = {}", ours))
    again = run("load", file, "--json", workspace=folder)
    assert rules(again) == ["loading.rebuilt"]
    assert "2/1" in run("indicators", "sessions-per-patient", "--language", "nl", workspace=folder).out
    assert rules(run("load", file, "--json", workspace=folder)) == []


def test_another_discipline_is_warned_of_and_does_not_count(run, folder, put):
    said = run("load", put("a.xml", claims("2025-01-06", code_list="073")), "--json", workspace=folder)
    assert (said.code, said.json["sessions"]) == (3, 0)
    assert "loading.other-discipline" in rules(said)


def test_a_second_agb_code_of_ours_is_not_another_practice(run, folder, put):
    settings = folder / "exchange.toml"
    settings.write_text(settings.read_text().replace("also = []", 'also = ["agb:07000002"]'))
    file = put("a.xml", claims("2025-01-06").replace("07000001", "07000002"))
    said = run("load", file, "--json", workspace=folder)
    assert (said.code, rules(said), said.json["sessions"]) == (0, [], 1)


def test_a_file_of_which_nothing_is_used_says_so(run, folder, put):
    said = run("load", put("a.json", json.dumps({"resourceType": "Bundle", "entry": []})), "--json", workspace=folder)
    assert (said.code, rules(said)) == (3, ["loading.nothing"])


def test_what_is_doubtful_in_the_data_is_counted(run, folder, put):
    table = put("a.csv", HEAD + "P1;T1;08-07-2024;;1099;01-01-1970;V\r\nP2;T2;08-01-2024;09-02-2024;1099;;\r\n")
    said = run("load", table, put("b.xml", claims("2025-01-06")), "--json", workspace=folder)
    assert said.json["quality"] == {
        "open_without_care": 2, "days_to_come": 0, "codes_closed": 1, "perhaps_same": 1
    }  # fmt: skip
    words = run("load", table, "--language", "nl", workspace=folder).out.splitlines()[-1]
    assert words.startswith("Gegevenskwaliteit: 2 trajecten zonder einddatum")


def test_a_dry_run_says_what_would_be_rejected_and_why(run, folder, put):
    records = [
        {"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01"},
        {"resourceType": "EpisodeOfCare", "id": "e1", "patient": {"reference": "Patient/p1"}, "period": {"start": "x"}},
    ]
    lines = [json.dumps(one) for one in records]
    file = put("half.ndjson", "\n".join([*lines, lines[1].replace("e1", "e2"), '{"resourceType": "KANARIE']))
    said = run("load", file, "--dry-run", "--language", "nl", workspace=folder)
    assert said.code == 3
    assert "2 × EpisodeOfCare.start: Dit is geen geldige datum. (eerste: regel 2)" in said.out
    assert "1 × record: Deze regel is geen volledige, geldige JSON" in said.out
    assert "KANARIE" not in said.out + said.err
    assert not list((folder / "reports").glob("afgekeurd-*"))
    machine = run("load", file, "--json", workspace=folder)
    assert [(one["field"], one["count"], one["line"]) for one in machine.json["files"][0]["reasons"]] == [
        ("EpisodeOfCare.start", 2, 2),
        ("record", 1, 4),
    ]
    (rejects,) = (folder / "reports").glob("afgekeurd-*")
    assert "KANARIE" not in rejects.read_text(encoding="utf-8-sig")
