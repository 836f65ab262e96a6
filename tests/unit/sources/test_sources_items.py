"""Answers to the items of a list are scored on reading, and must agree with a total that stands beside them."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.sources.fhir_records import rows
from exchange.sources.mapping import read_mapping
from exchange.sources.reading import read
from exchange.sources.rows import MeasurementRow, Rejected

ITEMS = ", ".join(f'"V{number}"' for number in range(1, 12))
MAPPING = f"""
id = "lists"
system = "epd"
[[rows]]
kind = "measurements"
items = [{ITEMS}]
[rows.columns]
epd_number = "Nr"
instrument = "Lijst"
day = "Datum"
score = "Totaal"
"""
HEAD = "Nr;Lijst;Datum;Totaal;" + ";".join(f"V{number}" for number in range(1, 12))
THERAPY = [
    {"resourceType": "Patient", "id": "p1", "identifier": [{"value": "x"}], "gender": "female"},
    {
        "resourceType": "EpisodeOfCare",
        "id": "e1",
        "status": "finished",
        "patient": {"reference": "Patient/p1"},
        "period": {"start": "2024-01-08", "end": "2024-03-15"},
        "type": [{"coding": [{"system": "http://snomed.info/sct", "code": "229065009"}]}],
    },
]


def scored(folder: Path, *lines: str, mapping: str = MAPPING, head: str = HEAD) -> list[Any]:
    path = folder / "lists.csv"
    path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    return list(read(path, mapping=read_mapping(mapping, "lists.toml")).rows())


def line(name: str, total: str, answers: str) -> str:
    cells = answers.split()
    return ";".join(["P1", name, "08-01-2024", total, *cells, *[""] * (11 - len(cells))]).replace(".", "")


def one(made: list[Any]) -> MeasurementRow:
    (row,) = made
    assert isinstance(row, MeasurementRow)
    return row


def test_the_items_of_a_line_are_scored_and_the_row_says_so(tmp_path: Path) -> None:
    row = one(scored(tmp_path, line("ODI", "", "2 2 2 2 2 2 1 1 1 1")))
    assert (row.instrument, row.score, row.day, row.from_items) == ("odi", 32, date(2024, 1, 8), True)


def test_a_total_without_items_is_taken_as_it_stands(tmp_path: Path) -> None:
    row = one(scored(tmp_path, line("ODI", "32", "")))
    assert (row.score, row.from_items) == (32, False)


def test_a_total_that_agrees_with_the_items_is_one_score(tmp_path: Path) -> None:
    row = one(scored(tmp_path, line("QuickDASH", "36,4", "2 3 2 3 2 3 2 3 2 3 2")))
    assert (row.score, row.from_items) == (364, True)


def test_each_line_is_scored_by_its_own_list(tmp_path: Path) -> None:
    made = scored(tmp_path, line("NDI", "", "1 " * 10), line("PSFS", "", "3 4 4"), line("QuickDASH", "", "5 " * 11))
    assert [(row.instrument, row.score) for row in made] == [("ndi", 10), ("psfs", 37), ("quickdash", 1000)]


def test_a_line_without_total_and_items_says_nothing(tmp_path: Path) -> None:
    assert scored(tmp_path, line("ODI", "", "")) == []


@pytest.mark.parametrize(
    ("written", "field", "rule"),
    [
        (line("ODI", "33", "2 2 2 2 2 2 1 1 1 1"), "score", "sources.score-and-items"),
        (line("ODI", "", "2 2 2 2 2 2 2 2 . ."), "items", "records.items-too-few"),
        (line("ODI", "40", "2 2 2 2 2 2 2 2 . ."), "items", "records.items-too-few"),
        (line("ODI", "", "2 2 6 2 2 2 1 1 1 1"), "item_3", "records.item-range"),
        (line("ODI", "", "2 2 x 2 2 2 1 1 1 1"), "item_3", "records.item-number"),
        (line("ODI", "", "2 2 2 2 2 2 1 1 1 1 1"), "item_11", "records.items-too-many"),
        (line("KOOS", "", "2 2 2"), "items", "records.items-no-rule"),
        (line("ODI", "veel", "2 2 2 2 2 2 1 1 1 1"), "score", "sources.score"),
    ],
)
def test_items_that_break_a_rule_are_rejected_by_field_and_rule(
    tmp_path: Path, written: str, field: str, rule: str
) -> None:
    assert scored(tmp_path, written) == [Rejected(2, f"measurements.{field}", rule)]


def test_a_table_without_a_column_of_the_list_is_refused_and_not_scored_in_part(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        scored(tmp_path, "P1;ODI;08-01-2024;;1;1", head="Nr;Lijst;Datum;Totaal;V1;V2")
    assert error.value.rule == "sources.column-missing"
    assert error.value.params["column"] == "V3"


def test_a_table_of_totals_needs_no_columns_of_items(tmp_path: Path) -> None:
    assert one(scored(tmp_path, "P1;ODI;08-01-2024;32", head="Nr;Lijst;Datum;Totaal")).score == 32


def test_a_mapping_of_one_list_names_its_instrument_itself(tmp_path: Path) -> None:
    mapping = """
