"""exchange summary: one page of facts in every format, the same each time, and nothing masked in any of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

FORMATS = ("html", "docx", "pdf", "xlsx", "json", "md")
AT = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def practice(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("summary") / "praktijk"
    shutil.copytree(played / "praktijk", folder)
    return folder


def text_of(file: Path) -> str:
    """Return all that a reader can see, and what stands behind it."""
    if file.suffix in {".docx", ".xlsx"}:
        with zipfile.ZipFile(file) as package:
            parts = [package.read(name).decode("utf-8") for name in sorted(package.namelist()) if name.endswith("xml")]
        return re.sub(r"<[^>]*>", " ", " ".join(parts))
    text = file.read_text(encoding="utf-8")
    return re.sub(r"(?s)<svg.*?</svg>|data:[^\"')]*", " ", text) if file.suffix == ".html" else text


def written(ran: Any) -> Any:
    """Take what was written, with or without the warning that partners have not yet been shown their figures."""
    assert ran.code in {0, 3}, ran.out + ran.err
    return ran


def test_every_format_is_written_and_holds_no_masked_count(run: Any, practice: Path, tmp_path: Path) -> None:
    words = [word for suffix in FORMATS for word in ("--to", tmp_path / "uit" / f"overzicht.{suffix}")]
    ran = written(run("summary", *words, "--json", workspace=practice))
    assert len(ran.json["files"]) == len(FORMATS)
    ours = {
        one["indicator"]: one for one in run("indicators", "--until", "2026-11-03", "--json", workspace=practice)
        .json["figures"]
    }["substitution-net"]  # fmt: skip
    assert ours["masked"] is None
    told = json.loads((tmp_path / "uit" / "overzicht.json").read_text(encoding="utf-8"))
    net = [one for one in _figures(told) if one["indicator"] == "substitution-net"]
    assert net
    for one in net:
        assert one["masked"]
        assert one.get("numerator") is one.get("denominator") is one.get("value") is one.get("interval") is None
    said = f"{ours['numerator']} van {ours['denominator']}"
    share = f"{100 * ours['value']:.1f}%".replace(".", ",")
    for suffix in FORMATS:
        file = tmp_path / "uit" / f"overzicht.{suffix}"
        assert file.stat().st_size > 1000
        if suffix != "pdf":
            text = text_of(file)
            assert said not in text, suffix
            assert share not in text, suffix
            assert str(ours["interval"]["lower"]) not in text


def _figures(tree: Any) -> list[dict[str, Any]]:
    """Return every figure in a document, wherever it stands."""
    if isinstance(tree, dict):
        here = [tree] if "indicator" in tree and "masked" in tree else []
        return here + [one for value in tree.values() for one in _figures(value)]
    return [one for value in tree for one in _figures(value)] if isinstance(tree, list) else []


def test_a_dutch_page_is_dutch_and_an_english_one_english(run: Any, practice: Path, tmp_path: Path) -> None:
    written(run("summary", "--to", tmp_path / "nl.md", workspace=practice))
    written(run("summary", "--to", tmp_path / "en.md", "--language", "en", workspace=practice))
    dutch, english = ((tmp_path / f"{name}.md").read_text(encoding="utf-8") for name in ("nl", "en"))
    for word in ("None", "answered-", "quartile", "events-before", "bron: store", "(none)", "(wmo)"):
        assert word not in dutch, word
    assert "dossier en declaraties van de praktijk" in dutch
    assert "kleinste belangrijke verschil 2" in dutch
    assert "25 of meer: " in dutch
    assert "None" not in english
    assert "niet geverifieerd" not in english
    assert "afgeschermd" not in english
    assert "the practice's records and claims" in english


def test_every_figure_names_its_period(run: Any, practice: Path, tmp_path: Path) -> None:
    written(run("summary", "--to", tmp_path / "nl.md", workspace=practice))
    text = (tmp_path / "nl.md").read_text(encoding="utf-8")
    values = text.count("\n| Waarde | 95%-interval |")
    assert values >= 8
    assert text.count("; peildatum 3 november 2026; ") == values


def test_for_ourselves_it_is_marked_and_not_masked(run: Any, practice: Path, tmp_path: Path) -> None:
    ran = run("summary", "--to", tmp_path / "a.json", "--to", tmp_path / "a.html", "--for", "internal",
              workspace=practice)  # fmt: skip
    written(ran)
    assert "INTERN: niet voor buiten de praktijk" in (tmp_path / "a.html").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert not any(one["masked"] for one in _figures(told))


@pytest.mark.slow
def test_two_runs_seconds_apart_in_two_time_zones_give_identical_files(practice: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path;"
        "from exchange import Workspace; from exchange.operations import summarising;"
        "at = datetime(2026, 11, 3, 9, tzinfo=UTC); top = Path(sys.argv[2]);"
        "w = Workspace.open(Path(sys.argv[1]), passphrase=lambda n: '', now=at, on=at.date(), user='t');"
        "summarising.summary(w, [top / f'o.{one}' for one in ('html', 'docx', 'pdf', 'xlsx', 'json')]);"
        "summarising.plan(w, [top / f'p.{one}' for one in ('html', 'docx', 'pdf')]); w.close()"
    )
    import os
    import time

    made = []
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        folder = tmp_path / zone.replace("/", "-")
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program, str(practice), str(folder)], env={**os.environ, "TZ": zone}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made.append({file.name: file.read_bytes() for file in folder.iterdir()})
        time.sleep(2)
    assert made[0].keys() == made[1].keys()
    assert {name for name in made[0] if made[0][name] != made[1][name]} == set()


def test_an_empty_practice_gets_a_page_that_says_so(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "leeg"
    assert run("init", folder, "--name", "Leeg", "--id", "agb:07999990", "--no-passphrase").code == 0
    written(run("summary", "--to", tmp_path / "leeg.md", "--to", tmp_path / "leeg.xlsx", "--json", workspace=folder))
    text = (tmp_path / "leeg.md").read_text(encoding="utf-8")
    assert "None" not in text
    values = re.findall(r"\| \*\*(.*?)\*\* \|", text)
    assert values
    assert not any("%" in value or value.strip("0,.") == "" for value in values)
    assert len(text) > 500
    written(run("plan", "--to", tmp_path / "plan.md", workspace=folder))
    assert "in te vullen" in (tmp_path / "plan.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["overzicht.txt", "overzicht"])
def test_an_ending_that_is_not_made_is_refused(run: Any, practice: Path, tmp_path: Path, name: str) -> None:
    ran = run("summary", "--to", tmp_path / name, "--json", workspace=practice)
    assert ran.code == 17
    assert ran.json["error"]["hints"]
    assert not (tmp_path / name).exists()


def test_it_asks_where_to_write(run: Any, practice: Path) -> None:
    ran = run("summary", "--json", workspace=practice)
    assert ran.code == 2
    assert ran.json["error"]["rule"] == "program.usage"


def test_a_long_name_in_other_scripts_fits_the_page(run: Any, tmp_path: Path) -> None:
    name = ("Praktijk مرحبا בית <script>alert(1)</script> | & \\ " * 8)[:200]
    folder = tmp_path / "lang"
    assert run("init", folder, "--name", name, "--id", "agb:07999990", "--no-passphrase").code == 0
    words = [word for suffix in ("html", "docx", "pdf") for word in ("--to", tmp_path / f"o.{suffix}")]
    written(run("summary", *words, workspace=folder))
    html = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "مرحبا" in html
    assert (tmp_path / "o.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "o.pdf").stat().st_size > 5000
