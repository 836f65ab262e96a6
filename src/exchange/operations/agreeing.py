"""Agreements as they are signed and followed: sign, propose, accept, record paper, list, end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError, WasChanged
from exchange.findings import Severity
from exchange.operations import drafting, files, overdue, partners, posting, trail
from exchange.operations.posting import Posted
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen
    from exchange.agreements.signing import Signature
    from exchange.agreements.terminating import Termination
    from exchange.signing.cards import Card
    from exchange.store.agreements import StoredAgreement

PROPOSAL = "proposal.jws.json"
RESPONSE = "response.jws.json"
JOSE = "application/jose+json"


@dataclass(frozen=True, slots=True)
class Signed:
    """Where an agreement stands after a signature, and the files that now go to partners.

    `named` is false where its text does not name us, so that we can accede to it and not accept it.
    """

    agreement_id: str
    version: int
    digest: str
    state: str
    files: tuple[Posted, ...] = ()
    named: bool = True


@dataclass(frozen=True, slots=True)
class Overview:
    """One agreement in the list: `until` excluded, `next_moment` empty when none is to come.

    `overdue` is the agreed moment that passed without a review, `late` counts answers that stay out too long.
    """

    agreement_id: str
    version: int
    title: str
    state: str
    until: date
    next_moment: date | None
    cases: int
    unanswered: int
    overdue: date | None = None
    late: int = 0


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
    stored = workspace.store.agreements.find(agreement.id, agreement.version)
    if stored is None or stored.payload != payload:
        stored = StoredAgreement(agreement.id, agreement.version, signing.digest(payload), payload)
    # Signed once more it is proposed once more: what partners signed, and the end that was told, stand.
    theirs = [one for one in signatures(stored) if (one.party, one.kind) != (mine.party, signing.SIGNATURE)]
    require_not_over(workspace, stored)
    saved = save(workspace, stored, (mine, *theirs))
    signed = signed_by(workspace, saved)
    keyed = [party for party in agreement.partners if party.signs == "keys" and party.party not in signed]
    posted = tuple(send(workspace, saved, party.party, PROPOSAL, jws) for party in keyed)
    trail.note(workspace, "agreement-signed", object=f"agreement:{saved.digest}", ground=saved.agreement_id)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state, posted)


def sign_paper(
    workspace: Workspace,
    agreement: str,
    *,
    party: str,
    signatory: str,
    function: str = "",
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
        function=function or signatory or signer.signatory.function,
        authority=authority or signer.signatory.authority,
        on=signed_on,
        scan=hashlib.sha256(files.read(scan, most=200 * 1024 * 1024)).hexdigest(),
        recorded_by=workspace.user,
    )
    require_not_over(workspace, stored, party)
    paper = signing.Signature(party, signing.record_paper(record, workspace.keyring.signing), paper=True)
    saved = save(workspace, stored, (*_others(stored, party), paper))
    trail.note(workspace, "agreement-signed-on-paper", object=f"agreement:{saved.digest}", counterparty=party)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)


def accept(workspace: Workspace, agreement: str) -> Signed:
    """Sign a proposal that was received, and seal the answer for the practice."""
    from exchange.agreements import signing

    stored = find(workspace, agreement)
    frozen = signing.thaw(stored.payload)
    ours = next((one for one in frozen.agreement.partners if one.party in workspace.parties), None)
    if ours is None or ours.signs != "keys":
        open_ = frozen.agreement.accession is not None and ours is None
        hint = "hint.agreement-accede" if open_ else "hint.agreements.check"
        raise AgreementError("agreeing.not-ours", hints=(hint,), party=workspace.settings.party)
    require_not_over(workspace, stored, ours.party)
    if ours.card != workspace.card.fingerprint.replace(" ", ""):
        raise AgreementError("agreeing.other-card", hints=("hint.ask-new-proposal",), party=ours.party)
    require_sound(workspace, stored)
    jws = signing.sign(stored.payload, workspace.keyring.signing, on=workspace.on)
    saved = save(workspace, stored, (*_others(stored, ours.party), signing.Signature(ours.party, jws)))
    posted = send(workspace, saved, frozen.agreement.practice.party, RESPONSE, jws)
    trail.note(workspace, "agreement-signed", object=f"agreement:{saved.digest}", ground=saved.agreement_id)
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state, (posted,))


def require_sound(workspace: Workspace, stored: StoredAgreement) -> None:
    """Raise AgreementError unless the practice signed a proposal, and nothing in it is wrong."""
    from exchange.agreements import signing

    frozen = signing.thaw(stored.payload)
    practice = frozen.agreement.practice.party
    if practice not in signed_by(workspace, stored):
        raise AgreementError("agreeing.not-signed", hints=("hint.partners-verify",), party=practice)
    wrong = [one for one in signing.examine(frozen, workspace.on) if one.severity is Severity.ERROR]
    if wrong:
        raise AgreementError("agreeing.proposal-wrong", hints=("hint.ask-new-proposal",), count=len(wrong))


def require_not_over(workspace: Workspace, stored: StoredAgreement, party: str | None = None) -> None:
    """Refuse to sign what was ended, for one party or for all, or was replaced by a later version."""
    named: dict[str, object] = {"agreement": stored.agreement_id, "version": stored.version}
    end = ended_on(stored, party) if party else stored.ended_on
    if end is not None and end <= workspace.on:
        raise AgreementError("agreeing.ended", hints=("hint.gate.in-time",), until=end, clause="ending", **named)
    if stored.superseded_on is not None and stored.superseded_on <= workspace.on:
        raise AgreementError("agreeing.replaced", hints=("hint.gate.version",), clause="changes", **named)


def receive_proposal(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Keep a proposal whose practice signed it and that names us as a partner."""
    from exchange.agreements import signing
    from exchange.store.agreements import StoredAgreement

    card = posting.card_of(workspace, party)
    payload = _verified(jws, card, party)
    frozen = signing.thaw(payload)
    agreement = frozen.agreement
    named = any(one.party in workspace.parties for one in agreement.partners)
    if agreement.practice.party not in card.parties or not (named or agreement.accession is not None):
        raise AgreementError("agreeing.proposal-not-for-us", hints=("hint.ask-new-proposal",), party=party)
    before = workspace.store.agreements.find(agreement.id, agreement.version)
    if before is not None and before.payload == payload:
        return Signed(before.agreement_id, before.version, before.digest, before.state, named=named)
    _require_newest(workspace, agreement.id, agreement.version)
    stored = StoredAgreement(agreement.id, agreement.version, frozen.digest, payload)
    saved = save(workspace, stored, (signing.Signature(agreement.practice.party, jws),))
    return Signed(saved.agreement_id, saved.version, saved.digest, saved.state, named=named)


