"""Who a file key is wrapped for and unwrapped by: hybrid keys, passphrases, and classical keys by exception."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from exchange.errors import SealingError
from exchange.sealing.failures import HeaderFailure
from exchange.sealing.header import Stanza, decode, encode
from exchange.signing import bech32
from exchange.signing.keys import EncryptionKey, recipient_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import Suite

FILE_KEY = 16
HYBRID = "mlkem768x25519"
CLASSICAL = "X25519"
PASSPHRASE = "scrypt"  # noqa: S105 - the name of a stanza
WORK_FACTOR = 18

_BODY = FILE_KEY + 16
_ZERO_NONCE = bytes(12)
_HYBRID_INFO = b"age-encryption.org/mlkem768x25519"
_HYBRID_ENC = 1120  # an ML-KEM-768 ciphertext of 1088 bytes, then an X25519 share
_CLASSICAL_INFO = b"age-encryption.org/v1/X25519"
_SALT_LABEL = b"age-encryption.org/v1/scrypt"
_SALT = 16
_MOST_WORK = 20  # 2^20 takes 1 GiB of memory
_DECIMAL = re.compile(r"[1-9][0-9]{0,2}")


class Recipient(Protocol):
    """Whoever a file can be encrypted to; `alone` forbids every other stanza."""

    kind: str
    alone: bool

    def wrap(self, file_key: bytes) -> Stanza:
        """Return the file key in a stanza for this recipient."""
        ...


class Identity(Protocol):
    """Whoever can open stanzas of one kind."""

    kind: str

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key, or None when the stanza is for somebody else; HeaderFailure when it is malformed."""
        ...


class HybridRecipient:
    """An X-Wing public key: HPKE with ML-KEM-768 and X25519 (KEM 0x647a), HKDF-SHA256 and ChaCha20-Poly1305."""

    kind = HYBRID
    alone = False
    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Take the `age1pq1…` text."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

        data = recipient_bytes(text)
        try:
            self._key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(data[:-32]), X25519PublicKey.from_public_bytes(data[-32:])
            )
        except ValueError:
            raise SealingError("signing.key-malformed") from None

    def wrap(self, file_key: bytes) -> Stanza:
        """Return enc as the argument and the ciphertext as the body."""
        sealed = _suite().encrypt(file_key, self._key, info=_HYBRID_INFO)
        return Stanza((HYBRID, encode(sealed[:_HYBRID_ENC])), sealed[_HYBRID_ENC:])


class HybridIdentity:
    """An X-Wing seed that opens hybrid stanzas."""

    kind = HYBRID
    __slots__ = ("key",)

    def __init__(self, key: EncryptionKey) -> None:
        """Take the key from the keyring."""
        self.key = key

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key when this stanza is ours."""
        from cryptography.exceptions import InvalidTag

        enc = _share(stanza, arguments=2, size=_HYBRID_ENC)
        try:
            return _require_key(_suite().decrypt(enc + stanza.body, self.key.private, info=_HYBRID_INFO))
        except InvalidTag:
            # HPKE of `cryptography` says the same of a wrong key and of an X25519 share of low order; the second
            # is malformed for everybody (RFC 9180 section 7.1.4).
            if _low_order(enc[-32:]):
                raise HeaderFailure from None
            return None


class PassphraseRecipient:
    """A passphrase, stretched with scrypt; it stands alone in its header."""

    kind = PASSPHRASE
    alone = True
    __slots__ = ("_passphrase", "_work_factor")

    def __init__(self, passphrase: str, *, work_factor: int = WORK_FACTOR) -> None:
        """Take the passphrase and the logarithm of scrypt's N."""
        self._passphrase = passphrase.encode("utf-8")
        self._work_factor = work_factor

    def wrap(self, file_key: bytes) -> Stanza:
        """Return a stanza with a fresh salt."""
        salt = secrets.token_bytes(_SALT)
        key = _stretched(self._passphrase, salt, self._work_factor)
        return Stanza((PASSPHRASE, encode(salt), str(self._work_factor)), _wrap(key, file_key))


