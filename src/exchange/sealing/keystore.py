"""The keystore: every key of a workspace in one age passphrase file, or in the open for a demo."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

from exchange.errors import ExchangeError, Locked
from exchange.sealing import age, permissions
from exchange.sealing.failures import AgeFailure, MacFailure, NoMatch
from exchange.sealing.recipients import PASSPHRASE, WORK_FACTOR, PassphraseIdentity, PassphraseRecipient
from exchange.signing.keys import Keyring

FILE = "keystore.age"
DEMO_FILE = "demo-keys.json"
LEAST_PASSPHRASE = 12

_MOST = 1024 * 1024


def create(folder: Path, keyring: Keyring, passphrase: str | None, *, work_factor: int = WORK_FACTOR) -> None:
    """Make the keystore; without a passphrase the keyring must be a demo one and lies readable on disk."""
    permissions.make_folder(folder)
    permissions.require_private(folder)
    if exists(folder):
        raise Locked("sealing.keystore-exists")
    save(folder, keyring, passphrase, work_factor=work_factor)


def exists(folder: Path) -> bool:
    """Say whether there is a keystore, of either kind."""
    return any((folder / name).is_symlink() or (folder / name).exists() for name in (FILE, DEMO_FILE))


def is_demo(folder: Path) -> bool:
    """Say whether the keys lie in the open, so that no passphrase is asked."""
    return (folder / DEMO_FILE).exists() and not (folder / FILE).exists()


def save(folder: Path, keyring: Keyring, passphrase: str | None, *, work_factor: int = WORK_FACTOR) -> None:
    """Write the keyring again, whole or not at all, after a rotation for instance."""
    if passphrase is None:
        if not keyring.demo:
            raise Locked("sealing.passphrase-needed")
        marked = {"warning": "demo keys, in the open: for invented data only", "keyring": keyring.to_bytes().decode()}
        permissions.write(folder / DEMO_FILE, json.dumps(marked, indent=1).encode("utf-8"))
        return
    if len(passphrase) < LEAST_PASSPHRASE:
        raise Locked("sealing.passphrase-short", least=LEAST_PASSPHRASE)
    sealed = io.BytesIO()
    stream = age.encrypt(sealed, [PassphraseRecipient(_normal(passphrase), work_factor=work_factor)])
    stream.write(keyring.to_bytes())
    stream.finish()
    permissions.write(folder / FILE, sealed.getvalue())


def unlock(folder: Path, passphrase: str | None) -> Keyring:
    """Return the keyring; Locked when the passphrase is wrong, or the folder or file is open to others or a link."""
    if not exists(folder):
        raise Locked("sealing.keystore-missing")
    demo = is_demo(folder)
    file = folder / (DEMO_FILE if demo else FILE)
    permissions.require_private(folder)
    permissions.require_private(file)
    with file.open("rb") as source:
        data = source.read(_MOST)
    if demo:
        return _demo(data)
    if passphrase is None:
        raise Locked("sealing.passphrase-needed")
    return _opened(data, passphrase)


def change_passphrase(folder: Path, old: str, new: str, *, work_factor: int = WORK_FACTOR) -> None:
    """Seal the same keys with another passphrase. Older copies of the file still open with the old one."""
    save(folder, unlock(folder, old), new, work_factor=work_factor)


def _opened(data: bytes, passphrase: str) -> Keyring:
    try:
        opened = age.decrypt(io.BytesIO(data), [PassphraseIdentity(_normal(passphrase))], kinds=frozenset({PASSPHRASE}))
        plain = bytearray()
        while part := opened.stream.read(_MOST):
            plain += part
        return Keyring.from_bytes(bytes(plain))
    except (NoMatch, MacFailure):
        raise Locked("sealing.wrong-passphrase") from None
    except (AgeFailure, ExchangeError):
        raise Locked("sealing.keystore-damaged") from None


def _demo(data: bytes) -> Keyring:
    try:
        keyring = Keyring.from_bytes(json.loads(data)["keyring"].encode("ascii"))
    except (ExchangeError, ValueError, TypeError, KeyError, AttributeError):
        raise Locked("sealing.keystore-damaged") from None
    if not keyring.demo:
        # Real keys may not be carried into a file without a passphrase by hand.
        raise Locked("sealing.keystore-damaged")
    return keyring


def _normal(passphrase: str) -> str:
    # One keyboard makes é of two characters, another of one; both are the same passphrase.
    return unicodedata.normalize("NFC", passphrase)
