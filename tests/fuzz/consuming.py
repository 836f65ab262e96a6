"""Read all that a reader gives, and hold what it says of bad input against the rules of saying."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from exchange.errors import SourceError
from exchange.findings import say
from exchange.operations.inventing.drawing import Course, draw
from exchange.sources.rows import Rejected

# A citizen service number, or the name that the corpus gives its invented people.
_VALUE = re.compile(r"\d{9}|Kanarie", re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}")


@cache
def courses() -> tuple[Course, ...]:
    """Return a few invented courses of treatment, for our own writers to write down."""
    return draw(seed=7, clients=3, courses=4)


def consumed(rows: Callable[[], Iterator[object]]) -> None:
    """Take every row; SourceError is an answer, anything else is a find, and so is a value within a message."""
    said: list[str] = []
    try:
        for row in rows():
            if isinstance(row, Rejected):
                assert row.line >= 1
                assert _FIELD.fullmatch(row.field)
                said.append(f"{row.field} {say(row.rule, {}, 'nl')} {say(row.rule, {}, 'en')}")
    except SourceError as error:
        said.append(
            f"{error} {error.params} {say(error.rule, error.params, 'nl')} {say(error.rule, error.params, 'en')}"
        )
    for text in set(said):
        assert _VALUE.search(text) is None, "a message repeats a value"
