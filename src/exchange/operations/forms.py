"""Forms and question lists: what is asked of a partner, by spreadsheet or for its own table, and what comes back."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.findings import Finding, Severity, say
from exchange.operations import catching_up, files, form_questions, posting, trail
from exchange.operations.gathering import Courses, Terms, terms_of
from exchange.operations.telling import question
from exchange.operations.workspace import Workspace
from exchange.records.codes import Evidence, PartnerKind
from exchange.records.elements import elements
from exchange.records.model import Aggregate, Answer, Case, Episode, Patient

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.agreements.form import Asked
    from exchange.sources.rows import AggregateRow, AnswerRow

_MOST = 5 * 1024 * 1024
_FORM = "form.xlsx"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_RETURN = "partner-return"


@dataclass(frozen=True, slots=True)
class Made:
    """A form that stands ready; `passphrase` is told once, by phone, and kept nowhere."""

    file: Path
    cases: int
    questions: int
    passphrase: str = ""


@dataclass(frozen=True, slots=True)
class FormTaken:
    """What came back on a form."""

    file: str
    party: str
    answers: int
    open: int
    findings: tuple[Finding, ...]
    receipt: Path | None = None


def make(
    workspace: Workspace,
    agreement: str,
    *,
    partner: str,
    to: Path,
    totals: bool = False,
    codes: Path | None = None,
    language: str = "nl",
) -> Made:
    """Make the form for a party that signed on paper, opening its cases; a `.age` is sealed with a passphrase.

    .xlsx to fill in, .docx, .pdf or .html to print. It names koppelcodes and windows, never who it is: `codes` is a
    table for the practice alone that does. With `totals` it asks for counts only, and no case is opened.
    """
    from exchange.agreements import form

    catching_up.require_caught_up(workspace)
    terms = terms_of(workspace, agreement)
    other = _partner(terms, partner)
    terms = terms.toward(other)
    asked, cases = ((), []) if totals else _asked(terms, other, language)
    if totals:
        asked = form_questions.totals(terms)
    passphrase = ""
    if to.suffix == ".age":
        data = form.blank_form(terms.frozen, asked, on=workspace.on, language=language)
        passphrase = _seal(workspace, terms, other, data, to)
    elif to.suffix.lower() == ".xlsx":
        files.write(to, form.blank_form(terms.frozen, asked, on=workspace.on, language=language))
    else:
        _print(terms, other, asked, to, language)
    if codes is not None:
        _write_codes(workspace, cases, codes)
    trail.note(workspace, "form-made", counterparty=other.party, ground=agreement, detail=f"{len(cases)} cases")
    return Made(to, len(cases), len(asked), passphrase)


def _asked(terms: Terms, other: Party, language: str) -> tuple[tuple[Asked, ...], list[Case]]:
    """Return every question to a partner about its cases, or to clients about themselves, and the cases."""
    if other.kind is not PartnerKind.CLIENT:
        spans = _open_cases(terms, other)
        return form_questions.about_cases(terms, {case.code: span for case, span in spans}), [one for one, _ in spans]
    asked: list[Asked] = []
    cases = []
    known = _known_cases(terms, other)
    for episode in form_questions.client_courses(terms, other):
        case = known.get(episode.episode_id)
        if not form_questions.of_client(terms, episode, case):
            continue
        case = case or _opened(terms, other, episode)
        cases.append(case)
        asked += [
            replace(one, text=form_questions.in_words(one, language, client=True))
            for one in form_questions.of_client(terms, episode, case)
        ]
    return tuple(asked), cases


def _print(terms: Terms, other: Party, asked: Sequence[Asked], to: Path, language: str) -> None:
    from exchange.agreements.form import question
    from exchange.reports import partner_form

    agreement = terms.frozen.agreement
    lines = [partner_form.Line(one.case_code, question(terms.frozen, one, language), one.start, one.end)
             for one in asked]  # fmt: skip
    letterhead = terms.workspace.folder / "letterhead.docx"
    partner_form.write(
        partner_form.FormFacts(
            agreement.practice.name, agreement.practice.privacy_contact, agreement.title[language], agreement.id,
            agreement.version, terms.stored.digest, other.name, other.kind is PartnerKind.CLIENT, agreement.answer_days,
            tuple(lines), terms.workspace.on,
        ),
        language, to, reference=letterhead if letterhead.is_file() else None,
    )  # fmt: skip


def _write_codes(workspace: Workspace, cases: Sequence[Case], to: Path) -> None:
    """Write which koppelcode is whose, for the practice alone: it never goes with the form."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(("Koppelcode", "EPD-nummer", "Geopend op"))
    for case in cases:
        number = workspace.store.patient_identity(case.patient_id).epd_number or ""
        writer.writerow((case.code, number, f"{case.opened_on:%d-%m-%Y}"))
    files.write(to, stream.getvalue().encode("utf-8-sig"))
    trail.note(workspace, "codes-written", detail=f"{len(cases)} cases")


