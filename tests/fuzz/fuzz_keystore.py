"""A keystore that was damaged, or put there by somebody else."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from sealed_things import KEYRING, encrypted

from exchange.errors import Locked, SealingError
from exchange.sealing import keystore
from exchange.sealing.recipients import PassphraseRecipient
from exchange.signing.keys import Keyring

PASSPHRASE = "een verzonnen zin"
_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))
_SEALED, _DEMO = _FOLDER / "sealed", _FOLDER / "demo"
for _folder in (_SEALED, _DEMO):
    _folder.mkdir(mode=0o700)
keystore.save(_DEMO, KEYRING, None)
CORPUS = (
    KEYRING.to_bytes(),
    (_DEMO / keystore.DEMO_FILE).read_bytes(),
    encrypted(PassphraseRecipient(PASSPHRASE, work_factor=2), KEYRING.to_bytes()),
    encrypted(PassphraseRecipient(PASSPHRASE, work_factor=2), b"{}"),
)
# A higher work factor is allowed and costs seconds and a gigabyte: nothing to learn from it here.
_COSTLY = re.compile(rb"-> scrypt \S+ (?![1-9]\n)")


def one_input(data: bytes) -> None:
    """Read it as a keyring, as a demo keystore and as a sealed one."""
    try:
        keyring = Keyring.from_bytes(data)
    except SealingError:
        pass
    else:
        assert Keyring.from_bytes(keyring.to_bytes()) == keyring
    _unlock(_DEMO, keystore.DEMO_FILE, data, None)
    if not _COSTLY.search(data):
        _unlock(_SEALED, keystore.FILE, data, PASSPHRASE)


def _unlock(folder: Path, name: str, data: bytes, passphrase: str | None) -> None:
    file = folder / name
    file.write_bytes(data)
    file.chmod(0o600)
    try:
        keyring = keystore.unlock(folder, passphrase)
    except Locked:
        return
    assert keyring.demo or passphrase is not None
