"""Our own keys through the years: rotate them, revoke them, and destroy what is past its overlap.

`keys/cards/` holds every earlier card with what was signed about it, by serial: `0001.card.jws`, `0002.rotation.jws`
(card 1 is followed by card 2), `0001.revocation.jws`, `0001.destruction.jws`. All of it is public and signed. The order
of writing is: cards and statements, the keystore, `card.jws`; after a crash in between `settle` does the last step, and
statements about keys that never came into being are overwritten by the next attempt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import SealingError, WasChanged, WorkspaceError
from exchange.operations import files, standing, trail

if TYPE_CHECKING:
    from exchange.operations.workspace import Workspace
    from exchange.signing.cards import Card, Rotation
    from exchange.signing.keys import EncryptionKey, Keyring

OVERLAP_DAYS = 30
LONGEST_OVERLAP = 365
_CARD = "card.jws"
_CARD_YEARS = 5


@dataclass(frozen=True, slots=True)
class Own:
    """One of our own cards: `state` is current, overlap, past, revoked; `opens_until` is when its key may go."""

    serial: int
    fingerprint: str
    state: str
    valid_from: date
    valid_until: date
    overlap_until: date | None = None
    opens_until: date | None = None
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """Our new card, and the statement that partners need; `agreements` must be signed anew after a revocation."""

    serial: int
    fingerprint: str
    file: Path
    until: date | None
    partners: tuple[str, ...]
    agreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was destroyed, and the signed record of it."""

    serials: tuple[int, ...]
    record: Path | None
    backups: tuple[str, ...] = ()


# What there was -------------------------------------------------------------------------------------------------------


def former(workspace: Workspace) -> tuple[Card, ...]:
    """Return our earlier cards that were not revoked: agreements signed by them still hold."""
    return tuple(card for card in _earlier(workspace) if not _file(workspace, card.serial, "revocation").exists())


def cards(workspace: Workspace) -> tuple[Own, ...]:
    """Return every card we ever had, the newest first."""
    ours = workspace.card
    current = Own(ours.serial, ours.fingerprint, "current", ours.valid_from, ours.valid_until)
    return (current, *(_own(workspace, card) for card in reversed(_earlier(workspace))))


def _own(workspace: Workspace, card: Card) -> Own:
    from exchange.signing.cards import read_revocation

    said = Own(card.serial, card.fingerprint, "past", card.valid_from, card.valid_until)
    said = replace(said, destroyed=_file(workspace, card.serial, "destruction").exists())
    revocation = _file(workspace, card.serial, "revocation")
    if revocation.exists():
        gone = read_revocation(revocation.read_bytes(), card)
        return replace(said, state="revoked", opens_until=gone.on + standing.UNDERWAY)
    turned = _rotation(workspace, card)
    if turned is None:
        return said
    state = "overlap" if workspace.on <= turned.until else "past"
    return replace(said, state=state, overlap_until=turned.until, opens_until=turned.until + standing.UNDERWAY)


def _earlier(workspace: Workspace) -> tuple[Card, ...]:
    """Return the chain of cards before ours: each names the one before it by digest."""
    from exchange.signing.cards import read_card

    chain: list[Card] = []
    following = workspace.card
    while following.serial > 1:
        file = _file(workspace, following.serial - 1, "card")
        if not file.exists():
            break
        card = read_card(file.read_bytes())
        if card.digest != following.previous:
            raise WasChanged(file=file.name)
        chain.insert(0, card)
        following = card
    return tuple(chain)


def _rotation(workspace: Workspace, old: Card) -> Rotation | None:
    from exchange.signing.cards import read_rotation

    file = _file(workspace, old.serial + 1, "rotation")
    return read_rotation(file.read_bytes(), old) if file.exists() else None


def _file(workspace: Workspace, serial: int, what: str) -> Path:
    return workspace.folder / "keys" / "cards" / f"{serial:04d}.{what}.jws"


# Turning to new keys --------------------------------------------------------------------------------------------------


