"""Over exported tables every engine gives the oracle's integers too: DuckDB, Spark, and Trino as far as it is read."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.sql import visitors

from exchange.counting import counting, dialects, engines, functions, parquet
from exchange.counting.cohort import Asked
from exchange.counting.current import Rows
from exchange.errors import IndicatorError
from exchange.indicators.cohort import Question
from exchange.indicators.moments import add_months
from exchange.store import tables


def _exported() -> ModuleType:
    spec = importlib.util.spec_from_file_location("exported", Path(__file__).with_name("exported.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


exported = _exported()
generated = exported.generated


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([0, 1, 3, 12, 40]),
    group_by=st.sampled_from(generated.GROUPS),
)
def test_duckdb_agrees_with_the_oracle_on_generated_practices(seed: int, size: int, group_by: tuple[str, ...]) -> None:
    dataset = generated._Maker(seed, size).dataset()
    with tempfile.TemporaryDirectory() as folder:
        exported.write(Path(folder), dataset)
        with engines.OnDuckDB(Path(folder)) as engine:
            assert list(exported.differing(engine, dataset, group_by)) == []


@pytest.mark.parametrize("group_by", [(), ("sex",), ("location", "month")])
def test_a_pool_is_counted_in_batches_as_it_is_at_once(tmp_path: Path, group_by: tuple[str, ...]) -> None:
    dataset = generated._Maker(5, 30).dataset()
    for source, half in enumerate(exported.halves(dataset)):
        exported.write(tmp_path, half, f"practice-{source}")
    with engines.OnDuckDB(tmp_path, batch=1) as engine:
        assert len(list(engine.parts([]))) == 2
        assert list(exported.differing(engine, dataset, group_by)) == []


def test_each_definition_by_itself_is_counted_as_it_is_with_all_others(tmp_path: Path) -> None:
    dataset = generated._Maker(11, 30).dataset()
    exported.write(tmp_path, dataset)
    g = generated
    asked = [Question(one, g.START, g.END, g.CUT_OFF, (), g.INSTRUMENTS) for one in g._definitions()]
    with engines.OnDuckDB(tmp_path) as engine:
        together = list(counting.cubes(engine, asked, reference=g.TABLE))
        for question, cube in zip(asked, together, strict=True):
            assert list(counting.cubes(engine, [question], reference=g.TABLE)) == [cube], question.definition.id


def test_two_exports_laid_into_one_folder_are_counted_together(tmp_path: Path) -> None:
    dataset = generated._Maker(3, 12).dataset()
    for source in ("one", "two"):
        exported.write(tmp_path, dataset, source)
    with engines.OnDuckDB(tmp_path) as engine:
        rows = engine.rows(sa.select(sa.func.count().label("n")).select_from(tables.episode))
    assert rows == [{"n": 24}]


def test_a_folder_without_exported_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndicatorError) as refused:
        engines.OnDuckDB(tmp_path)
    assert refused.value.rule == "counting.no-exported"


def test_a_folder_may_have_a_name_that_looks_like_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "pool [2024] d'Or *"
    exported.write(folder, generated._Maker(1, 3).dataset())
    with engines.OnDuckDB(folder) as engine:
        assert len(engine.rows(sa.select(tables.episode.c.episode_id))) == 3


def test_duckdb_adds_months_as_the_oracle_does(tmp_path: Path) -> None:
    exported.write(tmp_path, generated._Maker(1, 1).dataset())
    with engines.OnDuckDB(tmp_path) as engine:
        for months in (-13, -1, 1, 12):
            for offset in range(0, 800, 7):
                one = date.fromordinal(date(2023, 1, 1).toordinal() + offset)
                day = sa.literal(one, tables.session.c.day.type)
                both = sa.select(
                    functions.add_months(day, months).label("m"), functions.add_days(day, months).label("d")
                )
                later = date.fromordinal(one.toordinal() + months)
                assert engine.rows(both) == [{"m": add_months(one, months), "d": later}]


@pytest.mark.parametrize(("master", "practices", "executors"), [("local[2]", 3, 0), ("local-cluster[2,1,1500]", 1, 2)])
def test_spark_agrees_with_the_oracle_on_generated_practices(master: str, practices: int, executors: int) -> None:
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark has an environment of its own, where .ci/run runs this")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17")
    script = str(Path(__file__).with_name("on_spark.py"))
    words = [sys.executable, "-W", "ignore", script, master, str(practices)]
    ran = subprocess.run(words, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-4000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["differs"] == {}
    assert found["compared"] == practices * len(generated._definitions())
    assert found["executors"] == executors


# Answers of partners, and sessions of patients.
SHAPES = ("substitution-net", "sessions-per-patient")


def test_spark_connect_gives_the_command_line_what_duckdb_gives(tmp_path: Path) -> None:
    """The option `--remote`, against a real server: the client speaks gRPC and never starts a Java of its own."""
    for module in ("pyspark", "grpc", "grpc_status"):
        if importlib.util.find_spec(module) is None:
            pytest.skip("pyspark with its Connect client has an environment of its own, where .ci/run runs this")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17")
    exported.write(tmp_path, generated._Maker(3, 40).dataset())
    program = [sys.executable, "-W", "ignore", "-c", "from exchange_cli.program import main; main()"]
    asked = [*program, "indicators", *SHAPES, "--data", str(tmp_path), "--on", "2026-01-01", "--json"]
    script = str(Path(__file__).with_name("connect_server.py"))
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        remote = ["--engine", "spark", "--remote", f"sc://127.0.0.1:{port}"]
        try:
            spark = subprocess.run([*asked, *remote], check=False, capture_output=True, text=True)
        finally:
            server.communicate("")
    duckdb = subprocess.run([*asked, "--engine", "duckdb"], check=False, capture_output=True, text=True)
    assert (spark.returncode, duckdb.returncode) == (0, 0), spark.stderr[-4000:] + duckdb.stderr[-2000:]
    assert spark.stdout == duckdb.stdout
    found = {one["indicator"] for one in json.loads(spark.stdout)["figures"]}
    assert found == set(SHAPES)


def _query(definition: object) -> sa.Select:
    day = date(2024, 1, 1)
    question = Question(definition, day, day, day, (), generated.INSTRUMENTS)
    return counting.query(Asked(question, Rows.EXPORTED), generated.TABLE)


def test_every_definition_compiles_for_trino_in_syntax_that_a_parser_of_trino_reads() -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is the referee of Trino's syntax")
    for definition in generated._definitions():
        text = dialects.text(_query(definition), "trino")
        (parsed,) = sqlglot.parse(text.sql, read="trino", error_level=sqlglot.ErrorLevel.RAISE)
        assert len(list(parsed.find_all(sqlglot.exp.Placeholder))) == len(text.ordered), definition.id
        assert "MATERIALIZED" not in text.sql


def test_every_value_is_a_parameter_on_every_engine() -> None:
    for definition in generated._definitions():
        for dialect in dialects.COMPILE_ONLY:
            text = dialects.text(_query(definition), dialect)
            assert "'" not in re.sub(r"date_(add|diff)\('(month|day)'", "", text.sql), definition.id
            assert text.named if dialect == "spark" else text.ordered


def test_no_definition_looks_at_what_is_not_exported() -> None:
    for definition in generated._definitions():
        for element in visitors.iterate(_query(definition)):
            if isinstance(element, sa.Column) and element.table in tables.metadata.sorted_tables:
                assert element.name in parquet.TABLES[element.table.name].columns, (definition.id, str(element))
