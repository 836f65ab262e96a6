"""Official index figures, PREM results and improvement points: what is entered or loaded, never calculated here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exchange.errors import StoreError
from exchange.records.model import ImprovementPoint, IndexFigure, Prem
from exchange.sources.rows import IndexRow, PremRow
from exchange.store import tables
from exchange.store.database import Database
from exchange.store.versions import Values, current, each, first, put


def put_index(connection: Connection, rows: Iterable[IndexRow | IndexFigure], load: int) -> None:
    """Write official figures; a year's version of an insurer has one."""
    made = [
        {
            "year": row.year,
            "version": row.version,
            "insurer": row.insurer,
            "value": row.value,
            "lower": row.lower,
            "upper": row.upper,
            "period_start": row.period_start,
            "period_end": row.period_end,
            "source": row.source,
            "patients": row.patients,
        }
        for row in rows
    ]
    put(connection, tables.index_figure, made, load, key=("year", "version", "insurer"))


def put_prem(connection: Connection, database: Database, rows: Iterable[PremRow], load: int) -> None:
    """Write what a bureau returned; its comments wait for a person's approval."""
    made, comments = [], []
    for row in rows:
        prem_id = database.id_of("prem", row.bureau, row.period_start, row.period_end)
        made.append(
            {
                "prem_id": prem_id,
                "bureau": row.bureau,
                "period_start": row.period_start,
                "period_end": row.period_end,
                "respondents": row.respondents,
                "mean": row.mean,
                "nps": row.nps,
                "source": row.source,
            }
        )
        comments += [(database.id_of("comment", prem_id, text), prem_id, text) for text in row.comments]
    put(connection, tables.prem, made, load, key=("prem_id",))
    put(
        connection,
        tables.prem_comment,
        [{"comment_id": one, "prem_id": prem, "text": text, "approved_by": ""} for one, prem, text in comments],
        load,
        key=("comment_id",),
        # Loading a comment again does not take its approval away, nor bring back what was struck out of it.
        but=("approved_by", "text"),
    )


class Figures:
    """`store.figures`: official index figures, PREM results and improvement points."""

    def __init__(self, database: Database) -> None:
        """Keep the database."""
        self._database = database

    def index(self) -> tuple[IndexFigure, ...]:
        """Return every official figure by year, version and insurer."""
        table = tables.index_figure
        query = sa.select(table).where(current(table)).order_by(table.c.year, table.c.version, table.c.insurer)
        with self._database.reading() as connection:
            return tuple(_index(row) for row in each(connection, query))

    def index_history(self) -> tuple[tuple[IndexFigure, int, int | None], ...]:
        """Return every version of every official figure, with the loads that made and superseded it."""
        table = tables.index_figure
        order = (table.c.year, table.c.version, table.c.insurer, table.c.load_from)
        with self._database.reading() as connection:
            return tuple(
                (_index(row), row["load_from"], row["load_to"])
                for row in each(connection, sa.select(table).order_by(*order))
            )

    def record_index(self, figure: IndexFigure, *, by: str, at: datetime) -> None:
        """Write one official figure that a person typed in; a year's version of an insurer has one."""
        with self._database.changing(by=by, at=at) as (connection, load):
            put_index(connection, [figure], load)

    def prem(self) -> tuple[Prem, ...]:
        """Return every PREM result with its approved comments, by period."""
        table, comment = tables.prem, tables.prem_comment
        approved = sa.select(comment).where(current(comment), comment.c.approved_by != "").order_by(comment.c.text)
        with self._database.reading() as connection:
            quoted: dict[str, list[str]] = {}
            for row in connection.execute(approved):
                quoted.setdefault(row.prem_id, []).append(row.text)
            rows = connection.execute(sa.select(table).where(current(table)).order_by(table.c.period_start)).all()
        return tuple(
            Prem(
                row.bureau,
                row.period_start,
                row.period_end,
                row.respondents,
                row.mean,
                row.nps,
                row.source,
                tuple(quoted.get(row.prem_id, ())),
            )
            for row in rows
        )

    def comments_waiting(self) -> tuple[tuple[str, str], ...]:
        """Return id and text of every comment that nobody has approved."""
        comment = tables.prem_comment
        query = sa.select(comment).where(current(comment), comment.c.approved_by == "").order_by(comment.c.comment_id)
        with self._database.reading() as connection:
            return tuple((row.comment_id, row.text) for row in connection.execute(query))

    def approve_comment(self, comment_id: str, *, text: str = "", by: str, at: datetime) -> None:
        """Record that a person looked for names in a comment and lets it be quoted, as `text` without them."""
        comment = tables.prem_comment
        with self._database.changing(by=by, at=at) as (connection, load):
            query = sa.select(comment).where(current(comment), comment.c.comment_id == comment_id)
            row = first(connection, query)
            if row is None:
                raise StoreError("store.unknown", what="comment", id=comment_id)
            put(
                connection,
                comment,
                [{**row, "text": text or row["text"], "approved_by": by}],
                load,
                key=("comment_id",),
            )

    def save_improvement(self, point: ImprovementPoint, *, by: str, at: datetime) -> None:
        """Write an improvement point as it is now; earlier versions stay."""
        row = {
            "point_id": point.point_id,
            "title": point.title,
            "indicator": point.indicator,
            "baseline": point.baseline,
            "goal": point.goal,
            "actions": point.actions,
            "owner": point.owner,
            "check_on": " ".join(day.isoformat() for day in point.check_on),
            "realised": point.realised,
            "act": point.act,
        }
        with self._database.changing(by=by, at=at) as (connection, load):
            put(connection, tables.improvement, [row], load, key=("point_id",))

    def improvements(self, as_of: int | None = None) -> tuple[ImprovementPoint, ...]:
        """Return every improvement point by id, now or as of a load."""
        table = tables.improvement
        query = sa.select(table).where(current(table, as_of)).order_by(table.c.point_id)
        with self._database.reading() as connection:
            return tuple(_point(row) for row in each(connection, query))


def _index(row: Values) -> IndexFigure:
    return IndexFigure(
        row["year"],
        row["version"],
        row["insurer"],
        row["value"],
        row["lower"],
        row["upper"],
        row["period_start"],
        row["period_end"],
        row["source"],
        row["patients"],
    )


def _point(row: Values) -> ImprovementPoint:
    return ImprovementPoint(
        row["point_id"],
        row["title"],
        row["indicator"],
        row["baseline"],
        row["goal"],
        row["actions"],
        row["owner"],
        tuple(date.fromisoformat(day) for day in row["check_on"].split()),
        row["realised"],
        row["act"],
    )
