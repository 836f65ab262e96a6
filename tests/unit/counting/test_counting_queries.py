"""The compiled query: what it reads as of a load, under which id, and how it shows itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from exchange.counting import counting
from exchange.errors import IndicatorError
from exchange.indicators import oracle
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.reference import ReferenceTable
from exchange.records.codes import Answered, Counterfactual, Evidence, SourceKind
from exchange.records.instruments import instruments
from exchange.records.model import Answer, Case, Dataset, Episode, Measurement, Referral
from exchange.store import tables

_spec = importlib.util.spec_from_file_location("counting_rows", Path(__file__).with_name("rows.py"))
assert _spec is not None
assert _spec.loader is not None
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)

NET = shipped_definitions()["substitution-net"]
ASKED: dict[str, Any] = {
    "start": date(2023, 1, 1),
    "end": date(2024, 1, 1),
    "cut_off": date(2025, 1, 1),
    "instruments": instruments(),
}
EPISODE = Episode("new", "p", SourceKind.EPD, date(2023, 1, 2), date(2023, 3, 1), "3427")
REFERRAL = Referral("r", "new", "p", "", None, "", Counterfactual.HOSPITAL, "", date(2023, 1, 2))
ANSWER = Answer(
    "a", "c", "old", "answer.specialist-referral", date(2023, 1, 1), date(2024, 3, 1), Answered.NO, Evidence.SIGNED
)
CASE = Case("c", "", "agreed", "agb:01000001", "old", "p", date(2023, 2, 1))


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    tables.metadata.create_all(engine)
    with engine.connect() as found:
        yield found
    engine.dispose()


def test_an_answer_under_an_old_id_counts_for_the_episode_that_has_it_now(connection: sa.Connection) -> None:
    rows.write(connection, Dataset(episodes=(EPISODE,), referrals=(REFERRAL,), answers=(ANSWER,), cases=(CASE,)))
    before = counting.cube(connection, NET, **ASKED).total.counts
    assert (before["numerator"], before["no_agreement"]) == (0, 1)
    alias = {"alias_id": "old", "episode_id": "new", "load_from": 2, "load_to": None}
    connection.execute(tables.episode_alias.insert(), [alias])
    after = counting.cube(connection, NET, **ASKED).total
    assert (after.counts["numerator"], after.evidence["signed"]) == (1, 1)
    assert counting.cube(connection, NET, **ASKED, as_of=1).total.counts == before


def test_an_old_figure_is_given_again_from_the_rows_that_were_current_then(connection: sa.Connection) -> None:
    first = Dataset(
        episodes=(EPISODE,),
        referrals=(REFERRAL,),
        answers=(replace(ANSWER, episode_id="new"),),
        cases=(replace(CASE, episode_id="new"),),
    )
    rows.write(connection, first)
    was = counting.cube(connection, NET, **ASKED)
    assert was == oracle.cube(NET, first, **ASKED)
    connection.execute(tables.answer.update().values(load_to=2))
    second = replace(first.answers[0], status=Answered.YES)
    rows.write(connection, Dataset(answers=(second,)), load=2)
    now = counting.cube(connection, NET, **ASKED)
    assert (was.total.counts["numerator"], now.total.counts["numerator"]) == (1, 0)
    assert counting.cube(connection, NET, **ASKED, as_of=1) == was
    assert counting.cube(connection, NET, **ASKED, as_of=2) == now
    assert counting.cube(connection, NET, **ASKED, as_of=0).total.counts["eligible"] == 0


def test_without_any_known_threshold_nobody_is_called_improved(connection: sa.Connection) -> None:
    responders = shipped_definitions()["responders"]
    data = Dataset(episodes=(replace(EPISODE, instrument="nprs"),))
    rows.write(connection, data)
    asked = {**ASKED, "instruments": {}}
    found = counting.cube(connection, responders, **asked)
    assert found == oracle.cube(responders, data, **asked)
    assert found.total.parts["not-measured"] == 1


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", sorted(shipped_definitions()))
def test_every_definition_shows_its_query_with_parameters_and_no_division(name: str, dialect: str) -> None:
    table = ReferenceTable("t", "1", "trajectory", "invented", ("sex",), (), {("female",): 9000})
    text = counting.sql(shipped_definitions()[name], dialect, reference=table)
    assert text.upper().lstrip().startswith(("WITH", "SELECT"))
    assert "2000-01-01" not in text
    for word in (" / ", "ROUND", "NOT IN", "AVG("):
        assert word not in text.upper()


def test_an_unknown_engine_is_named_with_those_that_are_known() -> None:
    with pytest.raises(IndicatorError) as caught:
        counting.sql(NET, "oracle")
    assert "sqlite, postgresql" in str(caught.value)


@pytest.mark.parametrize(("name", "counted"), [("startback", 0), ("nprs", 1)])
def test_a_prognostic_list_at_start_and_end_is_not_measured(connection: sa.Connection, name: str, counted: int) -> None:
    measured, start = shipped_definitions()["measured"], EPISODE.start
    assert EPISODE.end is not None
    scores = tuple(
        Measurement(f"m{day}", EPISODE.episode_id, EPISODE.patient_id, name, day, 5) for day in (start, EPISODE.end)
    )
    data = Dataset(episodes=(EPISODE,), measurements=scores)
    rows.write(connection, data)
    found = counting.cube(connection, measured, **ASKED)
    assert found == oracle.cube(measured, data, **ASKED)
    assert found.total.counts["numerator"] == counted
