"""A workbook that would take the reader's time, memory or files is refused; one that is only odd is read."""

from __future__ import annotations

import io
import random
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from exchange.errors import SourceError
from exchange.sources.reading import read
from exchange.sources.rows import EpisodeRow, PatientRow

SHEET = "xl/worksheets/sheet1.xml"
HEAD = ("Patiëntnummer", "Trajectnummer", "Begindatum")


def workbook(**parts: bytes) -> bytes:
    """Return a small sound workbook with some parts replaced; `/` and `.` in names are `__` and `_dot_`."""
    made, stream = Workbook(), io.BytesIO()
    made.active.append(HEAD)
    made.active.append(("17", "T1", "08-01-2024"))
    made.save(stream)
    names = {name.replace("__", "/").replace("_dot_", "."): part for name, part in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *names}:
            new.writestr(name, names.get(name) or old.read(name))
    return out.getvalue()


def rows(tmp_path: Path, data: bytes) -> list[Any]:
    path = tmp_path / "table.xlsx"
    path.write_bytes(data)
    return list(read(path, mapping="epd-episodes").rows())


def refused(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        rows(tmp_path, data)
    return error.value.rule


def test_the_small_sound_workbook_is_read(tmp_path: Path) -> None:
    assert [type(row) for row in rows(tmp_path, workbook())] == [PatientRow, EpisodeRow]


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"<!-- " + b"x" * 6000 + b" -->",
        b"<!-- <sst> -->" + b" " * 6000,
        b'<?xml version="1.0"?>' + b"<?a " + b"b" * 6000 + b"?>",
    ],
)
def test_a_doctype_is_refused_wherever_it_hides(tmp_path: Path, before: bytes) -> None:
    bomb = before + b'<!DOCTYPE s [<!ENTITY a "b">]><sst xmlns="x"><si><t>&a;</t></si></sst>'
    assert refused(tmp_path, workbook(xl__sharedStrings_dot_xml=bomb)) == "sources.xml-doctype"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_part_in_an_encoding_that_hides_its_words_is_refused(tmp_path: Path, encoding: str) -> None:
    part = '<!DOCTYPE s [<!ENTITY a "b">]><sst>&a;</sst>'.encode(encoding)
    assert refused(tmp_path, workbook(xl__sharedStrings_dot_xml=part)) == "sources.xml-doctype"


@pytest.mark.parametrize(
    "part",
    [
        b'<?xml version="1.0" encoding="UTF-3"?><worksheet/>',
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"',
        b"<worksheet><sheetData>\x00",
    ],
)
def test_a_damaged_sheet_is_refused_as_such(tmp_path: Path, part: bytes) -> None:
    assert refused(tmp_path, workbook(xl__worksheets__sheet1_dot_xml=part)) in {
        "sources.xlsx",
        "sources.column-missing",
    }


def test_a_sheet_by_another_name_is_looked_at_too(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE s [<!ENTITY a "b">]><worksheet>&a;</worksheet>'
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        rels = archive.read("xl/_rels/workbook.xml.rels").replace(b"sheet1.xml", b"sheet1.bin")
    made = workbook(xl___rels__workbook_dot_xml_dot_rels=rels, xl__worksheets__sheet1_dot_bin=bomb)
    assert refused(tmp_path, made) == "sources.xml-doctype"


def test_rows_that_say_they_are_very_wide_take_no_time(tmp_path: Path) -> None:
    wide = b"".join(b'<row r="%d"><c r="XFD%d" t="n"><v>1</v></c></row>' % (row, row) for row in range(3, 1500))
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        sheet = archive.read(SHEET).replace(b"</sheetData>", wide + b"</sheetData>")
    started = time.process_time()
    assert [type(row) for row in rows(tmp_path, workbook(xl__worksheets__sheet1_dot_xml=sheet))] == [
        PatientRow,
        EpisodeRow,
    ]
    # Without a limit each row takes the time of 16,384 cells: some 25 million here.
    assert time.process_time() - started < 20


def test_a_sheet_of_too_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.sources.spreadsheets._CELLS_LIMIT", 5)
    assert refused(tmp_path, workbook()) == "sources.too-many-rows"


@pytest.mark.parametrize("start", [b'<row a="', b"<!--", b"<![CDATA[", b"<?a "])
@pytest.mark.parametrize("filling", [b"x", b"<>"])
def test_a_tag_that_does_not_end_takes_no_time(tmp_path: Path, start: bytes, filling: bytes) -> None:
    # Not compressible a hundredfold, so that the ratio does not give it away.
    noise = random.Random(7).randbytes(1 << 21).hex().encode().replace(b"7", filling)
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        sheet = archive.read(SHEET)
    made = sheet.replace(b"<sheetData>", b"<sheetData>" + start + noise)
    started = time.process_time()
    assert refused(tmp_path, workbook(xl__worksheets__sheet1_dot_xml=made)) in {"sources.xlsx-limits", "sources.xlsx"}
    assert time.process_time() - started < 20
