"""Accession to a framework: offered by the practice, asked by a member, accepted by the practice; nobody signs anew."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError, StoreError
from exchange.operations import agreeing, files, posting, trail
from exchange.operations.agreeing import Signed
from exchange.operations.posting import Posted
from exchange.operations.workspace import Workspace
from exchange.records.codes import PartnerKind

if TYPE_CHECKING:
    from exchange.agreements.acceding import Accession, OnPaper
    from exchange.agreements.agreement import Party
    from exchange.agreements.frozen import Frozen
    from exchange.store.agreements import StoredAgreement
    from exchange.store.partners import Partner

ACCESSION = "accession.jws.json"
ACCEPTANCE = "acceptance.jws.json"
_MOST_SCAN = 200 * 1024 * 1024


def offer(workspace: Workspace, agreement: str, party: str) -> Signed:
    """Seal a framework, as the practice signed it, for a partner that is not in its text and may accede."""
    from exchange.agreements import acceding, signing

    stored, frozen = _ours(workspace, agreement)
    partner = _partner(workspace, party)
    _require_open(workspace, stored, frozen, partner.kind)
    if frozen.agreement.party(partner.party) is not None:
        raise AgreementError(
            "acceding.twice", hints=("hint.agreement-list",), agreement=agreement, party=party, clause=acceding.CLAUSE
        )
    practice = frozen.agreement.practice.party
    mine = next(
        one for one in agreeing.signatures(stored) if one.party == practice and one.kind == signing.SIGNATURE
    )  # fmt: skip
    posted = agreeing.send(workspace, stored, partner.party, agreeing.PROPOSAL, mine.jws)
    trail.note(workspace, "accession-offered", object=f"agreement:{stored.digest}", counterparty=partner.party)
    return _stands(workspace, stored, partner.party, posted)


def accede(
    workspace: Workspace,
    agreement: str,
    *,
    function: str,
    authority: str,
    privacy_contact: str = "",
    name: str = "",
    kind: str | None = None,
    label: str = "",
    address: str = "",
) -> Signed:
    """Sign our accession to a framework that the practice offered, and seal it; asked again it is sent again."""
    from exchange.agreements import acceding, signing
    from exchange.agreements.agreement import Party, Signatory

    stored = agreeing.find(workspace, agreement)
    frozen = agreeing.thawed(stored)
    practice = frozen.agreement.practice.party
    before = _waiting(stored, workspace.settings.party)
    if before is not None:
        return _stands(workspace, stored, None, agreeing.send(workspace, stored, practice, ACCESSION, before))
    chosen = _kind(frozen, kind)
    _require_open(workspace, stored, frozen, chosen)
    agreeing.require_sound(workspace, stored)
    contact = privacy_contact.strip() or workspace.settings.contact
    if not (function.strip() and authority.strip() and contact):
        raise AgreementError("acceding.signatory", hints=("hint.acceding.signatory",), agreement=agreement)
    card = workspace.card.fingerprint.replace(" ", "")
    party = Party(
        party=workspace.settings.party,
        name=workspace.settings.name,
        role="partner",
        kind=chosen,
        signs="keys",
        signatory=Signatory(function.strip(), authority.strip(), name.strip()),
        privacy_contact=contact,
        care_provider=chosen in acceding.CARE_PROVIDERS,
        label=label.strip(),
        address=address.strip(),
        card=card,
    )
    record = _record(stored, party, tuple(sorted(workspace.parties)), workspace.on)
    acceding.require(frozen, record, parties=workspace.parties, name=workspace.settings.name, card=card)
    jws = acceding.sign(record, workspace.keyring.signing)
    mine = signing.Signature(party.party, jws, kind=signing.ACCESSION)
    saved = agreeing.save(workspace, stored, (*agreeing.signatures(stored), mine))
    posted = agreeing.send(workspace, saved, practice, ACCESSION, jws)
    trail.note(workspace, "accession-asked", object=f"agreement:{saved.digest}", counterparty=practice)
    return _stands(workspace, saved, None, posted)


def accede_on_paper(
    workspace: Workspace,
    agreement: str,
    party: str,
    *,
    signatory: str,
    function: str,
    authority: str,
    privacy_contact: str,
    signed_on: date,
    scan: Path | None,
    identifiers: tuple[str, ...] = (),
) -> Signed:
    """Record, signed by the practice, that a party without keys acceded on paper, and accept it."""
    from exchange.agreements import acceding, signing
    from exchange.agreements.agreement import Party, Signatory
    from exchange.records.identifiers import Party as Identifier
    from exchange.store.partners import PAPER

    stored, frozen = _ours(workspace, agreement)
    known = _partner(workspace, party)
    if known.state != PAPER:
        raise AgreementError("agreeing.not-on-paper", hints=("hint.acceding.by-keys",), party=party)
    _require_open(workspace, stored, frozen, known.kind)
    if scan is None or not (signatory.strip() and authority.strip() and privacy_contact.strip()):
        raise AgreementError("acceding.paper-incomplete", hints=("hint.acceding.paper",), party=party)
    role = function.strip() or signatory.strip()
    joins = Party(
        party=known.party,
        name=known.name,
        role="partner",
        kind=known.kind,
        signs="paper",
        signatory=Signatory(role, authority.strip()),
        privacy_contact=privacy_contact.strip(),
        care_provider=known.kind in acceding.CARE_PROVIDERS,
        label=known.label,
    )
    checksum = acceding.checksum(files.read(scan, most=_MOST_SCAN))
    paper = acceding.OnPaper(signatory.strip(), role, authority.strip(), signed_on, checksum, workspace.user)
    numbers = tuple(sorted({known.party, *(str(Identifier.parse(one)) for one in identifiers)}))
    record = _record(stored, joins, numbers, workspace.on, paper)
    acceding.require(frozen, record, parties=numbers, name=known.name, card="")
    jws = acceding.sign(record, workspace.keyring.signing)
    asked = signing.Signature(known.party, jws, paper=True, kind=signing.ACCESSION)
    kept = agreeing.save(workspace, stored, (*agreeing.signatures(stored), asked))
    return _accepted(workspace, kept, known.party, jws)


def accept(workspace: Workspace, agreement: str, party: str) -> Signed:
    """Accept an accession that came in: sign it, and tell the member."""
    from exchange.agreements import acceding

    stored, frozen = _ours(workspace, agreement)
    jws = _waiting(stored, party)
    if jws is None:
        raise AgreementError("acceding.none-waiting", hints=("hint.agreement-list",), agreement=agreement, party=party)
    record = acceding.read(jws)
    _require_open(workspace, stored, frozen, record.party.kind)
    card = posting.card_of(workspace, party)
    digits = card.fingerprint.replace(" ", "")
    acceding.require(frozen, record, parties=card.parties, name=card.name, card=digits)
    return _accepted(workspace, stored, party, jws)


def receive_accession(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Keep a member's accession until a person accepts it; refuse one that can't be accepted."""
    from exchange.agreements import acceding, signing

    card = posting.card_of(workspace, party)
    record = acceding.verify(jws, card)
    stored = _named(workspace, record, party)
    frozen = agreeing.thawed(stored)
    named: dict[str, object] = {"agreement": stored.agreement_id, "party": party, "clause": acceding.CLAUSE}
    _require_open(workspace, stored, frozen, record.party.kind)
    known = workspace.store.partners.find(party)
    if known is None or known.kind is not record.party.kind:
        hints = ("hint.acceding.new-version",)
        raise AgreementError("acceding.other-kind", hints=hints, kind=record.party.kind.value, **named)
    # The manifest says who sent it; a member speaks for itself alone.
    parties = card.parties if record.party.party == party else ()
    digits = card.fingerprint.replace(" ", "")
    acceding.require(frozen, record, parties=parties, name=card.name, card=digits)
    before = _waiting(stored, party)
    if before is not None and before != jws and acceding.read(before) != record:
        raise AgreementError("acceding.twice", hints=("hint.acceding.accept",), **named)
    if before is None:
        asked = signing.Signature(party, jws, kind=signing.ACCESSION)
        agreeing.save(workspace, stored, (*agreeing.signatures(stored), asked))
        trail.note(workspace, "accession-received", object=f"agreement:{stored.digest}", counterparty=party)
    return _stands(workspace, stored, party)


