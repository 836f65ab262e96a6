"""The invented practice: the same every time, nobody real, and in the form that its software would write."""

from __future__ import annotations

import csv
import io
from datetime import date
from itertools import pairwise

import pytest

from exchange.operations.inventing import claiming, drawing, tables
from exchange.records.identifiers import bsn_valid

CHANGE = date(2025, 1, 1)


@pytest.fixture(scope="module")
def courses():
    return drawing.draw()


def test_the_same_seed_draws_the_same_practice_and_another_seed_another(courses):
    assert drawing.draw() == courses
    assert drawing.draw(seed=1) != courses


def test_numbers_are_of_the_range_for_tests_and_names_are_numbers(courses):
    for client in {one.client for one in courses}:
        assert bsn_valid(client.bsn)
        assert client.bsn.startswith("9999")
        assert client.name == f"Proefcliënt {client.number:03d}"
    assert all("(verzonnen)" in name for name in drawing.NAMES.values())


def test_nobody_is_treated_twice_at_once_and_nothing_happens_after_today(courses):
    for course in courses:
        assert list(course.days) == sorted(set(course.days))
        assert course.days[0] >= drawing.FIRST_DAY
        assert course.days[-1] < drawing.TODAY
        assert course.end is None or course.end == course.days[-1]
        assert all(course.days[0] <= one.day <= course.days[-1] for one in course.evaluations)
    by_client: dict[int, list[drawing.Course]] = {}
    for course in courses:
        by_client.setdefault(course.client.number, []).append(course)
    for mine in by_client.values():
        for earlier, later in pairwise(mine):
            assert earlier.end is not None
            assert earlier.end < later.days[0]


def test_every_session_is_claimed_once_in_one_of_the_two_forms(courses):
    old, new = (
        claiming.claims(courses, drawing.FIRST_DAY, CHANGE),
        claiming.claims(courses, CHANGE, drawing.TODAY),
    )
    assert len(old) + len(new) == sum(len(one.days) for one in courses)
    references = [claiming.reference(course, day) for course, day in (*old, *new)]
    assert len(set(references)) == len(references)
    assert max(map(len, references)) <= 20


def test_a_pm304_file_has_records_of_310_and_a_last_line_that_adds_up(courses):
    lines = claiming.pm304(courses, drawing.FIRST_DAY, CHANGE).decode("cp850").split("\r\n")[:-1]
    assert {len(line) for line in lines} == {310}
    assert (lines[0][:2], lines[-1][:2]) == ("01", "99")
    sessions = [line for line in lines if line.startswith("04")]
    assert int(lines[-1][14:20]) == len(sessions)
    assert int(lines[-1][33:44]) == len(sessions) * claiming.RATE_CENTS


def test_a_gds801_message_holds_one_line_for_each_session(courses):
    text = claiming.gds801(courses, CHANGE, drawing.TODAY).decode()
    assert text.count("<DebetPrestatie>") == len(claiming.claims(courses, CHANGE, drawing.TODAY))
    assert "<Berichtsoort>T</Berichtsoort>" in text


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("cp1252")), delimiter=";"))


def test_tables_are_written_as_dutch_excel_writes_them(courses):
    head, *body = rows(tables.episodes(courses))
    assert head[:3] == ["Patiëntnummer", "BSN", "Naam"]
    assert len(body) == len(courses)
    assert len(rows(tables.measurements(courses))) - 1 == sum(len(one.scores) for one in courses)
    assert len(rows(tables.evaluations(courses))) - 1 == sum(len(one.evaluations) for one in courses)
    assert b"\r\n" in tables.prem()
    assert len(rows(tables.index_figures())) == 4


def test_about_one_client_in_twelve_refuses_and_each_is_asked_once_for_each_partner_and_purpose(courses):
    _, *body = rows(tables.consents(courses, dict.fromkeys((*drawing.GPS, drawing.HOSPITAL), ("effect",))))
    assert len({tuple(row[:3]) for row in body}) == len(body)
    refused = sum(row[3] == "geweigerd" for row in body)
    assert 0.04 < refused / len(body) < 0.16


def test_what_partners_answer_is_what_happened_inside_the_window(courses, tmp_path):
    course = next(one for one in courses if one.specialist_on is not None and one.answered)
    client = course.client
    start, born = f"{course.days[0]:%d-%m-%Y}", f"{client.born:%d-%m-%Y}"
    head = "Koppelcode;Naam;Geboortedatum;Vraag;Element;Van;Tot;Antwoord;Aantal;Eerste datum"
    asked = tmp_path / "gevraagd.csv"
    asked.write_text(
        "\n".join(
            (
                head,
                f"A;{client.name};{born};?;answer.specialist-referral;{start};01-01-2030;;;",
                f"A;{client.name};{born};?;answer.specialist-referral;{start};{start};;;",
                f"A;{client.name};{born};?;answer.unheard-of;{start};01-01-2030;;;",
                f"A;Iemand anders;{born};?;answer.imaging;{start};01-01-2030;;;",
            )
        ),
        encoding="utf-8-sig",
    )
    _, yes, outside, unheard = rows(tables.answer(asked, {(client.name, born): [course]}))
    assert yes[7:] == ["ja", "1", f"{course.specialist_on:%d-%m-%Y}"]
    assert outside[7] == "nee"
    assert unheard[7] == "nee"


def test_a_client_still_active_after_three_months_is_known_from_then_on(courses):
    from dataclasses import replace

    handed = next(one for one in courses if one.started_on is not None)
    active = replace(handed, still_active=True, started_on=date(2025, 1, 1))
    assert tables.happening(active, "answer.programme-active") == date(2025, 4, 6)
    assert tables.happening(replace(active, still_active=False), "answer.programme-active") is None
    assert tables.happening(replace(active, started_on=drawing.TODAY), "answer.programme-active") is None
    assert tables.happening(active, "answer.programme-start") == date(2025, 1, 1)


def test_totals_of_three_gps_differ_and_improvement_points_have_a_goal():
    assert len({tables.totals(number) for number in range(3)}) == 3
    assert all(point["goal"] and point["owner"] for point in tables.improvements().values())
    assert all(tables.plan_answers().values())
