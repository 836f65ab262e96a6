"""A file of any kind, found out by its content, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from exchange.errors import SourceError
from exchange.sources import fhir_records, gds801, pm304, spreadsheets, tables
from exchange.sources.mapping import TableMapping, load_mapping, plain, read_mapping, shipped_mappings
from exchange.sources.opening import opened
from exchange.sources.rows import Rejected, Row

KINDS = ("pm304", "gds801", "table", "fhir", "prem", "index")
_SAMPLE = 1 << 16

Mapped = Path | str | TableMapping | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file about to be read: what kind it is, its SHA-256, and by which mapping where it is a table.

    `test` says that a claims file calls itself a test message: it belongs in no practice's figures.

    `rows` may raise SourceError as late as the last row, when a file turns out to be cut off, not to add up or to
    have changed while it was read: store nothing before it is through. It can be asked for again.
    """

    path: Path
    kind: str
    digest: str
    mapping: TableMapping | None = None
    test: bool = False

    def rows(self) -> Iterator[Row | Rejected]:
        """Read the file from the start, row by row."""
        with opened(self.path) as source:
            if source.digest != self.digest:
                raise SourceError("sources.changed-while-reading", hints=("hint.load-again",))
            yield from _read(source.file, self.kind, self.mapping)


def detect(path: Path) -> str:
    """Return the kind of a file by its content: pm304, gds801, fhir or table (with its answers: PM305, GDS802)."""
    with opened(path) as source:
        return _kind(source.file.read(_SAMPLE))


def read(path: Path, *, kind: str | None = None, mapping: Mapped = None) -> Reading:
    """Look at a file and say how it will be read.

    `mapping` is a mapping file, the name of a shipped one, or a mapping; without one a table is read by the shipped
    mapping that knows most of its columns.
    """
    with opened(path) as source:
        sample = source.file.read(_SAMPLE)
        chosen = kind or ("table" if mapping is not None else _kind(sample))
        if chosen not in KINDS:
            raise SourceError("sources.unknown-kind", hints=("hint.kind-of-file",))
        by = None
        if chosen in {"table", "prem", "index"}:
            source.file.seek(0)
            by = _mapping(source.file, chosen, mapping)
        test = (chosen == "pm304" and pm304.is_test(sample)) or (chosen == "gds801" and gds801.is_test(sample))
        return Reading(path, chosen, source.digest, by, test)


def _kind(sample: bytes) -> str:
    if pm304.message_code(sample):
        return "pm304"
    if spreadsheets.is_spreadsheet(sample):
        return "table"
    text = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "fhir"
    if text.startswith(b"<") or sample.startswith((b"\xff\xfe<\x00", b"\xfe\xff\x00<")):
        return "gds801"
    if b"\0" in sample and not sample.startswith((b"\xff\xfe", b"\xfe\xff")):
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
    records = _records(file, None)
    for _ in range(tables.HEADER_SEARCH):
        _, cells = next(records, (0, ()))
        headers = frozenset(plain(cell) for cell in cells if cell.strip())
        for name, one in shipped_mappings().items():
            if one.fits(headers):
                found[name] = max(found.get(name, 0), one.recognised(headers))
    if not found:
        raise SourceError("sources.no-mapping", hints=("hint.suggest-mapping",))
    return shipped_mappings()[max(sorted(found), key=lambda name: found[name])]


def _records(file: BinaryIO, mapping: TableMapping | None) -> Iterator[tables.Record]:
    first = file.read(8)
    file.seek(0)
    if spreadsheets.is_spreadsheet(first):
        return spreadsheets.records(file, mapping.sheet if mapping else "")
    return tables.open_csv(file, mapping)


def _table(file: BinaryIO, mapping: TableMapping | None) -> Iterator[Row | Rejected]:
    if mapping is None:
        raise SourceError("sources.no-mapping", hints=("hint.suggest-mapping",))
    return tables.rows(tables.find_header(_records(file, mapping), mapping), mapping)


def _read(file: BinaryIO, kind: str, mapping: TableMapping | None) -> Iterator[Row | Rejected]:
    readers: Mapping[str, Callable[[BinaryIO], Iterator[Row | Rejected]]] = {
        "pm304": pm304.rows,
        "gds801": gds801.rows,
        "fhir": fhir_records.rows,
    }
    reader = readers.get(kind)
    return reader(file) if reader is not None else _table(file, mapping)


__all__ = ["KINDS", "Reading", "detect", "read", "read_mapping"]
