"""The demo's documents as a reader reads them, in every format, kept as text that a person reads in the diff.

`make golden` writes them again. They show what a page says and in which order; how it looks is for eyes
(DEVELOPERS.md, "Looking at pages").
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from exchange.operations import asking, drafting, summarising
from exchange.operations.workspace import Workspace
from exchange.reports.questions import questions

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "demo"
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NAMES = (
    "overzicht.nl.md",
    "overzicht.nl.pdf",
    "overzicht.nl.docx",
    "overzicht.nl.xlsx",
    "overzicht-intern.en.md",
    "verbeterplan.nl.md",
    "verbeterplan.nl.pdf",
    "verbeterplan.nl.docx",
    "voortgang.nl.md",
    "afspraak.nl.md",
)


@pytest.fixture(scope="module")
def written(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every document of the demo practice, made once."""
    base = tmp_path_factory.mktemp("golden")
    folder, to = base / "praktijk", base / "uit"
    shutil.copytree(played / "praktijk", folder)
    to.mkdir()
    with Workspace.open(folder, passphrase=lambda _name: "", now=NOW, on=NOW.date(), user="tester") as practice:
        summarising.summary(practice, [to / name for name in NAMES if name.startswith("overzicht.")], language="nl")
        summarising.summary(practice, [to / "overzicht-intern.en.md"], audience="internal", language="en")
        drafting.show(practice, "huisartsen", to=to / "afspraak.nl.md")
        for one in questions():
            if one.id not in asking.answers(folder) and one.filled_from == "asked":
                asking.answer(folder, one.id, f"verzonnen antwoord op de vraag {one.id}")
        letters = [to / name for name in NAMES if name.startswith("verbeterplan.")]
        summarising.plan(practice, letters, edition="final", language="nl")
        summarising.progress_of_plan(practice, [to / "voortgang.nl.md"], language="nl")
    return to


@pytest.mark.parametrize("name", NAMES)
def test_a_document_of_the_demo_reads_as_it_was_agreed(name: str, written: Path) -> None:
    # To accept a change: `make golden`, and read the diff.
    read = steady("\n".join(READERS[Path(name).suffix](written / name)) + "\n")
    kept = GOLDEN / (name if name.endswith(".md") else f"{name}.txt")
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        kept.write_text(read, encoding="utf-8")
    assert read == kept.read_text(encoding="utf-8")


def test_the_letter_takes_three_pages_at_most_and_the_annex_follows(written: Path) -> None:
    pages = pages_of(written / "verbeterplan.nl.pdf")
    (annex,) = [place for place, text in enumerate(pages) if "Bijlage bij het verbeterplan" in text]
    assert 1 <= annex <= 3
    assert len(pages) > annex
    assert all(len(page.split()) > 30 for page in pages), "no page holds a line or two"


def test_no_page_of_the_summary_is_all_but_empty(written: Path) -> None:
    assert all(len(page.split()) > 30 for page in pages_of(written / "overzicht.nl.pdf"))


def steady(text: str) -> str:
    """Leave out what is drawn at random for each demo: keys and what is signed with them, and the number of a load."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<controlesom>", text)
    text = re.sub(r"\b(\d{5})( \d{5}){3,11}\b", "<vingerafdruk>", text)
    return re.sub(r"\b((?:laatste )?inlading|load|Load) \d+", r"\1 <n>", text)


def pages_of(file: Path) -> list[str]:
    """Return the text of each page of a PDF, in the order in which it is written."""
    if shutil.which("pdftotext") is None:
        pytest.skip("Debian's poppler-utils is not here")
    read = subprocess.run(["pdftotext", "-raw", str(file), "-"], capture_output=True, check=True)
    return read.stdout.decode("utf-8").split("\f")[:-1]


def in_pdf(file: Path) -> Iterator[str]:
    """Yield the lines of each page under its number."""
    for number, page in enumerate(pages_of(file), 1):
        yield f"=== {number} ==="
        yield from (line.strip() for line in page.splitlines() if line.strip())


def in_docx(file: Path) -> Iterator[str]:
    """Yield each paragraph with its style, each picture with what it says, and each row of a table."""
    with zipfile.ZipFile(file) as archive:
        body = ET.fromstring(archive.read("word/document.xml")).find(f"{W}body")
    assert body is not None
    for block in body:
        if block.tag == f"{W}tbl":
            for row in block.iter(f"{W}tr"):
                yield "| " + " | ".join("".join(said(cell)) for cell in row.iter(f"{W}tc")) + " |"
        elif block.tag == f"{W}p" and (text := "".join(said(block))):
            style = block.find(f"{W}pPr/{W}pStyle")
            yield f"[{'' if style is None else style.get(f'{W}val')}] {text}"


def said(block: ET.Element) -> Iterator[str]:
    """Yield the texts of a block, and of its pictures the alternative text."""
    for part in block.iter():
        if part.tag == f"{W}t":
            yield part.text or ""
        elif part.tag.endswith("}docPr"):
            yield f"<picture: {part.get('descr')}>"


def in_xlsx(file: Path) -> Iterator[str]:
    """Yield the rows of every sheet; numbers to nine places, for the last ones are the machine's."""
    for sheet in openpyxl.load_workbook(file):
        yield f"=== {sheet.title} ==="
        for row in sheet.values:
            yield " | ".join(
                f"{cell:.9g}" if isinstance(cell, float) else str("" if cell is None else cell) for cell in row
            )


def in_text(file: Path) -> Iterator[str]:
    """Yield the lines of a file that is text."""
    yield from file.read_text(encoding="utf-8").splitlines()


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".md": in_text,
    ".pdf": in_pdf,
    ".docx": in_docx,
    ".xlsx": in_xlsx,
}
