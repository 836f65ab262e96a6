"""The form with one question for who referred: on paper to tick, one page for each treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from exchange.findings import say
from exchange.reports import converting, markdown, pages, summarising
from exchange.reports.converting import Document


@dataclass(frozen=True, slots=True)
class Page:
    """What one page says of a treatment; a blank page has neither code nor days. Never who the patient is."""

    code: str = ""
    referred_on: date | None = None
    first_session: date | None = None
    until: date | None = None


def write(
    asked: Sequence[Page], *, practice: str, contact: str, choices: Sequence[str], on: date, language: str, to: Path,
    reference: Path | None = None,
) -> None:  # fmt: skip
    """Write the form as .pdf, .html or .docx; without a page it is one blank."""
    pages.require_format(to, pages.AGREEMENT_FORMATS)
    context = {"pages": tuple(asked) or (Page(),), "practice": practice, "contact": contact, "choices": tuple(choices)}
    text = markdown.render("referral-form", language, context)
    title = say("referring.form-title", {}, language)
    document = Document(
        text, title, language, on, style="report", author=practice, labels=summarising.labels(language)
    )  # fmt: skip
    converting.write(document, to, reference)
