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

from exchange.counting import counting, dialects, laying
from exchange.counting.engines import OnStore
from exchange.counting.functions import day_of_first, day_of_last, value_of_first, value_of_last
from exchange.indicators import oracle
from exchange.indicators.reading import shipped_definitions
from exchange.records.codes import Answered, Counterfactual, Evidence, Sex, SourceKind
from exchange.records.instruments import instruments
from exchange.records.model import Answer, Case, Dataset, Episode, Patient, Referral
from exchange.store import tables
from exchange.store.columns import Day

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
        assert len(list(laid.tuples(episodes))) == 1
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


@pytest.mark.parametrize(
    ("rows", "first", "last"),
    [
        ([("2024-01-02", "a", 5), ("2024-01-01", "b", 7)], 7, 5),
        ([("2024-01-01", "ab", 5), ("2024-01-01", "a", 7)], 7, 5),  # one id begins as the other
        ([("2024-01-01", "a", None), ("2024-01-02", "b", 7), ("2024-01-03", "c", None)], None, None),
        ([("2024-01-01", "a", -3), ("2024-01-01", "b", 12)], -3, 12),
        ([("2024-01-01", "left-out", 1), ("2024-01-02", "b", 2), ("2024-01-03", "left-out", 3)], 2, 2),
        ([("2024-01-01", "left-out", 1)], None, None),
        ([], None, None),
    ],
)
def test_sqlite_finds_the_value_of_the_first_and_the_last_row_that_counts(
    connection: sa.Connection, rows: list[tuple[str, str, int | None]], first: int | None, last: int | None
) -> None:
    t = sa.table("t", sa.column("day", Day()), sa.column("id", sa.String()), sa.column("value", sa.Integer()))
    connection.execute(sa.text("CREATE TEMPORARY TABLE t (day, id, value)"))
    for row in rows:
        connection.exec_driver_sql("INSERT INTO t VALUES (?, ?, ?)", row)
    found = [
        function(t.c.value, t.c.day, t.c.id).filter(t.c.id != "left-out")
        for function in (value_of_first, value_of_last)
    ]
    days = [function(t.c.value, t.c.day, t.c.id, t.c.id != "left-out") for function in (day_of_first, day_of_last)]
    counted = sorted(day for day, identity, _ in rows if identity != "left-out")
    ends = (date.fromisoformat(counted[0]), date.fromisoformat(counted[-1])) if counted else (None, None)
    assert tuple(connection.execute(sa.select(*found, *days)).one()) == (first, last, *ends)


def test_sqlite_orders_by_numbers_also_below_zero(connection: sa.Connection) -> None:
    t = sa.table("t", sa.column("rank", sa.Integer()), sa.column("then", sa.Integer()), sa.column("value", sa.String()))
    connection.execute(sa.text('CREATE TEMPORARY TABLE t (rank, "then", value)'))
    for row in [(2, -9, "second"), (1, -3, "third"), (1, -12, "first"), (10, 0, "last")]:
        connection.exec_driver_sql("INSERT INTO t VALUES (?, ?, ?)", row)
    ends = [function(t.c.value, t.c.rank, t.c.then) for function in (value_of_first, value_of_last)]
    assert tuple(connection.execute(sa.select(*ends)).one()) == ("first", "last")


def test_no_table_is_held_after_the_last_query_that_looks_at_it(connection: sa.Connection) -> None:
    episodes = sa.select(tables.episode.c.episode_id)
    referrals = sa.select(tables.referral.c.episode_id)
    again = sa.select(tables.referral.c.day)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        laid.expect([episodes, referrals, again])
        assert len(list(laid.tuples(episodes))) == 1
        assert "episode" in temporary(connection)
        assert len(list(laid.tuples(referrals))) == 1
        assert "episode" not in temporary(connection)
        assert len(list(laid.tuples(again))) == 1
        assert "referral" in temporary(connection)
    assert temporary(connection) == []


