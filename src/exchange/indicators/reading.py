"""Read a definition from YAML: check it with line numbers, then give it as the value that every engine uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from exchange import shipped
from exchange.errors import IndicatorError
from exchange.findings import Finding
from exchange.indicators.definition import Criterion, Definition, Happens, Has, Returns, Scores, Source, Supplier
from exchange.indicators.moments import Moment, Window
from exchange.indicators.vocabulary import ATTRIBUTES, EVENTS, NEW_EPISODE, answer_element
from exchange.records.instruments import instruments, is_prognostic

MAX_BYTES = 256 * 1024
_MOMENT = re.compile(r"(start|end|handover|period-start)(?: ([+-]) (\d+) (days|months))?")
Path = tuple[str | int, ...]


@cache
def shipped_definitions() -> Mapping[str, Definition]:
    """Return the definitions that come with the toolkit, by id."""
    found = [read(file.read_bytes(), file.name) for file in sorted(shipped.agreements("indicators").glob("*.yaml"))]
    return {definition.id: definition for definition in found}


def read(data: bytes, source: str) -> Definition:
    """Return the definition, or raise an IndicatorError with the first finding's place."""
    content, lines, findings = _loaded(data, source)
    findings = findings or _checked(content, lines, source)
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
    content, lines, findings = _loaded(data, source)
    return findings or _checked(content, lines, source)