def _verified(jws: bytes, card: Card, party: str) -> bytes:
    """Return the text that a card signed; refuse one that was changed after that, or lacks a signature."""
    from exchange.signing import jws as signed

    try:
        return signed.verify(jws, "agreement", card)
    except WasChanged:
        raise AgreementError(
            "agreeing.text-changed", hints=("hint.ask-new-proposal",), party=party, clause="signing"
        ) from None


def _require_newest(workspace: Workspace, agreement: str, version: int) -> None:
    """Refuse a text of which this version, or a later one, is here already: two would hold on one day."""
    before = workspace.store.agreements.find(agreement)
    if before is not None and before.version >= version:
        raise AgreementError(
            "agreeing.version-taken", hints=("hint.next-version",), id=agreement, version=version, clause="changes"
        )


def receive_response(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Add a partner's signature over exactly the bytes we proposed."""
    from exchange.agreements import signing
    from exchange.signing import jws as signed

    try:
        stored = workspace.store.agreements.by_digest(signed.digest(jws))
    except WasChanged:
        _verified(jws, posting.card_of(workspace, party), party)
        raise
    if stored is None:
        raise AgreementError(
            "agreeing.response-unknown", hints=("hint.ask-new-proposal",), party=party, clause="signing"
        )
    require_not_over(workspace, stored, party)
    kept = _others(stored, party)
    saved = save(workspace, stored, (*kept, signing.Signature(party, jws)))
    if party not in signed_by(workspace, saved):
        save(workspace, stored, kept)
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
    from exchange.agreements.signing import signature

    return tuple(signature(one) for one in stored.signatures)


def _others(stored: StoredAgreement, party: str) -> tuple[Signature, ...]:
    """Return all that lies beside an agreement but a party's own signature over it, which is about to be replaced."""
    from exchange.agreements.signing import SIGNATURE

    return tuple(one for one in signatures(stored) if (one.party, one.kind) != (party, SIGNATURE))


def thawed(stored: StoredAgreement) -> Frozen:
    """Return the content of a stored agreement, with the parties that acceded to it since."""
    from exchange.agreements import signing

    return signing.thaw_with(stored.payload, signatures(stored))


def terminations(stored: StoredAgreement) -> tuple[Termination, ...]:
    """Return what was said of an end, for one party or for all; it was verified when it came in."""
    from exchange.agreements import signing, terminating

    return tuple(terminating.read(one.jws) for one in signatures(stored) if one.kind == signing.TERMINATION)


def ended_on(stored: StoredAgreement, party: str | None = None) -> date | None:
    """Return since when an agreement is ended, for one partner or (without) for all of them."""
    told = terminations(stored)
    for_all = [stored.ended_on, *(one.on for one in told if not one.party)]
    if party is not None:
        days = [*for_all, *(one.on for one in told if one.party == party)]
        return min((day for day in days if day is not None), default=None)
    known = [day for day in for_all if day is not None]
    # Where every partner left, nobody is in it any more.
    left = {one.party: one.on for one in sorted(told, key=lambda one: one.on, reverse=True) if one.party}
    partners_ = {one.party for one in thawed(stored).agreement.partners}
    everyone = [max(left.values())] if partners_ and partners_ <= left.keys() else []
    return min([*known, *everyone], default=None)


def signed_by(workspace: Workspace, stored: StoredAgreement) -> frozenset[str]:
    """Return the parties whose signature over exactly this payload holds, by the cards we trust."""
    from exchange.agreements import signing

    return signing.signed_by(stored.payload, signatures(stored), partners.cards_of(workspace))


def state(workspace: Workspace, stored: StoredAgreement, party: str | None = None) -> str:
    """Return where an agreement stands today, for one partner or as a whole."""
    from exchange.agreements import life, signing

    frozen = thawed(stored)
    ours = None if frozen.agreement.practice.party in workspace.parties else workspace.settings.party
    asked = any(one.party.party == ours for one in signing.waiting(signatures(stored)))
    return str(
        life.state(
            frozen,
            signed_by(workspace, stored),
            workspace.on,
            party=party or ours,
            reviewing=workspace.store.reviews.under_review(stored.agreement_id, stored.version),
            proposed=ours is not None and not asked,
            ended_on=ended_on(stored, party or ours),
            superseded_on=superseded_on(workspace, stored, party or ours),
        ).value
    )


def superseded_on(workspace: Workspace, stored: StoredAgreement, party: str | None = None) -> date | None:
    """Return since when a later version holds; for one party only where that party signed a later one as well."""
    if party is None or stored.superseded_on is None:
        return stored.superseded_on
    later = [one for one in workspace.store.agreements.versions(stored.agreement_id) if one.version > stored.version]
    return stored.superseded_on if any(party in signed_by(workspace, one) for one in later) else None


def listed(workspace: Workspace, *, versions: bool = False) -> tuple[Overview, ...]:
    """Return every agreement, its newest version or all of them, with what is next and what is open."""
    every = workspace.store.agreements.list()
    newest = {one.agreement_id: one for one in every}
    return tuple(_overview(workspace, one) for one in (every if versions else newest.values()))


def _overview(workspace: Workspace, stored: StoredAgreement) -> Overview:
    from exchange.agreements import life

    frozen = thawed(stored)
    ours = None if frozen.agreement.practice.party in workspace.parties else workspace.settings.party
    cases = workspace.store.cases.of_agreement(stored.agreement_id)
    answered = {one.case_id for one in workspace.store.answers.of_cases(case.case_id for case in cases)}
    coming = [moment.on for moment in frozen.agreement.evaluations if moment.on >= workspace.on]
    return Overview(
        stored.agreement_id,
        stored.version,
        frozen.agreement.title["nl"],
        state(workspace, stored),
        life.last_day(frozen.agreement, workspace.on, ended_on(stored, ours)),
        min(coming, default=None),
        len(cases),
        sum(case.case_id not in answered for case in cases),
        overdue.review(frozen.agreement, workspace.store.reviews.of(stored.agreement_id), workspace.on)
        if ours is None
        else None,
        overdue.answers(frozen.agreement, cases, answered, workspace.on),
    )


def save(workspace: Workspace, stored: StoredAgreement, signed: Iterable[Signature]) -> StoredAgreement:
    """Keep an agreement with its signatures and state; earlier versions give way on its first day, or at once."""
    from exchange.agreements import life, signing

    kept = replace(stored, signatures=tuple(json.loads(signing.write_signatures(signed))))
    kept = replace(kept, state=state(workspace, kept))
    switch = max(workspace.on, signing.thaw(kept.payload).agreement.term.start)
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.agreements.save(kept, by=workspace.user, at=workspace.now)
        if kept.state in {one.value for one in (*life.IN_FORCE, life.State.SIGNED)}:
            for earlier in workspace.store.agreements.versions(kept.agreement_id):
                if earlier.version < kept.version and earlier.superseded_on is None:
                    switched = replace(earlier, superseded_on=switch)
                    workspace.store.agreements.save(switched, by=workspace.user, at=workspace.now)
    return kept


def send(workspace: Workspace, stored: StoredAgreement, party: str, name: str, jws: bytes) -> Posted:
    """Seal a signed statement about an agreement for one partner, as a control file: no patient is in it."""
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
