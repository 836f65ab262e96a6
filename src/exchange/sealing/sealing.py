"""Sealing: sign the manifest first, then write the file from it, as often as a crash asks for."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from exchange.errors import SealingError
from exchange.sealing import age, control, draining, permissions, tar
from exchange.sealing.addressees import Addressees
from exchange.sealing.hashing import Hashing
from exchange.sealing.manifest import (
    FILE_NAME,
    MOST_MANIFEST,
    AgreementRef,
    AuditHead,
    Kind,
    Listed,
    Manifest,
    Stream,
)
from exchange.signing import jws
from exchange.signing.cards import Card
from exchange.signing.keys import Keyring

_PIECE = 512 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """One content of a sealed file, as bytes or as a file; `records` is how many records it holds."""

    name: str
    media_type: str
    records: int = 0
    data: bytes | None = None
    path: Path | None = None

    def open(self) -> BinaryIO:
        """Open it for reading."""
        if self.path is not None:
            return self.path.open("rb")
        return io.BytesIO(self.data or b"")


@dataclass(frozen=True, slots=True)
class Heading:
    """What the caller knows and the manifest binds, apart from contents and recipients.

    `stream.organisation` is the sender: one of the parties on the sender's card.
    """

    kind: Kind
    stream: Stream
    sequence: int
    created: datetime
    expires: datetime
    agreement: AgreementRef | None = None
    previous: str = ""
    audit: AuditHead = field(default_factory=AuditHead)
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed manifest: keep `jws` in the journal before anything is written."""

    manifest: Manifest
    jws: bytes


def random_name() -> str:
    """Return a name for a sealed file that says nothing."""
    return f"{secrets.token_hex(16)}.age"


def prepare(
    contents: Sequence[Content], heading: Heading, addressees: Addressees, keyring: Keyring, card: Card
) -> Prepared:
    """Hash the contents once and sign the manifest over them; nothing is written.

    `card` is the sender's own; its keys are the keyring's. An empty `message_id` is drawn at random.
    """
    listed = tuple(_listed(content, heading.kind) for content in contents)
    return sign(announce(listed, heading, addressees, keyring, card), keyring)


def announce(
    listed: tuple[Listed, ...], heading: Heading, addressees: Addressees, keyring: Keyring, card: Card
) -> Manifest:
    """Return the manifest over these contents, not yet signed."""
    if card.public != keyring.signing.public or heading.stream.organisation not in card.parties:
        raise SealingError("signing.key-malformed")
    addressees.require_world(keyring.demo)
    return Manifest(
        message_id=heading.message_id or secrets.token_hex(16),
        kind=heading.kind,
        sender=heading.stream.organisation,
        sender_card=card.digest,
        recipients=addressees.names,
        agreement=heading.agreement,
        stream=heading.stream,
        sequence=heading.sequence,
        previous=heading.previous,
        audit=heading.audit,
        created=heading.created,
        expires=heading.expires,
        contents=listed,
        suite=addressees.suite,
    )


def sign(manifest: Manifest, keyring: Keyring) -> Prepared:
    """Sign a manifest as it is."""
    payload = manifest.to_bytes()
    signed = jws.sign(payload, "manifest", keyring.signing)
    if len(signed) > MOST_MANIFEST:
        raise SealingError("sealing.too-large", name=FILE_NAME)
    return Prepared(Manifest.from_bytes(payload), signed)


def write(manifest_jws: bytes, contents: Sequence[Content], addressees: Addressees, destination: Path) -> None:
    """Write the sealed file, whole or not at all; SealingError when a content is not what was signed.

    Safe to call again after a crash, from the journal's JWS: the file differs (fresh keys), the manifest does not.
    """
    manifest = Manifest.from_bytes(jws.payload(manifest_jws))
    if not _agrees(manifest, contents, addressees):
        raise SealingError("sealing.contents-differ")
    with published(destination) as file:
        stream = age.encrypt(file, addressees.recipients)
        container = tar.Writer(stream)
        container.begin(FILE_NAME, len(manifest_jws))
        container.write(manifest_jws)
        container.end(len(manifest_jws))
        for listed, content in zip(manifest.contents, contents, strict=True):
            _pack(container, listed, content)
        container.finish()
        stream.finish()


@contextmanager
def published(destination: Path) -> Iterator[BinaryIO]:
    """Give a part to write; synchronise it and give it its name, or leave nothing."""
    part = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
    try:
        with draining.create(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        permissions.publish(part, destination)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _agrees(manifest: Manifest, contents: Sequence[Content], addressees: Addressees) -> bool:
    signed = [(listed.name, listed.media_type, listed.records) for listed in manifest.contents]
    given = [(content.name, content.media_type, content.records) for content in contents]
    return signed == given and (manifest.suite, manifest.recipients) == (addressees.suite, addressees.names)


def require_name(content: Content) -> None:
    """Refuse a name that a container does not hold; what it was is not repeated."""
    if not tar.NAME.fullmatch(content.name) or content.name == FILE_NAME:
        raise SealingError("sealing.name-refused")


def _listed(content: Content, kind: Kind) -> Listed:
    require_name(content)
    with content.open() as source, Hashing() as hashed:
        for piece in pieces(source, tar.MOST_MEMBER + 1):
            hashed.take(piece)
    if hashed.size > tar.MOST_MEMBER:
        raise SealingError("sealing.too-large", name=content.name)
    listed = Listed(content.name, content.media_type, hashed.size, hashed.hexdigest(), content.records)
    if kind is Kind.CONTROL:
        control.require_listed(listed)
        with content.open() as source:
            control.require_no_resource(content.name, source.read(control.MOST_CONTROL + 1))
    return listed


def _pack(container: tar.Writer, listed: Listed, content: Content) -> None:
    container.begin(listed.name, listed.size)
    with content.open() as source, Hashing() as hashed:
        # One byte more than was signed is read, so that a file that grew is seen.
        for piece in pieces(source, listed.size + 1):
            hashed.pass_on(piece, container.write)
    if (hashed.size, hashed.hexdigest()) != (listed.size, listed.sha256):
        raise SealingError("sealing.input-changed", name=listed.name)
    container.end(listed.size)


def pieces(source: BinaryIO, most: int) -> Iterator[bytes]:
    """Give up to `most` bytes in pieces."""
    left = most
    while left:
        piece = source.read(min(_PIECE, left))
        if not piece:
            return
        left -= len(piece)
        yield piece
