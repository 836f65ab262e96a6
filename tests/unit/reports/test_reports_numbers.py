"""Numbers and dates as Dutch and English readers write them."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.reports import numbers


@pytest.mark.parametrize(
    ("value", "decimals", "dutch", "english"),
    [
        (1234.5, 1, "1.234,5", "1,234.5"),
        (-0.04, 1, "0,0", "0.0"),
        (-2.5, 1, "−2,5", "−2.5"),
        (10451, 0, "10.451", "10,451"),
        (None, 1, "–", "–"),
    ],
)
def test_a_number_has_the_sign_of_its_language(value: float | None, decimals: int, dutch: str, english: str) -> None:
    assert numbers.number(value, "nl", decimals) == dutch
    assert numbers.number(value, "en", decimals) == english


def test_a_whole_number_has_no_decimals() -> None:
    assert numbers.shortest(130.0, "nl") == "130"
    assert numbers.shortest(139.24, "nl") == "139,2"


def test_a_hidden_count_is_named_and_is_never_zero() -> None:
    assert numbers.count(None, "nl") == "afgeschermd"
    assert numbers.count(None, "en") == "withheld"
    assert numbers.count(0, "nl") == "0"


def test_a_period_names_its_last_day_and_not_the_day_after() -> None:
    assert numbers.period(date(2025, 1, 1), date(2026, 1, 1), "nl") == "1 januari 2025 tot en met 31 december 2025"
    assert numbers.period(date(2025, 1, 1), date(2025, 1, 1), "en") == "1 January 2025 to 1 January 2025"
    assert numbers.period(None, date(2025, 1, 1), "nl") == "–"


def test_a_missing_share_is_a_dash() -> None:
    assert numbers.percent(None, "nl") == "–"
    assert numbers.percent(0.8333, "nl") == "83,3%"
    assert numbers.day(None, "nl") == "–"
