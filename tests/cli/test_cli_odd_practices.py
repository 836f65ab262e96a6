"""Practices with almost nothing in them: every document in every format is sensible, and no page of it is blank."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from exchange.operations.inventing import claiming, drawing

SUMMARY = ("html", "docx", "pdf", "xlsx", "json", "md", "fhir.json")
PLAN = ("html", "docx", "pdf", "md")
# Years after the last thing that happened: nothing falls in the last calendar year, and nothing is recent.
MUCH_LATER = datetime(2031, 3, 1, 9, tzinfo=UTC)


def practice(run: Any, folder: Path, clients: int = 0) -> Path:
    """Make a practice with the claims of so many patients, without partners, measurements or index."""
    assert run("init", folder, "--name", "Klein (verzonnen)", "--id", drawing.PRACTICE, "--no-passphrase").code == 0
    if clients:
        claims = folder.with_suffix(".xml")
        courses = drawing.draw(clients=clients, courses=clients)
        claims.write_bytes(claiming.gds801(courses, drawing.FIRST_DAY, drawing.TODAY))
        assert run("load", claims, "--as", "gds801", workspace=folder).code in {0, 3}
    return folder


def documents(run: Any, folder: Path, to: Path, *more: str, **how: Any) -> dict[str, Path]:
    """Write every document there is, and return the files by name."""
    to.mkdir()
    words = [word for suffix in SUMMARY for word in ("--to", to / f"overzicht.{suffix}")]
    assert run("--language", "nl", "summary", *words, *more, workspace=folder, **how).code in {0, 3}
    for name, flags in (("plan", ()), ("voortgang", ("--progress",))):
        words = [word for suffix in PLAN for word in ("--to", to / f"{name}.{suffix}")]
        assert run("--language", "nl", "plan", *flags, *words, workspace=folder, **how).code in {0, 3}
    return {file.name: file for file in sorted(to.iterdir())}


def texts(file: Path) -> list[str]:
    """Return what a reader reads, page by page where the format has pages."""
    if file.suffix == ".pdf":
        if shutil.which("pdftotext") is None:
            pytest.skip("Debian's poppler-utils is not here")
        read = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, check=True)
        return read.stdout.decode("utf-8").split("\f")[:-1]
    if file.suffix == ".docx":
        with zipfile.ZipFile(file) as archive:
            return [" ".join(re.findall(r"<w:t[^>]*>([^<]*)", archive.read("word/document.xml").decode("utf-8")))]
    if file.suffix == ".xlsx":
        book = openpyxl.load_workbook(file)
        return [" ".join(str(cell) for row in sheet.values for cell in row if cell is not None) for sheet in book]
    text = file.read_text(encoding="utf-8")
    return [html.unescape(re.sub(r"<[^>]+>", " ", text.partition("<body")[2])) if file.suffix == ".html" else text]


def sensible(files: dict[str, Path]) -> None:
    """Hold what is true of every document, whatever the practice holds."""
    for name, file in files.items():
        pages = texts(file)
        assert pages, name
        # a page with only its number, "Pagina 3 van 3", is blank to whoever reads it; a sheet may have heads alone
        assert all(len(page.split()) > (3 if file.suffix == ".xlsx" else 8) for page in pages), name
        whole = " ".join(pages)
        if file.suffix == ".json":
            assert json.loads(whole)
            continue
        assert not re.search(r"\bNone\b|\bnan\b|\binf\b|\{\{|\}\}|\{%|\[\[picture", whole), name
        # nobody is nought per cent of nobody
        assert not re.search(r"\b0,0%[^.|]{0,80}\b0 van 0\b", whole), name


def shares(file: Path) -> list[float]:
    """Return every value in the sheet of figures that is a share."""
    lines = list(openpyxl.load_workbook(file)["Cijfers"].values)
    value, kind = lines[0].index("Waarde"), lines[0].index("Soort")
    return [line[value] for line in lines[1:] if line[kind] == "proportion" and line[value] is not None]


def test_an_empty_practice(run: Any, tmp_path: Path) -> None:
    files = documents(run, practice(run, tmp_path / "leeg"), tmp_path / "uit")
    sensible(files)
    assert shares(files["overzicht.xlsx"]) == []
    assert "niet te berekenen" in texts(files["overzicht.md"])[0]


def test_one_patient_is_shown_to_nobody_outside(run: Any, tmp_path: Path) -> None:
    folder = practice(run, tmp_path / "een", clients=1)
    files = documents(run, folder, tmp_path / "uit")
    sensible(files)
    assert shares(files["overzicht.xlsx"]) == []
    whole = " ".join(texts(files["overzicht.pdf"]))
    assert not re.search(r"\b1 van 1\b|100,0%|bij 1 patiënt", whole)
    ours = documents(run, folder, tmp_path / "intern", "--for", "internal")
    sensible(ours)


def test_no_measurements_no_partners_and_no_index(run: Any, tmp_path: Path) -> None:
    files = documents(run, practice(run, tmp_path / "kaal", clients=30), tmp_path / "uit", "--for", "internal")
    sensible(files)
    text = texts(files["overzicht.md"])[0]
    measured = text[text.index("### Gemeten bij begin en einde") :]
    # measured of nobody is a result; improved of nobody is none
    assert re.search(r"\*\*0,0%\*\*|\*\*niet te berekenen\*\*", measured[:600])
    improved = text[text.index("### Verbeterd op het meetinstrument") :]
    assert "**niet te berekenen**" in improved[:600]
    letter = texts(files["plan.md"])[0]
    assert "in te vullen: uw behandelindex" in letter


def test_agreements_without_a_single_answer(run: Any, treated: Any, tmp_path: Path) -> None:
    files = documents(run, treated["praktijk"], tmp_path / "uit", "--for", "internal")
    sensible(files)
    text = texts(files["overzicht.md"])[0]
    net = text[text.index("### Netto substitutie") :]
    assert "**niet te berekenen**" in net[:500]


def test_a_period_in_which_nothing_happened(run: Any, tmp_path: Path) -> None:
    folder = practice(run, tmp_path / "stil", clients=30)
    files = documents(run, folder, tmp_path / "uit", "--for", "internal", at=MUCH_LATER)
    sensible(files)
    text = texts(files["overzicht.md"])[0]
    per_patient = text[text.index("### Behandelingen per patiënt") :]
    assert "**niet te berekenen**" in per_patient[:500]


def test_a_point_of_300_characters_in_arabic_fits_in_every_format(run: Any, tmp_path: Path) -> None:
    folder = practice(run, tmp_path / "lang")
    title = ("تحسين العلاج " * 30)[:299] + "ن"
    recorded = run("improve", "record", "lang", "--title", title, "--goal", "doel", workspace=folder)
    assert recorded.code == 0, recorded.err
    files = documents(run, folder, tmp_path / "uit")
    sensible(files)
    for name in ("overzicht.html", "overzicht.docx", "overzicht.md", "voortgang.html", "voortgang.docx"):
        assert "تحسين العلاج" in texts(files[name])[0], name
    assert 'dir="rtl"' in files["overzicht.html"].read_text(encoding="utf-8")
    with zipfile.ZipFile(files["overzicht.docx"]) as archive:
        assert "<w:rtl" in archive.read("word/document.xml").decode("utf-8")


def test_a_name_of_300_characters_is_refused_where_a_card_could_not_bear_it(run: Any, tmp_path: Path) -> None:
    ran = run("init", tmp_path / "lang", "--name", "x" * 300, "--id", drawing.PRACTICE, "--no-passphrase", "--json")
    assert ran.code == 16
    assert ran.json["error"]["rule"] == "workspace.name-unfit"
    assert not (tmp_path / "lang").exists()


def test_a_comment_with_a_telephone_number_reaches_no_document(run: Any, tmp_path: Path) -> None:
    folder = practice(run, tmp_path / "prem")
    survey = tmp_path / "prem.csv"
    survey.write_text(
        "Bron;Bureau;Van;Tot;N;Gemiddelde;NPS;Opmerkingen\n"
        "PREM;Bureau (verzonnen);01-01-2025;31-12-2025;40;8,9;60;Bel me op 06 12 34 56 78\n",
        encoding="utf-8",
    )
    assert run("load", survey, "--as", "prem", workspace=folder).code in {0, 3}
    (comment,) = run("improve", "quote", "list", "--json", workspace=folder).json["comments"]
    said = run("improve", "quote", "approve", comment["id"], "--json", workspace=folder)
    assert (said.code, said.json["error"]["rule"]) == (14, "quoting.traceable")
    for file in documents(run, folder, tmp_path / "uit").values():
        assert "12 34 56 78" not in " ".join(texts(file))
