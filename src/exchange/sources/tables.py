"""Tables by a mapping: CSV of any separator and encoding, XLSX as values."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import BinaryIO

from exchange.errors import SourceError
from exchange.sources.cells import Cells
from exchange.sources.fields import Bad
from exchange.sources.making import MAKERS
from exchange.sources.mapping import RowSpec, TableMapping, plain
from exchange.sources.rows import (
    EpisodeRow,
    EvaluationRow,
    MeasurementRow,
    PatientKey,
    PatientRow,
    ReferralRow,
    Rejected,
    Row,
    SessionRow,
)

SEPARATORS = (";", ",", "\t", "|")
HEADER_SEARCH = 20
_LINE_LIMIT = 1 << 20
_COLUMN_LIMIT = 1_000
_CHUNK = 1 << 20
_SAMPLE = 1 << 12
_WITHIN_A_WORD = re.compile(rb"(?<=[A-Za-z])[\x80-\xff](?=[A-Za-z])")
# The letters that Dutch has accents on, in CP850; in Windows-1252 these are signs that stand in no word.
_OF_DOS = frozenset(
    bytes([byte]) for byte in b"\x81\x82\x83\x84\x85\x87\x88\x89\x8a\x8b\x8c\x8d\x93\x94\x95\xa0\xa1\xa2\xa3"
)

_EPISODES = "episodes"
_WITHIN = (SessionRow, MeasurementRow, ReferralRow, EvaluationRow)
_OF_A_PATIENT = (EpisodeRow, *_WITHIN)

Record = tuple[int, Sequence[str]]  # the line it began on, and its cells


class Unended(tuple[str, ...]):
    """The cells of a last line that has no end: where there are too few of them the file broke off there."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header was found: its columns' plain names, and the records after it."""

    headers: tuple[str, ...]
    records: Iterator[Record]


def encoding_of(file: BinaryIO) -> str:
    """Find a text's encoding: a byte order mark, else UTF-8 where (nearly) all of it is, else Windows-1252.

    Old software writes the letters of DOS (CP850), databases UTF-16 without its mark.
    """
    file.seek(0)
    if unmarked := _unmarked(file.read(_SAMPLE)):
        file.seek(0)
        return unmarked
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    found = ""
    while not found:
        chunk = file.read(_CHUNK)
        if not found and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and file.tell() == len(chunk):
            found = "utf-16"
        elif b"\0" in chunk:
            raise SourceError("sources.not-text", hints=("hint.kind-of-file",))
        else:
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                found = _of_one_byte(chunk)
        if not chunk:
            break
    file.seek(0)
    return found or "utf-8-sig"


def is_text(sample: bytes) -> bool:
    """Tell whether a beginning with NUL bytes in it can be UTF-16."""
    return sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _unmarked(sample[:_SAMPLE]) != ""


def _unmarked(sample: bytes) -> str:
    """Return which UTF-16 has a NUL in every other place, or nothing."""
    if b"\0" not in sample or sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ""
    even, odd = sample[::2], sample[1::2]
    for name, zeros, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if b"\0" not in letters and zeros.count(0) > len(zeros) * 0.9:
            return name
    return ""


def _of_one_byte(chunk: bytes) -> str:
    """Judge by the letters with accents: some damage in UTF-8, the places where DOS had them, else Windows."""
    decoded = chunk.decode("utf-8", errors="replace")
    damaged = decoded.count("\ufffd")
    if sum(sign > "\x7f" for sign in decoded) > 3 * damaged:
        return "utf-8-sig"
    within = _WITHIN_A_WORD.findall(chunk)
    return "cp850" if 2 * sum(sign in _OF_DOS for sign in within) > len(within) else "windows-1252"


def csv_records(file: BinaryIO, separator: str, encoding: str) -> Iterator[Record]:
    """Read a CSV record by record; a quote that is never closed is an error, not a very long cell."""
    wrapper = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    last: list[str] = []
    reader = csv.reader(_kept(_lines(wrapper), last), delimiter=separator)
    began, ended, record = 1, 1, [""]
    try:
        for cells in reader:
            if len(cells) > _COLUMN_LIMIT:
                raise SourceError("sources.too-many-columns", line=began)
            ended, record = began, list(last)
            last.clear()
            yield began, cells if record[-1].endswith(("\n", "\r")) else Unended(cells)
            began = reader.line_num + 1
        if _never_closed(record, separator):
            raise SourceError("sources.csv", hints=("hint.export-again",), line=ended)
    except csv.Error as error:
        raise SourceError("sources.csv", hints=("hint.export-again",), line=began) from error
    except UnicodeError as error:
        raise SourceError("sources.not-text", hints=("hint.kind-of-file",)) from error
    finally:
        # Whoever stopped halfway may have closed the file already.
        with suppress(ValueError):
            wrapper.detach()


def _lines(wrapper: io.TextIOWrapper) -> Iterator[str]:
    while line := wrapper.readline(_LINE_LIMIT):
        if len(line) >= _LINE_LIMIT:
            raise SourceError("sources.line-too-long", hints=("hint.kind-of-file",))
        yield line


def _kept(lines: Iterator[str], last: list[str]) -> Iterator[str]:
    for line in lines:
        last.append(line)
        yield line


