"""The exported tables: which columns, how they lie in folders as Parquet, and how they are written.

    FOLDER/<table>/source=<export>/year=<year>/part-0.parquet

`source` is a random name per export, so that the folders of many practices can be laid into one. Every table has at
least one file per export, if need be without rows, so that a reader never meets a table that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.errors import IndicatorError

TEXT, DAY, NUMBER, LARGE, FLAG = "VARCHAR", "DATE", "INTEGER", "BIGINT", "SMALLINT"


@dataclass(frozen=True, slots=True)
class Exported:
    """One exported table; `year` names the day by which its files are divided."""

    columns: Mapping[str, str]
    year: str = ""


# What an indicator looks at and nothing else: no therapist, no partner, no question, no answerer.
TABLES: Mapping[str, Exported] = {
    "patient": Exported({"patient_id": TEXT, "sex": TEXT, "birth_date": DAY}),
    "episode": Exported(
        {
            "episode_id": TEXT, "patient_id": TEXT, "start_date": DAY, "end_date": DAY, "diagnosis": TEXT,
            "location": TEXT, "access": TEXT, "end_reason": TEXT, "onward_advice": TEXT, "chronic": FLAG,
            "instrument": TEXT, "therapist": TEXT, "foreign": FLAG,
        },
        "start_date",
    ),
    "session": Exported({"session_id": LARGE, "episode_id": TEXT, "day": DAY, "type": TEXT}, "day"),
    "measurement": Exported(
        {"measurement_id": LARGE, "episode_id": TEXT, "instrument": TEXT, "day": DAY, "score": NUMBER}, "day"
    ),
    "referral": Exported(
        {"referral_id": LARGE, "episode_id": TEXT, "day": DAY, "counterfactual": TEXT, "recorded_on": DAY}
    ),
    "evaluation": Exported(
        {
            "evaluation_id": LARGE, "episode_id": TEXT, "session_number": NUMBER, "day": DAY, "effect": TEXT,
            "advice_taken_up": TEXT, "decision": TEXT, "told_referrer_on": DAY,
        },
        "day",
    ),
    "answer": Exported(
        {
            "case_id": TEXT, "episode_id": TEXT, "element": TEXT, "start_date": DAY, "end_date": DAY, "status": TEXT,
            "evidence": TEXT, "count": NUMBER, "first_day": DAY, "received_on": DAY,
        },
        "start_date",
    ),
    "aggregate": Exported(
        {
            "partner": TEXT, "element": TEXT, "start_date": DAY, "end_date": DAY, "value": NUMBER,
            "population": NUMBER, "evidence": TEXT, "message_id": TEXT,
        }
    ),
    "case_opened": Exported({"case_id": TEXT, "episode_id": TEXT, "agreement_id": TEXT, "opened_on": DAY}),
}  # fmt: skip


def duckdb() -> Any:
    """Return the library, or say how to get it."""
    try:
        import duckdb as library
    except ImportError:
        raise IndicatorError("counting.no-duckdb", hints=("hint.counting-no-duckdb",)) from None
    return library


def write(folder: Path, source: str, rows: Mapping[str, Iterable[Sequence[Any]]]) -> dict[str, int]:
    """Write every table's rows, in the order of `TABLES`' columns, as one source; return how many rows each has."""
    connection = duckdb().connect(":memory:")
    written: dict[str, int] = {}
    try:
        for name, table in TABLES.items():
            columns = ", ".join(f'"{column}" {kind}' for column, kind in table.columns.items())
            connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
            written[name] = sum(_insert(connection, name, batch) for batch in _batches(rows.get(name, ())))
            for year, condition in _years(connection, name, table):
                place = folder / name / f"source={source}" / f"year={year}"
                place.mkdir(parents=True, exist_ok=True)
                file = str(place / "part-0.parquet").replace("'", "''")
                chosen = f"SELECT * FROM {name} WHERE {condition}"  # noqa: S608 - names of ours and a number
                connection.execute(f"COPY ({chosen}) TO '{file}' (FORMAT parquet)")
            connection.execute(f"DROP TABLE {name}")
    finally:
        connection.close()
    return written


def _batches(rows: Iterable[Sequence[Any]], size: int = 50_000) -> Iterator[list[Sequence[Any]]]:
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _insert(connection: Any, name: str, batch: Sequence[Sequence[Any]]) -> int:
    kinds = TABLES[name].columns.values()
    places = ", ".join(f"unnest(${i}::{kind}[])" for i, kind in enumerate(kinds, start=1))
    connection.execute(f"INSERT INTO {name} SELECT {places}", [list(column) for column in zip(*batch, strict=True)])
    return len(batch)


def _years(connection: Any, name: str, table: Exported) -> list[tuple[int, str]]:
    """Return the years of a table with the condition for their rows; year 0 where there is no day to divide by."""
    if not table.year:
        return [(0, "true")]
    query = f"SELECT DISTINCT year({table.year}) FROM {name} ORDER BY 1"  # noqa: S608 - names of ours
    found = connection.execute(query).fetchall()
    return [(year, f"year({table.year}) = {int(year)}") for (year,) in found] or [(0, "true")]
