"""Opening: nothing of a file is written before its sender is known, and nothing is kept before all of it is checked.

Outward there are three answers: cannot be opened, was changed, not for us.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from exchange.errors import CannotOpen, NotForUs, SealingError, WasChanged
from exchange.records.calendar import day_of
from exchange.sealing import age, armor, control, draining, header, parts, permissions, tar
from exchange.sealing.failures import AgeFailure
from exchange.sealing.hashing import Hashing
from exchange.sealing.manifest import FILE_NAME, MOST_MANIFEST, TO_PASSPHRASE, Kind, Listed, Manifest
from exchange.sealing.recipients import HYBRID, PASSPHRASE, HybridIdentity, Identity, PassphraseIdentity
from exchange.sealing.stream import CHUNK, TAG
from exchange.signing import jws
from exchange.signing.cards import Card
from exchange.signing.keys import Keyring

FindCard = Callable[[str, str], Card | None]
"""From a sender's party and the digest of its card to the pinned card; None when we know no such valid card."""

CLOCKS_DIFFER = timedelta(days=1)
"""How far a sender's clock may be ahead of ours; what was made later than that has a false date."""

_NONCE = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was checked whole: `contents` by name, in the order of the manifest."""

    manifest: Manifest
    manifest_jws: bytes = field(repr=False)
    card: Card
    contents: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What anybody can know of a sealed file: its size, its kinds of stanza, the padded size of what is in it."""

    size: int
    kinds: tuple[str, ...]
    armored: bool
    payload: int


def open_file(
    path: Path, keyring: Keyring, find_card: FindCard, *, now: datetime, into: Path, passphrase: str | None = None
) -> Opened:
    """Open a sealed file into a new folder under `into`, named by the manifest's digest.

    Raises CannotOpen, WasChanged or NotForUs and then leaves nothing behind. Opening the same file again replaces
    the folder by an equal one; whether a message was imported before is for the journal to say. Stale parts are
    for `parts.sweep`; until then a caller's own folder for plaintext is `parts.folder`.
    """
    try:
        source = path.open("rb")
    except OSError:
        raise CannotOpen(file=path.name) from None
    try:
        with source:
            decrypted = _decrypted(source, keyring, passphrase)
            reader = tar.Reader(decrypted.stream)
            manifest_jws = reader.first(FILE_NAME, MOST_MANIFEST)
            manifest, card = _verified(manifest_jws, find_card)
            _require_for_us(manifest, decrypted)
            _require_acceptable(manifest, card, keyring, now)
            return _unpacked(reader, manifest, manifest_jws, card, into)
    except AgeFailure:
        raise CannotOpen(file=path.name) from None
    except tar.NotAsListed:
        raise WasChanged(file=path.name) from None
    except (CannotOpen, WasChanged, NotForUs) as error:
        # Said once more, so that no detail of where it failed goes along.
        raise type(error)(file=path.name) from None


def inspect(path: Path) -> Inspection:
    """Say what can be known without a key; CannotOpen when it is no age file."""
    try:
        with path.open("rb") as file:
            source = armor.binary(file)
            stanzas = header.read(source).stanzas
            armored = source is not file
            if armored:
                size = 0
                while part := source.read(CHUNK):
                    size += len(part)
            else:
                size = path.stat().st_size - file.tell()
    except (AgeFailure, OSError):
        raise CannotOpen(file=path.name) from None
    sealed = max(0, size - _NONCE)
    payload = max(0, sealed - TAG * -(-sealed // (CHUNK + TAG)))
    return Inspection(path.stat().st_size, tuple(stanza.kind for stanza in stanzas), armored, payload)


def _decrypted(source: BinaryIO, keyring: Keyring, passphrase: str | None) -> age.Decrypted:
    identities: list[Identity]
    if passphrase is None:
        identities, kind = [HybridIdentity(key) for key in keyring.opening], HYBRID
    else:
        identities, kind = [PassphraseIdentity(passphrase)], PASSPHRASE
    return age.decrypt(source, identities, kinds=frozenset({kind}))


def _verified(manifest_jws: bytes, find_card: FindCard) -> tuple[Manifest, Card]:
    """Return the manifest after checking both signatures with the sender's pinned card."""
    try:
        claimed = Manifest.from_bytes(jws.payload(manifest_jws))
    except SealingError:
        raise WasChanged from None
    card = find_card(claimed.sender, claimed.sender_card)
    if card is None:
        raise CannotOpen
    payload = jws.verify(manifest_jws, "manifest", card)
    manifest = Manifest.from_bytes(payload)
    named = (card.digest == manifest.sender_card, manifest.sender in card.parties)
    if not all(named) or manifest.stream.organisation != manifest.sender:
        raise WasChanged
    return manifest, card


def _require_for_us(manifest: Manifest, decrypted: age.Decrypted) -> None:
    identity = decrypted.identity
    if isinstance(identity, HybridIdentity):
        ours = (hashlib.sha256(identity.key.public_bytes).hexdigest(),)
    else:
        ours = TO_PASSPHRASE
    if ours[0] not in manifest.recipients:
        raise NotForUs
    # Everyone the manifest names and nobody else: one stanza each, of the suite that was signed.
    kinds = {stanza.kind for stanza in decrypted.stanzas}
    if kinds != {manifest.suite} or len(decrypted.stanzas) != len(manifest.recipients):
        raise WasChanged


def _require_acceptable(manifest: Manifest, card: Card, keyring: Keyring, now: datetime) -> None:
    in_time = manifest.created - CLOCKS_DIFFER <= now <= manifest.expires
    if not in_time or card.demo != keyring.demo or not card.valid_on(day_of(manifest.created)):
        raise CannotOpen
    if manifest.kind is Kind.CONTROL:
        try:
            for listed in manifest.contents:
                control.require_listed(listed)
        except SealingError:
            raise CannotOpen from None


def _unpacked(reader: tar.Reader, manifest: Manifest, manifest_jws: bytes, card: Card, into: Path) -> Opened:
    folder = into / manifest.digest[:32]
    with _part(into) as part:
        for listed in manifest.contents:
            _unpack(reader, listed, part, checked=manifest.kind is Kind.CONTROL)
        reader.finish()
        permissions.sync_folder(part)
        if folder.exists():
            shutil.rmtree(folder)
        permissions.publish(part, folder)
    contents = {listed.name: folder / listed.name for listed in manifest.contents}
    return Opened(manifest, manifest_jws, card, MappingProxyType(contents))


@contextmanager
def _part(into: Path) -> Iterator[Path]:
    part = into / parts.name()
    part.mkdir(mode=permissions.FOLDER_MODE)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _unpack(reader: tar.Reader, listed: Listed, part: Path, *, checked: bool) -> None:
    target = part / listed.name
    with draining.create(target) as file, Hashing() as hashed:
        reader.member(listed.name, listed.size, lambda piece: hashed.pass_on(piece, file.write))
        if hashed.hexdigest() != listed.sha256:
            raise WasChanged
        file.flush()
        os.fsync(file.fileno())
    if checked:
        try:
            control.require_no_resource(listed.name, target.read_bytes())
        except SealingError:
            raise CannotOpen from None
