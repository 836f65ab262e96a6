"""Dialects that only compile: the same Core query as text for DuckDB, Spark and Trino, whose drivers run text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer, SQLCompiler


class _Types(GenericTypeCompiler):
    """Text has no length on these engines, and a cast to one is either refused or ignored."""

    def visit_string(self, type_: Any, **options: Any) -> str:
        return "VARCHAR"

    visit_VARCHAR = visit_string  # noqa: N815 - SQLAlchemy's name


class _SparkTypes(GenericTypeCompiler):
    def visit_string(self, type_: Any, **options: Any) -> str:
        return "STRING"

    visit_VARCHAR = visit_string  # noqa: N815 - SQLAlchemy's name


class _SparkCompiler(SQLCompiler):
    """A parameter's name is all that Spark's `args` need."""

    def bindparam_string(self, name: str, **options: Any) -> str:
        return f":{name}" if not options.get("post_compile") else super().bindparam_string(name, **options)


class _Backticks(IdentifierPreparer):
    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="`")


class DuckDB(DefaultDialect):
    """DuckDB 1.1 and later; parameters by number."""

    name = "duckdb"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "numeric_dollar"
    type_compiler_cls = _Types


class Spark(DefaultDialect):
    """Spark 3.4 and later in its ANSI mode; parameters by name."""

    name = "spark"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "named"
    statement_compiler = SQLCompiler
    preparer = _Backticks
    type_compiler_cls = _SparkTypes


class Trino(DefaultDialect):
    """Trino; parameters as question marks."""

    name = "trino"
    supports_statement_cache = True
    supports_native_boolean = True
    default_paramstyle = "qmark"
    type_compiler_cls = _Types


DIALECTS: Mapping[str, type[DefaultDialect]] = {"duckdb": DuckDB, "spark": Spark, "trino": Trino}
