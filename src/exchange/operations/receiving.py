"""Receiving: every message of one opened file is checked and put to the gate before any of it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError, MessageError, Refused
from exchange.findings import Decision, Finding, Severity
from exchange.operations import hearing, trail
from exchange.operations.gathering import Terms, terms_of
from exchange.operations.telling import TOTALS, question
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of
from exchange.records.codes import ConsentState, Evidence, Sex
from exchange.records.model import Aggregate, Answer, Case, Consent

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.messages.facts import Message
    from exchange.sealing.opening import Opened

MOST_LINE = 16 * 1024 * 1024
_OPENING = "case-opening"
_WITHDRAWN = "consent-withdrawn"
_YEAR = 4
_REPORTS = frozenset({"outcome-report", "feedback-to-referrer", "indicator-report"})


@dataclass(slots=True)
class Taken:
    """What one file brought."""

    messages: int = 0
    cases: int = 0
    answers: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """One message with its bytes."""

    data: bytes
    message: Message


def receive(workspace: Workspace, read: Opened, journal: Callable[[], int]) -> Taken:
    """Check, gate and store one data file; `journal` is called first in the same transaction: it gives the precedence.

    Raises MessageError or Refused for the first message that may not come in, and then nothing is stored.
    A message about a case nobody opened here is put in quarantine, sealed to our storage key, and one about a client
    who refused or withdrew consent is left out; the others are stored.
    """
    terms, other = agreement_of(workspace, read)
    lines = [_read(line, number) for number, line in _lines(read)]
    opening = {one.message.case_id for one in lines if one.message.event == _OPENING}
    known = {case.case_id: case for case in workspace.store.cases.of_agreement(terms.stored.agreement_id)}
    taken = Taken()
    accepted = []
    for line in lines:
        _same_envelope(line.message, terms, other)
        case = known.get(line.message.case_id)
        about = line.message.case_id
        if about and about not in opening and (case is None or case.partner != other.party):
            _quarantine(workspace, line)
            taken.findings.append(
                Finding("importing.unknown-case", severity=Severity.WARNING, params={"event": line.message.event})
            )
            continue
        opened_on = workspace.on if about in opening and line.message.event != _OPENING else None
        try:
            _require_allowed(terms, other, line.message, case, opened_on, read)
        except Refused as refused:
            # One client who said no does not hold up what all others are told; about that client nothing is kept.
            if not _for_want_of_consent(refused):
                raise
            opening.discard(about)
            found = Finding("importing.no-consent", severity=Severity.WARNING, params={"event": line.message.event})
            taken.findings.append(found)
            continue
        accepted.append(line)
    # Before the commit: after a crash nothing that was stored lacks its original.
    for path in _about_clients(read):
        _keep_original(workspace, path, read.manifest.digest)
    with workspace.store.together(by=workspace.user, at=workspace.now):
        epoch_order = journal()
        for line in accepted:
            _store(workspace, terms, other, line, taken, read, epoch_order)
        _note_heard(terms, other, accepted, read)
    return taken


def _note_heard(terms: Terms, other: Party, lines: Iterable[_Line], read: Opened) -> None:
    """Write into the trail of each client who told us of them (NEN 7513: transfer in)."""
    workspace, message = terms.workspace, f"message:{read.manifest.message_id}"
    cases = [workspace.store.cases.find(about) for about in sorted({one.message.case_id for one in lines} - {""})]
    heard = sorted({case.patient_id for case in cases if case is not None} - {""})
    ground = terms.stored.agreement_id
    trail.note_each(workspace, "heard-of-partner", heard, object=message, counterparty=other.party, ground=ground)


def _for_want_of_consent(refused: Refused) -> bool:
    decision = refused.decision
    return isinstance(decision, Decision) and {one.rule for one in decision.failed} == {"gate.consent.refused"}


def agreement_of(workspace: Workspace, read: Opened) -> tuple[Terms, Party]:
    """Return the agreement that the manifest names, by the digest of what was signed, and who sent it."""
    named = read.manifest.agreement
    stored = workspace.store.agreements.by_digest(named.digest) if named is not None else None
    if stored is None or named is None:
        raise AgreementError("importing.agreement-unknown", hints=("hint.agreement-list",), party=read.manifest.sender)
    terms = terms_of(workspace, stored.agreement_id)
    if terms.stored.digest != stored.digest:
        terms = replace_terms(terms, stored)
    other = terms.frozen.agreement.party(read.manifest.sender)
    if other is None:
        raise AgreementError("importing.not-a-party", hints=("hint.agreement-list",), party=read.manifest.sender)
    return terms, other


def replace_terms(terms: Terms, stored: Any) -> Terms:
    """Return the terms of another version of the same agreement: within the overlap it still counts."""
    from exchange.operations import agreeing

    frozen = agreeing.thawed(stored)
    return replace(terms, stored=stored, frozen=frozen, signed=agreeing.signed_by(terms.workspace, stored))


def _lines(read: Opened) -> Iterator[tuple[int, bytes]]:
    number = 0
    for path in _about_clients(read):
        with path.open("rb") as stream:
            while line := stream.readline(MOST_LINE + 1):
                number += 1
                if len(line) > MOST_LINE:
                    raise MessageError("importing.line-too-long", line=number)
                if line.strip():
                    yield number, line.rstrip(b"\r\n")


def _about_clients(read: Opened) -> Iterator[Path]:
    """Return the contents but for a receipt that came along."""
    from exchange.sealing import acknowledgement

    return (path for name, path in read.contents.items() if name != acknowledgement.NAME)


def _read(data: bytes, number: int) -> _Line:
    from exchange.messages import reading
    from exchange.operations import checking

    for finding in checking.findings(data):
        if finding.severity is Severity.ERROR:
            raise MessageError(
                "importing.message-wrong", hints=("hint.ask-sender-again",), line=number, path=finding.path,
                broken=finding.rule,
            )  # fmt: skip
    return _Line(data, reading.read(data))


def _same_envelope(message: Message, terms: Terms, other: Party) -> None:
    """What a message says of its agreement, sender and receiver must be what the signed manifest says."""
    same = (
        message.agreement.digest == terms.stored.digest
        and message.sender.party == other.party
        and message.receiver.party == terms.us.party
    )
    if not same:
        raise MessageError("importing.other-envelope", hints=("hint.ask-sender-again",))


def _require_allowed(
    terms: Terms, other: Party, message: Message, case: Case | None, opened_on: date | None, read: Opened
) -> None:  # fmt: skip
    """Put one message to the gate; `opened_on` is given where its case is opened by the same file."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts as GateFacts

    event, facts = message.event, None
    if message.case_id:
        purpose = terms.purpose(event, other.role)
        if event == _WITHDRAWN and message.told.consent is not None:
            purpose = message.told.consent.purpose
        said = terms.consent(case.patient_id, other.party, purpose) if case else None
        state = said.state if said is not None else _sent_consent(message, purpose)
        facts = GateFacts(case.opened_on if case is not None else opened_on, belongs=True, consent=state)
    asked = question(
        terms, other, event, elements=told_elements(message), case=facts, period=_period(message), inward=True
    )
    switched = terms.superseded_on(other)
    # An older version is accepted for what was signed before the switch, while the overlap lasts.
    before = switched is not None and day_of(read.manifest.created) <= switched
    if event == _WITHDRAWN and message.told.consent is not None:
        asked = replace(asked, purpose=message.told.consent.purpose)
    gate.require(replace(asked, before_switch=before), terms.frozen)


