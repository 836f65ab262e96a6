"""A store in one file laid out for counting: what counts of it, once, in memory, with numbers for its long ids.

Every definition joins the same few tables on ids of 32 letters, under the id that an episode has now, leaving out what
was superseded. Here that is done once: temporary tables of the same names hold only the rows that count, in the order
in which they are looked up. Queries over them are those over exported rows, which are like that too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.counting import dialects
from exchange.counting.current import word
from exchange.counting.engines import Engine, OnStore
from exchange.counting.parquet import TABLES
from exchange.indicators.vocabulary import SESSION_TYPES
from exchange.store import tables, versions
from exchange.store.columns import Day

# Above this many rows a store is counted where it is: what is laid out stands in memory, about 40 bytes a session.
MOST_ROWS = 5_000_000

# How much of the store is held meanwhile, in KiB as SQLite wants it: below zero.
_CACHE = -4096

# In what order each table's rows lie, after which comes their own number.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "patient": ("patient_id",),
    "episode": ("episode_id",),
    "session": ("episode_id", "day", "session_id"),
    "measurement": ("episode_id", "instrument", "day", "measurement_id"),
    "referral": ("episode_id",),
    "evaluation": ("episode_id", "session_number", "day", "evaluation_id"),
    "answer": ("episode_id", "element"),
    "aggregate": ("partner",),
    "case_opened": ("episode_id",),
}
# What may still stand under an id that its episode had before a merge.
_UNDER_OLD_IDS = frozenset({"answer", "case_opened"})
_NUMBERS = frozenset({"episode_id", "patient_id"})
# Among sessions of one day any order gives the same days, so that their own number will do.
_BY_ROW = {("session", "session_id")}
# What the number of an episode is called, in the episodes that are kept and in what is gathered of them.
_KEYS = ("episode_id", "number")
_WORD = re.compile(r"\w+")
_LAID_OUT = re.compile(rf"\b({'|'.join(TABLES)})\b")


class Laid:
    """An engine over what was laid out: tables appear when a query first names them."""

    def __init__(self, connection: Connection, as_of: int | None) -> None:
        """Use an open connection of SQLite or SQLCipher, and the rows of now or as of a load."""
        self._connection = connection
        self._as_of = as_of
        self._made: list[str] = []
        self._texts: dict[int, tuple[sa.Select[Any], dialects.Text]] = {}
        self._awaited: Counter[str] = Counter()
        # Every word of the queries that are expected: a column that none of them names is not laid out.
        self._words: set[str] = set()
        self._expects = False
        self._only: tuple[str, date, date] | None = None

    def expect(self, queries: Iterable[sa.Select[Any]]) -> None:
        """Say which queries will be run, each once: no table is held longer than one of them looks at it.

        The rows of one must have been read when the next is run.
        """
        self._expects = True
        for query in queries:
            text = self._compiled(query)
            # The query is kept beside its text, so that no other can have its id.
            self._texts[id(query)] = (query, text)
            self._awaited.update(set(_LAID_OUT.findall(text.sql)))
            self._words.update(_WORD.findall(text.sql))

    def narrow(self, day: str, start: date, end: date) -> None:
        """Say that only episodes are asked about of which a day lies in a period, and others of their patients.

        Nothing must have been laid out yet.
        """
        self._only = (day, start, end)

    def rows(self, query: sa.Select[Any]) -> list[Mapping[str, Any]]:
        """Return the rows by column name."""
        names = [column.name for column in query.selected_columns]
        return [dict(zip(names, row, strict=True)) for row in self.tuples(query)]

    def tuples(self, query: sa.Select[Any]) -> Iterable[tuple[Any, ...]]:
        """Return the rows as the driver gives them: whole numbers, words, and days as text."""
        text = self._text(query)
        self._lay_out(text.sql)
        found: Iterable[tuple[Any, ...]] = self._run(text)
        return found

    def keep(self, name: str, query: sa.Select[Any]) -> None:
        """Work a query out into a temporary table, found by the number of the episode: its first column so named."""
        text = self._text(query)
        self._lay_out(text.sql)
        quote = self._connection.dialect.identifier_preparer.quote
        columns = [quote(column.name) for column in query.selected_columns]
        key = next(place for place, column in enumerate(columns) if column in _KEYS)
        columns[key] += " INTEGER PRIMARY KEY"
        self._begin_anew(name)
        self._connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({', '.join(columns)})")
        self._run(dialects.Text(f"INSERT INTO {name} {text.sql}", text.named, text.ordered))

    @contextmanager
    def keeping(self, kept: Iterable[tuple[str, sa.Select[Any]]], *, narrows: bool = False) -> Iterator[None]:
        """Keep queries in their order, for as long as the block lasts.

        With `narrows`, nothing is asked from then on of other episodes than those last kept, nor laid out.
        """
        made: list[str] = []
        try:
            for name, query in kept:
                self.keep(name, query)
                made.append(name)
                if narrows and "episode_id" in query.selected_columns:
                    among: sa.Select[Any] = sa.select(sa.column("episode_id")).select_from(sa.table(name))
                    self._connection.execute(_EPISODES.delete().where(_EPISODES.c.number.not_in(among)))
            yield
        finally:
            while made:
                self.let_go(made.pop())

    def let_go(self, name: str) -> None:
        """Drop the temporary table or view, if it is there."""
        known = "SELECT type FROM sqlite_temp_master WHERE name = ? AND type IN ('table', 'view')"
        kind = self._connection.exec_driver_sql(known, (name,)).scalar()
        if kind is not None:
            self._connection.exec_driver_sql(f"DROP {kind.upper()} temp.{name}")

    def clear(self) -> None:
        """Drop whatever was laid out."""
        while self._made:
            self.let_go(self._made.pop())

    def _begin_anew(self, name: str) -> None:
        # Python's own driver begins no transaction before a table is made: undoing one can bring a dropped one back.
        self.let_go(name)

    def _run(self, text: dialects.Text) -> Any:
        return self._connection.exec_driver_sql(text.sql, text.ordered).cursor

    def _text(self, query: sa.Select[Any]) -> dialects.Text:
        if id(query) in self._texts:
            return self._texts.pop(id(query))[1]
        return self._compiled(query)

    def _compiled(self, query: sa.Select[Any]) -> dialects.Text:
        return dialects.alike(dialects.own_text(query, self._connection.dialect))

    def _lay_out(self, sql: str) -> None:
        looked_at = set(_LAID_OUT.findall(sql))
        wanted = sorted(looked_at - set(self._made))
        if self._expects:
            over = [name for name in self._made if name in TABLES and not self._awaited[name]]
            for name in over:
                self._made.remove(name)
                self.let_go(name)
            self._awaited.subtract(looked_at)
        if wanted and _EPISODES.name not in self._made:
            self._number()
        once = self._expects and looked_at == {"episode"} and not self._awaited["episode"] and " JOIN " not in sql
        for name in wanted:
            if once:
                self._see(name)
            else:
                columns = tuple(each for each in _columns(name) if not self._expects or each in self._words)
                numbers = self._numbers()
                self._fill(_laid(name, columns, numbers), _counting(name, columns, numbers, self._as_of))

    def _see(self, name: str) -> None:
        """Make a view of what is only read from beginning to end, once."""
        rows = _counting(name, _columns(name), self._numbers(), self._as_of).order_by(None)
        text = rows.compile(dialect=self._connection.dialect, compile_kwargs={"literal_binds": True})
        self._begin_anew(name)
        self._connection.exec_driver_sql(f"CREATE TEMPORARY VIEW {name} AS {text}")
        self._made.append(name)

    def _numbers(self) -> frozenset[str]:
        """Return which ids are numbers: of patients it is not worth the trouble for one question of few episodes."""
        return _NUMBERS if self._only is None else _NUMBERS - {"patient_id"}

    def _number(self) -> None:
        """Number the episodes that count and their patients; what an episode was called before leads to it too."""
        episode, alias = _main("episode"), _main("episode_alias")
        counts = versions.current(episode, self._as_of)
        own: sa.ColumnElement[int] = sa.literal_column("1")
        looked_at = []
        if self._only is not None:
            day, start, end = self._only
            looked_at = [episode.c[day] >= start, episode.c[day] < end]
        self._fill(_EPISODES, sa.select(episode.c.episode_id, episode.c.row_id, own).where(counts, *looked_at))
        if "patient_id" in self._numbers():
            # Any number will do that is another's for another: that of the first row with the id.
            self._fill(_PATIENTS, sa.select(episode.c.patient_id, episode.c.row_id).where(counts))
        former = (
            sa.select(alias.c.alias_id, _EPISODES.c.number, sa.literal_column("0"))
            .join(_EPISODES, sa.and_(_EPISODES.c.given == alias.c.episode_id, _EPISODES.c.own == 1))
            .where(versions.current(alias, self._as_of))
        )
        # A row that is there already is an episode's own id, which goes before what another was called.
        self._insert(_EPISODES, former)

    def _fill(self, table: sa.Table, rows: sa.Select[Any]) -> None:
        self._begin_anew(table.name)
        self._connection.execute(sa.schema.CreateTable(table))
        self._made.append(table.name)
        self._insert(table, rows)

    def _insert(self, table: sa.Table, rows: sa.Select[Any]) -> None:
        """Insert rows, of those with the same key the first."""
        insert = table.insert().prefix_with("OR IGNORE")
        self._connection.execute(insert.from_select([column.name for column in table.c], rows))


@contextmanager
def laid_out(engine: Engine, as_of: int | None) -> Iterator[Laid | None]:
    """Give an engine over what is laid out of a store in one file; nothing for any other engine, or a vast store.

    While it is open the store's own tables are hidden on this connection, so that nothing else may be done with it.
    """
    if not isinstance(engine, OnStore) or not _fits(engine.connection):
        yield None
        return
    found = Laid(engine.connection, as_of)
    # The store is read from beginning to end, and once, so that there is nothing to be gained by holding on to it.
    pages = engine.connection.exec_driver_sql("PRAGMA main.cache_size").scalar_one()
    engine.connection.exec_driver_sql(f"PRAGMA main.cache_size = {_CACHE}")
    try:
        yield found
    finally:
        found.clear()
        engine.connection.exec_driver_sql(f"PRAGMA main.cache_size = {int(pages)}")


def _fits(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    last = sa.select(sa.func.max(tables.session.c.row_id))
    return int(connection.execute(last).scalar() or 0) <= MOST_ROWS


_metadata = sa.MetaData()
_EPISODES, _PATIENTS = (
    sa.Table(
        name,
        _metadata,
        sa.Column("given", tables.Id, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        *more,
        prefixes=["TEMPORARY"],
        sqlite_with_rowid=False,
    )
    for name, more in (("numbered_episode", [sa.Column("own", sa.Integer)]), ("numbered_patient", []))
)


@cache
def _main(name: str) -> sa.Table:
    """Return the table in the store itself, which one laid out under the same name hides."""
    return tables.metadata.tables[name].to_metadata(sa.MetaData(), schema="main")


def _columns(name: str) -> tuple[str, ...]:
    """Return the columns of a table that may be looked at; of what sort a session is was looked at already."""
    return tuple(each for each in TABLES[name].columns if (name, each) != ("session", "type"))


@cache
def _laid(name: str, columns: tuple[str, ...], numbers: frozenset[str]) -> sa.Table:
    """Return a table as it is laid out: those columns and its key, in the order of how it is looked up."""
    source, order = tables.metadata.tables[name].c, _key(name)
    kinds = {each: source[each].type for each in dict.fromkeys((*order, *columns))}
    # A day is text to SQLite, which would try to make a number of one in a column of DATE, for every row.
    kinds |= {each: sa.String() for each, kind in kinds.items() if isinstance(kind, Day)}
    kinds |= {each: sa.Integer() for each in kinds if each in numbers or (name, each) in _BY_ROW}
    listed = [sa.Column(each, kind, nullable=each not in order) for each, kind in kinds.items()]
    return sa.Table(
        name, sa.MetaData(), *listed, sa.PrimaryKeyConstraint(*order), prefixes=["TEMPORARY"], sqlite_with_rowid=False
    )


def _key(name: str) -> tuple[str, ...]:
    """Return what orders a table's rows, up to their own number."""
    order = _ORDER[name]
    return order if (name, order[-1]) in _BY_ROW else (*order, "row_id")


