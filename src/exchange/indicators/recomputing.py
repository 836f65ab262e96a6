"""A received MeasureReport is recomputed: a score must follow from the report's own counts (rule 9).

Exclusions come before exceptions, as in FHIR's measure scoring: of a denominator of 2 with 1 exclusion and
1 numerator the score is 1.0. A zero denominator has no score. A stated score may be rounded to the digits it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from exchange.findings import Finding, Severity
from exchange.indicators.measure import DATA_ABSENT, SCORING, SCORING_EXTENSION

# A score of more digits is none, and would take for ever to compare.
_LARGEST = 400

_COUNTS = (
    "initial-population",
    "denominator",
    "denominator-exclusion",
    "denominator-exception",
    "numerator",
    "numerator-exclusion",
    "measure-population",
    "measure-population-exclusion",
)


def recompute(report: Mapping[str, Any], *, scoring: str | None = None) -> tuple[Finding, ...]:
    """Return why a report's scores do not follow from its counts, with the arithmetic; () where they do.

    `scoring` is the Measure's, for a report that does not say it. The counts of an individual report are one
    patient's, so its findings leave the numbers out.
    """
    findings: list[Finding] = []
    private = report.get("type") == "individual"
    said = _scoring(report) or scoring
    for i, group in enumerate(report.get("group") or ()):
        way = _scoring(group) or said
        for path, part in _scored(f"MeasureReport.group[{i}]", group):
            findings += _check(path, part, way)
    if private:
        findings = [Finding(each.rule, each.path, each.severity) for each in findings]
    return tuple(sorted(findings, key=lambda finding: finding.order))


def _scored(path: str, group: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, group
    for i, stratifier in enumerate(group.get("stratifier") or ()):
        for j, stratum in enumerate(stratifier.get("stratum") or ()):
            yield f"{path}.stratifier[{i}].stratum[{j}]", stratum


def _scoring(holder: Mapping[str, Any]) -> str | None:
    for extension in holder.get("extension") or ():
        if extension.get("url") == SCORING_EXTENSION:
            return _code(extension.get("valueCodeableConcept") or {}, SCORING)
    return None


def _code(concept: Mapping[str, Any], system: str) -> str | None:
    for coding in concept.get("coding") or ():
        if coding.get("system") in {system, None}:
            return str(coding.get("code"))
    return None


def _check(path: str, part: Mapping[str, Any], way: str | None) -> list[Finding]:
    counts: dict[str, int] = {}
    masked = False
    for population in part.get("population") or ():
        codes = [str(coding.get("code")) for coding in (population.get("code") or {}).get("coding") or ()]
        code = next((each for each in codes if each in _COUNTS), None)
        masked = masked or (code is not None and _is_absent(population.get("_count")))
        count = population.get("count")
        if code is None or count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 0 or code in counts:
            return [Finding("recomputing.not-a-count", path, params={"population": code})]
        counts[code] = count
    found = _relations(path, counts)
    if found:
        return found
    stated = part.get("measureScore")
    if masked or stated is None or _is_absent(stated):
        return _unscored(path, counts, masked=masked or stated is not None, way=way)
    return _against(path, counts, stated, way)


def _is_absent(element: object) -> bool:
    if not isinstance(element, Mapping) or "value" in element:
        return False
    return any(each.get("url") == DATA_ABSENT for each in element.get("extension") or ())


def _relations(path: str, counts: Mapping[str, int]) -> list[Finding]:
    """Check what must hold between counts whatever the score is."""
    found = []
    for small, large in (("denominator", "initial-population"), ("measure-population", "initial-population")):
        if small in counts and large in counts and counts[small] > counts[large]:
            params = {"small": small, "large": large, "count": counts[small], "of": counts[large]}
            found.append(Finding("recomputing.more-than", path, Severity.WARNING, params=params))
    for code in ("denominator", "numerator", "measure-population"):
        taken = _taken(counts, code)
        if code in counts and taken > counts[code]:
            params = {"population": code, "count": counts[code], "taken": taken}
            found.append(Finding("recomputing.more-excluded", path, params=params))
    return [each for each in found if each.severity is Severity.ERROR] or found


def _taken(counts: Mapping[str, int], code: str) -> int:
    return counts.get(f"{code}-exclusion", 0) + counts.get(f"{code}-exception", 0)


def _net(counts: Mapping[str, int], code: str) -> int | None:
    return counts[code] - _taken(counts, code) if code in counts else None


def _unscored(path: str, counts: Mapping[str, int], *, masked: bool, way: str | None) -> list[Finding]:
    below, above = _net(counts, "denominator"), _net(counts, "numerator")
    if masked:
        return [Finding("recomputing.masked", path, Severity.INFORMATION)]
    if below and above is not None and way in {None, "proportion", "ratio"}:
        return [Finding("recomputing.no-score", path, Severity.WARNING, params=_arithmetic(counts))]
    return []


def _against(path: str, counts: Mapping[str, int], stated: Mapping[str, Any], way: str | None) -> list[Finding]:
    try:
        score = Decimal(str(stated.get("value")))
    except InvalidOperation:
        score = Decimal("NaN")
    if not score.is_finite() or abs(score.adjusted()) > _LARGEST:
        return [Finding("recomputing.not-a-score", path)]
    if way == "continuous-variable":
        # A mean can't be redone from counts; only a mean over nobody can be refused.
        empty = _net(counts, "measure-population") == 0
        return [Finding("recomputing.score-of-nothing", path, params={"score": str(score)})] if empty else []
    below, above = _net(counts, "denominator"), _net(counts, "numerator")
    if below is None or above is None:
        return [Finding("recomputing.counts-missing", path, Severity.WARNING)]
    if below == 0:
        return [Finding("recomputing.score-of-nothing", path, params={"score": str(score)})]
    params = _arithmetic(counts)
    if way in {None, "proportion"} and above > below:
        return [Finding("recomputing.numerator-too-large", path, params=params)]
    percent = "%" in {stated.get("code"), stated.get("unit")}
    exact = Fraction(above, below) * (100 if percent else 1)
    if abs(Fraction(score) - exact) <= _rounding(score, least=0 if percent else 2):
        return []
    stated_and_found = {"score": str(score), "computed": f"{float(exact):.6g}"}
    return [Finding("recomputing.score-differs", path, params={**params, **stated_and_found})]


def _arithmetic(counts: Mapping[str, int]) -> dict[str, object]:
    return {
        "numerator": _net(counts, "numerator"),
        "denominator": counts.get("denominator"),
        "exclusions": counts.get("denominator-exclusion", 0),
        "exceptions": counts.get("denominator-exception", 0),
        "net": _net(counts, "denominator"),
    }


def _rounding(score: Decimal, *, least: int) -> Fraction:
    """Return half a unit of the last digit shown, of at `least` so many decimals, and never less than a float loses."""
    exponent = score.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return Fraction(1, 2 * 10 ** min(max(digits, least), 12))