def _sent_consent(message: Message, purpose: str) -> ConsentState | None:
    """Return what the sender says of consent: one that was given speaks for the case, another for its purpose only."""
    said = message.told.consent
    if said is None or (said.state is not ConsentState.GIVEN and said.purpose != purpose):
        return None
    return said.state


def told_elements(message: Message) -> frozenset[str]:
    """Return the elements that a message really tells."""
    told = message.told
    groups = (
        ("patient", told.patient, {"bsn": "bsn", "name": "name", "born": "birth-date", "sex": "sex"}),
        (
            "episode",
            told.episode,
            {"start": "start", "end": "end", "end_weeks": "end", "diagnosis": "diagnosis", "location": "location",
             "access": "access", "end_reason": "end-reason", "onward_advice": "onward-advice", "chronic": "chronic",
             "therapist": "therapist", "instrument": "instrument"},
        ),
        (
            "referral",
            told.referral,
            {"referrer": "referrer", "day": "day", "question": "question", "counterfactual": "counterfactual",
             "recorded_on": "recorded-on"},
        ),
    )  # fmt: skip
    found = {f"{group}.{name}" for group, facts, names in groups for attribute, name in names.items()
             if getattr(facts, attribute) is not None}  # fmt: skip
    found = {_coarser(message, name) for name in found}
    found |= {"case.id"} if told.case_id else set()
    found |= {"case.code"} if told.code else set()
    found |= {"session.count"} if told.session_count is not None else set()
    found |= _listed("session", told.sessions, ("day", "type"))
    found |= _listed("measurement", told.measurements, ("instrument", "day", "value"))
    found |= _listed(
        "evaluation",
        told.evaluations,
        ("session_number", "day", "effect", "decision", "advice_taken_up", "told_referrer_on"),
    )
    found |= {("indicator.figure", "indicator.individual")[one["type"] == "individual"] for one in told.indicators}
    found |= {one.element for one in told.answers}
    for one in told.aggregates:
        found |= {one.element, *(["aggregate.eligible-patients"] if one.population is not None else [])}
    return frozenset(found)


def _coarser(message: Message, element: str) -> str:
    """Name an element in the coarser form it was told in, as agreements and the gate write it."""
    told = message.told
    if element == "patient.birth-date" and told.patient.born is not None and len(told.patient.born) == _YEAR:
        return f"{element}:year"
    if element == "episode.end" and told.episode.end is None:
        return f"{element}:weeks-since-start"
    return element


def _listed(group: str, told: Iterable[object], names: tuple[str, ...]) -> set[str]:
    words = {"value": "score"}
    return {
        f"{group}.{words.get(name, name).replace('_', '-')}"
        for one in told
        for name in names
        if getattr(one, name) is not None
    }


