"""What is certified in one pass has no finding when each rule is asked, whatever was done to it."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.errors import MessageError
from exchange.messages.certifying import certified, certified_alone
from exchange.messages.checking import check, check_rules_one_by_one
from exchange.messages.codes import BASE, SYSTEMS
from exchange.messages.reading import message_of
from exchange.messages.schema import resource_types

MESSAGES = Path(__file__).resolve().parents[1] / "golden" / "messages"
EXAMPLES = [file.read_bytes() for file in sorted(MESSAGES.glob("*.json"))]
READABLE = [each for each in EXAMPLES if certified(json.loads(each)).readable]
CALM = settings(
    max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
UNREAD = {"messages.not-readable", "messages.no-header"}

# Values of the kinds that stand in messages: each can take the place of another and often still be right.
WORDS = ["active", "completed", "final", "7", "2025-01-02", "2026", "2025-01-02T10:00:00Z", "x y", "", "#a", "Task/1"]
EXTENSION = {"url": "http://example.org/x", "valueString": "x"}
scalars = st.sampled_from([*WORDS, 1, 0, -1, 2.5, True, False, None])
inner = st.sampled_from(
    [
        {"start": "2025-02-01", "end": "2025-01-01"},
        {"start": "2025-01-01"},
        {"reference": "#a"},
        {"reference": "urn:uuid:00000000-0000-4000-8000-000000000009"},
        {"value": 1, "code": "kg"},
        {"text": "x"},
        {"extension": [EXTENSION]},
        {"extension": [{"url": "y", "extension": [EXTENSION]}]},
        [],
        {},
    ]
)
NAMES = """
extension period id _id status contained note valueString valueQuantity component meta text implicitRules
dataAbsentReason identifier subject focus for encounter
"""
names = st.sampled_from(NAMES.split())


def holders(node: Any) -> list[Any]:
    found, todo = [], [node]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list) and each:
            found.append(each)
            todo.extend(each.values() if isinstance(each, dict) else each)
    return found


def mutate(data: st.DataObject, tree: Any) -> None:
    holder = data.draw(st.sampled_from(holders(tree)))
    key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    act = data.draw(st.sampled_from(("delete", "replace", "add", "swap", "swap", "twice")))
    if act == "delete":
        del holder[key]
    elif act == "replace":
        holder[key] = copy.deepcopy(data.draw(scalars | inner))
    elif act == "swap":
        other = data.draw(st.sampled_from(holders(tree)))
        holder[key] = json.loads(
            json.dumps(data.draw(st.sampled_from(list(other.values()) if isinstance(other, dict) else other)))
        )
    elif act == "twice" and isinstance(holder, list):
        holder.append(holder[key])
    elif isinstance(holder, dict):
        holder[data.draw(names)] = copy.deepcopy(data.draw(scalars | inner))


@CALM
@given(st.data())
def test_a_certified_message_has_no_finding(data):
    tree = json.loads(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(data, tree)

    if certified(tree):
        assert {finding.rule for finding in check_rules_one_by_one(tree)} <= UNREAD


@CALM
@given(st.data())
def test_what_is_shown_to_be_readable_is_read_and_has_no_finding_at_all(data):
    tree = json.loads(data.draw(st.sampled_from(READABLE)))
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(data, tree)

    certificate = certified(tree)
    if certificate is not None and certificate.readable:
        message_of(tree)
        assert check_rules_one_by_one(tree) == ()


def of_kind(tree: Any, kind: str, code: str = "") -> Any:
    for entry in tree["entry"]:
        resource = entry["resource"]
        codes = [each["code"] for each in resource.get("code", {}).get("coding", ())]
        if resource["resourceType"] == kind and (not code or code in codes):
            return resource
    raise AssertionError(kind)


def extend(resource: Any, name: str, **value: Any) -> None:
    own = [each for each in resource.get("extension", ()) if not each["url"].endswith(f"/{name}")]
    resource["extension"] = [*own, {"url": f"{BASE}/StructureDefinition/{name}", **value}]


def component(tree: Any, name: str) -> Any:
    parts = of_kind(tree, "Observation", "evaluation")["component"]
    return next(each for each in parts if each["code"]["coding"][0]["code"] == name)


UNREADABLE = {
    "a start without a day": lambda tree: of_kind(tree, "Encounter")["period"].update(start="2025-01"),
    "a leap day that is none": lambda tree: of_kind(tree, "Encounter")["period"].update(start="2025-02-29"),
    "the end of an episode without a day": lambda tree: of_kind(tree, "EpisodeOfCare")["period"].update(end="2026"),
    "a month of birth": lambda tree: of_kind(tree, "Patient").update(birthDate="1980-02"),
    "a referral in a year": lambda tree: of_kind(tree, "ServiceRequest").update(authoredOn="2025"),
    "weeks that are written as a fraction": lambda tree: extend(
        of_kind(tree, "Encounter"), "weeks-since-start", valueInteger=1.0
    ),
    "weeks of an episode as a fraction": lambda tree: extend(
        of_kind(tree, "EpisodeOfCare"), "end-weeks-since-start", valueInteger=12.0
    ),
    "a referral recorded in a month": lambda tree: extend(
        of_kind(tree, "ServiceRequest"), "recorded-on", valueDate="2025-01"
    ),
    "a session number as a fraction": lambda tree: component(tree, "session-number").update(valueInteger=4.0),
    "a count as a fraction": lambda tree: of_kind(tree, "Observation", "session.count").update(valueInteger=4.0),
    "a score of a month": lambda tree: of_kind(tree, "Observation", "measurement").update(effectiveDateTime="2025-01"),
    "an evaluation of a year": lambda tree: of_kind(tree, "Observation", "evaluation").update(effectiveDateTime="2025"),
    "another code before that of the session": lambda tree: of_kind(tree, "Encounter")["type"][0]["coding"].insert(
        0, {**of_kind(tree, "Encounter")["type"][0]["coding"][0], "code": "other-one"}
    ),
    "another effect before the effect": lambda tree: of_kind(tree, "Observation", "evaluation")["valueCodeableConcept"][
        "coding"
    ].insert(0, {"system": SYSTEMS["effect"], "code": "other-one"}),
    "another step before the step": lambda tree: component(tree, "decision")["valueCodeableConcept"]["coding"].insert(
        0, {"system": SYSTEMS["next-step"], "code": "other-one"}
    ),
    "a task without the case": lambda tree: of_kind(tree, "Task").pop("identifier"),
    "a sender without an identifier": lambda tree: [
        each["resource"].pop("identifier")
        for each in tree["entry"]
        if each["resource"]["resourceType"] == "Organization"
    ],
    "a header without an id": lambda tree: tree["entry"][0]["resource"].pop("id"),
    "a moment before all time": lambda tree: tree.update(timestamp="0001-01-01T00:00:00+14:00"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_reading_would_refuse_is_not_shown_to_be_readable(name):
    tree = json.loads((MESSAGES / "outcome-report.json").read_bytes())
    assert certified(tree).readable
    UNREADABLE[name](tree)

    with pytest.raises(MessageError):
        message_of(tree)
    certificate = certified(tree)
    assert certificate is None or not certificate.readable
    assert check(json.dumps(tree).encode()) == check_rules_one_by_one(tree) != ()


@pytest.mark.parametrize(("day", "sound"), [("2024-02-29", True), ("2000-02-29", True), ("2100-02-29", False)])
def test_a_leap_day_of_a_leap_year_is_certified(day, sound):
    tree = json.loads((MESSAGES / "outcome-report.json").read_bytes())
    of_kind(tree, "ServiceRequest")["authoredOn"] = day

    assert (certified(tree) is not None) == sound


@CALM
@given(st.data())
def test_a_certified_resource_has_no_finding(data):
    entries = json.loads(data.draw(st.sampled_from(EXAMPLES)))["entry"]
    resource = data.draw(st.sampled_from(entries))["resource"]
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(data, resource)

    if certified_alone(resource):
        assert [finding.rule for finding in check_rules_one_by_one(resource)] == ["messages.not-a-message"]


def test_a_message_inside_a_message_is_left_to_the_rules():
    tree = json.loads(EXAMPLES[0])
    for kind in ("Bundle", "message", "Basic", "", 7, None, []):
        tree["entry"][-1]["resource"] = {**json.loads(EXAMPLES[0]), "resourceType": kind}
        assert not certified(tree)
        assert not certified_alone(tree["entry"][-1]["resource"])


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_message_of_ours_is_certified(example):
    tree = json.loads(example)

    assert certified(tree)
    assert all(certified_alone(entry["resource"]) for entry in tree["entry"])


def test_a_certificate_goes_no_deeper_than_a_message_may_be():
    from exchange.messages.narrowing import narrowed
    from exchange.messages.parsing import LIMITS

    schema, _ = narrowed()

    @cache
    def depth_of(name: str) -> int:
        return depth(schema["$defs"][name])

    def depth(node: Any) -> int:
        if "$ref" in node:
            return depth_of(node["$ref"].removeprefix("#/$defs/"))
        below = [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]
        within = max((depth(each) for each in below), default=0) + (node.get("type") in {"object", "array"})
        return max([within, *(depth(each) for each in node.get("allOf", ()) if "$ref" in each)])

    assert resource_types() - {"Bundle"} <= schema["$defs"].keys()
    assert 3 + max(depth_of(kind) for kind in resource_types() - {"Bundle"}) < LIMITS.depth
