"""Tables in the manner of Dutch EPDs (every one invented): a proposed mapping reads them, and what is odd shows."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from exchange.records.codes import Access, EndReason, SessionType, Sex
from exchange.sources.reading import read
from exchange.sources.rows import EpisodeRow, MeasurementRow, PatientRow, ReferralRow, Rejected, SessionRow
from exchange.sources.suggesting import suggest
from exchange.sources.tables import encoding_of

START, END = date(2024, 1, 8), date(2024, 3, 15)


def proposed(tmp_path: Path, data: bytes | str, name: str = "export.csv") -> list[Any]:
    """Read a file by the mapping that is proposed for it."""
    path, mapping = tmp_path / name, tmp_path / "own.toml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    mapping.write_text(suggest(path), encoding="utf-8")
    return list(read(path, mapping=mapping, on=date(2026, 1, 1)).rows())


def of(rows: list[Any], kind: type) -> list[Any]:
    return [row for row in rows if isinstance(row, kind)]


def test_a_list_of_treatments_with_their_scores_and_a_numbering_for_each_patient(tmp_path: Path) -> None:
    text = (
        '"Cliëntnr";"Achternaam";"Geb.datum";"M/V";"BSN nr";"Episodenr";"Aanvangsdatum";"Afsluitdatum";"DCSPH code";'
        '"Omschrijving diagnose";"Verwijzer";"AGB verwijzer";"Verwijsdatum";"Reden afsluiting";"Oefentherapeut";'
        '"Meetinstrument";"Beginscore";"Eindscore"\r\n'
        '"1001";"Voorbeeld";"3-4-1961";"V";"999990019";"1";"8-1-2024";"15-3-2024";"3427";"Lumbaal; ""HNP""";'
        '"Dokter Test";"01000001";"2-1-2024";"Behandeldoel bereikt";"A. Test";"QBPDS";"45";"22"\r\n'
        '"1002";"Proef";"12-11-1948";"M";"999911120";"1";"15-2-2024";"";"7123";"Knie";"DTO";"";"";"";"A.";"";"";""\r\n'
    )
    rows = proposed(tmp_path, text.encode("cp1252"))
    assert not of(rows, Rejected)
    assert [
        (row.key, row.start, row.end, row.diagnosis, row.access, row.end_reason) for row in of(rows, EpisodeRow)
    ] == [
        ("1001|1", START, END, "3427", Access.REFERRED, EndReason.GOALS_REACHED),
        ("1002|1", date(2024, 2, 15), None, "7123", Access.DIRECT, EndReason.UNKNOWN),
    ]
    assert [(row.episode_key, row.referrer, row.day) for row in of(rows, ReferralRow)] == [
        ("1001|1", "agb:01000001", date(2024, 1, 2))
    ]
    assert [(row.day, row.score) for row in of(rows, MeasurementRow)] == [(START, 45), (END, 22)]
    sessions = "Cliëntnr;Episodenr;Datum;Tijd;Prestatiecode;Medewerker\r\n1001;1;8-1-2024;09:30;2000;A. Test\r\n"
    sessions += "1002;1;15-2-2024;09:30;2000;A. Test\r\n"
    found = proposed(tmp_path, sessions.encode("cp1252"))
    assert [(row.episode_key, row.day) for row in found] == [("1001|1", START), ("1002|1", date(2024, 2, 15))]


def test_a_number_that_two_patients_have_is_not_one_episode(tmp_path: Path) -> None:
    text = "Patiëntnummer;Trajectnummer;Begindatum\n1001;1;8-1-2024\n1002;1;15-2-2024\n1001;1;8-1-2024\n"
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    rows = list(read(path, mapping="epd-episodes").rows())
    assert of(rows, Rejected) == [Rejected(3, "episodes.key", "sources.key-of-another-patient")]
    assert len(of(rows, EpisodeRow)) == 2


def test_appointments_that_did_not_take_place_are_no_sessions(tmp_path: Path) -> None:
    text = (
        "patient_id,episode_id,consult_datum,consult_type,therapeut_agb,status\n"
        "p-1,e-1,2024-01-08T09:30:00,Intake,07000002,Afgerond\n"
        "p-1,e-1,2024-01-15T09:30:00,Groepsles,07000002,Afgerond\n"
        "p-1,e-1,2024-01-22T09:30:00,Behandeling,07000002,No-show\n"
        "p-1,e-1,2024-01-29T09:30:00,Behandeling,07000002,Anders dan anders\n"
    )
    rows = proposed(tmp_path, text)
    assert [(row.day.day, row.type, row.therapist) for row in of(rows, SessionRow)] == [
        (8, SessionType.SESSION, "07000002"),
        (15, SessionType.GROUP, "07000002"),
    ]
    assert of(rows, Rejected) == [Rejected(5, "sessions.happened", "sources.value-unknown")]


