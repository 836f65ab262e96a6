"""What shows itself as armor is read as armor or refused as armor."""

from __future__ import annotations

import io

import pytest

from exchange.sealing import armor
from exchange.sealing.failures import ArmorFailure

BODY = b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"


def test_white_space_around_armor_is_allowed() -> None:
    assert armor.binary(io.BytesIO(b" \r\n" + BODY + b"\n \n")).read() == b"age"


@pytest.mark.parametrize("before", [b"Geachte collega,\n", b"> ", b"x"])
def test_a_mails_text_before_the_armor_is_no_armor(before: bytes) -> None:
    with pytest.raises(ArmorFailure):
        armor.binary(io.BytesIO(before + BODY))


def test_words_inside_a_binary_file_are_no_armor() -> None:
    data = b"age-encryption.org/v1\n-> x BEGIN AGE ENCRYPTED FILE\n"
    assert armor.binary(io.BytesIO(data)).read() == data
