"""A first mapping for a table nobody mapped yet, from the column names that Dutch EPDs use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from exchange.errors import SourceError
from exchange.sources.mapping import FIELDS, RowSpec, TableMapping, plain, shipped_mappings
from exchange.sources.opening import opened
from exchange.sources.spreadsheets import is_spreadsheet, records
from exchange.sources.tables import HEADER_SEARCH, Record, open_csv

_ALIKE = 0.86


def suggest(path: Path) -> str:
    """Return a mapping as TOML for the table at `path`: the shipped mapping nearest to its columns, fitted to them.

    Columns that no field was found for stand in a comment at the end. Only column names are repeated, no cell.
    """
    with opened(path) as source:
        first = source.file.read(8)
        source.file.seek(0)
        every = records(source.file) if is_spreadsheet(first) else open_csv(source.file, None)
        headers, mapping = _nearest(every)
    return "\n".join(_written(headers, mapping, path)) + "\n"


def _nearest(every: Iterator[Record]) -> tuple[tuple[str, ...], TableMapping]:
    best: tuple[int, tuple[str, ...], TableMapping | None] = (0, (), None)
    for _ in range(HEADER_SEARCH):
        _, cells = next(every, (0, ()))
        headers = tuple(" ".join(cell.split()) for cell in cells if cell.strip())
        for mapping in shipped_mappings().values():
            score = sum(_alike(column, headers) != "" for column in _columns(mapping))
            if score > best[0]:
                best = (score, headers, mapping)
    if best[2] is None or best[0] < 2:
        raise SourceError("sources.nothing-to-suggest", hints=("hint.mapping-example",))
    return best[1], best[2]


def _columns(mapping: TableMapping) -> set[str]:
    return {column for spec in mapping.rows for names in spec.columns.values() for column in names}


def _alike(column: str, headers: Sequence[str]) -> str:
    """Return the header that is this column, or is written almost as it is."""
    names = {plain(header): header for header in headers}
    near = get_close_matches(plain(column), list(names), n=1, cutoff=_ALIKE)
    return names[near[0]] if near else ""


def _written(headers: tuple[str, ...], mapping: TableMapping, path: Path) -> Iterator[str]:
    used: set[str] = set()
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in path.stem.casefold()).strip("-")
    yield "# Voorstel: controleer elke kolom en elke waarde. / A suggestion: check every column and every value."
    yield f'id = "{name[:60] or "table"}"'
    yield f'system = "{mapping.system}"'
    yield f"dates = [{', '.join(_quoted(form) for form in mapping.dates)}]"
    for spec in mapping.rows:
        columns = {field: _found(names, headers) for field, names in spec.columns.items()}
        columns = {field: found for field, found in columns.items() if found}
        if _lacks(spec, columns):
            continue
        used |= {header for found in columns.values() for header in found}
        yield from _spec(spec, columns)
    rest = [header for header in headers if header not in used]
    if rest:
        yield ""
        yield "# Niet gebruikt / not used:"
        yield from (f"#   {_quoted(header)}" for header in rest)


def _found(names: tuple[str, ...], headers: tuple[str, ...]) -> list[str]:
    found = (_alike(name, headers) for name in names)
    return list(dict.fromkeys(header for header in found if header))


def _lacks(spec: RowSpec, columns: dict[str, list[str]]) -> bool:
    given = {*columns, *spec.constants}
    return not all(any(name in given for name in needed.split("|")) for needed in FIELDS[spec.kind][0])


def _spec(spec: RowSpec, columns: dict[str, list[str]]) -> Iterator[str]:
    yield ""
    yield "[[rows]]"
    yield f'kind = "{spec.kind}"'
    if spec.unless_blank:
        yield f"unless_blank = [{', '.join(_quoted(name) for name in spec.unless_blank)}]"
    yield "[rows.columns]"
    for name, found in columns.items():
        yield f"{name} = [{', '.join(_quoted(header) for header in found)}]"
    if spec.constants:
        yield "[rows.constants]"
        yield from (f"{name} = {_quoted(value)}" for name, value in spec.constants.items())
    for name, table in spec.values.items():
        if name in columns:
            yield f"[rows.values.{name}]"
            yield from (f"{_quoted(given)} = {_quoted(meant)}" for given, meant in table.items())


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(sign):04x}" if sign in '"\\' or ord(sign) < 32 or ord(sign) == 127 else sign for sign in text
    )
    return f'"{escaped}"'
