"""A leaf that neither the agreement nor the envelope allows is refused, wherever it is smuggled in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.errors import MessageError
from exchange.messages.codes import BASE, EVENTS, SYSTEMS
from exchange.messages.walking import walk
from exchange.records.elements import elements

SECRET = "Jansen-geheim"


def resource(tree: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == kind)


def observation(tree: dict[str, Any], code: str) -> dict[str, Any]:
    return next(
        e["resource"]
        for e in tree["entry"]
        if e["resource"]["resourceType"] == "Observation" and e["resource"]["code"]["coding"][0]["code"] == code
    )


def put(kind: str, name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda tree: resource(tree, kind).__setitem__(name, value)


def add_entry(content: Any) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree["entry"].append(content)


def into_summary(tree: dict[str, Any]) -> None:
    text = resource(tree, "Composition")["section"][0]["text"]
    text["div"] = text["div"].replace("</div>", f"<p>{SECRET}</p></div>")


def second_code(tree: dict[str, Any]) -> None:
    coding = observation(tree, "session.count")["code"]["coding"]
    coding.append({"system": SYSTEMS["observation"], "code": "answer.fall"})


SMUGGLED = {
    "a note on an Observation": put("Observation", "note", [{"text": SECRET}]),
    "a telephone number of the patient": put("Patient", "telecom", [{"value": SECRET}]),
    "an identifier in a foreign system": put("Patient", "identifier", [{"system": "x", "value": SECRET}]),
    "an identifier without a system": put("Patient", "identifier", [{"value": SECRET}]),
    "a BSN that is not allowed": put("Patient", "identifier", [{"system": SYSTEMS["bsn"], "value": "999990019"}]),
    "a display text": put("Task", "businessStatus", {"coding": [{"display": SECRET}]}),
    "a free text beside a code": put("Task", "description", SECRET),
    "a foreign extension": put("Task", "extension", [{"url": "http://example.org", "valueString": SECRET}]),
    "an extension in the wrong place": put(
        "Task", "extension", [{"url": f"{BASE}/StructureDefinition/access", "valueCode": "direct"}]
    ),
    "a contained resource": put("Task", "contained", [{"resourceType": "Patient", "name": [{"text": SECRET}]}]),
    "a text where an id belongs": put("Task", "id", SECRET),
    "a text where a status belongs": put("Task", "status", SECRET),
    "a name of the source": put(
        "MessageHeader", "source", {"name": SECRET, "endpoint": f"{BASE}/endpoint/agb/07000001"}
    ),
    "an empty object": put("Patient", "maritalStatus", {}),
    "an empty list": put("Patient", "photo", []),
    "another title": put("Composition", "title", SECRET),
    "a sentence in the summary": into_summary,
    "a second code on an Observation": second_code,
    "a resource of another type": add_entry({"fullUrl": "x", "resource": {"resourceType": "Basic", "id": SECRET}}),
    "an entry without a resource": add_entry({"link": [{"url": SECRET}]}),
    "an entry that is no object": add_entry(SECRET),
    "a resource that is no object": add_entry({"resource": SECRET}),
    "an element of the Bundle": lambda tree: tree.__setitem__("language", SECRET),
    "a number where nothing belongs": put("Patient", "multipleBirthInteger", 2),
}
ALLOWED = frozenset(elements()) - {"patient.bsn", "answer.fall"}


@pytest.mark.parametrize("event", EVENTS)
def test_a_built_message_passes(event, built):
    walk(json.loads(built(event, ALLOWED)), ALLOWED)


@pytest.mark.parametrize("what", SMUGGLED)
def test_a_smuggled_leaf_is_refused_without_repeating_it(what, built):
    tree = json.loads(built("outcome-report", ALLOWED))
    SMUGGLED[what](tree)

    with pytest.raises(MessageError) as refused:
        walk(tree, ALLOWED)

    assert refused.value.rule == "messages.leaf-not-allowed"
    assert SECRET not in repr(refused.value.params)


@pytest.mark.parametrize("event", EVENTS)
def test_a_message_built_with_more_is_refused_under_less(event, built):
    """Whatever projecting lets through by mistake, the walk stops: take each told element from the allowed ones."""
    from exchange.messages.slicing import leaves

    tree = json.loads(built(event))
    told = {path for path, _ in leaves(tree)}
    for element, each in elements().items():
        shared = {path for other in set(elements()) - {element} for path in elements()[other].fhir}
        if element == "case.id" or not (set(each.fhir) - shared) & told:
            continue
        with pytest.raises(MessageError):
            walk(tree, frozenset(elements()) - {element})


def test_a_coarser_permission_refuses_the_whole(built):
    for event, element, form in (
        ("case-opening", "patient.birth-date", "year"),
        ("case-opening", "episode.start", "week"),
        ("case-opening", "episode.diagnosis", "location"),
        ("outcome-report", "episode.end", "weeks-since-start"),
        ("outcome-report", "session.day", "weeks-since-start"),
        ("outcome-report", "measurement.day", "weeks-since-start"),
    ):
        tree = json.loads(built(event))
        with pytest.raises(MessageError):
            walk(tree, (frozenset(elements()) - {element}) | {f"{element}:{form}"})


def test_an_encounter_that_tells_nothing_still_tells_that_there_was_one(built):
    tree = json.loads(built("outcome-report"))
    for entry in tree["entry"]:
        if entry["resource"]["resourceType"] == "Encounter":
            entry["resource"].pop("period")
            entry["resource"].pop("type")

    with pytest.raises(MessageError) as refused:
        walk(tree, frozenset(elements()) - {"session.day", "session.type"})

    assert refused.value.params["path"].startswith("Encounter.")


def test_the_path_of_every_element_of_the_list_can_occur(built, facts, one_patients_figure):
    """A path that no message ever carries would be a hole in the list."""
    from exchange.messages.slicing import leaves

    individual = built("indicator-report", facts=replace(facts, indicators=(one_patients_figure,)))
    trees = [json.loads(data) for data in (individual, *map(built, EVENTS))]
    carried = {path for tree in trees for path, _ in leaves(tree)}
    for element, each in elements().items():
        answered = element.startswith("answer.") and element != "answer.imaging"
        if not answered:
            wanted = [path for path in each.fhir if not path.startswith("ServiceRequest.requester")]
            assert [path for path in wanted if path not in carried] == []
