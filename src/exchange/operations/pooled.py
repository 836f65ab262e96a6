"""Figures over pooled data: the same definitions, counted where the exported tables are, without a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import IndicatorError
from exchange.operations import figuring

if TYPE_CHECKING:
    from exchange.counting.engines import Engine
    from exchange.indicators.figure import Figure

ENGINES = ("duckdb", "spark")
SCOPE = "pooled"


@contextmanager
def opened(data: str, engine: str, *, remote: str = "") -> Iterator[Engine]:
    """Open exported tables: `data` is a folder for DuckDB, a folder or address that the cluster can read for Spark."""
    from exchange.counting import engines

    if engine not in ENGINES:
        raise IndicatorError("figuring.no-pooled-engine", engine=engine, known=", ".join(ENGINES))
    if engine == "duckdb":
        with engines.OnDuckDB(Path(data)) as found:
            yield found
        return
    if not remote:
        raise IndicatorError("figuring.no-remote", hints=("hint.figuring-remote",))
    yield engines.OnSpark.connect(remote, data)


def figures(
    data: str,
    ids: Sequence[str] = (),
    *,
    engine: str = "duckdb",
    remote: str = "",
    start: date | None = None,
    end: date | None = None,
    group_by: tuple[str, ...] = (),
    on: date,
    audience: str = "internal",
) -> tuple[Figure, ...]:
    """Return the figures over exported tables; `on` is the day up to which facts are taken to be known.

    Those that need more than the tables are left out unless named, as with `figuring.figures`.
    """
    from exchange.counting import counting
    from exchange.indicators.cohort import Question
    from exchange.indicators.figures import figure
    from exchange.records.instruments import instruments

    chosen = [one for one in figuring.definitions(ids) if ids or not figuring.needs_more(one)]
    found: list[Figure] = []
    with opened(data, engine, remote=remote) as tables:
        begin = start or counting.first_day(tables) or end or on
        if begin > (end or on):
            raise IndicatorError("figuring.period", hints=("hint.figuring-period",))
        questions = [Question(one, begin, end or on, on, group_by, instruments()) for one in chosen]
        for definition, cube in zip(chosen, counting.cubes(tables, questions), strict=True):
            named = figuring.sources(definition)
            found += [
                figure(definition, row, start=begin, end=end or on, cut_off=on, scope=SCOPE, sources=named)
                for row in cube.rows
            ]
    return figuring.protected(found, audience)
