"""Agreements as they are signed and followed: sign, propose, accept, record paper, list, end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.findings import Severity
from exchange.operations import drafting, files, partners, posting, trail
from exchange.operations.posting import Posted
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.signing import Signature
    from exchange.store.agreements import StoredAgreement

PROPOSAL = "proposal.jws.json"
RESPONSE = "response.jws.json"
JOSE = "application/jose+json"


@dataclass(frozen=True, slots=True)
class Signed:
    """Where an agreement stands after a signature, and the files that now go to partners."""

    agreement_id: str
    version: int
    digest: str
    state: str
    files: tuple[Posted, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """One agreement in the list: `until` excluded, `next_moment` empty when none is to come."""

    agreement_id: str
    version: int
    title: str
    state: str
    until: date
    next_moment: date | None
    cases: int
    unanswered: int


def sign(workspace: Workspace, file: Path) -> Signed:
    """Sign a draft of ours, keep it, and seal a proposal for every partner that has keys."""
    from exchange.agreements import signing
    from exchange.indicators.reading import shipped_definitions
    from exchange.store.agreements import StoredAgreement

    agreement = drafting.read(file)
    if agreement.practice.party not in workspace.parties:
        raise AgreementError("agreeing.not-ours", hints=("hint.agreements.check",), party=agreement.practice.party)
    payload = signing.freeze(agreement, shipped_definitions(), on=workspace.on)
    before = workspace.store.agreements.find(agreement.id)
    if before is not None and before.version >= agreement.version and before.payload != payload:
        raise AgreementError(
            "agreeing.version-taken", hints=("hint.next-version",), id=agreement.id, version=agreement.version
        )
    jws = signing.sign(payload, workspace.keyring.signing, on=workspace.on)
    mine = signing.Signature(agreement.practice.party, jws)
    stored = StoredAgreement(agreement.id, agreement.version, signing.digest(payload), payload)
    saved = _save(workspace, stored, (mine,))
    keyed = [party for party in agreement.partners if party.signs == "keys"]
    posted = tuple(_send(workspace, saved, party.party, PROPOSAL, jws) for party in keyed)
    trail.note(workspace, "agreement-signed", object=f"agreement:{saved.digest}", ground=saved.agreement_id)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state, posted)


def sign_paper(
    workspace: Workspace,
    agreement: str,
    *,
    party: str,
    signatory: str,
    authority: str,
    signed_on: date,
    scan: Path | None,
) -> Signed:
    """Record that a party signed the printed text; the scan's digest goes into the record, the scan stays with us."""
    from exchange.agreements import signing

    stored = find(workspace, agreement)
    frozen = signing.thaw(stored.payload)
    signer = frozen.agreement.party(party)
    if signer is None or signer.signs != "paper":
        raise AgreementError("agreeing.not-on-paper", hints=("hint.agreements.paper",), party=party)
    if scan is None:
        raise AgreementError("agreements.paper-incomplete", hints=("hint.agreements.paper",), party=party)
    record = signing.PaperRecord(
        agreement=stored.agreement_id,
        version=stored.version,
        digest=stored.digest,
        party=party,
        signatory=signatory or signer.signatory.function,
        function=signatory or signer.signatory.function,
        authority=authority or signer.signatory.authority,
        on=signed_on,
        scan=hashlib.sha256(files.read(scan, most=200 * 1024 * 1024)).hexdigest(),
        recorded_by=workspace.user,
    )
    paper = signing.Signature(party, signing.record_paper(record, workspace.keyring.signing), paper=True)
    saved = _save(workspace, stored, (*signatures(stored), paper))
    trail.note(workspace, "agreement-signed-on-paper", object=f"agreement:{saved.digest}", counterparty=party)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)


def accept(workspace: Workspace, agreement: str) -> Signed:
    """Sign a proposal that was received, and seal the answer for the practice."""
    from exchange.agreements import signing

    stored = find(workspace, agreement)
    frozen = signing.thaw(stored.payload)
    ours = next((one for one in frozen.agreement.partners if one.party in workspace.parties), None)
    if ours is None or ours.signs != "keys":
        raise AgreementError("agreeing.not-ours", hints=("hint.agreements.check",), party=workspace.settings.party)
    if ours.card != workspace.card.fingerprint.replace(" ", ""):
        raise AgreementError("agreeing.other-card", hints=("hint.ask-new-proposal",), party=ours.party)
    if frozen.agreement.practice.party not in signed_by(workspace, stored):
        raise AgreementError(
            "agreeing.not-signed", hints=("hint.partners-verify",), party=frozen.agreement.practice.party
        )
    wrong = [one for one in signing.examine(frozen, workspace.on) if one.severity is Severity.ERROR]
    if wrong:
        raise AgreementError("agreeing.proposal-wrong", hints=("hint.ask-new-proposal",), count=len(wrong))
    jws = signing.sign(stored.payload, workspace.keyring.signing, on=workspace.on)
    saved = _save(workspace, stored, (*signatures(stored), signing.Signature(ours.party, jws)))
    posted = _send(workspace, saved, frozen.agreement.practice.party, RESPONSE, jws)
    trail.note(workspace, "agreement-signed", object=f"agreement:{saved.digest}", ground=saved.agreement_id)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state, (posted,))


def end(workspace: Workspace, agreement: str, *, on: date) -> Signed:
    """End an agreement on a day; what is left is the tail for returns and corrections of open cases."""
    stored = find(workspace, agreement)
    saved = _save(workspace, replace(stored, ended_on=on), signatures(stored))
    trail.note(workspace, "agreement-ended", object=f"agreement:{saved.digest}", ground=saved.agreement_id)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)


