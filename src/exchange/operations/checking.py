"""Check FHIR messages and definitions of indicators without a workspace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from exchange.findings import Finding
from exchange.operations import files

_MOST = 256 * 1024 * 1024


def definition(file: Path, *, language: str = "nl") -> tuple[tuple[Finding, ...], str]:
    """Return every finding on an indicator's definition, each with its line; without any, the paragraph it becomes."""
    from exchange.indicators import reading
    from exchange.indicators.wording import paragraph

    data = files.read(file, most=_MOST)
    found = reading.check(data, file.name)
    return found, "" if found else paragraph(reading.read(data, file.name), language)


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
