"""A mapping proposed for any table, and the table read by it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import fuzz_table
from consuming import consumed

from exchange.sources.reading import read
from exchange.sources.suggesting import suggest

CORPUS = tuple(one[:600] for one in fuzz_table.CORPUS)
MUTATIONS = 25
_FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "file"


def one_input(data: bytes) -> None:
    """Propose a mapping; what is proposed is a mapping, and it fits the table."""
    _FILE.write_bytes(data)

    def rows() -> Iterator[object]:
        mapping = _FILE.with_name("mapping.toml")
        mapping.write_text(suggest(_FILE), encoding="utf-8")
        return read(_FILE, mapping=mapping, on=date(2026, 1, 1)).rows()

    consumed(rows)
