"""Export: the gate is asked for every message, and what it lets through goes out in one sealed file per partner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import StoreError
from exchange.findings import Decision, Finding, Premise
from exchange.operations import acknowledging, carrying, catching_up, posting, reporting, trail
from exchange.operations.gathering import Courses, Terms, terms_of
from exchange.operations.telling import Asked, Draft, drafted, question
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.transports.place import Carrier

CONTENT = "messages.ndjson"
FHIR_LINES = "application/fhir+ndjson"


@dataclass(frozen=True, slots=True)
class Sent:
    """One file for one partner; `dropped` is where it was brought, as words."""

    file: Path
    party: str
    messages: int
    cases: int
    dropped: str = ""
    acknowledged: int = 0


@dataclass(frozen=True, slots=True)
class Withheld:
    """How many messages to a partner were refused on the same premises."""

    party: str
    count: int
    premises: tuple[Premise, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did, or would do; `resumed` are files of before that an interruption had kept back."""

    agreement: str
    files: tuple[Sent, ...]
    refused: tuple[Withheld, ...]
    decisions: tuple[Asked, ...] = ()
    findings: tuple[Finding, ...] = ()
    dry_run: bool = False
    resumed: tuple[posting.Posted, ...] = ()


def export(
    workspace: Workspace,
    agreement: str,
    *,
    to: Path | str | None = None,
    login: carrying.Login = carrying.NO_LOGIN,
    dry_run: bool = False,
    release: bool = False,
    language: str = "nl",
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Send what is new under an agreement to every party on the other side that may have it.

    `to` is a folder or `sftp://…` where the files are dropped; without it they stay in the outbox.
    Raises Refused where a backup was put back and nobody has gone through the withdrawals since, or where the gate
    refuses everything on one ground (an expired agreement, an unverified card).
    `release` lets nine digits pass that look like a BSN and are nobody's here; that is logged.
    """
    if not dry_run:
        posting.renew_epochs(workspace)
        catching_up.require_caught_up(workspace)
    terms = terms_of(workspace, agreement)
    with carrying.carried(workspace, None if dry_run else to, login) as carrier:
        if carrier is not None:
            carrier.ready()
        return _exported(terms, agreement, carrier, dry_run=dry_run, release=release, progress=progress)


def _exported(
    terms: Terms,
    agreement: str,
    to: Carrier | None,
    *,
    dry_run: bool,
    release: bool,
    progress: Callable[[int, int], None] | None,
) -> Exported:
    workspace = terms.workspace
    resumed = () if dry_run else posting.resume(workspace, to=to, agreement=terms.stored.agreement_id)
    courses = Courses(workspace.store.dataset()) if terms.us.role == "practice" else None
    told = workspace.store.sent.digests()
    # Of a framework each partner holds to the version it signed.
    between = [terms.toward(other) for other in terms.others if other.signs == "keys"]
    keyed = [other for other in terms.others if other.signs == "keys"]
    drafts = [
        drafted(one, other, courses, told, release=release, progress=progress)
        for one, other in zip(between, keyed, strict=True)
    ]
    reports = reporting.Reports(workspace, told)
    for one, draft in zip(between, drafts, strict=True):
        reports.add(one, draft, release=release)
    _require_something(terms, drafts, dry_run=dry_run)
    posts = (
        () if dry_run else (_post(one, draft, told, reports, to) for one, draft in zip(between, drafts, strict=True))
    )
    sent = tuple(one for one in posts if one is not None)
    refused = tuple(one for draft in drafts for one in _withheld(draft))
    if not dry_run:
        _note(workspace, agreement, refused)
    return Exported(
        agreement,
        sent,
        refused,
        tuple(one for draft in drafts for one in draft.decisions) if dry_run else (),
        tuple(finding for draft in drafts for finding in draft.findings),
        dry_run,
        resumed,
    )


def _note(workspace: Workspace, agreement: str, refused: Iterable[Withheld]) -> None:
    """Write into the trail what the gate kept back, and on which grounds."""
    for one in refused:
        trail.note(
            workspace,
            "withheld",
            counterparty=one.party,
            ground=agreement,
            outcome="refused",
            detail=f"{one.count}: {', '.join(premise.rule for premise in one.premises)}",
        )


def _require_something(terms: Terms, drafts: Iterable[Draft], *, dry_run: bool) -> None:
    """Raise Refused where nothing goes out because every single message was refused on the same first premise."""
    from exchange.agreements import gate
    from exchange.errors import Refused

    asked = [one for draft in drafts for one in draft.decisions]
    if not asked or any(one.allowed for one in asked):
        if not asked:
            _require_in_force(terms)
        return
    firsts = {next(premise for premise in one.premises if not premise.satisfied).rule for one in asked}
    if len(firsts) == 1 and firsts != {"gate.consent.refused"}:
        decision = Decision(asked[0].premises)
        first = decision.failed[0]
        if not dry_run:
            trail.note(
                terms.workspace,
                "export-refused",
                ground=terms.stored.agreement_id,
                outcome="refused",
                detail=first.rule,
            )
        raise Refused(first.rule, decision=decision, hints=gate.remedies(decision), clause=first.clause, **first.params)


def _require_in_force(terms: Terms) -> None:
    """With no case to ask about, ask about a bare receipt: an agreement that is over says so."""
    from exchange.agreements import gate

    for other in terms.others:
        if other.signs == "keys":
            purpose = terms.frozen.agreement.purposes[0].id
            asked = question(
                terms.toward(other), other, "acknowledgement", elements=frozenset(), case=None, period=None
            )  # fmt: skip
            gate.require(replace(asked, purpose=purpose), terms.toward(other).frozen)


def _post(
    terms: Terms, draft: Draft, told: Mapping[tuple[str, str], str], reports: reporting.Reports, to: Carrier | None
) -> Sent | None:
    """Write cases, what was told, what was published and the journal in one transaction, and the file after that."""
    from exchange.sealing.manifest import AgreementRef, Kind
    from exchange.sealing.sealing import Content

    receipt = acknowledging.riding(terms, draft.party.party)
    if not draft.lines and receipt is None:
        return None
    workspace, stored = terms.workspace, terms.stored
    content = Content(CONTENT, FHIR_LINES, len(draft.lines), b"".join(line + b"\n" for line in draft.lines))
    with workspace.store.together(by=workspace.user, at=workspace.now):
        _require_still_new(workspace, stored.agreement_id, draft, told)
        reports.enter(draft, f"export {stored.agreement_id}")
        for case in draft.opened:
            workspace.store.cases.open(case, by=workspace.user, at=workspace.now)
        entry = posting.reserve(
            workspace,
            kind=Kind.DATA if draft.lines else Kind.ACKNOWLEDGEMENT,
            party=draft.party.party,
            stream=stored.agreement_id,
            contents=(*([content] if draft.lines else []), *([receipt.content] if receipt else [])),
            agreement=AgreementRef(stored.agreement_id, stored.version, stored.digest),
        )
        for about, event, digest in draft.told:
            workspace.store.sent.save(about, event, digest, entry.message_id, by=workspace.user, at=workspace.now)
        if receipt is not None:
            acknowledging.note(workspace, receipt, entry.message_id)
        _note_told(workspace, draft, entry.message_id, stored.agreement_id)
        if draft.released:
            party, count = draft.party.party, draft.released
            ground = stored.agreement_id
            trail.note(workspace, "released", counterparty=party, ground=ground, detail=f"{count}: nine digits")
    posted = posting.publish(workspace, entry, to=to)
    answered = len(receipt.entries) + len(receipt.answers) if receipt else 0
    return Sent(posted.file, draft.party.party, len(draft.lines), len(draft.cases), posted.dropped, answered)


def _note_told(workspace: Workspace, draft: Draft, message_id: str, agreement: str) -> None:
    """Write into the trail of each client in a file who was told (NEN 7513: transfer out)."""
    opened = {case.case_id: case for case in draft.opened}
    cases = [opened.get(case_id) or workspace.store.cases.get(case_id) for case_id in sorted(draft.cases)]
    told = sorted({case.patient_id for case in cases} - {""})
    message, party = f"message:{message_id}", draft.party.party
    trail.note_each(workspace, "told-partner", told, object=message, counterparty=party, ground=agreement)


def _require_still_new(
    workspace: Workspace, agreement_id: str, draft: Draft, told: Mapping[tuple[str, str], str]
) -> None:
    """Under the writers' lock: another process may have opened the same cases, or told the same, since we looked."""
    now = workspace.store.sent.digests()
    if any(now.get((about, event)) != told.get((about, event)) for about, event, _ in draft.told):
        raise StoreError("exporting.meanwhile", hints=("hint.try-again",), party=draft.party.party)
    mine = {case.episode_id for case in draft.opened}
    for case in workspace.store.cases.of_agreement(agreement_id):
        if case.partner == draft.party.party and case.episode_id in mine:
            raise StoreError("exporting.meanwhile", hints=("hint.try-again",), party=draft.party.party)


def _withheld(draft: Draft) -> Iterator[Withheld]:
    groups: Counter[tuple[str, ...]] = Counter()
    shown: dict[tuple[str, ...], tuple[Premise, ...]] = {}
    for one in draft.decisions:
        if not one.allowed:
            failed = tuple(premise for premise in one.premises if not premise.satisfied)
            key = tuple(premise.rule for premise in failed)
            groups[key] += 1
            shown[key] = failed
    for key, count in sorted(groups.items()):
        yield Withheld(draft.party.party, count, shown[key])
