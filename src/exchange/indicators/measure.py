"""The FHIR renderings of an indicator: the R4 Measure of its definition and the MeasureReport of its figures.

Both are plain dicts in a fixed order. The report has the shape of Da Vinci DEQM's summary and individual
MeasureReports. Counts are as FHIR scores them: the denominator is gross, exclusions are taken off before exceptions,
and a score is only there where the net denominator is not zero. A withheld number is absent with the reason `masked`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from exchange.indicators.figure import Figure
from exchange.messages.codes import BASE, PARTY_SCHEMES, SYSTEMS, extension_url

_HL7 = "http://terminology.hl7.org/CodeSystem"
_DEQM = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
SCORING_EXTENSION = f"{_DEQM}/extension-measureScoring"
SCORING = f"{_HL7}/measure-scoring"
POPULATION = f"{_HL7}/measure-population"
OWN_POPULATION = f"{BASE}/CodeSystem/measure-population"

# Kinds whose score is numerator / denominator; the rest are scored from per-patient values that a report does not hold.
_PROPORTIONS = frozenset({"proportion", "completeness", "category-share"})
_IMPROVEMENT = {"higher": "increase", "lower": "decrease"}
_UNITS = {"mean": "1", "mean-change": "{score}"}


def scoring(kind: str) -> str:
    """Return FHIR's measure scoring for a kind of indicator."""
    if kind in _PROPORTIONS:
        return "proportion"
    return "ratio" if kind == "ratio" else "continuous-variable"


def canonical(indicator: str, version: int | None = None) -> str:
    """Return the canonical of an indicator's Measure, with its version where one is given."""
    url = f"{BASE}/Measure/{indicator}"
    return url if version is None else f"{url}|{version}"


def measure(definition: Mapping[str, Any], *, language: str = "nl") -> dict[str, Any]:
    """Return the R4 Measure of a definition's raw mapping (the content of its file)."""
    indicator, version, kind = str(definition["id"]), str(definition["version"]), str(definition["kind"])
    improvement = _IMPROVEMENT.get(str(definition.get("improvement", "")))
    built: dict[str, Any] = {
        "resourceType": "Measure",
        "id": indicator,
        "language": language,
        "url": canonical(indicator),
        "version": version,
        "name": "".join(word.capitalize() for word in indicator.split("-")),
        "title": _said(definition, "title", language),
        "status": "active",
        "subjectCodeableConcept": _concept("http://hl7.org/fhir/resource-types", "Patient"),
        "description": _said(definition, "limits", language),
        "rationale": _said(definition, "rationale", language),
        "relatedArtifact": [_citation(source) for source in definition.get("sources", ())],
        "scoring": _concept(SCORING, scoring(kind)),
        "type": [_concept(f"{_HL7}/measure-type", "process" if kind == "completeness" else "outcome")],
        "rateAggregation": kind,
        "improvementNotation": _concept(f"{_HL7}/measure-improvement-notation", improvement) if improvement else None,
        "group": [{"id": "group", "population": _populations_of(definition)}],
    }
    return {name: value for name, value in built.items() if value not in (None, [], "")}


def measure_report(
    figure: Figure,
    *,
    reporter: str,
    made_on: date,
    strata: Sequence[Figure] = (),
    improvement: str = "descriptive",
    kind: str = "summary",
    subject: str | None = None,
    identifier: str | None = None,
    agreement: str = "",
) -> dict[str, Any]:
    """Return the MeasureReport of a figure; `strata` are the same indicator's figures by group.

    `agreement` is the id of the agreement under which it was counted, where it is not the practice as a whole.

    `reporter` is a party `scheme:value`. `kind` is "summary", or "individual" with `subject`, a reference to the
    patient, and then a figure counted over that patient alone.
    """
    if (kind == "individual") != (subject is not None):
        raise ValueError(kind)
    notation = _IMPROVEMENT.get(improvement)
    profile = "indv" if kind == "individual" else "summary"
    group = {
        "id": "group",
        "extension": [_extension(SCORING_EXTENSION, "CodeableConcept", _concept(SCORING, scoring(figure.kind)))],
        "population": _counts(figure),
        "measureScore": _score(figure),
        "stratifier": _stratifiers(strata),
    }
    built: dict[str, Any] = {
        "resourceType": "MeasureReport",
        "meta": {"profile": [f"{_DEQM}/{profile}-measurereport-deqm"]},
        "extension": _provenance(figure, agreement),
        "identifier": [{"system": SYSTEMS["message"], "value": identifier}] if identifier else None,
        "status": "complete",
        "type": kind,
        "measure": canonical(figure.indicator, figure.version),
        "subject": {"reference": subject} if subject else None,
        "date": made_on.isoformat(),
        "reporter": {"type": "Organization", "identifier": _party(reporter)},
        # The last day is in a FHIR period; a figure's end is the day after it.
        "period": {"start": figure.start.isoformat(), "end": (figure.end - timedelta(days=1)).isoformat()},
        "improvementNotation": _concept(f"{_HL7}/measure-improvement-notation", notation) if notation else None,
        "group": [{name: value for name, value in group.items() if value}],
    }
    return {name: value for name, value in built.items() if value is not None}


def _said(definition: Mapping[str, Any], name: str, language: str) -> str:
    texts = definition.get(name) or {}
    return " ".join(str(texts.get(language) or texts.get("nl", "")).split())


