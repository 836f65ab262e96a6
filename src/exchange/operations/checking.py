"""Check FHIR messages without a workspace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from exchange.findings import Finding
from exchange.operations import files

_MOST = 256 * 1024 * 1024


def check(file: Path) -> tuple[Finding, ...]:
    """Return every finding on a JSON file, or on each line of an NDJSON file with its line number."""
    from exchange.messages.checking import check as findings

    data = files.read(file, most=_MOST)
    if file.suffix.lower() != ".ndjson":
        return findings(data)
    return tuple(
        replace(finding, line=number)
        for number, line in enumerate(data.split(b"\n"), 1)
        if line.strip()
        for finding in findings(line)
    )
