"""The form of a partner without software: written from the agreement, read back as values with the same checks."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from exchange.agreements import form
from exchange.agreements.form import Asked
from exchange.errors import AgreementError, SourceError
from exchange.records.codes import Answered, Evidence, PartnerKind
from exchange.signing.pseudonyms import case_code

CODE = case_code("00112233445566778899aabbccddeeff")
FROM, UNTIL = date(2026, 3, 1), date(2027, 3, 1)
REFERRAL = Asked("answer.specialist-referral", FROM, UNTIL, CODE)
LEFT = Asked("answer.left-list", FROM, UNTIL, CODE)
TOTAL = Asked("aggregate.specialist-referrals", date(2025, 1, 1), date(2026, 1, 1))
ROW = 10


def filled(world: Any, cells: Mapping[str, object], *asked: Asked) -> bytes:
    """Return a form as it comes back: these cells were filled in with a spreadsheet program."""
    blank = form.blank_form(world.frozen(), asked or (REFERRAL, LEFT, TOTAL), on=FROM)
    book = openpyxl.load_workbook(BytesIO(blank))
    for place, value in cells.items():
        book.worksheets[0][place] = value
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def test_the_same_questions_give_the_same_bytes(world: Any) -> None:
    assert form.blank_form(world.frozen(), [REFERRAL], on=FROM) == form.blank_form(world.frozen(), [REFERRAL], on=FROM)


def test_a_blank_form_offers_three_choices_and_chooses_none(world: Any) -> None:
    book = openpyxl.load_workbook(BytesIO(form.blank_form(world.frozen(), [REFERRAL, TOTAL], on=FROM)))
    sheet = book.worksheets[0]
    assert sheet["F10"].value is None
    choices = [one for one in sheet.data_validations.dataValidation if one.type == "list"]
    assert choices[0].formula1 == '"Ja,Nee,Niet bekend"'
    assert sheet["A10"].value == CODE
    assert sheet["B10"].value.startswith("Of de patiënt voor dezelfde klacht")
    assert sheet["D10"].value == "01-03-2026"
    assert not sheet["F10"].protection.locked
    assert sheet["A10"].protection.locked
    returned = form.read_form(form.blank_form(world.frozen(), [REFERRAL, TOTAL], on=FROM), world.frozen())
    assert (returned.answers, returned.totals, returned.open, returned.findings) == ((), (), 2, ())


def test_answers_come_back_as_unsigned_evidence(world: Any) -> None:
    day = datetime(2026, 5, 4)  # noqa: DTZ001 - a cell has no zone
    cells = {"F10": "Ja", "G10": 2, "H10": day, "F11": "NEE", "I12": 40, "J12": "1200", "B6": "N. N."}
    returned = form.read_form(filled(world, cells), world.frozen())
    first, second = returned.answers
    assert (first.case_code, first.element, first.status) == (CODE, REFERRAL.element, Answered.YES)
    assert (first.count, first.first_day, first.start, first.end) == (2, date(2026, 5, 4), FROM, UNTIL)
    assert (second.status, second.count, second.first_day) == (Answered.NO, None, None)
    assert (returned.totals[0].value, returned.totals[0].population) == (40, 1200)
    assert returned.filled_by == "N. N."
    assert returned.open == 0
    assert form.EVIDENCE is Evidence.FORM


@pytest.mark.parametrize(
    ("said", "status"),
    [("ja", Answered.YES), ("No", Answered.NO), ("niet bekend", Answered.UNKNOWN), ("Not known", Answered.UNKNOWN)],
)
def test_a_choice_may_be_typed_in_either_language(world: Any, said: str, status: Answered) -> None:
    returned = form.read_form(filled(world, {"F10": said}, REFERRAL), world.frozen())
    assert [one.status for one in returned.answers] == [status]


def test_a_narrower_period_is_taken_as_it_was_changed(world: Any) -> None:
    returned = form.read_form(filled(world, {"F10": "nee", "E10": "2026-12-31"}, REFERRAL), world.frozen())
    assert returned.answers[0].end == date(2026, 12, 31)


WRONG: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "no choice": ("agreements.form-choice", "F10", {"F10": "misschien"}),
    "a code that can't be": ("agreements.form-code", "A10", {"F10": "ja", "A10": "AAAA-AAAA-AAAA"}),
    "no code": ("agreements.form-code", "A10", {"F10": "ja", "A10": None}),
    "a count beside a no": ("agreements.form-contradiction", "F10", {"F10": "nee", "G10": 1}),
    "a date beside unknown": ("agreements.form-contradiction", "F10", {"F10": "niet bekend", "H10": "04-05-2026"}),
    "a date outside the period": ("agreements.form-first-day", "H10", {"F10": "ja", "H10": "01-03-2027"}),
    "a date before the period": ("agreements.form-first-day", "H10", {"F10": "ja", "H10": "28-02-2026"}),
    "no date": ("agreements.form-day", "H10", {"F10": "ja", "H10": "vorig jaar"}),
    "no number": ("agreements.form-number", "G10", {"F10": "ja", "G10": "twee"}),
    "a negative number": ("agreements.form-number", "G10", {"F10": "ja", "G10": -1}),
    "too large a number": ("agreements.form-number", "G10", {"F10": "ja", "G10": 10_000_000}),
    "a period backward": ("agreements.form-window", "E10", {"F10": "ja", "E10": "01-03-2026"}),
    "no period": ("agreements.form-window", "E10", {"F10": "ja", "E10": None}),
    "another element": ("agreements.form-element", "C10", {"F10": "ja", "C10": "answer.surgery"}),
    "half a total": ("agreements.form-total-half", "J12", {"I12": 4}),
    "the other half": ("agreements.form-total-half", "I12", {"J12": 4}),
}


@pytest.mark.parametrize(("rule", "cell", "cells"), WRONG.values(), ids=WRONG)
def test_a_line_that_can_not_be_taken_is_named_by_its_cell_and_never_shown(
    world: Any, rule: str, cell: str, cells: Mapping[str, object]
) -> None:
    returned = form.read_form(filled(world, {"F11": "ja", **cells}), world.frozen())
    assert [(one.rule, one.path) for one in returned.findings] == [(rule, cell)]
    assert [one.element for one in returned.answers] == [LEFT.element]


def test_a_form_repeats_nothing_that_was_typed(world: Any) -> None:
    cells = {"C10": "CANARY", "F11": "CANARY", "B6": "x"}
    returned = form.read_form(filled(world, cells), world.frozen())
    assert len(returned.findings) == 2
    assert "CANARY" not in repr(returned)


def test_a_form_of_another_agreement_or_version_is_refused(world: Any) -> None:
    data = filled(world, {"F10": "ja"})
    with pytest.raises(AgreementError) as caught:
        form.read_form(data, world.frozen(PartnerKind.GP, title={"nl": "Andere", "en": "Other"}))
    assert caught.value.rule == "agreements.form-other"


def test_a_spreadsheet_that_is_no_form_is_refused(world: Any) -> None:
    target = BytesIO()
    openpyxl.Workbook().save(target)
    with pytest.raises(AgreementError) as caught:
        form.read_form(target.getvalue(), world.frozen())
    assert caught.value.rule == "agreements.form-unknown"


def test_a_formula_is_refused(world: Any) -> None:
    with pytest.raises(SourceError) as caught:
        form.read_form(filled(world, {"F10": "=1+1"}), world.frozen())
    assert caught.value.rule == "sources.formula"


def test_a_macro_is_refused(world: Any) -> None:
    target = BytesIO(filled(world, {}))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(SourceError):
        form.read_form(target.getvalue(), world.frozen())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a spreadsheet"])
def test_what_is_no_spreadsheet_is_refused(world: Any, data: bytes) -> None:
    with pytest.raises(SourceError):
        form.read_form(data, world.frozen())


def test_a_form_has_a_size(world: Any) -> None:
    with pytest.raises(AgreementError) as caught:
        form.read_form(b"x" * (5 * 1024 * 1024 + 1), world.frozen())
    assert caught.value.rule == "agreements.form-too-big"
    with pytest.raises(AgreementError) as caught:
        form.read_form(filled(world, {"A5002": "x"}), world.frozen())
    assert caught.value.rule == "agreements.form-too-big"


def test_nothing_is_asked_that_was_not_agreed(world: Any) -> None:
    with pytest.raises(AgreementError, match=r"answer\.surgery"):
        form.blank_form(world.frozen(), [Asked("answer.surgery", FROM, UNTIL, CODE)], on=FROM)


def test_a_form_without_questions_is_a_form(world: Any) -> None:
    blank = form.blank_form(world.frozen(), [], on=FROM, language="en")
    assert form.read_form(blank, world.frozen()).open == 0


def test_a_word_that_looks_like_a_formula_is_written_as_a_word(world: Any) -> None:
    frozen = world.frozen(PartnerKind.GP, title={"nl": "=HYPERLINK(x)", "en": "=1+1"})
    assert form.read_form(form.blank_form(frozen, [REFERRAL], on=FROM), frozen).open == 1
