"""A file of which nobody said what it is: found out by its content, and read."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import fuzz_fhir
import fuzz_gds801
import fuzz_pm304
import fuzz_table
from consuming import consumed

from exchange.sources.reading import read

CORPUS = tuple(one[:2500] for one in (*fuzz_pm304.CORPUS, *fuzz_gds801.CORPUS, *fuzz_table.CORPUS, *fuzz_fhir.CORPUS))
_FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "file"


def one_input(data: bytes) -> None:
    """Read the file as what it shows itself to be."""
    _FILE.write_bytes(data)
    consumed(lambda: read(_FILE, on=date(2026, 1, 1)).rows())
