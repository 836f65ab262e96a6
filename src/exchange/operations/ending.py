"""Ending: an agreement, or one partner's place in it, ends on a day that the other side is told, signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from exchange.errors import AgreementError, SealingError
from exchange.operations import agreeing, posting, trail
from exchange.operations.posting import Posted
from exchange.operations.workspace import Workspace
from exchange.records.calendar import day_of

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen
    from exchange.agreements.signing import Signature
    from exchange.agreements.terminating import Termination
    from exchange.sealing.manifest import Manifest
    from exchange.store.agreements import StoredAgreement

TERMINATION = "termination.jws.json"


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended, for whom and since when (`on` is the first day without it), and who is still to be told how.

    `by_letter` are the partners without keys, or without a card that counts: they are told by letter.
    """

    agreement_id: str
    version: int
    party: str
    on: date
    ground: str
    state: str
    tail_until: date
    files: tuple[Posted, ...] = ()
    by_letter: tuple[str, ...] = ()


def end(workspace: Workspace, agreement: str, *, on: date, party: str | None = None, ground: str = "notice") -> Ended:
    """End an agreement from a day on, and tell it: the practice for all or for one `party`, a partner for itself.

    What is left is the tail for returns and corrections of open cases.
    """
    from exchange.agreements import signing, terminating
    from exchange.operations.gathering import terms_of

    terms = terms_of(workspace, agreement)
    stored, us = terms.stored, terms.us
    about = party if party is not None else ("" if us.role == "practice" else us.party)
    said = terminating.Termination(
        stored.agreement_id, stored.version, stored.digest, us.party, about, on, day_of(workspace.now), ground
    )
    terminating.require(terms.frozen, said, ended_on=agreeing.ended_on(stored, about or None))
    jws = terminating.sign(said, workspace.keyring.signing)
    saved = _kept(workspace, stored, signing.Signature(us.party, jws, kind=signing.TERMINATION), said)
    told, by_letter = _tell(workspace, saved, terms.frozen, said, jws)
    trail.note(
        workspace, "agreement-ended", object=f"agreement:{saved.digest}", ground=saved.agreement_id,
        counterparty=about, detail=f"{on.isoformat()} {ground}",
    )  # fmt: skip
    return _ended(workspace, saved, said, told, by_letter)


def receive(workspace: Workspace, party: str, jws: bytes, manifest: Manifest) -> Ended:
    """Take in that a party ended an agreement with us, or its own place in it."""
    from exchange.agreements import signing, terminating

    said = terminating.verify(jws, posting.card_of(workspace, party))
    stored = workspace.store.agreements.by_digest(said.digest)
    if stored is None or stored.agreement_id != said.agreement:
        raise AgreementError("ending.unknown", hints=("hint.agreement-list",), agreement=said.agreement, party=party)
    frozen = agreeing.thawed(stored)
    parties = {one.party for one in frozen.agreement.parties}
    if party not in parties or said.by != party or not parties & workspace.parties:
        raise AgreementError(
            "ending.no-party", hints=("hint.agreement-list",), agreement=said.agreement, party=party, clause="parties"
        )
    # It was said when it was sealed, not on an earlier day of the sender's choice.
    if said.told_on != day_of(manifest.created):
        raise AgreementError(
            "ending.backdated", hints=("hint.ending.today",), agreement=said.agreement, party=party, clause="term",
            on=said.on, told=day_of(manifest.created),
        )  # fmt: skip
    terminating.require(frozen, said, ended_on=agreeing.ended_on(stored, said.party or None))
    saved = _kept(workspace, stored, signing.Signature(party, jws, kind=signing.TERMINATION), said)
    trail.note(
        workspace, "agreement-ended", object=f"agreement:{saved.digest}", ground=saved.agreement_id,
        counterparty=party, detail=f"{said.on.isoformat()} {said.ground}",
    )  # fmt: skip
    return _ended(workspace, saved, said, (), ())


def _kept(workspace: Workspace, stored: StoredAgreement, signature: Signature, said: Termination) -> StoredAgreement:
    """Keep the statement with every version that parties signed: what ends is the agreement, not one wording of it."""
    saved = stored
    for version in workspace.store.agreements.versions(stored.agreement_id):
        frozen = agreeing.thawed(version)
        if said.party and frozen.agreement.party(said.party) is None:
            continue
        changed = replace(version, ended_on=said.on) if not said.party else version
        kept = agreeing.save(workspace, changed, (*agreeing.signatures(version), signature))
        saved = kept if kept.version == stored.version else saved
    return saved


def _tell(
    workspace: Workspace, stored: StoredAgreement, frozen: Frozen, said: Termination, jws: bytes
) -> tuple[tuple[Posted, ...], tuple[str, ...]]:
    """Seal the statement for whom it concerns; return also who is left to be told by letter."""
    agreement = frozen.agreement
    if said.by != agreement.practice.party:
        concerned = [agreement.practice]
    else:
        concerned = [one for one in agreement.partners if said.party in ("", one.party) and one.kind != "client"]
    signed = agreeing.signed_by(workspace, stored)
    posted, letters = [], []
    for one in concerned:
        if one.party not in signed:
            continue
        try:
            posted.append(agreeing.send(workspace, stored, one.party, TERMINATION, jws))
        except SealingError:
            letters.append(one.party)
    return tuple(posted), tuple(letters)


def _ended(
    workspace: Workspace,
    stored: StoredAgreement,
    said: Termination,
    told: tuple[Posted, ...],
    by_letter: tuple[str, ...],
) -> Ended:
    from exchange.agreements import life

    return Ended(
        stored.agreement_id,
        stored.version,
        said.party,
        said.on,
        said.ground,
        agreeing.state(workspace, stored, said.party or None),
        life.follow_up_until(agreeing.thawed(stored), said.on),
        told,
        by_letter,
    )
