"""Check FHIR messages and definitions of indicators without a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from exchange.errors import MessageError, SourceError
from exchange.findings import Finding, Severity
from exchange.operations import files

_MOST = 256 * 1024 * 1024
MOST_FINDINGS = 1000
"""So many findings of one file are kept; what comes after is counted."""


def definition(file: Path, *, language: str = "nl") -> tuple[tuple[Finding, ...], str]:
    """Return every finding on an indicator's definition, each with its line; without any, the paragraph it becomes."""
    from exchange.indicators import reading
    from exchange.indicators.wording import paragraph

    data = files.read(file, most=_MOST)
    found = reading.check(data, file.name)
    return found, "" if found else paragraph(reading.read(data, file.name), language)


def findings(data: bytes) -> tuple[Finding, ...]:
    """Return all that is wrong with a message or a resource: what FHIR says, and scores that their counts do not give.

    Sorted by path and rule, and without any value of the input but for a group's own counts and score.
    """
    from exchange.messages.checking import MOST, checked

    found = checked(data)
    # Where findings were left out, a report may have a shape that none of them tells of.
    if found.tree is None or b"MeasureReport" not in data or len(found.findings) >= MOST:
        return found.findings
    more = [each for each in _recomputed(found.tree, found.findings) if each.severity is not Severity.INFORMATION]
    return tuple(sorted((*found.findings, *more), key=lambda each: each.order)) if more else found.findings


def require(data: bytes) -> None:
    """Raise MessageError for the first error; warnings pass."""
    for finding in findings(data):
        if finding.severity is Severity.ERROR:
            raise MessageError("messages.refused", path=finding.path, broken=finding.rule)


def check(file: Path) -> tuple[Finding, ...]:
    """Return the findings on a JSON file, or on each line of an NDJSON file with its line number.

    Neither is ever in memory whole: of a JSON file no more is read than a message may be long, and NDJSON is read a
    line at a time. After `MOST_FINDINGS` the rest is counted.
    """
    from exchange.messages.parsing import LIMITS

    try:
        with file.open("rb") as stream:
            if file.suffix.lower() != ".ndjson":
                return findings(stream.read(LIMITS.size + 1))
            return _kept(_of_lines(stream, LIMITS.size))
    except OSError as error:
        raise SourceError("files.unreadable", hints=("hint.file-path",), file=file.name, why=error.strerror) from None


def write_outcome(found: Mapping[str, Iterable[Finding]], file: Path, *, language: str = "nl") -> None:
    """Write the findings of each file as one FHIR OperationOutcome."""
    import json

    from exchange.messages.outcome import outcome

    pairs = ((Path(name).name, each) for name, many in found.items() for each in many)
    files.write(file, (json.dumps(outcome(pairs, language), ensure_ascii=False, indent=2) + "\n").encode())


def _of_lines(stream: IO[bytes], longest: int) -> Iterator[Finding]:
    number = 0
    while line := stream.readline(longest + 1):
        number += 1
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = stream.readline(longest)
            yield Finding("messages.too-large", "", Severity.ERROR, number, {"limit": longest})
        elif not line.isspace():
            for finding in findings(line):
                yield replace(finding, line=number)


def _kept(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the first findings and count the rest; that lines are resources and no messages is said once."""
    kept: list[Finding] = []
    more, worst = 0, Severity.INFORMATION
    resources = 0
    for finding in found:
        if finding.rule == "messages.not-a-message" and not finding.path:
            resources += 1
            if resources > 1:
                continue
        if len(kept) < MOST_FINDINGS:
            kept.append(finding)
            continue
        more += 1
        worst = finding.severity if worst is not Severity.ERROR else worst
    if resources > 1:
        kept = [
            replace(each, rule="messages.no-messages", params={"count": resources}) if _is_lone(each) else each
            for each in kept
        ]
    if more:
        kept.append(Finding("messages.more-findings", "", worst, None, {"count": more}))
    return tuple(kept)


def _is_lone(finding: Finding) -> bool:
    return finding.rule == "messages.not-a-message" and not finding.path


def _recomputed(tree: Mapping[str, Any], found: tuple[Finding, ...]) -> Iterator[Finding]:
    """Recompute every MeasureReport whose shape is FHIR's; one of another shape is refused for that already."""
    from exchange.indicators.recomputing import recompute

    wrong = {_place(each.path) for each in found if each.severity is Severity.ERROR and not _is_of_profile(each)}
    resources = dict(_resources(tree))
    scorings = {each["url"]: _scoring(each) for each in resources.values() if _is_measure(each)}
    for place, report in resources.items():
        if report.get("resourceType") != "MeasureReport" or _place(place) in wrong:
            continue
        measure = report.get("measure")
        scoring = scorings.get(measure.partition("|")[0]) if isinstance(measure, str) else None
        for each in recompute(report, scoring=scoring):
            yield replace(each, path=place + each.path.removeprefix("MeasureReport"))


def _place(path: str) -> str:
    """Return the entry that a path leads into; of a resource that stands alone there is but one place."""
    return path.partition("]")[0] if path.startswith("Bundle.entry[") else ""


def _is_of_profile(finding: Finding) -> bool:
    return finding.rule.startswith("messages.profile-")


def _resources(tree: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = tree.get("resourceType")
    if kind != "Bundle":
        yield str(kind), tree
        return
    entries = tree.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield f"Bundle.entry[{number}].{resource.get('resourceType')}", resource


def _is_measure(resource: Mapping[str, Any]) -> bool:
    return resource.get("resourceType") == "Measure" and isinstance(resource.get("url"), str)


def _scoring(measure: Mapping[str, Any]) -> str | None:
    from exchange.messages.looking import at

    code = at(measure, "scoring", "coding", 0, "code")
    return code if isinstance(code, str) else None
