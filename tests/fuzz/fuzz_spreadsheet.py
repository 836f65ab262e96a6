"""XLSX: the bytes are a part of a workbook that is otherwise sound, for a broken zip never gets that far."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

from consuming import consumed

from exchange.sources import spreadsheets, tables
from exchange.sources.mapping import shipped_mappings


def _workbook() -> dict[str, bytes]:
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Patiëntnummer", "Trajectnummer", "Begindatum", "Naam"])
        sheet.write_row(1, 0, [17, "T1"])
        sheet.write_datetime(1, 2, date(2024, 1, 8), book.add_format({"num_format": "dd-mm-yyyy"}))
        sheet.write_string(1, 3, "Kanarie")
    with zipfile.ZipFile(stream) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_PARTS = _workbook()
_NAMES = sorted(_PARTS)
# The first byte says which part the rest replaces; one beyond them all means that the rest is the whole file.
CORPUS = (
    *(bytes([place]) + _PARTS[name] for place, name in enumerate(_NAMES)),
    b"\xff" + b"PK\x03\x04" + bytes(40),
)


def one_input(data: bytes) -> None:
    """Read a workbook one part of which is anything."""
    place = data[0] if data else 0
    made = data[1:] if place >= len(_NAMES) else _packed({**_PARTS, _NAMES[place]: data[1:]})
    mapping = shipped_mappings()["epd-episodes"]

    def rows() -> Iterator[object]:
        file = io.BytesIO(made)
        spreadsheets.sheets(file)
        return tables.rows(tables.find_header(spreadsheets.records(file), mapping), mapping)

    consumed(rows)


def _packed(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return stream.getvalue()
