"""The BSN detector finds numbers in any text and names the field, never the number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.findings import Severity
from exchange.records.detector import candidates, check
from exchange.records.identifiers import bsn_valid

VALID = "123456782"


@pytest.mark.parametrize(
    "text",
    [
        VALID,
        f"bsn {VALID}.",
        f"_{VALID}_",
        "1234.56.782",
        "1234 56 782",
        "1234-56-782",
        "123/456/782",
        "1234\u00a056\u00a0782",
        "1234\u201156\u2011782",
        "١٢٣٤٥٦٧٨٢",
        f"12 {VALID}",
        f"({VALID})",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert [candidate.digits for candidate in candidates(text)][-1:] == [VALID]


@pytest.mark.parametrize(
    "text",
    [
        "123456783",
        f"a{VALID}",
        f"{VALID}b",
        f"1{VALID}",
        f"{VALID}0",
        "1234  56 782",
        "12345678\n2",
        "12345678",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "2026-11-21T12:30:00Z",
    ],
)
def test_what_is_no_number_is_left_alone(text: str) -> None:
    assert list(candidates(text)) == []


def test_positions_point_at_the_number() -> None:
    (found,) = candidates(f"zie {VALID} hier")
    assert (found.start, found.end) == (4, 13)


def test_two_numbers_that_share_a_digit_group_are_both_found() -> None:
    text = "111 222 333 111222333"
    assert [candidate.digits for candidate in candidates(text)] == ["111222333", "111222333"]


def test_a_known_number_is_an_error_and_another_a_warning() -> None:
    found = check(
        [("b", VALID), ("a", "111222333"), ("c", "niets")],
        known=lambda digits: digits == VALID,
        allowed=lambda _path: False,
    )
    assert [(finding.path, finding.rule, finding.severity) for finding in found] == [
        ("a", "records.bsn-candidate", Severity.WARNING),
        ("b", "records.bsn-known", Severity.ERROR),
    ]


def test_where_this_recipient_may_have_it_nothing_is_said() -> None:
    assert check([("ok", VALID)], known=lambda _digits: True, allowed=lambda path: path == "ok") == ()


def test_a_place_where_it_may_stand_does_not_end_the_search() -> None:
    found = check([("ok", VALID), ("no", VALID)], known=lambda _digits: True, allowed=lambda path: path == "ok")
    assert [finding.path for finding in found] == ["no"]


def test_neither_a_finding_nor_a_trace_repeats_the_number() -> None:
    (candidate,) = candidates(VALID)
    found = check([("x", VALID)], known=lambda _digits: True, allowed=lambda _path: False)
    assert VALID not in repr(candidate)
    assert VALID not in repr(found)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_valid_number_between_words_is_found(before: str, after: str) -> None:
    text = f"{before}\n{VALID}\n{after}"
    assert VALID in [candidate.digits for candidate in candidates(text)]


@given(st.text(alphabet="0123456789 .-a", max_size=40))
def test_every_candidate_passes_the_eleven_test_and_stands_alone(text: str) -> None:
    for candidate in candidates(text):
        assert bsn_valid(candidate.digits)
        assert not text[candidate.start - 1 : candidate.start].isalnum()
        assert not text[candidate.end : candidate.end + 1].isalnum()
