"""What makes an identifier well-formed."""

import pytest

from exchange.errors import ExchangeError
from exchange.records.identifiers import Party, agb_valid, bsn_valid, kvk_valid, oin_valid, uzovi_valid


@pytest.mark.parametrize("text", ["999990019", "999911120", "111222333", "123456782"])
def test_a_number_that_passes_the_eleven_test_is_a_bsn(text: str) -> None:
    assert bsn_valid(text)


@pytest.mark.parametrize("text", ["999990018", "000000000", "12345678", "1234567820", "12345678a", "", "１23456782"])
def test_anything_else_is_not(text: str) -> None:
    assert not bsn_valid(text)


def test_registers_have_their_own_length() -> None:
    assert agb_valid("07000001")
    assert not agb_valid("00000000")
    assert not agb_valid("7000001")
    assert uzovi_valid("0403")
    assert kvk_valid("12345678")
    assert oin_valid("00000001001234567000")
    assert not oin_valid("1" * 19)
    assert not kvk_valid("1234567８")


def test_a_party_reads_and_writes_the_same_text() -> None:
    assert str(Party.parse(" AGB:07000001 ")) == "agb:07000001"


@pytest.mark.parametrize("text", ["07000001", "agb:7", "bsn:123456782", "agb:0700000a", "kvk:"])
def test_what_is_no_party_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        Party.parse(text)
    assert caught.value.rule == "records.party"
    assert caught.value.hints == ("hint.party",)
