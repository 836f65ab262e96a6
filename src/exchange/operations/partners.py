"""Partners and their key cards: give ours, add theirs, compare fingerprints, and follow rotations and revocations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SealingError, StoreError, WasChanged
from exchange.operations import files, rotating, standing, trail
from exchange.operations.workspace import Workspace
from exchange.records.codes import PartnerKind
from exchange.records.identifiers import Party

if TYPE_CHECKING:
    from exchange.signing.cards import Card, Rotation
    from exchange.store.partners import Partner

ROTATION = "rotation.jws.json"
REVOCATION = "revocation.jws.json"
STATEMENTS = frozenset({ROTATION, REVOCATION})
_MOST_CARD = 64 * 1024
_STANDS = frozenset({"verified", "rotated", "blocked"})
_LONGEST_OVERLAP = timedelta(days=366)


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
    verified_how: str = ""
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Revoked:
    """A partner whose cards are revoked; `agreements` rest on a signature by one of them and stop."""

    party: str
    name: str
    cards: tuple[str, ...]
    agreements: tuple[str, ...]


def own_card(workspace: Workspace, *, to: Path | None = None, qr: Path | None = None) -> Card:
    """Return our card, and write it or its fingerprint's QR code where that was asked."""
    card = workspace.card
    if to is not None:
        files.write(to, card.jws)
    if qr is not None:
        png = qr.suffix.lower() == ".png"
        files.write(qr, card.qr_png() if png else card.qr(card.name).encode("utf-8"))
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
    if any(one.state in _STANDS and read_card(one.card or b"").valid_on(workspace.on) for one in before.values()):
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


def verify(
    workspace: Workspace,
    party: str,
    *,
    fingerprint: str | None = None,
    ours: str | None = None,
    how: str,
    person: str = "",
) -> Listed:
    """Record that fingerprints were compared, by whom, with whom, when and how.

    `fingerprint` are the partner's forty digits as they were read to us, `ours` our own as the partner read them back
    from the card it holds. The card counts as verified when both were right; they may be given one after the other.
    """
    from exchange.store.partners import BLOCKED, ROTATED, UNVERIFIED, VERIFIED

    found = _compared(workspace, str(Party.parse(party)), fingerprint, ours)
    if not how.strip():
        raise SealingError("partners.how", hints=("hint.partners-call",), party=party)
    if ours is not None and _digits(ours) != _digits(workspace.card.fingerprint):
        trail.note(workspace, "own-card-differs", counterparty=found.party, outcome="refused", detail=how.strip())
        raise SealingError("partners.ours-differs", hints=("hint.partners-ours-differs",), party=party)
    # A card that its predecessor vouches for needs only the partner's own digits: it compared ours long ago.
    again = fingerprint is not None and found.state in {ROTATED, BLOCKED}
    both = again or (ours is not None and (fingerprint is not None or bool(found.verified_by)))
    if ours is not None and not both:
        raise SealingError("partners.theirs-first", hints=("hint.partners-verify",), party=party)
    told = " / ".join(part for part in (how.strip(), person.strip()) if part)
    said = found.verified_how if found.state == UNVERIFIED and fingerprint is None else ""
    checked = replace(
        found,
        state=VERIFIED if both or found.state == VERIFIED else found.state,
        verified_by=workspace.user,
        verified_on=workspace.on,
        verified_how="; ".join(part for part in (said, told) if part),
    )
    workspace.store.partners.save(checked, by=workspace.user, at=workspace.now)
    directions = " + ".join(word for word, given in (("theirs", fingerprint), ("ours", ours)) if given is not None)
    trail.note(workspace, "card-verified", counterparty=found.party, detail=f"{directions}: {told}")
    if both:
        _drop_rivals(workspace, checked)
    return _listed(checked)


