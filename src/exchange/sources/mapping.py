"""A mapping file (TOML): which column of a table is which field of which kind of row."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from exchange import shipped
from exchange.errors import SourceError
from exchange.records.codes import SourceKind
from exchange.records.scoring import item_path

# What happens within an episode may name only the episode.
_WHOSE = "bsn|epd_number|episode_key"

# The answers of a list stand in fields of their own; no list has more.
MOST_ITEMS = 60
ITEMS = tuple(item_path(number) for number in range(1, MOST_ITEMS + 1))

# The fields of each kind of row; those without which no row can be made stand first.
FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "patients": (("bsn|epd_number",), ("birth_date", "sex", "name")),
    "episodes": (
        ("bsn|epd_number", "start"),
        (
            "key",
            "end",
            "diagnosis",
            "access",
            "referrer",
            "end_reason",
            "onward_advice",
            "chronic",
            "instrument",
            "declarant",
            "therapist",
        ),
    ),
    "sessions": ((_WHOSE, "day"), ("type", "therapist", "self_paid", "payer", "happened")),
    "measurements": ((_WHOSE, "instrument", "day", "score|item_1"), ("score", *ITEMS)),
    "referrals": (
        (_WHOSE, "referrer|question|counterfactual|day"),
        ("answered_by", "recorded_on"),
    ),
    "evaluations": (
        (_WHOSE, "session_number", "day"),
        (
            "instrument",
            "effect",
            "advice_taken_up",
            "relatives_involved",
            "partner_involved",
            "decision",
            "told_referrer_on",
        ),
    ),
    "answers": (("case_code", "element", "start", "end|last_day", "status"), ("count", "first_day")),
    "aggregates": (("element", "start", "end|last_day", "value", "population"), ()),
    "index": (
        ("year", "value", "period_start", "period_end"),
        ("version", "insurer", "lower", "upper", "source", "patients"),
    ),
    "prem": (("bureau", "period_start", "period_end", "respondents"), ("mean", "nps", "source", "comments")),
}

# What, when blank on a line, means that the line says nothing of this kind.
_UNLESS_BLANK: Mapping[str, tuple[str, ...]] = {
    "measurements": ("score", *ITEMS),
    "referrals": ("referrer", "question", "counterfactual", "day"),
}


@dataclass(frozen=True, slots=True)
class RowSpec:
    """How one line of a table makes one kind of row.

    A field takes the first filled one of its columns. `optional` leaves the kind out where the table lacks a
    needed column; `unless_blank` leaves a line out where all these fields are blank.
    """

    kind: str
    columns: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unless_blank: tuple[str, ...] = ()
    optional: bool = False

    def lacks(self, headers: frozenset[str]) -> tuple[str, ...]:
        """Return the columns that must be there and are not, by the first name the mapping gives them."""
        missing = []
        for needed in FIELDS[self.kind][0]:
            names = needed.split("|")
            if any(name in self.constants for name in names):
                continue
            columns = [column for name in names for column in self.columns.get(name, ())]
            if not any(plain(column) in headers for column in columns):
                missing.append(columns[0] if columns else needed)
        return (*missing, *self._lacks_items(headers))

    def _lacks_items(self, headers: frozenset[str]) -> tuple[str, ...]:
        """Return the columns of items that are not there while others are: a list read in part would be mis-scored."""
        named = [columns for name, columns in self.columns.items() if name in ITEMS]
        there = [any(plain(column) in headers for column in columns) for columns in named]
        return tuple(columns[0] for columns, found in zip(named, there, strict=True) if any(there) and not found)


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A whole mapping: its rows, and the system whose keys they hold (shared by mappings of one EPD).

    `digest` is the SHA-256 of its text: the same table by a changed mapping gives other rows.
    """

    id: str
    system: str
    source: SourceKind
    rows: tuple[RowSpec, ...]
    dates: tuple[str, ...]
    separator: str = ""
    encoding: str = ""
    sheet: str = ""
    digest: str = ""
    keys: str = "system"

    def fits(self, headers: frozenset[str]) -> bool:
        """Tell whether the table has all columns that must be there."""
        return not any(spec.lacks(headers) for spec in self.rows if not spec.optional)

    def recognised(self, headers: frozenset[str]) -> int:
        """Count the table's columns that the mapping uses."""
        named = {plain(column) for spec in self.rows for names in spec.columns.values() for column in names}
        return len(named & headers)


def plain(header: str) -> str:
    """Return a column's name without case, spaces around, or a colon, so that exports of one EPD agree."""
    return " ".join(header.replace("\ufeff", "").split()).rstrip(":").strip().casefold()


def read_mapping(text: str, source: str) -> TableMapping:
    """Read TOML and check it; `source` names the file in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError("sources.mapping-toml", hints=("hint.mapping-example",), file=source) from error
    _check(data, source)
    return TableMapping(
        id=data["id"],
        system=data.get("system", data["id"]),
        source=SourceKind(data.get("source", "epd")),
        rows=tuple(_spec(item, source) for item in data["rows"]),
        dates=tuple(data.get("dates", ("%d-%m-%Y", "%d/%m/%Y", "%d-%m-%y", "%Y%m%d"))),
        separator=data.get("separator", ""),
        encoding=data.get("encoding", ""),
        sheet=data.get("sheet", ""),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        keys=data.get("keys", "system"),
    )


def load_mapping(path: Path) -> TableMapping:
    """Read a mapping from a file, or one of the shipped ones by its name."""
    names = shipped_mappings()
    if not path.exists() and path.name in names:
        return names[path.name]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError("sources.mapping-missing", hints=("hint.mapping-example",), file=path.name) from error
    return read_mapping(text, path.name)


@cache
def shipped_mappings() -> Mapping[str, TableMapping]:
    """Return the mappings of schemas/mappings by id."""
    files = sorted(shipped.schemas("mappings").glob("*.toml"))
    read = [read_mapping(file.read_text(encoding="utf-8"), file.name) for file in files]
    return {mapping.id: mapping for mapping in read}


def _check(data: Mapping[str, object], source: str) -> None:
    import jsonschema_rs

    schema = json.loads(shipped.schemas("mapping.schema.json").read_text(encoding="utf-8"))
    wrong = next(iter(jsonschema_rs.validator_for(schema).iter_errors(data)), None)
    if wrong is not None:
        at = "/".join(str(step) for step in wrong.instance_path)
        raise SourceError("sources.mapping-shape", hints=("hint.mapping-example",), file=source, at=at or "/")


def _spec(item: Mapping[str, Mapping[str, object]], source: str) -> RowSpec:
    kind = str(item["kind"])
    columns = {item_path(number): _names(name) for number, name in enumerate(_names(item.get("items", ())), 1)}
    columns |= {name: _names(given) for name, given in item.get("columns", {}).items()}
    constants = {name: str(value) for name, value in item.get("constants", {}).items()}
    known = {name for needed in FIELDS[kind][0] for name in needed.split("|")} | set(FIELDS[kind][1])
    for name in (*columns, *constants, *item.get("values", {})):
        if name not in known:
            raise SourceError("sources.mapping-field", hints=("hint.mapping-example",), file=source, at=name)
    return RowSpec(
        kind=kind,
        columns=columns,
        constants=constants,
        values={
            name: {plain(given): str(meant) for given, meant in table.items()}
            for name, table in item.get("values", {}).items()
            if isinstance(table, Mapping)
        },
        unless_blank=_names(item.get("unless_blank", _UNLESS_BLANK.get(kind, ()))),
        optional=bool(item.get("optional", False)),
    )


def _names(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    return tuple(str(name) for name in given) if isinstance(given, Sequence) else ()
