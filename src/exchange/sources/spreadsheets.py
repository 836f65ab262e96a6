"""XLSX as values: no formulas, macros or links to other files, within limits of size and of compression."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any, BinaryIO

from exchange.errors import SourceError
from exchange.sources.tables import Record

_PARTS_LIMIT = 2_000
_SIZE_LIMIT = 400 << 20
_RATIO_LIMIT = 100
_RATIO_FROM = 1 << 20
_ROW_LIMIT = 1_048_576
_CELLS_LIMIT = 60_000_000
# A sheet may say that a cell stands in column XFD, of every row.
_COLUMN_LIMIT = 1_000
_TOKEN_LIMIT = 1 << 20
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_OTHER_MARKUP = re.compile(rb"<[!?]")
_COMMENTS = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)


def is_spreadsheet(first: bytes) -> bool:
    """Tell whether a file begins as a zip, which XLSX is."""
    return first.startswith(b"PK\x03\x04")


def sheets(file: BinaryIO) -> tuple[str, ...]:
    """Return the names of the sheets that can hold a table, in their order."""
    book = _book(file)
    try:
        return tuple(page.title for page in book.worksheets)
    finally:
        book.close()


def _book(file: BinaryIO) -> Any:
    _check(file)
    from openpyxl import load_workbook

    try:
        return load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except Exception:  # openpyxl lets errors of every kind through on a damaged part, and repeats values in them
        raise SourceError("sources.xlsx", hints=("hint.save-as-csv",)) from None


def records(file: BinaryIO, sheet: str = "") -> Iterator[Record]:
    """Read one sheet (the first, unless named) row by row as text; days become ISO days."""
    book = _book(file)
    try:
        yield from _rows(_page(book, sheet))
    except SourceError:
        raise
    except Exception:  # as above
        raise SourceError("sources.xlsx", hints=("hint.save-as-csv",)) from None
    finally:
        book.close()


def _page(book: Any, sheet: str) -> Any:
    if sheet and sheet not in book.sheetnames:
        raise SourceError("sources.sheet-missing", sheet=sheet)
    page = book[sheet] if sheet else book.worksheets[0]
    # A sheet may state other dimensions than it has.
    page.reset_dimensions()
    return page


def _rows(page: Any) -> Iterator[Record]:
    seen = 0
    for number, cells in enumerate(page.iter_rows(max_col=_COLUMN_LIMIT), start=1):
        seen += len(cells)
        if number > _ROW_LIMIT or seen > _CELLS_LIMIT:
            raise SourceError("sources.too-many-rows")
        if any(cell.data_type == "f" for cell in cells):
            raise SourceError("sources.formula", hints=("hint.save-as-csv",), line=number)
        yield number, [_text(cell.value) for cell in cells]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value)


def _check(file: BinaryIO) -> None:
    """Refuse what a table has no need of, before anything is unpacked in full."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_parts(archive)
    except SourceError:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise SourceError("sources.xlsx", hints=("hint.save-as-csv",)) from error
    file.seek(0)


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    if not any(part.filename.startswith("xl/") for part in parts):
        raise SourceError("sources.not-a-workbook", hints=("hint.unpack-or-save",))
    if len(parts) > _PARTS_LIMIT or sum(part.file_size for part in parts) > _SIZE_LIMIT:
        raise SourceError("sources.xlsx-limits", hints=("hint.save-as-csv",))
    for part in parts:
        _check_part(archive, part)


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    name = part.filename.casefold()
    if part.file_size > _RATIO_FROM and part.file_size > _RATIO_LIMIT * max(part.compress_size, 1):
        raise SourceError("sources.xlsx-limits", hints=("hint.save-as-csv",))
    if "vbaproject" in name or "macrosheets" in name or "activex" in name:
        raise SourceError("sources.macro", hints=("hint.save-as-csv",))
    if "externallinks" in name:
        raise SourceError("sources.external-link", hints=("hint.save-as-csv",))
    with archive.open(part) as stream:
        beginning = stream.read(4096)
        # A relation may lead to a sheet by any name.
        if name.endswith((".xml", ".rels")) or beginning.lstrip().startswith((b"<", *_MARKS)):
            bare = _COMMENTS.sub(b"", beginning.removeprefix(b"\xef\xbb\xbf")).lstrip()
            _require_element(bare)
            if part.file_size > _TOKEN_LIMIT:
                _require_short(stream, bare)


def _require_short(stream: IO[bytes], bare: bytes) -> None:
    """Refuse a large part with a tag that does not end: its parser begins anew at every chunk.

    A `<` stands in no attribute; in what it may stand in, comments and the like, no spreadsheet writes.
    """
    before = bare
    while chunk := stream.read(_TOKEN_LIMIT):
        if b"<" not in chunk or _OTHER_MARKUP.search(before + chunk):
            raise SourceError("sources.xlsx-limits", hints=("hint.save-as-csv",))
        before = chunk[-1:]


def _require_element(bare: bytes) -> None:
    """Refuse a part that does not begin with its element: a DOCTYPE, or another encoding than our eyes can read."""
    if not re.match(rb"<[A-Za-z_]", bare):
        raise SourceError("sources.xml-doctype", hints=("hint.save-as-csv",))