def _compared(workspace: Workspace, party: str, fingerprint: str | None, ours: str | None) -> Partner:
    """Return the card that the digits are of; without digits, the one whose own were compared before."""
    from exchange.store.partners import REVOKED

    cards = [one for one in workspace.store.partners.cards(party) if one.card is not None]
    if not cards:
        raise StoreError("partners.unknown", hints=("hint.partners-add",), party=party)
    if fingerprint is None:
        return next((one for one in cards if one.verified_by and one.state != REVOKED), cards[0])
    found = next((one for one in cards if _digits(one.fingerprint) == _digits(fingerprint)), None)
    if found is None or not _digits(fingerprint):
        raise SealingError("partners.fingerprint-differs", hints=("hint.partners-call",), party=party)
    if found.state == REVOKED:
        raise SealingError("partners.revoked", hints=("hint.partners-anew",), party=party)
    return found


def _drop_rivals(workspace: Workspace, checked: Partner) -> None:
    """Revoke the cards that stood against one that a person has now compared."""
    for one in workspace.store.partners.cards(checked.party):
        if one.state == "blocked" and one.fingerprint != checked.fingerprint:
            _revoke(workspace, one, standing.told(by=workspace.user, on=workspace.on, how="two cards of one serial"))


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


# A partner's rotation and revocation --------------------------------------------------------------------------------


def rotate(workspace: Workspace, file: Path) -> Listed:
    """Take a partner's rotation: files by its new card are received at once, patient data waits for a person."""
    jws = files.read(file, most=_MOST_CARD)
    try:
        return _listed(_rotated(workspace, jws))
    except WasChanged:
        trail.note(workspace, "rotation-refused", outcome="refused", detail=file.name)
        raise SealingError("partners.rotation-wrong", hints=("hint.partners-call",), file=file.name) from None
    except SealingError as error:
        trail.note(workspace, "rotation-refused", outcome="refused", detail=error.rule)
        raise


def _rotated(workspace: Workspace, jws: bytes) -> Partner:
    from exchange.signing import cards
    from exchange.store.partners import ROTATED, VERIFIED, Partner

    old = _named(workspace, cards.card_named(jws, "rotation"))
    known = cards.read_card(old.card or b"")
    cards.require_same_world(workspace.settings.demo, known)
    read = cards.read_rotation(jws, known)
    new = read.card
    siblings = workspace.store.partners.cards(old.party)
    if any(one.state == "revoked" and one.serial >= old.serial for one in siblings):
        raise SealingError("partners.rotation-revoked", hints=("hint.partners-anew",), party=old.party)
    before = next((one for one in siblings if one.fingerprint == new.fingerprint), None)
    if before is not None and standing.rotation(workspace, old) is not None:
        return before
    if old.state not in {VERIFIED, ROTATED}:
        raise SealingError("partners.not-verified", hints=("hint.partners-verify",), party=old.party, state=old.state)
    _require_newest(workspace, old, read, siblings)
    partner = Partner(
        old.party, new.name, old.kind, old.label, new.jws, new.fingerprint, new.serial, ROTATED
    )  # fmt: skip
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.partners.save(partner, by=workspace.user, at=workspace.now)
        standing.keep_rotation(workspace, old, jws)
        trail.note(workspace, "card-rotated", counterparty=old.party, detail=f"card {new.digest}")
    return partner


def _require_newest(workspace: Workspace, old: Partner, read: Rotation, siblings: tuple[Partner, ...]) -> None:
    """Refuse a step back and cards that are not valid today; block both where two cards have one serial."""
    from exchange.signing.cards import read_card
    from exchange.store.partners import BLOCKED, UNVERIFIED

    new = read.card
    counted = [one for one in siblings if one.card is not None and one.state != UNVERIFIED]
    if any(one.serial > new.serial for one in counted):
        raise SealingError("partners.rotation-older", hints=("hint.partners-call",), party=old.party)
    for card in (read_card(old.card or b""), new):
        if not card.valid_on(workspace.on):
            raise SealingError(
                "signing.card-not-valid", hints=("hint.partners-anew",), party=old.party, on=workspace.on.isoformat()
            )
    if read.until - read.on > _LONGEST_OVERLAP:
        raise WasChanged
    rivals = [one for one in counted if one.serial == new.serial]
    if not rivals:
        return
    theirs = replace(rivals[0], card=new.jws, fingerprint=new.fingerprint, name=new.name, verified_by="")
    with workspace.store.together(by=workspace.user, at=workspace.now):
        for one in (old, *rivals, theirs):
            workspace.store.partners.save(replace(one, state=BLOCKED), by=workspace.user, at=workspace.now)
        trail.note(workspace, "cards-blocked", counterparty=old.party, outcome="refused", detail=f"card {new.digest}")
    raise SealingError("partners.two-cards-blocked", hints=("hint.partners-two-cards",), party=old.party)


