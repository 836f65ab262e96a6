"""Pseudonyms: indexes that meet, values sealed to their place, codes that survive a person's handwriting."""

from __future__ import annotations

import hashlib
import hmac
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import SealingError
from exchange.signing.keys import StoreKeys
from exchange.signing.pseudonyms import (
    LocalPseudonymiser,
    Pseudonymiser,
    case_code,
    case_id,
    fhir_id,
    read_case_code,
)

KEYS = StoreKeys.generate()
OURS: Pseudonymiser = LocalPseudonymiser(KEYS)
INVENTED = "Verzonnen Naam é"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_an_index_is_the_keyed_hash_of_kind_and_text() -> None:
    expected = hmac.new(KEYS.index, b"patient|x", hashlib.sha256).hexdigest()[:32]
    assert OURS.index("patient", "x") == expected
    assert OURS.index("episode", "x") != expected
    assert LocalPseudonymiser(StoreKeys.generate()).index("patient", "x") != expected
    with pytest.raises(ValueError, match="bar"):
        OURS.index("patient|x", "y")


@given(st.text(max_size=40))
@settings(max_examples=30, deadline=None)
def test_a_sealed_value_comes_back_at_its_own_place(text: str) -> None:
    sealed = OURS.seal("patient.bsn", "a1", text)
    assert OURS.open("patient.bsn", "a1", sealed) == text
    assert OURS.seal("patient.bsn", "a1", text) != sealed


def test_a_value_moved_changed_or_under_another_key_does_not_open() -> None:
    sealed = OURS.seal("patient.bsn", "a1", INVENTED)
    attempts = [
        (OURS, "patient.bsn", "a2", sealed),
        (OURS, "patient.name", "a1", sealed),
        (OURS, "patient.bsna", "1", sealed),
        (LocalPseudonymiser(StoreKeys.generate()), "patient.bsn", "a1", sealed),
        (OURS, "patient.bsn", "a1", sealed[:-1]),
        (OURS, "patient.bsn", "a1", b""),
        (OURS, "patient.bsn", "a1", sealed[:3]),
        (OURS, "patient.bsn", "a1", sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]),
    ]
    for pseudonymiser, column, row, value in attempts:
        with pytest.raises(SealingError) as raised:
            pseudonymiser.open(column, row, value)
        assert raised.value.params == {"column": column}
        assert raised.value.__cause__ is None


def test_case_ids_and_fhir_ids_are_random() -> None:
    assert len({case_id() for _ in range(100)} | {fhir_id() for _ in range(100)}) == 200
    assert len(bytes.fromhex(case_id())) == 16


def test_a_code_is_short_and_always_the_same_for_a_case() -> None:
    case = "00112233445566778899aabbccddeeff"
    assert case_code(case) == case_code(case)
    assert len(case_code(case)) <= 16
    assert case[:8].upper() not in case_code(case).replace("-", "")


def test_a_code_is_read_as_a_person_writes_it() -> None:
    code = case_code(case_id())
    for written in (code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert read_case_code(written) == code


def test_the_letters_that_look_like_digits_are_read_as_digits() -> None:
    codes = (case_code(f"{number:032x}") for number in itertools.count())
    code = next(code for code in codes if "0" in code and "1" in code)
    assert read_case_code(code.replace("0", "O").replace("1", "l")) == code
    assert read_case_code(code.replace("0", "o").replace("1", "I")) == code


def test_every_wrong_character_and_every_swap_is_found() -> None:
    code = case_code("00" * 16).replace("-", "")
    for place, letter in itertools.product(range(len(code)), LETTERS):
        if letter != code[place]:
            with pytest.raises(SealingError):
                read_case_code(code[:place] + letter + code[place + 1 :])
    for one, two in itertools.combinations(range(len(code)), 2):
        if code[one] != code[two]:
            letters = list(code)
            letters[one], letters[two] = letters[two], letters[one]
            with pytest.raises(SealingError):
                read_case_code("".join(letters))


@pytest.mark.parametrize("text", ["", "ABCD", "U" * 12, "!" * 12, "0" * 13])
def test_what_is_no_code_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SealingError) as raised:
        read_case_code(text)
    assert raised.value.params == {}
