"""A received MeasureReport is recomputed from its own counts."""

from __future__ import annotations

import pytest

from exchange.findings import Severity, say
from exchange.indicators.measure import DATA_ABSENT, SCORING, SCORING_EXTENSION
from exchange.indicators.recomputing import recompute

SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-population"
MASKED = {"extension": [{"url": DATA_ABSENT, "valueCode": "masked"}]}


def group(score=None, way="proportion", unit=None, **counts):
    population = [
        {"code": {"coding": [{"system": SYSTEM, "code": code.replace("_", "-")}]}, "count": count}
        for code, count in counts.items()
    ]
    built = {"population": population}
    if way:
        coding = {"coding": [{"system": SCORING, "code": way}]}
        built["extension"] = [{"url": "urn:other"}, {"url": SCORING_EXTENSION, "valueCodeableConcept": coding}]
    if score is not None:
        built["measureScore"] = {"value": score} | ({"unit": unit} if unit else {})
    return built


def rules(*groups, **more):
    return [each.rule for each in recompute({"type": "summary", "group": list(groups)}, **more)]


@pytest.mark.parametrize(
    ("score", "counts"),
    [
        # The cases of cqframework's scorer tests and of the HL7 DEQM examples.
        (1.0, {"denominator": 2, "denominator_exclusion": 1, "numerator": 1}),
        (0.5, {"denominator": 2, "numerator": 1}),
        (1.0, {"denominator": 3, "denominator_exclusion": 1, "denominator_exception": 1, "numerator": 1}),
        (0.0, {"denominator": 3, "numerator": 0}),
        (0.333, {"denominator": 3, "numerator": 1}),
        (0.33, {"denominator": 3, "numerator": 1}),
        (0.3333333333333333, {"denominator": 3, "numerator": 1}),
        (0.25, {"initial_population": 9, "denominator": 8, "numerator": 3, "numerator_exclusion": 1}),
    ],
)
def test_a_score_that_follows_from_its_counts_has_no_finding(score, counts) -> None:
    assert rules(group(score, **counts)) == []


@pytest.mark.parametrize(
    ("score", "counts"),
    [
        (0.5, {"denominator": 2, "denominator_exclusion": 1, "numerator": 1}),
        (0.34, {"denominator": 3, "numerator": 1}),
        (0.3, {"denominator": 3, "numerator": 1}),
        (0.334, {"denominator": 3, "numerator": 1}),
        (33.3, {"denominator": 3, "numerator": 1}),
    ],
)
def test_a_score_that_does_not_follow_is_refused(score, counts) -> None:
    assert rules(group(score, **counts)) == ["recomputing.score-differs"]


@pytest.mark.parametrize("score", ["1e-7319731973", "-1E99999999", "NaN", "Infinity", "one", "1e401", "1e-401"])
def test_a_score_no_computer_would_write_is_no_score(score: str) -> None:
    assert rules(group(score, denominator=2, numerator=1)) == ["recomputing.not-a-score"]


def test_the_arithmetic_is_shown() -> None:
    (found,) = recompute({"group": [group(0.5, denominator=2, denominator_exclusion=1, numerator=1)]})
    assert found.path == "MeasureReport.group[0]"
    assert found.severity is Severity.ERROR
    assert say(found.rule, found.params) == (
        "The score 0.5 does not follow from the counts: 1 / (2 − 1 excluded − 0 exceptions = 1) = 1."
    )


def test_one_patients_counts_are_not_repeated() -> None:
    (found,) = recompute({"type": "individual", "group": [group(0.5, denominator=1, numerator=1)]})
    assert (found.rule, found.params) == ("recomputing.score-differs", {})


def test_percentages_are_read_as_such() -> None:
    assert rules(group(33.3, unit="%", denominator=3, numerator=1)) == []
    assert rules(group(33, unit="%", denominator=3, numerator=1)) == []
    assert rules(group(34, unit="%", denominator=3, numerator=1)) == ["recomputing.score-differs"]
    built = group(50, denominator=2, numerator=1)
    built["measureScore"]["code"] = "%"
    assert rules(built) == []


def test_a_score_of_nobody_is_refused() -> None:
    assert rules(group(0, denominator=0, numerator=0)) == ["recomputing.score-of-nothing"]
    assert rules(group(1, denominator=1, denominator_exclusion=1, numerator=0)) == ["recomputing.score-of-nothing"]
    assert rules(group(3, way="continuous-variable", measure_population=0)) == ["recomputing.score-of-nothing"]


def test_a_mean_can_not_be_redone_from_counts() -> None:
    assert rules(group(3.2, way="continuous-variable", measure_population=5)) == []
    assert rules(group(3.2, way="continuous-variable")) == []
    assert rules(group(way="continuous-variable", measure_population=5, denominator=2, numerator=1)) == []


