"""A file of which nobody said what it is: found out by its content, read, and proposed a mapping for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import fuzz_fhir
import fuzz_gds801
import fuzz_pm304
import fuzz_table
from consuming import consumed

from exchange.sources.reading import read
from exchange.sources.suggesting import suggest

CORPUS = tuple(one[:2500] for one in (*fuzz_pm304.CORPUS, *fuzz_gds801.CORPUS, *fuzz_table.CORPUS, *fuzz_fhir.CORPUS))
_FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "file"


def one_input(data: bytes) -> None:
    """Read the file; propose a mapping, and read it by that too."""
    _FILE.write_bytes(data)
    consumed(lambda: read(_FILE, on=date(2026, 1, 1)).rows())

    def rows() -> Iterator[object]:
        mapping = _FILE.with_name("mapping.toml")
        mapping.write_text(suggest(_FILE), encoding="utf-8")
        return read(_FILE, mapping=mapping, on=date(2026, 1, 1)).rows()

    consumed(rows)
