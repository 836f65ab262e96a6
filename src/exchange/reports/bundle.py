"""The summary as FHIR: one collection Bundle of the Measures and a MeasureReport for every figure that is shown."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from exchange.indicators.definition import Definition
from exchange.indicators.measure import measure, measure_report
from exchange.messages.codes import BASE
from exchange.reports.facts import SummaryFacts

# Names under this are the same for the same figure of the same practice on the same day, as everything here is.
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, f"{BASE}/summary")


def bundle(facts: SummaryFacts, definitions: Iterable[Definition], language: str) -> bytes:
    """Return the Bundle; `definitions` are all that figures may be of, by the versions that were counted."""
    known = {(one.id, one.version): one for one in definitions}
    reports = [_report(facts, known, agreement, number, figure) for agreement, number, figure in _figures(facts)]
    used = sorted({(figure.indicator, figure.version) for _, _, figure in _figures(facts)})
    measures = [_entry(facts, f"Measure/{id_}/{version}", measure(known[id_, version].raw, language=language))
                for id_, version in used]  # fmt: skip
    built = {
        "resourceType": "Bundle",
        "language": language,
        "type": "collection",
        "timestamp": f"{facts.on.isoformat()}T12:00:00Z",
        "entry": [*measures, *reports],
    }
    return (json.dumps(built, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _figures(facts: SummaryFacts) -> list[tuple[str, int, Any]]:
    """Return every figure with its agreement (empty: the practice) and its place."""
    found = [(one.id, figure) for one in facts.agreements for figure in one.figures]
    found += [("", figure) for figure in facts.figures]
    return [(agreement, number, figure) for number, (agreement, figure) in enumerate(found)]


def _report(
    facts: SummaryFacts, known: Mapping[tuple[str, int], Definition], agreement: str, number: int, figure: Any
) -> dict[str, Any]:
    definition = known[figure.indicator, figure.version]
    built = measure_report(
        figure,
        reporter=facts.organisation.party,
        made_on=facts.on,
        improvement=definition.improvement,
        agreement=agreement,
    )
    return _entry(facts, f"MeasureReport/{number}/{agreement}/{figure.indicator}/{figure.version}", built)


def _entry(facts: SummaryFacts, name: str, resource: dict[str, Any]) -> dict[str, Any]:
    own = uuid.uuid5(_SPACE, f"{facts.organisation.party}/{facts.on.isoformat()}/{name}")
    return {"fullUrl": f"urn:uuid:{own}", "resource": resource}
