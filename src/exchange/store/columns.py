"""Column types: day, instant, flag, code; each the same on SQLite, SQLCipher, PostgreSQL and DuckDB."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Day(TypeDecorator[date]):
    """A calendar date in Europe/Amsterdam; `YYYY-MM-DD` text on SQLite, date elsewhere."""

    impl = sa.Date
    cache_ok = True


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, as ISO 8601 text with microseconds and `Z`, so that it sorts and reads the same everywhere."""

    impl = sa.String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Refuse a moment without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        return None if value is None else datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


class Flag(TypeDecorator[bool]):
    """Yes or no as 1 or 0 on every engine, so that sums need no cast."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """Store 1 or 0."""
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bool | None:
        """Return a bool."""
        return None if value is None else bool(value)


class Code(TypeDecorator[StrEnum]):
    """A value of one of the closed lists of `records.codes`, as its word; an unknown word is an error on reading."""

    impl = sa.String(32)
    cache_ok = True

    def __init__(self, codes: type[StrEnum]) -> None:
        """Keep the list."""
        super().__init__()
        self.codes = codes
        self._members = {code.value: code for code in codes}

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Store the word, after checking that it is in the list."""
        return None if value is None else self.codes(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> StrEnum | None:
        """Return the member."""
        return None if value is None else self._members[value]
