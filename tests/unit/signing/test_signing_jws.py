"""Signatures: only both pinned keys, over these bytes, as this kind of object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import WasChanged
from exchange.signing import jws
from exchange.signing.canonical import canonical
from exchange.signing.keys import SigningKeys, base64url

KEYS, OTHERS = SigningKeys.generate(), SigningKeys.generate()
SIGNED = jws.sign(b'{"a":1}', "agreement", KEYS)


def test_what_was_signed_comes_back_to_the_byte() -> None:
    for payload in (b"", b'{"a": 1.0}', bytes(range(256))):
        assert jws.verify(jws.sign(payload, "agreement", KEYS), "agreement", KEYS.public) == payload


def test_the_digest_is_of_the_payload_so_two_signings_are_one_object() -> None:
    again = jws.sign(b'{"a":1}', "agreement", KEYS)
    assert again != SIGNED
    assert jws.digest(again) == jws.digest(SIGNED) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_there_are_exactly_two_signatures_with_exactly_three_headers() -> None:
    read = json.loads(SIGNED)
    assert read.keys() == {"payload", "signatures"}
    assert len(read["signatures"]) == 2
    for part, algorithm in zip(read["signatures"], ("Ed25519", "ML-DSA-65"), strict=True):
        assert json.loads(jws.from_base64url(part["protected"])).keys() == {"alg", "kid", "typ"}
        assert json.loads(jws.from_base64url(part["protected"]))["alg"] == algorithm


@pytest.mark.parametrize("typ", sorted(jws.TYPES - {"agreement"}))
def test_no_kind_passes_for_another(typ: str) -> None:
    with pytest.raises(WasChanged):
        jws.verify(SIGNED, typ, KEYS.public)


def test_a_kind_outside_the_closed_list_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="letter"):
        jws.sign(b"", "letter", KEYS)
    with pytest.raises(ValueError, match="letter"):
        jws.verify(SIGNED, "letter", KEYS.public)


def test_other_keys_do_not_verify() -> None:
    with pytest.raises(WasChanged):
        jws.verify(SIGNED, "agreement", OTHERS.public)
    for mixed in (
        SigningKeys(KEYS.ed25519_seed, OTHERS.ml_dsa_seed),
        SigningKeys(OTHERS.ed25519_seed, KEYS.ml_dsa_seed),
    ):
        with pytest.raises(WasChanged):
            jws.verify(SIGNED, "agreement", mixed.public)


def test_one_good_signature_beside_one_forged_is_not_enough() -> None:
    """An attacker who broke one of the two algorithms still can't sign."""
    for place in (0, 1):
        half = json.loads(SIGNED)
        forged = json.loads(jws.sign(b'{"a":2}', "agreement", OTHERS))
        half["payload"] = forged["payload"]
        own = json.loads(jws.sign(b'{"a":2}', "agreement", KEYS))
        half["signatures"][place] = own["signatures"][place]
        with pytest.raises(WasChanged):
            jws.verify(canonical(half), "agreement", KEYS.public)


def test_the_same_signatures_over_other_bytes_are_refused() -> None:
    changed = json.loads(SIGNED)
    changed["payload"] = base64url(b'{"a":2}')
    with pytest.raises(WasChanged):
        jws.verify(canonical(changed), "agreement", KEYS.public)
    assert jws.payload(canonical(changed)) == b'{"a":2}'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"payload":"","signatures":[]}',
        b'{"payload":1,"signatures":[{},{}]}',
        b'{"payload":"","signatures":{"a":1,"b":2}}',
        b'{"payload":"","signatures":[1,2]}',
        b'{"payload":"","signatures":[{},{}],"x":1}',
        b"eyJhbGciOiJub25lIn0..",
    ],
)
def test_what_is_no_signed_object_was_changed(text: bytes) -> None:
    with pytest.raises(WasChanged):
        jws.verify(text, "agreement", KEYS.public)
    with pytest.raises(WasChanged):
        jws.payload(text)


def test_a_payload_that_is_not_base64url_was_changed() -> None:
    for wrong in ("e30=", "e3-!", "é"):
        changed = json.loads(SIGNED)
        changed["payload"] = wrong
        with pytest.raises(WasChanged):
            jws.payload(canonical(changed))
        with pytest.raises(WasChanged):
            jws.verify(canonical(changed), "agreement", KEYS.public)


def signed_with(change: Callable[[dict[str, object]], dict[str, object]]) -> bytes:
    """Sign rightly, with the right keys, under headers of another making."""
    body = base64url(b'{"a":1}')
    parts = []
    for algorithm, key_id, key in zip(("Ed25519", "ML-DSA-65"), KEYS.public.ids, KEYS.signers, strict=True):
        header = change({"alg": algorithm, "kid": key_id, "typ": "agreement"})
        text = base64url(canonical(header))
        parts.append({"protected": text, "signature": base64url(key.sign(f"{text}.{body}".encode()))})
    return canonical({"payload": body, "signatures": parts})


@pytest.mark.parametrize(
    "fields",
    [
        {"alg": "none"},
        {"alg": "EdDSA"},
        {"kid": "x"},
        {"typ": "agreement+jwt"},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"jku": "https://voorbeeld.invalid"},
        {"cty": "json"},
    ],
    ids="+".join,
)
def test_a_header_of_another_making_is_refused_though_the_right_keys_signed_it(fields: dict[str, object]) -> None:
    assert jws.verify(signed_with(dict), "agreement", KEYS.public) == b'{"a":1}'
    with pytest.raises(WasChanged):
        jws.verify(signed_with(lambda header: {**header, **fields}), "agreement", KEYS.public)


@pytest.mark.parametrize("missing", ["alg", "kid", "typ"])
def test_a_header_with_a_part_missing_is_refused(missing: str) -> None:
    without = signed_with(lambda header: {name: value for name, value in header.items() if name != missing})
    with pytest.raises(WasChanged):
        jws.verify(without, "agreement", KEYS.public)


def test_members_beside_the_signed_ones_are_refused() -> None:
    outside, beside = json.loads(SIGNED), json.loads(SIGNED)
    outside["note"] = "x"
    beside["signatures"][0]["note"] = "x"
    for changed in (outside, beside):
        with pytest.raises(WasChanged):
            jws.verify(canonical(changed), "agreement", KEYS.public)


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_one_changed_byte_anywhere_is_found(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != SIGNED[place]))
    changed = SIGNED[:place] + bytes([byte]) + SIGNED[place + 1 :]
    with pytest.raises(WasChanged):
        jws.verify(changed, "agreement", KEYS.public)
