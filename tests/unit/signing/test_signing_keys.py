"""Keys: their texts, sizes and secrecy, and the canonical JSON they are kept in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import SealingError
from exchange.signing import bech32
from exchange.signing.canonical import NotStrict, canonical, strict
from exchange.signing.keys import (
    EncryptionKey,
    Keyring,
    PublicKeys,
    SigningKeys,
    StoreKeys,
    base64url,
    from_base64url,
    recipient_bytes,
)


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return replace(Keyring.generate(), backups={"2026": EncryptionKey.generate()}).rotated()


def test_a_keyring_comes_back_from_its_bytes(keyring: Keyring) -> None:
    assert Keyring.from_bytes(keyring.to_bytes()) == keyring
    assert keyring.opening[1] == keyring.retired[0]
    assert not keyring.without_retired(frozenset({keyring.retired[0].recipient})).retired


def test_rotation_keeps_the_stores_keys_and_changes_the_others(keyring: Keyring) -> None:
    rotated = keyring.rotated()
    assert (rotated.store, rotated.storage, rotated.backups) == (keyring.store, keyring.storage, keyring.backups)
    assert rotated.signing != keyring.signing
    assert rotated.retired[0] == keyring.encryption


def test_each_backup_has_its_own_key_which_is_never_replaced(keyring: Keyring) -> None:
    twice = keyring.with_backup("2027").with_backup("2027")
    assert set(twice.backups) == {"2026", "2027"}
    assert twice.with_backup("2027").backups == twice.backups
    assert twice.backups["2027"] != twice.backups["2026"]
    assert Keyring.from_bytes(twice.to_bytes()) == twice
    assert twice.without_backup("2027") == keyring


@pytest.mark.parametrize("change", ["format", "signing", "encryption", "storage", "store", "retired", "backups"])
def test_a_keyring_with_a_part_missing_or_wrong_is_refused_without_repeating_it(keyring: Keyring, change: str) -> None:
    whole = json.loads(keyring.to_bytes())
    without = {name: value for name, value in whole.items() if name != change}
    for damaged in (without, {**whole, change: ["AAAA"]}, {**whole, change: 7}, {**whole, change: "é"}):
        with pytest.raises(SealingError) as raised:
            Keyring.from_bytes(canonical(damaged))
        assert raised.value.params == {}
        assert raised.value.__cause__ is None
    with pytest.raises(SealingError):
        Keyring.from_bytes(b"not json")


def test_secrets_are_never_shown(keyring: Keyring) -> None:
    for part in (keyring, keyring.signing, keyring.encryption, keyring.store):
        assert "b'" not in repr(part)
        assert "b'" not in str(part)
        assert "SECRET" not in repr(part)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    wrong, right = bytes(size), bytes(32)
    for make in (
        lambda: EncryptionKey(wrong),
        lambda: SigningKeys(wrong, right),
        lambda: SigningKeys(right, wrong),
        lambda: StoreKeys(right, right, wrong),
        lambda: PublicKeys(wrong, bytes(1952)),
        lambda: PublicKeys(right, right),
    ):
        with pytest.raises(SealingError):
            make()


def test_a_secret_key_reads_back_from_ages_text(keyring: Keyring) -> None:
    text = keyring.encryption.text
    assert text.startswith("AGE-SECRET-KEY-PQ-1")
    assert EncryptionKey.from_text(text) == keyring.encryption
    assert EncryptionKey.from_text(text.lower()) == keyring.encryption
    for wrong in (text[:-1], text[:-1] + "q", "AGE-SECRET-KEY-1QQQQ", "", text.replace("P", "p", 1)):
        with pytest.raises(SealingError):
            EncryptionKey.from_text(wrong)


def test_a_recipient_reads_back_from_ages_text(keyring: Keyring) -> None:
    text = keyring.encryption.recipient
    assert text.startswith("age1pq1")
    assert recipient_bytes(text) == keyring.encryption.public_bytes
    for wrong in ("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", text[:-1], "é"):
        with pytest.raises(SealingError):
            recipient_bytes(wrong)
    with pytest.raises(SealingError):
        recipient_bytes(bech32.encode("age1pq", bytes(32)))


@given(st.binary(max_size=80))
@settings(max_examples=50, deadline=None)
def test_bech32_reads_back_what_it_wrote_and_finds_a_wrong_letter(data: bytes) -> None:
    text = bech32.encode("age", data)
    assert bech32.decode(text, "age") == data
    assert bech32.decode(text.upper(), "age") == data
    changed = text[:-1] + ("q" if text[-1] != "q" else "p")
    with pytest.raises(ValueError, match="checksum"):
        bech32.decode(changed, "age")


def test_bech32_agrees_with_the_text_in_ages_specification() -> None:
    secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
    assert bech32.encode("age-secret-key-", b"\x42" * 32).upper() == secret


def test_bech32_refuses_padding_that_is_not_zero() -> None:
    values = [0, 1]
    check = bech32._polymod([*bech32._expand("x"), *values, *[0] * 6]) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    with pytest.raises(ValueError, match="padding"):
        bech32.decode("x1" + "".join(bech32._LETTERS[value] for value in values), "x")


def test_public_keys_come_back_from_their_jwks(keyring: Keyring) -> None:
    public = keyring.signing.public
    assert PublicKeys.from_jwks(list(public.jwks)) == public
    assert public.public is public
    first, second = public.jwks
    for wrong in (
        [second, first],
        [first],
        [{**first, "d": "x"}, second],
        [{**first, "crv": "X25519"}, second],
        [first, {**second, "alg": "ML-DSA-87"}],
        [{**first, "x": first["x"] + "="}, second],
        None,
        "xy",
    ):
        with pytest.raises(SealingError):
            PublicKeys.from_jwks(wrong)


def test_base64url_has_one_form() -> None:
    assert from_base64url(base64url(b"\xff\xfe\xfd")) == b"\xff\xfe\xfd"
    for wrong in ("//79", "_-79=", "_-7 9", "_-9", "é"):
        with pytest.raises(ValueError, match=r".+"):
            from_base64url(wrong)


def test_canonical_json_is_rfc_8785() -> None:
    assert canonical({"b": [1, 2.5, 1e21], "a": "é\n", "€": None}) == '{"a":"é\\n","b":[1,2.5,1e+21],"€":null}'.encode()
    for wrong in ({"a": float("nan")}, {"a": 2**60}, {1: 2}, {"a": b"bytes"}, {"a": "\ud800"}):
        with pytest.raises(NotStrict, match="not a JSON value"):
            canonical(wrong)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"a":2}}]',
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"{} {}",
        b"",
        b"{'a':1}",
        b"[1,]",
        b"\xef\xbb\xbf{}",
        b'["\xff"]',
        b'["\\ud800"]',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ],
)
def test_json_that_two_parsers_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrict):
        strict(text)


def test_json_within_the_limits_is_read() -> None:
    assert strict(b"[" * 63 + b"]" * 63)
    assert strict(b'{"a":[1,2.5,true,null,"\\u00e9"]}') == {"a": [1, 2.5, True, None, "é"]}
    with pytest.raises(NotStrict):
        strict(b"[1]", most=2)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
@settings(max_examples=50, deadline=None)
def test_what_is_written_canonically_reads_back_strictly(value: object) -> None:
    assert strict(canonical(value)) == value
    assert canonical(strict(canonical(value))) == canonical(value)
