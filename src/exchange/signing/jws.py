"""Signed objects: JWS general JSON with exactly two signatures, Ed25519 and ML-DSA-65.

RFC 7515, RFC 9864 (Ed25519), RFC 9964 (ML-DSA), RFC 8725 (what a verifier must demand). The bytes that are sent are
the bytes that are signed; nothing is ever serialised again to verify it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from exchange.errors import WasChanged
from exchange.signing.canonical import MOST_BYTES, NotStrict, canonical, strict
from exchange.signing.keys import ED25519, ML_DSA, PublicKeys, SigningKeys, base64url, from_base64url

# The closed list of what can be signed; a verifier demands one of them, so no object passes for another kind.
TYPES = frozenset(
    {
        "manifest",
        "card",
        "rotation",
        "revocation",
        "agreement",
        "acceptance",
        "response",
        "accession",
        "termination",
        "audit-head",
        "destruction",
    }
)

_ALGORITHMS = (ED25519, ML_DSA)
_SIGNATURES = (64, 3309)  # bytes: RFC 8032, FIPS 204
# A base64url payload of the largest kind and two signatures.
_MOST_JWS = MOST_BYTES * 3 // 2


class Signer(Protocol):
    """Whoever's public keys are pinned: a card, or a bare pair of keys."""

    @property
    def public(self) -> PublicKeys:
        """Return both public keys."""
        ...


def sign(payload: bytes, typ: str, keys: SigningKeys) -> bytes:
    """Return the JWS over these payload bytes, signed by both keys; `typ` is one of TYPES."""
    if typ not in TYPES:
        raise ValueError(typ)
    body = base64url(payload)
    headers = _headers(typ, keys.public)
    signed = (key.sign(f"{header}.{body}".encode("ascii")) for header, key in zip(headers, keys.signers, strict=True))
    return _general(body, headers, signed)


def size(payload: int, typ: str, public: PublicKeys) -> int:
    """Return how many bytes `sign` makes of a payload of so many bytes: room can be left for it beforehand."""
    return len(_general(base64url(bytes(payload)), _headers(typ, public), map(bytes, _SIGNATURES)))


def verify(jws: bytes, typ: str, card: Signer) -> bytes:
    """Return the payload bytes if both pinned keys signed them as `typ`; WasChanged on anything else."""
    if typ not in TYPES:
        raise ValueError(typ)
    body, signatures = _parts(jws)
    public = card.public
    try:
        for algorithm, key_id, key, part in zip(_ALGORITHMS, public.ids, public.verifiers, signatures, strict=True):
            # The algorithm comes from the pinned key: the header must repeat it and never chooses.
            if _header(part) != {"alg": algorithm, "kid": key_id, "typ": typ}:
                raise WasChanged
            key.verify(from_base64url(part["signature"]), f"{part['protected']}.{body}".encode("ascii"))
        return from_base64url(body)
    except _failures():
        raise WasChanged from None


def payload(jws: bytes) -> bytes:
    """Return the payload WITHOUT verifying it, to look up who says to have signed it."""
    body, _ = _parts(jws)
    try:
        return from_base64url(body)
    except ValueError:
        raise WasChanged from None


def digest(jws: bytes) -> str:
    """Return the SHA-256 of the payload bytes as hex: the name of a signed object (ML-DSA signing is randomised)."""
    return hashlib.sha256(payload(jws)).hexdigest()


def _headers(typ: str, public: PublicKeys) -> list[str]:
    named = zip(_ALGORITHMS, public.ids, strict=True)
    return [base64url(canonical({"alg": algorithm, "kid": key_id, "typ": typ})) for algorithm, key_id in named]


def _general(body: str, headers: Sequence[str], signed: Iterable[bytes]) -> bytes:
    parts = zip(headers, signed, strict=True)
    signatures = [{"protected": header, "signature": base64url(signature)} for header, signature in parts]
    return canonical({"payload": body, "signatures": signatures})


def _failures() -> tuple[type[Exception], ...]:
    from cryptography.exceptions import InvalidSignature

    return (InvalidSignature, ValueError)


def _parts(jws: bytes) -> tuple[str, list[dict[str, str]]]:
    """Return payload text and signature parts, when the JWS has exactly the members that we write."""
    try:
        read = strict(jws, most=_MOST_JWS, deepest=8)
    except NotStrict:
        raise WasChanged from None
    if not (_has(read, "payload", "signatures") and isinstance(read["payload"], str)):
        raise WasChanged
    signatures = read["signatures"]
    if not isinstance(signatures, list) or len(signatures) != len(_ALGORITHMS):
        raise WasChanged
    for part in signatures:
        # No member `header`: an unprotected header is signed by nobody.
        if not (_has(part, "protected", "signature") and all(isinstance(text, str) for text in part.values())):
            raise WasChanged
    return read["payload"], signatures


def _has(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and value.keys() == set(names)


def _header(part: dict[str, str]) -> Any:
    return strict(from_base64url(part["protected"]), most=1024, deepest=2)
