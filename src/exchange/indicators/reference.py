"""A reference table of expected sessions, which the user has and names: frozen, versioned, with its unit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from exchange import shipped
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
    """Read a table from JSON as schemas/reference.schema.json has it; an IndicatorError names the first place amiss."""
    if len(data) > MAX_BYTES:
        raise _amiss("reference-too-large", "", limit=MAX_BYTES >> 20)
    try:
        content = json.loads(data, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise _amiss("reference-not-json", "", line=getattr(problem, "lineno", 1)) from problem
    for error in _schema().iter_errors(content):
        raise _by_schema(error)
    return _table(content)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("double key")
    return found


def _no_number(text: str) -> float:
    raise ValueError(text)


@cache
def _schema() -> Any:
    import jsonschema_rs

    text = shipped.schemas("reference.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def _by_schema(error: Any) -> IndicatorError:
    path = _dotted(error.instance_path)
    if error.kind.name == "additionalProperties":
        return _amiss("reference-word", path, words=", ".join(map(str, error.kind.unexpected)))
    if error.kind.name == "required":
        return _amiss("reference-lacks", path, word=error.kind.property)
    if error.kind.name == "enum":
        return _amiss("reference-one-of", path, known=", ".join(map(str, error.kind.options)))
    return _amiss("reference-not-valid", path, detail=error.message[:200])


def _dotted(path: Iterable[str | int]) -> str:
    """Write a place as people count: the first row is 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path)


def _table(content: Mapping[str, Any]) -> ReferenceTable:
    characteristics = tuple(content["characteristics"])
    bands = tuple(AgeBand(each["label"], each["from"], each["to"]) for each in content.get("bands", ()))
    for number, (before, after) in enumerate(itertools.pairwise(bands), start=2):
        if before.upper is None or before.upper > after.lower:
            raise _amiss("reference-bands", f"bands.{number}")
    labels = {band.label for band in bands}
    rows: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(content["rows"], start=1):
        given = set(row) - {"expected-thousandths"}
        if given != set(characteristics):
            raise _amiss("reference-stratum", f"rows.{number}", known=", ".join(characteristics))
        if "age-band" in given and row["age-band"] not in labels:
            raise _amiss("reference-band", f"rows.{number}.age-band")
        key = tuple(row[each] for each in characteristics)
        if key in rows:
            raise _amiss("reference-twice", f"rows.{number}")
        rows[key] = row["expected-thousandths"]
    return ReferenceTable(
        id=content["id"],
        version=content["version"],
        unit=content["unit"],
        source=content["source"],
        characteristics=characteristics,
        bands=bands,
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


def _amiss(rule: str, path: str, **params: object) -> IndicatorError:
    return IndicatorError(f"indicators.{rule}", hints=("hint.reference-table",), path=path or "-", **params)
