"""From Markdown to Word, HTML and PDF with pandoc and typst; the same input gives the same bytes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from exchange import shipped
from exchange.errors import ReportError
from exchange.findings import disk
from exchange.reports import word
from exchange.reports.charts import Picture
from exchange.reports.markdown import escape, plain

# Extensions off that would give typed text a meaning: raw HTML, typst and TeX, mathematics, citations, smart quotes.
_READER = (
    "markdown-smart-raw_html-raw_attribute-raw_tex-tex_math_dollars-citations-latex_macros"
    "-yaml_metadata_block-pandoc_title_block-example_lists-auto_identifiers-implicit_figures"
)
# Every table line is longer than this, so that the dashes under its heads always set the widths.
_COLUMNS = "--columns=10"


@dataclass(frozen=True, slots=True)
class Document:
    """A page before it has a format: Markdown in which `[[picture NAME]]` stands where a chart goes."""

    markdown: str
    title: str
    language: str
    on: date
    style: str = "report"  # report or letter
    banner: str = ""
    author: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)  # skip, page, of
    pictures: Mapping[str, Picture] = field(default_factory=dict)


def write(document: Document, to: Path, reference: Path | None = None) -> None:
    """Write the document in the format its name ends in; either the whole file is there or nothing is.

    `reference` is the practice's own Word document, for its letterhead and styles.
    """
    makers = {".docx": _docx, ".html": _html, ".pdf": _pdf}
    with tempfile.TemporaryDirectory() as folder:
        made = makers[to.suffix.lower()](document, Path(folder), reference)
    publish(made, to)


def without_pictures(document: Document) -> str:
    """Return the Markdown for reading as it is: the data stand under each chart's place, the chart does not."""
    return re.sub(r"\n*\[\[picture [a-z0-9-]+\]\]", "", document.markdown)


def publish(made: bytes, to: Path) -> None:
    """Put finished bytes in place in one step."""
    beside = to.with_name(f".{to.name}.part")
    with disk.writing(to):
        try:
            beside.write_bytes(made)
            beside.replace(to)
        finally:
            beside.unlink(missing_ok=True)


def pages_before_annex(document: Document) -> int:
    """Return how many pages the letter itself takes, as typst sets it."""
    with tempfile.TemporaryDirectory() as folder:
        source = _typst_source(document, Path(folder))
        typst = _library("typst", ".pdf")
        found = json.loads(typst.query(str(source), "<letter-end>", field="value", **_typst_options(Path(folder))))
    return int(found[0]) if found else 0


