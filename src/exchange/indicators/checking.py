"""Check a definition against the vocabulary: every finding names its line, what is wrong there and what to write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from exchange import shipped
from exchange.findings import Finding
from exchange.indicators.lines import Path, dotted
from exchange.indicators.spans import empty, overlapping
from exchange.indicators.vocabulary import ATTRIBUTES, EVENTS, NEW_EPISODE, REFERRAL, answer_element, words_of
from exchange.records.elements import elements
from exchange.records.instruments import instruments, is_prognostic

_MOMENTS = ("from", "to", "until", "recorded-by")
# What a value must look like, by the word before it: the schema knows a pattern, a person wants an example.
_SHAPES = {
    **dict.fromkeys(_MOMENTS, "indicators.not-a-moment"),
    "within": "indicators.not-days",
    "id": "indicators.not-an-id",
    "doi": "indicators.not-a-doi",
    "instrument": "indicators.instrument-not-known",
    "events": "indicators.event-not-known",
    "population": "indicators.total-not-known",
}
_LIMITS = {
    "minimum": "indicators.number-too-small",
    "maximum": "indicators.number-too-large",
    "minLength": "indicators.text-too-short",
    "maxLength": "indicators.text-too-long",
    "minItems": "indicators.nothing-here",
    "minProperties": "indicators.nothing-here",
    "uniqueItems": "indicators.twice-here",
    "oneOf": "indicators.one-condition",
    "falseSchema": "indicators.word-elsewhere",
}
_FORMS = {"integer": "number", "string": "text", "array": "list", "object": "words"}


def checked(content: Any, lines: Mapping[Path, int], source: str) -> tuple[Finding, ...]:
    """Return every finding on what was read, by line; nothing means that it is a definition."""
    prognostic = tuple(_prognostic(content))
    found = {("indicators.prognostic", place): _finding("indicators.prognostic", place, lines) for place in prognostic}
    for error in _schema().iter_errors(content):
        path: Path = tuple(error.instance_path)
        if any(place[: len(path)] == path for place in prognostic):
            continue  # the schema only knows that the place is not right, not why
        for rule, place, more in _told(error, path):
            # Two rules of the schema may want different words in one place: the narrower one says what to write.
            known = found.get((rule, place))
            if known is None or len(str(more.get("known", ""))) < len(str(known.params.get("known", ""))):
                found[rule, place] = _finding(rule, place, lines, **more)
    findings = list(found.values()) or [_finding(rule, path, lines, **more) for rule, path, more in _meaning(content)]
    return tuple(sorted(findings, key=lambda finding: finding.order))


@cache
def _schema() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_schema_text())


@cache
def _schema_text() -> Any:
    return json.loads(shipped.schemas("indicator.schema.json").read_text(encoding="utf-8"))


@cache
def _known_words() -> tuple[str, ...]:
    """Return every word that the schema knows anywhere: what a mistyped one may have been meant to be."""
    schema = _schema_text()
    parts = [schema, *schema["$defs"].values()]
    parts += [schema["properties"][name]["items"] for name in ("sources", "supplier")]
    parts += [schema["properties"][name] for name in ("example", "moments", "returns")]
    return tuple(sorted({name for part in parts for name in part.get("properties", {})}))


def _told(error: Any, path: Path) -> Iterator[tuple[str, Path, Mapping[str, object]]]:
    """Say one error of the schema in words of ours: the rule, the place, and what the sentence names."""
    kind = error.kind
    if kind.name == "additionalProperties":
        for name in map(str, kind.unexpected):
            # A word that is known, but not in this place, was not mistyped.
            near = [] if name in _known_words() else get_close_matches(name, _known_words(), 1, 0.75)
            rule = "indicators.unknown-word-near" if near else "indicators.unknown-word"
            yield rule, (*path, name), {"near": near[0]} if near else {}
    elif kind.name == "required":
        word = {"word": kind.property}
        yield ("indicators.missing-word" if path else "indicators.missing-word-top"), path, word
    elif kind.name == "enum":
        yield "indicators.not-one-of", path, {"known": ", ".join(str(each) for each in kind.options)}
    elif kind.name == "const":
        yield "indicators.not-one-of", path, {"known": str(kind.expected_value)}
    elif kind.name == "type":
        yield ("indicators.not-" + _FORMS[kind.types[0]] if path else "indicators.no-definition"), path, {}
    elif kind.name == "pattern":
        yield _SHAPES[str(path[-1])], path, {}
    else:
        yield _LIMITS[kind.name], path, {"limit": getattr(kind, "limit", "")}


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


def _meaning(content: Mapping[str, Any]) -> Iterator[tuple[str, Path, Mapping[str, object]]]:
    """Check what a schema cannot: closed lists, days on which an element can be recorded, windows, words of a kind."""
    for part in ("where", "exclude", "outcome"):
        for index, item in enumerate(content.get(part, ())):
            yield from ((rule, (part, index, *path), more) for rule, path, more in _amiss(item))
    yield from ((rule, path, {}) for rule, path in _whole(content))
    known = words_of(content["kind"], content["count"])
    form = {"kind": content["kind"], "count": content["count"]}
    yield from (("indicators.word-of-another-kind", (word,), form) for word in content if word not in known)
    for path, window in _windows(content, ()):
        wrong = tuple(_anchored(content, path, window))
        yield from ((rule, place, {}) for rule, place in wrong)
        if not wrong and "to" in window and empty(window["from"], window["to"]):
            yield "indicators.window-empty", path, {}


def _whole(content: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Check the words that stand by themselves: an instrument or total that is known, windows beside each other."""
    if "instrument" in content and content["instrument"] not in instruments():
        yield "indicators.instrument-not-known", ("instrument",)
    if content["count"] == "episodes" and "events" in content:
        if content["events"] not in {answer_element(event) for event in EVENTS}:
            yield "indicators.event-not-known", ("events",)
    elif content["count"] == "aggregates":
        totals = ((word, content[word]) for word in ("events", "population"))
        yield from (("indicators.total-not-known", (word,)) for word, total in totals if total not in elements())
    if content["kind"] == "rate-ratio" and overlapping(content["before"]["to"], content["after"]["from"]):
        yield "indicators.windows-overlap", ("after", "from")
    if content["kind"] == "category-share" and not _one_change(content["outcome"]):
        yield "indicators.share-of-classes", ("outcome",)