def _counting(name: str, columns: tuple[str, ...], numbers: frozenset[str], as_of: int | None) -> sa.Select[Any]:
    """Select what counts of a table, as it is laid out."""
    t = _main(name)
    joined: sa.FromClause = t
    values: dict[str, Any] = {each: t.c[each] for each in dict.fromkeys((*_key(name), *columns))}
    if name == "episode":
        values["episode_id"] = t.c.row_id  # an episode has one row that counts
    elif "episode_id" in values:
        own = sa.true() if name in _UNDER_OLD_IDS else _EPISODES.c.own == 1
        joined = joined.join(_EPISODES, sa.and_(_EPISODES.c.given == t.c.episode_id, own))
        values["episode_id"] = _EPISODES.c.number
    if "patient_id" in values and "patient_id" in numbers:
        joined = joined.join(_PATIENTS, _PATIENTS.c.given == t.c.patient_id)
        values["patient_id"] = _PATIENTS.c.number
    values |= {column: t.c.row_id for table, column in _BY_ROW if table == name}
    conditions = [word(t.c.type).in_(SESSION_TYPES)] if name == "session" else []
    return (
        sa.select(*(value.label(each) for each, value in values.items()))
        .select_from(joined)
        .where(versions.current(t, as_of), *conditions)
        .order_by(*(values[each] for each in _key(name)))
    )
