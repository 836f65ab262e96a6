"""The keys of one workspace: two to sign with, one to open with, three for the store."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exchange.errors import SealingError
from exchange.signing import bech32
from exchange.signing.canonical import NotStrict, canonical, strict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

SEED = 32
ED25519 = "Ed25519"
ML_DSA = "ML-DSA-65"
ED25519_BYTES = 32
ML_DSA_BYTES = 1952
RECIPIENT_BYTES = 1216  # X-Wing: an ML-KEM-768 encapsulation key of 1184 bytes, then an X25519 public key

_SECRET_PREFIX = "age-secret-key-pq-"  # noqa: S105 - a prefix, not a secret
_RECIPIENT_PREFIX = "age1pq"
_KEYRING_FORMAT = "outcome-exchange-keyring/1"


def base64url(data: bytes) -> str:
    """Return unpadded base64url (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Read unpadded, canonical base64url; ValueError on anything else."""
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def _require(data: bytes, size: int) -> None:
    if not isinstance(data, bytes) or len(data) != size:
        raise SealingError("signing.key-malformed")


@dataclass(frozen=True)  # not slotted: the key ids and key objects are worked out once
class PublicKeys:
    """What a signature is checked with: an Ed25519 and an ML-DSA-65 public key."""

    ed25519: bytes
    ml_dsa: bytes

    def __post_init__(self) -> None:
        """Refuse keys of another size."""
        _require(self.ed25519, ED25519_BYTES)
        _require(self.ml_dsa, ML_DSA_BYTES)

    @property
    def public(self) -> PublicKeys:
        """Return itself, so that a pair of public keys is a signer like a card is."""
        return self

    @cached_property
    def jwks(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return both keys as JWK: OKP (RFC 8037), AKP (RFC 9964)."""
        return (
            {"crv": "Ed25519", "kty": "OKP", "x": base64url(self.ed25519)},
            {"alg": ML_DSA, "kty": "AKP", "pub": base64url(self.ml_dsa)},
        )

    @cached_property
    def ids(self) -> tuple[str, str]:
        """Return both key ids: the JWK thumbprints of RFC 7638."""
        first, second = (base64url(hashlib.sha256(canonical(jwk)).digest()) for jwk in self.jwks)
        return first, second

    @classmethod
    def from_jwks(cls, jwks: Any) -> PublicKeys:
        """Read exactly the two JWKs that `jwks` writes."""
        try:
            first, second = jwks
            keys = cls(from_base64url(first["x"]), from_base64url(second["pub"]))
        except (ValueError, TypeError, KeyError, UnicodeEncodeError):
            raise SealingError("signing.key-malformed") from None
        if [first, second] != list(keys.jwks):
            raise SealingError("signing.key-malformed")
        return keys

    @cached_property
    def verifiers(self) -> tuple[Ed25519PublicKey | MLDSA65PublicKey, ...]:
        """Return the key objects in the order of the signatures."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

        return Ed25519PublicKey.from_public_bytes(self.ed25519), MLDSA65PublicKey.from_public_bytes(self.ml_dsa)


@dataclass(frozen=True)
class SigningKeys:
    """The seeds of an Ed25519 and an ML-DSA-65 key."""

    ed25519_seed: bytes = field(repr=False)
    ml_dsa_seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse seeds of another size."""
        _require(self.ed25519_seed, SEED)
        _require(self.ml_dsa_seed, SEED)

    @classmethod
    def generate(cls) -> SigningKeys:
        """Draw new seeds."""
        return cls(secrets.token_bytes(SEED), secrets.token_bytes(SEED))

    @cached_property
    def signers(self) -> tuple[Ed25519PrivateKey | MLDSA65PrivateKey, ...]:
        """Return the key objects in the order of the signatures."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

        return (
            Ed25519PrivateKey.from_private_bytes(self.ed25519_seed),
            MLDSA65PrivateKey.from_seed_bytes(self.ml_dsa_seed),
        )

    @cached_property
    def public(self) -> PublicKeys:
        """Return the public halves."""
        ed25519, ml_dsa = self.signers
        return PublicKeys(ed25519.public_key().public_bytes_raw(), ml_dsa.public_key().public_bytes_raw())


@dataclass(frozen=True)
class EncryptionKey:
    """A 32-byte X-Wing seed: what a sealed file for us is opened with."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a seed of another size."""
        _require(self.seed, SEED)

    @classmethod
    def generate(cls) -> EncryptionKey:
        """Draw a new seed."""
        return cls(secrets.token_bytes(SEED))

    @property
    def text(self) -> str:
        """Return the secret as age writes it: `AGE-SECRET-KEY-PQ-1…`."""
        return bech32.encode(_SECRET_PREFIX, self.seed).upper()

    @classmethod
    def from_text(cls, text: str) -> EncryptionKey:
        """Read `AGE-SECRET-KEY-PQ-1…`."""
        try:
            return cls(bech32.decode(text, _SECRET_PREFIX))
        except ValueError:
            raise SealingError("signing.key-malformed") from None

    @cached_property
    def private(self) -> Any:
        """Return the HPKE private key: SHAKE256 of the seed gives 64 bytes for ML-KEM, 32 for X25519 (X-Wing)."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

        expanded = hashlib.shake_256(self.seed).digest(96)
        return MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
        )

    @cached_property
    def public_bytes(self) -> bytes:
        """Return the 1216 public bytes."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        expanded = hashlib.shake_256(self.seed).digest(96)
        ml_kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
        return ml_kem + X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()

    @cached_property
    def recipient(self) -> str:
        """Return the public half as age writes it: `age1pq1…`."""
        return bech32.encode(_RECIPIENT_PREFIX, self.public_bytes)


def recipient_bytes(text: str) -> bytes:
    """Read `age1pq1…` into its 1216 public bytes."""
    try:
        data = bech32.decode(text, _RECIPIENT_PREFIX)
    except ValueError:
        raise SealingError("signing.key-malformed") from None
    _require(data, RECIPIENT_BYTES)
    return data


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """What the store is locked with: its database, its keyed indexes, its sealed columns."""

    database: bytes = field(repr=False)
    index: bytes = field(repr=False)
    fields: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse keys of another size."""
        for key in (self.database, self.index, self.fields):
            _require(key, SEED)

    @classmethod
    def generate(cls) -> StoreKeys:
        """Draw new keys."""
        return cls(secrets.token_bytes(SEED), secrets.token_bytes(SEED), secrets.token_bytes(SEED))


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of one workspace; `demo` keys exchange with demo cards only.

    `retired` transport keys still open what was sent before a rotation, until they are destroyed. `storage` seals
    the originals that are kept, so that transport keys can be destroyed. `backups` has one key per backup, by name.
    """

    signing: SigningKeys
    encryption: EncryptionKey
    store: StoreKeys
    storage: EncryptionKey
    demo: bool = False
    retired: tuple[EncryptionKey, ...] = ()
    backups: Mapping[str, EncryptionKey] = field(default_factory=dict)

    @classmethod
    def generate(cls, *, demo: bool = False) -> Keyring:
        """Draw every key anew."""
        return cls(
            SigningKeys.generate(), EncryptionKey.generate(), StoreKeys.generate(), EncryptionKey.generate(), demo
        )

    @property
    def opening(self) -> tuple[EncryptionKey, ...]:
        """Return every key that a file sent to us may be sealed for, the newest first."""
        return (self.encryption, *self.retired)

    def rotated(self) -> Keyring:
        """Return the keyring with new signing and transport keys; the old transport key is retired, not lost."""
        return replace(
            self,
            signing=SigningKeys.generate(),
            encryption=EncryptionKey.generate(),
            retired=(self.encryption, *self.retired),
        )

    def without_retired(self, recipients: frozenset[str]) -> Keyring:
        """Return the keyring without these retired keys (their `age1pq1…` texts): the cure for a later theft."""
        return replace(self, retired=tuple(key for key in self.retired if key.recipient not in recipients))

    def with_backup(self, name: str) -> Keyring:
        """Return the keyring with a new key registered for one backup; a name that is taken keeps its key."""
        return replace(self, backups={name: EncryptionKey.generate(), **self.backups})

    def without_backup(self, name: str) -> Keyring:
        """Return the keyring without a backup's key: that backup can then never be read again."""
        return replace(self, backups={other: key for other, key in self.backups.items() if other != name})

    def to_bytes(self) -> bytes:
        """Return the whole keyring as canonical JSON; it is secret, and goes nowhere but into the keystore."""
        return canonical(
            {
                "format": _KEYRING_FORMAT,
                "demo": self.demo,
                "signing": [base64url(self.signing.ed25519_seed), base64url(self.signing.ml_dsa_seed)],
                "encryption": base64url(self.encryption.seed),
                "storage": base64url(self.storage.seed),
                "store": [base64url(key) for key in (self.store.database, self.store.index, self.store.fields)],
                "retired": [base64url(key.seed) for key in self.retired],
                "backups": {name: base64url(key.seed) for name, key in self.backups.items()},
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Keyring:
        """Read what `to_bytes` wrote."""
        try:
            read = strict(data)
            if read["format"] != _KEYRING_FORMAT:
                raise SealingError("signing.keyring-malformed")
            return cls(
                SigningKeys(*map(from_base64url, read["signing"])),
                EncryptionKey(from_base64url(read["encryption"])),
                StoreKeys(*map(from_base64url, read["store"])),
                EncryptionKey(from_base64url(read["storage"])),
                read["demo"] is True,
                tuple(EncryptionKey(from_base64url(seed)) for seed in read["retired"]),
                {name: EncryptionKey(from_base64url(seed)) for name, seed in read["backups"].items()},
            )
        except (NotStrict, ValueError, TypeError, KeyError, AttributeError):
            raise SealingError("signing.keyring-malformed") from None
