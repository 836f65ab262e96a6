"""Calendar arithmetic on days, in the one way that every engine repeats: months are clamped to the month's end."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


def add_months(day: date, months: int) -> date:
    """Return the same day of the month so many months on, or that month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_days(day: date, days: int) -> date:
    """Return the day so many days on."""
    return day + timedelta(days=days)


def days_between(first: date, last: date) -> int:
    """Return how many days lie from the first day up to, not including, the last."""
    return (last - first).days


@dataclass(frozen=True, slots=True)
class Moment:
    """An anchor (`start`, `end` or `handover` of the episode, or `period-start`) plus or minus days or months."""

    anchor: str
    amount: int = 0
    unit: str = "days"

    def on(self, anchor: date) -> date:
        """Return the day, given the anchor's."""
        return add_months(anchor, self.amount) if self.unit == "months" else add_days(anchor, self.amount)


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `start` up to, not including, `end`."""

    start: Moment
    end: Moment
