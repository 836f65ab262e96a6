"""exchange indicators funnel ID FILE...: practices beside each other, from figures or MeasureReports."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange import shipped
from exchange.indicators.figure import Figure
from exchange.indicators.measure import measure_report
from exchange.operations import figuring

FIGURE = Figure(
    "measured", 1, "completeness", "episodes", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1),
    numerator=30, denominator=50, patients=45, numerator_patients=28, complement_patients=20, excluded=2,
)  # fmt: skip

ROW = {
    "indicator": "measured", "version": 1, "kind": "completeness", "unit": "episodes", "start": "2025-01-01",
    "end": "2026-01-01", "cut_off": "2026-02-01", "numerator": 5, "denominator": 10,
}  # fmt: skip


def practice(folder: Path, number: int, **changes: Any) -> Path:
    """Write an invented practice's figures: as rows, or every other one as a MeasureReport."""
    figure = replace(FIGURE, numerator=20 + number, **changes)
    figure = replace(figure, value=None if figure.numerator is None else figure.numerator / (figure.denominator or 1))
    to = folder / f"praktijk-{number:02}.json"
    if number % 2:
        report = measure_report(figure, reporter="agb:07000001", made_on=date(2026, 2, 1))
        to.write_text(json.dumps(report), "utf-8")
    else:
        figuring.write([figure], to)
    return to


def test_practices_stand_beside_each_other_whatever_file_they_sent(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, number) for number in range(12)]
    said = run("indicators", "funnel", "measured", *files, "--json")
    assert said.code == 0, said.err
    drawn = said.json["funnel"]
    assert [one["numerator"] for one in drawn["points"]] == [20 + number for number in range(12)]
    assert {one["denominator"] for one in drawn["points"]} == {50}
    assert drawn["centre"] == sum(20 + number for number in range(12)) / 600
    text = run("indicators", "funnel", "measured", *files, "--language", "nl").out
    assert "binnen de grenzen" in text
    assert "Spiegelhalter" in text


def test_for_outsiders_a_practice_that_is_not_safe_is_in_nothing_that_is_shown(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, 2 * number) for number in range(11)]
    small = practice(tmp_path, 40, denominator=110, complement_patients=9)
    said = run("indicators", "funnel", "measured", *files, small, "--for", "insurer", "--json")
    assert said.code == 3
    drawn = said.json["funnel"]
    assert "praktijk-40" not in {one["name"] for one in drawn["points"]}
    # The centre is of what is shown, so that subtracting gives nothing.
    assert drawn["centre"] == sum(20 + 2 * number for number in range(11)) / 550
    assert [one["path"] for one in said.json["findings"]] == ["praktijk-40"]
    # A report says nothing of how many patients there are behind it: that is not safe for outsiders.
    reports = [practice(tmp_path, 2 * number + 1) for number in range(11)]
    assert run("indicators", "funnel", "measured", *reports, "--for", "insurer").code == 13


@pytest.mark.parametrize("suffix", ["html", "docx", "pdf", "md", "svg", "png"])
def test_the_funnel_is_written_with_its_picture_the_same_each_time(run: Any, tmp_path: Path, suffix: str) -> None:
    files = [practice(tmp_path, number) for number in range(12)]
    odd = practice(tmp_path, 28)
    made = [tmp_path / name / f"trechter.{suffix}" for name in ("a", "b")]
    for to in made:
        to.parent.mkdir()
        said = run("indicators", "funnel", "measured", *files, odd, "--to", to, "--language", "nl")
        assert said.code == 0, said.err
        assert to.name in said.out
    assert made[0].read_bytes() == made[1].read_bytes()
    if suffix in {"html", "md", "svg"}:
        text = made[0].read_text("utf-8")
        assert "Gemeten bij begin en einde: 13 praktijken naast elkaar" in text
        if suffix != "md":  # in Markdown the picture does not stand, only its table
            assert "Binnen de grenzen liggen er 12. Daarbuiten: praktijk-28: 96,0%, boven de 99,8%-grens." in text
        if suffix != "svg":
            assert "niet gecorrigeerd voor verschillen tussen patiënten" in text
            assert "praktijk-28" in text
        if suffix == "html":
            assert "INTERN: kleine aantallen staan erin" in text
            run("indicators", "funnel", "measured", *files[::2], *_more(tmp_path), "--for", "insurer", "--to", made[0])
            assert "INTERN" not in made[0].read_text("utf-8")