def _one_change(outcome: list[Mapping[str, Any]]) -> bool:
    return len(outcome) == 1 and outcome[0].get("scores", {}).get("wanted") == "improved"


def _amiss(item: Mapping[str, Any]) -> Iterator[tuple[str, Path, Mapping[str, object]]]:
    if "element" in item:
        attribute = ATTRIBUTES[item["element"]]
        known = [str(code.value) for code in attribute.codes if code.value != attribute.unknown]
        more = {"known": ", ".join(known)}
        for index, value in enumerate(item["is"]):
            if value not in known:
                yield "indicators.unknown-value", ("is", index), more
        # What would have happened otherwise counts only if it was recorded in time; nothing else has such a day.
        if ("recorded-by" in item) != item["element"].startswith("referral."):
            yield "indicators.recording-day", (), {}
    for word in ("absent", "exists"):
        if word in item and (item[word]["event"] == NEW_EPISODE) != ("same" in item[word]):
            yield "indicators.same-location", (word,), {}
        if word in item and "leave-out" in item[word] and item[word]["event"] != REFERRAL:
            yield "indicators.leave-out", (word, "leave-out"), {}
    if "scores" in item:
        yield from (("indicators." + rule, ("scores", "instrument"), {}) for rule in _scored(item["scores"]))


def _scored(scores: Mapping[str, Any]) -> Iterator[str]:
    """Check the instrument of a criterion: known, and one in particular where a change is judged by its threshold."""
    if scores["instrument"] == "any" and scores["wanted"] == "improved":
        yield "instrument-any"
    elif scores["instrument"] not in {"primary", "any", *instruments()}:
        yield "instrument-not-known"


def _windows(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Go through everything that holds a moment, in the order of the file."""
    if isinstance(value, Mapping):
        if any(word in value for word in _MOMENTS):
            yield path, value
        for name, inner in value.items():
            yield from _windows(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _windows(inner, (*path, index))


def _anchored(content: Mapping[str, Any], path: Path, window: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    for word in (word for word in _MOMENTS if word in window):
        anchor = window[word].split(" ")[0]
        totals = path[0] in ("before", "after") and content["count"] == "aggregates"
        if (anchor == "period-start") != totals:
            yield "indicators.wrong-anchor", (*path, word)
        if anchor == "handover" and content.get("period") != "handover":
            yield "indicators.handover-period", (*path, word)


def _finding(rule: str, path: Path, lines: Mapping[Path, int], **more: object) -> Finding:
    known = path
    while known and known not in lines:
        known = known[:-1]
    line = lines.get(known, 1)
    return Finding(rule, dotted(path), line=line, params={"line": line, "path": dotted(path), **more})
