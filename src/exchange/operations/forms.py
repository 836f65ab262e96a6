"""Forms and question lists: what is asked of a partner, by spreadsheet or for its own table, and what comes back."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.findings import Finding, Severity
from exchange.operations import catching_up, files, posting, trail
from exchange.operations.gathering import Courses, Terms, terms_of
from exchange.operations.telling import question
from exchange.operations.workspace import Workspace
from exchange.records.codes import Evidence
from exchange.records.elements import elements
from exchange.records.model import Aggregate, Answer, Case, Patient

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


def make(workspace: Workspace, agreement: str, *, partner: str, to: Path, language: str = "nl") -> Made:
    """Make the form for a partner that signed on paper, opening its cases; a `.age` is sealed with a passphrase.

    The form names koppelcodes and windows, never who it is: the partner knows the code from the letter.
    """
    from exchange.agreements import form

    catching_up.require_caught_up(workspace)
    terms = terms_of(workspace, agreement)
    other = _partner(terms, partner)
    terms = terms.toward(other)
    cases = _open_cases(terms, other)
    spans = {case.code: span for case, span in cases}
    asked = questions(terms, spans)
    data = form.blank_form(terms.frozen, asked, on=workspace.on, language=language)
    passphrase = ""
    if to.suffix == ".age":
        passphrase = _seal(workspace, terms, other, data, to)
    else:
        files.write(to, data)
    trail.note(workspace, "form-made", counterparty=other.party, ground=agreement, detail=f"{len(cases)} cases")
    return Made(to, len(cases), len(asked), passphrase)


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
    asked = questions(terms, {code: span for code, span in spans.items() if span[0] is not None})
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


def questions(terms: Terms, spans: Mapping[str, tuple[date | None, date | None]]) -> tuple[Asked, ...]:
    """Return every question about every case: one per element, from the first day until today or the longest window.

    `spans` are first and last day of each case by koppelcode.
    """
    from exchange.agreements.form import Asked
    from exchange.indicators.moments import add_days, add_months

    wanted = [one for one in sorted(terms.flow_elements(_RETURN, "partner")) if one.startswith("answer.")]
    window, today = terms.frozen.window, terms.workspace.on
    found = []
    for code, (start, end) in sorted(spans.items()):
        if start is None or start >= today:
            continue
        last = today if end is None else min(today, add_days(add_months(end, window.months), window.days + 1))
        found += [Asked(element, start, max(last, add_days(start, 1)), code) for element in wanted]
    return tuple(found)


def take_in(workspace: Workspace, file: Path, *, agreement: str, partner: str, how: str) -> FormTaken:
    """Read a form that came back, as unsigned evidence that a named person vouches for; all of it or nothing."""
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
    totals = [_total(row, other, message) for row in returned.totals]
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.answers.save(
            answers, epoch_order=0, sequence=None, by=workspace.user, at=workspace.now, aggregates=totals
        )
    trail.note(
        workspace, "form-received", counterparty=other.party, ground=agreement, object=message, detail=how.strip()
    )  # fmt: skip
    return FormTaken(file.name, other.party, len(answers) + len(totals), returned.open, tuple(found))


def _partner(terms: Terms, partner: str) -> Party:
    other = terms.frozen.agreement.party(partner)
    if other is None or other.signs != "paper":
        raise AgreementError("agreeing.not-on-paper", hints=("hint.agreements.paper",), party=partner)
    return other


def _open_cases(terms: Terms, other: Party) -> list[tuple[Case, tuple[date, date | None]]]:
    """Return the partner's cases with first and last day, opening those that were not; each asked of the gate."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts, Suite
    from exchange.signing.pseudonyms import case_code, case_id

    workspace = terms.workspace
    known = {case.episode_id: case for case in workspace.store.cases.of_agreement(terms.stored.agreement_id)
             if case.partner == other.party}  # fmt: skip
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
        case = known.get(episode.episode_id)
        if case is None:
            new_id = case_id()
            case = Case(new_id, case_code(new_id), terms.stored.agreement_id, other.party,
                        episode.episode_id, episode.patient_id, workspace.on)  # fmt: skip
            workspace.store.cases.open(case, by=workspace.user, at=workspace.now)
        opened.append((case, (episode.start, episode.end)))
    return opened


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
    return Answer(
        "", case.case_id, case.episode_id, row.element, row.start, row.end, row.status, Evidence.FORM, other.party,
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
