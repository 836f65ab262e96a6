"""Where a query runs: the store itself, DuckDB over exported Parquet, or Spark over the same, each the same answer."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable

from exchange.counting import batches, dialects, parquet
from exchange.counting.current import AsOf, Rows
from exchange.errors import IndicatorError

Row = Mapping[str, Any]


class Engine(Protocol):
    """Runs a query; keeps the rows of one under a name until it is let go, where several queries start from them."""

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows by column name."""
        ...

    def keep(self, name: str, query: sa.Select[Any]) -> None:
        """Work a query out once; the name may be selected from until `let_go`."""
        ...

    def let_go(self, name: str) -> None:
        """Forget what was kept."""
        ...


class _Keep(Executable, ClauseElement):
    """`CREATE TEMPORARY TABLE name AS query`, which SQLAlchemy has from 2.1 on only."""

    inherit_cache = False

    def __init__(self, name: str, query: sa.Select[Any]) -> None:
        self.name = name
        self.query = query


@compiles(_Keep)
def _keep(element: _Keep, compiler: SQLCompiler, **options: Any) -> str:
    return f"CREATE TEMPORARY TABLE {element.name} AS {compiler.process(element.query, **options)}"


class OnStore:
    """SQLite, SQLCipher or PostgreSQL, by a connection of the store's."""

    def __init__(self, connection: Connection) -> None:
        """Use an open connection."""
        self.connection = connection

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows by column name."""
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def keep(self, name: str, query: sa.Select[Any]) -> None:
        """Work a query out into a temporary table."""
        self.connection.execute(_Keep(name, query))

    def let_go(self, name: str) -> None:
        """Drop the temporary table."""
        self.connection.execute(sa.text(f"DROP TABLE {name}"))


_TABLE = re.compile(rf"\b({'|'.join(parquet.TABLES)})\b")
# How many queries must read a table for it to be worth writing down what its files hold.
_OFTEN = 5


class OnDuckDB(AbstractContextManager["OnDuckDB"]):
    """DuckDB in this process, over a folder that `parquet.write` wrote; use it in a `with` block."""

    def __init__(self, folder: Path, *, memory: str = "", threads: int = 0, batch: int = batches.SIZE) -> None:
        """Look for the tables; IndicatorError where the folder lacks one. `batch` is in bytes of Parquet."""
        found = batches.batches(folder, batch)
        self._connection = parquet.duckdb().connect(":memory:")
        if memory:
            self._connection.execute(f"SET memory_limit = '{memory}'")
        if threads:
            self._connection.execute(f"SET threads = {int(threads)}")
        # In which order rows come does not matter here, and keeping it would take memory.
        self._connection.execute("SET preserve_insertion_order = false")
        self._folder = folder
        self._batches = found
        self._texts: dict[int, tuple[sa.Select[Any], dialects.Text]] = {}
        self._part: batches.Batch | None = None
        self._seen: set[str] = set()

    def parts(self, queries: Iterable[sa.Select[Any]]) -> Iterator[None]:
        """Look at some exports at a time, one batch after another, and then at all of them again.

        No row of one export belongs to an episode or a patient of another, so that totals may be added up. A table that
        many of the queries read is read once for all of them, a batch at a time.
        """
        if len(self._batches) == 1:
            yield
            return
        reads = Counter(name for query in queries for name in set(_TABLE.findall(self._text(query).sql)))
        often = sorted(name for name, times in reads.items() if times >= _OFTEN)
        for one in self._batches:
            self._part, self._seen = one, set(often)
            try:
                for name in often:
                    self._connection.execute(f"CREATE TEMP TABLE {name} AS {self._read(name)}")
                yield
            finally:
                self._part, self._seen = None, set()
                for name in often:
                    self._connection.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def _see(self, sql: str) -> None:
        """Make a view of each table that a query names, over a batch's files or over all: making one opens files."""
        for name in sorted(set(_TABLE.findall(sql)) - self._seen):
            self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS {self._read(name)}")
            self._seen.add(name)

    def _read(self, name: str) -> str:
        """Return the query that reads a table from a batch's files, or from all."""
        table = parquet.TABLES[name]
        columns = ", ".join(f'"{column}"' for column in table.columns)
        whole = [f"{glob.escape(str(self._folder / name))}/source=*/year=*/*.parquet"]
        files = whole if self._part is None else [glob.escape(file) for file in self._part[name]]
        # A view takes no parameters; the names are ours, and those of files are quoted.
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        rows = f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608 - as said above
        return rows if files else _empty(table)

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows by column name."""
        text = self._text(query)
        self._see(text.sql)
        found = self._connection.execute(text.sql, list(text.ordered))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def keep(self, name: str, query: sa.Select[Any]) -> None:
        """Work a query out into a temporary table, whose rows DuckDB numbers as `rowid`."""
        text = self._text(query)
        self._see(text.sql)
        self._connection.execute(f"CREATE TEMP TABLE {name} AS {text.sql}", list(text.ordered))

    def let_go(self, name: str) -> None:
        """Drop the temporary table."""
        self._connection.execute(f"DROP TABLE {name}")

    def _text(self, query: sa.Select[Any]) -> dialects.Text:
        """Compile a query once, however many batches it is asked of."""
        if id(query) not in self._texts:
            # The query is kept beside its text, so that no other can have its id.
            self._texts[id(query)] = (query, dialects.text(query, "duckdb"))
        return self._texts[id(query)][1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close DuckDB."""
        self._connection.close()


def _empty(table: parquet.Exported) -> str:
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in table.columns.items())
    return f"SELECT {columns} WHERE false"


class OnSpark:
    """A Spark session, classic or Connect, over a folder or address that its executors can read."""

    def __init__(self, session: Any, folder: str) -> None:
        """Make a temporary view of each table."""
        self._session = session
        for name, table in parquet.TABLES.items():
            session.read.parquet(f"{folder.rstrip('/')}/{name}").select(*table.columns).createOrReplaceTempView(name)

    @classmethod
    def connect(cls, remote: str, folder: str) -> Self:
        """Use a Spark Connect server, such as `sc://cluster.example:15002`."""
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise IndicatorError("counting.no-spark", hints=("hint.counting-no-spark",)) from None
        return cls(SparkSession.builder.remote(remote).getOrCreate(), folder)

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows by column name."""
        return [row.asDict() for row in self._run(query).collect()]

    def keep(self, name: str, query: sa.Select[Any]) -> None:
        """Keep a query's rows in the executors' memory, or on their disks where that is too small."""
        found = self._run(query)
        found.persist()
        found.createOrReplaceTempView(name)

    def let_go(self, name: str) -> None:
        """Free the memory and forget the name."""
        self._session.table(name).unpersist()
        self._session.catalog.dropTempView(name)

    def _run(self, query: sa.Select[Any]) -> Any:
        text = dialects.text(query, "spark")
        return self._session.sql(text.sql, args=dict(text.named))


def looks_at(engine: Engine, as_of: int | None) -> AsOf:
    """Return which rows count on an engine: exported ones have no loads."""
    return as_of if isinstance(engine, OnStore) else Rows.EXPORTED
