"""Other parties' programs judge our files: age, pyrage, age-encryption (TypeScript), GNU tar and jwcrypto."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.sealing import addressees, age, passphrases, sealing
from exchange.sealing.recipients import (
    ClassicalIdentity,
    ClassicalRecipient,
    HybridIdentity,
    HybridRecipient,
    PassphraseIdentity,
    PassphraseRecipient,
    Recipient,
)
from exchange.signing.keys import EncryptionKey

pytestmark = pytest.mark.referee

REFEREES = Path(__file__).resolve().parents[2] / "referees"
SIZES = (0, 1, 65535, 65536, 65537, 200_000)
WORK = 10


def ours(path: Path, recipient: Recipient, data: bytes) -> None:
    with path.open("wb") as file:
        stream = age.encrypt(file, [recipient])
        stream.write(data)
        stream.finish()


def opened(data: bytes, identity: Any) -> bytes:
    stream = age.decrypt(io.BytesIO(data), [identity]).stream
    return b"".join(bytes(part) for part in iter(lambda: stream.read(1 << 20), b""))


def on_a_terminal(command: list[str], passphrase: str, times: int) -> None:
    """Run a program that asks for its passphrase on a terminal, and type it."""
    typist = [sys.executable, str(REFEREES / "type_on_terminal.py"), str(times), passphrase]
    subprocess.run([*typist, *command], check=True, capture_output=True, timeout=60)


@pytest.fixture
def debian_age() -> str:
    found = shutil.which("age")
    if found is None or sys.platform == "win32":
        pytest.skip("the program age is not here")
    return found


@pytest.fixture
def typescript() -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    if not (REFEREES / "node_modules" / "age-encryption").is_dir():
        pytest.skip("tests/referees/node_modules is not here: npm ci --prefix tests/referees")

    def run(*arguments: object) -> str:
        command = [node, str(REFEREES / "age-file.mjs"), *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return run


# Debian's age -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 65536, 200_000])
def test_debian_age_opens_our_passphrase_file(debian_age: str, tmp_path: Path, size: int) -> None:
    data, passphrase = os.urandom(size), passphrases.generate()
    ours(tmp_path / "f.age", PassphraseRecipient(passphrase, work_factor=WORK), data)
    command = [debian_age, "--decrypt", "-o", str(tmp_path / "out"), str(tmp_path / "f.age")]
    on_a_terminal(command, passphrase, 1)
    assert (tmp_path / "out").read_bytes() == data


def test_we_open_debian_ages_passphrase_file(debian_age: str, tmp_path: Path) -> None:
    data, passphrase = os.urandom(100_000), passphrases.generate()
    (tmp_path / "in").write_bytes(data)
    command = [debian_age, "--passphrase", "-o", str(tmp_path / "f.age"), str(tmp_path / "in")]
    on_a_terminal(command, passphrase, 2)
    assert opened((tmp_path / "f.age").read_bytes(), PassphraseIdentity(passphrase)) == data


@pytest.mark.parametrize("armored", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_debian_age_and_we_open_each_others_classical_files(
    debian_age: str, tmp_path: Path, size: int, armored: bool
) -> None:
    data = os.urandom(size)
    secret = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    (tmp_path / "key").write_text(secret)
    public = subprocess.run(
        ["age-keygen", "-y", str(tmp_path / "key")], check=True, capture_output=True, text=True
    ).stdout.strip()
    ours(tmp_path / "ours.age", ClassicalRecipient(public), data)
    theirs = subprocess.run(
        [debian_age, "-d", "-i", str(tmp_path / "key"), str(tmp_path / "ours.age")], check=True, capture_output=True
    )
    assert theirs.stdout == data
    sealed = subprocess.run(
        [debian_age, *(["-a"] if armored else []), "-r", public], input=data, check=True, capture_output=True
    )
    assert opened(sealed.stdout, ClassicalIdentity(secret)) == data


def test_anybody_opens_a_passphrase_file_with_age_and_tar(debian_age: str, exchange: Any) -> None:
    passphrase = passphrases.generate()
    addressed = addressees.to_passphrase(passphrase, work_factor=WORK)
    contents = [
        sealing.Content("bundle.json", "application/fhir+json", 1, data=b"{}\n"),
        sealing.Content("letter.txt", "text/plain", data=b"x" * 1000),
    ]
    usual = exchange.prepare()[0].manifest
    head = sealing.Heading(
        usual.kind, usual.stream, 1, usual.created, usual.created + timedelta(days=1), usual.agreement
    )
    prepared = sealing.prepare(contents, head, addressed, exchange.practice.keyring, exchange.practice.card)
    sealing.write(prepared.jws, contents, addressed, exchange.folder / "f.age")
    box, out = exchange.folder / "box.tar", exchange.folder / "out"
    on_a_terminal([debian_age, "-d", "-o", str(box), str(exchange.folder / "f.age")], passphrase, 1)
    listed = subprocess.run(["tar", "--list", "--verbose", "-f", box], check=True, capture_output=True, text=True)
    assert listed.stderr == ""
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == [
        "manifest.jws.json",
        "bundle.json",
        "letter.txt",
    ]
    out.mkdir()
    subprocess.run(["tar", "-x", "-f", box, "-C", out], check=True)
    assert (out / "manifest.jws.json").read_bytes() == prepared.jws
    assert (out / "letter.txt").read_bytes() == b"x" * 1000


# pyrage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_and_we_open_each_others_files(size: int) -> None:
    import pyrage

    data = os.urandom(size)
    identity = pyrage.x25519.Identity.generate()
    sink = io.BytesIO()
    stream = age.encrypt(sink, [ClassicalRecipient(str(identity.to_public()))])
    stream.write(data)
    stream.finish()
    assert pyrage.decrypt(sink.getvalue(), [identity]) == data
    sealed = pyrage.encrypt(data, [identity.to_public()])
    assert opened(sealed, ClassicalIdentity(str(identity))) == data


def test_pyrage_opens_our_passphrase_file() -> None:
    import pyrage

    sink = io.BytesIO()
    stream = age.encrypt(sink, [PassphraseRecipient("secret", work_factor=WORK)])
    stream.write(b"hello")
    stream.finish()
    assert pyrage.passphrase.decrypt(sink.getvalue(), "secret") == b"hello"


# age-encryption, TypeScript: the only referee here for the hybrid stanza ---------------------------------------------


@pytest.mark.parametrize("size", [0, 65536, 200_000])
def test_the_typescript_age_opens_our_hybrid_file(typescript: Any, tmp_path: Path, size: int) -> None:
    key, data = EncryptionKey.generate(), os.urandom(size)
    ours(tmp_path / "f.age", HybridRecipient(key.recipient), data)
    typescript("open", key.text, tmp_path / "f.age", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize("size", [0, 65536, 200_000])
def test_we_open_the_typescript_ages_hybrid_file(typescript: Any, tmp_path: Path, size: int) -> None:
    key, data = EncryptionKey.generate(), os.urandom(size)
    (tmp_path / "in").write_bytes(data)
    typescript("seal", key.recipient, tmp_path / "in", tmp_path / "f.age")
    assert opened((tmp_path / "f.age").read_bytes(), HybridIdentity(key)) == data


def test_the_typescript_age_finds_the_same_recipient_for_a_secret(typescript: Any) -> None:
    key = EncryptionKey.generate()
    assert typescript("recipient", key.text) == key.recipient


def test_the_typescript_age_opens_a_whole_sealed_file(typescript: Any, exchange: Any) -> None:
    path, box = exchange.send(), exchange.folder / "box.tar"
    typescript("open", exchange.doctor.keyring.encryption.text, path, box)
    listed = subprocess.run(["tar", "--list", "-f", box], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == ["manifest.jws.json", "bundle.json"]


# jwcrypto -----------------------------------------------------------------------------------------------------------


def test_jwcrypto_verifies_both_signatures_with_the_cards_keys(exchange: Any) -> None:
    from jwcrypto import jwk
    from jwcrypto import jws as judge

    prepared, _, _ = exchange.prepare()
    for parameters, algorithm in zip(exchange.practice.card.public.jwks, ("Ed25519", "ML-DSA-65"), strict=True):
        token = judge.JWS()
        token.allowed_algs = [algorithm]
        token.deserialize(prepared.jws.decode())
        token.verify(jwk.JWK(**parameters))
        assert token.payload == prepared.manifest.payload
    other = judge.JWS()
    other.allowed_algs = ["Ed25519"]
    other.deserialize(prepared.jws.decode())
    with pytest.raises(judge.InvalidJWSSignature):
        other.verify(jwk.JWK(**exchange.doctor.card.public.jwks[0]))


def test_jwcrypto_gives_the_same_key_ids(exchange: Any) -> None:
    from jwcrypto import jwk

    public = exchange.practice.card.public
    assert tuple(jwk.JWK(**parameters).thumbprint() for parameters in public.jwks) == public.ids
