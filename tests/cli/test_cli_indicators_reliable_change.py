"""exchange indicators responders --jacobson-truax: a table of its own, by the practice's norms, for its eyes only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

NORMS = """
[nprs]
reliability = {value = 0.81, citation = "verzonnen bron 1"}
dysfunctional = {population = "mensen met klachten", mean = 5.5, sd = 1.8, citation = "verzonnen bron 2"}
functional = {population = "mensen zonder klachten", mean = 1.0, sd = 1.1, citation = "verzonnen bron 3"}
"""
ASKED = ("indicators", "responders", "--from", "2024-01-01", "--until", "2026-01-01", "--jacobson-truax")


@pytest.fixture
def practice(played: Path, tmp_path: Path) -> Path:
    shutil.copytree(played / "praktijk", tmp_path / "praktijk")
    return tmp_path / "praktijk"


def test_without_norms_it_says_what_can_not_be_told_and_why(run: Any, practice: Path) -> None:
    said = run(*ASKED, "--language", "nl", workspace=practice)
    assert said.code == 0, said.err
    assert "geen meetfout met bron bekend" in said.out
    assert "zonder normen is niet te zeggen" in said.out
    assert "norms.toml" in said.out
    (pain, none) = run(*ASKED, "--json", workspace=practice).json["reliable_change"]["tables"]
    assert (pain["basis"], pain["classes"], pain["share"]) == ("none", {}, None)
    assert none["measured"] == 0 < none["episodes"]


def test_with_norms_the_classes_stand_there_with_every_source_and_their_mark(
    run: Any, practice: Path, tmp_path: Path
) -> None:
    file = tmp_path / "normen.toml"
    file.write_text(NORMS, "utf-8")
    said = run(*ASKED, file, "--language", "en", workspace=practice)
    assert said.code == 0, said.err
    for word in ("verzonnen bron 1", "verzonnen bron 2", "verzonnen bron 3", "(not verified)", "wilson-clustered"):
        assert word in said.out
    (pain, _) = (told := run(*ASKED, file, "--json", workspace=practice).json["reliable_change"])["tables"]
    counts = pain["classes"]
    assert list(counts) == ["deteriorated", "improved", "recovered", "unchanged"]  # sorted, as all JSON is
    assert sum(counts.values()) == pain["measured"] < pain["episodes"]
    assert pain["share"] == (counts["recovered"] + counts["improved"]) / pain["measured"]
    assert counts["recovered"] > 0
    # The denominators are those of the indicator itself.
    figure = run(*ASKED[:-1], "--json", workspace=practice).json["figures"][0]
    assert sum(one["episodes"] for one in told["tables"]) == figure["due"]
    # In the workspace the same norms hold without being named.
    shutil.copy(file, practice / "norms.toml")
    assert run(*ASKED, "--json", workspace=practice).json["reliable_change"] == told


def test_an_old_load_and_day_give_the_table_as_it_was(run: Any, practice: Path) -> None:
    now, then = (run(*ASKED, *more, "--json", workspace=practice).json for more in ((), ("--as-of", "1")))
    assert now != then


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("responders", "--jacobson-truax", "--for", "insurer"), 13, "practice alone"),
        (("measured", "--jacobson-truax"), 13, "does not look at improvement"),
        (("--jacobson-truax", "responders"), 13, "no file responders"),
        (("responders", "--jacobson-truax", "--by", "month"), 2, "--by"),
        (("responders", "--jacobson-truax", "--to", "x.json"), 2, "--to"),
        (("responders", "--jacobson-truax", "--data", "."), 2, "--data"),
        (("responders", "--jacobson-truax", "--sql"), 2, "--sql"),
    ],
)
def test_what_it_is_not_for_is_refused(run: Any, practice: Path, words: tuple[str, ...], code: int, said: str) -> None:
    found = run("indicators", *words, "--language", "en", workspace=practice)
    assert found.code == code
    assert said in found.err


def test_norms_that_can_not_be_right_are_refused_with_their_place(run: Any, practice: Path) -> None:
    (practice / "norms.toml").write_text(NORMS.replace("sd = 1.8", "sd = 0"), "utf-8")
    found = run(*ASKED, "--language", "nl", workspace=practice)
    assert found.code == 13
    assert "nprs.dysfunctional" in found.err


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_internal_summary_has_the_table_and_no_edition_for_outsiders_does(
    run: Any, practice: Path, tmp_path: Path, language: str
) -> None:
    (practice / "norms.toml").write_text(NORMS, "utf-8")
    inside, outside = ([tmp_path / f"{name}.{kind}" for kind in ("md", "json", "xlsx")] for name in ("in", "out"))
    for files, audience in ((inside, "internal"), (outside, "insurer")):
        to = [word for file in files for word in ("--to", file)]
        said = run("summary", "--for", audience, *to, "--language", language, workspace=practice)
        assert said.code in {0, 3}, said.err
    page = inside[0].read_text("utf-8")
    title = {
        "nl": "Betrouwbare verandering (Jacobson en Truax 1991)",
        "en": "Reliable change (Jacobson and Truax 1991)",
    }
    assert f"## {title[language]}" in page
    assert {"nl": "(niet geverifieerd)", "en": "(not verified)"}[language] in page
    told = json.loads(inside[1].read_text("utf-8"))["reliable"]
    assert sum(told["tables"][0]["classes"].values()) == told["tables"][0]["measured"]
    assert "Jacobson" not in outside[0].read_text("utf-8")
    assert json.loads(outside[1].read_text("utf-8"))["reliable"] is None
    found = {file.stem: _texts(file) & {"jacobson-truax"} for file in (inside[2], outside[2])}
    assert found == {"in": {"jacobson-truax"}, "out": set()}


def _texts(file: Path) -> set[str]:
    sheets = openpyxl.load_workbook(file, read_only=True)
    return {str(cell) for sheet in sheets for row in sheet.iter_rows(values_only=True) for cell in row}