def test_a_store_gets_its_own_cache_back(connection: sa.Connection) -> None:
    connection.exec_driver_sql("PRAGMA main.cache_size = -12345")
    with laying.laid_out(OnStore(connection), None):
        assert connection.exec_driver_sql("PRAGMA main.cache_size").scalar_one() != -12345
    assert connection.exec_driver_sql("PRAGMA main.cache_size").scalar_one() == -12345


@pytest.mark.parametrize(
    "left", ["TABLE episode (x)", "VIEW episode AS SELECT 1 AS x", "VIEW referral AS SELECT 1 AS x"]
)
def test_what_an_undone_transaction_brought_back_is_in_nobodys_way(connection: sa.Connection, left: str) -> None:
    connection.exec_driver_sql(f"CREATE TEMPORARY {left}")
    assert counting.cube(connection, NET, **ASKED) == oracle.cube(NET, DATA, **ASKED)
    assert temporary(connection) == []


def test_a_column_that_no_query_names_is_not_laid_out(connection: sa.Connection) -> None:
    t = tables.referral
    asked = sa.select(t.c.episode_id, t.c.counterfactual)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        laid.expect([asked])
        assert len(list(laid.tuples(asked))) == 1
        held = [row.name for row in connection.execute(sa.text("PRAGMA temp.table_info(referral)"))]
    assert held == ["episode_id", "row_id", "counterfactual"]


def test_one_question_lays_out_the_rows_of_its_own_period_only(connection: sa.Connection) -> None:
    other = replace(EPISODE, episode_id="two", start=date(2023, 5, 1), end=date(2023, 6, 1))
    rows.write(
        connection, Dataset(episodes=(other,), referrals=(replace(REFERRAL, referral_id="s", episode_id="two"),))
    )
    asked = sa.select(tables.referral.c.episode_id)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        laid.narrow("end_date", date(2023, 5, 1), date(2023, 7, 1))
        assert len(list(laid.tuples(asked))) == 1
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        assert len(list(laid.tuples(asked))) == 2


def test_one_question_finds_a_patient_by_the_same_id_in_every_table(connection: sa.Connection) -> None:
    rows.write(connection, Dataset(patients=(Patient("p", date(1960, 1, 1), Sex.FEMALE),)))
    e, p = tables.episode, tables.patient
    both = sa.select(e.c.episode_id, p.c.birth_date).join(p, p.c.patient_id == e.c.patient_id)
    with laying.laid_out(OnStore(connection), None) as laid:
        assert laid is not None
        # The patients are looked at twice, and the episodes are laid out with the second.
        queries = [sa.select(p.c.birth_date), both]
        laid.narrow("end_date", date(2023, 1, 1), date(2024, 1, 1))
        laid.expect(queries)
        assert [len(list(laid.tuples(query))) for query in queries] == [1, 1]


def test_equal_parameters_of_one_type_bear_one_number() -> None:
    made = dialects.alike(dialects.Text("SELECT ? + ?, ?, ?, ?", {}, (1, 1, "1", 1.0, "1")))
    assert made.sql == "SELECT ?1 + ?1, ?2, ?3, ?2"
    assert made.ordered == (1, "1", 1.0)


def test_sqlite_works_an_aggregate_out_once_for_all_that_ask_for_it(connection: sa.Connection) -> None:
    def least() -> sa.ColumnElement[Any]:
        return sa.func.min(sa.case((tables.referral.c.counterfactual == "hospital", tables.referral.c.row_id)))

    def steps(text: dialects.Text) -> int:
        found = connection.exec_driver_sql(f"EXPLAIN {text.sql}", text.ordered)
        return sum(row.opcode == "AggStep" for row in found)

    text = dialects.own_text(sa.select(least(), least() + 1), connection.dialect)
    assert (steps(text), steps(dialects.alike(text))) == (2, 1)
