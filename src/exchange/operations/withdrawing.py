"""Withdrawing: what a withdrawn consent cancels here, whom it was told, and what the other side did about it.

The practice tells each partner once per purpose (`telling`); the partner answers `deleted`, or `kept` on a ground,
with its next file. What was not answered after fourteen days is marked.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from exchange.errors import AgreementError
from exchange.findings import Finding, Severity
from exchange.operations import trail
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of
from exchange.records.codes import ConsentState

if TYPE_CHECKING:
    from exchange.records.model import Case
    from exchange.sealing.acknowledgement import WithdrawalAnswer
    from exchange.store.journal import Arrival, Entry

ANSWER_DAYS = 14
_TOLD = "consent-withdrawn"
_ANSWER = "withdrawal-answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """Our answer to a withdrawal, with what it needs to travel once the case itself is gone."""

    agreement: str
    party: str
    code: str
    opened_on: date
    told: WithdrawalAnswer


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal as people follow it: `ours` where we told a partner, else a partner told us.

    `answer` is empty while there is none; `days` counts from the telling to the answer or to today. `epd_number` is
    known on the practice's side only.
    """

    ours: bool
    agreement: str
    party: str
    code: str
    purpose: str
    withdrawn_on: date
    told_at: datetime | None
    answer: str
    ground: str
    answered_on: date | None
    days: int
    overdue: bool
    epd_number: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a withdrawal stopped: files never dropped, and those that a person may still hold back."""

    files: tuple[str, ...] = ()
    standing: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A file in the outbox that tells of the client and that its receiver has not confirmed."""

    file: str
    agreement: str
    party: str
    sequence: int


# Cancelling ----------------------------------------------------------------------------------------------------------


def cancel(workspace: Workspace, patients: Collection[str], partner: str) -> Cancelled:
    """Cancel what tells a partner of these patients and was not dropped yet; the others in it are told again.

    A file that was dropped, or handed to a person in the outbox, can't be called back by a program: it is named.
    """
    cases = {one.case_id for one in workspace.store.cases.of_partner(partner) if one.patient_id in patients}
    if not cases:
        return Cancelled()
    files = []
    for entry in workspace.store.journal.unfinished():
        if entry.other == partner and _about(entry, cases):
            cancel_entry(workspace, entry)
            files.append(f"{entry.message_id}.age")
    told = workspace.store.sent.at()
    about = {message for (case, event), (_, message) in told.items() if case in cases and not event.startswith(_TOLD)}
    standing = tuple(
        Standing(one.file_name, one.agreement_id, one.other, one.sequence)
        for one in workspace.store.journal.outgoing()
        if one.message_id in about
        and one.acknowledged_at is None
        and (workspace.folder / "outbox" / one.file_name).is_file()
        and one.file_name
        and one.state.value == "done"
    )
    return Cancelled(tuple(files), standing)


def cancel_entry(workspace: Workspace, entry: Entry) -> None:
    """Cancel one message that was not dropped: its number stays used, what it told is told again."""
    from exchange.store.journal import State

    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.journal.mark(entry.entry_id, State.REFUSED, at=workspace.now, reason="withdrawing.cancelled")
        _forget(workspace, entry)
    (workspace.folder / "outbox" / f"{entry.message_id}.age").unlink(missing_ok=True)


def take_back(workspace: Workspace, entry: Entry) -> None:
    """Take back a message in the outbox of which a person says that it was never sent."""
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.receipts.take_back(entry.entry_id, at=workspace.now, reason="withdrawing.taken-back")
        _forget(workspace, entry)
    (workspace.folder / "outbox" / f"{entry.message_id}.age").unlink(missing_ok=True)


def _forget(workspace: Workspace, entry: Entry) -> None:
    workspace.store.sent.forget(entry.message_id, by=workspace.user, at=workspace.now)
    message = f"message:{entry.message_id}"
    trail.note(workspace, "cancelled", object=message, counterparty=entry.other, ground=entry.agreement_id)


def _about(entry: Entry, cases: Collection[str]) -> bool:
    from base64 import b64decode

    if entry.contents is None:
        return False
    for _, _, _, data in json.loads(entry.contents):
        content = b64decode(data)
        if any(case.encode("ascii") in content for case in cases):
            return True
    return False


