"""Pseudonyms: keyed indexes, sealed columns, random case-ids and the short code printed on a letter."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from typing import Protocol

from exchange.errors import SealingError
from exchange.signing.keys import StoreKeys

_NONCE = 12
_INDEX = 32
# Crockford's 32: no I, L, O or U, so that a code read aloud or written by hand comes back as it was.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CODE = 11
_GROUP = 4


class Pseudonymiser(Protocol):
    """Whoever turns an identity into something that is worth nothing elsewhere; a national service fits here too."""

    def index(self, kind: str, text: str) -> str:
        """Return the keyed index of a text as 32 hex digits: equal texts meet, nobody without the key gets back."""
        ...

    def seal(self, column: str, row: str, text: str) -> bytes:
        """Return one column's value sealed to its place."""
        ...

    def open(self, column: str, row: str, sealed: bytes) -> str:
        """Return the value that was sealed at this place."""
        ...


class LocalPseudonymiser:
    """The pseudonymiser of one workspace, with the store's own keys.

    HMAC-SHA256 for indexes: an unkeyed hash of a BSN is found back in a minute. AES-GCM-SIV (RFC 8452) for columns:
    its random nonces may even meet without giving a value away. The place of a value is its associated data, so
    that a value copied to another row or column does not open.
    """

    __slots__ = ("_aead", "_index")

    def __init__(self, keys: StoreKeys) -> None:
        """Take the index key and the fields key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

        self._index = keys.index
        self._aead = AESGCMSIV(keys.fields)

    def index(self, kind: str, text: str) -> str:
        """Return HMAC-SHA256(index key, "kind|text") as its first 32 hex digits; `kind` holds no bar."""
        if "|" in kind:
            raise ValueError("a kind of index holds no bar")
        return hmac.digest(self._index, f"{kind}|{text}".encode(), "sha256")[: _INDEX // 2].hex()

    def seal(self, column: str, row: str, text: str) -> bytes:
        """Return nonce and ciphertext of a value; `row` is the row's surrogate id."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._aead.encrypt(nonce, text.encode("utf-8"), _place(column, row))

    def open(self, column: str, row: str, sealed: bytes) -> str:
        """Return the value; SealingError when it was changed, or sealed for another place or key."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(column, row)).decode("utf-8")
        except (InvalidTag, ValueError):
            raise SealingError("signing.column-changed", column=column) from None


def case_id() -> str:
    """Return a new case-id: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def fhir_id() -> str:
    """Return a random FHIR id; it says nothing about whoever it is given to."""
    return str(uuid.uuid4())


def case_code(case: str) -> str:
    """Return the koppelcode of a case-id: 55 bits of its SHA-256 and a check character, as `XXXX-XXXX-XXXX`."""
    number = int.from_bytes(hashlib.sha256(f"koppelcode|{case}".encode("ascii")).digest(), "big") >> 256 - 5 * _CODE
    values = [number >> 5 * (_CODE - 1 - place) & 31 for place in range(_CODE)]
    letters = "".join(_LETTERS[value] for value in [*values, _check(values)])
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def read_case_code(text: str) -> str:
    """Return a code as `case_code` writes it, from what a person typed; SealingError when it can't be right."""
    letters = text.upper().translate(_READ_AS)
    values = [_LETTERS.find(letter) for letter in letters]
    if len(values) != _CODE + 1 or -1 in values or _check(values[:-1]) != values[-1]:
        raise SealingError("signing.case-code-wrong")
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def _check(values: list[int]) -> int:
    """Weigh each place with another power of the field's generator.

    In GF(32) this finds every wrong character and every two that changed places, which a plain sum does not.
    """
    check = 0
    for value in reversed(values):
        check = _times_generator(check ^ value)
    return check


def _times_generator(value: int) -> int:
    # GF(32) by the primitive polynomial x^5 + x^2 + 1.
    doubled = value << 1
    return doubled ^ 0b100101 if doubled & 0b100000 else doubled


def _place(column: str, row: str) -> bytes:
    # The length keeps ("a", "bc") and ("ab", "c") apart.
    return f"{len(column)}|{column}|{row}".encode()