def test_a_practice_may_be_called_anything(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, number) for number in range(10)]
    odd = practice(tmp_path, 28).rename(
        tmp_path / "\u65e5\u672c $x$ \u202eabc.json"
    )  # no glyphs, and an order turned around
    said = run("indicators", "funnel", "measured", *files, odd, "--to", tmp_path / "a.svg", "--to", tmp_path / "a.png")
    assert said.code == 0, said.err
    assert "Glyph" not in said.err
    assert "\u202e" not in said.out


def _more(folder: Path) -> list[Path]:
    return [practice(folder, number) for number in (14, 16, 18, 20, 22)]


def test_the_page_names_who_is_left_out_and_shows_nothing_of_it(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, 2 * number) for number in range(11)]
    small = practice(tmp_path, 40, denominator=110, complement_patients=9)
    to = tmp_path / "trechter.md"
    assert run("indicators", "funnel", "measured", *files, small, "--for", "insurer", "--to", to).code == 3
    text = to.read_text("utf-8")
    assert "praktijk-40" in text.partition("## Niet in de vergelijking")[2] + text.partition("## Not in the")[2]
    assert "60/110" not in text


def test_what_files_do_not_have_is_refused_and_not_passed_over(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, number) for number in range(10)]
    to = tmp_path / "trechter.xls"
    assert run("indicators", "funnel", "measured", *files, "--to", to).code != 0
    assert not to.exists()
    for words in (
        ("--by", "month"),
        ("--from", "2025-01-01"),
        ("--as-of", "1"),
        ("--why", "1"),
        ("--sql",),
        ("--engine", "duckdb"),
    ):
        assert run("indicators", "funnel", "measured", *files, *words).code == 2, words
    definition = shipped.agreements("indicators", "measured.yaml")
    assert run("indicators", "check", definition, "--to", tmp_path / "x.json").code == 2
    assert run("indicators", "--check", definition, "--by", "month").code == 2
    assert run("indicators", "check", definition).code == 0


def test_what_can_not_stand_beside_each_other_is_refused(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, number) for number in range(10)]
    other = practice(tmp_path, 12, start=date(2024, 1, 1))
    assert run("indicators", "funnel", "measured", *files, other).code == 13
    assert run("indicators", "funnel", "measured", *files, files[0]).code == 13
    assert run("indicators", "funnel", "measured", *files[:9]).code == 13
    assert run("indicators", "funnel", "gp-contacts", *files).code == 13
    assert run("indicators", "funnel", "measured").code == 2
    junk = tmp_path / "junk.json"
    for text in (
        "",
        "[1]",
        '{"entry": [5]}',
        '{"resourceType": "MeasureReport", "measure": "x/measured|1", "group": []}',
        *(json.dumps([{**ROW, "numerator": odd}]) for odd in (4.7, True, "5", float("inf"), [1])),
        "{}",
        '[{"indicator": "measured"}]',
        '{"resourceType": "MeasureReport", "measure": "x/measured|1"}',
    ):
        junk.write_text(text, "utf-8")
        assert run("indicators", "funnel", "measured", *files, junk).code in {3, 10, 13}, text


def test_a_report_whose_score_does_not_follow_is_left_out_with_its_arithmetic(run: Any, tmp_path: Path) -> None:
    files = [practice(tmp_path, number) for number in range(10)]
    wrong = practice(tmp_path, 11)
    report = json.loads(wrong.read_text("utf-8"))
    report["group"][0]["measureScore"]["value"] = 0.5
    wrong.write_text(json.dumps(report), "utf-8")
    said = run("indicators", "funnel", "measured", *files, wrong, "--json")
    assert said.code == 3
    assert "recomputing.score-differs" in [one["rule"] for one in said.json["findings"]]
    assert len(said.json["funnel"]["points"]) == 10