def rotate(workspace: Workspace, *, passphrase: str | None, overlap_days: int = OVERLAP_DAYS) -> Turned:
    """Make new keys and a card that the old keys sign; what partners seal to the old card still opens."""
    from exchange.signing import cards as made

    if not 1 <= overlap_days <= LONGEST_OVERLAP:
        raise WorkspaceError("rotating.overlap", hints=("hint.rotating-overlap",), most=LONGEST_OVERLAP)
    old = workspace.card
    if not old.valid_on(workspace.on):
        raise SealingError(
            "rotating.expired", hints=("hint.rotating-revoke",), until=old.valid_until.isoformat()
        )  # fmt: skip
    until = workspace.on + timedelta(days=overlap_days)
    keyring, card = _renewed(workspace)
    statement = made.rotate(old, card, workspace.keyring.signing, on=workspace.on, until=until)
    _turn(workspace, keyring, card, {_file(workspace, card.serial, "rotation"): statement}, passphrase)
    trail.note(workspace, "keys-rotated", detail=f"serial {card.serial}")
    return Turned(card.serial, card.fingerprint, _file(workspace, card.serial, "rotation"), until, _told(workspace))


def revoke(workspace: Workspace, *, reason: str, passphrase: str | None) -> Turned:
    """Revoke our card with its own keys and make new ones, which every partner has to verify anew."""
    from exchange.signing import cards as made

    old = workspace.card
    resting = tuple(standing.resting_on(workspace, old.fingerprint))
    keyring, card = _renewed(workspace)
    statement = made.revoke(old, workspace.keyring.signing, on=workspace.on, reason=reason.strip())
    _turn(workspace, keyring, card, {_file(workspace, old.serial, "revocation"): statement}, passphrase)
    trail.note(workspace, "keys-revoked", detail=f"serial {old.serial}")
    return Turned(
        card.serial, card.fingerprint, _file(workspace, old.serial, "revocation"), None, _told(workspace), resting
    )


def settle(workspace: Workspace, keyring: Keyring) -> None:
    """Give out the card that belongs to these keys, where a crash came between keystore and card."""
    from exchange.sealing import permissions
    from exchange.signing.cards import read_card

    try:
        if workspace.card.public == keyring.signing.public:
            return
    except WorkspaceError:
        return
    file = _file(workspace, workspace.card.serial + 1, "card")
    if file.exists() and read_card(file.read_bytes()).public == keyring.signing.public:
        permissions.write(workspace.folder / "keys" / _CARD, file.read_bytes())
        del workspace.card


def _renewed(workspace: Workspace) -> tuple[Keyring, Card]:
    from exchange.signing.cards import make_card

    keyring, settings = workspace.keyring.rotated(), workspace.settings
    card = make_card(
        keyring,
        parties=workspace.card.parties,
        name=settings.name,
        contact=settings.contact,
        valid_from=workspace.on,
        valid_until=workspace.on + timedelta(days=365 * _CARD_YEARS),
        previous=workspace.card,
    )
    return keyring, card


def _turn(
    workspace: Workspace, keyring: Keyring, card: Card, statements: dict[Path, bytes], passphrase: str | None
) -> None:
    from exchange.sealing import keystore, permissions

    # A wrong passphrase must not lock the new keys: what opens the old keystore closes the new one.
    keystore.unlock(workspace.folder / "keys", passphrase)
    permissions.make_folder(_file(workspace, 1, "card").parent)
    permissions.write(_file(workspace, workspace.card.serial, "card"), workspace.card.jws)
    permissions.write(_file(workspace, card.serial, "card"), card.jws)
    for stale in (_file(workspace, card.serial, "rotation"), _file(workspace, workspace.card.serial, "revocation")):
        stale.unlink(missing_ok=True)  # of an attempt that a crash cut off
    for file, data in statements.items():
        permissions.write(file, data)
    keystore.save(workspace.folder / "keys", keyring, passphrase)
    permissions.write(workspace.folder / "keys" / _CARD, card.jws)
    del workspace.card
    workspace.__dict__["keyring"] = keyring


