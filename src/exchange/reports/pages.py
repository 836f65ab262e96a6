"""The pages a user can ask for: indicator summary, improvement plan, its progress, and a printed agreement."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from exchange.errors import ReportError
from exchange.reports import converting, planning, spreadsheet, summarising
from exchange.reports.converting import Document
from exchange.reports.facts import PlanFacts, SummaryFacts

SUMMARY_FORMATS = (".html", ".docx", ".pdf", ".xlsx", ".json", ".md")
PLAN_FORMATS = (".docx", ".html", ".pdf", ".md")
AGREEMENT_FORMATS = (".docx", ".pdf", ".html")


def summary(facts: SummaryFacts, language: str, to: Path, *, reference: Path | None = None) -> None:
    """Write the indicator summary; the format is the file's ending. `reference` is the practice's letterhead."""
    require_format(to, SUMMARY_FORMATS)
    suffix = to.suffix.lower()
    if suffix == ".xlsx":
        converting.publish(spreadsheet.workbook(facts, language), to)
    elif suffix == ".json":
        converting.publish(spreadsheet.data(facts, language), to)
    else:
        write(summarising.document(facts, language), to, reference)


def plan(facts: PlanFacts, language: str, edition: str, to: Path, *, reference: Path | None = None) -> tuple[str, ...]:
    """Write the improvement plan as "draft" or "final" and return the ids of the blanks that are still open.

    The final edition raises `ReportError` for an open required blank, for internal facts, and where the letter
    before its annex is longer than three pages; its technical provenance is kept in a JSON file beside it.
    """
    require_format(to, PLAN_FORMATS)
    document, missing = planning.document(facts, language, edition)
    if edition == planning.FINAL:
        planning.require_short(converting.pages_before_annex(document))
    write(document, to, reference)
    if edition == planning.FINAL:
        converting.publish(spreadsheet.provenance(facts), to.with_suffix(".provenance.json"))
    return missing


def progress(facts: PlanFacts, language: str, to: Path, *, reference: Path | None = None) -> None:
    """Write what was realised beside what was planned, improvement point by improvement point."""
    require_format(to, PLAN_FORMATS)
    write(planning.progress(facts, language), to, reference)


def agreement_document(
    markdown: str, to: Path, title: str, language: str, *, on: date, reference: Path | None = None
) -> None:
    """Print an agreement from its own Markdown, as signed; `on` is the date the document bears in its properties."""
    require_format(to, AGREEMENT_FORMATS)
    labels = summarising.labels(language)
    write(Document(markdown, title, language, on, style="letter", labels=labels), to, reference)


def require_format(to: Path, known: tuple[str, ...]) -> None:
    """Refuse an ending that is not made here."""
    if to.suffix.lower() not in known:
        raise ReportError(
            "reports.unknown-format", hints=("hint.choose-suffix",), suffix=to.suffix or to.name, known=", ".join(known)
        )


def write(document: Document, to: Path, reference: Path | None = None) -> None:
    """Write Markdown as it stands, and everything else by way of pandoc."""
    if to.suffix.lower() == ".md":
        converting.publish(converting.without_pictures(document).encode("utf-8"), to)
    else:
        converting.write(document, to, reference)
