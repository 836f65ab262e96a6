"""Published vectors of everything the sealed file is composed of, through our own functions wherever we have one.

They come with the package `cryptography_vectors` (RFC 5869, 7748, 7914, 8439 and 9180, NIST's KATs, the HPKE working
group's post-quantum ones): that the library under us was built right is not taken on trust.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

vectors = pytest.importorskip("cryptography_vectors", reason="the package cryptography_vectors is not here")

from cryptography.exceptions import InvalidSignature, InvalidTag  # noqa: E402 - after the look for the vectors
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: E402

from exchange.sealing import recipients  # noqa: E402
from exchange.signing.keys import EncryptionKey, PublicKeys, SigningKeys  # noqa: E402

FOLDER = Path(vectors.__file__).parent


def blocks(name: str, separator: str = "=") -> Iterator[dict[str, str]]:
    """Read `NAME = value` records, each begun by its count."""
    record: dict[str, str] = {}
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        key, found, value = line.partition(separator)
        if line.startswith("#") or not found:
            continue
        if key.strip().lower() == "count" and record:
            yield record
            record = {}
        record[key.strip().lower()] = value.strip()
    yield record


def raw(text: str) -> bytes:
    """Read hex, or a text in quotation marks."""
    return text[1:-1].encode() if text.startswith('"') else bytes.fromhex(text)


def hpke(name: str, **wanted: int) -> list[dict[str, Any]]:
    found = json.loads((FOLDER / "HPKE" / name).read_text(encoding="utf-8"))
    return [one for one in found if all(one[field] == value for field, value in wanted.items())]


def with_aad(suite: Any, *given: Any, **more: Any) -> bytes:
    """Open with associated data, which every published vector has and age has not: the library keeps that for tests."""
    from cryptography.hazmat.bindings._rust import openssl

    return bytes(openssl.hpke._decrypt_with_aad(suite, *given, **more))


# HPKE ---------------------------------------------------------------------------------------------------------------


def test_hpke_with_x_wing_opens_the_working_groups_vector() -> None:
    """The very suite of the hybrid stanza: KEM 0x647a, HKDF-SHA256, ChaCha20-Poly1305."""
    (one,) = hpke("hpke-pq-test-vectors.json", mode=0, kem_id=0x647A, kdf_id=1, aead_id=3)
    key = EncryptionKey(bytes.fromhex(one["skRm"]))
    assert key.public_bytes == bytes.fromhex(one["pkRm"])
    first = one["encryptions"][0]
    sealed = bytes.fromhex(one["enc"]) + bytes.fromhex(first["ct"])
    given = {"info": bytes.fromhex(one["info"]), "aad": bytes.fromhex(first["aad"])}
    assert with_aad(recipients._suite(), sealed, key.private, **given) == bytes.fromhex(first["pt"])
    for field in given:
        with pytest.raises(InvalidTag):
            with_aad(recipients._suite(), sealed, key.private, **{**given, field: b"other"})
    for at in (0, 1087, 1088, 1119, 1120, len(sealed) - 1):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(InvalidTag):
            with_aad(recipients._suite(), changed, key.private, **given)


def test_x_wing_keys_are_the_same_under_another_kdf() -> None:
    (one,) = hpke("hpke-pq-test-vectors.json", mode=0, kem_id=0x647A, kdf_id=17)
    assert EncryptionKey(bytes.fromhex(one["skRm"])).public_bytes == bytes.fromhex(one["pkRm"])


@pytest.mark.parametrize("aead", [1, 2, 3])
def test_hpke_with_x25519_opens_the_vectors_of_rfc_9180(aead: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    (one,) = hpke("test-vectors.json", mode=0, kem_id=0x20, kdf_id=1, aead_id=aead)
    cipher = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}[aead]
    first = one["encryptions"][0]
    opened = with_aad(
        Suite(KEM.X25519, KDF.HKDF_SHA256, cipher),
        bytes.fromhex(one["enc"] + first["ct"]),
        X25519PrivateKey.from_private_bytes(bytes.fromhex(one["skRm"])),
        info=bytes.fromhex(one["info"]),
        aad=bytes.fromhex(first["aad"]),
    )
    assert opened == bytes.fromhex(first["pt"])


def test_ml_kem_768_gives_nists_keys_and_secrets() -> None:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

    for one in list(blocks("asymmetric/MLKEM/kat_MLKEM_768.rsp"))[:100]:
        key = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(one["d"] + one["z"]))
        assert key.public_key().public_bytes_raw() == bytes.fromhex(one["pk"])
        assert key.decapsulate(bytes.fromhex(one["ct"])) == bytes.fromhex(one["ss"])
        # a changed ciphertext gives another secret and no error: implicit rejection
        assert key.decapsulate(bytes.fromhex(one["ct_n"])) == bytes.fromhex(one["ss_n"])


def test_x25519_gives_the_secrets_of_rfc_7748() -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    tried = 0
    for one in blocks("asymmetric/X25519/rfc7748.txt"):
        secret = X25519PrivateKey.from_private_bytes(bytes.fromhex(one["input_scalar"]))
        shared = secret.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(one["input_u"])))
        assert shared == bytes.fromhex(one["output_u"])
        tried += 1
    assert tried == 3


# Signatures ---------------------------------------------------------------------------------------------------------


def test_ed25519_signs_and_verifies_as_published() -> None:
    lines = (FOLDER / "asymmetric/Ed25519/sign.input").read_text(encoding="utf-8").splitlines()
    for line in lines[::16]:
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        keys = SigningKeys(secret[:32], bytes(32))
        assert keys.public.ed25519 == public
        assert keys.signers[0].sign(message) == signed[:64]
        keys.public.verifiers[0].verify(signed[:64], message)
        with pytest.raises(InvalidSignature):
            keys.public.verifiers[0].verify(signed[:64], message + b"x")


def test_ml_dsa_65_gives_nists_keys_and_accepts_its_signatures() -> None:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

    for one in list(blocks("asymmetric/MLDSA/kat_MLDSA_65_det_pure.rsp"))[:50]:
        keys = SigningKeys(bytes(32), bytes.fromhex(one["xi"]))
        assert keys.public.ml_dsa == bytes.fromhex(one["pk"])
        signed, message, context = (bytes.fromhex(one[name]) for name in ("sm", "msg", "ctx"))
        verifier = PublicKeys(keys.public.ed25519, bytes.fromhex(one["pk"])).verifiers[1]
        assert isinstance(verifier, MLDSA65PublicKey)
        verifier.verify(signed[:3309], message, context)
        # JWS signs without a context (RFC 9964): a signature with one is none of ours
        with pytest.raises(InvalidSignature):
            verifier.verify(signed[:3309], message)


# Symmetric ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["boringssl.txt", "openssl.txt"])
def test_chacha20_poly1305_into_buffers_gives_rfc_8439s_bytes(name: str) -> None:
    """`encrypt_into` and `decrypt_into` are what the stream uses."""
    tried = 0
    for one in blocks(f"ciphers/ChaCha20Poly1305/{name}"):
        aead = ChaCha20Poly1305(raw(one["key"]))
        nonce = raw(one.get("nonce") or one["iv"])
        plain = raw(one["in"] if "in" in one else one["plaintext"])
        data = raw(one["ad"] if "ad" in one else one["aad"])
        sealed = raw(one["ct"] if "ct" in one else one["ciphertext"]) + raw(one["tag"])
        if len(nonce) != 12:
            continue
        tried += 1
        back = bytearray(len(plain))
        if "result" in one:
            with pytest.raises(InvalidTag):
                aead.decrypt_into(nonce, sealed, data, back)
            continue
        out = bytearray(len(sealed))
        aead.encrypt_into(nonce, plain, data, out)
        assert out == sealed
        aead.decrypt_into(nonce, sealed, data, back)
        assert back == plain
    assert tried >= 5


def test_our_hkdf_gives_the_first_block_of_rfc_5869() -> None:
    tried = 0
    for one in blocks("KDF/rfc-5869-HKDF-SHA256.txt"):
        found = recipients._hkdf(raw(one["ikm"]), raw(one["salt"]), raw(one["info"]))
        assert found == raw(one["okm"])[:32]
        tried += 1
    assert tried == 3


def test_scrypt_gives_the_keys_of_rfc_7914() -> None:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    tried = 0
    for one in blocks("KDF/scrypt.txt"):
        if int(one["n"]) > 1 << 14:
            continue  # a gigabyte of memory
        scrypt = Scrypt(
            salt=one["salt"].encode(), length=int(one["length"]), n=int(one["n"]), r=int(one["r"]), p=int(one["p"])
        )
        assert scrypt.derive(one["password"].encode()) == raw(one["derived_key"])
        tried += 1
    assert tried == 3
