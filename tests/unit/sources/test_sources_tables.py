"""A table of any EPD loads by a mapping: separators, encodings, dates and commas as Dutch offices have them."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from exchange.errors import SourceError
from exchange.records.codes import Access, Answered, Counterfactual, EndReason, SessionType, Sex
from exchange.sources.mapping import read_mapping
from exchange.sources.reading import read
from exchange.sources.rows import (
    AggregateRow,
    AnswerRow,
    EpisodeRow,
    EvaluationRow,
    IndexRow,
    MeasurementRow,
    PatientKey,
    PatientRow,
    PremRow,
    ReferralRow,
    Rejected,
    SessionRow,
)

EPISODES = (
    "Patiëntnummer;BSN;Geboortedatum;Geslacht;Trajectnummer;Begindatum;Einddatum;DCSPH;Toegang;Reden einde;"
    "Verwijzer AGB;Verwijsdatum;Anders verwezen naar;Beantwoord door;Vastgelegd op;Advies doorverwijzen;Chronisch;"
    "Meetinstrument;Startscore;Eindscore;Therapeut AGB"
)
ONE = (
    "P1;999990019;01-01-1970;V;T1;08-01-2024;15-03-2024;3427;verwijzing;doel bereikt;01000001;02-01-2024;ziekenhuis;"
    "huisarts;09-01-2024;nee;nee;NPRS;7,5;3;07000002"
)


def found(folder: Path, text: str | bytes, encoding: str = "utf-8", **how: Any) -> list[Any]:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return list(read(path, **how).rows())


def refused(folder: Path, text: str | bytes, **how: Any) -> SourceError:
    with pytest.raises(SourceError) as error:
        found(folder, text, **how)
    return error.value


def test_one_line_holds_a_patient_an_episode_a_referral_and_two_scores(tmp_path: Path) -> None:
    patient, episode, referral, start, end = found(tmp_path, f"{EPISODES}\r\n{ONE}\r\n")
    assert patient == PatientRow(2, patient.patient, date(1970, 1, 1), Sex.FEMALE, "")
    assert (patient.patient.bsn, patient.patient.epd_number) == ("999990019", "P1")
    assert isinstance(episode, EpisodeRow)
    assert (episode.system, episode.key, episode.start, episode.end) == (
        "epd",
        "T1",
        date(2024, 1, 8),
        date(2024, 3, 15),
    )
    assert (episode.access, episode.end_reason, episode.onward_advice, episode.chronic) == (
        Access.REFERRED,
        EndReason.GOALS_REACHED,
        Answered.NO,
        False,
    )
    assert (episode.diagnosis, episode.instrument, episode.therapist) == ("3427", "nprs", "07000002")
    assert isinstance(referral, ReferralRow)
    assert (referral.referrer, referral.counterfactual, referral.recorded_on, referral.answered_by) == (
        "agb:01000001",
        Counterfactual.HOSPITAL,
        date(2024, 1, 9),
        "huisarts",
    )
    assert [(one.episode_key, one.day, one.score) for one in (start, end)] == [
        ("T1", date(2024, 1, 8), 75),
        ("T1", date(2024, 3, 15), 30),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_encoding_and_the_separator_are_found_out(tmp_path: Path, encoding: str, separator: str) -> None:
    text = f"{EPISODES}\n{ONE}\n".replace("7,5", "7.5").replace(";", separator)
    assert len(found(tmp_path, text, encoding)) == 5


def test_a_title_above_the_header_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    rows = found(tmp_path, f"Overzicht behandeltrajecten\n\n{EPISODES}\n;;;\n{ONE}\n")
    assert [row.line for row in rows] == [5] * 5


def test_an_episode_without_a_number_still_holds_its_scores(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE.replace(';T1;', ';;')}\n")
    keys = {row.key if isinstance(row, EpisodeRow) else row.episode_key for row in rows[1:]}
    assert keys == {"P1|2024-01-08|34"}


def test_the_code_for_no_instrument_makes_no_measurement(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE.replace(';NPRS;', ';998;')}\n")
    assert [type(row) for row in rows] == [PatientRow, EpisodeRow, ReferralRow]


def test_a_patient_repeated_on_the_next_line_is_one_row(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE}\n{ONE}\n")
    assert sum(isinstance(row, PatientRow) for row in rows) == 1


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        ("999990019", "999990018", "episodes.bsn", "sources.bsn"),
        ("P1;999990019", ";", "episodes.bsn", "sources.bsn-missing"),
        ("08-01-2024", "31-02-2024", "episodes.start", "sources.day"),
        ("08-01-2024", "", "episodes.start", "sources.blank"),
        ("15-03-2024", "15-03-2023", "episodes.end", "sources.end-before-start"),
        (";V;", ";Q;", "patients.sex", "sources.value-unknown"),
        ("doel bereikt", "verdampt", "episodes.end_reason", "sources.value-unknown"),
        (";nee;NPRS", ";soms;NPRS", "episodes.chronic", "sources.value-unknown"),
        ("NPRS", "Duimstok", "episodes.instrument", "sources.instrument-unknown"),
        ("7,5", "75", "measurements.score", "sources.score"),
        ("07000002", "0700X002", "episodes.therapist", "sources.agb"),
        ("huisarts", "x" * 300, "referrals.answered_by", "sources.too-long"),
        ("huisarts", "a\x07b", "referrals.answered_by", "sources.control-character"),
    ],
)
def test_a_bad_field_is_rejected_by_line_field_and_rule(
    tmp_path: Path, old: str, new: str, field: str, rule: str
) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE.replace(old, new, 1)}\n")
    assert Rejected(2, field, rule) in rows


def test_a_stray_separator_rejects_its_line_only(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE};meer\n{ONE}\n")
    assert rows[0] == Rejected(2, "record", "sources.too-many-cells")
    assert len(rows) == 6


def test_a_short_line_lacks_only_its_last_cells(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\nP1;999990019;;;T1;08-01-2024\n")
    assert [type(row) for row in rows] == [PatientRow, EpisodeRow]


def test_a_lost_leading_zero_is_given_back(tmp_path: Path) -> None:
    rows = found(tmp_path, f"{EPISODES}\n{ONE.replace('999990019', '12345672').replace('07000002', '7000002')}\n")
    assert rows[0].patient.bsn == "012345672"
    assert rows[1].therapist == "07000002"


def test_sessions_carry_their_type_and_episode(tmp_path: Path) -> None:
    text = (
        "BSN;Trajectnummer;Behandeldatum;Soort zitting;Therapeut AGB;Zelf betaald\n"
        "999990019;T1;08-01-2024;groep;07000002;ja\n999990019;;09-01-2024;;;\n"
    )
    first, second = found(tmp_path, text)
    assert isinstance(first, SessionRow)
    assert (first.episode_key, first.type, first.self_paid) == ("T1", SessionType.GROUP, True)
    assert (second.episode_key, second.type, second.therapist) == ("", SessionType.SESSION, "")


def test_what_names_only_its_episode_has_no_patient_of_its_own(tmp_path: Path) -> None:
    (row,) = found(tmp_path, "Trajectnummer;Behandeldatum\nT1;08-01-2024\n")
    assert (row.episode_key, row.patient) == ("T1", PatientKey())
    (bad,) = found(tmp_path, "Trajectnummer;Behandeldatum\n;08-01-2024\n")
    assert bad == Rejected(2, "sessions.bsn", "sources.bsn-missing")


def test_measurements_and_evaluations_have_files_of_their_own(tmp_path: Path) -> None:
    (row,) = found(tmp_path, "BSN;Meetinstrument;Meetdatum;Score\n999990019;QBPDS;2024-02-01;41\n")
    assert isinstance(row, MeasurementRow)
    assert (row.instrument, row.score) == ("qbpds", 41)
    text = "BSN;Behandelnummer;Evaluatiedatum;Effect;Besluit\n999990019;4;2024-02-01;onvoldoende;bijstellen\n"
    (row,) = found(tmp_path, text)
    assert isinstance(row, EvaluationRow)
    assert (row.session_number, row.effect.value, row.decision.value) == (4, "insufficient", "adjust")


def test_a_partners_answers_say_until_or_up_to_and_including(tmp_path: Path) -> None:
    text = (
        "koppelcode;element;van;tot;t/m;antwoord;aantal;eerste datum\n"
        "ab12-cd34;imaging;01-01-2024;01-01-2025;;nee;;\n"
        "ab12-cd34;answer.specialist-referral;01-01-2024;;31-12-2024;ja;2;05-05-2024\n"
        "ab12-cd34;weather;01-01-2024;01-01-2025;;ja;;\n"
        "ab12-cd34;imaging;01-01-2024;01-01-2025;;;;\n"
        "ab12-cd34;imaging;01-01-2024;01-01-2024;;ja;;\n"
    )
    no, yes, *bad = found(tmp_path, text)
    assert no == AnswerRow(
        2, "AB12-CD34", "answer.imaging", date(2024, 1, 1), date(2025, 1, 1), Answered.NO, None, None
    )
    assert (yes.element, yes.end, yes.count, yes.first_day) == (
        "answer.specialist-referral",
        date(2025, 1, 1),
        2,
        date(2024, 5, 5),
    )
    assert [row.rule for row in bad] == ["sources.element-unknown", "sources.blank", "sources.end-before-start"]


def test_a_partners_counts_need_no_patients(tmp_path: Path) -> None:
    (row,) = found(tmp_path, "element;van;tot;aantal;patiënten\nspecialist-referrals;2023-01-01;2024-01-01;41;510\n")
    assert row == AggregateRow(2, "aggregate.specialist-referrals", date(2023, 1, 1), date(2024, 1, 1), 41, 510)


def test_an_official_index_keeps_its_published_bounds(tmp_path: Path) -> None:
    header = "Jaar;Versie;Verzekeraar;Behandelindex;Ondergrens;Bovengrens;Periode van;Periode t/m;Bron;Patiënten\n"
    text = header + "2023;v3;VGZ;180,5;151,2;209,8;01-01-2023;31-12-2023;Mijn Vektis;84\n"
    (row,) = found(tmp_path, text, kind="index")
    assert isinstance(row, IndexRow)
    assert (row.value, row.lower, row.upper, row.patients) == (180.5, 151.2, 209.8, 84)
    bad = header + "2023;v3;VGZ;180,5;190;200;01-01-2023;31-12-2023;;\n2023;v3;;veel;;;01-01-2023;31-12-2023;;\n"
    assert [one.rule for one in found(tmp_path, bad)] == ["sources.outside-its-bounds", "sources.number"]


def test_a_prem_keeps_its_comments_apart(tmp_path: Path) -> None:
    text = (
        "Meetbureau;Periode van;Periode t/m;Respondenten;Gemiddelde;NPS;Bron;Opmerkingen\n"
        'Bureau;2024-01-01;2024-12-31;63;8,9;71;rapport;"Fijn geholpen|Duidelijke uitleg"\n'
    )
    (row,) = found(tmp_path, text, kind="prem")
    assert isinstance(row, PremRow)
    assert (row.respondents, row.mean, row.nps, row.comments) == (
        63,
        8.9,
        71.0,
        ("Fijn geholpen", "Duidelijke uitleg"),
    )


def test_a_table_that_no_shipped_mapping_fits_asks_for_one(tmp_path: Path) -> None:
    error = refused(tmp_path, "a;b;c\n1;2;3\n")
    assert (error.rule, error.hints) == ("sources.no-mapping", ("hint.suggest-mapping",))


def test_a_missing_and_a_double_column_are_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "BSN;Einddatum\n", mapping="epd-episodes")
    assert (error.rule, error.params["column"]) == ("sources.column-missing", "Begindatum")
    error = refused(tmp_path, "BSN;Begindatum;Begindatum\n", mapping="epd-episodes")
    assert error.rule == "sources.column-twice"


def test_a_mapping_of_ones_own_may_fix_separator_encoding_dates_and_constants(tmp_path: Path) -> None:
    mapping = tmp_path / "own.toml"
    mapping.write_text(
        'id = "own"\nseparator = "|"\nencoding = "cp850"\ndates = ["%m/%d/%Y"]\n'
        '[[rows]]\nkind = "measurements"\n[rows.columns]\nbsn = "Nr"\nday = "When"\nscore = "Pijn"\n'
        '[rows.constants]\ninstrument = "nprs"\n',
        encoding="utf-8",
    )
    (row,) = found(tmp_path, "Nr|When|Pijn\n999990019|02/13/2024|4\n", mapping=mapping)
    assert (row.day, row.score, row.system) == (date(2024, 2, 13), 40, "own")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("id = ", "sources.mapping-toml"),
        ('id = "x"', "sources.mapping-shape"),
        ('id = "x"\n[[rows]]\nkind = "weather"', "sources.mapping-shape"),
        ('id = "x"\n[[rows]]\nkind = "patients"\n[rows.columns]\nshoe = "Maat"', "sources.mapping-field"),
    ],
)
def test_a_mapping_that_is_not_right_is_refused_by_name(text: str, rule: str) -> None:
    with pytest.raises(SourceError) as error:
        read_mapping(text, "own.toml")
    assert (error.value.rule, error.value.params["file"]) == (rule, "own.toml")


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "a;b\n", mapping=tmp_path / "none.toml").rule == "sources.mapping-missing"


def test_a_quote_never_closed_and_an_endless_line_are_refused(tmp_path: Path) -> None:
    unclosed = f'{EPISODES}\nP1;"{"x" * 200_000}\n'
    assert refused(tmp_path, unclosed).rule == "sources.csv"
    assert refused(tmp_path, f"{EPISODES}\n" + "x" * 2_000_000).rule == "sources.line-too-long"


def test_binary_files_and_empty_ones_are_no_tables(tmp_path: Path) -> None:
    assert refused(tmp_path, b"abc\0def").rule == "sources.unknown-kind"
    assert refused(tmp_path, b"abc\0def", kind="table").rule == "sources.not-text"
    assert refused(tmp_path, b"").rule == "sources.empty"


def workbook(folder: Path, *rows: list[Any], title: str = "Blad1") -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(row)
    path = folder / "table.xlsx"
    book.save(path)
    return path


HEADERS = ["BSN", "Trajectnummer", "Behandeldatum", "Zelf betaald"]


def test_a_spreadsheet_gives_the_same_rows_as_its_csv(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        HEADERS,
        [999990019, 17.0, datetime(2024, 1, 8, tzinfo=UTC).replace(tzinfo=None), True],
        [12345672, "T2", "09-01-2024"],
    )
    first, second = read(path).rows()
    assert (first.patient.bsn, first.episode_key, first.day, first.self_paid) == (
        "999990019",
        "17",
        date(2024, 1, 8),
        True,
    )
    assert (second.patient.bsn, second.day, second.line) == ("012345672", date(2024, 1, 9), 3)


def test_a_formula_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADERS, ["=1+1", "T1", "2024-01-08", ""])
    with pytest.raises(SourceError, match="formul"):
        list(read(path).rows())


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("xl/vbaProject.bin", b"macro", "sources.macro"),
        ("xl/externalLinks/externalLink1.xml", b"<x/>", "sources.external-link"),
        ("xl/extra.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "sources.xml-doctype"),
        ("xl/extra.xml", "<x/>".encode("utf-16"), "sources.xml-doctype"),
        ("xl/media.bin", b"0" * (4 << 20), "sources.xlsx-limits"),
    ],
)
def test_what_a_table_has_no_need_of_is_refused(tmp_path: Path, name: str, content: bytes, rule: str) -> None:
    path = workbook(tmp_path, HEADERS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    with pytest.raises(SourceError) as error:
        read(path)
    assert error.value.rule == rule


def test_a_damaged_spreadsheet_and_a_missing_sheet_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADERS, title="Zittingen")
    mapping = read_mapping('id = "x"\nsheet = "Anders"\n[[rows]]\nkind = "sessions"\n', "x")
    with pytest.raises(SourceError) as error:
        list(read(path, mapping=mapping).rows())
    assert error.value.rule == "sources.sheet-missing"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SourceError) as error:
        read(path)
    assert error.value.rule == "sources.xlsx"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(SourceError) as error:
        read(path)
    assert error.value.rule == "sources.xlsx"