def revoke(workspace: Workspace, file: Path) -> Revoked:
    """Take a partner's signed revocation: nothing by that card is accepted any more, whatever its date."""
    from exchange.signing import cards

    jws = files.read(file, most=_MOST_CARD)
    try:
        found = _named(workspace, cards.card_named(jws, "revocation"))
        cards.read_revocation(jws, cards.read_card(found.card or b""))
    except WasChanged:
        raise SealingError("partners.revocation-wrong", hints=("hint.partners-call",), file=file.name) from None
    return _all_revoked(workspace, (found,), jws)


def revoke_by_word(workspace: Workspace, party: str, *, how: str) -> Revoked:
    """Revoke every card of a partner because a person said so, over a number or at a meeting: how is recorded."""
    if not how.strip():
        raise SealingError("partners.how-revoked", hints=("hint.partners-call",), party=party)
    cards = [one for one in workspace.store.partners.cards(str(Party.parse(party))) if one.card is not None]
    if not cards:
        raise StoreError("partners.unknown", hints=("hint.partners-add",), party=party)
    said = standing.told(by=workspace.user, on=workspace.on, how=how.strip())
    return _all_revoked(workspace, tuple(cards), said)


def take_statement(workspace: Workspace, file: Path) -> None:
    """Take what came in a control file: a rotation or a revocation."""
    if file.name == ROTATION:
        rotate(workspace, file)
    else:
        revoke(workspace, file)


def _all_revoked(workspace: Workspace, cards: tuple[Partner, ...], said: bytes) -> Revoked:
    resting = sorted({one for card in cards for one in standing.resting_on(workspace, card.fingerprint)})
    for one in cards:
        _revoke(workspace, one, said)
    return Revoked(cards[0].party, cards[0].name, tuple(one.fingerprint for one in cards), tuple(resting))


def _revoke(workspace: Workspace, partner: Partner, said: bytes) -> None:
    from exchange.store.partners import REVOKED

    standing.remember_revoked(workspace.folder, partner.fingerprint, said)  # first: it survives a crash and a backup
    if partner.state != REVOKED:
        workspace.store.partners.save(replace(partner, state=REVOKED), by=workspace.user, at=workspace.now)
        trail.note(workspace, "card-revoked", counterparty=partner.party, detail=f"serial {partner.serial}")


def _named(workspace: Workspace, digest: str) -> Partner:
    """Return the partner whose card has a digest."""
    from exchange.signing.cards import read_card

    for one in workspace.store.partners.list():
        if one.card is not None and read_card(one.card).digest == digest:
            return one
    raise SealingError("partners.card-unknown", hints=("hint.partners-rotate",))


def listed(workspace: Workspace) -> tuple[Listed, ...]:
    """Return every partner with every card."""
    return tuple(_listed(one) for one in workspace.store.partners.list())


def cards_of(workspace: Workspace) -> dict[str, list[Card]]:
    """Return, per party, every card that may be trusted for a signature: verified ones, and our own, earlier too."""
    from exchange.signing.cards import read_card

    own = [workspace.card, *rotating.former(workspace)]
    trusted: dict[str, list[Card]] = {party: list(own) for party in workspace.parties}
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
        partner.verified_how,
        partner.serial,
    )
