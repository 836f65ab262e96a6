"""Files that differ from our own demo writer: what other software writes, and what goes wrong on the way (invented)."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.sources.mapping import read_mapping
from exchange.sources.reading import read
from exchange.sources.rows import ClaimRow, EpisodeRow, MeasurementRow, PatientRow, Rejected, SessionRow
from exchange.sources.suggesting import suggest

HEAD = "Patiëntnummer;Trajectnummer;Begindatum;Einddatum;Geboortedatum\r\n"


def loaded(tmp_path: Path, data: bytes | str, *, name: str = "file", on: date | None = None, **more: Any) -> list[Any]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read(path, on=on, **more).rows())


def of(rows: list[Any], kind: type) -> list[Any]:
    return [row for row in rows if isinstance(row, kind)]


# PM304 and GDS801 -------------------------------------------------------------------------------------------------


def test_a_record_that_was_cut_off_is_rejected_and_the_rest_is_read(tmp_path: Path, pm304: Any) -> None:
    lines = pm304.whole(pm304.person(), pm304.claim("R1"), pm304.claim("R2")).split(b"\r\n")
    for width in (100, 150, 200):
        rows = loaded(tmp_path, b"\r\n".join([*lines[:2], lines[2][:width], *lines[3:]]))
        assert of(rows, Rejected) == [Rejected(3, "record", "sources.record-cut-off")]
        assert [row.reference for row in of(rows, ClaimRow)] == ["R2"]


def test_a_file_whose_every_record_lost_its_spaces_is_whole(tmp_path: Path, pm304: Any) -> None:
    lines = pm304.whole(pm304.person(), pm304.claim("R1")).split(b"\r\n")
    rows = loaded(tmp_path, b"\n".join(line.rstrip() for line in lines))
    assert [row.reference for row in of(rows, ClaimRow)] == ["R1"]
    assert not of(rows, Rejected)


def test_the_lines_below_a_cut_off_person_are_not_those_of_the_person_above(tmp_path: Path, pm304: Any) -> None:
    lines = pm304.whole(
        pm304.person(), pm304.claim("R1"), pm304.person(pm304.OTHER_BSN), pm304.claim("R2", pm304.OTHER_BSN)
    ).split(b"\r\n")
    rows = loaded(tmp_path, b"\r\n".join([*lines[:3], lines[3][:60], *lines[4:]]))
    assert [row.line for row in of(rows, Rejected)] == [4, 5]
    assert [row.reference for row in of(rows, ClaimRow)] == ["R1"]


def test_an_amount_that_cannot_be_read_costs_its_line_and_not_the_file(tmp_path: Path, pm304: Any) -> None:
    data = pm304.whole(pm304.person(), pm304.claim("R1"), pm304.claim("R2", amount="00001200"))
    rows = loaded(tmp_path, data.replace(b"00001200D", b"0000120xD"))
    assert of(rows, Rejected) == [Rejected(4, "amount", "sources.number")]
    assert len(of(rows, ClaimRow)) == 1


@pytest.mark.parametrize("slot", [(81, 84), (92, 95), (103, 106), (114, 117)])
def test_a_diagnosis_is_found_in_whichever_slot_it_stands(tmp_path: Path, pm304: Any, slot: tuple[int, int]) -> None:
    blank = {"diagnosis_list": (81, "000"), "diagnosis": (84, "00000000")}
    claim = pm304.claim("R1", **blank | {"l": (slot[0], "005"), "d": (slot[1], "00007023")})
    (row,) = of(loaded(tmp_path, pm304.whole(pm304.person(), claim)), ClaimRow)
    assert row.diagnosis == "7023"


@pytest.mark.parametrize(("amount", "total"), [("3500", "3500"), ("35.00", "35.00"), ("35,00", "35,00")])
def test_amounts_are_cents_or_euros(tmp_path: Path, gds801: Any, amount: str, total: str) -> None:
    message = gds801.message(gds801.person(gds801.debit()), total=0).decode()
    message = message.replace(">3500<", f">{amount}<").replace("<Bedrag>0<", f"<Bedrag>{total}<")
    assert of(loaded(tmp_path, message), ClaimRow)[0].amount_cents == 3500


# Tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["08-01-2024", "8-1-2024", "8-1-2024 00:00", "08-01-2024 0:00:00", "8.1.2024", "8 januari 2024",
                "8-jan-2024", "08-01-24", "2024-01-08", "2024-01-08T00:00:00", "8 mei 2024", "1 okt. 2024"],
)  # fmt: skip
def test_a_day_is_read_however_an_export_writes_it(tmp_path: Path, written: str) -> None:
    (episode,) = of(loaded(tmp_path, HEAD + f"P1;T1;{written};;\r\n"), EpisodeRow)
    months = {"8 mei 2024": date(2024, 5, 8), "1 okt. 2024": date(2024, 10, 1)}
    assert episode.start == months.get(written, date(2024, 1, 8))


@pytest.mark.parametrize(
    ("written", "born"),
    [("01-02-45", date(1945, 2, 1)), ("01-02-15", date(2015, 2, 1)), ("29-02-28", date(1928, 2, 28))],
)
def test_nobody_is_born_in_the_future_by_a_year_of_two_digits(tmp_path: Path, written: str, born: date) -> None:
    rows = loaded(tmp_path, HEAD + f"P1;T1;08-01-2024;;{written}\r\n", on=date(2026, 11, 3))
    assert of(rows, PatientRow)[0].birth_date == born


def test_a_whole_year_of_birth_in_the_future_is_refused(tmp_path: Path) -> None:
    rows = loaded(tmp_path, HEAD + "P1;T1;08-01-2024;;01-02-2045\r\n", on=date(2026, 11, 3))
    assert of(rows, Rejected) == [Rejected(2, "patients.birth_date", "sources.day-to-come")]


def test_a_total_at_the_foot_makes_no_patient(tmp_path: Path) -> None:
    rows = loaded(tmp_path, HEAD + "P1;T1;08-01-2024;;\r\nTotaal;1;;;\r\n")
    assert [row.patient.epd_number for row in of(rows, PatientRow)] == ["P1"]
    assert [row.line for row in of(rows, Rejected)] == [3]


def test_a_quote_that_is_never_closed_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        loaded(tmp_path, HEAD + 'P1;T1;08-01-2024;;\r\n"P2;T2;08-01-2024;;\r\nP3;T3;08-01-2024;;\r\n')
    assert (error.value.rule, error.value.params["line"]) == ("sources.csv", 3)
    assert len(of(loaded(tmp_path, HEAD + 'P1;"T\r\n1";08-01-2024;;\r\nP "x" 2;T2;08-01-2024;;'), EpisodeRow)) == 2


def test_a_name_where_a_code_is_expected_costs_no_row(tmp_path: Path) -> None:
    rows = loaded(tmp_path, "Patiëntnummer;Behandeldatum;Behandelaar\r\nP1;08-01-2024;de therapeut\r\n")
    assert [row.therapist for row in of(rows, SessionRow)] == [""]
    broken = loaded(tmp_path, "Patiëntnummer;Behandeldatum;Behandelaar\r\nP1;08-01-2024;12\r\n")
    assert of(broken, Rejected) == [Rejected(2, "sessions.therapist", "sources.agb")]


def test_a_table_on_the_second_sheet_is_found(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Toelichting"])
    page = book.create_sheet("Trajecten")
    page.append(["Patiëntnummer", "Begindatum"])
    page.append(["P1", date(2024, 1, 8)])
    book.save(file := io.BytesIO())
    (tmp_path / "book.xlsx").write_bytes(file.getvalue())
    reading = read(tmp_path / "book.xlsx")
    assert reading.sheet == (2, 2)
    assert [row.start for row in of(list(reading.rows()), EpisodeRow)] == [date(2024, 1, 8)]


# What is no file of data --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "rule", "hint"),
    [
        (b"\x1f\x8b\x08\x00", "sources.compressed", "hint.unpack"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "sources.old-spreadsheet", "hint.save-as-csv"),
        (b"%PDF-1.7\n", "sources.document", "hint.export-a-table"),
        (b"age-encryption.org/v1\n", "sources.sealed", "hint.import-it"),
        (b"", "sources.empty", "hint.export-again"),
    ],
)
def test_what_is_no_file_of_data_is_named(tmp_path: Path, begins: bytes, rule: str, hint: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(begins + bytes(40) if begins else b"")
    with pytest.raises(SourceError) as error:
        read(path)
    assert (error.value.rule, error.value.hints) == (rule, (hint,))


def test_a_zip_that_is_no_workbook_is_said_to_be_so(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
        archive.writestr("export.csv", "a;b")
    with pytest.raises(SourceError) as error:
        read(tmp_path / "file.zip")
    assert error.value.rule == "sources.not-a-workbook"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes on this system")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError) as error:
        read(tmp_path / "pipe")
    assert error.value.rule == "sources.not-a-plain-file"


# Suggestions ------------------------------------------------------------------------------------------------------

EXPORTS = {
    "begin-and-end": (
        "Cliëntnummer;Achternaam;Geb. datum;M/V;Aanvang behandeling;Einde behandeling;Reden beëindiging",
        "1001;Verzonnen;01-02-1970;V;08-01-2024;11-03-2024;Doel bereikt",
        {PatientRow: 1, EpisodeRow: 1},
    ),
    "sessions": (
        "Pat.nr;Naam;Geboortedatum;BSN;Datum behandeling;Therapeut;Prestatiecode",
        "12;Verzonnen;1-2-1970;999990019;8-1-2024;07000002;2000",
        {PatientRow: 1, SessionRow: 1},
    ),
    "scores": (
        "Patient ID,Episode,Start episode,Eind episode,Directe toegang,Meetinstrument,Score begin,Score eind",
        "12,E1,2024-01-08,2024-03-01,ja,QBPDS,45,20",
        {EpisodeRow: 1, MeasurementRow: 2},
    ),
    "invoices": ("Debiteur;Debiteurnummer;Factuurdatum;Behandeldatum", "X;12;31-01-2024;08-01-2024", {SessionRow: 1}),
    "one-score-a-line": ("Cliëntnr;Vragenlijst;Afnamedatum;Totaalscore", "12;NPRS;8-1-2024;7", {MeasurementRow: 1}),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_suggestion_reads_the_table_it_was_made_for(tmp_path: Path, name: str) -> None:
    head, line, expected = EXPORTS[name]
    path = tmp_path / f"{name}.csv"
    path.write_bytes(f"{head}\r\n{line}\r\n".encode("cp1252"))
    text = suggest(path)
    assert "Verzonnen" not in text
    rows = list(read(path, mapping=read_mapping(text, "suggested")).rows())
    assert {kind: len(of(rows, kind)) for kind in {type(row) for row in rows}} == expected


def test_a_suggestion_never_takes_the_end_for_the_beginning_or_text_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Patiëntnummer;Begin behandeling;Einde behandeling;Begindatum\nP1;08-01-2024;;onbekend\n")
    mapping = read_mapping(suggest(path), "suggested")
    (episodes,) = (spec for spec in mapping.rows if spec.kind == "episodes")
    assert (episodes.columns["start"], episodes.columns["end"]) == (("Begin behandeling",), ("Einde behandeling",))