def _loaded(data: bytes, source: str) -> tuple[Any, Mapping[Path, int], tuple[Finding, ...]]:
    import yaml

    if len(data) > MAX_BYTES:
        return None, {}, (Finding("indicators.too-large", source, params={"limit": MAX_BYTES // 1024}),)
    try:
        # Aliases can grow a small file without bound, and no definition needs them.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the wheel has it: ten times as fast
        for token in yaml.scan(data, Loader=loader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                line = token.start_mark.line + 1
                return None, {}, (Finding("indicators.yaml-alias", source, line=line, params={"line": line}),)
        node = yaml.compose(data, Loader=loader)
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        return None, {}, (Finding("indicators.not-yaml", source, line=line, params={"line": line}),)
    lines: dict[Path, int] = {}
    doubled: list[Finding] = []
    content = _plain(node, (), lines, doubled)
    return content, lines, tuple(doubled)


def _plain(node: Any, path: Path, lines: dict[Path, int], doubled: list[Finding]) -> Any:
    """Turn YAML nodes into plain values, keeping each one's line; only integers are not text."""
    import yaml

    if node is None:
        return None
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            lines[(*path, name)] = key.start_mark.line + 1
            if name in mapping:
                line = key.start_mark.line + 1
                doubled.append(Finding("indicators.double-key", _dotted((*path, name)), line=line))
            inner = _plain(value, (*path, name), lines, doubled)
            lines[(*path, name)] = key.start_mark.line + 1
            mapping[name] = inner
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, (*path, index), lines, doubled) for index, each in enumerate(node.value)]
    if node.tag.endswith(":int") and re.fullmatch(r"\d{1,9}", node.value):
        return int(node.value)
    return node.value


@cache
def _schema() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(
        json.loads(shipped.schemas("indicator.schema.json").read_text(encoding="utf-8"))
    )


def _checked(content: Any, lines: Mapping[Path, int], source: str) -> tuple[Finding, ...]:
    prognostic = tuple(_prognostic(content))
    found = [_finding("indicators.prognostic", place, lines, source) for place in prognostic]
    for error in _schema().iter_errors(content):
        path: Path = tuple(error.instance_path)
        if any(place[: len(path)] == path for place in prognostic):
            continue  # the schema only knows that the place is not right, not why
        if error.kind.name == "additionalProperties":
            unexpected = [str(name) for name in error.kind.unexpected]
            found += [_finding("indicators.unknown-word", (*path, name), lines, source) for name in unexpected]
        elif error.kind.name == "required":
            found.append(_finding("indicators.missing-word", path, lines, source, word=error.kind.property))
        elif error.kind.name == "enum":
            known = ", ".join(str(each) for each in error.kind.options)
            found.append(_finding("indicators.not-one-of", path, lines, source, known=known))
        else:
            found.append(_finding("indicators.not-by-schema", path, lines, source, detail=error.message[:200]))
    if not found:
        found = list(_meaning(content, lines, source))
    return tuple(sorted(found, key=lambda finding: finding.order))


def _prognostic(content: Any) -> Iterator[Path]:
    """Go through the places that name a list which predicts: the finding then says why, not only what is allowed."""
    if isinstance(content, Mapping) and is_prognostic(str(content.get("instrument"))):
        yield ("instrument",)
    for part in ("where", "exclude", "outcome"):
        items = content.get(part) if isinstance(content, Mapping) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            scores = item.get("scores") if isinstance(item, Mapping) else None
            if isinstance(scores, Mapping) and is_prognostic(str(scores.get("instrument"))):
                yield (part, index, "scores", "instrument")


def _meaning(content: Mapping[str, Any], lines: Mapping[Path, int], source: str) -> list[Finding]:
    """Check what a schema cannot: values of closed lists, elements that can be recorded on a day, windows."""
    found: list[Finding] = []
    for part in ("where", "exclude", "outcome"):
        for index, item in enumerate(content.get(part, ())):
            found.extend(_finding(rule, (part, index, *path), lines, source) for rule, path in _amiss(item))
    found.extend(_finding(rule, path, lines, source) for rule, path in _whole(content))
    return found + _anchored(content, lines, source)


def _whole(content: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Check the words that stand by themselves: an instrument that is known, an event that partners can be asked."""
    if "instrument" in content and content["instrument"] not in instruments():
        yield "indicators.instrument-not-known", ("instrument",)
    asked = {answer_element(event) for event in EVENTS}
    if content["count"] == "episodes" and "events" in content and content["events"] not in asked:
        yield "indicators.event-not-known", ("events",)


def _amiss(item: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    if "element" in item:
        attribute = ATTRIBUTES[item["element"]]
        known = {str(code.value) for code in attribute.codes} - {attribute.unknown}
        yield from (("indicators.unknown-value", ("is", i)) for i, value in enumerate(item["is"]) if value not in known)
        # What would have happened otherwise counts only if it was recorded in time; nothing else has such a day.
        if ("recorded-by" in item) != item["element"].startswith("referral."):
            yield "indicators.recording-day", ()
    for word in ("absent", "exists"):
        if word in item and (item[word]["event"] == NEW_EPISODE) != ("same" in item[word]):
            yield "indicators.same-location", (word,)
    if "scores" in item:
        yield from (("indicators." + rule, ("scores", "instrument")) for rule in _scored(item["scores"]))


def _scored(scores: Mapping[str, Any]) -> Iterator[str]:
    """Check the instrument of a criterion: known, and one in particular where a change is judged by its threshold."""
    if scores["instrument"] == "any" and scores["wanted"] == "improved":
        yield "instrument-any"
    elif scores["instrument"] not in {"primary", "any", *instruments()}:
        yield "instrument-not-known"


def _anchored(content: Mapping[str, Any], lines: Mapping[Path, int], source: str) -> list[Finding]:
    found = []
    for path in lines:
        if path and path[-1] in ("from", "to", "recorded-by", "until"):
            value: Any = content
            for step in path:
                value = value[step]
            anchor = _moment(value).anchor
            totals = path[0] in ("before", "after") and content["count"] == "aggregates"
            if (anchor == "period-start") != totals:
                found.append(_finding("indicators.wrong-anchor", path, lines, source))
            if anchor == "handover" and content.get("period") != "handover":
                found.append(_finding("indicators.handover-period", path, lines, source))
    return found


def _finding(rule: str, path: Path, lines: Mapping[Path, int], source: str, **more: object) -> Finding:
    known = path
    while known and known not in lines:
        known = known[:-1]
    line = lines.get(known, 1)
    return Finding(
        rule, _dotted(path), line=line, params={"source": source, "line": line, "path": _dotted(path), **more}
    )


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "."


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
        returns=Returns(_moment(returns["until"]), _days(returns["within"])) if returns else None,
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
    return Has(item["element"], tuple(item["is"]), _moment(recorded_by) if recorded_by else None)


def _window(item: Mapping[str, Any]) -> Window:
    return Window(_moment(item["from"]), _moment(item["to"]))


def _days(text: str) -> int:
    return int(text.split(maxsplit=1)[0])


def _moment(text: str) -> Moment:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise AssertionError(text)  # the schema has refused anything else
    anchor, sign, amount, unit = match.groups()
    return Moment(anchor, int(amount or 0) * (-1 if sign == "-" else 1), unit or "days")