def _told(workspace: Workspace) -> tuple[str, ...]:
    """Return the partners who hold our card and so have to be given the statement."""
    return tuple(sorted({one.name for one in workspace.store.partners.list() if one.card is not None}))


# Destroying -----------------------------------------------------------------------------------------------------------


def due(workspace: Workspace) -> tuple[Own, ...]:
    """Return earlier cards whose transport key is still here and need not be any more."""
    kept = {key.recipient for key in workspace.keyring.retired}
    recipients = {card.serial: card.recipient for card in _earlier(workspace)}
    return tuple(
        one
        for one in cards(workspace)
        if recipients.get(one.serial) in kept and one.opens_until is not None and one.opens_until < workspace.on
    )


def destroy(workspace: Workspace, *, passphrase: str | None, backups_gone: bool = False) -> Destroyed:
    """Destroy the transport keys that are past overlap and retention, under a signed record.

    The record is written first: a crash after it leaves a key that the next run destroys. Backups that hold the keys
    must be destroyed by a person, who says so with `backups_gone`.
    """
    from exchange.operations import backups, retaining
    from exchange.sealing import keystore, permissions
    from exchange.signing import jws
    from exchange.signing.canonical import canonical

    gone = due(workspace)
    if not gone:
        return Destroyed((), None)
    serials = frozenset(one.serial for one in gone)
    retired = [card for card in _earlier(workspace) if card.serial in serials]
    holding = backups.holding(workspace, frozenset(card.recipient_digest for card in retired))
    if holding and not backups_gone:
        raise SealingError("rotating.backups-hold", hints=("hint.rotating-backups",), files=", ".join(holding))
    keystore.unlock(workspace.folder / "keys", passphrase)
    signed = jws.sign(canonical(_record(workspace, retired, gone, holding)), "destruction", workspace.keyring.signing)
    for card in retired:
        permissions.write(_file(workspace, card.serial, "destruction"), signed)
    keyring = workspace.keyring.without_retired(frozenset(card.recipient for card in retired))
    keystore.save(workspace.folder / "keys", keyring, passphrase)
    workspace.__dict__["keyring"] = keyring
    backups.forget(workspace, holding)
    record = workspace.folder / retaining.FOLDER / f"{workspace.now:%Y%m%dT%H%M%SZ}-{jws.digest(signed)[:8]}.jws.json"
    permissions.make_folder(record.parent)
    files.write(record, signed)
    trail.note(
        workspace,
        "keys-destroyed",
        object=f"destruction:{jws.digest(signed)}",
        detail=", ".join(f"serial {card.serial}" for card in retired),
    )
    return Destroyed(tuple(sorted(serials)), record, holding)


def _record(
    workspace: Workspace, retired: list[Card], gone: tuple[Own, ...], holding: tuple[str, ...]
) -> dict[str, Any]:
    """Return what is signed, in the form of every record of destruction: which keys, by whom, when, by which rule."""
    from exchange.operations import retaining

    count, link = workspace.store.audit.head()
    laws = {one.serial: one.state for one in gone}
    return {
        "format": retaining.FORMAT,
        "organisation": workspace.settings.party,
        "at": workspace.now.replace(microsecond=0).isoformat(),
        "on": workspace.on.isoformat(),
        "by": workspace.user,
        "ground": "",
        "items": [
            {
                "kind": "transport-key",
                "agreement": "",
                "law": "revocation" if laws[card.serial] == "revoked" else "rotation",
                "count": 1,
                "serial": card.serial,
                "card": card.digest,
                "recipient": card.recipient_digest,
            }
            for card in retired
        ],
        "audit": {"count": count, "hash": link},
        "backups": list(holding),
    }


def digest_of(key: EncryptionKey) -> str:
    """Return the digest by which cards and manifests name a transport key."""
    return hashlib.sha256(key.public_bytes).hexdigest()