class PassphraseIdentity:
    """A passphrase that opens a scrypt stanza, up to a work factor that a laptop's memory bears."""

    kind = PASSPHRASE
    __slots__ = ("_most_work", "_passphrase")

    def __init__(self, passphrase: str, *, most_work: int = _MOST_WORK) -> None:
        """Take the passphrase."""
        self._passphrase = passphrase.encode("utf-8")
        self._most_work = most_work

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key when the passphrase is right."""
        salt = _share(stanza, arguments=3, size=_SALT)
        work = stanza.arguments[2]
        if not _DECIMAL.fullmatch(work) or int(work) > self._most_work:
            raise HeaderFailure
        return _unwrap(_stretched(self._passphrase, salt, int(work)), stanza.body)


class ClassicalRecipient:
    """An X25519 key: can be broken later by a quantum computer, so written only by a dated exception."""

    kind = CLASSICAL
    alone = False
    __slots__ = ("_public", "public_bytes")

    def __init__(self, text: str) -> None:
        """Take the `age1…` text."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

        try:
            self.public_bytes = bech32.decode(text, "age")
            self._public = X25519PublicKey.from_public_bytes(self.public_bytes)
        except ValueError:
            raise SealingError("signing.key-malformed") from None

    def wrap(self, file_key: bytes) -> Stanza:
        """Return a stanza with a fresh share."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        secret = X25519PrivateKey.generate()
        share = secret.public_key().public_bytes_raw()
        try:
            shared = secret.exchange(self._public)
        except ValueError:
            raise SealingError("signing.key-malformed") from None
        key = _hkdf(shared, share + self.public_bytes, _CLASSICAL_INFO)
        return Stanza((CLASSICAL, encode(share)), _wrap(key, file_key))


class ClassicalIdentity:
    """An X25519 secret key, `AGE-SECRET-KEY-1…`."""

    kind = CLASSICAL
    __slots__ = ("_private",)

    def __init__(self, text: str) -> None:
        """Take the text."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        try:
            self._private = X25519PrivateKey.from_private_bytes(bech32.decode(text, "age-secret-key-"))
        except ValueError:
            raise SealingError("signing.key-malformed") from None

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key when this stanza is ours."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

        share = _share(stanza, arguments=2, size=32)
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            # The shared secret is all zero: a share of low order.
            raise HeaderFailure from None
        key = _hkdf(shared, share + self._private.public_key().public_bytes_raw(), _CLASSICAL_INFO)
        return _unwrap(key, stanza.body)


def open_stanzas(stanzas: Sequence[Stanza], identities: Sequence[Identity]) -> tuple[bytes, Identity] | None:
    """Return the file key and the identity that gave it; None when nobody matches."""
    if any(stanza.kind == PASSPHRASE for stanza in stanzas) and len(stanzas) != 1:
        raise HeaderFailure
    for identity in identities:
        for stanza in stanzas:
            if stanza.kind == identity.kind:
                file_key = identity.unwrap(stanza)
                if file_key is not None:
                    return file_key, identity
    return None


def mac(file_key: bytes, header: bytes) -> bytes:
    """Return the header's MAC."""
    return hmac.digest(_hkdf(file_key, b"", b"header"), header, "sha256")


def payload_key(file_key: bytes, nonce: bytes) -> bytes:
    """Return the key of the payload."""
    return _hkdf(file_key, nonce, b"payload")


def _share(stanza: Stanza, *, arguments: int, size: int) -> bytes:
    """Return the stanza's second argument, after checking its sizes; the body's before anything is decrypted."""
    if len(stanza.arguments) != arguments:
        raise HeaderFailure
    share = decode(stanza.arguments[1])
    if len(share) != size or len(stanza.body) != _BODY:
        raise HeaderFailure
    return share


def _low_order(share: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        return True
    return False


def _require_key(file_key: bytes) -> bytes:
    if len(file_key) != FILE_KEY:
        raise HeaderFailure
    return file_key


def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 for one block of output, which is all that age asks for."""
    extracted = hmac.digest(salt or bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def _stretched(passphrase: bytes, salt: bytes, work_factor: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=_SALT_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1).derive(passphrase)


def _wrap(key: bytes, file_key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)


def _unwrap(key: bytes, body: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None
