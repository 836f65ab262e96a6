"""Both ways with other parties' programs: what they make we take, up to a whole sealed file without our code."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exchange.sealing import age, opening, tar
from exchange.sealing.recipients import (
    ClassicalIdentity,
    ClassicalRecipient,
    PassphraseIdentity,
    PassphraseRecipient,
    Recipient,
)
from exchange.signing import bech32, jws
from exchange.signing.canonical import canonical
from exchange.signing.cards import Card

pytestmark = pytest.mark.referee

REFEREES = Path(__file__).resolve().parents[2] / "referees"
SIZES = (0, 1, 65536, 200_000)
ALGORITHMS = ("Ed25519", "ML-DSA-65")
GNU_TAR = ("--format=ustar", "--numeric-owner", "--owner=0", "--group=0", "--mtime=@0", "--mode=0600", "-b1")
CONTENT = b'{"resourceType":"Bundle","id":"invented"}\n'


def ours(recipient: Recipient, data: bytes) -> bytes:
    sink = io.BytesIO()
    stream = age.encrypt(sink, [recipient])
    stream.write(data)
    stream.finish()
    return sink.getvalue()


def opened(data: bytes, identity: Any) -> bytes:
    stream = age.decrypt(io.BytesIO(data), [identity]).stream
    return b"".join(bytes(part) for part in iter(lambda: stream.read(1 << 20), b""))


@pytest.fixture
def typescript() -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    if not (REFEREES / "node_modules" / "age-encryption").is_dir():
        pytest.skip("tests/referees/node_modules is not here: npm ci --prefix tests/referees")

    def run(*arguments: object) -> None:
        command = [node, str(REFEREES / "age-file.mjs"), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    return run


@pytest.fixture
def gnu_tar(tmp_path: Path) -> Any:
    said = subprocess.run(["tar", "--version"], capture_output=True, text=True, check=False).stdout
    if sys.platform == "win32" or "GNU tar" not in said:
        pytest.skip("GNU tar is not here")

    def pack(*members: tuple[str, bytes]) -> bytes:
        for name, data in members:
            (tmp_path / name).write_bytes(data)
        names = [name for name, _ in members]
        command = ["tar", *GNU_TAR, "-cf", "-", *names]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout

    return pack


# age-encryption (TypeScript) and pyrage (Rust) -----------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_the_typescript_age_and_we_open_each_others_passphrase_files(
    typescript: Any, tmp_path: Path, size: int
) -> None:
    data, passphrase = os.urandom(size), "een-verzonnen-zin"
    (tmp_path / "ours.age").write_bytes(ours(PassphraseRecipient(passphrase, work_factor=10), data))
    typescript("open", passphrase, tmp_path / "ours.age", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    typescript("seal", passphrase, tmp_path / "out", tmp_path / "theirs.age")
    assert opened((tmp_path / "theirs.age").read_bytes(), PassphraseIdentity(passphrase)) == data


@pytest.mark.parametrize("size", SIZES)
def test_the_typescript_age_and_we_open_each_others_classical_files(typescript: Any, tmp_path: Path, size: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key, data = X25519PrivateKey.generate(), os.urandom(size)
    secret = bech32.encode("age-secret-key-", key.private_bytes_raw()).upper()
    public = bech32.encode("age", key.public_key().public_bytes_raw())
    (tmp_path / "ours.age").write_bytes(ours(ClassicalRecipient(public), data))
    typescript("open", secret, tmp_path / "ours.age", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    typescript("seal", public, tmp_path / "out", tmp_path / "theirs.age")
    assert opened((tmp_path / "theirs.age").read_bytes(), ClassicalIdentity(secret)) == data


@pytest.mark.parametrize("size", SIZES)
def test_we_open_pyrages_armored_files(size: int) -> None:
    import pyrage

    identity, data = pyrage.x25519.Identity.generate(), os.urandom(size)
    sealed = pyrage.encrypt(data, [identity.to_public()], armored=True)
    assert sealed.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert opened(sealed, ClassicalIdentity(str(identity))) == data


def test_we_open_pyrages_passphrase_file() -> None:
    import pyrage

    sealed = pyrage.passphrase.encrypt(b"hello", "een-verzonnen-zin")
    assert opened(sealed, PassphraseIdentity("een-verzonnen-zin")) == b"hello"


# jwcrypto ------------------------------------------------------------------------------------------------------------


def jwks(exchange: Any) -> list[Any]:
    """Give jwcrypto the practice's own secret keys."""
    from jwcrypto import jwk

    signing, public = exchange.practice.keyring.signing, exchange.practice.card.public
    secrets = ({"d": signing.ed25519_seed}, {"priv": signing.ml_dsa_seed})
    return [
        jwk.JWK(**known, **{name: encoded(seed) for name, seed in secret.items()})
        for known, secret in zip(public.jwks, secrets, strict=True)
    ]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_by_jwcrypto(exchange: Any, payload: bytes, typ: str = "manifest") -> bytes:
    from jwcrypto import jws as theirs

    token = theirs.JWS(payload)
    token.allowed_algs = list(ALGORITHMS)
    for key, algorithm in zip(jwks(exchange), ALGORITHMS, strict=True):
        token.add_signature(key, algorithm, json.dumps({"alg": algorithm, "kid": key.thumbprint(), "typ": typ}))
    return token.serialize().encode()