def test_a_ratio_may_exceed_one_and_a_proportion_not() -> None:
    assert rules(group(1.5, way="ratio", denominator=2, numerator=3)) == []
    assert rules(group(1.5, denominator=2, numerator=3)) == ["recomputing.numerator-too-large"]
    assert rules(group(1.5, way=None, denominator=2, numerator=3)) == ["recomputing.numerator-too-large"]


def test_the_scoring_is_taken_from_the_group_the_report_or_the_measure() -> None:
    built = group(1.5, way=None, denominator=2, numerator=3)
    assert rules(built, scoring="ratio") == []
    holder = {"extension": group(way="ratio")["extension"], "group": [built]}
    assert recompute(holder) == ()
    other = {"url": SCORING_EXTENSION, "valueCodeableConcept": {"coding": [{"system": "urn:x", "code": "ratio"}]}}
    assert recompute({"extension": [other], "group": [built]}) != ()
    assert recompute({"extension": [{"url": SCORING_EXTENSION}], "group": [built]}) != ()


def test_more_taken_off_than_there_is_is_refused() -> None:
    assert rules(group(0.5, denominator=2, denominator_exclusion=3, numerator=1)) == ["recomputing.more-excluded"]
    assert rules(group(0.5, denominator=2, numerator=1, numerator_exclusion=2)) == ["recomputing.more-excluded"]


def test_a_denominator_beyond_its_population_is_shown() -> None:
    found = recompute({"group": [group(0.5, initial_population=3, denominator=4, numerator=2)]})
    assert [(each.rule, each.severity) for each in found] == [("recomputing.more-than", Severity.WARNING)]
    both = rules(group(0.5, initial_population=1, denominator=2, denominator_exclusion=3, numerator=1))
    assert both == ["recomputing.more-excluded"]
    assert rules(group(1, way="continuous-variable", initial_population=1, measure_population=2)) == [
        "recomputing.more-than"
    ]


@pytest.mark.parametrize("count", [-1, 1.5, "3", True])
def test_a_count_that_is_none_is_refused(count) -> None:
    assert rules(group(0.5, denominator=count, numerator=1)) == ["recomputing.not-a-count"]


def test_a_population_that_stands_twice_is_refused() -> None:
    built = group(0.5, denominator=2, numerator=1)
    built["population"].append(built["population"][0])
    assert rules(built) == ["recomputing.not-a-count"]


@pytest.mark.parametrize("score", ["veel", "NaN", float("inf")])
def test_a_score_that_is_no_number_is_refused(score) -> None:
    assert rules(group(score, denominator=2, numerator=1)) == ["recomputing.not-a-score"]


def test_a_score_without_its_counts_can_not_be_checked() -> None:
    assert rules(group(0.5, denominator=2)) == ["recomputing.counts-missing"]
    assert rules(group(0.5)) == ["recomputing.counts-missing"]


def test_counts_without_a_score_are_shown() -> None:
    assert rules(group(denominator=2, numerator=1)) == ["recomputing.no-score"]
    assert rules(group(way=None, denominator=2, numerator=1)) == ["recomputing.no-score"]
    assert rules(group(denominator=2)) == []
    assert rules(group(denominator=0, numerator=0)) == []


def test_withheld_numbers_can_not_be_checked_and_that_is_said() -> None:
    built = group(denominator=20, numerator=1) | {"measureScore": MASKED}
    assert rules(built) == ["recomputing.masked"]
    built["population"][1] = {"code": built["population"][1]["code"], "_count": MASKED}
    assert rules(built) == ["recomputing.masked"]
    half = group(0.5, denominator=20) | {}
    half["population"].append({"code": {"coding": [{"code": "numerator"}]}, "_count": MASKED})
    assert rules(half) == ["recomputing.masked"]


def test_populations_of_others_are_passed_over() -> None:
    built = group(0.5, denominator=2, numerator=1)
    built["population"] += [{"code": {"coding": [{"code": "unknown"}]}, "count": "?"}, {"count": 4}, {}]
    assert rules(built) == []


def test_every_stratum_is_recomputed() -> None:
    inner = group(0.9, way=None, denominator=2, numerator=1)
    outer = group(0.5, denominator=2, numerator=1) | {"stratifier": [{}, {"stratum": [{}, inner]}]}
    found = recompute({"group": [outer]})
    assert [(each.rule, each.path) for each in found] == [
        ("recomputing.score-differs", "MeasureReport.group[0].stratifier[1].stratum[1]")
    ]


def test_a_report_without_groups_has_nothing_to_recompute() -> None:
    assert recompute({}) == ()
