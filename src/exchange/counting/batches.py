"""The folders of many exports in batches: nothing that is counted crosses from one export to another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exchange.counting.parquet import TABLES
from exchange.errors import IndicatorError

# How much Parquet is looked at together: some two million sessions, of which an engine needs a few hundred MiB.
SIZE = 32 * 2**20

# The files of each table.
Batch = Mapping[str, list[str]]


def batches(folder: Path, size: int = SIZE) -> list[Batch]:
    """Return the files of a pool's exports, several exports at a time; IndicatorError where a table is not there."""
    found: dict[str, dict[str, list[Path]]] = {}
    for table in TABLES:
        files = sorted((folder / table).glob("source=*/year=*/*.parquet"))
        if not files:
            raise IndicatorError("counting.no-exported", hints=("hint.counting-no-exported",), folder=str(folder))
        for file in files:
            found.setdefault(file.parent.parent.name, {}).setdefault(table, []).append(file)
    made: list[Batch] = []
    room = 0
    for source in sorted(found):
        files_of = found[source]
        weighs = sum(file.stat().st_size for files in files_of.values() for file in files)
        if not made or weighs > room:
            made.append({table: [] for table in TABLES})
            room = size
        room -= weighs
        for table, files in files_of.items():
            made[-1][table].extend(str(file) for file in files)
    return made
