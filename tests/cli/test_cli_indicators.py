"""exchange indicators: figures from the command line, the same by both calculations, and safe for outsiders."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

PERIOD = ("--from", "2024-01-01", "--until", "2026-01-01")


@pytest.fixture(scope="module")
def practice(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one copy of the played practice for tests that only calculate: that adds to its trail alone."""
    folder = tmp_path_factory.mktemp("indicators") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    return folder


def figures(ran: Any) -> dict[str, dict[str, Any]]:
    # 3 where partners have not yet been shown what goes to the insurer
    assert ran.code in {0, 3}, ran.err
    return {one["indicator"]: one for one in ran.json["figures"]}


def test_both_engines_give_the_same_figures(run: Any, practice: Path) -> None:
    sql = run("indicators", *PERIOD, "--json", workspace=practice)
    oracle = run("indicators", *PERIOD, "--engine", "oracle", "--json", workspace=practice)
    assert sql.code == oracle.code == 0
    assert sql.out == oracle.out
    assert len(figures(sql)) >= 8


def test_both_engines_agree_when_split(run: Any, practice: Path) -> None:
    words = ("indicators", "sessions-per-patient", "onward-advice", "--by", "location", *PERIOD, "--json")
    assert run(*words, workspace=practice).out == run(*words, "--engine", "oracle", workspace=practice).out


def test_a_table_for_people_is_in_their_language(run: Any, practice: Path) -> None:
    dutch = run("indicators", "onward-advice", *PERIOD, "--language", "nl", workspace=practice)
    english = run("indicators", "onward-advice", *PERIOD, "--language", "en", workspace=practice)
    assert "Afgesloten zonder advies tot doorverwijzing" in dutch.out
    assert "95%-interval" in dutch.out
    assert " tot " in dutch.out
    assert "Ended without advice to refer onward" in english.out
    assert "None" not in dutch.out + english.out
    assert dutch.err == english.err == ""


def test_a_figure_carries_all_that_it_must(run: Any, practice: Path) -> None:
    one = figures(run("indicators", "onward-advice", *PERIOD, "--json", workspace=practice))["onward-advice"]
    assert one["start"] == "2024-01-01"
    assert one["end"] == "2026-01-01"
    assert one["sources"] == ["practice"]
    assert one["scope"] == "practice"
    assert one["interval"]["method"]
    assert one["numerator"] <= one["denominator"] <= one["due"]
    assert one["as_of_load"] > 0


def test_a_figure_rests_on_partners_where_it_does(run: Any, practice: Path) -> None:
    one = figures(run("indicators", "substitution-net", *PERIOD, "--json", workspace=practice))["substitution-net"]
    assert one["sources"] == ["practice", "partner"]


def test_as_of_a_load_gives_an_old_figure_again_to_the_byte(run: Any, demo: Path, tmp_path: Path) -> None:
    practice = demo / "praktijk"
    words = ("indicators", "--json")
    before = run(*words, workspace=practice)
    load = figures(before)["onward-advice"]["as_of_load"]
    # an older client, and so an earlier first day, comes in later
    trajectories = tmp_path / "later.csv"
    head, first = (demo / "bestanden" / "trajecten.csv").read_bytes().decode("cp1252").splitlines()[:2]
    names = head.split(";")
    row = dict(zip(names, first.split(";"), strict=True))
    changed = {name: _earlier(name, text) for name, text in row.items()}
    # and what the file said of another client turns out to be wrong
    answers = {"ja": "nee", "nee": "ja"}
    others = (demo / "bestanden" / "trajecten.csv").read_bytes().decode("cp1252").splitlines()[2:12]
    corrected = [";".join(answers.get(cell, cell) for cell in line.split(";")) for line in others]
    assert corrected != others
    lines = [head, ";".join(changed.values()), *corrected]
    trajectories.write_bytes("".join(f"{line}\r\n" for line in lines).encode("cp1252"))
    loaded = run("load", trajectories, "--json", workspace=practice)
    assert loaded.code in {0, 3}, loaded.out
    now = run(*words, workspace=practice)
    assert now.out != before.out
    again = run(*words, "--as-of", load, workspace=practice)
    assert again.out == before.out
    later = datetime(2027, 5, 1, 9, tzinfo=UTC)
    on_another_day = run(*words, "--as-of", load, "--on", "2026-11-03", workspace=practice, at=later)
    assert on_another_day.out == before.out


def _earlier(name: str, text: str) -> str:
    """Make another treatment of the same client, ten years before."""
    if len(text) == 10 and text[2] == text[5] == "-" and "geboorte" not in name.lower():
        return text[:6] + "2016"
    return text


@pytest.mark.parametrize("load", [0, -1, 99999])
def test_a_load_that_is_not_there_is_refused(run: Any, practice: Path, load: int) -> None:
    ran = run("indicators", "--as-of", load, "--json", workspace=practice)
    assert ran.code == 13
    assert ran.json["error"]["rule"] == "figuring.no-load"
    assert ran.json["error"]["hints"]


