"""exchange instruments: the list with its thresholds, one instrument, and a score; and where thresholds are marked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.records.instruments import instruments


def test_the_list_says_of_every_instrument_whether_its_threshold_was_verified(run: Any) -> None:
    said = run("instruments", "list", "--language", "nl")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "richting" in lines[0]
    assert "meetfout" in lines[0]
    rows = {line.split()[0]: line for line in lines[2:] if line.strip()}
    for one in instruments().values():
        marked = "niet geverifieerd" in rows[one.id]
        assert marked or not one.unverified, one.id
        if not one.effect:
            assert "nooit effect" in rows[one.id]
    assert "lager is beter" in rows["odi"]
    assert "Ostelo et al. 2008" in rows["odi"]


def test_the_columns_of_the_list_align(run: Any) -> None:
    head, rule, *rows = run("instruments", "list", "--language", "en").out.splitlines()
    starts = [place for place in range(len(rule)) if rule[place] == "─" and (place == 0 or rule[place - 1] == " ")]
    for row in [head, *rows[: len(instruments())]]:
        for start in starts[1:]:
            assert row[start - 2 : start] in {"  ", ""}, row


def test_the_list_for_machines_is_the_data_with_its_status(run: Any) -> None:
    listed = run("instruments", "list", "--json").json["instruments"]
    assert {one["id"] for one in listed} == set(instruments())
    assert {one["id"]: one["status"] for one in listed}["ndi"] == "unverified"


@pytest.mark.parametrize(("language", "mark"), [("nl", "niet geverifieerd"), ("en", "not verified")])
def test_one_instrument_is_shown_with_every_source_and_its_scoring_rule(run: Any, language: str, mark: str) -> None:
    said = run("instruments", "show", "NDI", "--language", language)
    assert said.code == 0
    assert said.out.count(mark) >= 3  # the threshold, the other threshold and the scoring rule
    assert "10.1016/j.spinee.2009.06.002" in said.out
    verified = run("instruments", "show", "odi", "--language", language)
    assert mark not in verified.out
    assert "30%" in verified.out


def test_a_prognostic_list_is_shown_as_one(run: Any) -> None:
    said = run("instruments", "show", "STarT Back", "--language", "nl")
    assert "prognose, nooit effect" in said.out
    assert run("instruments", "show", "startback", "--json").json["effect"] is False


def test_a_score_is_worked_out_and_said_with_its_threshold(run: Any) -> None:
    said = run("instruments", "score", "odi", "--items", "2,2,2,2,2,2,1,1,1,-", "--language", "nl")
    assert said.code == 0
    assert "33 (0–100, lager is beter), 9 van 10 ingevuld" in said.out
    assert "kleinste belangrijke verschil 10" in said.out
    told = run("instruments", "score", "ndi", "--items", "1 1 1 1 1 1 1 1 1 1", "--json", "--language", "nl").json
    assert (told["score"], told["answered"], told["exact"], told["findings"]) == (10, 10, "10", [])
    assert told["scoring_status"] == "unverified"
    assert told["threshold"].endswith("(niet geverifieerd)")


@pytest.mark.parametrize(
    ("name", "items", "score"),
    [("nprs", "7,5", 75), ("psfs", "3;4;4", 37), ("psfs", "3, 4, 4", 37), ("tug", "12,4", 124), ("rdq", "1,,1,-", 2)],
)
def test_answers_may_be_typed_with_commas_spaces_or_semicolons(run: Any, name: str, items: str, score: int) -> None:
    assert run("instruments", "score", name, "--items", items, "--json").json["score"] == score


def test_the_activities_of_a_psk_are_said_each(run: Any) -> None:
    said = run("instruments", "score", "psk", "--items", "8 6 7", "--language", "nl")
    assert "activiteit 2: 6" in said.out
    assert "De scoreregel is niet geverifieerd" in said.out
    assert run("instruments", "score", "psk", "--items", "8 6 7", "--json").json["each"] == [80, 60, 70]


@pytest.mark.parametrize(
    ("name", "items", "path", "rule"),
    [
        ("odi", "1,1,9", "item_3", "records.item-range"),
        ("odi", "1,1,1", "items", "records.items-too-few"),
        ("odi", "1,x,1", "item_2", "records.item-number"),
        ("startback", "1", "items", "records.items-no-rule"),
        ("odi", "", "items", "records.items-too-few"),
    ],
)
def test_answers_that_break_a_rule_give_a_finding_and_no_score(
    run: Any, name: str, items: str, path: str, rule: str
) -> None:
    said = run("instruments", "score", name, "--items", items, "--json")
    assert said.code == 3
    assert said.json["score"] is None
    assert [(one["path"], one["rule"]) for one in said.json["findings"]] == [(path, rule)]
    assert path in run("instruments", "score", name, "--items", items, "--language", "nl").out


def test_an_unknown_instrument_is_refused_with_where_to_look(run: Any) -> None:
    said = run("instruments", "show", "onbekend", "--language", "nl")
    assert said.code == 13
    assert "exchange instruments list" in said.err


EPISODES = """Patiëntnummer;Trajectnummer;Begindatum;Einddatum;DCSPH;Meetinstrument;Startscore;Eindscore
N1;N1-1;08-01-2024;15-03-2024;3027;NDI;30;12
"""


def test_the_figures_say_by_which_thresholds_and_mark_the_unverified_ones(
    run: Any, treated: Any, tmp_path: Path
) -> None:
    practice, table = treated["praktijk"], tmp_path / "nek.csv"
    before = run("indicators", "responders", "--language", "nl", workspace=practice).out
    assert "kleinste belangrijke verschil 2 (" in before
    assert "niet geverifieerd" not in before
    table.write_text(EPISODES, encoding="utf-8")
    assert run("load", table, "--as", "table", "--json", workspace=practice).json["episodes"] == 1
    said = run("indicators", "responders", "--json", "--language", "nl", workspace=practice).json["thresholds"]
    (neck,) = [line for line in said if line.endswith("(niet geverifieerd)")]
    assert "(NDI): kleinste belangrijke verschil 8" in neck
    assert len(said) > 1
    why = run("indicators", "responders", "--why", "N1", "--language", "nl", workspace=practice)
    assert neck in why.out
    assert run("indicators", "measured", "--json", workspace=practice).json["thresholds"] == []


def test_an_evaluation_says_the_threshold_of_its_instrument(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    words = ("evaluate", "record", "--epd", epd, "--session", "4", "--decision", "continue", "--effect", "sufficient")
    said = run(*words, "--instrument", "NDI", "--language", "nl", workspace=practice)
    assert "kleinste belangrijke verschil 8" in said.out
    assert "(niet geverifieerd)" in said.out
    assert "niet geverifieerd" not in run(*words, "--instrument", "ODI", "--language", "nl", workspace=practice).out


def _dataset(treated: Any) -> Any:
    with treated.open("praktijk") as workspace:
        return workspace.store.dataset()


MAPPING = """
id = "eigen-lijsten"
system = "epd"
[[rows]]
kind = "measurements"
items = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10"]
[rows.columns]
epd_number = "Patiëntnummer"
day = "Datum"
score = "Totaal"
[rows.constants]
instrument = "odi"
"""


def test_a_table_of_answers_is_loaded_scored_and_said_so(run: Any, treated: Any, tmp_path: Path) -> None:
    practice = treated["praktijk"]
    epd = run("evaluate", "due", "--json", workspace=practice).json["due"][0]["epd_number"]
    mapping, table = tmp_path / "lijsten.toml", tmp_path / "lijsten.csv"
    mapping.write_text(MAPPING, encoding="utf-8")
    head = "Patiëntnummer;Datum;Totaal;" + ";".join(f"A{n}" for n in range(1, 11))
    with treated.open("praktijk") as workspace:
        (start,) = {one.start for one in workspace.store.episodes_of_epd_number(epd) if one.end is None}
    cells = (";2;2;2;2;2;2;1;1;1;1", "99;2;2;2;2;2;2;1;1;1;1", ";2;2;2")
    lines = [f"{start + timedelta(number):%d-%m-%Y};{line}" for number, line in enumerate(cells)]
    table.write_text("\n".join((head, *(f"{epd};{line}" for line in lines))) + "\n", encoding="utf-8")
    said = run("load", table, "--mapping", mapping, "--language", "nl", workspace=practice)
    assert said.code == 3
    assert "uit de losse antwoorden zijn berekend: 1" in said.out
    rejects = next(practice.rglob("afgekeurd-lijsten.csv")).read_text(encoding="utf-8")
    assert "measurements.score" in rejects
    assert "niet met de losse antwoorden" in rejects or "does not agree" in rejects
    assert "measurements.items" in rejects
    held = [one for one in _dataset(treated).measurements if one.from_items]
    assert [(one.instrument, one.score, one.day) for one in held] == [("odi", 32, start)]