# Answering -----------------------------------------------------------------------------------------------------------


def answer(workspace: Workspace, code: str, *, purpose: str | None = None, ground: str = "") -> tuple[Answer, ...]:
    """Answer the withdrawals about a case: kept on a ground, or without one: deleted, and then it is deleted here.

    The answer goes with the next file to the practice.
    """
    from exchange.sealing.acknowledgement import DELETED, KEPT, WithdrawalAnswer
    from exchange.signing.pseudonyms import read_case_code

    case = workspace.store.cases.by_code(read_case_code(code))
    asked = [
        one
        for one in listed(workspace)
        if not one.ours
        and case is not None
        and one.code == case.code
        and not one.answer
        and purpose in (None, one.purpose)
    ]
    if case is None or not asked:
        raise AgreementError("withdrawing.nothing-asked", hints=("hint.withdrawals",))
    given = tuple(
        Answer(
            case.agreement_id,
            case.partner,
            case.code,
            case.opened_on,
            WithdrawalAnswer(case.case_id, one.purpose, KEPT if ground else DELETED, ground, workspace.on),
        )
        for one in asked
    )
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for one in given:
            _keep(workspace, one, message_id=secrets.token_hex(16), party="")
        event = "withdrawal-kept" if ground else "withdrawal-deleted"
        trail.note(workspace, event, subject=case.patient_id, counterparty=case.partner, ground=ground)
    if not ground:
        from exchange.operations import retaining

        retaining.destroy_case(workspace, case)
    return given


def unsent(workspace: Workspace, agreement: str | None = None, party: str | None = None) -> tuple[Answer, ...]:
    """Return our answers that did not go out yet."""
    told = workspace.store.sent.digests()
    return tuple(
        one
        for one in _answers(workspace, ours=True)
        if agreement in (None, one.agreement)
        and party in (None, one.party)
        and (one.told.case, _event(_ANSWER, one.told.purpose)) not in told
    )


def note_sent(workspace: Workspace, given: Iterable[Answer], message_id: str) -> None:
    """Write in which file our answers went."""
    for one in given:
        digest = hashlib.sha256(repr(one.told).encode("utf-8")).hexdigest()
        event = _event(_ANSWER, one.told.purpose)
        workspace.store.sent.save(one.told.case, event, digest, message_id, by=workspace.user, at=workspace.now)


def take_answers(workspace: Workspace, arrival: Arrival, answers: Iterable[WithdrawalAnswer]) -> list[Finding]:
    """Take in a partner's answers about cases that we opened with it; others are left out and said."""
    found = []
    for said in answers:
        case = workspace.store.cases.find(said.case)
        if case is None or case.partner != arrival.party or case.agreement_id != arrival.agreement_id:
            params: dict[str, object] = {"party": arrival.party}
            found.append(Finding("withdrawing.unknown-case", severity=Severity.WARNING, params=params))
            continue
        one = Answer(case.agreement_id, case.partner, case.code, case.opened_on, said)
        _keep(workspace, one, message_id=arrival.message_id, party=arrival.party)
        trail.note(
            workspace,
            f"withdrawal-{said.answer}",
            subject=case.patient_id,
            counterparty=arrival.party,
            ground=said.ground or case.agreement_id,
            object=f"message:{arrival.message_id}",
        )
        params = {"party": arrival.party, "code": case.code, "ground": said.ground}
        found.append(Finding(f"withdrawing.{said.answer}", severity=Severity.INFORMATION, params=params))
    return found


# Following -----------------------------------------------------------------------------------------------------------


def listed(workspace: Workspace) -> tuple[Withdrawal, ...]:
    """Return every withdrawal told to partners or by partners, those without an answer first, oldest first."""
    found = [*_told_by_us(workspace), *_told_to_us(workspace)]
    return tuple(sorted(found, key=lambda one: (bool(one.answer), one.withdrawn_on, one.party, one.code, one.purpose)))


