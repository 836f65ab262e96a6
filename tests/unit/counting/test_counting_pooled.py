"""How definitions are asked together of a pool: no more queries than they differ in, and nothing joined for nothing."""

from __future__ import annotations

import re
from datetime import date

import pytest

from exchange.counting import dialects
from exchange.counting.cohort import Asked
from exchange.counting.current import Rows
from exchange.counting.packing import PLACE
from exchange.counting.together import Together, together
from exchange.indicators.cohort import Question
from exchange.indicators.reading import shipped_definitions
from exchange.records.instruments import instruments

# DuckDB compares a shorter list to a value, and joins a longer one.
_LONGEST = 4


@pytest.fixture(scope="module")
def catalogue() -> Together:
    """Return the plan of all shipped definitions over episodes that ended in a period."""
    start, end, cut_off = date(2023, 1, 1), date(2024, 1, 1), date(2025, 6, 1)
    asked = [
        Asked(Question(one, start, end, cut_off, ("location",), instruments()), Rows.EXPORTED)
        for one in shipped_definitions().values()
        if one.count in ("episodes", "patients")
        and one.period == "end"
        and one.kind not in ("mean", "standardised-ratio")
    ]
    return together(
        "cohort",
        [(place, one) for place, one in enumerate(asked) if not one.question.definition.agreed],
        lambda one: None,
    )


def test_no_list_is_so_long_that_every_episode_is_joined_to_it(catalogue: Together) -> None:
    lists = [
        found.count(",") + 1
        for _, select in catalogue.kept
        for found in re.findall(r" IN \(([^()]*)\)", dialects.text(select, "duckdb").sql)
    ]
    assert lists
    assert max(lists) <= _LONGEST


def test_definitions_that_are_alike_are_asked_in_one_query_that_tells_them_apart(catalogue: Together) -> None:
    asked = [place for places, _ in catalogue.queries for place in places]
    assert sorted(set(asked)) == sorted(place for place in set(asked) if asked.count(place) == 2)
    assert len(catalogue.queries) < len(set(asked))
    assert all(PLACE in query.selected_columns for _, query in catalogue.queries)