def test_episodes_with_english_words_and_a_question_over_two_lines(tmp_path: Path) -> None:
    text = (
        "patient_id,bsn,geboortedatum,geslacht,episode_id,episode_start,episode_eind,diagnosecode,directe_toegang,"
        "verwijzer_agb,reden_einde,hulpvraag\n"
        'p-1,999990019,1961-04-03,V,e-1,2024-01-08,2024-03-15,3427,nee,01000001,Doelen bereikt,"Kan niet\nbukken"\n'
        "p-2,999911120,1948-11-12,M,e-2,2024-02-15,,7123,ja,,,\n"
    )
    rows = proposed(tmp_path, text.encode("utf-8-sig"))
    assert not of(rows, Rejected)
    assert [row.access for row in of(rows, EpisodeRow)] == [Access.REFERRED, Access.DIRECT]
    assert [row.question for row in of(rows, ReferralRow)] == ["Kan niet\nbukken"]
    assert [row.line for row in of(rows, EpisodeRow)] == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_claimed_lines_in_any_encoding_with_any_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = (
        ("Patiëntnr", "Behandelnr", "Behandeldatum", "Omschrijving", "Behandelaar", "AGB behandelaar"),
        ("20001", "B-17", "08-01-2024", "Individuele zitting", "Zoë Tést", "07000002"),
        ("20001", "B-17", "15-01-2024", "Groepszitting", "Zoë Tést", "07000002"),
    )
    text = "".join(separator.join(cells) + "\r\n" for cells in lines)
    rows = proposed(tmp_path, text.encode(encoding))
    assert [(row.episode_key, row.day.day, row.type, row.therapist) for row in rows] == [
        ("B-17", 8, SessionType.SESSION, "07000002"),
        ("B-17", 15, SessionType.GROUP, "07000002"),
    ]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Patiënt;é’s".encode("cp1252"), "windows-1252"),
        ("coördinatie patiënt ’t".encode("cp1252"), "windows-1252"),
        ("coördinatie patiënt".encode("cp850"), "cp850"),
        ("één patiënt, zoë, coördinatie".encode() + b"\xff", "utf-8-sig"),
        (b"abc", "utf-8-sig"),
    ],
)
def test_an_encoding_is_known_by_its_letters(data: bytes, encoding: str) -> None:
    assert encoding_of(io.BytesIO(data)) == encoding


def test_a_list_of_scores_has_no_sessions_though_its_day_is_called_no_more_than_that(tmp_path: Path) -> None:
    text = "Pat.nr;Behandelnr;Meetinstrument;Datum;Score;Moment\n1;B1;NPRS;08-01-2024;7;Intake\n1;B1;998;9-1-2024;;\n"
    rows = proposed(tmp_path, text)
    assert [(type(row), row.day, row.score) for row in rows] == [(MeasurementRow, START, 70)]


def test_a_list_of_invoices_goes_by_the_day_of_the_session_with_years_of_two_digits(tmp_path: Path) -> None:
    text = (
        "Factuurnummer;Factuurdatum;Debiteur;Debiteurnummer;Geboortedatum;Consultdatum;Prestatie;Bedrag;Status\n"
        "1;31-01-24;A. Voorbeeld;D12;03-04-61;8-1-24;Zitting oefentherapie;41,00;Betaald\n"
        "1;31-01-24;A. Voorbeeld;D12;03-04-61;15-1-24;Toeslag aan huis;41,00;Gecrediteerd\n"
    )
    rows = proposed(tmp_path, text)
    assert [row.birth_date for row in of(rows, PatientRow)] == [date(1961, 4, 3)]
    assert [(row.patient.epd_number, row.day) for row in of(rows, SessionRow)] == [("D12", START)]


