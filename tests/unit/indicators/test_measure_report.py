"""Measure and MeasureReport: shape, counts, what is withheld, and that fhir.resources takes every one of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
import yaml

from exchange import shipped
from exchange.indicators.figure import Figure, Interval
from exchange.indicators.measure import canonical, measure, measure_report, scoring
from exchange.indicators.protecting import protect
from exchange.indicators.recomputing import recompute

DEFINITION = yaml.safe_load(
    """
    id: onward-advice
    version: 3
    kind: proportion
    count: episodes
    improvement: higher
    title: {nl: Zonder doorverwijsadvies, en: Without onward advice}
    rationale: {nl: Waarom dit telt., en: Why this counts.}
    limits: {nl: Wat het niet laat zien., en: What it does not show.}
    sources: [{text: "Bron 2016", doi: 10.1000/x}, {text: Zonder vindplaats}]
    period: end
    where: [{element: episode.access, is: [referral]}]
    exclude: [{element: episode.end-reason, is: [died]}]
    outcome: [{element: episode.onward-advice, is: ["no"]}]
    """
)
FIGURE = Figure(
    "onward-advice", 3, "proportion", "episodes", date(2025, 1, 1), date(2026, 1, 1), date(2026, 2, 1),
    eligible=90, due=80, answered=60, unknown=20, censored=12, excluded=10, numerator=45, denominator=60, patients=50,
    value=0.75, interval=Interval(0.61, 0.85, "wilson-clustered"), parts={"yes": 45}, sources=("epd", "pm304"),
)  # fmt: skip


def report(figure=FIGURE, **more):
    return measure_report(figure, **({"reporter": "agb:07000001", "made_on": date(2026, 3, 1)} | more))


def codes(part):
    return {each["code"]["coding"][0]["code"]: each.get("count", each.get("_count")) for each in part["population"]}


def typed(resource):
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(resource["resourceType"]).model_validate_json(json.dumps(resource))


def test_the_measure_says_what_the_definition_says() -> None:
    built = measure(DEFINITION)
    assert typed(built).url == canonical("onward-advice")
    assert (built["version"], built["name"], built["title"]) == ("3", "OnwardAdvice", "Zonder doorverwijsadvies")
    assert built["rationale"] == "Waarom dit telt."
    assert built["scoring"]["coding"][0]["code"] == "proportion"
    assert built["improvementNotation"]["coding"][0]["code"] == "increase"
    assert [each.get("url") for each in built["relatedArtifact"]] == ["https://doi.org/10.1000/x", None]
    assert measure(DEFINITION, language="en")["title"] == "Without onward advice"


def test_the_criteria_are_the_definitions_own_words() -> None:
    (group,) = measure(DEFINITION)["group"]
    criteria = {each["id"]: json.loads(each["criteria"]["expression"]) for each in group["population"]}
    assert list(criteria) == ["initial-population", "denominator", "denominator-exclusion", "numerator"]
    assert criteria["numerator"] == {"outcome": DEFINITION["outcome"]}
    assert criteria["denominator-exclusion"] == {"exclude": DEFINITION["exclude"]}


def test_a_mean_is_a_continuous_variable_and_descriptive_has_no_direction() -> None:
    built = measure(DEFINITION | {"kind": "mean", "improvement": "descriptive", "sources": []})
    typed(built)
    ids = [each["id"] for each in built["group"][0]["population"]]
    assert ids == ["initial-population", "measure-population", "measure-observation"]
    assert "improvementNotation" not in built
    assert "relatedArtifact" not in built
    plain = {name: value for name, value in DEFINITION.items() if name != "exclude"}
    assert len(measure(plain)["group"][0]["population"]) == 3


def test_measuring_is_a_process_and_the_rest_outcome() -> None:
    kinds = {
        kind: measure(DEFINITION | {"kind": kind})["type"][0]["coding"][0]["code"] for kind in ("completeness", "mean")
    }
    assert kinds == {"completeness": "process", "mean": "outcome"}
    assert [scoring(kind) for kind in ("ratio", "category-share", "rate-ratio")] == [
        "ratio",
        "proportion",
        "continuous-variable",
    ]


@pytest.mark.parametrize("path", sorted(shipped.agreements("indicators").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_definition_becomes_a_measure(path) -> None:
    typed(measure(yaml.safe_load(path.read_text(encoding="utf-8"))))


def test_a_summary_report_carries_the_counts_and_the_score() -> None:
    built = report(improvement="higher", identifier="urn-1")
    typed(built)
    assert built["measure"] == f"{canonical('onward-advice')}|3"
    assert built["meta"]["profile"][0].endswith("/summary-measurereport-deqm")
    assert built["reporter"]["identifier"]["value"] == "07000001"
    assert built["identifier"][0]["value"] == "urn-1"
    (group,) = built["group"]
    assert codes(group) == {
        "initial-population": 90,
        "denominator": 70,
        "denominator-exclusion": 10,
        "numerator": 45,
        "due": 80,
        "answered": 60,
        "unknown": 20,
        "censored": 12,
        "part.yes": 45,
    }
    assert group["measureScore"]["value"] == 0.75
    limits = {each["url"]: each for each in group["measureScore"]["extension"][0]["extension"]}
    assert (limits["lower"]["valueDecimal"], limits["upper"]["valueDecimal"]) == (0.61, 0.85)
    assert limits["method"]["valueCode"] == "wilson-clustered"


def test_a_fhir_period_ends_on_the_last_day() -> None:
    assert report()["period"] == {"start": "2025-01-01", "end": "2025-12-31"}


def test_a_figures_origin_travels_with_it() -> None:
    said = [(each["url"], each["valueString"]) for each in report()["extension"][0]["extension"]]
    assert said == [
        ("scope", "practice"),
        ("unit", "episodes"),
        ("cut-off", "2026-02-01"),
        ("source", "epd"),
        ("source", "pm304"),
    ]


def test_our_own_report_follows_from_its_own_counts() -> None:
    groups = [
        replace(FIGURE, group={"sex": sex}, numerator=20, denominator=40, value=0.5, excluded=None) for sex in "fm"
    ]
    assert recompute(report(strata=groups)) == ()
    assert recompute(report(replace(FIGURE, value=0.7)))[0].rule == "recomputing.score-differs"


def test_groups_are_strata_by_their_dimensions() -> None:
    strata = [
        replace(FIGURE, group={"sex": "f"}),
        replace(FIGURE, group={"sex": "m"}, value=None, denominator=0, numerator=0, excluded=0),
        replace(FIGURE, group={"year": "2025", "sex": "m"}),
    ]
    built = report(strata=strata)
    typed(built)
    first, second = built["group"][0]["stratifier"]
    assert [each["component"][0]["value"]["text"] for each in first["stratum"]] == ["f", "m"]
    assert "measureScore" not in first["stratum"][1]
    assert [each["code"]["text"] for each in second["stratum"][0]["component"]] == ["sex", "year"]


def test_a_withheld_figure_has_no_number_and_says_masked() -> None:
    (hidden,) = protect(
        [replace(FIGURE, numerator=3, numerator_patients=3, complement_patients=50)], audience="outside"
    )
    built = report(hidden)
    typed(built)
    text = json.dumps(built["group"])
    assert '"count"' not in text
    assert '"value":' not in text
    (group,) = built["group"]
    masked = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
    }
    assert codes(group) == dict.fromkeys(("initial-population", "denominator", "numerator"), masked)
    assert group["measureScore"] == masked
    assert ("masked", "disclosure.too-few") in [
        (each["url"], each["valueString"]) for each in built["extension"][0]["extension"]
    ]
    assert [each.rule for each in recompute(built)] == ["recomputing.masked"]


def test_a_count_withheld_from_a_figure_that_stands_is_masked_too() -> None:
    built = report(replace(FIGURE, unknown=None, parts={}, withheld=("details.median", "parts.yes", "unknown")))
    typed(built)
    found = codes(built["group"][0])
    assert {name for name, count in found.items() if isinstance(count, dict)} == {"unknown", "part.yes"}


def test_a_mean_has_a_measure_population_and_its_unit() -> None:
    built = report(replace(FIGURE, kind="mean-change", value=12.5, interval=None, eligible=None))
    typed(built)
    (group,) = built["group"]
    assert codes(group)["measure-population"] == 60
    assert "numerator" not in codes(group)
    assert group["measureScore"] == {"value": 12.5, "system": "http://unitsofmeasure.org", "code": "{score}"}


def test_nobody_has_no_score() -> None:
    built = report(replace(FIGURE, numerator=0, denominator=0, excluded=0, value=None))
    typed(built)
    assert "measureScore" not in built["group"][0]
    assert report(replace(FIGURE, denominator=None, value=None))["group"][0]["population"][1]["_count"]


def test_an_individual_report_names_its_patient_and_a_summary_none() -> None:
    built = report(kind="individual", subject="Patient/abc")
    typed(built)
    assert (built["type"], built["subject"]["reference"]) == ("individual", "Patient/abc")
    assert built["meta"]["profile"][0].endswith("/indv-measurereport-deqm")
    for wrong in ({"kind": "individual"}, {"subject": "Patient/abc"}):
        with pytest.raises(ValueError, match=r"summary|individual"):
            report(**wrong)


def test_a_reporter_of_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="fax"):
        report(reporter="fax:1")


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert json.dumps(report()) == json.dumps(report())
