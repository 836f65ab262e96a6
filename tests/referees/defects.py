"""Single defects: each breaks a sound message in one way, and names the rule of ours that must see it.

The messages are those of tests/golden/messages. A defect of the text stands apart, for a tree can't have it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "messages"
Tree = dict[str, Any]
Change = Callable[[Tree], object]
REPORT, OPENING, COUNTS = "outcome-report", "case-opening", "partner-aggregates"
FIGURES, REFUSAL = "indicator-report", "acknowledgement"
NOWHERE = "urn:uuid:00000000-0000-4000-8000-00000000dead"
UCUM = "http://unitsofmeasure.org"
KNOWN_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect: the rule that sees it, the message that it is put into, and how."""

    name: str
    rule: str
    base: str
    change: Change

    def text(self) -> bytes:
        """Return the broken message."""
        tree = json.loads((GOLDEN / f"{self.base}.json").read_bytes())
        self.change(tree)
        return json.dumps(tree, ensure_ascii=False).encode()


def first(tree: Tree, kind: str) -> Tree:
    """Return the first resource of a type."""
    return next(each["resource"] for each in tree["entry"] if each["resource"]["resourceType"] == kind)


def put(kind: str, **values: Any) -> Change:
    return lambda tree: first(tree, kind).update(values)


def drop(kind: str, name: str) -> Change:
    return lambda tree: first(tree, kind).pop(name)


def rename(kind: str, old: str, new: str) -> Change:
    return lambda tree: first(tree, kind).update({new: first(tree, kind).pop(old)})


def bundle(**values: Any) -> Change:
    return lambda tree: tree.update(values)


def entry(number: int, **values: Any) -> Change:
    return lambda tree: tree["entry"][number].update(values)


def of(kind: str, change: Callable[[Tree], object]) -> Change:
    return lambda tree: change(first(tree, kind))


def value(kind: str, number: int = 0, **values: Any) -> Change:
    """Give an Observation another value than it has."""

    def change(tree: Tree) -> None:
        found = [each["resource"] for each in tree["entry"] if each["resource"]["resourceType"] == kind][number]
        for name in [each for each in found if each.startswith("value")]:
            found.pop(name)
        found.update(values)

    return change


def point(kind: str, name: str, to: str) -> Change:
    """Let a reference lead to the first resource of another type."""

    def change(tree: Tree) -> None:
        url = next(each["fullUrl"] for each in tree["entry"] if each["resource"]["resourceType"] == to)
        first(tree, kind)[name] = {"reference": url}

    return change


def add(resource: Tree) -> Change:
    return lambda tree: tree["entry"].append({"fullUrl": NOWHERE, "resource": resource})


def without_output(tree: Tree) -> None:
    task = first(tree, "Task")
    gone = {each["fullUrl"] for each in tree["entry"] if each["resource"]["resourceType"] == "Observation"}
    task["output"] = [each for each in task["output"] if each["valueReference"]["reference"] not in gone]


def swapped(tree: Tree) -> None:
    tree["entry"][0], tree["entry"][1] = tree["entry"][1], tree["entry"][0]


def same_url(tree: Tree) -> None:
    tree["entry"][2]["fullUrl"] = tree["entry"][1]["fullUrl"]


def nested(tree: Tree) -> None:
    inner = {"resourceType": "Organization", "id": "a", "name": "x", "partOf": {"reference": "#b"}}
    inner["contained"] = [{"resourceType": "Organization", "id": "b", "name": "y"}]
    first(tree, "Task").update(contained=[inner], owner={"reference": "#a"})


def refused_in_words(tree: Tree) -> None:
    issue = {"severity": "error", "code": "processing", "details": {"text": "x"}}
    tree["entry"].append({"fullUrl": NOWHERE, "resource": {"resourceType": "OperationOutcome", "issue": [issue]}})
    first(tree, "MessageHeader")["response"]["details"] = {"reference": NOWHERE}