def _told_by_us(workspace: Workspace) -> Iterator[Withdrawal]:
    told = workspace.store.sent.at()
    answers = {(one.told.case, one.told.purpose): one.told for one in _answers(workspace, ours=False)}
    withdrawn = [
        one
        for one in workspace.store.consents.all_standing(workspace.on).values()
        if one.state is ConsentState.WITHDRAWN
    ]
    received = {one.case_id for one in workspace.store.cases.received()}
    for consent in withdrawn:
        for case in workspace.store.cases.of_partner(consent.partner):
            if case.case_id in received or case.patient_id != consent.patient_id:
                continue
            paper = workspace.store.partners.find(case.partner)
            if (case.case_id, "case-opening") not in told and (paper is None or paper.card is not None):
                continue  # the file that opened the case was cancelled: there is nothing over there
            at, _ = told.get((case.case_id, _event(_TOLD, consent.purpose)), (None, ""))
            said = answers.get((case.case_id, consent.purpose))
            number = workspace.store.patient_identity(case.patient_id).epd_number or ""
            yield _withdrawal(workspace, case, consent.purpose, consent.day, at, said, ours=True, epd_number=number)


def _told_to_us(workspace: Workspace) -> Iterator[Withdrawal]:
    from exchange.messages import reading

    since = workspace.store.received.since(_TOLD)
    answers = {(one.told.case, one.told.purpose): one for one in _answers(workspace, ours=True)}
    for message in workspace.store.received.of_event(_TOLD):
        consent = reading.read(message.content).told.consent
        if consent is None:
            continue
        given = answers.get((message.case_id, consent.purpose))
        case = workspace.store.cases.find(message.case_id) or (_gone(given) if given else None)
        if case is not None:
            at = since.get((message.message_id, message.case_id))
            said = given.told if given else None
            yield _withdrawal(workspace, case, consent.purpose, consent.day, at, said, ours=False)


def _withdrawal(
    workspace: Workspace,
    case: Case,
    purpose: str,
    day: date,
    told_at: datetime | None,
    said: WithdrawalAnswer | None,
    *,
    ours: bool,
    epd_number: str = "",
) -> Withdrawal:
    last = said.on if said else workspace.on
    days = (last - day_of(told_at)).days if told_at else 0
    return Withdrawal(
        ours, case.agreement_id, case.partner, case.code, purpose, day, told_at,
        said.answer if said else "", said.ground if said else "", said.on if said else None,
        days, said is None and told_at is not None and days > ANSWER_DAYS, epd_number,
    )  # fmt: skip


def _gone(given: Answer) -> Case:
    """Return what is left of a case that was deleted: its number and code, nobody's name."""
    from exchange.records.model import Case

    return Case(given.told.case, given.code, given.agreement, given.party, "", "", given.opened_on)


def _event(kind: str, purpose: str) -> str:
    return f"{kind}:{hashlib.sha256(purpose.encode()).hexdigest()[:8]}"


def _keep(workspace: Workspace, one: Answer, *, message_id: str, party: str) -> None:
    """Keep an answer beside the messages: ours under no party, a partner's under its own."""
    from exchange.store.received import ReceivedMessage

    said = one.told
    content = {
        "agreement": one.agreement, "party": one.party, "code": one.code, "opened-on": one.opened_on.isoformat(),
        "case": said.case, "purpose": said.purpose, "answer": said.answer, "ground": said.ground,
        "on": said.on.isoformat(),
    }  # fmt: skip
    data = json.dumps(content, sort_keys=True).encode("utf-8")
    kept = ReceivedMessage(message_id, said.case, _event(_ANSWER, said.purpose), data, party)
    workspace.store.received.save(kept, by=workspace.user, at=workspace.now)


def _answers(workspace: Workspace, *, ours: bool) -> Iterator[Answer]:
    from exchange.sealing.acknowledgement import WithdrawalAnswer

    for message in workspace.store.received.of_events(f"{_ANSWER}:"):
        if bool(message.party) is not ours:
            raw: Mapping[str, Any] = json.loads(message.content)
            said = WithdrawalAnswer(
                raw["case"], raw["purpose"], raw["answer"], raw["ground"], date.fromisoformat(raw["on"])
            )
            yield Answer(raw["agreement"], raw["party"], raw["code"], date.fromisoformat(raw["opened-on"]), said)
