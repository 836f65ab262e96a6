"""The form of a partner without software: a spreadsheet made from the signed agreement, and what comes back on it.

Three choices and no default. What comes back is read as values only and is unsigned evidence: a named person of the
practice confirms from whom and how it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from exchange.agreements.frozen import Frozen
from exchange.errors import AgreementError, SealingError
from exchange.findings import Finding, Severity, say
from exchange.records.codes import Answered, Evidence
from exchange.signing.pseudonyms import read_case_code
from exchange.sources.rows import AggregateRow, AnswerRow
from exchange.sources.spreadsheets import records

FORMAT = "exchange-form/1"
EVIDENCE = Evidence.FORM
_CHOICES = (Answered.YES, Answered.NO, Answered.UNKNOWN)
# Fixed places: A1 holds the format, B2 to B4 the agreement's id, version and digest.
_FIRST = 9
_COLUMNS = ("code", "question", "element", "from", "until", "answer", "count", "first", "value", "population")
_WIDTHS = (17, 62, 26, 12, 12, 14, 10, 14, 10, 14)
_HINT = ("hint.agreements.form",)
_LARGEST = 5 * 1024 * 1024
_MOST_ROWS = 5_000
_MOST_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: an element about one case over [start, end); a total has no case.

    `text` is what is asked, where the agreement's own words for the element are not fit for who answers.
    """

    element: str
    start: date
    end: date
    case_code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a form said: answers and totals, how many questions stayed open, and every line that can't be taken."""

    filled_by: str
    answers: tuple[AnswerRow, ...]
    totals: tuple[AggregateRow, ...]
    open: int
    findings: tuple[Finding, ...]


def blank_form(frozen: Frozen, asked: Sequence[Asked], *, on: date, language: str = "nl") -> bytes:
    """Return the form as XLSX bytes; the same questions on the same day give the same bytes."""
    import xlsxwriter

    allowed = _answerable(frozen)
    for one in asked:
        if one.element not in allowed:
            raise AgreementError("agreements.form-question", hints=_HINT, element=one.element)
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": frozen.agreement.title[language], "created": datetime(on.year, on.month, on.day)})  # noqa: DTZ001 - the file format has no zones
    _fill(book, frozen, asked, language)
    book.close()
    return target.getvalue()


def question(frozen: Frozen, asked: Asked, language: str) -> str:
    """Return what is asked in words; of a total, the counts that stand in two columns."""
    if asked.text:
        return asked.text
    words = frozen.labels[asked.element]
    return words["label"][language] if asked.element.startswith("aggregate.") else words["plain"][language]


def read_form(data: bytes, frozen: Frozen) -> Returned:
    """Return what a form says; AgreementError when it is no form, or one of another agreement.

    SourceError when the spreadsheet is damaged or holds formulas, macros or links.
    """
    sheet = _sheet(data)
    if _at(sheet, 1, 1) != FORMAT:
        raise AgreementError("agreements.form-unknown", hints=_HINT)
    if _at(sheet, 4, 2) != frozen.digest:
        raise AgreementError("agreements.form-other", hints=_HINT, agreement=frozen.agreement.id)
    reader = _Reader(frozen, sheet)
    for row in range(_FIRST + 1, len(sheet) + 1):
        reader.take(row)
    return Returned(
        filled_by=_at(sheet, 6, 2)[:120],
        answers=tuple(reader.answers),
        totals=tuple(reader.totals),
        open=reader.open,
        findings=tuple(reader.findings),
    )


class _Bad(Exception):  # noqa: N818 - never leaves this module
    """A line that can't be taken, by rule and column."""

    def __init__(self, rule: str, column: str) -> None:
        super().__init__(rule)
        self.rule, self.column = rule, column


class _Reader:
    """Reads the rows of one form; keeps what was said and what was wrong, never what a wrong cell held."""

    def __init__(self, frozen: Frozen, sheet: list[list[str]]) -> None:
        self.sheet = sheet
        self.allowed = _answerable(frozen)
        self.answers: list[AnswerRow] = []
        self.totals: list[AggregateRow] = []
        self.findings: list[Finding] = []
        self.open = 0

    def take(self, row: int) -> None:
        element = self._cell(row, "element")
        if not element:
            return
        try:
            start, end = self._window(row, element)
            if element.startswith("aggregate."):
                self._total(row, element, start, end)
            else:
                self._answer(row, element, start, end)
        except _Bad as bad:
            place = f"{chr(ord('A') + _COLUMNS.index(bad.column))}{row}"
            self.findings.append(Finding(bad.rule, place, Severity.ERROR, row, {"cell": place}))

    def _window(self, row: int, element: str) -> tuple[date, date]:
        if element not in self.allowed:
            raise _Bad("agreements.form-element", "element")
        start, end = self._day(row, "from"), self._day(row, "until")
        if start is None or end is None or start >= end:
            raise _Bad("agreements.form-window", "until")
        return start, end

    def _answer(self, row: int, element: str, start: date, end: date) -> None:
        said = self._cell(row, "answer").casefold()
        if not said:
            self.open += 1
            return
        status = _said().get(said)
        if status is None:
            raise _Bad("agreements.form-choice", "answer")
        try:
            code = read_case_code(self._cell(row, "code"))
        except SealingError:
            raise _Bad("agreements.form-code", "code") from None
        count, first = self._number(row, "count"), self._day(row, "first")
        if status is not Answered.YES and (count or first is not None):
            raise _Bad("agreements.form-contradiction", "answer")
        if first is not None and not start <= first < end:
            raise _Bad("agreements.form-first-day", "first")
        self.answers.append(AnswerRow(row, code, element, start, end, status, count, first))

    def _total(self, row: int, element: str, start: date, end: date) -> None:
        value, population = self._number(row, "value"), self._number(row, "population")
        if value is None and population is None:
            self.open += 1
            return
        if value is None or population is None:
            raise _Bad("agreements.form-total-half", "population" if population is None else "value")
        self.totals.append(AggregateRow(row, element, start, end, value, population))

    def _cell(self, row: int, column: str) -> str:
        return _at(self.sheet, row, _COLUMNS.index(column) + 1)

    def _day(self, row: int, column: str) -> date | None:
        text = self._cell(row, column)
        if not text:
            return None
        for form in ("%d-%m-%Y", "%Y-%m-%d"):
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
            except ValueError:
                continue
        raise _Bad("agreements.form-day", column)

    def _number(self, row: int, column: str) -> int | None:
        text = self._cell(row, column)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or int(text) > _MOST_COUNT:
            raise _Bad("agreements.form-number", column)
        return int(text)