def questionnaire_of_nothing(tree: Tree) -> None:
    asked = {"resourceType": "Questionnaire", "url": "http://example.org/q", "status": "active"}
    asked["item"] = [{"linkId": "score", "text": "Score", "type": "decimal"}]
    tree["entry"].append({"fullUrl": NOWHERE, "resource": asked})
    first(tree, "Provenance")["target"].append({"reference": NOWHERE})


def number_of_sessions(change: Callable[[Tree], object]) -> Change:
    """Change the Observation that counts the sessions."""

    def changed(tree: Tree) -> None:
        resources = (each["resource"] for each in tree["entry"])
        change(next(each for each in resources if "valueInteger" in each and each["resourceType"] == "Observation"))

    return changed


def codes(system: str, *code: str) -> Tree:
    return {"coding": [{"system": system, "code": each} for each in code]}


_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_SAME = codes("http://example.org/codes", "a")
_DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
_ORGANISATION = {"resourceType": "Organization", "name": "x"}

_TABLE: Mapping[str, tuple[tuple[str, str, Change], ...]] = {
    "messages.code": (
        ("a status that is none", REPORT, put("Observation", status="done")),
        ("a gender that is none", OPENING, put("Patient", gender="vrouw")),
        ("a Task status that is none", REPORT, put("Task", status="finished")),
        ("an intent that is none", REPORT, put("Task", intent="command")),
        ("an encounter status that is none", REPORT, put("Encounter", status="done")),
        ("a consent status that is none", OPENING, put("Consent", status="given")),
        ("a bundle type that is none", REPORT, bundle(type="envelope")),
        ("a clinical status that is none", REPORT, put("Condition", clinicalStatus=codes(_CLINICAL, "better"))),
        ("a report type that is none", COUNTS, put("MeasureReport", type="total")),
        ("a goal status that is none", REPORT, put("Goal", lifecycleStatus="busy")),
        ("a response status that is none", REPORT, put("QuestionnaireResponse", status="done")),
    ),
    "messages.format": (
        ("a day that does not exist", OPENING, put("Patient", birthDate="1960-02-31")),
        ("a day in Dutch order", OPENING, put("Patient", birthDate="03-04-1960")),
        ("a moment without a time zone", REPORT, bundle(timestamp="2026-01-09T12:30:00")),
        ("an id with a space", REPORT, put("Encounter", id="a b")),
        ("an id of 65 characters", REPORT, put("Encounter", id="a" * 65)),
        (
            "a count below nothing",
            COUNTS,
            of("MeasureReport", lambda it: it["group"][0]["population"][0].update(count=2**31)),
        ),
        ("a clock of 25 hours", REPORT, put("Observation", effectiveDateTime="2025-01-08T25:00:00Z")),
        ("a system with a space", REPORT, of("Task", lambda it: it["identifier"][0].update(system="not a uri"))),
    ),
    "messages.type": (
        ("a text for a yes or no", OPENING, put("Patient", active="true")),
        ("a number for a text", OPENING, put("Patient", birthDate=1960)),
        ("a text for a number", REPORT, value("Observation", valueInteger="3")),
        ("an object for a list", OPENING, put("Patient", name={"text": "x"})),
        ("a list for an object", REPORT, of("Encounter", lambda it: it.update(period=[it["period"]]))),
        ("a text for a reference", REPORT, put("Encounter", subject="Patient/1")),
    ),
    "messages.unknown-property": (
        ("an element that R4 does not have", OPENING, put("Patient", nickname="x")),
        ("an element of R5", REPORT, rename("Encounter", "class", "classification")),
        ("an element misspelt within a part", REPORT, of("Task", lambda it: it["output"][0].update(kind="x"))),
        ("a property of a Bundle that there is none of", REPORT, bundle(note="x")),
    ),
    "messages.r4b-only": (
        (
            "a type of R4B in an extension",
            REPORT,
            put("Encounter", extension=[{"url": KNOWN_EXTENSION, "valueCodeableReference": {"concept": _SAME}}]),
        ),
    ),
    "messages.empty": (
        ("an empty list", OPENING, put("Patient", name=[])),
        ("an empty object", OPENING, put("Patient", maritalStatus={})),
        ("an empty text", REPORT, put("Organization", name="")),
    ),
    "messages.choice": (
        ("two values at once", REPORT, value("Observation", valueInteger=1, valueString="1")),
        ("two deaths at once", OPENING, put("Patient", deceasedBoolean=False, deceasedDateTime="2020")),
    ),
    "messages.missing": (
        ("no status", REPORT, drop("Observation", "status")),
        ("no code", REPORT, drop("Observation", "code")),
        ("no source of the message", REPORT, drop("MessageHeader", "source")),
        ("no intent", REPORT, drop("Task", "intent")),
        ("no class", REPORT, drop("Encounter", "class")),
        ("no period of a report", COUNTS, drop("MeasureReport", "period")),
        ("no scope of a consent", OPENING, drop("Consent", "scope")),
        ("no subject of a problem", REPORT, drop("Condition", "subject")),
        ("no linkId", REPORT, of("QuestionnaireResponse", lambda it: it["item"][0].pop("linkId"))),
        ("no title of the summary", REPORT, drop("Composition", "title")),
        ("no author of what was recorded", REPORT, drop("Provenance", "agent")),
    ),
    "messages.per-1": (
        ("an end before its start", REPORT, put("EpisodeOfCare", period={"start": "2025-02-01", "end": "2025-01-01"})),
    ),
    "messages.ext-1": (
        ("an extension that says nothing", REPORT, put("Encounter", extension=[{"url": KNOWN_EXTENSION}])),
        (
            "a part of an extension that says nothing",
            REPORT,
            of("MessageHeader", lambda it: it["extension"][0]["extension"][1].pop("valueInteger")),
        ),
        (
            "an extension with a value and extensions",
            REPORT,
            put(
                "Encounter",
                extension=[
                    {
                        "url": KNOWN_EXTENSION,
                        "valueCode": "unknown",
                        "extension": [{"url": KNOWN_EXTENSION, "valueCode": "unknown"}],
                    }
                ],
            ),
        ),
    ),
    "messages.qty-3": (
        ("a unit's code without its system", REPORT, value("Observation", valueQuantity={"value": 1, "code": "kg"})),
    ),
    "messages.rng-2": (
        (
            "a range from high to low",
            REPORT,
            value("Observation", valueRange={"low": {"value": 2}, "high": {"value": 1}}),
        ),
    ),
    "messages.rat-1": (
        ("a ratio without a denominator", REPORT, value("Observation", valueRatio={"numerator": {"value": 1}})),
    ),
    "messages.cpt-2": (("a number of no kind", OPENING, put("Patient", telecom=[{"value": "1"}])),),
    "messages.att-1": (("content of no kind", OPENING, put("Consent", sourceAttachment={"data": "aGFsbG8="})),),
    "messages.txt-1": (
        (
            "a program in a text",
            REPORT,
            put("Encounter", text={"status": "generated", "div": _DIV.format("<script>x</script>")}),
        ),
        (
            "a text that acts",
            REPORT,
            put("Encounter", text={"status": "generated", "div": _DIV.format('<p onclick="x">a</p>')}),
        ),
        ("a text that is no XHTML", REPORT, put("Encounter", text={"status": "generated", "div": "<div>open"})),
    ),
    "messages.txt-2": (
        ("a text of nothing", REPORT, put("Encounter", text={"status": "generated", "div": _DIV.format(" ")})),
    ),
    "messages.obs-3": (
        ("a reference range of nothing", REPORT, put("Observation", referenceRange=[{"type": {"text": "x"}}])),
    ),
    "messages.obs-6": (("a value, and why there is none", REPORT, put("Observation", dataAbsentReason={"text": "x"})),),
    "messages.obs-7": (
        (
            "a value twice under one code",
            REPORT,
            lambda tree: first(tree, "Observation").update(
                component=[{"code": first(tree, "Observation")["code"], "valueInteger": 1}]
            ),
        ),
    ),
    "messages.con-4": (
        (
            "ended, and active",
            REPORT,
            put("Condition", abatementDateTime="2025-01-01", clinicalStatus=codes(_CLINICAL, "active")),
        ),
    ),
    "messages.con-5": (
        (
            "a mistake with a clinical status",
            REPORT,
            put(
                "Condition",
                clinicalStatus=codes(_CLINICAL, "active"),
                verificationStatus=codes(_VERIFIED, "entered-in-error"),
            ),
        ),
    ),
    "messages.ppc-1": (("a consent to nothing written", OPENING, drop("Consent", "policy")),),
    "messages.ppc-2": (("a consent of nobody", OPENING, drop("Consent", "patient")),),
    "messages.org-1": (
        (
            "an organisation of no name",
            REPORT,
            of("Organization", lambda it: [it.pop(name) for name in ("name", "identifier")]),
        ),
    ),
    "messages.org-2": (
        ("an organisation at home", REPORT, put("Organization", address=[{"use": "home", "text": "x"}])),
    ),
    "messages.pat-1": (("a contact that is nobody", OPENING, put("Patient", contact=[{"gender": "male"}])),),
    "messages.cmp-1": (("a section of nothing", REPORT, put("Composition", section=[{"title": "x"}])),),
    "messages.prr-1": (("details of no order", REPORT, put("ServiceRequest", orderDetail=[{"text": "x"}])),),
    "messages.inv-1": (("changed before it was made", REPORT, put("Task", lastModified="2020-01-01")),),
    "messages.gol-1": (("a target of nothing", REPORT, put("Goal", target=[{"detailQuantity": {"value": 1}}])),),
    "messages.mrp-1": (("collected data with groups", COUNTS, put("MeasureReport", type="data-collection")),),
    "messages.mrp-2": (
        (
            "a stratum of nothing",
            COUNTS,
            of("MeasureReport", lambda it: it["group"][0].update(stratifier=[{"stratum": [{"id": "x"}]}])),
        ),
    ),
    "messages.qrs-1": (
        (
            "items beside an answer",
            REPORT,
            of(
                "QuestionnaireResponse",
                lambda it: it["item"].append(
                    {"linkId": "x", "answer": [{"valueString": "x"}], "item": [{"linkId": "y", "text": "x"}]}
                ),
            ),
        ),
    ),
    "messages.dom-2": (("a resource in a resource in a resource", REPORT, nested),),
    "messages.dom-3": (
        ("a contained resource that nothing needs", REPORT, put("Task", contained=[{**_ORGANISATION, "id": "a"}])),
    ),
    "messages.bdl-1": (("a total of a message", REPORT, bundle(total=3)),),
    "messages.bdl-2": (("found by no search", REPORT, entry(1, search={"mode": "match"})),),
    "messages.bdl-3": (("a request in a message", REPORT, entry(1, request={"method": "GET", "url": "Task"})),),
    "messages.bdl-4": (("a response in a message", REPORT, entry(1, response={"status": "200"})),),
    "messages.bdl-5": (("an entry of nothing", REPORT, lambda tree: tree["entry"].append({"fullUrl": NOWHERE})),),
    "messages.bdl-7": (("two entries at one address", REPORT, same_url),),
    "messages.bdl-8": (
        ("an address of a version", REPORT, entry(6, fullUrl="http://example.org/PractitionerRole/1/_history/2")),
    ),
    "messages.bdl-12": (("a message without its header first", REPORT, swapped),),
    "messages.urn": (("an address that is no UUID", REPORT, entry(6, fullUrl="urn:uuid:1234")),),
    "messages.no-full-url": (("an entry without an address", REPORT, lambda tree: tree["entry"][6].pop("fullUrl")),),
    "messages.unresolved": (
        ("a reference that leads nowhere", REPORT, put("Encounter", subject={"reference": NOWHERE})),
        (
            "an output that is not there",
            REPORT,
            of("Task", lambda it: it["output"][0].update(valueReference={"reference": NOWHERE})),
        ),
    ),
    "messages.contained": (
        ("a reference to what is not contained", REPORT, put("Task", owner={"reference": "#nobody"})),
    ),
    "messages.target": (
        ("a patient that is an organisation", REPORT, point("EpisodeOfCare", "patient", "Organization")),
        ("an owner that is a referral", REPORT, point("Task", "owner", "ServiceRequest")),
        ("a device in a hospital bed", REPORT, put("Encounter", subject={"reference": "Device/1"})),
        ("R4B's subject of an observation", REPORT, point("Observation", "subject", "Organization")),
    ),
    "messages.apart": (("an organisation that nothing is about", REPORT, add(_ORGANISATION)),),
    "messages.not-in-output": (("an observation that no Task puts out", REPORT, without_output),),
    "messages.contradiction": (("cancelled, and at its end", REPORT, put("Task", status="cancelled")),),
    "messages.focus": (("a message about nothing", REPORT, drop("MessageHeader", "focus")),),
    "messages.second-header": (
        (
            "a message in a message",
            REPORT,
            lambda tree: tree["entry"].append({**tree["entry"][0], "fullUrl": NOWHERE}),
        ),
    ),
    "messages.profile-requires": (
        ("a figure of one patient who is not named", FIGURES, put("MeasureReport", type="individual")),
        ("a source under no agreement", REPORT, drop("Provenance", "policy")),
        ("a questionnaire of no instrument", REPORT, questionnaire_of_nothing),
        ("a refusal in words alone", REFUSAL, refused_in_words),
        ("a therapist of no practice", REPORT, drop("PractitionerRole", "organization")),
    ),
    "messages.profile-forbids": (
        (
            "a number of sessions with a day",
            REPORT,
            number_of_sessions(lambda it: it.update(effectiveDateTime="2025-01-08")),
        ),
        ("a therapist with a telephone", REPORT, put("PractitionerRole", telecom=[{"system": "phone", "value": "1"}])),
    ),
    "messages.profile-value": (
        ("a number of sessions that is not final", REPORT, number_of_sessions(lambda it: it.update(status="amended"))),
    ),
    "messages.profile-too-many": (
        ("a source with two authors", REPORT, of("Provenance", lambda it: it["agent"].append(it["agent"][0]))),
    ),
    "recomputing.score-differs": (
        (
            "a score that its counts do not give",
            COUNTS,
            of(
                "MeasureReport",
                lambda it: it["group"].append(
                    {
                        "population": [
                            {
                                "code": codes("http://terminology.hl7.org/CodeSystem/measure-population", code),
                                "count": count,
                            }
                            for code, count in (("denominator", 2), ("denominator-exclusion", 1), ("numerator", 1))
                        ],
                        "measureScore": {"value": 0.5},
                    }
                ),
            ),
        ),
    ),
}

DEFECTS = tuple(Defect(name, rule, base, change) for rule, rows in _TABLE.items() for name, base, change in rows)


def _text(change: Callable[[bytes], bytes]) -> bytes:
    return change((GOLDEN / f"{OPENING}.json").read_bytes())


TEXTS: Mapping[str, tuple[str, bytes]] = {
    "a name twice in one object": (
        "messages.duplicate-key",
        _text(lambda data: data.replace(b'"gender": ', b'"gender": "male",\n"gender": ', 1)),
    ),
    "a message cut short": ("messages.not-json", _text(lambda data: data[: len(data) // 2])),
    "a number that is none": ("messages.not-json", _text(lambda data: data.replace(b'"female"', b"NaN", 1))),
}
"""Name -> the rule that sees it, and the broken text."""