def ask(workspace: Workspace, agreement: str, *, to: Path, language: str = "nl") -> Made:
    """Write what is asked of us as a table to fill in (the mapping `partner-answers` reads it back), with who it is."""
    from exchange.messages import reading

    terms = terms_of(workspace, agreement)
    spans: dict[str, tuple[date | None, date | None]] = {}
    people: dict[str, Patient] = {}
    for case in workspace.store.cases.of_agreement(agreement):
        for message in workspace.store.received.of_case(case.case_id):
            told = reading.read(message.content).told
            start, end = told.episode.start, told.episode.end
            known = spans.get(case.code, (None, None))
            spans[case.code] = (start or known[0], end or known[1])
        people[case.code] = workspace.store.patient_identity(case.patient_id)
    asked = form_questions.about_cases(terms, {code: span for code, span in spans.items() if span[0] is not None})
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    head = (
        "Koppelcode",
        "Naam",
        "Geboortedatum",
        "Vraag",
        "Element",
        "Van",
        "Tot",
        "Antwoord",
        "Aantal",
        "Eerste datum",
    )
    writer.writerow(head)
    labels = elements()
    for one in asked:
        if not one.case_code:
            continue
        who = people[one.case_code]
        born = f"{who.birth_date:%d-%m-%Y}" if who.birth_date else ""
        row = (one.case_code, who.name or "", born, labels[one.element].label[language], one.element)
        writer.writerow([*row, f"{one.start:%d-%m-%Y}", f"{one.end:%d-%m-%Y}", "", "", ""])
    files.write(to, stream.getvalue().encode("utf-8-sig"))
    trail.note(workspace, "questions-written", ground=agreement, detail=f"{len(spans)} cases")
    return Made(to, len(spans), len(asked))


def take_in(
    workspace: Workspace,
    file: Path,
    *,
    agreement: str,
    partner: str,
    how: str,
    receipt: Path | None = None,
    language: str = "nl",
) -> FormTaken:
    """Read a form that came back, as unsigned evidence that a named person vouches for; all of it or nothing.

    `receipt` is a page to give to who returned it: what was taken in and which rows were not, and why.
    """
    from exchange.agreements import form

    if not (agreement and partner and how.strip()):
        raise AgreementError("forms.say-whose", hints=("hint.forms-whose",), file=file.name)
    terms = terms_of(workspace, agreement)
    other = _partner(terms, partner)
    terms = terms.toward(other)
    data = files.read(file, most=_MOST)
    returned = form.read_form(data, terms.frozen)
    message = f"form:{hashlib.sha256(data).hexdigest()[:32]}"
    cases = {
        one.code: one for one in workspace.store.cases.of_agreement(agreement) if one.partner == other.party
    }  # fmt: skip
    found = list(returned.findings)
    answers = []
    for row in returned.answers:
        case = cases.get(row.case_code)
        if case is None or not _allowed(terms, other, row, case):
            rule = "importing.unknown-case" if case is None else "forms.not-allowed"
            found.append(Finding(rule, severity=Severity.WARNING, line=row.line, params={"event": _RETURN}))
            continue
        answers.append(_answer(row, case, other, message))
    totals = []
    for total in returned.totals:
        if not _allowed_total(terms, other, total):
            found.append(
                Finding("forms.not-allowed", severity=Severity.WARNING, line=total.line, params={"event": _RETURN})
            )
            continue
        totals.append(_total(total, other, message))
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.answers.save(
            answers, epoch_order=0, sequence=None, by=workspace.user, at=workspace.now, aggregates=totals
        )
    trail.note(
        workspace, "form-received", counterparty=other.party, ground=agreement, object=message, detail=how.strip()
    )  # fmt: skip
    taken = FormTaken(file.name, other.party, len(answers) + len(totals), returned.open, tuple(found), receipt)
    if receipt is not None:
        _write_receipt(terms, other, taken, (len(answers), len(totals)), returned.filled_by, data, language)
    return taken


def _write_receipt(
    terms: Terms, other: Party, taken: FormTaken, counts: tuple[int, int], filled_by: str, data: bytes, language: str
) -> None:
    from exchange.reports import partner_form

    workspace, agreement = terms.workspace, terms.frozen.agreement
    refused = [(one.line, say(one.rule, one.params, language)) for one in taken.findings]
    facts = partner_form.ReceiptFacts(
        agreement.practice.name, agreement.practice.privacy_contact, agreement.title[language], agreement.id,
        agreement.version, other.name, filled_by, taken.file, hashlib.sha256(data).hexdigest(), *counts, taken.open,
        other.kind is PartnerKind.CLIENT, tuple(refused), workspace.user, workspace.on,
    )  # fmt: skip
    letterhead = workspace.folder / "letterhead.docx"
    if taken.receipt is not None:
        partner_form.write_receipt(
            facts, language, taken.receipt, reference=letterhead if letterhead.is_file() else None
        )  # fmt: skip