def test_why_names_criteria_and_what_decided(run: Any, practice: Path) -> None:
    ran = run("indicators", "substitution-net", "--why", "P00001", "--language", "nl", workspace=practice)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Netto substitutie: ")
    assert "◄" in ran.out
    machine = run("indicators", "substitution-net", "--why", "P00001", "--json", workspace=practice)
    assert machine.json["why"][0].startswith("Net substitution")


def test_why_takes_a_koppelcode_and_refuses_what_is_neither(run: Any, practice: Path) -> None:
    from exchange.operations.workspace import Workspace

    now = datetime(2026, 11, 3, tzinfo=UTC)
    with Workspace.open(practice, passphrase=lambda _n: "", now=now, on=now.date(), user="t") as opened:
        code = opened.store.cases.of_agreement("huisartsen")[0].code
    assert run("indicators", "onward-advice", "--why", code, workspace=practice).code == 0
    ran = run("indicators", "--why", "P99999", workspace=practice)
    assert ran.code == 14
    assert "→" in ran.err


def test_why_never_stands_in_what_leaves(run: Any, practice: Path, tmp_path: Path) -> None:
    reasons = run("indicators", "--why", "P00001", "--json", workspace=practice).json["why"]
    steps = [line.strip(" ◄") for line in reasons if line.startswith("  ")]
    assert steps
    for name in ("f.json", "f.csv"):
        assert run("indicators", "--to", tmp_path / name, "--for", "insurer", workspace=practice).code in {0, 3}
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert "P00001" not in text
        assert not any(step in text for step in steps)


def test_the_catalogue_fits_a_screen_and_months_stand_in_their_order(run: Any, practice: Path) -> None:
    ran = run("indicators", "--language", "nl", workspace=practice)
    head, _, *lines = ran.out.splitlines()
    assert "groep" not in head
    assert max(map(len, (head, *lines))) <= 120
    titles = [line.split("  ")[0] for line in lines]
    for title in ("Valincidenten, voor en na", "Van de pijnstillers af", "Weer volledig aan het werk"):
        found = [one for one in titles if one.startswith(title)]
        assert found == [f"{title} ({months} maanden)" for months in (3, 6, 12)]
    split = run("indicators", "measured", "--by", "sex", "--language", "nl", workspace=practice)
    assert "groep" in split.out.splitlines()[0]


def test_sql_prints_a_query_with_bound_parameters(run: Any, practice: Path) -> None:
    ran = run("indicators", "onward-advice", "--sql", workspace=practice)
    assert ran.code == 0
    assert ran.out.startswith("-- onward-advice\n")
    assert "SELECT" in ran.out
    assert set(run("indicators", "--sql", "--json", workspace=practice).json["sql"]) >= {"onward-advice", "measured"}
    # A list of values is as many parameters, as the engine gets them, and no word of the program that writes queries.
    for engine in ("sqlite", "postgresql", "duckdb", "spark", "trino"):
        shown = run("indicators", "--sql", "--engine", engine, "--json", workspace=practice).json["sql"]
        assert not [name for name, query in shown.items() if "POSTCOMPILE" in query]


def test_for_the_insurer_what_must_be_masked_is_masked(run: Any, practice: Path) -> None:
    ours = figures(run("indicators", "--json", workspace=practice))
    theirs = figures(run("indicators", "--for", "insurer", "--json", workspace=practice))
    ours_net, net = ours["substitution-net"], theirs["substitution-net"]
    assert ours_net["masked"] is None
    assert 0 < ours_net["denominator"] - ours_net["numerator"] < 10
    assert net["masked"] == "disclosure.too-few"
    for name in ("value", "interval", "numerator", "denominator", "patients", "unknown", "answered", "eligible", "due"):
        assert net[name] is None
    assert net["parts"] == net["evidence"] == {}
    # nobody deteriorated: that is a fact about everyone, and the shown classes may not add up to it
    assert ours["responders"]["parts"]["deteriorated"] == 0
    assert "deteriorated" not in theirs["responders"]["parts"]
    shown = theirs["responders"]["parts"].get("improved", 0) + theirs["responders"]["parts"].get("unchanged", 0)
    assert shown != theirs["responders"]["denominator"]


def test_small_groups_are_masked_and_cannot_be_subtracted(run: Any, practice: Path) -> None:
    words = ("indicators", "sessions-per-patient", "--by", "location", "--from", "2023-11-01", "--until", "2024-06-01")
    ran = run(*words, "--for", "insurer", "--json", workspace=practice)
    masked = [one for one in ran.json["figures"] if one["masked"]]
    assert masked
    assert all(one["patients"] is None and one["value"] is None for one in masked)
    table = run(*words, "--for", "insurer", "--language", "nl", workspace=practice)
    assert "<10" in table.out
    assert "None" not in table.out
    assert "niet getoond: het aantal met, zonder of in totaal ligt onder 10 patiënten" in table.out
    inside = run(*words, "--language", "nl", workspace=practice)
    assert inside.code == 0
    assert "niet getoond" not in inside.out


