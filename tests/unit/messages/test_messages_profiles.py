"""A message of ours that breaks one of our profiles is told where, by which profile, and never with what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange import shipped
from exchange.findings import say
from exchange.messages.certifying import certified
from exchange.messages.checking import check
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.facts import Reply
from exchange.messages.profile_checking import _RULES, check_profiles, profiles
from exchange.messages.profiles import profile_of

PROM_URL = "urn:uuid:00000000-0000-4000-8000-000000000001"
SECRET = "Jansen-geheim"
Tree = dict[str, Any]
Change = Callable[[Tree], Any]


def resource(tree: Tree, profile: str) -> Tree:
    return next(each["resource"] for each in tree["entry"] if profile_of(each["resource"]) == profile)


def change(profile: str, **values: Any) -> Change:
    return lambda tree: resource(tree, profile).update(values)


def drop(profile: str, name: str) -> Change:
    return lambda tree: resource(tree, profile).pop(name)


def twice(profile: str, name: str) -> Change:
    return lambda tree: resource(tree, profile)[name].append(resource(tree, profile)[name][0])


def coded(system: str, code: str) -> Tree:
    return {"coding": [{"system": SYSTEMS[system], "code": code}]}


def foreign_component(tree: Tree) -> None:
    resource(tree, "evaluation")["component"].append({"code": coded("component", "count"), "valueInteger": 1})


def other_access(tree: Tree) -> None:
    extensions = resource(tree, "treatment-episode")["extension"]
    next(each for each in extensions if each["url"].endswith("/access"))["valueCode"] = SECRET


ONE_PATIENT, REFUSED, WITH_PROM = "a figure of one patient", "a refusal", "a report with its questionnaire"

# The event, what breaks, the rule and the profile that must say so, and how the path ends.
CASES: dict[str, tuple[str, Change, str, str, str]] = {
    "a Bundle without an identifier": (
        "case-opening",
        lambda tree: tree.pop("identifier"),
        "profile-requires",
        "message",
        "Bundle.identifier",
    ),
    "an identifier of another system": (
        "case-opening",
        lambda tree: tree["identifier"].update(system="urn:x"),
        "profile-value",
        "message",
        "Bundle.identifier.system",
    ),
    "a header without its agreement": (
        "case-opening",
        change("message-header", extension=[{"url": "urn:x", "valueCode": "y"}]),
        "profile-lacks",
        "message-header",
        "MessageHeader.extension",
    ),
    "two destinations": (
        "case-opening",
        twice("message-header", "destination"),
        "profile-too-many",
        "message-header",
        "MessageHeader.destination",
    ),
    "a Task without a business status": (
        "outcome-report",
        drop("exchange-task", "businessStatus"),
        "profile-requires",
        "exchange-task",
        "Task.businessStatus",
    ),
    "a Task with free text": (
        "outcome-report",
        change("exchange-task", description=SECRET),
        "profile-forbids",
        "exchange-task",
        "Task.description",
    ),
    "a Patient with a telephone": (
        "case-opening",
        change("person", telecom=[{"system": "phone", "value": SECRET}]),
        "profile-forbids",
        "person",
        "Patient.telecom",
    ),
    "an Organization without a name": ("case-opening", drop("party", "name"), "profile-requires", "party", ".name"),
    "a referral without its case": (
        "outcome-report",
        drop("referral", "identifier"),
        "profile-requires",
        "referral",
        "ServiceRequest.identifier",
    ),
    "a diagnosis from another list": (
        "case-opening",
        change("complaint", code={"coding": [{"system": "http://snomed.info/sct", "code": "80493006"}]}),
        "profile-value",
        "complaint",
        "Condition.code.coding[0].system",
    ),
    "an access that is none": (
        "case-opening",
        other_access,
        "profile-value",
        "treatment-episode",
        "valueCode",
    ),
    "two diagnoses, which nl-core does not allow": (
        "case-opening",
        twice("treatment-episode", "diagnosis"),
        "profile-too-many",
        "treatment-episode",
        "EpisodeOfCare.diagnosis",
    ),
    "a session that is planned": (
        "outcome-report",
        change("session", status="planned"),
        "profile-value",
        "session",
        "Encounter.status",
    ),
    "another treatment": (
        "outcome-report",
        change("treatment", code=coded("sct", "91251008")),
        "profile-lacks",
        "treatment",
        "Procedure.code.coding",
    ),
    "a goal without an instrument": (
        "outcome-report",
        drop("treatment-goal", "target"),
        "profile-requires",
        "treatment-goal",
        "Goal.target",
    ),
    "a score without a day": (
        "outcome-report",
        drop("score", "effectiveDateTime"),
        "profile-requires",
        "score",
        "Observation.effectiveDateTime",
    ),
    "a score in words": (
        "outcome-report",
        lambda tree: (drop("score", "valueQuantity")(tree), change("score", valueString=SECRET)(tree)),
        "profile-forbids",
        "score",
        "Observation.valueString",
    ),
    "a score in kilos": (
        "outcome-report",
        lambda tree: resource(tree, "score")["valueQuantity"].update(code="kg"),
        "profile-value",
        "score",
        "Observation.valueQuantity.code",
    ),
    "an instrument that is not listed": (
        "outcome-report",
        lambda tree: resource(tree, "score")["code"]["coding"][1].update(code="no-such-list"),
        "profile-value",
        "score",
        "Observation.code.coding[1]",
    ),
    "a pain score by another method": (
        "outcome-report",
        change("pain-score", method=coded("pain-method", "VAS100")),
        "profile-lacks",
        "pain-score",
        "Observation.method.coding",
    ),
    "an evaluation with a part that is none": (
        "outcome-report",
        foreign_component,
        "profile-value",
        "evaluation",
        "Observation.component[4]",
    ),
    "an answer without a window": (
        "partner-return",
        drop("partner-answer", "effectivePeriod"),
        "profile-requires",
        "partner-answer",
        "Observation.effectivePeriod",
    ),
    "a response that is not done": (
        "outcome-report",
        change("prom-response", status="in-progress"),
        "profile-value",
        "prom-response",
        "QuestionnaireResponse.status",
    ),
    "a consent with a provision": (
        "case-opening",
        change("exchange-consent", provision={"type": "permit"}),
        "profile-forbids",
        "exchange-consent",
        "Consent.provision",
    ),
    "a count with a score": (
        "partner-aggregates",
        lambda tree: resource(tree, "partner-count")["group"][0].update(measureScore={"value": 1}),
        "profile-forbids",
        "partner-count",
        "MeasureReport.group[0].measureScore",
    ),
    "a figure without what it travels with": (
        "indicator-report",
        drop("indicator-summary", "extension"),
        "profile-requires",
        "indicator-summary",
        "MeasureReport.extension",
    ),
    "a figure with less than what it travels with": (
        "indicator-report",
        lambda tree: resource(tree, "indicator-summary")["extension"][0].update(
            extension=resource(tree, "indicator-summary")["extension"][0]["extension"][:2]
        ),
        "profile-too-few",
        "figure",
        "MeasureReport.extension[0].extension",
    ),
    "a figure of one patient that is not named": (
        ONE_PATIENT,
        drop("indicator-individual", "subject"),
        "profile-requires",
        "indicator-individual",
        "MeasureReport.subject",
    ),
    "a source under no agreement": (
        "outcome-report",
        drop("message-provenance", "policy"),
        "profile-requires",
        "message-provenance",
        "Provenance.policy",
    ),
    "a source with two authors": (
        "outcome-report",
        twice("message-provenance", "agent"),
        "profile-too-many",
        "message-provenance",
        "Provenance.agent",
    ),
    "a questionnaire of no instrument": (
        WITH_PROM,
        drop("prom", "code"),
        "profile-requires",
        "prom",
        "Questionnaire.code",
    ),
    "a questionnaire that is not in use": (
        WITH_PROM,
        change("prom", status="retired"),
        "profile-value",
        "prom",
        "Questionnaire.status",
    ),
    "a refusal in words": (
        REFUSED,
        lambda tree: resource(tree, "refusal")["issue"][0].update(details={"text": SECRET}),
        "profile-requires",
        "refusal",
        "OperationOutcome.issue[0].details.coding",
    ),
    "a refusal by a rule of others": (
        REFUSED,
        lambda tree: resource(tree, "refusal")["issue"][0]["details"]["coding"][0].update(system="urn:x"),
        "profile-value",
        "refusal",
        "details.coding[0].system",
    ),
    "a number of sessions in words": (
        "outcome-report",
        lambda tree: (drop("session-count", "valueInteger")(tree), change("session-count", valueString=SECRET)(tree)),
        "profile-forbids",
        "session-count",
        "Observation.valueString",
    ),
    "a number of sessions that is none": (
        "outcome-report",
        drop("session-count", "valueInteger"),
        "profile-requires",
        "session-count",
        "Observation.valueInteger",
    ),
    "a therapist by a number of others": (
        "outcome-report",
        lambda tree: resource(tree, "therapist")["practitioner"]["identifier"].update(system="urn:x"),
        "profile-value",
        "therapist",
        "practitioner.identifier.system",
    ),
    "a therapist with a telephone": (
        "outcome-report",
        change("therapist", telecom=[{"system": "phone", "value": SECRET}]),
        "profile-forbids",
        "therapist",
        "PractitionerRole.telecom",
    ),
    "a summary with entries": (
        "outcome-report",
        lambda tree: resource(tree, "message-summary")["section"][0].update(entry=[{"reference": "Patient/x"}]),
        "profile-forbids",
        "message-summary",
        "Composition.section[0].entry",
    ),
}


@pytest.fixture(scope="module")
def trees(built, facts, one_patients_figure) -> Callable[[str], Tree]:
    """Return what makes a message of an event, or one of those that an event alone does not make."""
    reply = Reply("bericht-1", accepted=False, rules=("messages.bdl-7",))
    special = {
        ONE_PATIENT: ("indicator-report", replace(facts, indicators=(one_patients_figure,))),
        REFUSED: ("acknowledgement", replace(facts, reply=reply)),
        WITH_PROM: ("outcome-report", facts),
    }

    def make(name: str) -> Tree:
        event, told = special.get(name, (name, facts))
        tree: Tree = json.loads(built(event, facts=told))
        if name == WITH_PROM:
            questionnaire = json.loads(shipped.schemas("fhir", "profiles", "Questionnaire-nprs.json").read_bytes())
            tree["entry"].append({"fullUrl": PROM_URL, "resource": questionnaire})
            resource(tree, "message-provenance")["target"].append({"reference": PROM_URL})
        return tree

    return make


@pytest.mark.parametrize("name", [ONE_PATIENT, REFUSED, WITH_PROM])
def test_what_these_cases_break_is_sound(name, trees):
    assert check(json.dumps(trees(name)).encode()) == ()
    assert certified(trees(name)) is not None


@pytest.mark.parametrize("event", EVENTS)
def test_every_message_keeps_its_profiles(event, trees):
    assert certified(trees(event)) is not None
    assert list(check_profiles(trees(event))) == []


@pytest.mark.parametrize("name", CASES)
def test_a_broken_profile_is_named_with_the_place_and_without_the_value(name, trees):
    event, broken, rule, profile, end = CASES[name]
    tree = trees(event)
    broken(tree)
    findings = check(json.dumps(tree).encode())

    said = [each for each in findings if each.rule == f"messages.{rule}" and each.path.endswith(end)]
    assert said, [(each.rule, each.path) for each in findings]
    assert certified(tree) is None
    assert said[0].params["profile"] in {profile, profile_of_part(profile)}
    assert not [each for each in findings if SECRET in f"{each.path} {each.params}"]
    for language in ("nl", "en"):
        assert str(said[0].params["profile"]) in say(said[0].rule, said[0].params, language)


def profile_of_part(name: str) -> str:
    """Return the profile that is held when a part of it, an extension, is broken."""
    return {"figure": "indicator-summary"}.get(name, name)


def test_every_rule_on_profiles_has_a_case_that_breaks_it():
    assert {f"messages.{rule}" for _, _, rule, _, _ in CASES.values()} == set(_RULES.values())


def test_every_profile_has_a_case_that_breaks_it():
    assert {profile_of_part(profile) for _, _, _, profile, _ in CASES.values()} == set(profiles())


def test_a_score_whose_day_may_not_be_told_says_so_and_keeps_its_profile(built, everything):
    coarse = (everything - {"measurement.day"}) | {"measurement.day:weeks-since-start"}
    data = built("outcome-report", coarse)

    assert check(data) == ()
    assert b'"_effectiveDateTime":{"extension"' in data


def test_a_message_of_others_is_not_held_to_our_profiles(trees):
    tree = trees("outcome-report")
    tree["entry"][0]["resource"]["eventCoding"] = {"system": "http://example.org", "code": "x"}
    resource(tree, "exchange-task")["description"] = "free"

    assert list(check_profiles(tree)) == []


@pytest.mark.parametrize("entries", [[], None, "x", [None], [{"resource": None}], [{"resource": []}], [1, 2]])
def test_what_is_no_message_is_not_held_to_profiles(entries):
    tree = {"resourceType": "Bundle", "type": "message", "entry": entries}

    assert list(check_profiles(tree)) == []


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, {"resource": 5}, {"resource": {"resourceType": 3}}])
def test_odd_entries_do_not_stop_the_check(odd, trees):
    tree = trees("case-opening")
    tree["entry"].append(odd)

    assert certified(tree) is None
    assert all(each.path.startswith("Bundle") for each in check_profiles(tree))