def _never_closed(lines: Sequence[str], separator: str) -> bool:
    """Tell whether the record at the end of the file opens a quote and lacks the other: it swallowed all after it."""
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def separator_of(sample: str) -> str:
    """Choose the separator that cuts the first lines into most cells, the same number on each."""
    best, most = ";", 0
    for separator in SEPARATORS:
        try:
            cut = [len(row) for row in csv.reader(sample.splitlines()[:HEADER_SEARCH], delimiter=separator) if row]
        except csv.Error:
            continue
        width = max(cut, default=0)
        if width > 1 and cut.count(width) * width > most:
            best, most = separator, cut.count(width) * width
    return best


def open_csv(file: BinaryIO, mapping: TableMapping | None) -> Iterator[Record]:
    """Read a CSV as the mapping says, or as the file itself shows."""
    encoding = (mapping.encoding if mapping else "") or encoding_of(file)
    separator = mapping.separator if mapping else ""
    if not separator:
        sample = file.read(1 << 16)
        file.seek(0)
        separator = separator_of(sample.decode(encoding, errors="replace"))
    return csv_records(file, separator, encoding)


def find_header(records: Iterator[Record], mapping: TableMapping) -> Table:
    """Find the header among the first lines: exports put titles above it."""
    best: frozenset[str] = frozenset()
    for _ in range(HEADER_SEARCH):
        _, cells = next(records, (0, None))
        if cells is None:
            break
        headers = tuple(plain(cell) for cell in cells)
        named = frozenset(name for name in headers if name)
        if mapping.fits(named):
            twice = {name for name in named if headers.count(name) > 1}
            wanted = {plain(name) for spec in mapping.rows for names in spec.columns.values() for name in names}
            if twice & wanted:
                raise SourceError("sources.column-twice", hints=("hint.rename-column",), column=min(twice & wanted))
            return Table(headers, records)
        if mapping.recognised(named) > mapping.recognised(best):
            best = named
    missing = [column for spec in mapping.rows if not spec.optional for column in spec.lacks(best)]
    raise SourceError("sources.column-missing", hints=("hint.suggest-mapping",), column=missing[0] if missing else "")


def rows(table: Table, mapping: TableMapping, on: date | None = None) -> Iterator[Row | Rejected]:
    """Make the rows of every line; a line may hold several kinds, such as an episode with its scores."""
    headers = frozenset(table.headers)
    places = {name: place for place, name in enumerate(table.headers)}
    specs = [(spec, _columns(spec, places)) for spec in mapping.rows if not (spec.optional and spec.lacks(headers))]
    width = len(table.headers)
    seen: dict[str, object] = {}
    owners: dict[str, PatientKey] = {}
    trimmed = False
    for line, cells in table.records:
        if not any(cell.strip() for cell in cells):
            continue
        if isinstance(cells, Unended) and len(cells) < width and not trimmed:
            yield Rejected(line, "record", "sources.record-cut-off")
            continue
        trimmed = trimmed or len(cells) < width
        if any(cell.strip() for cell in cells[width:]):
            # A separator within a cell has shifted all that follows it.
            yield Rejected(line, "record", "sources.too-many-cells")
            continue
        made = list(_line(line, cells, specs, mapping, on))
        if any(isinstance(row, EpisodeRow) and not _owns(row, owners) for row in made):
            yield Rejected(line, f"{_EPISODES}.key", "sources.key-of-another-patient")
            continue
        yield from _told(made, seen)


def _owns(row: EpisodeRow, owners: dict[str, PatientKey]) -> bool:
    """Tell whether an episode's key is new in this file or of the same patient: else two would become one."""
    owner, own = owners.setdefault(row.key, row.patient), row.patient
    if owner.epd_number and own.epd_number:
        return owner.epd_number == own.epd_number
    return not (owner.bsn and own.bsn) or owner.bsn == own.bsn


def _columns(spec: RowSpec, places: Mapping[str, int]) -> Mapping[str, tuple[int, ...]]:
    return {
        name: tuple(places[plain(column)] for column in columns if plain(column) in places)
        for name, columns in spec.columns.items()
    }


def _line(
    line: int,
    cells: Sequence[str],
    specs: Sequence[tuple[RowSpec, Mapping[str, tuple[int, ...]]]],
    mapping: TableMapping,
    on: date | None,
) -> Iterator[Row | Rejected]:
    episode = ""
    for spec, columns in specs:
        raw = {
            name: next((cells[place] for place in places if place < len(cells) and cells[place].strip()), "")
            for name, places in columns.items()
        }
        raw |= {name: value for name, value in spec.constants.items() if not raw.get(name, "").strip()}
        if spec.unless_blank and not any(raw.get(name, "").strip() for name in spec.unless_blank):
            continue
        try:
            row = MAKERS[spec.kind](Cells(line, mapping, spec, raw, on))
        except Bad as bad:
            yield Rejected(line, f"{spec.kind}.{bad.field}", bad.rule)
            continue
        if isinstance(row, EpisodeRow):
            episode = row.key
        if isinstance(row, _WITHIN) and episode and not row.episode_key:
            row = replace(row, episode_key=episode)
        if row is not None:
            yield row


def _told(made: Sequence[Row | Rejected], seen: dict[str, object]) -> Iterator[Row | Rejected]:
    """Leave out the patient who was just read, for tables repeat the person on every line.

    Leave out the patient too of a line of which nothing else was any good: it may be a total at the foot.
    """
    broken = any(isinstance(row, Rejected) for row in made)
    alone = broken and not any(isinstance(row, _OF_A_PATIENT) for row in made)
    for row in made:
        if not isinstance(row, PatientRow):
            yield row
        elif not alone:
            same = replace(row, line=0)
            if seen.get("patient") != same:
                yield row
            seen["patient"] = same
