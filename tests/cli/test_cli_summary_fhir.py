"""exchange summary --to x.fhir.json: every figure shown as Measure and MeasureReport, for a reader to recompute."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def bundle(run, demo, tmp_path):
    """Return the Bundle for the insurer."""
    to = tmp_path / "summary.fhir.json"
    assert run("summary", "--to", to, workspace=demo / "praktijk").code == 3
    return json.loads(to.read_text(encoding="utf-8"))


def resources(bundle, kind):
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def test_it_is_a_bundle_of_fhir_r4(bundle):
    from fhir.resources.R4B.bundle import Bundle

    read = Bundle.model_validate(bundle)
    assert read.type == "collection"
    assert len({one["fullUrl"] for one in bundle["entry"]}) == len(bundle["entry"])


def test_every_report_has_its_measure_and_follows_from_its_own_counts(bundle):
    from exchange.findings import Severity
    from exchange.indicators.recomputing import recompute

    measures = {f"{one['url']}|{one['version']}" for one in resources(bundle, "Measure")}
    reports = resources(bundle, "MeasureReport")
    assert reports
    assert {one["measure"] for one in reports} == measures
    for one in reports:
        assert [found for found in recompute(one) if found.severity is not Severity.INFORMATION] == []


def test_a_masked_number_is_absent_and_said_to_be_masked(bundle):
    text = json.dumps(bundle)
    assert '"valueCode": "masked"' in text
    for report in resources(bundle, "MeasureReport"):
        for population in report["group"][0]["population"]:
            assert ("count" in population) != ("_count" in population)


def test_outsiders_get_no_count_of_a_few(bundle):
    for report in resources(bundle, "MeasureReport"):
        for population in report["group"][0]["population"]:
            code = population["code"]["coding"][0]["code"]
            if code in {"denominator", "numerator"}:
                assert not 0 < population.get("count", 0) < 10, (report["measure"], code)


def test_a_figure_of_an_agreement_names_it(bundle):
    extensions = [one for report in resources(bundle, "MeasureReport") for part in report["extension"]
                  for one in part["extension"] if one["url"] == "agreement"]  # fmt: skip
    assert {one["valueString"] for one in extensions} == {"huisartsen", "welzijn", "ziekenhuis"}


def test_the_same_store_and_day_give_the_same_bytes(run, demo, tmp_path):
    one, two = tmp_path / "one.fhir.json", tmp_path / "two.fhir.json"
    for to in (one, two):
        run("summary", "--to", to, workspace=demo / "praktijk")
    assert one.read_bytes() == two.read_bytes()


def test_an_empty_practice_gives_a_bundle_too(run, tmp_path):
    folder, to = tmp_path / "empty", tmp_path / "empty.fhir.json"
    made = run("init", folder, "--name", "Lege praktijk (verzonnen)", "--id", "agb:07999991", "--no-passphrase")
    assert made.code == 0
    assert run("summary", "--to", to, workspace=folder).code == 0
    reports = resources(json.loads(to.read_text(encoding="utf-8")), "MeasureReport")
    assert reports
    assert all("measureScore" not in one["group"][0] for one in reports)
