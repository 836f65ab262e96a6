"""Whether a window can hold a day at all, and whether two windows that are compared can overlap."""

from __future__ import annotations

import re
from datetime import date, timedelta

from exchange.indicators.moments import Moment

# In an episode no anchor comes before the one in front of it; `period-start` stands by itself.
_ORDER = {"period-start": 0, "start": 0, "handover": 1, "end": 2}
_MOMENT = re.compile(r"(start|end|handover|period-start)(?: ([+-]) (\d+) (days|months))?")
_YEARS = [date(2023, 1, 1) + timedelta(days=day) for day in range(730)]  # with a 29 February, and February without


def moment(text: str) -> Moment:
    """Return the moment that a definition names, such as `end + 12 months`."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise AssertionError(text)  # the schema has refused anything else
    anchor, sign, amount, unit = match.groups()
    return Moment(anchor, int(amount or 0) * (-1 if sign == "-" else 1), unit or "days")


def empty(first: str, last: str) -> bool:
    """Say whether a window holds no day: always, or on some dates only (`start + 28 days` to `start + 1 months`).

    Between two anchors lie an unknown number of days; a window from the earlier one to the later may hold some.
    """
    start, end = moment(first), moment(last)
    return _ORDER[start.anchor] >= _ORDER[end.anchor] and _reaches(start, end)


def overlapping(last: str, first: str) -> bool:
    """Say whether a window that ends at `last` can have days in common with one that begins at `first`."""
    end, start = moment(last), moment(first)
    return _ORDER[end.anchor] > _ORDER[start.anchor] or _passes(start, end)


def _reaches(first: Moment, last: Moment) -> bool:
    """Say whether `first` can lie on the day of `last` or later, when the anchors fall on one day."""
    low, high = _days(first), _days(last)
    if high[0] > low[1]:
        return False
    return low[0] >= high[1] or any(first.on(day) >= last.on(day) for day in _YEARS)


def _passes(first: Moment, last: Moment) -> bool:
    """Say whether `last` can lie later than `first`, when the anchors fall on one day."""
    low, high = _days(first), _days(last)
    if low[0] >= high[1]:
        return False
    return high[0] > low[1] or any(last.on(day) > first.on(day) for day in _YEARS)


def _days(each: Moment) -> tuple[int, int]:
    """Return the fewest and the most days that an amount can be, roughly: for most pairs that is enough."""
    if each.unit == "days":
        return each.amount, each.amount
    ends = (each.amount * 28, each.amount * 31)
    return min(ends), max(ends)
