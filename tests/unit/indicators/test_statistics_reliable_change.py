"""Jacobson and Truax's classes: the paper's own example, both directions, and nothing without published norms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.errors import IndicatorError
from exchange.indicators.reliable_change import Norms, reliable_change, require_norms, table

# The hypothetical example of Jacobson & Truax 1991, table 1.
PAPER = Norms("example", 40, 7.5, 60, 7.5, 0.80, "Jacobson & Truax 1991, table 1")


def test_the_example_of_the_paper_comes_out_in_its_own_digits() -> None:
    assert round(PAPER.error, 2) == 4.74
    assert PAPER.cut_off == 50
    assert round((47.5 - 32.5) / PAPER.error, 2) == 3.16
    # Reliable, and still on the side of those with the complaint.
    assert reliable_change(32.5, 47.5, PAPER) == "improved"


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        (40, 50, "recovered"),
        (40, 49.9, "improved"),
        (40, 49.2, "unchanged"),
        (49.9, 60, "recovered"),
        (50, 60, "improved"),
        (50, 40, "deteriorated"),
        (50, 41, "unchanged"),
        (40, 40, "unchanged"),
    ],
)
def test_each_class_begins_where_the_paper_says_in_both_directions(start: float, end: float, named: str) -> None:
    assert reliable_change(start, end, PAPER) == named
    lower = replace(PAPER, mean=60, healthy_mean=40)
    assert reliable_change(100 - start, 100 - end, lower) == named


def test_the_cut_off_lies_nearer_to_the_narrower_group() -> None:
    # c = (7.5 x 60 + 2.5 x 40) / 10: nearer to those whose scores spread less.
    assert replace(PAPER, healthy_sd=2.5).cut_off == 55


def test_a_table_counts_every_class_and_bears_its_source() -> None:
    found = table("example", [(32.5, 47.5), (40, 55), (40, 41), (50, 35)], PAPER)
    assert found.counts == {"recovered": 1, "improved": 1, "unchanged": 1, "deteriorated": 1}
    assert (found.total, found.method, found.norms.source) == (4, "jacobson-truax", "Jacobson & Truax 1991, table 1")


@pytest.mark.parametrize(
    ("norms", "rule"),
    [
        (None, "reliable-change.no-norms"),
        (replace(PAPER, source=" "), "reliable-change.no-norms"),
        (replace(PAPER, instrument="nprs"), "reliable-change.no-norms"),
        (replace(PAPER, sd=0), "reliable-change.bad-norms"),
        (replace(PAPER, reliability=1), "reliable-change.bad-norms"),
        (replace(PAPER, healthy_mean=40), "reliable-change.bad-norms"),
    ],
)
def test_without_norms_that_were_published_there_is_no_table_and_it_says_why(norms: Norms | None, rule: str) -> None:
    with pytest.raises(IndicatorError) as refused:
        require_norms("example", norms)
    assert refused.value.rule == rule