def receive_acceptance(workspace: Workspace, party: str, jws: bytes) -> Signed:
    """Keep the practice's acceptance of our accession: from now on we are a party."""
    from exchange.agreements import acceding, signing
    from exchange.signing import jws as signed

    card = posting.card_of(workspace, party)
    wanted = acceding.accepted_digest(jws)
    for stored in workspace.store.agreements.list():
        for one in agreeing.signatures(stored):
            if one.kind != signing.ACCESSION or signed.digest(one.jws) != wanted:
                continue
            if agreeing.thawed(stored).agreement.practice.party not in card.parties:
                break
            acceding.accepted_on(jws, one.jws, card)
            kept = [each for each in agreeing.signatures(stored) if (each.party, each.kind) != (party, "acceptance")]
            accepted = signing.Signature(party, jws, kind=signing.ACCEPTANCE)
            saved = agreeing.save(workspace, stored, (*kept, accepted))
            trail.note(workspace, "acceded", object=f"agreement:{saved.digest}", counterparty=party)
            return Signed(saved.agreement_id, saved.version, saved.digest, saved.state)
    raise AgreementError("acceding.acceptance-unknown", hints=("hint.agreement-accede",), party=party)


def waiting(workspace: Workspace, stored: StoredAgreement) -> tuple[str, ...]:
    """Return the parties whose accession waits: for us to accept where we are the practice, else for the practice."""
    from exchange.agreements import signing

    return tuple(one.party.party for one in signing.waiting(agreeing.signatures(stored)))


