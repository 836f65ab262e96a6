"""Read a definition from YAML: check it with line numbers, then give it as the value that every engine uses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from exchange import shipped
from exchange.errors import IndicatorError
from exchange.findings import Finding
from exchange.indicators.checking import checked
from exchange.indicators.definition import Criterion, Definition, Happens, Has, Returns, Scores, Source, Supplier
from exchange.indicators.lines import loaded
from exchange.indicators.moments import Window
from exchange.indicators.spans import moment


@cache
def shipped_definitions() -> Mapping[str, Definition]:
    """Return the definitions that come with the toolkit, by id."""
    return {name: _shipped(name) for name in _files()}


def shipped_definition(name: str) -> Definition | None:
    """Return one of them by its id, without reading the others; nothing where there is none of that name."""
    return _shipped(name) if name in _files() else None


def title_of(name: str, language: str) -> str:
    """Return what one of them is called, or its id where there is none of that name; the others are not read."""
    known = shipped_definition(name)
    return known.title[language] if known is not None else name


@cache
def _files() -> Mapping[str, Path]:
    """Return the files by the ids of their definitions, which they are named after."""
    return {file.name.removesuffix(".yaml"): file for file in sorted(shipped.agreements("indicators").glob("*.yaml"))}


@cache
def _shipped(name: str) -> Definition:
    file = _files()[name]
    return read(file.read_bytes(), file.name)


def read(data: bytes, source: str) -> Definition:
    """Return the definition, or raise an IndicatorError with the first finding's place."""
    content, lines, findings = loaded(data, source)
    findings = findings or checked(content, lines, source)
    if findings:
        first = findings[0]
        raise IndicatorError(
            "indicators.not-valid",
            hints=("hint.check-indicator",),
            source=source,
            line=first.line or 1,
            path=first.path,
            count=len(findings),
        )
    return _definition(content)


def check(data: bytes, source: str) -> tuple[Finding, ...]:
    """Return every finding on a definition, each with its line; nothing means that it can be used."""
    content, lines, findings = loaded(data, source)
    return findings or checked(content, lines, source)


def _definition(content: Mapping[str, Any]) -> Definition:
    example = content["example"]
    moments, returns = content.get("moments", {"at": ()}), content.get("returns")
    return Definition(
        id=content["id"],
        version=content["version"],
        kind=content["kind"],
        count=content["count"],
        improvement=content["improvement"],
        title=content["title"],
        rationale=content["rationale"],
        limits=content["limits"],
        sources=tuple(Source(each["text"], each.get("doi", "")) for each in content["sources"]),
        suppliers=tuple(Supplier(**each) for each in content["supplier"]),
        example={"nl": example["nl"], "en": example["en"]},
        expect=example["expect"],
        aggregate_form=content.get("aggregate-form", {}),
        period=content.get("period", ""),
        where=tuple(_criterion(each) for each in content.get("where", ())),
        exclude=tuple(_has(each) for each in content.get("exclude", ())),
        outcome=tuple(_criterion(each) for each in content.get("outcome", ())),
        moments=tuple(sorted(moments["at"])),
        measure=content.get("measure", ""),
        unit=content.get("unit", ""),
        reference=tuple(content.get("reference", ())),
        before=_window(content["before"]) if "before" in content else None,
        after=_window(content["after"]) if "after" in content else None,
        events=content.get("events", ""),
        population=content.get("population", ""),
        instrument=content.get("instrument", ""),
        agreed=content.get("agreed", 0),
        returns=Returns(moment(returns["until"]), _days(returns["within"])) if returns else None,
        raw=content,
    )


def _criterion(item: Mapping[str, Any]) -> Criterion:
    if "element" in item:
        return _has(item)
    if "scores" in item:
        scores = item["scores"]
        return Scores(scores["wanted"], scores["instrument"], _days(scores["within"]))
    wanted = "exists" in item
    event = item["exists" if wanted else "absent"]
    return Happens(event["event"], wanted, _window(event), "same" in event, "leave-out" in event)


def _has(item: Mapping[str, Any]) -> Has:
    recorded_by = item.get("recorded-by")
    return Has(item["element"], tuple(item["is"]), moment(recorded_by) if recorded_by else None)


def _window(item: Mapping[str, Any]) -> Window:
    return Window(moment(item["from"]), moment(item["to"]))


def _days(text: str) -> int:
    return int(text.split(maxsplit=1)[0])
