"""Dialects that only compile: the same Core query as text and parameters for DuckDB, Spark and Trino."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer


class _Types(GenericTypeCompiler):
    """Text has no length on these engines."""

    text = "VARCHAR"

    def visit_VARCHAR(self, type_: Any, **options: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        return self.text


class _SparkTypes(_Types):
    text = "STRING"


class _Backticks(IdentifierPreparer):
    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="`")


class DuckDB(DefaultDialect):
    """DuckDB: parameters by number."""

    name = "duckdb"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "numeric_dollar"
    type_compiler_cls = _Types


class Spark(DefaultDialect):
    """Spark in its ANSI mode: parameters by name, as the `args` of `SparkSession.sql`."""

    name = "spark"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "named"
    preparer = _Backticks  # type: ignore[assignment]  # declared as one class, meant as its kind
    type_compiler_cls = _SparkTypes


class Trino(DefaultDialect):
    """Trino: parameters as question marks."""

    name = "trino"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "qmark"
    type_compiler_cls = _Types


COMPILE_ONLY: Mapping[str, type[DefaultDialect]] = {"duckdb": DuckDB, "spark": Spark, "trino": Trino}


@dataclass(frozen=True, slots=True)
class Text:
    """A query as an engine's driver takes it; `ordered` are the parameters by position where it wants them so."""

    sql: str
    named: Mapping[str, Any]
    ordered: tuple[Any, ...]


def text(query: sa.Select[Any], dialect: str) -> Text:
    """Compile a query, every value a parameter."""
    return own_text(query, COMPILE_ONLY[dialect]())


def own_text(query: sa.Select[Any], dialect: Dialect) -> Text:
    """Compile a query for a dialect at hand, every value a parameter."""
    compiled = query.compile(dialect=dialect)
    state = compiled.construct_expanded_state()
    # A dialect without a driver leaves it to us to bring values into the form their column has, a flag into 1 or 0.
    processors = {name: one.type.bind_processor(compiled.dialect) for name, one in compiled.binds.items()}
    processors |= state.processors
    values = {}
    for name, value in state.parameters.items():
        process = processors.get(name)
        values[name] = value if process is None else process(value)
    return Text(state.statement, values, tuple(values[name] for name in state.positiontup or ()))


def alike(text: Text) -> Text:
    """Number the parameters of a query in which each is a question mark: equal ones alike.

    SQLite takes expressions for the same, and works an aggregate out once, only if they have the same parameters.
    """
    numbers: dict[tuple[type, Any], int] = {}
    pieces = text.sql.split("?")
    if len(pieces) != 1 + len(text.ordered):
        raise AssertionError(text.sql)  # a question mark that is no parameter
    marks = [f"?{numbers.setdefault((type(value), value), 1 + len(numbers))}" for value in text.ordered]
    sql = "".join(piece + mark for piece, mark in zip(pieces, (*marks, ""), strict=True))
    return Text(sql, text.named, tuple(value for _, value in numbers))
