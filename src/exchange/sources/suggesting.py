"""A first mapping for a table nobody mapped yet, from the column names that Dutch EPDs use and from their values."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from exchange import shipped
from exchange.errors import SourceError
from exchange.records.identifiers import bsn_valid
from exchange.sources.fields import any_day
from exchange.sources.mapping import FIELDS, RowSpec, TableMapping, plain, shipped_mappings
from exchange.sources.opening import opened
from exchange.sources.spreadsheets import is_spreadsheet, records, sheets
from exchange.sources.tables import HEADER_SEARCH, Record, open_csv

_ALIKE = 0.9
_SAMPLE = 50
_DAYS = frozenset({"birth_date", "start", "end", "day", "last_day", "recorded_on", "told_referrer_on", "first_day"})
# A column that says whether access was direct, not which access it was.
_DIRECT = frozenset({"directetoegang", "directetoegankelijkheid", "dto", "dtf", "dtodtf", "dtojanee"})
_DAY = frozenset({"datum", "date", "dag"})
_TREATED = frozenset({"prestatiecode", "prestatie", "verrichting", "zitting", "behandeling", "consult", "medewerker"})
_MEASURED = frozenset({"score", "totaalscore", "meetinstrument", "instrument", "vragenlijst", "klinimetrie", "uitslag"})
_DIRECT_VALUES = {"ja": "direct", "j": "direct", "nee": "referred", "n": "referred"}


@dataclass(frozen=True, slots=True)
class _Proposal:
    """Which rows a table can make, with their columns, and how many of its columns that uses."""

    mapping: TableMapping
    headers: tuple[str, ...]
    specs: tuple[tuple[RowSpec, Mapping[str, tuple[str, ...]]], ...]
    sheet: str = ""
    keys: str = "system"

    @property
    def used(self) -> frozenset[str]:
        """Return the headers that a field takes."""
        return frozenset(header for _, columns in self.specs for found in columns.values() for header in found)


def suggest(path: Path) -> str:
    """Return a mapping as TOML for the table at `path`: all kinds of rows that its columns suffice for.

    Columns that no field was found for stand in a comment at the end. Only column names are repeated, no cell.
    """
    with opened(path) as source:
        found = [one for sheet, every in _pages(source.file) for one in _proposals(every, sheet)]
    if not found:
        raise SourceError("sources.nothing-to-suggest", hints=("hint.mapping-example",))
    return "\n".join(_written(max(found, key=lambda one: len(one.used)), path)) + "\n"


def _pages(file: BinaryIO) -> Iterator[tuple[str, Iterator[Record]]]:
    first = file.read(8)
    file.seek(0)
    if not is_spreadsheet(first):
        yield "", open_csv(file, None)
        return
    names = sheets(file)
    for name in names[:HEADER_SEARCH]:
        yield name if len(names) > 1 else "", records(file, name)


def _proposals(every: Iterator[Record], sheet: str) -> Iterator[_Proposal]:
    rows = [cells for _, cells in islice(every, HEADER_SEARCH + _SAMPLE)]
    for number, cells in enumerate(rows[:HEADER_SEARCH]):
        headers = tuple(" ".join(cell.split()) for cell in cells)
        if sum(bool(header) for header in headers) < 2:
            continue
        below = rows[number + 1 :]
        values = {
            header: [row[place].strip() for row in below if place < len(row) and row[place].strip()]
            for place, header in enumerate(headers)
            if header
        }
        for mapping in _whole():
            specs = tuple(_fitting(mapping, values))
            if any(spec.kind != "patients" for spec, _ in specs):
                yield _Proposal(mapping, tuple(values), specs, sheet, _keys(specs, headers, below))


def _keys(
    specs: Iterable[tuple[RowSpec, Mapping[str, tuple[str, ...]]]],
    headers: Sequence[str],
    lines: Iterable[Sequence[str]],
) -> str:
    """Tell whether two patients have an episode with the same number: then each has a numbering of their own."""
    for spec, columns in specs:
        key = columns.get("key" if spec.kind == "episodes" else "episode_key", ())
        whose = columns.get("epd_number", columns.get("bsn", ()))
        if key and whose:
            owners: dict[str, str] = {}
            at, by = headers.index(key[0]), headers.index(whose[0])
            named = [(cells[at].strip(), cells[by].strip()) for cells in lines if max(at, by) < len(cells)]
            if any(given and owners.setdefault(given, patient) != patient for given, patient in named):
                return "patient"
    return "system"


@cache
def _whole() -> tuple[TableMapping, ...]:
    """Return the shipped mappings, those of an EPD as one: an export may hold several kinds of rows on a line."""
    mappings = shipped_mappings()
    of_epd = [mappings[name] for name in sorted(mappings) if mappings[name].system == "epd"]
    rows = tuple(spec for mapping in of_epd for spec in mapping.rows)
    one = of_epd[0]
    joined = TableMapping(one.id, one.system, one.source, rows, one.dates)
    return (joined, *(mappings[name] for name in sorted(mappings) if mappings[name].system != "epd"))


def _fitting(
    mapping: TableMapping, values: Mapping[str, Sequence[str]]
) -> Iterator[tuple[RowSpec, Mapping[str, tuple[str, ...]]]]:
    fitting: list[tuple[RowSpec, Mapping[str, tuple[str, ...]]]] = []
    for spec in mapping.rows:
        columns = {name: _found(name, spec, values, mapping.dates) for name in spec.columns}
        columns = {name: found for name, found in columns.items() if found}
        if "day" not in columns and (bare := _bare_day(spec, columns, values, mapping.dates)):
            columns["day"] = (bare,)
        alone = spec.kind == "patients" and len(columns) < 2
        if not alone and not _lacks(spec, columns):
            fitting.append((spec, columns))
    yield from fitting


def _found(name: str, spec: RowSpec, values: Mapping[str, Sequence[str]], dates: tuple[str, ...]) -> tuple[str, ...]:
    wanted = [other for column in spec.columns[name] for other in (column, *_synonyms().get(_bare(column), ()))]
    found = (_alike(column, tuple(values)) for column in wanted)
    return tuple(
        dict.fromkeys(header for header in found if header and _can_be(name, spec, header, values[header], dates))
    )


def _bare_day(
    spec: RowSpec, columns: Mapping[str, object], values: Mapping[str, Sequence[str]], dates: tuple[str, ...]
) -> str:
    """Return a column that is called no more than `Datum`, where the rest says what happened on that day.

    A score did where there is an instrument; a session where there is none and somebody treated, or something was.
    """
    headers = {_bare(header) for header in values}
    scored = {"instrument", "score"} <= columns.keys() and "Meetdatum" in spec.columns.get("day", ())
    treated = spec.kind == "sessions" and bool({"type", "therapist", "happened"} & columns.keys() or headers & _TREATED)
    if not scored and not (treated and not headers & _MEASURED):
        return ""
    days = (
        header for header in values if _bare(header) in _DAY and _can_be("day", spec, header, values[header], dates)
    )
    return next(days, "")


@cache
def _synonyms() -> Mapping[str, tuple[str, ...]]:
    listed = json.loads(shipped.schemas("headers.json").read_text(encoding="utf-8"))
    return {_bare(name): tuple(others) for name, others in listed.items() if name != "$comment"}


@lru_cache(maxsize=8192)
def _bare(text: str) -> str:
    """Return letters and digits only, without case or accents."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in flat if sign.isalnum())


