"""exchange init: a workspace with keys, or nothing of it."""

from __future__ import annotations

import os
import tomllib

import pytest

WORDS = ("--name", "Oefentherapie Voorbeeld (verzonnen)", "--id", "agb:07999990")


@pytest.fixture
def phrase():
    """Give a passphrase on a file descriptor, as a script does."""
    opened = []

    def given(*lines: str) -> int:
        reading, writing = os.pipe()
        os.write(writing, "".join(f"{line}\n" for line in lines).encode())
        os.close(writing)
        opened.append(reading)
        return reading

    yield given
    for descriptor in opened:
        os.close(descriptor)


def test_a_demo_workspace_has_all_its_folders_settings_keys_and_store(run, tmp_path):
    folder = tmp_path / "praktijk"
    said = run("init", folder, *WORDS, "--also", "kvk:12345678", "--insurer", "VGZ", "--no-passphrase", "--json")
    assert said.code == 0
    assert said.json["party"] == "agb:07999990"
    assert said.json["workspace"] == str(folder)
    assert len(said.json["fingerprint"].replace(" ", "")) == 40
    assert {one.name for one in folder.iterdir()} >= {
        "exchange.toml", "store.db", "keys", "agreements", "outbox", "inbox", "quarantine", "reports",
    }  # fmt: skip
    settings = tomllib.loads((folder / "exchange.toml").read_text())
    assert settings["workspace"]["demo"] is True
    assert settings["organisation"]["also"] == ["kvk:12345678"]
    assert settings["plan"]["insurer"] == "VGZ"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_on_the_machine_can_look_into_it(run, tmp_path):
    folder = tmp_path / "praktijk"
    run("init", folder, *WORDS, "--no-passphrase")
    for inner in ("keys", "inbox", "outbox", "quarantine", "reports", "agreements"):
        assert (folder / inner).stat().st_mode & 0o077 == 0


def test_it_says_where_it_is_in_both_languages(run, tmp_path):
    english = run("init", tmp_path / "a", *WORDS, "--no-passphrase")
    dutch = run("init", tmp_path / "b", *WORDS, "--no-passphrase", "--language", "nl")
    assert "is ready" in english.out
    assert "staat klaar" in dutch.out
    assert "Vingerafdruk: " in dutch.out


def test_a_passphrase_comes_from_a_descriptor_and_a_wrong_one_opens_nothing(run, tmp_path, phrase):
    folder = tmp_path / "echt"
    made = run("init", folder, *WORDS, "--passphrase-fd", phrase("paarse fiets in de regen 7"))
    assert (made.code, made.err) == (0, "")
    assert "paarse fiets" not in made.out + (folder / "exchange.toml").read_text()
    files = {one: one.stat().st_mtime_ns for one in folder.rglob("*")}
    wrong = run("partner", "list", "--json", "--passphrase-fd", phrase("groene fiets in de regen 7"), workspace=folder)
    assert (wrong.code, wrong.json["exit"], wrong.json["error"]["rule"]) == (12, 12, "sealing.wrong-passphrase")
    assert wrong.json["error"]["hints"]
    dutch = run(
        "partner", "list", "--language", "nl", "--passphrase-fd", phrase("groene fiets in de regen 7"), workspace=folder
    )
    assert (dutch.code, dutch.out) == (12, "")
    assert "groene" not in dutch.err + wrong.out
    assert {one: one.stat().st_mtime_ns for one in folder.rglob("*")} == files
    right = run("partner", "list", "--json", "--passphrase-fd", phrase("paarse fiets in de regen 7"), workspace=folder)
    assert (right.code, right.json) == (0, {"partners": []})


def test_a_short_passphrase_is_refused_and_leaves_no_folder(run, tmp_path, phrase):
    folder = tmp_path / "echt"
    said = run("init", folder, *WORDS, "--json", "--passphrase-fd", phrase("kort"))
    assert (said.code, said.json["error"]["rule"]) == (12, "sealing.passphrase-short")
    assert not folder.exists()


def test_without_a_passphrase_and_with_nobody_to_ask_it_stops(run, tmp_path):
    said = run("init", tmp_path / "echt", *WORDS, "--json")
    assert (said.code, said.json["error"]["rule"]) == (1, "program.no-passphrase")
    assert said.json["error"]["hints"]
    assert not (tmp_path / "echt").exists()


@pytest.mark.parametrize("words", [("--id", "agb:07999990"), ("--name", "Iets")])
def test_what_is_missing_is_named_where_there_is_nobody_to_ask(run, tmp_path, words):
    said = run("init", tmp_path / "x", *words, "--no-passphrase", "--json")
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")
    assert ("--name" if words[0] == "--id" else "--id") in said.json["error"]["text"]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("party", ["agb:123", "bsn:999900006", "07999990", "agb:", "agb:abcdefgh"])
def test_an_identifier_that_is_none_is_refused_and_leaves_no_folder(run, tmp_path, party):
    said = run("init", tmp_path / "x", "--name", "Iets", "--id", party, "--no-passphrase", "--json")
    assert said.code != 0
    assert said.json["exit"] == said.code
    assert said.json["error"]["hints"]
    assert said.json["error"]["rule"] != "program.unexpected"
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_in_it_is_left_alone(run, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    said = run("init", tmp_path / "x", *WORDS, "--no-passphrase", "--json")
    assert (said.code, said.json["error"]["rule"]) == (16, "workspace.not-empty")
    assert [one.name for one in (tmp_path / "x").iterdir()] == ["mine.txt"]


def test_an_empty_folder_that_stands_ready_is_used(run, tmp_path):
    (tmp_path / "x").mkdir()
    assert run("init", tmp_path / "x", *WORDS, "--no-passphrase").code == 0


def test_a_store_that_cannot_be_made_leaves_nothing(run, tmp_path):
    said = run("init", tmp_path / "x", *WORDS, "--no-passphrase", "--store", "no/such/folder.db", "--json")
    assert said.code == 14
    assert said.json["error"]["hints"]
    assert not (tmp_path / "x").exists()
