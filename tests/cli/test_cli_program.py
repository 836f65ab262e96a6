"""exchange itself: help, languages, one JSON document, exit codes, and what a run never says."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from exchange_cli import exits
from exchange_cli.program import COMMANDS
from exchange_cli.speaking import Speaker, language_of, plain


def test_help_lists_every_command_in_the_order_of_use(run):
    said = run("--help")
    assert said.code == 0
    words = [line.split()[0] for line in said.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert [word for word in words if word in COMMANDS] == list(COMMANDS)


def test_help_speaks_dutch_where_that_is_asked(run):
    assert "Opdrachten:" in run("--language", "nl", "--help").out
    assert "verzonnen gegevens" in run("--language", "nl", "--help").out


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom exchange_cli import program\n"
        "try:\n    program.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pandas', 'sqlalchemy', 'fhir', 'matplotlib', 'cryptography'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(run, name):
    said = run(name, "--help")
    assert said.code == 0
    assert "Usage: exchange" in said.out
    if "Commands:" not in said.out:
        assert "Example: exchange" in said.out


def test_the_version_is_said(run):
    assert run("--version").out.startswith("exchange, version ")


def test_an_unknown_command_is_a_usage_error(run):
    assert run("fly").code == 2
    said = run("--json", "fly")
    assert (said.code, said.json["exit"], said.json["error"]["rule"]) == (2, 2, "program.usage")


# Languages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "nl_NL.UTF-8"}, "nl"), ({"LANG": "nl_BE"}, "nl"), ({"LC_ALL": "en_GB", "LANG": "nl_NL"}, "en"),
        ({"LC_MESSAGES": "nl_NL", "LANG": "de_DE"}, "nl"), ({"LANG": "Dutch_Netherlands.1252"}, "nl"),
        ({"LANG": "C"}, "en"),
    ],
)  # fmt: skip
def test_the_language_follows_the_locale(monkeypatch, environment, language):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of(None) == language
    assert language_of("nl") == "nl"
    assert language_of("en") == "en"


def test_without_any_locale_something_is_spoken(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language_of(None) in {"nl", "en"}


@pytest.mark.parametrize(
    "words", [("--language", "nl", "partner", "list"), ("partner", "list", "--language", "nl"),
              ("--language=nl", "partner", "list"), ("partner", "list", "--language=nl")],
)  # fmt: skip
def test_errors_speak_the_language_asked_for_wherever_it_was_asked(run, tmp_path, words):
    said = run(*words, cwd=tmp_path)
    assert said.code == 16
    assert "werkmap" in said.err


# Workspaces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["none", "empty", "file", "broken", "partial"])
def test_a_folder_that_is_no_workspace_is_said_to_be_so(run, tmp_path, where):
    folder = tmp_path / "x"
    if where == "file":
        folder.write_text("x")
    elif where != "none":
        folder.mkdir()
    if where == "broken":
        (folder / "exchange.toml").write_text("[organisation\n")
    if where == "partial":
        (folder / "exchange.toml").write_text('[organisation]\nid = "agb:07999990"\n')
    before = sorted(tmp_path.rglob("*"))
    said = run("agreement", "list", "--json", workspace=folder)
    assert (said.code, said.json["exit"]) == (16, 16)
    assert said.json["error"]["rule"] in {"workspace.none", "workspace.settings", "workspace.setting-missing"}
    assert said.json["error"]["hints"]
    assert run("agreement", "list", "--language", "nl", workspace=folder).code == 16
    assert sorted(tmp_path.rglob("*")) == before


def test_a_workspace_is_found_upwards_and_by_environment(run, town, monkeypatch, tmp_path):
    inner = town["praktijk"] / "reports"
    assert run("agreement", "list", "--json", cwd=inner).code == 0
    monkeypatch.setenv("EXCHANGE_WORKSPACE", str(town["praktijk"]))
    assert run("agreement", "list", "--json", cwd=tmp_path).code == 0
    assert run("agreement", "list", "--json", "--workspace", str(town["huisarts-a"]), cwd=tmp_path).code == 0


def test_a_workspace_whose_store_is_gone_says_so(run, town):
    (town["praktijk"] / "store.db").unlink()
    said = run("agreement", "list", "--json", workspace=town["praktijk"])
    assert said.code == 14
    assert said.json["error"]["hints"]
    assert not (town["praktijk"] / "store.db").exists()


def test_a_store_of_another_workspace_does_not_open(run, town):
    (town["praktijk"] / "store.db").write_bytes((town["huisarts-a"] / "store.db").read_bytes())
    said = run("agreement", "list", "--json", workspace=town["praktijk"])
    assert said.code == 14
    assert said.json["error"]["hints"]


def test_keys_that_are_gone_say_so(run, town):
    for file in (town["praktijk"] / "keys").iterdir():
        file.unlink()
    said = run("partner", "list", "--json", workspace=town["praktijk"])
    assert said.code in {12, 16}
    assert said.json["error"]["hints"]


# When something goes wrong that nobody foresaw ---------------------------------------------------------------------


def test_an_unforeseen_error_is_said_without_its_text(run, town, monkeypatch):
    from exchange.operations import partners

    def fail(_workspace):
        raise ValueError("KANARIE-4711")

    monkeypatch.setattr(partners, "listed", fail)
    said = run("partner", "list", "--json", workspace=town["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (1, "program.unexpected")
    assert "KANARIE" not in said.out + said.err
    spoken = run("partner", "list", workspace=town["praktijk"])
    assert spoken.code == 1
    assert "KANARIE" not in spoken.out + spoken.err
    assert "ValueError" in spoken.err


def test_a_traceback_comes_only_where_it_is_asked(town, monkeypatch, tmp_path):
    from exchange_cli import program
    from exchange_cli.speaking import Speaker as Speaking

    monkeypatch.setenv("EXCHANGE_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        Speaking().error(ZeroDivisionError())
    assert program.run(["partner", "list", "--workspace", str(tmp_path)], as_json=False, language="en") == 16


@pytest.mark.parametrize("error", [KeyboardInterrupt, __import__("click").Abort])
def test_an_interruption_is_said_in_words(run, town, monkeypatch, error):
    from exchange.operations import partners

    def stop(_workspace):
        raise error

    monkeypatch.setattr(partners, "listed", stop)
    said = run("partner", "list", "--language", "nl", workspace=town["praktijk"])
    assert said.code == 1
    assert "Afgebroken" in said.err
    assert run("partner", "list", "--json", workspace=town["praktijk"]).json["exit"] == 1


def test_the_codes_of_the_families_are_those_of_the_contract():
    assert (exits.DONE, exits.OTHER, exits.USAGE, exits.FINDINGS) == (0, 1, 2, 3)
    assert {code for _, code in exits.FAMILIES} >= {10, 11, 12, 13, 14, 15, 16}
    assert len({code for _, code in exits.FAMILIES}) == len(exits.FAMILIES)


# How it speaks ----------------------------------------------------------------------------------------------------


def test_the_clock_and_the_user_are_those_of_the_machine(monkeypatch):
    speaker = Speaker()
    assert abs(datetime.now(UTC) - speaker.now()) < timedelta(minutes=1)
    assert abs(speaker.today() - speaker.now().date()) <= timedelta(days=1)
    monkeypatch.setenv("EXCHANGE_USER", "iemand")
    assert speaker.user() == "iemand"
    monkeypatch.delenv("EXCHANGE_USER")
    assert speaker.user()


def test_without_a_name_for_the_user_it_is_unknown(monkeypatch):
    import getpass

    def nobody():
        raise OSError

    monkeypatch.delenv("EXCHANGE_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Speaker().user() == "unknown"


def test_what_json_cannot_hold_becomes_plain():
    from pathlib import Path

    from exchange.findings import Finding, Severity

    given = {
        "day": datetime(2026, 1, 2, tzinfo=UTC).date(),
        "of": (Finding("x", severity=Severity.ERROR),),
        3: Path("a"),
    }
    found = plain(given)
    assert found["day"] == "2026-01-02"
    assert found["of"][0]["severity"] == "error"
    assert found["3"] == "a"
    json.dumps(found)


class _Terminal:
    def __init__(self):
        self.said = ""

    def isatty(self):
        return True

    def write(self, text):
        self.said += text

    def flush(self):
        pass


def test_progress_shows_on_a_terminal_only_and_only_after_two_seconds(monkeypatch):
    import time

    moment = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Speaker(language="nl").progress("program.loading") as step:
        step(1, 4)
        assert terminal.said == ""
        moment[0] = 3.0
        step(2, 4)
        assert "50%" in terminal.said
        step(0, 0)
    assert terminal.said.endswith("\r")
    quiet = _Terminal()
    monkeypatch.setattr(sys, "stderr", quiet)
    with Speaker(as_json=True).progress("program.loading") as step:
        moment[0] = 9.0
        step(2, 4)
    assert quiet.said == ""


def test_the_keyring_is_asked_unless_it_is_switched_off(monkeypatch):
    import keyring

    monkeypatch.delenv("EXCHANGE_NO_KEYRING", raising=False)
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}/{name}")
    assert Speaker().passphrase("praktijk") == "outcome-exchange/praktijk"

    def locked(_service, _name):
        raise RuntimeError

    monkeypatch.setattr(keyring, "get_password", locked)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(Exception, match=r".") as caught:
        Speaker().passphrase("praktijk")
    assert caught.value.rule == "program.no-passphrase"


def test_a_passphrase_is_asked_on_a_terminal_and_twice_when_it_is_new(monkeypatch):
    import click

    asked = []

    def prompt(text, **named):
        asked.append((text, named["confirmation_prompt"], named["hide_input"]))
        return "geheim"

    class Keyboard:
        def isatty(self):
            return True

    monkeypatch.setenv("EXCHANGE_NO_KEYRING", "1")
    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setattr(click, "prompt", prompt)
    assert Speaker(language="nl").passphrase("praktijk", confirm=True) == "geheim"
    ((text, twice, hidden),) = asked
    assert (twice, hidden) == (True, True)
    assert "praktijk" in text


# What is never said -----------------------------------------------------------------------------------------------


def test_no_value_out_of_a_record_is_ever_said_or_logged(run, town):
    """A canary as name, number, question and score; every command that can fail does; nothing sings."""
    head, row, *_ = (town["bestanden"] / "trajecten.csv").read_bytes().split(b"\r\n")
    cells = row.decode("cp1252").split(";")
    canary = "KANARIE-4711"
    rows = []
    for place in range(len(cells)):
        changed = [canary if place == number else cell for number, cell in enumerate(cells)]
        changed[0], changed[5] = (changed[one] if place == one else f"{place + 9000}" for one in (0, 5))
        rows.append(";".join(changed).encode("cp1252"))
    file = town.folder / "kanarie.csv"
    file.write_bytes(b"\r\n".join((head, *rows, b"")))
    said = run("load", file, workspace=town["praktijk"])
    assert said.code == 3
    texts = [said.out, said.err]
    texts += [one.read_text(encoding="utf-8-sig") for one in (town["praktijk"] / "reports").glob("afgekeurd-*.csv")]
    assert len(texts) == 3
    for words in (
        ("export", "huisartsen"), ("export", "huisartsen", "--dry-run"), ("export", "welzijn"), ("doctor",),
        ("log", "show", "--last", "500"), ("log", "verify"), ("agreement", "list"), ("evaluate", "due"),
        ("indicators",),
    ):  # fmt: skip
        said = run(*words, workspace=town["praktijk"])
        texts += [said.out, said.err]
    assert not [text for text in texts if canary in text]