def _library(name: str, suffix: str) -> Any:
    """Import a library of the extra `documents`, or say that it is missing."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise ReportError(
            "reports.needs-documents", hints=("hint.install-documents",), suffix=suffix, library=name
        ) from missing


def _with_pictures(document: Document, folder: Path, suffix: str) -> str:
    """Put the charts beside the text and point to them; a chart that was not drawn leaves nothing behind."""
    text = document.markdown
    # Word has no share of the line; the lines of our own letterhead are 166 mm long.
    width = "100%" if suffix == "svg" else "16.4cm"
    for name, picture in document.pictures.items():
        file = folder / f"{name}.{suffix}"
        file.write_bytes(picture.svg if suffix == "svg" else picture.png)
        text = text.replace(f"[[picture {name}]]", f"![{escape(picture.alt)}]({file.name}){{width={width}}}")
    return text


def _pandoc(document: Document, folder: Path, text: str, writer: str, *options: str) -> bytes:
    """Run pandoc in the folder, without a network and with the document's own date as its clock."""
    program = _library("pypandoc", writer).get_pandoc_path()
    epoch = int(datetime.combine(document.on, time(12), UTC).timestamp())
    # pandoc stamps what it writes with this instead of the clock; nothing else of the environment matters to it.
    environment = {**_bare_environment(), "SOURCE_DATE_EPOCH": str(epoch), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    (folder / "text.md").write_text(text, encoding="utf-8")
    made = folder / "made"
    filters = shipped.schemas("templates", "pages.lua")
    command = [
        program,
        "text.md",
        "-f",
        _READER,
        "-t",
        writer,
        "-o",
        str(made),
        "--standalone",
        "--wrap=none",
        _COLUMNS,
    ]
    command += [f"--metadata={name}={value}" for name, value in _metadata(document).items()]
    command += [f"--lua-filter={filters}", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)  # noqa: S603 - our own pandoc, our own files
    if done.returncode != 0 or not made.is_file():
        raise ReportError("reports.not-converted", hints=("hint.report-this",), file=document.title, tool="pandoc")
    return made.read_bytes()


def _bare_environment() -> dict[str, str]:
    """Return what a program needs to start at all on this system; nothing that changes its output."""
    return {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR") if name in os.environ}


def _metadata(document: Document) -> dict[str, str]:
    """Return the values that pandoc's templates fill in; given as strings, so that none is read as Markdown."""
    made = {
        "pagetitle": document.title,
        "lang": document.language,
        "banner": document.banner,
        "style": document.style,
        **{f"label-{name}": text for name, text in document.labels.items()},
    }
    return {name: plain(text) for name, text in made.items() if text}


def _docx(document: Document, folder: Path, reference: Path | None) -> bytes:
    """Make the Word document, on the practice's letterhead where it has one."""
    text = _with_pictures(document, folder, "png")
    if document.banner:
        text = f"::: banner\n{escape(document.banner)}\n:::\n\n{text}"
    used = folder / "reference.docx"
    if reference is None:
        used.write_bytes(
            word.reference(_pandoc_default_reference(), document.labels.get("page", ""), document.labels.get("of", "/"))
        )
    else:
        used.write_bytes(word.usable(reference))
    made = _pandoc(document, folder, text, "docx", f"--reference-doc={used}")
    return word.finished(made, document.on, plain(document.title), plain(document.author))


def _pandoc_default_reference() -> bytes:
    """Return pandoc's own reference document."""
    program = _library("pypandoc", ".docx").get_pandoc_path()
    command = [program, "--print-default-data-file", "reference.docx"]
    return subprocess.run(command, env=_bare_environment(), capture_output=True, check=True).stdout  # noqa: S603 - our own pandoc


def _html(document: Document, folder: Path, reference: Path | None) -> bytes:
    """Make one HTML file with everything inside it."""
    del reference  # a letterhead is a Word thing
    text = _with_pictures(document, folder, "svg")
    template = shipped.schemas("templates", "page.html")
    style = shipped.schemas("templates", "page.css")
    (folder / "page.css").write_bytes(style.read_bytes())
    return _pandoc(document, folder, text, "html5", f"--template={template}", "--css=page.css", "--embed-resources")


def _typst_source(document: Document, folder: Path) -> Path:
    """Write the typst source and its pictures."""
    text = _with_pictures(document, folder, "svg")
    template = shipped.schemas("templates", "page.typ")
    (folder / "pandoc.typ").write_bytes(template.read_bytes())
    made = _pandoc(document, folder, text, "typst", "--template=pandoc.typ")
    source = folder / "main.typ"
    source.write_bytes(made)
    return source


def _typst_options(folder: Path) -> dict[str, Any]:
    """Use no fonts but those that come with the libraries: another machine must set the same page."""
    matplotlib = _library("matplotlib", ".pdf")
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return {"root": str(folder), "font_paths": [str(fonts)], "ignore_system_fonts": True}


def _pdf(document: Document, folder: Path, reference: Path | None) -> bytes:
    """Make the PDF; PDF/UA-1 refuses a picture without an alternative text."""
    del reference
    typst = _library("typst", ".pdf")
    source = _typst_source(document, folder)
    try:
        made: bytes = typst.compile(str(source), format="pdf", pdf_standards=["ua-1"], **_typst_options(folder))
    except typst.TypstError as broken:
        raise ReportError(
            "reports.not-converted", hints=("hint.report-this",), file=document.title, tool="typst"
        ) from broken
    return made
