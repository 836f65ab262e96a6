"""A trend is drawn in grey, said in words, and what is hidden in it is never a zero; all figures are invented."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from exchange.operations.trending import limits
from exchange.reports import drawing, pages, spreadsheet, trends
from exchange.reports.charts import Picture
from exchange.reports.facts import SummaryFacts, Trend


@pytest.fixture(scope="module")
def trend(invented: Any) -> Trend:
    made: Trend = invented.make_trend()
    return made


@pytest.fixture(scope="module")
def drawn(trend: Trend, summary_facts: SummaryFacts) -> Picture:
    return trends.picture(trend, summary_facts.definitions, "nl", "trend-1")


def test_a_trend_says_in_words_what_it_shows(drawn: Picture) -> None:
    assert "eerste halfjaar 2024: 73,3% (63,3 tot 83,3%)" in drawn.alt
    assert "tweede halfjaar 2024: te klein om te tonen" in drawn.alt
    assert drawn.alt.endswith("Streefwaarde 70,0%, uitgangswaarde 40,0%.")
    assert drawn.title == "Gemeten: verloop per halfjaar"


def test_a_hidden_period_has_no_number_anywhere(drawn: Picture) -> None:
    assert drawn.rows[1] == ("tweede halfjaar 2024", "te klein om te tonen", "–", "afgeschermd", "afgeschermd")
    assert "niet nul" in drawn.note


def test_a_trend_has_no_hue_and_the_same_bytes_each_time(
    trend: Trend, drawn: Picture, summary_facts: SummaryFacts
) -> None:
    for colour in re.findall(rb"#([0-9a-f]{6})\b", drawn.svg):
        assert colour[:2] == colour[2:4] == colour[4:], colour
    assert trends.picture(trend, summary_facts.definitions, "nl", "trend-1") == drawn


def test_limits_of_ordinary_variation_need_twelve_whole_periods(invented: Any) -> None:
    points = [
        replace(invented.make_trend().points[0], start=date(2020 + n // 4, 3 * (n % 4) + 1, 1),
                end=date(2020 + (n + 1) // 4, 3 * ((n + 1) % 4) + 1, 1))
        for n in range(12)
    ]  # fmt: skip
    cut_off = date(2024, 1, 1)
    assert len(limits(points, cut_off)) == 12
    assert limits(points[:11], cut_off) == ()
    assert limits(points, date(2022, 12, 31)) == ()
    drawn = trends.picture(Trend("quarter", tuple(points), limits(points, cut_off)), {}, "nl", "t")
    assert "geen aantoonbare verandering" in drawn.note


def test_what_lies_outside_ordinary_variation_has_a_shape_of_its_own_and_is_named(invented: Any) -> None:
    from matplotlib.figure import Figure as Canvas

    one = replace(invented.make_trend().points[0], denominator=60, answered=60, target=None, baseline=None)
    counts = [30] * 8 + [55] * 8
    points = [
        replace(one, start=date(2020 + n // 4, 3 * (n % 4) + 1, 1), numerator=count, value=count / 60,
                end=date(2020 + (n + 1) // 4, 3 * ((n + 1) % 4) + 1, 1))
        for n, count in enumerate(counts)
    ]  # fmt: skip
    found = limits(points, date(2025, 1, 1))
    outside = [place for place, each in enumerate(found) if each.signals]
    assert outside
    labels = {name: name for name in ("title", "axis", "official", "hidden", "limits", "centre", "signal")}
    axes = Canvas().add_subplot()
    drawing.trend(axes, points, found, labels, [""] * 16, str, shares=True)
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in diamonds] == outside
    # In black and white the mean, its limits and a target are told apart by the line.
    styles = {line.get_label(): line.get_linestyle() for line in axes.lines if line.get_label() in labels}
    assert (styles["centre"], styles["limits"]) == ("-", "-.")
    assert {"signal", "limits", "centre"} <= {*axes.get_legend_handles_labels()[1]}


@pytest.mark.parametrize("suffix", [".html", ".docx", ".pdf", ".md", ".xlsx", ".json"])
def test_each_format_has_the_trend_or_the_reason_why_not(
    suffix: str, trend: Trend, summary_facts: SummaryFacts, tmp_path: Path
) -> None:
    with_one = replace(summary_facts, trends={"measured": trend, "responders": Trend("quarter", left_out="too-few")})
    to = tmp_path / f"summary{suffix}"
    pages.summary(with_one, "nl", to)
    assert to.stat().st_size > 500
    if suffix in {".html", ".md"}:
        text = re.sub(r"\s+", " ", to.read_text(encoding="utf-8"))
        assert "eerste halfjaar 2025" in text
        assert "nog geen drie hele perioden (per kwartaal)" in text


def test_the_workbook_has_each_period_as_numbers(trend: Trend, summary_facts: SummaryFacts) -> None:
    facts = replace(summary_facts, trends={"measured": trend})
    book = openpyxl.load_workbook(io.BytesIO(spreadsheet.workbook(facts, "nl")))
    lines = list(book["Verloop"].iter_rows(values_only=True))
    heads = dict(zip(lines[0], lines[1], strict=True))
    assert (heads["Periode"], heads["Teller"], heads["Noemer"]) == ("eerste halfjaar 2024", 44, 60)
    hidden = dict(zip(lines[0], lines[2], strict=True))
    assert hidden["Waarde"] is None
    assert hidden["Teller"] is None
    assert hidden["Afgeschermd"] == "te klein om te tonen"
