"""Which calendar day a moment falls on: the records count days in Europe/Amsterdam, instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def day_of(moment: datetime) -> date:
    """Return the day in Amsterdam of an aware moment: up to two hours after midnight it is not the day in UTC."""
    return moment.astimezone(AMSTERDAM).date()