id = "berg"
[[rows]]
kind = "measurements"
items = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
[rows.columns]
epd_number = "Nr"
day = "Datum"
[rows.constants]
instrument = "berg"
"""
    head = "Nr;Datum;" + ";".join("abcdefghijklmn")
    row = one(scored(tmp_path, "P1;08-01-2024;" + ";".join("4" * 14), mapping=mapping, head=head))
    assert (row.instrument, row.score, row.from_items) == ("berg", 56, True)


def response(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": f"https://example.invalid/Questionnaire/{name}",
        "subject": {"reference": "Patient/p1"},
        "authored": "2024-01-08",
        "item": items,
    }


def answer(link: str, **value: Any) -> dict[str, Any]:
    return {"linkId": link, "answer": [value]}


def told(name: str, items: list[dict[str, Any]]) -> MeasurementRow | Rejected:
    entries = [{"resource": one} for one in (*THERAPY, response(name, items))]
    document = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    row = list(rows(io.BytesIO(json.dumps(document).encode())))[-1]
    assert isinstance(row, MeasurementRow | Rejected)
    return row


WEIGHT = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


@pytest.mark.parametrize(
    ("name", "items", "score"),
    [
        ("odi", [answer(f"odi-{n}", valueInteger=2) for n in range(1, 11)], 40),
        ("odi", [answer(f"q{n}", valueInteger=2) for n in range(10, 1, -1)], 40),
        ("psfs", [answer("1", valueDecimal=3), answer("2", valueDecimal=4.0)], 35),
        ("rdq", [answer(f"{n}", valueBoolean=n < 4) for n in range(1, 25)], 3),
        (
            "qbpds",
            [
                {"linkId": "g", "item": [answer(f"{n}", valueInteger=1) for n in range(1, 21)]},
                answer("total", valueInteger=20),
            ],
            20,
        ),
        (
            "quickdash",
            [
                answer(f"{n}", valueCoding={"code": "LA1", "extension": [{"url": WEIGHT, "valueDecimal": 3}]})
                for n in range(1, 12)
            ],
            500,
        ),
        ("odi", [*(answer(f"{n}", valueInteger=1) for n in range(1, 11)), answer("opmerking", valueString="x")], 20),
    ],
)
def test_the_answers_of_a_response_are_scored(name: str, items: list[dict[str, Any]], score: int) -> None:
    row = told(name, items)
    assert isinstance(row, MeasurementRow), row
    assert (row.instrument, row.score, row.from_items) == (name, score, True)


def test_the_activity_that_counts_is_the_one_its_link_says_is_first() -> None:
    row = told("psk", [answer("act-2", valueInteger=3), answer("act-1", valueInteger=8)])
    assert isinstance(row, MeasurementRow)
    assert row.score == 80


@pytest.mark.parametrize(
    ("name", "items", "field", "rule"),
    [
        ("odi", [answer(f"{n}", valueInteger=1) for n in range(1, 9)], "items", "records.items-too-few"),
        ("odi", [answer(f"{n}", valueInteger=n) for n in range(1, 11)], "item_6", "records.item-range"),
        (
            "odi",
            [*(answer(f"{n}", valueInteger=1) for n in range(1, 11)), answer("score", valueInteger=21)],
            "score",
            "sources.score-and-items",
        ),
        ("odi", [answer(f"{n}", valueCoding={"code": "LA1"}) for n in range(1, 11)], "item_1", "sources.item-answer"),
        # A finer answer than any scale gives would be written out digit by digit.
        ("odi", [answer(f"{n}", valueDecimal=1e-300) for n in range(1, 11)], "item_1", "sources.item-answer"),
        ("odi", [answer(f"{n}", valueDecimal=1e300) for n in range(1, 11)], "item_1", "sources.item-answer"),
        ("koos", [answer("1", valueInteger=1)], "items", "records.items-no-rule"),
        ("odi", [], "score", "sources.score"),
    ],
)
def test_answers_that_break_a_rule_are_rejected(name: str, items: list[dict[str, Any]], field: str, rule: str) -> None:
    assert told(name, items) == Rejected(3, f"QuestionnaireResponse.{field}", rule)


EVALUATIONS = """
id = "evaluations"
[[rows]]
kind = "evaluations"
[rows.columns]
epd_number = "Nr"
session_number = "Beh"
day = "Datum"
instrument = "Lijst"
effect = "Effect"
"""


def test_an_evaluation_that_finds_an_effect_by_a_prognostic_list_is_rejected(tmp_path: Path) -> None:
    head = "Nr;Beh;Datum;Lijst;Effect"
    lines = ("P1;4;08-01-2024;STarT Back;sufficient", "P1;8;08-02-2024;STarT Back;", "P1;4;08-01-2024;NPRS;sufficient")
    first, second, third = scored(tmp_path, *lines, mapping=EVALUATIONS, head=head)
    assert first == Rejected(2, "evaluations.effect", "sources.prognostic")
    assert (second.instrument, second.effect) == ("startback", "unknown")
    assert (third.instrument, third.effect) == ("nprs", "sufficient")
