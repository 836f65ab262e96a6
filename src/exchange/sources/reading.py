"""A file of any kind, found out by its content, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

from exchange.errors import SourceError
from exchange.sources import fhir_records, gds801, pm304, spreadsheets, tables
from exchange.sources.mapping import TableMapping, load_mapping, plain, read_mapping, shipped_mappings
from exchange.sources.opening import opened
from exchange.sources.rows import Rejected, Row

KINDS = ("pm304", "gds801", "table", "fhir", "prem", "index")
_SAMPLE = 1 << 16
_SHEETS_LIMIT = 20

Mapped = Path | str | TableMapping | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file about to be read: what kind it is, its SHA-256, and by which mapping where it is a table.

    `test` says that a claims file calls itself a test message: it belongs in no practice's figures; `answer` that it is
    an insurer's answer to one. `on` is today,
    after which nobody was born. `sheet` is which of how many sheets of a workbook is read.

    `rows` may raise SourceError as late as the last row, when a file turns out to be cut off, not to add up or to
    have changed while it was read: store nothing before it is through. It can be asked for again.
    """

    path: Path
    kind: str
    digest: str
    mapping: TableMapping | None = None
    test: bool = False
    on: date | None = None
    sheet: tuple[int, int] = (1, 1)
    answer: bool = False

    def rows(self) -> Iterator[Row | Rejected]:
        """Read the file from the start, row by row."""
        with opened(self.path, known=self.digest) as source:
            yield from _read(source.file, self.kind, self.mapping, self.on)


def detect(path: Path) -> str:
    """Return the kind of a file by its content: pm304, gds801, fhir or table (with its answers: PM305, GDS802)."""
    with opened(path) as source:
        return _kind(source.file.read(_SAMPLE))


def read(path: Path, *, kind: str | None = None, mapping: Mapped = None, on: date | None = None) -> Reading:
    """Look at a file and say how it will be read.

    `mapping` is a mapping file, the name of a shipped one, or a mapping; without one a table is read by the shipped
    mapping that knows most of its columns.
    """
    with opened(path) as source:
        sample = source.file.read(_SAMPLE)
        chosen = kind or ("table" if mapping is not None else _kind(sample))
        if chosen not in KINDS:
            raise SourceError("sources.unknown-kind", hints=("hint.kind-of-file",))
        by, sheet = None, (1, 1)
        if chosen in {"table", "prem", "index"}:
            source.file.seek(0)
            by = _mapping(source.file, chosen, mapping)
            by, sheet = _sheet(source.file, by)
        test = (chosen == "pm304" and pm304.is_test(sample)) or (chosen == "gds801" and gds801.is_test(sample))
        answer = (chosen == "pm304" and pm304.is_answer(sample)) or (chosen == "gds801" and gds801.is_answer(sample))
        return Reading(path, chosen, source.digest, by, test, on, sheet, answer)


# What people hand over that is no file of data, by its first bytes; said before it is taken for a strange table.
_FOREIGN = (
    (b"\x1f\x8b", "sources.compressed", "hint.unpack"),
    (b"BZh", "sources.compressed", "hint.unpack"),
    (b"\xfd7zXZ\x00", "sources.compressed", "hint.unpack"),
    (b"7z\xbc\xaf\x27\x1c", "sources.compressed", "hint.unpack"),
    (b"Rar!", "sources.compressed", "hint.unpack"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "sources.old-spreadsheet", "hint.save-as-csv"),
    (b"%PDF-", "sources.document", "hint.export-a-table"),
    (b"{\\rtf", "sources.document", "hint.export-a-table"),
    (b"age-encryption.org/", "sources.sealed", "hint.import-it"),
)


def _require_data(sample: bytes) -> None:
    for begins, rule, hint in _FOREIGN:
        if sample.startswith(begins):
            raise SourceError(rule, hints=(hint,))


def _kind(sample: bytes) -> str:
    _require_data(sample)
    if pm304.message_code(sample):
        return "pm304"
    if spreadsheets.is_spreadsheet(sample):
        return "table"
    text = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")):
        return "fhir"
    if text.startswith(b"<") or sample.startswith((b"\xff\xfe<\x00", b"\xfe\xff\x00<")):
        return "gds801"
    if b"\0" in sample and not tables.is_text(sample):
        raise SourceError("sources.unknown-kind", hints=("hint.kind-of-file",))
    return "table"


def _mapping(file: BinaryIO, kind: str, mapping: Mapped) -> TableMapping:
    if isinstance(mapping, TableMapping):
        return mapping
    if mapping is not None:
        return load_mapping(Path(mapping))
    if kind in shipped_mappings():
        return shipped_mappings()[kind]
    found: dict[str, int] = {}
    for records in _pages(file):
        for _ in range(tables.HEADER_SEARCH):
            _, cells = next(records, (0, ()))
            headers = frozenset(plain(cell) for cell in cells if cell.strip())
            for name, one in shipped_mappings().items():
                if one.fits(headers):
                    found[name] = max(found.get(name, 0), one.recognised(headers))
    if not found:
        raise SourceError("sources.no-mapping", hints=("hint.suggest-mapping",))
    return shipped_mappings()[max(sorted(found), key=lambda name: found[name])]


def _pages(file: BinaryIO) -> Iterator[Iterator[tables.Record]]:
    """Yield the one table of a CSV, or each sheet of a workbook."""
    names = _sheets(file)
    if not names:
        yield tables.open_csv(file, None)
    for name in names:
        yield spreadsheets.records(file, name)


def _sheets(file: BinaryIO) -> tuple[str, ...]:
    file.seek(0)
    first = file.read(8)
    file.seek(0)
    return spreadsheets.sheets(file)[:_SHEETS_LIMIT] if spreadsheets.is_spreadsheet(first) else ()


def _sheet(file: BinaryIO, mapping: TableMapping) -> tuple[TableMapping, tuple[int, int]]:
    """Choose the first sheet that has the mapping's columns, where the mapping names none."""
    names = _sheets(file)
    if mapping.sheet or len(names) < 2:
        return mapping, (1, 1)
    for number, name in enumerate(names, start=1):
        with suppress(SourceError):
            tables.find_header(spreadsheets.records(file, name), mapping)
            return replace(mapping, sheet=name), (number, len(names))
    return mapping, (1, len(names))


def _records(file: BinaryIO, mapping: TableMapping | None) -> Iterator[tables.Record]:
    first = file.read(8)
    file.seek(0)
    if spreadsheets.is_spreadsheet(first):
        return spreadsheets.records(file, mapping.sheet if mapping else "")
    return tables.open_csv(file, mapping)


def _table(file: BinaryIO, mapping: TableMapping | None, on: date | None) -> Iterator[Row | Rejected]:
    if mapping is None:
        raise SourceError("sources.no-mapping", hints=("hint.suggest-mapping",))
    return tables.rows(tables.find_header(_records(file, mapping), mapping), mapping, on)


def _read(file: BinaryIO, kind: str, mapping: TableMapping | None, on: date | None) -> Iterator[Row | Rejected]:
    readers: Mapping[str, Callable[[BinaryIO], Iterator[Row | Rejected]]] = {
        "pm304": pm304.rows,
        "gds801": gds801.rows,
        "fhir": fhir_records.rows,
    }
    reader = readers.get(kind)
    return reader(file) if reader is not None else _table(file, mapping, on)


__all__ = ["KINDS", "Reading", "detect", "read", "read_mapping"]
