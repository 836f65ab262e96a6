"""The form of a partner or a client on paper, and the receipt of one that came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from exchange.findings import say
from exchange.reports import converting, markdown, pages, summarising
from exchange.reports.converting import Document


@dataclass(frozen=True, slots=True)
class Line:
    """One question about [start, end); a total has no code."""

    code: str
    text: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class FormFacts:
    """All of a form to print; never who it is about. A client's form has a page for each client."""

    practice: str
    contact: str
    title: str
    agreement: str
    version: int
    digest: str
    party: str
    client: bool
    answer_days: int
    lines: tuple[Line, ...]
    on: date

    @property
    def cases(self) -> tuple[tuple[str, tuple[Line, ...]], ...]:
        """Return the questions by case, in the order given; totals stand under no code."""
        return tuple((code, tuple(some)) for code, some in groupby(self.lines, key=lambda line: line.code))


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """What is told to whoever returned a form: what was taken in, what stayed open, and which lines were not taken."""

    practice: str
    contact: str
    title: str
    agreement: str
    version: int
    party: str
    filled_by: str
    file: str
    digest: str
    answers: int
    totals: int
    open: int
    client: bool
    refused: tuple[tuple[int | None, str], ...]
    taken_by: str
    on: date


def write(facts: FormFacts, language: str, to: Path, *, reference: Path | None = None) -> None:
    """Write the form as .docx, .pdf or .html."""
    _write(
        "partner-form", facts, say("forms.print-title", {}, language), language, to, pages.AGREEMENT_FORMATS, reference
    )


def write_receipt(facts: ReceiptFacts, language: str, to: Path, *, reference: Path | None = None) -> None:
    """Write the receipt as .docx, .pdf, .html or .md."""
    known = (*pages.AGREEMENT_FORMATS, ".md")
    _write("form-receipt", facts, say("forms.receipt-title", {}, language), language, to, known, reference)


def _write(
    template: str, facts: FormFacts | ReceiptFacts, title: str, language: str, to: Path, known: Sequence[str],
    reference: Path | None,
) -> None:  # fmt: skip
    pages.require_format(to, tuple(known))
    blank = markdown.Markdown(r"\_" * 24)
    text = markdown.render(template, language, {"facts": facts, "blank": blank, "box": markdown.Markdown("☐")})
    if to.suffix.lower() == ".md":
        converting.publish(text.encode("utf-8"), to)
        return
    labels = summarising.labels(language)
    document = Document(text, title, language, facts.on, style="report", author=facts.practice, labels=labels)
    converting.write(document, to, reference)
