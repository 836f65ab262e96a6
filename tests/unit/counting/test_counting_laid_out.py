"""A store laid out for counting: hidden only meanwhile, under present ids, and not at all where it is vast."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from exchange.counting import counting, laying
from exchange.counting.engines import OnStore
from exchange.indicators import oracle
from exchange.indicators.reading import shipped_definitions
from exchange.records.codes import Answered, Counterfactual, Evidence, SourceKind
from exchange.records.instruments import instruments
from exchange.records.model import Answer, Case, Dataset, Episode, Referral
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
EPISODE = Episode("one", "p", SourceKind.EPD, date(2023, 1, 2), date(2023, 3, 1), "3427")
REFERRAL = Referral("r", "one", "p", "", None, "", Counterfactual.HOSPITAL, "", date(2023, 1, 2))
SAID = Answer(
    "a", "c", "one", "answer.specialist-referral", date(2023, 1, 1), date(2024, 3, 1), Answered.NO, Evidence.SIGNED
)
CASE = Case("c", "", "agreed", "agb:01000001", "one", "p", date(2023, 2, 1))
DATA = Dataset(episodes=(EPISODE,), referrals=(REFERRAL,), answers=(SAID,), cases=(CASE,))


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    tables.metadata.create_all(engine)
    with engine.connect() as found:
        rows.write(found, DATA)
        yield found
    engine.dispose()


def temporary(connection: sa.Connection) -> list[str]:
    return [row.name for row in connection.execute(sa.text("SELECT name FROM sqlite_temp_master"))]


def fail(connection: sa.Connection) -> None:
    """Ask for what there is, and then for what there is not."""
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        list(laid.tuples(sa.select(tables.episode.c.episode_id)))
        list(laid.tuples(sa.select(tables.episode.c.episode_id, sa.column("no_such_column"))))


def test_while_laid_out_the_rows_that_count_stand_in_the_place_of_the_store(connection: sa.Connection) -> None:
    connection.execute(tables.episode.update().values(load_to=2))
    rows.write(connection, Dataset(episodes=(replace(EPISODE, patient_id="q"),)), load=2)
    episodes = sa.select(tables.episode.c.episode_id, tables.episode.c.patient_id)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        assert list(laid.tuples(episodes)) == [(1, 1)]
        assert "episode" in temporary(connection)
    assert sorted(connection.execute(episodes)) == [("one", "p"), ("one", "q")]


def test_nothing_stays_hidden_after_counting_nor_after_a_failure(connection: sa.Connection) -> None:
    assert counting.cube(connection, NET, **ASKED) == oracle.cube(NET, DATA, **ASKED)
    assert temporary(connection) == []
    with pytest.raises(sa.exc.OperationalError):
        fail(connection)
    assert temporary(connection) == []
    assert list(connection.execute(sa.select(tables.episode.c.episode_id)).scalars()) == ["one"]


def test_an_id_that_an_episode_has_now_goes_before_what_another_was_called(connection: sa.Connection) -> None:
    other = replace(EPISODE, episode_id="two", patient_id="q", start=date(2019, 1, 1), end=date(2019, 2, 1))
    rows.write(connection, Dataset(episodes=(other,)))
    alias = {"alias_id": "one", "episode_id": "two", "load_from": 1, "load_to": None}
    connection.execute(tables.episode_alias.insert(), [alias])
    found = counting.cube(connection, NET, **ASKED).total
    assert (found.counts["numerator"], found.evidence["signed"]) == (1, 1)


def test_a_vast_store_is_counted_where_it_is(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laying, "MOST_ROWS", -1)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is None
    assert counting.cube(connection, NET, **ASKED) == oracle.cube(NET, DATA, **ASKED)
