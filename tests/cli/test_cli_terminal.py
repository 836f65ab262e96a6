"""What others wrote never steers the terminal of who reads it, and a slip in a command line is said in her language."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from exchange_cli import terminal

# rename the window, clear the screen, turn red; by one sign (C1) too; and text that runs backwards
STEERING = "\x1b]0;canary\x07\x1b[2J\x1b[31m\x9b31m\u202egro.latipsoh\u2066\u2028"


def steers(text: str) -> bool:
    return any(sign in text for sign in "\x1b\x07\x9b\x00\r\u202e\u2066\u2028")


def test_what_steers_a_terminal_is_written_out() -> None:
    assert terminal.safe("a\x1b[31mb\u202ec\ttab\nline é ع\udcff") == "a\\x1b[31mb\\u202ec\ttab\nline é ع\\udcff"


def test_a_json_document_reads_back_as_it_was() -> None:
    document = json.dumps({"a": STEERING, "b": "é ع\n"}, ensure_ascii=False, indent=2)
    said = terminal.safe_json(document)
    assert not steers(said)
    assert json.loads(said) == json.loads(document)


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize(
    "words",
    [
        ("load", "{}.csv"),
        ("import", "{}.csv"),
        ("check", "{}.csv"),
        ("agreement", "show", "{}"),
        ("indicators", "{}"),
        ("load", "--mapping", "{}.csv", "{}.csv"),
        ("indicators", "--{}"),
    ],
)
def test_no_name_of_a_file_or_thing_steers_the_terminal(run, town, tmp_path, words, more):
    evil = tmp_path / STEERING.replace("/", "")
    evil.with_name(evil.name + ".csv").write_text("a;b;c\n1;2;3\n", encoding="utf-8")
    said = run(*(word.format(evil) if ".csv" in word else word.format(STEERING) for word in words), *more,
               workspace=town["praktijk"])  # fmt: skip
    assert said.code != 0
    assert "canary" in said.out + said.err  # it was about that name
    assert not steers(said.out + said.err)


def test_the_words_of_a_definition_do_not_steer_the_terminal(run, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text('id: x\n"k\\e]0;canary\\a": 3\n', encoding="utf-8")
    said = run("indicators", "check", file)
    assert (said.code, "canary" in said.out, steers(said.out)) == (3, True, False)


@pytest.mark.skipif(os.name == "nt", reason="names of files are no bytes there")
def test_a_file_whose_name_is_no_utf_8_is_named_and_does_not_stop_the_program(run, town, tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/metingen-\xe9.csv")
    Path(name).write_text("a;b;c\n1;2;3\n", encoding="ascii")
    said = run("load", name, workspace=town["praktijk"])
    assert said.code == 15
    assert "metingen-\\udce9.csv" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lod", "x.csv"), "De opdracht ‘lod’ bestaat niet."),
        (("load",), "Er ontbreekt iets op de plaats van FILES...."),
        (("load", "x.csv", "--dryrun"), "De optie --dryrun bestaat niet bij deze opdracht. Bedoelt u --dry-run?"),
        (("load", "x.csv", "--as", "excel"), "--as: kies uit pm304, gds801, table, fhir, prem, index."),
        (("load", "x.csv", "--mapping"), "Achter de optie --mapping ontbreekt de waarde."),
        (("indicators", "--from", "31-01-2026"), "--from: schrijf een datum als jjjj-mm-dd, bijvoorbeeld 2026-01-31."),
        (("index", "record", "--period", "2025"), "De optie --value ontbreekt."),
        (("index", "show", "--target", "nan"), "--target: hier hoort een getal boven nul"),
        (("index", "show", "--target", "inf"), "--target: hier hoort een getal boven nul"),
        (("index", "show", "--target", "1e308"), "--target: hier hoort een getal boven nul"),
        (("index", "show", "--observed", "9" * 20), "--observed: dit getal kan hier niet (1<=x<=9999999)."),
        (("log", "show", "--last", "veel"), "--last: hier hoort een geheel getal."),
        (("keys", "restore", "weg.age", "map"), "FILE: weg.age is er niet of is niet te lezen."),
        (("summary", "--to", "."), "--to: . is een map; hier hoort een bestand."),
    ],
)
def test_a_slip_in_the_command_line_is_said_in_dutch(run, words, said):
    told = run("--language", "nl", *words)
    assert (told.code, told.out) == (2, "")
    assert "Usage" not in told.err
    assert said in told.err
    assert "Error" not in told.err
    as_json = run("--language", "nl", "--json", *words)
    assert as_json.code == 2
    assert said in as_json.json["error"]["text"]


def test_a_decimal_comma_is_a_decimal_comma(run, town):
    value = ("--value", "157,5", "--lower", "142,3", "--upper", "172.5", "--source", "Mijn Vektis", "--insurer", "VGZ")
    said = run("index", "record", "--period", "2025", "--version", "v3", *value, workspace=town["praktijk"])
    assert said.code == 0
    shown = run("--language", "nl", "index", "list", workspace=town["praktijk"])
    assert all(text in shown.out for text in ("157,5", "142,3", "172,5"))
