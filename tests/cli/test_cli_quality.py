"""exchange quality and services: what is doubtful and whose, what codes are taken for, what another gap would give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HEAD = "Patiëntnummer;BSN;Geboortedatum;Datum behandeling;Zelf betaald;Therapeut AGB"


@pytest.fixture
def practice(run: Any, town: Any, tmp_path: Path) -> Path:
    """Return an empty practice that loaded PM304 claims of its own alone."""
    from exchange.operations.inventing import claiming, drawing

    folder = tmp_path / "leeg"
    made = run("init", folder, "--name", "Leeg", "--id", drawing.PRACTICE, "--no-passphrase")
    assert made.code == 0
    courses = drawing.draw(clients=26, courses=32)
    claims = tmp_path / "declaraties.txt"
    claims.write_bytes(claiming.pm304(courses, drawing.FIRST_DAY, drawing.TODAY))
    assert run("load", claims, workspace=folder).code in {0, 3}
    return folder


def test_what_is_doubtful_is_counted_and_found_by_epd_number(run: Any, practice: Path, tmp_path: Path) -> None:
    file = tmp_path / "zittingen.csv"
    file.write_text(f"{HEAD}\nPX1;;01-01-2030;02-03-2026;nee;07999991\nPX1;;01-01-2030;03-03-2027;ja;07999991\n")
    run("load", file, workspace=practice)
    ran = run("quality", "--json", workspace=practice)
    assert ran.code == 3
    assert (ran.json["doubts"]["days"], ran.json["doubts"]["birth"], ran.json["self_paid"]) == (1, 1, 1)
    (shown,) = run("quality", "--show", "days", "--json", workspace=practice).json["shown"]
    assert (shown["epd_number"], shown["day"]) == ("PX1", "2027-03-03")
    dutch = run("quality", "--show", "days", "--language", "nl", workspace=practice).out
    assert "PX1" in dutch
    assert "moet komen" in dutch


def test_another_gap_is_tried_and_nothing_changes(run: Any, practice: Path, snapshot: Any) -> None:
    before = snapshot(practice)
    told = run("quality", "--gap", "7", "--json", workspace=practice).json
    assert told["gap_days"] == 90
    assert told["other"]["episodes"] > told["now"]["episodes"]
    assert told["now"]["rebuilt"] == told["now"]["episodes"]
    assert snapshot(practice)["dataset"] == before["dataset"]
    assert snapshot(practice)["loads"] == before["loads"]
    assert "gap-days" in run("quality", "--language", "nl", workspace=practice).out
    assert run("quality", "--gap", "3", "--json", workspace=practice).json["error"]["rule"] == "surveying.gap"


def test_differences_of_epd_and_claims_are_told_and_never_added(run: Any, practice: Path, tmp_path: Path) -> None:
    from exchange.operations.inventing import drawing

    course = drawing.draw(clients=26, courses=32)[0]
    file = tmp_path / "zittingen.csv"
    first = course.days[0]
    file.write_text(f"{HEAD}\n{course.client.epd_number};{course.client.bsn};;{first:%d-%m-%Y};nee;07999991\n")
    run("load", file, workspace=practice)
    told = run("quality", "--json", workspace=practice).json
    assert {one["rule"] for one in told["differences"]} == {"episodes.claimed-not-recorded"}
    assert sum(one["params"]["count"] for one in told["differences"]) > 0


def test_an_unknown_code_is_listed_counted_and_told_what_it_is(run: Any, practice: Path, tmp_path: Path) -> None:
    from exchange.operations.inventing import claiming, drawing

    courses = drawing.draw(clients=26, courses=32)[:3]
    claims = tmp_path / "vreemd.xml"
    text = claiming.gds801(courses, drawing.FIRST_DAY, drawing.TODAY).decode()
    many = text.count("<Prestatiecode>2000<")
    claims.write_text(text.replace("<Prestatiecode>2000<", "<Prestatiecode>2777<"))
    ran = run("load", claims, "--language", "nl", workspace=practice)
    assert "exchange services set" in ran.out
    listed = run("services", "list", "--json", workspace=practice)
    first = listed.json["services"][0]
    assert (listed.code, first["code"], first["origin"], first["lines"]) == (3, "2777", "unknown", many)
    assert "2777" in run("services", "list", "--language", "nl", workspace=practice).out
    set_ = run("services", "set", "74", "2777", "screening", "--label", "Screening", "--json", workspace=practice)
    assert (set_.code, set_.json["type"], set_.json["origin"], set_.json["lines"]) == (0, "screening", "own", many)
    assert '"2777"' in (practice / "exchange.toml").read_text(encoding="utf-8")
    held = {(one["type"], one["source"]) for one in run("quality", "--json", workspace=practice).json["held"]}
    assert ("screening", "gds801") in held
    assert run("services", "list", workspace=practice).code == 0


@pytest.mark.parametrize("words", [("074", "code te lang", "session"), ("lijst", "2000", "session")])
def test_what_is_no_code_is_refused(run: Any, town: Any, words: tuple[str, ...]) -> None:
    assert run("services", "set", *words, "--json", workspace=town["praktijk"]).json["error"]["rule"] == "serving.unfit"