def receive_proposal(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Keep a proposal whose practice signed it and that names us as a partner."""
    from exchange.agreements import signing
    from exchange.signing import jws as signed
    from exchange.store.agreements import StoredAgreement

    card = posting.card_of(workspace, party)
    payload = signed.verify(jws, "agreement", card)
    frozen = signing.thaw(payload)
    agreement = frozen.agreement
    if agreement.practice.party not in card.parties or not any(
        one.party in workspace.parties for one in agreement.partners
    ):
        raise AgreementError("agreeing.proposal-not-for-us", hints=("hint.ask-new-proposal",), party=party)
    before = workspace.store.agreements.find(agreement.id, agreement.version)
    if before is not None and before.payload == payload:
        return Signed(before.agreement_id, before.version, before.digest, before.state)
    stored = StoredAgreement(agreement.id, agreement.version, frozen.digest, payload)
    saved = _save(workspace, stored, (signing.Signature(agreement.practice.party, jws),))
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)


def receive_response(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Add a partner's signature over exactly the bytes we proposed."""
    from exchange.agreements import signing
    from exchange.signing import jws as signed

    stored = workspace.store.agreements.by_digest(signed.digest(jws))
    if stored is None:
        raise AgreementError("agreeing.response-unknown", hints=("hint.ask-new-proposal",), party=party)
    kept = tuple(one for one in signatures(stored) if one.party != party)
    saved = _save(workspace, stored, (*kept, signing.Signature(party, jws)))
    if party not in signed_by(workspace, saved):
        _save(workspace, stored, kept)
        raise AgreementError("agreeing.not-signed", hints=("hint.partners-verify",), party=party)
    trail.note(workspace, "agreement-accepted", object=f"agreement:{saved.digest}", counterparty=party)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)


def find(workspace: Workspace, agreement: str) -> StoredAgreement:
    """Return the newest version of an agreement here; AgreementError where there is none by that name."""
    stored = workspace.store.agreements.find(agreement)
    if stored is None:
        raise AgreementError("agreeing.unknown", hints=("hint.agreement-list",), id=agreement)
    return stored


def signatures(stored: StoredAgreement) -> tuple[Signature, ...]:
    """Return the signatures that came with a stored agreement, not yet verified."""
    from exchange.agreements.signing import Signature

    return tuple(
        Signature(str(one["party"]), str(one["jws"]).encode("ascii"), bool(one["paper"])) for one in stored.signatures
    )


def signed_by(workspace: Workspace, stored: StoredAgreement) -> frozenset[str]:
    """Return the parties whose signature over exactly this payload holds, by the cards we trust."""
    from exchange.agreements import signing

    return signing.signed_by(stored.payload, signatures(stored), partners.cards_of(workspace))


def state(workspace: Workspace, stored: StoredAgreement, party: str | None = None) -> str:
    """Return where an agreement stands today, for one partner or as a whole."""
    from exchange.agreements import life, signing

    frozen = signing.thaw(stored.payload)
    ours = None if frozen.agreement.practice.party in workspace.parties else workspace.settings.party
    return str(
        life.state(
            frozen,
            signed_by(workspace, stored),
            workspace.on,
            party=party or ours,
            reviewing=workspace.store.reviews.under_review(stored.agreement_id, stored.version),
            ended_on=stored.ended_on,
            superseded_on=stored.superseded_on,
        ).value
    )


def listed(workspace: Workspace) -> tuple[Overview, ...]:
    """Return every agreement, its newest version, with what is next and what is open."""
    newest = {one.agreement_id: one for one in workspace.store.agreements.list()}
    return tuple(_overview(workspace, one) for one in newest.values())


def _overview(workspace: Workspace, stored: StoredAgreement) -> Overview:
    from exchange.agreements import life, signing

    frozen = signing.thaw(stored.payload)
    cases = workspace.store.cases.of_agreement(stored.agreement_id)
    answered = {one.case_id for one in workspace.store.answers.of_cases(case.case_id for case in cases)}
    coming = [moment.on for moment in frozen.agreement.evaluations if moment.on >= workspace.on]
    return Overview(
        stored.agreement_id,
        stored.version,
        frozen.agreement.title["nl"],
        state(workspace, stored),
        life.last_day(frozen.agreement, workspace.on, stored.ended_on),
        min(coming, default=None),
        len(cases),
        sum(case.case_id not in answered for case in cases),
    )


def _save(workspace: Workspace, stored: StoredAgreement, signed: Iterable[Signature]) -> StoredAgreement:
    """Keep an agreement with its signatures and state; once it is in force, earlier versions are superseded."""
    from exchange.agreements import life, signing

    kept = replace(stored, signatures=tuple(json.loads(signing.write_signatures(signed))))
    kept = replace(kept, state=state(workspace, kept))
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.agreements.save(kept, by=workspace.user, at=workspace.now)
        if kept.state in {one.value for one in life.IN_FORCE}:
            for earlier in workspace.store.agreements.versions(kept.agreement_id):
                if earlier.version < kept.version and earlier.superseded_on is None:
                    switched = replace(earlier, superseded_on=workspace.on)
                    workspace.store.agreements.save(switched, by=workspace.user, at=workspace.now)
    return kept


def _send(workspace: Workspace, stored: StoredAgreement, party: str, name: str, jws: bytes) -> Posted:
    from exchange.sealing.manifest import AgreementRef, Kind
    from exchange.sealing.sealing import Content

    return posting.post(
        workspace,
        kind=Kind.CONTROL,
        party=party,
        stream=stored.agreement_id,
        contents=(Content(name, JOSE, 1, jws),),
        agreement=AgreementRef(stored.agreement_id, stored.version, stored.digest),
    )
