"""All CCTV vectors of the age format: what must open opens to the right bytes, what must not open does not."""

from __future__ import annotations

import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.sealing import age
from exchange.sealing.failures import (
    AgeFailure,
    ArmorFailure,
    HeaderFailure,
    MacFailure,
    NoMatch,
    PayloadFailure,
)
from exchange.sealing.recipients import ClassicalIdentity, HybridIdentity, Identity, PassphraseIdentity
from exchange.signing.keys import EncryptionKey

pytestmark = pytest.mark.shared

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "cctv-age"
NAMES = sorted(path.name for path in FOLDER.iterdir()) if FOLDER.is_dir() else []
HOW_MANY = 143

CLASSES: dict[str, type[AgeFailure]] = {
    "armor failure": ArmorFailure,
    "header failure": HeaderFailure,
    "HMAC failure": MacFailure,
    "no match": NoMatch,
    "payload failure": PayloadFailure,
}


@dataclass(frozen=True, slots=True)
class Vector:
    """One file of the vectors."""

    expect: str
    payload: str
    identities: tuple[Identity, ...]
    file: bytes


def read(name: str) -> Vector:
    """Read the vector's own header and the age file after it."""
    head, _, file = (FOLDER / name).read_bytes().partition(b"\n\n")
    fields: dict[str, str] = {}
    identities: list[Identity] = []
    for line in head.decode().split("\n"):
        key, _, value = line.partition(": ")
        fields[key] = value
        if key == "passphrase":
            identities.append(PassphraseIdentity(value))
        elif key == "identity" and value.startswith("AGE-SECRET-KEY-PQ-1"):
            identities.append(HybridIdentity(EncryptionKey.from_text(value)))
        elif key == "identity":
            identities.append(ClassicalIdentity(value))
    if fields.get("compressed") == "zlib":
        file = zlib.decompress(file)
    return Vector(fields["expect"], fields.get("payload", ""), tuple(identities), file)


def opened(vector: Vector) -> bytes:
    """Return the whole plaintext."""
    stream = age.decrypt(io.BytesIO(vector.file), vector.identities).stream
    return b"".join(bytes(part) for part in iter(lambda: stream.read(1 << 20), b""))


@pytest.mark.parametrize("name", NAMES)
def test_vector(name: str) -> None:
    vector = read(name)
    if vector.expect == "success":
        assert hashlib.sha256(opened(vector)).hexdigest() == vector.payload
        return
    with pytest.raises(CLASSES[vector.expect]) as raised:
        opened(vector)
    assert type(raised.value) is CLASSES[vector.expect]


def test_all_vectors_are_here() -> None:
    if not NAMES:
        pytest.skip("../shared/vectors/cctv-age is not here")
    assert len(NAMES) == HOW_MANY
