"""An age file from anybody: header, armor, stanzas and the payload behind them."""

from __future__ import annotations

import base64
import io

from sealed_things import CONTENT, HYBRID_FILE, KEYRING, PASSPHRASE_FILE

from exchange.sealing import age, header
from exchange.sealing.failures import AgeFailure
from exchange.sealing.recipients import ClassicalIdentity, HybridIdentity, PassphraseIdentity
from exchange.signing import bech32

_TEXT = b"\n".join(HYBRID_FILE.split(b"\n")[:3])
_ARMORED = base64.encodebytes(PASSPHRASE_FILE).replace(b"\n", b"")
_ARMOR = (
    b"-----BEGIN AGE ENCRYPTED FILE-----\n"
    + b"\n".join(_ARMORED[at : at + 64] for at in range(0, len(_ARMORED), 64))
    + b"\n-----END AGE ENCRYPTED FILE-----\n"
)
CORPUS = (HYBRID_FILE, PASSPHRASE_FILE, _ARMOR, _TEXT, b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n")
_IDENTITIES = (
    HybridIdentity(KEYRING.encryption),
    ClassicalIdentity(bech32.encode("age-secret-key-", bytes(32)).upper()),
    PassphraseIdentity("verzonnen", most_work=4),
)


def one_input(data: bytes) -> None:
    """Whatever opens is what was sealed, and a header that is read is written again to the byte."""
    try:
        stream = age.decrypt(io.BytesIO(data), _IDENTITIES).stream
        plain = b"".join(bytes(part) for part in iter(lambda: stream.read(1 << 16), b""))
    except AgeFailure:
        pass
    else:
        assert plain == CONTENT
    try:
        read = header.read(io.BytesIO(data))
    except AgeFailure:
        return
    assert header.write(read.stanzas) == read.authenticated
