"""Practices beside each other in a funnel, from the files they exported: figures, or a summary's MeasureReports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import IndicatorError, MessageError
from exchange.findings import Finding, Severity
from exchange.indicators.disclosure import TOO_FEW
from exchange.operations import figuring, files

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.indicators.funnel import Funnel

_MOST = 16 << 20
_POPULATIONS = {"denominator": "gross", "numerator": "numerator", "denominator-exclusion": "excluded"}


@dataclass(frozen=True, slots=True)
class Compared:
    """The funnel, the period it is about, and what was left out of it and why."""

    indicator: str
    start: date
    end: date
    funnel: Funnel
    findings: tuple[Finding, ...]


def practices(indicator: str, given: Sequence[Path], *, audience: str = "internal") -> Compared:
    """Return the funnel of one share over practices, a file for each.

    Outsiders see only practices that are safe by themselves, and the centre is of those alone: what is not shown can't
    be had by subtracting. Raises IndicatorError for an indicator that is no share, other versions or periods beside
    each other, and too few practices.
    """
    from exchange.indicators.disclosure import COUNTING_PEOPLE
    from exchange.indicators.funnel import Share, funnel

    (definition,) = figuring.definitions((indicator,))
    if definition.kind not in COUNTING_PEOPLE:
        raise IndicatorError("funnelling.no-share", id=indicator)
    read = [_read(file, indicator) for file in given]
    found = [finding for _, findings in read for finding in findings]
    figures = [figure for figure, _ in read if figure is not None]
    _require_same(figures)
    shown = figuring.protected(figures, audience)
    gone = (one for one in shown if one.masked is not None or not one.denominator)
    found += [Finding("funnelling.left-out", one.scope, Severity.INFORMATION) for one in gone]
    stand = [one for one in shown if one.masked is None and one.denominator and one.numerator is not None]
    drawn = funnel([Share(one.scope, one.numerator or 0, one.denominator or 0) for one in stand])
    return Compared(indicator, stand[0].start, stand[0].end, drawn, tuple(sorted(found, key=lambda each: each.order)))


def write(compared: Compared, to: Path, *, language: str, on: date, audience: str = "internal") -> None:
    """Write the funnel as a page or as its picture; the format is the file's ending. The page says who was left out."""
    from exchange.findings import say
    from exchange.indicators.reading import title_of
    from exchange.reports import funnels

    gone = tuple((one.path, say(one.rule, one.params, language)) for one in compared.findings)
    facts = funnels.FunnelFacts(
        title_of(compared.indicator, language), compared.start, compared.end, on, compared.funnel, gone,
        internal=audience == "internal",
    )  # fmt: skip
    funnels.write(facts, language, to)


def _require_same(figures: Sequence[Figure]) -> None:
    """Refuse what can't stand beside each other: another version or period, or one practice twice."""
    if len({(one.version, one.start, one.end) for one in figures}) > 1:
        raise IndicatorError("funnelling.differs")
    names = [one.scope for one in figures]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise IndicatorError("funnelling.twice", practice=twice)


def _read(file: Path, indicator: str) -> tuple[Figure | None, list[Finding]]:
    from exchange.messages.parsing import parse

    data = files.read(file, most=_MOST)
    try:
        content: Any = json.loads(data) if data.lstrip()[:1] == b"[" else parse(data)
        rows = [row for row in content if isinstance(row, dict)] if isinstance(content, list) else None
        found = _of_rows(rows, indicator, file.stem) if rows is not None else None
        findings: list[Finding] = []
        if rows is None:
            found, findings = _of_reports(content, indicator, file.stem)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, MessageError) as problem:
        raise IndicatorError("funnelling.unreadable", file=file.name) from problem
    missing = [] if found is not None else [Finding("funnelling.not-there", file.name, params={"id": indicator})]
    return found, [*findings, *missing]


def _of_rows(rows: Sequence[Mapping[str, Any]], indicator: str, name: str) -> Figure | None:
    """Return the unsplit figure of the practice from what `exchange indicators --to FILE.json` wrote."""
    from exchange.indicators.figure import Figure

    for row in rows:
        split = any(key.startswith("group_") for key in row)
        if row.get("indicator") == indicator and not split:
            counts = ("numerator", "denominator", "patients", "numerator_patients", "complement_patients")
            known: dict[str, Any] = {key: _whole(row.get(key)) for key in counts}
            start, end, cut = (date.fromisoformat(row[key]) for key in ("start", "end", "cut_off"))
            made = Figure(
                indicator, int(row["version"]), str(row["kind"]), str(row["unit"]), start, end, cut, scope=name
            )
            return replace(made, **known, masked=row.get("masked"))
    return None


def _whole(value: object) -> int | None:
    """Return a count; ValueError for what is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError
    return int(value)


def _of_reports(content: Mapping[str, Any], indicator: str, name: str) -> tuple[Figure | None, list[Finding]]:
    """Return the practice's own figure from its MeasureReports, and what does not follow from their counts."""
    from exchange.indicators.recomputing import recompute

    for report in _reports(content):
        measure, _, version = str(report.get("measure", "")).rpartition("/")[2].partition("|")
        if measure != indicator or _agreement(report):
            continue
        wrong = [one for one in recompute(report) if one.severity is Severity.ERROR]
        if wrong:
            return None, [replace(one, path=f"{name}: {one.path}") for one in wrong]
        return _figure(report, indicator, int(version), name), []
    return None, []


def _reports(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if content.get("resourceType") == "MeasureReport":
        yield content
    for entry in content.get("entry") or ():
        resource = entry.get("resource") or {}
        if resource.get("resourceType") == "MeasureReport":
            yield resource


def _agreement(report: Mapping[str, Any]) -> bool:
    inner = [each for extension in report.get("extension") or () for each in extension.get("extension") or ()]
    return any(each.get("url") == "agreement" for each in inner)


def _figure(report: Mapping[str, Any], indicator: str, version: int, name: str) -> Figure:
    from exchange.indicators.figure import Figure
    from exchange.indicators.reading import shipped_definitions

    counts = dict.fromkeys(_POPULATIONS.values(), 0)
    known = set()
    for population in report["group"][0].get("population") or ():
        code = population["code"]["coding"][0]["code"]
        if code in _POPULATIONS and isinstance(population.get("count"), int):
            counts[_POPULATIONS[code]] = population["count"]
            known.add(code)
    masked = None if {"denominator", "numerator"} <= known else TOO_FEW
    definition = shipped_definitions()[indicator]
    start = date.fromisoformat(report["period"]["start"])
    end = date.fromisoformat(report["period"]["end"]) + timedelta(days=1)
    made = Figure(indicator, version, definition.kind, definition.count, start, end, end, scope=name, masked=masked)
    if masked is not None:
        return made
    return replace(made, numerator=counts["numerator"], denominator=counts["gross"] - counts["excluded"])
