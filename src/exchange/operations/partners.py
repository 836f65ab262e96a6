"""Partners and their key cards: give ours, add theirs, and record that a person compared the fingerprints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SealingError, StoreError
from exchange.operations import files, trail
from exchange.operations.workspace import Workspace
from exchange.records.codes import PartnerKind
from exchange.records.identifiers import Party

if TYPE_CHECKING:
    from exchange.signing.cards import Card
    from exchange.store.partners import Partner

_MOST_CARD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A partner as people see it."""

    party: str
    name: str
    kind: str
    label: str
    state: str
    fingerprint: str
    verified_by: str
    verified_on: date | None


def own_card(workspace: Workspace, *, to: Path | None = None, qr: Path | None = None) -> Card:
    """Return our card, and write it or its fingerprint's QR code where that was asked."""
    card = workspace.card
    if to is not None:
        files.write(to, card.jws)
    if qr is not None:
        files.write(qr, card.qr(card.name).encode("utf-8"))
    return card


def add(workspace: Workspace, file: Path, *, kind: str, label: str = "") -> Listed:
    """Add a partner by its card; it stays unverified until a person compared the fingerprint."""
    from exchange.signing.cards import conflicting, read_card, require_same_world
    from exchange.store.partners import Partner

    card = read_card(files.read(file, most=_MOST_CARD))
    require_same_world(workspace.settings.demo, card)
    if set(card.parties) & workspace.parties:
        raise SealingError("partners.ourselves", hints=("hint.partners-card",), party=card.parties[0])
    known = [read_card(one.card) for one in workspace.store.partners.list() if one.card is not None]
    if conflicting([*known, card]):
        raise SealingError("partners.two-cards", hints=("hint.partners-call",), party=card.parties[0])
    before = {one.fingerprint: one for one in workspace.store.partners.cards(card.parties[0])}
    if card.fingerprint in before:
        return _listed(before[card.fingerprint])
    if any(one.state == "verified" for one in before.values()):
        # a second card of a known partner is a rotation, and that must be signed by the keys we know
        raise SealingError("partners.not-a-rotation", hints=("hint.partners-call",), party=card.parties[0])
    partner = Partner(
        party=card.parties[0],
        name=card.name,
        kind=PartnerKind(kind),
        label=label,
        card=card.jws,
        fingerprint=card.fingerprint,
        serial=card.serial,
    )
    workspace.store.partners.save(partner, by=workspace.user, at=workspace.now)
    trail.note(workspace, "partner-added", counterparty=partner.party, detail=f"card {card.digest}")
    return _listed(partner)


def add_paper(workspace: Workspace, party: str, *, name: str, kind: str, label: str = "") -> Listed:
    """Add a partner that has no keys: it signs on paper and answers on a form."""
    from exchange.store.partners import PAPER, Partner

    partner = Partner(
        party=str(Party.parse(party)), name=name.strip(), kind=PartnerKind(kind), label=label, state=PAPER
    )
    workspace.store.partners.save(partner, by=workspace.user, at=workspace.now)
    trail.note(workspace, "partner-added", counterparty=partner.party, detail="on paper")
    return _listed(partner)


def verify(workspace: Workspace, party: str, *, fingerprint: str, how: str) -> Listed:
    """Record that the fingerprint was compared, by whom, when and how; refuse one that is not the card's."""
    from exchange.store.partners import VERIFIED

    given = "".join(sign for sign in fingerprint if sign.isdigit())
    cards = workspace.store.partners.cards(str(Party.parse(party)))
    if not cards:
        raise StoreError("partners.unknown", hints=("hint.partners-add",), party=party)
    found = next((one for one in cards if one.fingerprint.replace(" ", "") == given), None)
    if found is None or not given:
        raise SealingError("partners.fingerprint-differs", hints=("hint.partners-call",), party=party)
    if not how.strip():
        raise SealingError("partners.how", hints=("hint.partners-call",), party=party)
    checked = replace(
        found, state=VERIFIED, verified_by=workspace.user, verified_on=workspace.on, verified_how=how.strip()
    )
    workspace.store.partners.save(checked, by=workspace.user, at=workspace.now)
    trail.note(workspace, "card-verified", counterparty=party, detail=how.strip())
    return _listed(checked)


def listed(workspace: Workspace) -> tuple[Listed, ...]:
    """Return every partner with every card."""
    return tuple(_listed(one) for one in workspace.store.partners.list())


def cards_of(workspace: Workspace) -> dict[str, list[Card]]:
    """Return, per party, every card that may be trusted for a signature: verified ones, and our own."""
    from exchange.signing.cards import read_card

    trusted: dict[str, list[Card]] = {party: [workspace.card] for party in workspace.parties}
    for one in workspace.store.partners.list():
        if one.card is not None and one.state == "verified":
            card = read_card(one.card)
            for party in card.parties:
                trusted.setdefault(party, []).append(card)
    return trusted


def _listed(partner: Partner) -> Listed:
    return Listed(
        partner.party,
        partner.name,
        str(partner.kind.value),
        partner.label,
        partner.state,
        partner.fingerprint,
        partner.verified_by,
        partner.verified_on,
    )
