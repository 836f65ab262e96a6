"""How the program speaks: codes, one document for machines on every error, and lines from a descriptor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from exchange import errors
from exchange_cli import exits, speaking


def test_the_exit_codes_are_what_they_were() -> None:
    assert {family.__name__: code for family, code in exits.FAMILIES} == {
        "MessageError": 10, "AgreementError": 11, "SealingError": 12, "IndicatorError": 13, "StoreError": 14,
        "SourceError": 15, "WorkspaceError": 16, "ReportError": 17,
    }  # fmt: skip
    assert (exits.DONE, exits.OTHER, exits.USAGE, exits.FINDINGS) == (0, 1, 2, 3)
    assert exits.code_for(errors.CannotOpen(file="x")) == 12
    assert exits.code_for(errors.Refused("gate.no")) == 11
    assert exits.code_for(errors.ExchangeError("x")) == exits.code_for(ValueError()) == 1


def test_every_family_of_errors_has_its_own_code() -> None:
    families = [one for one in errors.ExchangeError.__subclasses__() if one.__module__ == "exchange.errors"]
    assert {family for family, _ in exits.FAMILIES} == set(families)
    assert len({code for _, code in exits.FAMILIES}) == len(exits.FAMILIES)


def test_help_lists_the_commands_in_dutch_and_in_english(run: Any) -> None:
    dutch, english = run("--language", "nl", "--help"), run("--help")
    assert "Opdrachten" in dutch.out
    assert "Verzegelen wat een afspraak doorlaat." in dutch.out
    assert "Seal what an agreement lets out." in english.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("no-such-command",), 2),
        (("indicators", "--engine", "abacus"), 2),
        (("plan", "--to"), 2),
        (("--workspace", "/nowhere/at/all", "doctor"), 16),
    ],
)
def test_an_error_is_one_document_too(run: Any, tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    for given in ((*words[:1], *words[1:], "--json"), ("--json", *words)):
        if words[-1] == "--to" and given[-1] == "--json":
            continue  # then --json is the file's name
        ran = run(*given, cwd=tmp_path)
        assert ran.code == code
        assert ran.err == ""
        assert set(ran.json) == {"error", "exit"}
        assert set(ran.json["error"]) == {"rule", "text", "hints", "premises"}
        assert ran.json["exit"] == code


def test_an_error_for_people_says_what_and_what_to_do(run: Any, tmp_path: Path) -> None:
    dutch = run("doctor", "--language", "nl", cwd=tmp_path)
    english = run("doctor", cwd=tmp_path)
    assert dutch.code == english.code == 16
    assert dutch.out == english.out == ""
    assert "  → " in dutch.err
    assert dutch.err != english.err


def test_an_interruption_is_said(run: Any, town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("exchange.operations.doctoring.examine", stopped)
    machine = run("doctor", "--json", workspace=town["praktijk"])
    assert (machine.code, machine.json["error"]["rule"]) == (1, "program.stopped")
    person = run("doctor", workspace=town["praktijk"])
    assert (person.code, person.out) == (1, "")
    assert person.err.strip()


def test_lines_of_a_descriptor_end_as_lines_do() -> None:
    def line_of(data: bytes) -> str | None:
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        try:
            return speaking._line_of(reading)
        finally:
            os.close(reading)

    assert line_of(b"zin\r\nrest") == "zin"
    assert line_of("één".encode()) == "één"
    assert line_of(b"") is None
    assert line_of(b"\n") == ""
    with pytest.raises(OSError):  # noqa: PT011 - it says nothing of what was read
        line_of(b"x" * 5000)


def test_the_names_of_the_package_are_few() -> None:
    import exchange

    assert exchange.Workspace.__name__ == "Workspace"
    with pytest.raises(AttributeError):
        exchange.Nothing  # noqa: B018 - looking is what is tested