def test_we_verify_what_jwcrypto_signed(exchange: Any) -> None:
    """Its JSON has other spaces and another order of members: what counts are the bytes that were signed."""
    from exchange.errors import WasChanged

    payload = canonical({"hello": "wereld"})
    signed = signed_by_jwcrypto(exchange, payload)
    assert jws.verify(signed, "manifest", exchange.practice.card) == payload
    for wrong, card in (("card", exchange.practice.card), ("manifest", exchange.doctor.card)):
        with pytest.raises(WasChanged):
            jws.verify(signed, wrong, card)


# GNU tar, and all of them together -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 70_000])
def test_gnu_tar_writes_our_container_to_the_byte(gnu_tar: Any, size: int) -> None:
    """But for the padding at the end."""
    members = (("manifest.jws.json", b"{}"), ("data.bin", os.urandom(size)))
    sink = io.BytesIO()
    writer = tar.Writer(sink)
    for name, data in members:
        writer.begin(name, len(data))
        writer.write(data)
        writer.end(len(data))
    theirs = gnu_tar(*members)
    assert theirs[: len(sink.getvalue())] == sink.getvalue()
    assert not theirs[len(sink.getvalue()) :].strip(b"\0")
    writer.finish()
    assert sink.getvalue().ljust(len(theirs), b"\0") == theirs.ljust(len(sink.getvalue()), b"\0")


def test_a_sealed_file_made_without_our_code_opens(
    exchange: Any, typescript: Any, gnu_tar: Any, tmp_path: Path
) -> None:
    """json for the manifest, jwcrypto for the signatures, GNU tar for the container, TypeScript for the encryption."""
    practice: Any = exchange.practice
    doctor: Card = exchange.doctor.card
    manifest = {
        "format": "outcome-exchange-manifest/1",
        "message-id": "a" * 32,
        "kind": "data",
        "suite": "mlkem768x25519",
        "sender": practice.party,
        "sender-card": hashlib.sha256(practice.card.payload).hexdigest(),
        "recipients": [doctor.recipient_digest],
        "agreement": {"id": "proef-1", "version": 1, "digest": "ab" * 32},
        "stream": {
            "organisation": practice.party,
            "agreement": "proef-1",
            "epoch": "0" * 32,
            "epoch-order": 1,
            "after": None,
        },
        "sequence": 1,
        "previous": "",
        "audit": {"count": 0, "hash": ""},
        "created": "2026-03-02T09:00:00Z",
        "expires": "2026-04-02T09:00:00Z",
        "contents": [
            {
                "name": "bundle.json",
                "media-type": "application/fhir+json",
                "size": len(CONTENT),
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
                "records": 1,
            }
        ],
    }
    payload = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    box = gnu_tar(("manifest.jws.json", signed_by_jwcrypto(exchange, payload)), ("bundle.json", CONTENT))
    (tmp_path / "box.tar").write_bytes(box.ljust(64 * 1024, b"\0"))
    typescript("seal", doctor.recipient, tmp_path / "box.tar", tmp_path / "f.age")
    found = exchange.open(tmp_path / "f.age")
    assert isinstance(found, opening.Opened)
    assert found.contents["bundle.json"].read_bytes() == CONTENT
    assert found.manifest.payload == payload


def test_age_opens_a_whole_file_under_the_classical_exception(exchange: Any, tmp_path: Path) -> None:
    """As docs/partners.md says: with age and tar alone."""
    from exchange.sealing import addressees, sealing

    if shutil.which("age") is None:
        pytest.skip("the program age is not here")
    secret = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True).stdout
    (tmp_path / "key").write_text(secret)
    public = next(line.split()[-1] for line in secret.splitlines() if "public key" in line)
    usual = exchange.prepare()[0].manifest
    day = usual.created.date()
    contents = [sealing.Content("form.xlsx", "application/octet-stream", data=CONTENT)]
    to = addressees.to_classical(public, until=day, on=day)
    head = sealing.Heading(usual.kind, usual.stream, 1, usual.created, usual.expires, usual.agreement)
    prepared = sealing.prepare(contents, head, to, exchange.practice.keyring, exchange.practice.card)
    sealing.write(prepared.jws, contents, to, tmp_path / "f.age")
    # By way of a file: at the end of a pipe tar stops at the end blocks, before age has authenticated the last chunk.
    for command in (["age", "-d", "-i", "key", "-o", "f.tar", "f.age"], ["tar", "xf", "f.tar"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "form.xlsx").read_bytes() == CONTENT
    assert (tmp_path / "manifest.jws.json").read_bytes() == prepared.jws