def _period(message: Message) -> tuple[date, date] | None:
    told = message.told
    days = [day for day in (told.episode.start, told.episode.end) if day is not None]
    days += [day for one in told.answers for day in (one.start, one.end)]
    days += [day for total in told.aggregates for day in (total.start, total.end)]
    days += [day for report in told.indicators for day in hearing.period(report)]
    return (min(days), max(days)) if days else None


# Storing ----------------------------------------------------------------------------------------------------------


def _store(
    workspace: Workspace, terms: Terms, other: Party, line: _Line, taken: Taken, read: Opened, epoch_order: int
) -> None:
    message = line.message
    if message.event == _OPENING:
        _open_case(workspace, terms, other, message, taken)
    elif message.event == "partner-return":
        answers = [_answer(message, one, other) for one in message.told.answers]
        taken.answers += len(answers)
        workspace.store.answers.save(
            answers, epoch_order=epoch_order, sequence=read.manifest.sequence, by=workspace.user, at=workspace.now
        )
    elif message.event == TOTALS:
        totals = [_total(message, one, other) for one in message.told.aggregates]
        taken.answers += len(totals)
        workspace.store.answers.save(
            [], epoch_order=epoch_order, sequence=read.manifest.sequence, by=workspace.user, at=workspace.now,
            aggregates=totals,
        )  # fmt: skip
    elif message.event == _WITHDRAWN:
        case = workspace.store.cases.get(message.case_id)
        _keep_consent(workspace, message, case.patient_id, other)
        taken.findings.append(Finding("importing.withdrawn", severity=Severity.WARNING, params={"code": case.code}))
    elif message.event not in _REPORTS:
        raise MessageError("importing.event", hints=("hint.newer-version",), event=message.event)
    _remember(workspace, message, line.data, other)
    taken.messages += 1


def _remember(workspace: Workspace, message: Message, data: bytes, other: Party) -> None:
    from exchange.store.received import ReceivedMessage

    workspace.store.received.save(
        ReceivedMessage(message.message_id, message.case_id, message.event, data, other.party),
        by=workspace.user,
        at=workspace.now,
    )


def _open_case(workspace: Workspace, terms: Terms, other: Party, message: Message, taken: Taken) -> None:
    """Keep a case that the practice opened with us, its patient by the identity it came with."""
    from exchange.sources.rows import PatientKey, PatientRow

    if workspace.store.cases.find(message.case_id) is not None:
        return
    told = message.told.patient
    key = PatientKey(bsn=told.bsn or "", system=f"case:{terms.stored.agreement_id}", key=message.case_id)
    born = date.fromisoformat(told.born) if told.born and len(told.born) == 10 else None
    with workspace.store.loading(
        kind="case", file_name="", digest="", by=workspace.user, at=workspace.now
    ) as batch:  # fmt: skip
        batch.add(PatientRow(1, key, born, told.sex or Sex.UNKNOWN, told.name or ""))
    patient = workspace.store.patient_named(key) or ""
    workspace.store.cases.open(
        Case(
            message.case_id,
            message.told.code or "",
            terms.stored.agreement_id,
            other.party,
            "",
            patient,
            workspace.on,
        ),
        by=workspace.user,
        at=workspace.now,
        received=True,
    )
    _keep_consent(workspace, message, patient, other)
    taken.cases += 1


def _keep_consent(workspace: Workspace, message: Message, patient: str, other: Party) -> None:
    """Keep what the practice says the patient agreed to: our own gate asks for it before we answer."""
    said = message.told.consent
    if said is None or not patient:
        return
    told = Consent(patient, other.party, said.purpose, said.state, said.day, f"message:{message.message_id}", "sender")
    workspace.store.consents.save(told, by=workspace.user, at=workspace.now)


def _answer(message: Message, one: Any, other: Party) -> Answer:
    return Answer(
        "", message.case_id, "", one.element, one.start, one.end, one.status, Evidence.SIGNED, other.party,
        one.count, one.first_day, message.message_id,
    )  # fmt: skip


def _total(message: Message, one: Any, other: Party) -> Aggregate:
    return Aggregate(
        other.party, one.element, one.start, one.end, one.value, one.population or 0, Evidence.SIGNED,
        message.message_id,
    )  # fmt: skip


def _keep_original(workspace: Workspace, path: Path, digest: str) -> None:
    """Keep the original sealed to our storage key, so that transport keys can be destroyed one day."""
    from exchange.sealing import originals

    originals.keep(
        path, workspace.folder / "inbox" / f"{digest[:32]}-{path.stem}.age", workspace.keyring.storage.recipient
    )


def _quarantine(workspace: Workspace, line: _Line) -> None:
    from exchange.sealing import originals, parts, permissions

    part = workspace.folder / "quarantine" / parts.name()
    try:
        permissions.write(part, line.data)
        originals.keep(
            part,
            workspace.folder / "quarantine" / f"{hashlib.sha256(line.data).hexdigest()[:32]}.age",
            workspace.keyring.storage.recipient,
        )
    finally:
        part.unlink(missing_ok=True)