def _alike(column: str, headers: Sequence[str]) -> str:
    """Return the header that is this column, or is written almost as it is: never the end for the beginning."""
    wanted = _bare(column)
    best, most = "", _ALIKE
    for header in headers:
        given = _bare(header)
        if given == wanted:
            return header
        if given[:3] == wanted[:3] and (ratio := SequenceMatcher(None, given, wanted).ratio()) >= most:
            best, most = header, ratio
    return best


def _can_be(name: str, spec: RowSpec, header: str, values: Sequence[str], dates: tuple[str, ...]) -> bool:
    """Tell whether a column's values can be the field's; an empty column can be anything."""
    if not values:
        return True
    if name in spec.values and name != "instrument":
        known = sum(_is_word(name, spec, header, value) for value in values)
        # A column of descriptions has a known word now and then.
        return known * 2 >= len(values) if name in {"type", "happened"} else known > 0
    if name in {"epd_number", "key", "episode_key"}:
        # A name, or what the complaint is, would make one of two patients or episodes.
        return sum(any(sign.isdigit() for sign in value) for value in values) * 2 >= len(values)
    if name in _DAYS:
        return any(any_day(value, dates) for value in values)
    if name == "bsn":
        return any(bsn_valid(re.sub(r"\.0$|[ .\-]", "", value).zfill(9)) for value in values)
    return True


def _is_word(name: str, spec: RowSpec, header: str, value: str) -> bool:
    table = {**spec.values[name], **(_DIRECT_VALUES if _bare(header) in _DIRECT else {})}
    return plain(value) in table or plain(value) in table.values()


def _lacks(spec: RowSpec, columns: Mapping[str, object]) -> bool:
    given = {*columns, *spec.constants}
    return not all(any(name in given for name in needed.split("|")) for needed in FIELDS[spec.kind][0])


def _written(proposal: _Proposal, path: Path) -> Iterator[str]:
    mapping = proposal.mapping
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in path.stem.casefold()).strip("-")
    yield "# Voorstel: controleer elke kolom en elke waarde. / A suggestion: check every column and every value."
    yield f'id = "{name[:60] or "table"}"'
    yield f'system = "{mapping.system}"'
    if proposal.keys != "system":
        yield f'keys = "{proposal.keys}"'
    if proposal.sheet:
        yield f"sheet = {_quoted(proposal.sheet)}"
    yield f"dates = [{', '.join(_quoted(form) for form in mapping.dates)}]"
    for spec, columns in proposal.specs:
        yield from _spec(spec, columns)
    rest = [header for header in proposal.headers if header not in proposal.used]
    if rest:
        yield ""
        yield "# Niet gebruikt / not used:"
        yield from (f"#   {_quoted(header)}" for header in rest)


def _spec(spec: RowSpec, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield ""
    yield "[[rows]]"
    yield f'kind = "{spec.kind}"'
    if unless_blank := [name for name in spec.unless_blank if name in columns]:
        yield f"unless_blank = [{', '.join(_quoted(name) for name in unless_blank)}]"
    yield "[rows.columns]"
    for name, found in columns.items():
        yield f"{name} = [{', '.join(_quoted(header) for header in found)}]"
    if spec.constants:
        yield "[rows.constants]"
        yield from (f"{name} = {_quoted(value)}" for name, value in spec.constants.items())
    for name, table in spec.values.items():
        if name in columns:
            direct = name == "access" and any(_bare(header) in _DIRECT for header in columns[name])
            yield f"[rows.values.{name}]"
            for given, meant in {**table, **(_DIRECT_VALUES if direct else {})}.items():
                yield f"{_quoted(given)} = {_quoted(meant)}"


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(sign):04x}" if sign in '"\\' or ord(sign) < 32 or ord(sign) == 127 else sign for sign in text
    )
    return f'"{escaped}"'