def test_a_name_is_no_number_of_a_patient_and_a_complaint_none_of_an_episode(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Patiënt;BSN;Traject;Startdatum\nA. Voorbeeld;999990019;Lage rug;8-1-2024\n", encoding="utf-8")
    text = suggest(path)
    assert '"Patiënt"' in text.partition("Niet gebruikt")[2]
    assert '"Traject"' in text.partition("Niet gebruikt")[2]


def test_days_as_a_spreadsheet_counts_them_are_days(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Info"
    book.active.append(["Export"])
    page = book.create_sheet("Metingen")
    page.append(["Cliënt ID", "Behandeltraject", "Vragenlijst", "Datum invulling", "Totaalscore"])
    page.append(["1001", "T1", "QBPDS", 45299, 45])
    page.append(["1001", "T1", "QBPDS", date(2024, 3, 15), 22])
    stream = io.BytesIO()
    book.save(stream)
    rows = proposed(tmp_path, stream.getvalue(), "export.xlsx")
    assert [(row.day, row.score) for row in rows] == [(START, 45), (END, 22)]


def test_a_table_that_broke_off_in_its_last_line_does_not_make_a_day_of_half_a_day(tmp_path: Path) -> None:
    head = "Patiëntnummer;Trajectnummer;Begindatum;Einddatum\n1;T1;8-1-2024;15-3-2024\n"
    rows = proposed(tmp_path, head + "2;T2;08-01-20")
    assert of(rows, Rejected) == [Rejected(3, "record", "sources.record-cut-off")]
    # A last line without an end that has all its cells, and a table that leaves blanks off everywhere, are whole.
    assert not of(proposed(tmp_path, head + "2;T2;8-1-2024;15-3-2024"), Rejected)
    assert not of(proposed(tmp_path, head + "2;T2;8-1-2024\n3;T3;8-1-2024"), Rejected)


@pytest.mark.parametrize(
    "given",
    ["08-01-2024", "8-1-24", "8/1/2024", "8/1/24", "8.1.2024", "ma 8-1-2024", "maandag 8 januari 2024", "8 jan. 24",
     "8-JAN-2024", "2024-01-08", "2024/1/8", "20240108", "08012024", "45299", "45299.4", "08-01-2024 09:30",
     "2024-01-08T09:30:00+01:00"],
)  # fmt: skip
def test_a_day_is_read_in_the_ways_that_people_and_programs_write_it(tmp_path: Path, given: str) -> None:
    rows = proposed(tmp_path, f"Patiëntnummer;Trajectnummer;Begindatum\n1;T1;{given}\n")
    assert [row.start for row in of(rows, EpisodeRow)] == [START]


@pytest.mark.parametrize(
    "given", ["3427", "34.27", "34 27", "3427.0", "3427 - Lumbale wervelkolom, discus", "00003427"]
)
def test_a_diagnosis_code_may_have_its_words_beside_it(tmp_path: Path, given: str) -> None:
    text = f"Patiëntnummer;BSN;Geslacht;Trajectnummer;Begindatum;DCSPH\n1;999990019.0;mevr.;T1;8-1-2024;{given}\n"
    rows = proposed(tmp_path, text)
    assert [row.diagnosis for row in of(rows, EpisodeRow)] == ["3427"]
    assert [(row.patient.bsn, row.sex) for row in of(rows, PatientRow)] == [("999990019", Sex.FEMALE)]


@pytest.mark.parametrize(
    "given", ["342", "34271", "3427A", "M54.5", "Lage rugpijn 3427", "99.99", "8-1-2024", "3427-28"]
)
def test_what_is_no_diagnosis_code_is_left_out_and_costs_no_row(tmp_path: Path, given: str) -> None:
    rows = proposed(tmp_path, f"Patiëntnummer;Trajectnummer;Begindatum;DCSPH\n1;T1;8-1-2024;{given}\n")
    assert [row.diagnosis for row in of(rows, EpisodeRow)] == [""]


def test_a_table_with_the_names_of_a_database_is_read_too(tmp_path: Path) -> None:
    text = "cli_id|traject_id|datum_start|datum_eind|dcsph|gebdat|geslacht|reden_einde\n"
    text += "7|107|20240108|20240315|3026|19700101|F|Doelen behaald\n|||||||\n"
    rows = proposed(tmp_path, text)
    assert not of(rows, Rejected)
    assert [(row.key, row.start, row.end, row.end_reason) for row in of(rows, EpisodeRow)] == [
        ("107", START, END, EndReason.GOALS_REACHED)
    ]
    assert [row.sex for row in of(rows, PatientRow)] == [Sex.FEMALE]