def _accepted(workspace: Workspace, stored: StoredAgreement, party: str, jws: bytes) -> Signed:
    from exchange.agreements import acceding, signing

    practice = agreeing.thawed(stored).agreement.practice.party
    said = acceding.accept(jws, workspace.keyring.signing, on=workspace.on, by=workspace.user)
    acceptance = signing.Signature(practice, said, kind=signing.ACCEPTANCE)
    saved = agreeing.save(workspace, stored, (*agreeing.signatures(stored), acceptance))
    posted = []
    if acceding.read(jws).paper is None:
        posted.append(agreeing.send(workspace, saved, party, ACCEPTANCE, said))
    trail.note(workspace, "accession-accepted", object=f"agreement:{saved.digest}", counterparty=party)
    return _stands(workspace, saved, party, *posted)


def _ours(workspace: Workspace, agreement: str) -> tuple[StoredAgreement, Frozen]:
    """Return the version that holds of an agreement in which we are the practice."""
    from exchange.operations.gathering import terms_of

    terms = terms_of(workspace, agreement)
    if terms.us.role != "practice":
        raise AgreementError("acceding.practice-only", hints=("hint.agreement-accede",), agreement=agreement)
    return terms.stored, terms.frozen


def _partner(workspace: Workspace, party: str) -> Partner:
    from exchange.records.identifiers import Party

    found = workspace.store.partners.find(str(Party.parse(party)))
    if found is None:
        raise StoreError("partners.unknown", hints=("hint.partners-add",), party=party)
    return found


def _named(workspace: Workspace, record: Accession, party: str) -> StoredAgreement:
    """Return the agreement that an accession is to, by the digest of what was signed."""
    stored = workspace.store.agreements.by_digest(record.digest)
    if stored is not None and agreeing.thawed(stored).agreement.practice.party in workspace.parties:
        return stored
    known = workspace.store.agreements.find(record.agreement) is not None
    rule, clause = ("acceding.text", "signing") if known else ("acceding.unknown", "accession")
    raise AgreementError(rule, hints=("hint.acceding.offer",), agreement=record.agreement, party=party, clause=clause)


def _require_open(workspace: Workspace, stored: StoredAgreement, frozen: Frozen, kind: PartnerKind) -> None:
    from exchange.agreements import acceding

    acceding.require_open(
        frozen, kind, workspace.on, ended_on=agreeing.ended_on(stored), superseded_on=stored.superseded_on
    )


def _kind(frozen: Frozen, given: str | None) -> PartnerKind:
    """Return as which kind of party we accede; where the framework admits only one it need not be said."""
    terms = frozen.agreement.accession
    kinds = terms.kinds if terms is not None else ()
    if given is not None:
        return PartnerKind(given)
    return kinds[0] if len(kinds) == 1 else frozen.agreement.kind


def _waiting(stored: StoredAgreement, party: str) -> bytes | None:
    """Return the accession of a party that nobody accepted yet."""
    from exchange.agreements import acceding, signing

    listed = agreeing.signatures(stored)
    open_ = {one.party.party for one in signing.waiting(listed)}
    asked = (one.jws for one in listed if one.kind == signing.ACCESSION and one.party == party and party in open_)
    return next((one for one in asked if acceding.read(one).digest == stored.digest), None)


def _record(
    stored: StoredAgreement, party: Party, identifiers: tuple[str, ...], on: date, paper: OnPaper | None = None
) -> Accession:
    from exchange.agreements.acceding import Accession

    return Accession(stored.agreement_id, stored.version, stored.digest, party, identifiers, on, paper)


def _stands(workspace: Workspace, stored: StoredAgreement, party: str | None, *posted: Posted) -> Signed:
    state = agreeing.state(workspace, stored, party)
    return Signed(stored.agreement_id, stored.version, stored.digest, state, posted)
