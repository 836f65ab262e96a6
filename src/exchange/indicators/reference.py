"""A reference table of expected sessions, which the user has and names: frozen, versioned, with its unit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from exchange.errors import IndicatorError
from exchange.indicators.definition import Definition
from exchange.indicators.moments import add_months
from exchange.indicators.vocabulary import CHARACTERISTICS

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Completed years from `lower` up to, not including, `upper` (no limit where it is null)."""

    label: str
    lower: int
    upper: int | None

    def holds(self, birth: date, on: date) -> bool:
        """Say whether somebody born on `birth` is in the band on a day."""
        if add_months(birth, 12 * self.lower) > on:
            return False
        return self.upper is None or add_months(birth, 12 * self.upper) > on


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """Expected sessions in thousandths per stratum; a stratum is one value for each of `characteristics`."""

    id: str
    version: str
    unit: str
    source: str
    characteristics: tuple[str, ...]
    bands: tuple[AgeBand, ...]
    rows: Mapping[tuple[str, ...], int]


def read_reference(data: bytes) -> ReferenceTable:
    """Read a table from JSON: id, version, unit, source, characteristics, bands, rows of values and expected."""
    if len(data) > MAX_BYTES:
        raise _not_valid("size")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise _not_valid("json") from problem
    try:
        return _table(content)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _not_valid("content") from problem


def _table(content: Mapping[str, object]) -> ReferenceTable:
    table = dict(content)
    characteristics = tuple(str(each) for each in table["characteristics"])  # type: ignore[attr-defined]  # checked by the caller's except
    rows: dict[tuple[str, ...], int] = {}
    for row in table["rows"]:  # type: ignore[attr-defined]  # the same
        key, expected = tuple(str(row[each]) for each in characteristics), row["expected-thousandths"]
        if not isinstance(expected, int) or isinstance(expected, bool) or expected <= 0 or key in rows:
            raise _not_valid("rows")
        rows[key] = expected
    bands = [AgeBand(str(each["label"]), int(each["from"]), each["to"]) for each in table.get("bands", ())]  # type: ignore[attr-defined]  # the same
    for before, after in itertools.pairwise(bands):
        if before.upper is None or before.upper > after.lower:
            raise _not_valid("bands")
    return ReferenceTable(
        id=str(table["id"]),
        version=str(table["version"]),
        unit=str(table["unit"]),
        source=str(table["source"]),
        characteristics=characteristics,
        bands=tuple(bands),
        rows=rows,
    )


def require_reference(definition: Definition, table: ReferenceTable | None) -> ReferenceTable:
    """Return the table, or refuse: none given, another unit, or a characteristic the records do not have."""
    if table is None:
        raise IndicatorError("indicators.reference-missing", hints=("hint.reference-table",))
    if table.unit != definition.unit:
        raise IndicatorError(
            "indicators.reference-unit",
            hints=("hint.reference-table",),
            table=table.unit,
            definition=definition.unit,
        )
    for characteristic in table.characteristics:
        if characteristic not in definition.reference or characteristic not in CHARACTERISTICS:
            raise IndicatorError("indicators.reference-characteristic", characteristic=characteristic)
    return table


def _not_valid(path: str) -> IndicatorError:
    return IndicatorError("indicators.reference-not-valid", hints=("hint.reference-table",), path=path)
