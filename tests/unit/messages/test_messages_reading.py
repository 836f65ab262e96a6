"""A message that is not what it must be is refused by its place, and nothing of it is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.errors import MessageError
from exchange.messages.codes import SYSTEMS, extension_url
from exchange.messages.reading import read

SECRET = "Jansen-geheim"
Tree = dict[str, Any]


def resource(tree: Tree, kind: str, code: str = "") -> Tree:
    return next(
        e["resource"]
        for e in tree["entry"]
        if e["resource"]["resourceType"] == kind and (not code or e["resource"]["code"]["coding"][0]["code"] == code)
    )


def extension(tree: Tree, kind: str, name: str) -> Tree:
    return next(each for each in resource(tree, kind)["extension"] if each["url"] == extension_url(name))


SPOILED = {
    "not a message": ("outcome-report", lambda t: t.update(type="collection")),
    "no header": ("outcome-report", lambda t: t["entry"].pop(0)),
    "no entries": ("outcome-report", lambda t: t.pop("entry")),
    "entries that are no list": ("outcome-report", lambda t: t.update(entry={"0": SECRET})),
    "an event of another system": (
        "outcome-report",
        lambda t: resource(t, "MessageHeader")["eventCoding"].update(system=SECRET),
    ),
    "an unknown event": ("outcome-report", lambda t: resource(t, "MessageHeader")["eventCoding"].update(code=SECRET)),
    "no message id": ("outcome-report", lambda t: resource(t, "MessageHeader").pop("id")),
    "a moment that is none": ("outcome-report", lambda t: t.update(timestamp=SECRET)),
    "a moment without a zone": ("outcome-report", lambda t: t.update(timestamp="2026-01-01T00:00:00")),
    "a moment before the calendar": ("outcome-report", lambda t: t.update(timestamp="0001-01-01T00:00:00+14:00")),
    "no moment": ("outcome-report", lambda t: t.pop("timestamp")),
    "no agreement": ("outcome-report", lambda t: resource(t, "MessageHeader").pop("extension")),
    "a version that is a text": (
        "outcome-report",
        lambda t: resource(t, "MessageHeader")["extension"][0]["extension"][1].update(valueInteger=SECRET),
    ),
    "a sender that is no organisation": (
        "outcome-report",
        lambda t: resource(t, "MessageHeader").update(sender=resource(t, "Task")["for"]),
    ),
    "a sender without a number": ("outcome-report", lambda t: resource(t, "Organization").update(identifier=[])),
    "a case without an id": ("outcome-report", lambda t: resource(t, "Task").pop("identifier")),
    "a sex that is none": ("case-opening", lambda t: resource(t, "Patient").update(gender=SECRET)),
    "a birth date that is none": ("case-opening", lambda t: resource(t, "Patient").update(birthDate=SECRET)),
    "a birth date that is a number": ("case-opening", lambda t: resource(t, "Patient").update(birthDate=1960)),
    "a chronic that is a text": (
        "case-opening",
        lambda t: extension(t, "EpisodeOfCare", "chronic").update(valueBoolean=SECRET),
    ),
    "an access that is none": (
        "case-opening",
        lambda t: extension(t, "EpisodeOfCare", "access").update(valueCode=SECRET),
    ),
    "a count that is a text": (
        "outcome-report",
        lambda t: resource(t, "Observation", "session.count").update(valueInteger=SECRET),
    ),
    "a count that is a truth": (
        "outcome-report",
        lambda t: resource(t, "Observation", "session.count").update(valueInteger=True),
    ),
    "a score that is a text": (
        "outcome-report",
        lambda t: resource(t, "Observation", "measurement")["valueQuantity"].update(value=SECRET),
    ),
    "an answer without a window": (
        "partner-return",
        lambda t: resource(t, "Observation", "answer.imaging").pop("effectivePeriod"),
    ),
    "a window that ends before it starts": (
        "partner-return",
        lambda t: resource(t, "Observation", "answer.imaging")["effectivePeriod"].update(end="2020-01-01"),
    ),
    "a window at the end of the calendar": (
        "partner-return",
        lambda t: resource(t, "Observation", "answer.imaging")["effectivePeriod"].update(end="9999-12-31"),
    ),
    "an answer that is none": (
        "partner-return",
        lambda t: resource(t, "Observation", "answer.imaging")["valueCodeableConcept"]["coding"][0].update(code=SECRET),
    ),
    "an answer to what nobody asked": (
        "partner-return",
        lambda t: resource(t, "Observation", "answer.imaging")["code"]["coding"][0].update(code=f"answer.{SECRET}"),
    ),
    "a count without a period": ("partner-aggregates", lambda t: resource(t, "MeasureReport").pop("period")),
    "a count of what nobody asked": (
        "partner-aggregates",
        lambda t: resource(t, "MeasureReport")["group"][0]["population"][0]["code"]["coding"][0].update(code=SECRET),
    ),
    "a count that says nothing": (
        "partner-aggregates",
        lambda t: resource(t, "MeasureReport")["group"][0]["population"][0].pop("count"),
    ),
    "a consent for nothing": ("consent-withdrawn", lambda t: resource(t, "Consent").pop("category")),
    "a reply to nothing": ("acknowledgement", lambda t: resource(t, "MessageHeader").update(response={"code": "ok"})),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_message_is_refused_without_repeating_it(what, built):
    event, spoil = SPOILED[what]
    tree = json.loads(built(event))
    spoil(tree)

    with pytest.raises(MessageError) as refused:
        read(json.dumps(tree).encode())

    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value.params)
    assert not str(refused.value).startswith("messages."), "every rule has a sentence"


def test_what_is_foreign_in_a_message_is_not_read(built):
    tree = json.loads(built("outcome-report"))
    resource(tree, "Patient").update(telecom=[{"value": SECRET}])
    tree["entry"] += [
        {"resource": {"resourceType": "Observation", "code": {"text": SECRET}}},
        {"resource": SECRET},
        SECRET,
    ]

    assert read(json.dumps(tree).encode()).told == read(built("outcome-report")).told


def test_a_date_with_a_time_is_read_as_its_date(built):
    tree = json.loads(built("outcome-report"))
    resource(tree, "Observation", "evaluation")["effectiveDateTime"] = "2025-02-03T23:30:00+01:00"

    assert read(json.dumps(tree).encode()).told.evaluations[0].day.isoformat() == "2025-02-03"


def test_other_codings_beside_ours_do_not_matter(built):
    tree = json.loads(built("outcome-report"))
    coding = resource(tree, "Observation", "measurement")["code"]["coding"]
    coding.append({"system": "http://snomed.info/sct", "code": "225908003"})
    coding.append({"system": SYSTEMS["loinc"], "code": "38208-5"})

    assert read(json.dumps(tree).encode()).told == read(built("outcome-report")).told
