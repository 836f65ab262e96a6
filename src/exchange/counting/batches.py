"""The folders of many exports in batches: nothing that is counted crosses from one export to another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from exchange.counting.parquet import TABLES
from exchange.errors import IndicatorError

# How much Parquet is looked at together: some three million sessions, of which an engine needs a few hundred MiB.
SIZE = 48 * 2**20

# The files of each table.
Batch = Mapping[str, list[str]]


def batches(folder: Path, size: int = SIZE) -> list[Batch]:
    """Return the files of a pool's exports, several exports at a time; IndicatorError where a table is not there."""
    found: dict[str, dict[str, list[str]]] = {}
    weights: Counter[str] = Counter()
    for table in TABLES:
        for place in _named("source=", str(folder / table)):
            for file in sorted(_files(place.path), key=lambda file: file.path):
                found.setdefault(place.name, {}).setdefault(table, []).append(file.path)
                weights[place.name] += file.stat().st_size
        if not any(table in files for files in found.values()):
            raise IndicatorError("counting.no-exported", hints=("hint.counting-no-exported",), folder=str(folder))
    made: list[Batch] = []
    room = 0
    for source in sorted(found):
        files_of = found[source]
        if not made or weights[source] > room:
            made.append({table: [] for table in TABLES})
            room = size
        room -= weights[source]
        for table, files in files_of.items():
            made[-1][table].extend(files)
    return made


def _files(source: str) -> Iterator[os.DirEntry[str]]:
    for year in _named("year=", source):
        with os.scandir(year.path) as entries:
            yield from (file for file in entries if file.name.endswith(".parquet"))


def _named(beginning: str, folder: str) -> list[os.DirEntry[str]]:
    """Return the folders in a folder by their name; a pool has many thousands, which `Path.glob` is slow at."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.startswith(beginning) and entry.is_dir()]
    except FileNotFoundError:
        return []