def _partner(terms: Terms, partner: str) -> Party:
    other = terms.frozen.agreement.party(partner)
    if other is None or other.signs != "paper":
        raise AgreementError("agreeing.not-on-paper", hints=("hint.agreements.paper",), party=partner)
    return other


def _open_cases(terms: Terms, other: Party) -> list[tuple[Case, tuple[date, date | None]]]:
    """Return the partner's cases with first and last day, opening those that were not; each asked of the gate."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts, Suite

    workspace = terms.workspace
    known = _known_cases(terms, other)
    opened = []
    carried = frozenset({"case.code", "episode.start"})
    first = terms.frozen.agreement.term.covers_from
    for course in Courses(workspace.store.dataset()).of_party(other.party):
        episode = course.episode
        if episode.end is not None and episode.end < first:
            continue
        said = terms.consent(episode.patient_id, other.party, terms.purpose("case-opening", "practice"))
        asked = replace(
            question(
                terms, other, "case-opening", elements=carried,
                case=CaseFacts(None, belongs=True, consent=said.state if said else None),
                period=(episode.start, episode.end or workspace.on),
            ),
            suite=Suite.PASSPHRASE,
        )  # fmt: skip
        if not gate.decide(asked, terms.frozen).allowed:
            gate.require(replace(asked, case=CaseFacts(None, belongs=True), period=None), terms.frozen)
            continue
        case = known.get(episode.episode_id) or _opened(terms, other, episode)
        opened.append((case, (episode.start, episode.end)))
    return opened


def _known_cases(terms: Terms, other: Party) -> dict[str, Case]:
    cases = terms.workspace.store.cases.of_agreement(terms.stored.agreement_id)
    return {case.episode_id: case for case in cases if case.partner == other.party}


def _opened(terms: Terms, other: Party, episode: Episode) -> Case:
    """Open a case; on a form only its koppelcode goes out."""
    from exchange.signing.pseudonyms import case_code, case_id

    workspace, new_id = terms.workspace, case_id()
    case = Case(new_id, case_code(new_id), terms.stored.agreement_id, other.party,
                episode.episode_id, episode.patient_id, workspace.on)  # fmt: skip
    workspace.store.cases.open(case, by=workspace.user, at=workspace.now)
    return case


def _allowed_total(terms: Terms, other: Party, row: AggregateRow) -> bool:
    """Ask the gate whether this total may come in on a form."""
    from exchange.agreements import gate
    from exchange.agreements.facts import Suite

    event = form_questions.TOTALS if terms.frozen.flow(form_questions.TOTALS, "partner") else _RETURN
    elements_ = frozenset({row.element, "aggregate.eligible-patients"}) & terms.flow_elements(event, "partner")
    asked = question(
        terms, other, event, elements=elements_ | {row.element}, case=None, period=(row.start, row.end), inward=True
    )
    return gate.decide(replace(asked, suite=Suite.FORM), terms.frozen).allowed


def _allowed(terms: Terms, other: Party, row: AnswerRow, case: Case) -> bool:
    """Ask the gate whether this answer may come in on a form."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts, Suite

    said = terms.consent(case.patient_id, other.party, terms.purpose(_RETURN, "partner"))
    asked = question(
        terms,
        other,
        _RETURN,
        elements=frozenset({row.element}),
        case=CaseFacts(case.opened_on, belongs=True, consent=said.state if said else None),
        period=(row.start, row.end),
        inward=True,
    )
    return gate.decide(replace(asked, suite=Suite.FORM), terms.frozen).allowed


def _answer(row: AnswerRow, case: Case, other: Party, message: str) -> Answer:
    evidence = Evidence.CLIENT if other.kind is PartnerKind.CLIENT else Evidence.FORM
    return Answer(
        "", case.case_id, case.episode_id, row.element, row.start, row.end, row.status, evidence, other.party,
        row.count, row.first_day, message,
    )  # fmt: skip


def _total(row: AggregateRow, other: Party, message: str) -> Aggregate:
    return Aggregate(
        other.party, row.element, row.start, row.end, row.value, row.population, Evidence.FORM, message
    )  # fmt: skip


def _seal(workspace: Workspace, terms: Terms, other: Party, data: bytes, to: Path) -> str:
    from exchange.sealing import addressees, passphrases
    from exchange.sealing.manifest import AgreementRef, Kind
    from exchange.sealing.sealing import Content

    passphrase = passphrases.generate()
    sealed_for = addressees.to_passphrase(passphrase)
    stored = terms.stored
    entry = posting.reserve(
        workspace,
        kind=Kind.DATA,
        party=other.party,
        stream=stored.agreement_id,
        contents=(Content(_FORM, _XLSX, 1, data),),
        agreement=AgreementRef(stored.agreement_id, stored.version, stored.digest),
        addressees=sealed_for,
    )
    posted = posting.publish(workspace, entry, addressees=sealed_for)
    files.write(to, posted.file.read_bytes())
    return passphrase
