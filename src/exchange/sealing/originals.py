"""Originals and backups: files sealed to a key of our own, so that transport keys can be destroyed."""

from __future__ import annotations

import os
from pathlib import Path

from exchange.errors import CannotOpen
from exchange.sealing import age, draining, parts, permissions
from exchange.sealing.failures import AgeFailure
from exchange.sealing.recipients import HYBRID, HybridIdentity, HybridRecipient
from exchange.signing.keys import EncryptionKey

_PIECE = 256 * 1024


def keep(source: Path, destination: Path, recipient: str) -> None:
    """Seal a file to `recipient` (`age1pq1…`): the keyring's storage key, or a backup's own."""
    part = parts.beside(destination)
    try:
        with source.open("rb") as plain, draining.create(part) as file:
            stream = age.encrypt(file, [HybridRecipient(recipient)])
            while piece := plain.read(_PIECE):
                stream.write(piece)
            stream.finish()
            file.flush()
            os.fsync(file.fileno())
        permissions.publish(part, destination)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def fetch(source: Path, destination: Path, key: EncryptionKey) -> None:
    """Open what `keep` sealed; CannotOpen when the key is another or a byte changed, and then nothing is left."""
    part = parts.beside(destination)
    try:
        with source.open("rb") as file, draining.create(part) as plain:
            stream = age.decrypt(file, [HybridIdentity(key)], kinds=frozenset({HYBRID})).stream
            while piece := stream.read(_PIECE):
                plain.write(piece)
            plain.flush()
            os.fsync(plain.fileno())
        permissions.publish(part, destination)
    except AgeFailure:
        part.unlink(missing_ok=True)
        raise CannotOpen(file=source.name) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