def _citation(source: Mapping[str, Any]) -> dict[str, str]:
    found = {"type": "citation", "citation": str(source.get("text", ""))}
    if source.get("doi"):
        found["url"] = f"https://doi.org/{source['doi']}"
    return found


def _populations_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the populations with the definition's own words as their criteria; the file is the logic."""
    said: dict[str, tuple[str, ...]] = {
        "initial-population": ("count", "period", "where"),
        "denominator": ("count", "period", "where", "follow-up"),
        "denominator-exclusion": ("exclude",),
        "numerator": (
            "outcome",
            "measure",
            "moments",
            "events",
            "before",
            "after",
            "instrument",
            "agreed",
            "returns",
        ),
    }
    names = {"denominator": "measure-population", "numerator": "measure-observation"}
    counted = scoring(str(definition["kind"])) != "continuous-variable"
    found = []
    for code, parts in said.items():
        chosen = {part: definition[part] for part in parts if definition.get(part)}
        if code == "denominator-exclusion" and (not chosen or not counted):
            continue
        shown = code if counted else names.get(code, code)
        expression = json.dumps(chosen, ensure_ascii=False, sort_keys=True, default=str)
        criteria = {"language": "application/json", "expression": expression}
        found.append({"id": shown, "code": _concept(POPULATION, shown), "criteria": criteria})
    return found


def _counts(figure: Figure) -> list[dict[str, Any]]:
    """Return the counts by population; the denominator is gross, as FHIR's scoring takes exclusions off itself."""
    net, excluded = figure.denominator, figure.excluded
    way = scoring(figure.kind)
    # Of a ratio of sessions the denominator counts sessions, and what was left out are episodes.
    apart = figure.kind == "ratio" and figure.unit == "episodes"
    gross = None if net is None else net + (0 if apart else excluded or 0)
    counts: list[tuple[str, str, int | None]] = []
    if figure.eligible is not None or figure.masked:
        # Where events or sessions are divided, what is eligible are parties or episodes: no part of those populations.
        divided = figure.kind == "rate-ratio" or apart
        system, name = (OWN_POPULATION, "eligible") if divided else (POPULATION, "initial-population")
        counts.append((system, name, figure.eligible))
    if way == "continuous-variable":
        counts.append((POPULATION, "measure-population", net))
    else:
        counts.append((POPULATION, "denominator", gross))
        if excluded is not None:
            place = (OWN_POPULATION, "excluded") if apart else (POPULATION, "denominator-exclusion")
            counts.append((*place, excluded))
        counts.append((POPULATION, "numerator", figure.numerator))
    for name in ("due", "answered", "unknown", "censored"):
        known = getattr(figure, name)
        if known is not None or name in figure.withheld:
            counts.append((OWN_POPULATION, name, known))
    counts += [(OWN_POPULATION, f"part.{name}", count) for name, count in figure.parts.items()]
    counts += [(OWN_POPULATION, name.replace("parts.", "part."), None) for name in figure.withheld if "parts." in name]
    return [_population(system, code, count) for system, code, count in counts]


def _population(system: str, code: str, count: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {"id": code, "code": _concept(system, code)}
    if count is None:
        found["_count"] = _absent()
    else:
        found["count"] = count
    return found


def _score(figure: Figure) -> dict[str, Any] | None:
    if figure.masked is not None:
        return _absent()
    if figure.value is None:
        return None
    score: dict[str, Any] = {}
    if figure.interval is not None:
        limits = figure.interval
        parts = (("lower", limits.lower), ("upper", limits.upper), ("level", limits.level))
        inner = [_extension(name, "Decimal", number) for name, number in parts]
        inner.append(_extension("method", "Code", limits.method))
        score["extension"] = [{"url": extension_url("interval"), "extension": inner}]
    score["value"] = figure.value
    unit = _UNITS.get(figure.kind, "1")
    return score | {"system": SYSTEMS["ucum"], "code": unit}


def _stratifiers(strata: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return one stratifier for each set of dimensions, in order of appearance."""
    tables: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for figure in strata:
        names = tuple(sorted(figure.group))
        stratum: dict[str, Any] = {
            "component": [{"code": {"text": name}, "value": {"text": figure.group[name]}} for name in names],
            "population": [{k: v for k, v in each.items() if k != "id"} for each in _counts(figure)],
        }
        if score := _score(figure):
            stratum["measureScore"] = score
        tables.setdefault(names, []).append(stratum)
    return [{"code": [{"text": name} for name in names], "stratum": found} for names, found in tables.items()]


def _provenance(figure: Figure, agreement: str) -> list[dict[str, Any]]:
    """Return what a figure never travels without and MeasureReport has no element for."""
    said = [("scope", figure.scope), ("unit", figure.unit), ("cut-off", figure.cut_off.isoformat())]
    said += [("source", source) for source in figure.sources]
    if agreement:
        said.append(("agreement", agreement))
    if figure.masked is not None:
        said.append(("masked", figure.masked))
    return [{"url": extension_url("figure"), "extension": [_extension(name, "String", text) for name, text in said]}]


def _party(party: str) -> dict[str, str]:
    scheme, _, value = party.partition(":")
    if scheme not in PARTY_SCHEMES:
        raise ValueError(scheme)
    return {"system": SYSTEMS[scheme], "value": value}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _extension(url: str, kind: str, value: object) -> dict[str, Any]:
    return {"url": url, f"value{kind}": value}


def _absent() -> dict[str, Any]:
    return {"extension": [_extension(DATA_ABSENT, "Code", "masked")]}
