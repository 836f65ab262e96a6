"""A day of the records is a day in Amsterdam."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from exchange.records.calendar import day_of


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 21, 22, 59, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 23, 0, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_after_midnight_in_amsterdam_it_is_the_next_day(moment: datetime, day: date) -> None:
    assert day_of(moment) == day
