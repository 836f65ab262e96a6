"""The four charts: described in words, drawn the same each time, no colour needed; all data are invented."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from exchange.reports import charts
from exchange.reports.charts import Picture
from exchange.reports.facts import Band, ChangeFacts, Charts, IndexFacts, IndexPoint, Loop, SessionsFacts, SummaryFacts


@pytest.fixture(scope="module")
def drawn(summary_facts: SummaryFacts) -> dict[str, Picture]:
    return charts.pictures(summary_facts.charts, summary_facts.agreements, "nl")


def test_each_chart_is_drawn_once_with_its_data_beside_it(drawn: dict[str, Picture]) -> None:
    assert list(drawn) == ["index", "sessions", "change-1", "loop"]
    assert all(picture.rows and len(picture.rows[0]) == len(picture.header) for picture in drawn.values())


def test_an_svg_names_itself_for_who_can_not_see_it(drawn: dict[str, Picture]) -> None:
    for name, picture in drawn.items():
        root = ET.fromstring(picture.svg)
        space = "{http://www.w3.org/2000/svg}"
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{name}-title {name}-desc"
        assert root.findtext(f"{space}title") == picture.title
        assert root.findtext(f"{space}desc") == picture.alt


def test_a_chart_has_no_hue(drawn: dict[str, Picture]) -> None:
    for picture in drawn.values():
        for colour in re.findall(rb"#([0-9a-f]{6})\b", picture.svg):
            assert colour[:2] == colour[2:4] == colour[4:], colour


def test_the_same_facts_give_the_same_bytes(summary_facts: SummaryFacts, drawn: dict[str, Picture]) -> None:
    again = charts.pictures(summary_facts.charts, summary_facts.agreements, "nl")
    assert again == drawn
    assert b"<dc:date>" not in drawn["index"].svg


def test_only_the_bound_that_the_insurer_judges_is_named(drawn: dict[str, Picture]) -> None:
    assert drawn["index"].note == "toegestaan door VGZ in 2025: tot en met 149 (getoetst: de ondergrens)"
    assert "2025: 176 (157 tot 197)" in drawn["index"].alt


def test_a_hidden_class_is_no_zero_and_has_no_share(drawn: dict[str, Picture]) -> None:
    assert drawn["sessions"].rows[5] == ("19–24", "afgeschermd", "3,7%")
    assert "Een kruisje" in drawn["sessions"].note
    assert {row[0]: row[2] for row in drawn["change-1"].rows}["verslechterd"] == "afgeschermd"


def test_shares_without_a_total_are_not_made_from_a_hidden_class() -> None:
    facts = SessionsFacts((10, 20, None, 1, 1, 1, 1))
    assert charts.share_of(10, facts) is None
    assert charts.share_of(10, SessionsFacts((10, 30, 0, 0, 0, 0, 0))) == 0.25


def test_the_national_figures_carry_year_source_and_that_they_are_unadjusted(drawn: dict[str, Picture]) -> None:
    assert "2018" in drawn["sessions"].note
    assert "niet gecorrigeerd" in drawn["sessions"].note
    assert sum(charts.national_sessions()["shares"]) == pytest.approx(1, abs=0.002)


def test_without_data_nothing_is_drawn() -> None:
    empty = Charts(IndexFacts(), SessionsFacts((None,) * 7), (ChangeFacts("NPRS", {"improved": None}),))
    assert charts.pictures(empty, (), "nl") == {}
    assert charts.pictures(Charts(), (), "en") == {}


def test_an_index_without_bounds_band_or_target_is_drawn() -> None:
    picture = charts.index(IndexFacts((IndexPoint(2024, 120.5),)), "en")
    assert picture.alt == "The treatment index by year: 2024: 120.5."
    assert picture.note == ""


def test_a_band_with_two_limits_names_both() -> None:
    assert "75 tot en met 125" in charts.band_text(Band("CZ", 2025, 125, 75, "value"), "nl")


def test_a_name_of_300_letters_and_right_to_left_text_fit(invented: Any) -> None:
    long = invented.agreement(title="x" * 300, loop=Loop(3, None, 2, 1))
    turned = invented.agreement(title="שלום $a_b$ עולם", loop=Loop(1, 1, 1, 0))
    picture = charts.loop((long, turned), "nl")
    assert picture.rows[0][2] == "afgeschermd"
    assert len(picture.png) > 1000


def test_a_change_without_a_known_threshold_names_no_limits() -> None:
    picture = charts.change(ChangeFacts("GPE", {"improved": 12, "unchanged": 11}), "en", "change-1")
    assert [row[1] for row in picture.rows] == ["–", "–"]
