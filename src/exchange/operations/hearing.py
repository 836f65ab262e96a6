"""Figures that the practice told us as a partner: read from the reports as they came, recomputed when they did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.indicators.definition import Definition
    from exchange.indicators.figure import Figure, Interval

EVENT = "indicator-report"
_DAY = timedelta(days=1)
_POPULATIONS = {
    "initial-population": "eligible",
    "measure-population": "denominator",
    "denominator": "denominator",
    "denominator-exclusion": "excluded",
    "numerator": "numerator",
}
_OWN = frozenset({"eligible", "excluded", "due", "answered", "unknown", "censored"})
_PART = "part."


def period(report: Mapping[str, Any]) -> tuple[date, date]:
    """Return the half-open period of a report; its last day is in it."""
    start, end = (date.fromisoformat(report["period"][name][:10]) for name in ("start", "end"))
    return start, end + _DAY


def figures(workspace: Workspace, agreement: str) -> tuple[Figure, ...]:
    """Return what the practice last told of each indicator of an agreement and each period, over all its patients."""
    from exchange.agreements import signing
    from exchange.messages import reading
    from exchange.operations import agreeing

    found: dict[tuple[str, date, date], Figure] = {}
    versions = {one.digest: one for one in workspace.store.agreements.versions(agreement)}
    known = {
        digest: signing.definitions_of(agreeing.thawed(stored)) for digest, stored in versions.items()
    }  # fmt: skip
    for kept in workspace.store.received.of_event(EVENT):
        message = reading.read(kept.content)
        definitions = known.get(message.agreement.digest)
        for report in message.told.indicators if definitions is not None else ():
            made = _figure(report, definitions or {})
            if made is not None:
                found[made.indicator, made.start, made.end] = made
    return tuple(found[name] for name in sorted(found))


def individuals(workspace: Workspace, agreement: str) -> int:
    """Return of how many cases of an agreement the outcome of the one patient was told."""
    mine = {one.case_id for one in workspace.store.cases.of_agreement(agreement)}
    return len({one.case_id for one in workspace.store.received.of_event(EVENT)} & mine)


def _figure(report: Mapping[str, Any], definitions: Mapping[str, Definition]) -> Figure | None:
    """Return a summary report as a figure; what it does not count is None, as with any figure that is withheld."""
    from exchange.indicators.figure import Figure

    indicator, _, version = str(report.get("measure", "")).rpartition("/")[2].partition("|")
    definition = definitions.get(indicator)
    if definition is None or report.get("type") != "summary" or not report.get("group"):
        return None
    start, end = period(report)
    group = report["group"][0]
    counts, parts, absent = _counts(group)
    said = _said(report)
    score = group.get("measureScore") or {}
    gross, excluded = counts.pop("denominator", None), counts.get("excluded")
    # Of a ratio of sessions the denominator counts sessions, and what was left out are episodes.
    net = gross if gross is None or not _is_net(definition) else gross - (excluded or 0)
    made = Figure(
        indicator, int(version), definition.kind, said.get("unit", definition.count), start, end,
        date.fromisoformat(said.get("cut-off", end.isoformat())), scope=said.get("scope", "practice"),
        value=score.get("value"), interval=_interval(score), parts=parts,
    )  # fmt: skip
    masked = said.get("masked")
    return replace(made, **counts, denominator=net, masked=masked, withheld=() if masked else tuple(sorted(absent)))


def _is_net(definition: Definition) -> bool:
    from exchange.indicators.measure import scoring

    apart = definition.kind == "ratio" and definition.count == "episodes"
    return scoring(definition.kind) != "continuous-variable" and not apart


def _counts(group: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int], set[str]]:
    """Return the counts of a group, its named parts, and what is withheld."""
    from exchange.indicators.measure import OWN_POPULATION

    counts: dict[str, Any] = {}
    parts: dict[str, int] = {}
    absent: set[str] = set()
    for one in group.get("population") or ():
        coding = one["code"]["coding"][0]
        own = coding.get("system") == OWN_POPULATION
        name = coding["code"] if own else _POPULATIONS.get(coding["code"], "")
        if own and name not in _OWN and not name.startswith(_PART):
            continue
        if "count" not in one:
            absent.add(name.replace(_PART, "parts."))
        elif name.startswith(_PART):
            parts[name.removeprefix(_PART)] = one["count"]
        elif name:
            counts[name] = one["count"]
    return counts, parts, absent


def _said(report: Mapping[str, Any]) -> dict[str, str]:
    """Return what a figure never travels without: scope, unit, cut-off, and why it is withheld."""
    return dict(_inner(report))


def _inner(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for extension in report.get("extension") or ():
        for each in extension.get("extension") or ():
            yield str(each.get("url")), str(each.get("valueString", ""))


def _interval(score: Mapping[str, Any]) -> Interval | None:
    from exchange.indicators.figure import Interval

    for extension in score.get("extension") or ():
        inner = {each.get("url"): each for each in extension.get("extension") or ()}
        if {"lower", "upper", "method"} <= inner.keys():
            return Interval(
                inner["lower"]["valueDecimal"], inner["upper"]["valueDecimal"], str(inner["method"].get("valueCode")),
                (inner.get("level") or {}).get("valueDecimal", 0.95),
            )  # fmt: skip
    return None