def _answerable(frozen: Frozen) -> frozenset[str]:
    """Return what the other side may answer: questions about a case, and totals."""
    listed = [flow.elements for flow in frozen.flows if flow.sender == "partner"]
    return frozenset(one for some in listed for one in some if one.startswith(("answer.", "aggregate.")))


def _said() -> dict[str, Answered]:
    """Return what each choice is called, in either language, for a form may be filled in by hand."""
    return {
        say(f"agreements.answer.{choice.value}", {}, language).casefold(): choice
        for choice in _CHOICES
        for language in ("nl", "en")
    }


def _sheet(data: bytes) -> list[list[str]]:
    """Return the first sheet as text, row by row."""
    if len(data) > _LARGEST:
        raise AgreementError("agreements.form-too-big", hints=_HINT)
    rows = []
    for number, texts in records(BytesIO(data)):
        if number > _MOST_ROWS:
            raise AgreementError("agreements.form-too-big", hints=_HINT)
        rows.append([text.strip() for text in texts[: len(_COLUMNS)]])
    return rows


def _at(sheet: list[list[str]], row: int, column: int) -> str:
    """Return a cell by its numbers from 1; what is not there is empty."""
    inside = 0 < row <= len(sheet) and column <= len(sheet[row - 1])
    return sheet[row - 1][column - 1] if inside else ""


def _fill(book: Any, frozen: Frozen, asked: Sequence[Asked], language: str) -> None:
    sheet = book.add_worksheet(say("agreements.form.sheet", {}, language))
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    entry = book.add_format({"locked": False, "bg_color": "#FFF8DC", "border": 1, "valign": "top"})
    entry_day = book.add_format({"locked": False, "bg_color": "#FFF8DC", "border": 1, "num_format": "dd-mm-yyyy"})
    agreement = frozen.agreement
    partners = ", ".join(one.name for one in agreement.partners)
    heads = (
        (FORMAT, agreement.title[language]),
        (say("agreements.form.agreement", {}, language), agreement.id),
        (say("agreements.form.version", {}, language), str(agreement.version)),
        (say("agreements.form.digest", {}, language), frozen.digest),
        (say("agreements.form.for", {}, language), partners),
        (say("agreements.form.filled-by", {}, language), ""),
        (say("agreements.form.explain", {}, language), ""),
    )
    for row, (label, value) in enumerate(heads):
        sheet.write_string(row, 0, label, bold)
        sheet.write_string(row, 1, value, entry if row == 5 else wrap)
    for column, (name, width) in enumerate(zip(_COLUMNS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(_FIRST - 1, column, say(f"agreements.form.{name}", {}, language), bold)
    for row, one in enumerate(asked, start=_FIRST):
        _row(sheet, row, one, question(frozen, one, language), (wrap, entry, entry_day))
    if asked:
        _validate(sheet, _FIRST, _FIRST + len(asked) - 1, language)
    sheet.freeze_panes(_FIRST, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.protect("", {"format_columns": True})


def _row(sheet: Any, row: int, one: Asked, question: str, formats: tuple[Any, Any, Any]) -> None:
    wrap, entry, entry_day = formats
    total = one.element.startswith("aggregate.")
    fixed = (one.case_code, question, one.element, f"{one.start:%d-%m-%Y}", f"{one.end:%d-%m-%Y}")
    for column, text in enumerate(fixed):
        sheet.write_string(row, column, text, entry if column in (3, 4) else wrap)
    for column in range(5, len(_COLUMNS)):
        mine = total == (column >= 8)
        sheet.write_blank(row, column, None, (entry_day if column == 7 else entry) if mine else wrap)


def _validate(sheet: Any, first: int, last: int, language: str) -> None:
    choices = [say(f"agreements.answer.{choice.value}", {}, language) for choice in _CHOICES]
    message = say("agreements.form.choose", {"choices": ", ".join(choices)}, language)
    sheet.data_validation(first, 5, last, 5, {"validate": "list", "source": choices, "error_message": message[:255]})
    for column in (6, 8, 9):
        rule = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": _MOST_COUNT}
        sheet.data_validation(first, column, last, column, rule)