def test_figures_are_written_as_csv_xlsx_and_json(run: Any, practice: Path, tmp_path: Path) -> None:
    for name in ("figures.csv", "figures.xlsx", "figures.json"):
        ran = run("indicators", "onward-advice", "measured", *PERIOD, "--to", tmp_path / name, workspace=practice)
        assert ran.code == 0
        assert name in ran.out
    listed = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    by_id = {one["indicator"]: one for one in listed}
    book = openpyxl.load_workbook(tmp_path / "figures.xlsx")
    head, *rows = book.active.iter_rows(values_only=True)
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        assert cells["numerator"] == by_id[cells["indicator"]]["numerator"]
        assert cells["value"] == pytest.approx(by_id[cells["indicator"]]["value"])
    text = (tmp_path / "figures.csv").read_text(encoding="utf-8-sig")
    rows_of = list(csv.DictReader(io.StringIO(text)))
    assert {row["indicator"] for row in rows_of} == {"onward-advice", "measured"}
    assert float(rows_of[0]["value"]) == by_id[rows_of[0]["indicator"]]["value"]


def test_a_dutch_csv_opens_in_a_dutch_spreadsheet(run: Any, practice: Path, tmp_path: Path) -> None:
    to = tmp_path / "figures.csv"
    assert run("indicators", "measured", *PERIOD, "--to", to, "--language", "nl", workspace=practice).code == 0
    (row,) = csv.DictReader(io.StringIO(to.read_text(encoding="utf-8-sig")), delimiter=";")
    assert "," in row["value"]
    assert "." not in row["value"]


def test_what_is_written_is_the_same_whenever_it_is(
    run: Any, practice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    words = ("indicators", "measured", *PERIOD, "--to")
    assert run(*words, tmp_path / "one.xlsx", workspace=practice).code == 0
    time.sleep(1.1)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert run(*words, tmp_path / "two.xlsx", workspace=practice).code == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("no-such",), "figuring.unknown"),
        (("measured", "--from", "2026-01-01", "--until", "2025-01-01"), "figuring.period"),
        (("measured", "--by", "shoe-size"), "indicators.group-unknown"),
        (("measured", "--to", "figures.ods"), "figuring.format"),
    ],
)
def test_what_cannot_be_calculated_is_refused_with_a_hint(
    run: Any, practice: Path, tmp_path: Path, words: tuple[str, ...], rule: str
) -> None:
    ran = run("indicators", *words, "--json", workspace=practice, cwd=tmp_path)
    assert ran.code == 13, ran.out
    assert ran.json["error"]["rule"] == rule
    assert ran.json["exit"] == 13
    assert not list(tmp_path.iterdir())
    said = run("indicators", *words, "--language", "nl", workspace=practice, cwd=tmp_path)
    assert said.out == ""
    assert said.err.count("\n") >= 1


def test_an_agreement_needing_indicator_is_calculated_when_named(run: Any, practice: Path) -> None:
    one = figures(run("indicators", "specialist-referral-rate", "--json", workspace=practice))
    assert one["specialist-referral-rate"]["start"] == date(2024, 1, 1).isoformat()
    table = run("indicators", "specialist-referral-rate", "--language", "nl", workspace=practice)
    assert "Verwijzingen naar de specialist" in table.out


def test_the_query_and_the_reasons_are_of_what_was_asked(run: Any, practice: Path) -> None:
    """An option that is passed over without a word would show another figure's query or reasons."""
    whole, split = (
        run("indicators", "measured", "--sql", *more, "--json", workspace=practice).json["sql"]["measured"]
        for more in ((), ("--by", "location"))
    )
    assert whole != split
    pooled = run("indicators", "measured", "--sql", "--engine", "trino", "--by", "sex", "--json").json["sql"][
        "measured"
    ]
    assert "sex" in pooled
    number = "P00296"
    inside, outside = (
        run("indicators", "measured", "--why", number, "--from", day, "--language", "en", workspace=practice)
        for day in ("2024-01-01", "2026-01-01")
    )
    assert "outside this indicator" not in inside.out
    assert "outside this indicator" in outside.out
    assert run("indicators", "measured", "--why", f" {number} ", "--from", "2024-01-01", "--language", "en",
               workspace=practice).out == inside.out  # fmt: skip
    early = run("indicators", "measured", "--why", number, "--as-of", "1", "--language", "en", workspace=practice)
    assert early.out != inside.out
    for words in (("--why", number), ("--as-of", "1"), ("--as-of", "0")):
        refused = run("indicators", "measured", "--data", ".", *words, "--language", "en", workspace=practice)
        assert (refused.code, words[0] in refused.err) == (2, True)
