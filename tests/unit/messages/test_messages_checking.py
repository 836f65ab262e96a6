"""Each rule of the check, broken once; and what must pass without a finding."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from exchange.errors import MessageError
from exchange.findings import Severity
from exchange.findings.wording import catalogue
from exchange.messages import schema
from exchange.messages.checking import check, require
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.invariants import CONTAINED, ELEMENTS, RESOURCES
from exchange.messages.parsing import Limits
from exchange.messages.rules import BUNDLE, MESSAGE

SECRET = "Jansen-geheim"
Tree = dict[str, Any]


def resource(tree: Tree, kind: str) -> Tree:
    return next(e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == kind)


def put(kind: str, **values: Any) -> Callable[[Tree], None]:
    return lambda tree: resource(tree, kind).update(values)


def on_bundle(**values: Any) -> Callable[[Tree], None]:
    return lambda tree: tree.update(values)


def on_entry(number: int, **values: Any) -> Callable[[Tree], None]:
    return lambda tree: tree["entry"][number].update(values)


def drop(kind: str, name: str) -> Callable[[Tree], None]:
    return lambda tree: resource(tree, kind).pop(name)


def add(content: Tree, url: str = "urn:uuid:00000000-0000-4000-8000-000000000001") -> Callable[[Tree], None]:
    return lambda tree: tree["entry"].append({"fullUrl": url, "resource": content})


def observed(**values: Any) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        found = resource(tree, "Observation")
        found.clear()
        found.update({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **values})

    return change


def forget_output(tree: Tree) -> None:
    resource(tree, "Task").pop("output")
    resource(tree, "Provenance")["target"] = resource(tree, "Provenance")["target"][:1]


def repeat_url(tree: Tree) -> None:
    tree["entry"][1]["fullUrl"] = tree["entry"][0]["fullUrl"]


def not_first(tree: Tree) -> None:
    tree["entry"].reverse()


LONE_ORGANISATION = {"resourceType": "Organization", "name": "x"}
SAME_CODE = {"coding": [{"system": "http://example.org", "code": "a"}]}
HOME = [{"use": "home", "text": "x"}]

URL = "urn:uuid:00000000-0000-4000-8000-000000000001"


def extension(kind: str, value: Any) -> Callable[[Tree], None]:
    return put("Task", extension=[{"url": "http://example.org/x", f"value{kind}": value}])


def timed(**repeat: Any) -> Callable[[Tree], None]:
    return extension("Timing", {"repeat": repeat})


def triggered(**values: Any) -> Callable[[Tree], None]:
    return extension("TriggerDefinition", values)


def asked(*items: Tree, **values: Any) -> Callable[[Tree], None]:
    """Add a questionnaire; each item gets a link id and, where it names none, a type."""
    made = [{"linkId": str(number), "type": "string", **item} for number, item in enumerate(items)]
    return add({"resourceType": "Questionnaire", "status": "active", "item": made, **values})


def consented(scope: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        consent = resource(tree, "Consent")
        consent.pop("patient")
        consent["scope"] = {"coding": [{"system": SYSTEMS["consent-scope"], "code": scope}]}

    return change


def contained(**values: Any) -> Callable[[Tree], None]:
    inner = {**LONE_ORGANISATION, "id": "inner", **values}
    return put("Task", contained=[inner], owner={"reference": "#inner"})


def problem(**values: Any) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        found = resource(tree, "Condition")
        subject = found["subject"]
        found.clear()
        found.update({"resourceType": "Condition", "subject": subject, **values})

    return change


MEASURE = {"resourceType": "Measure", "status": "active"}
REPORT = {"resourceType": "MeasureReport", "status": "complete", "type": "summary", "measure": "http://example.org/m"}
PERIOD = {"start": "2025-01-01", "end": "2025-12-31"}
PROBLEM = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item"}]
}

OF_DEFINITIONS: dict[str, tuple[Callable[[Tree], None], ...]] = {
    "messages.age-1": (
        extension("Age", {"value": 3}),
        extension("Age", {"value": 0, "code": "a", "system": SYSTEMS["ucum"]}),
        extension("Age", {"value": 3, "code": "a", "system": "http://example.org"}),
    ),
    "messages.cnt-3": (
        extension("Count", {"value": 3, "code": "2", "system": SYSTEMS["ucum"]}),
        extension("Count", {"value": 3.5, "code": "1", "system": SYSTEMS["ucum"]}),
    ),
    "messages.dis-1": (extension("Distance", {"value": 3}),),
    "messages.drt-1": (extension("Duration", {"code": "d", "system": SYSTEMS["ucum"]}),),
    "messages.cpt-2": (put("Patient", telecom=[{"value": "1"}]),),
    "messages.drq-1": (extension("DataRequirement", {"type": "Patient", "codeFilter": [{"valueSet": "x"}]}),),
    "messages.drq-2": (
        extension("DataRequirement", {"type": "Patient", "dateFilter": [{"path": "a", "searchParam": "b"}]}),
    ),
    "messages.exp-1": (extension("Expression", {"language": "text/cql"}),),
    "messages.rat-1": (
        extension("Ratio", {"numerator": {"value": 1}}),
        extension("Ratio", {"id": "a"}),
    ),
    "messages.tim-1": (timed(duration=1),),
    "messages.tim-2": (timed(period=1),),
    "messages.tim-4": (timed(duration=-1, durationUnit="d"),),
    "messages.tim-5": (timed(period=-1, periodUnit="d"),),
    "messages.tim-6": (timed(periodMax=1),),
    "messages.tim-7": (timed(durationMax=1),),
    "messages.tim-8": (timed(countMax=1),),
    "messages.tim-9": (timed(offset=1), timed(offset=1, when=["CM"])),
    "messages.tim-10": (timed(timeOfDay=["12:00:00"], when=["MORN"]),),
    "messages.trd-1": (triggered(type="data-added", data=[{"type": "Patient"}], timingDate="2025-01-01"),),
    "messages.trd-2": (triggered(type="named-event", name="x", condition={"language": "text/cql", "expression": "x"}),),
    "messages.trd-3": (triggered(type="named-event"), triggered(type="periodic"), triggered(type="data-added")),
    "messages.con-1": (put("Condition", stage=[{"type": {"text": "x"}}]),),
    "messages.con-2": (put("Condition", evidence=[{"id": "x"}]),),
    "messages.con-3": (problem(category=[PROBLEM]),),
    "messages.ppc-2": (consented("patient-privacy"),),
    "messages.ppc-3": (consented("research"),),
    "messages.ppc-4": (consented("adr"),),
    "messages.ppc-5": (consented("treatment"),),
    "messages.gol-1": (
        add(
            {
                "resourceType": "Goal",
                "lifecycleStatus": "active",
                "description": {"text": "x"},
                "subject": {"display": "x"},
                "target": [{"detailString": "x"}],
            }
        ),
    ),
    "messages.mea-0": (add({**MEASURE, "name": "no name"}),),
    "messages.mea-1": (
        add({**MEASURE, "group": [{"stratifier": [{"id": "x"}]}]}),
        add({**MEASURE, "group": [{"stratifier": [{"code": {"text": "x"}, "component": [{"code": {"text": "x"}}]}]}]}),
    ),
    "messages.mrp-1": (add({**REPORT, "type": "data-collection", "period": PERIOD, "group": [{"id": "x"}]}),),
    "messages.mrp-2": (add({**REPORT, "period": PERIOD, "group": [{"stratifier": [{"stratum": [{"id": "x"}]}]}]}),),
    "messages.que-0": (asked(name="no name"),),
    "messages.que-1": (
        asked({"type": "group"}),
        asked({"type": "display", "item": [{"linkId": "a", "type": "string"}]}),
    ),
    "messages.que-2": (asked({"linkId": "a", "type": "group", "item": [{"linkId": "a", "type": "string"}]}),),
    "messages.que-3": (asked({"type": "display", "code": [{"code": "x"}]}),),
    "messages.que-4": (asked({"type": "choice", "answerOption": [{"valueString": "x"}], "answerValueSet": "x"}),),
    "messages.que-5": (asked({"type": "boolean", "answerOption": [{"valueString": "x"}]}),),
    "messages.que-6": (asked({"type": "display", "required": True}), asked({"type": "display", "repeats": False})),
    "messages.que-7": (asked({"enableWhen": [{"question": "0", "operator": "exists", "answerString": "x"}]}),),
    "messages.que-8": (
        asked({"type": "group", "item": [{"linkId": "a", "type": "string"}], "initial": [{"valueString": "x"}]}),
    ),
    "messages.que-9": (asked({"type": "display", "readOnly": True}),),
    "messages.que-10": (asked({"type": "date", "maxLength": 3}),),
    "messages.que-11": (
        asked({"type": "choice", "answerOption": [{"valueString": "x"}], "initial": [{"valueString": "x"}]}),
    ),
    "messages.que-12": (asked({"enableWhen": [{"question": "0", "operator": "exists", "answerBoolean": True}] * 3}),),
    "messages.que-13": (asked({"initial": [{"valueString": "x"}, {"valueString": "y"}]}),),
    "messages.qrs-1": (
        add(
            {
                "resourceType": "QuestionnaireResponse",
                "status": "completed",
                "item": [{"linkId": "a", "answer": [{"valueInteger": 1}], "item": [{"linkId": "b"}]}],
            }
        ),
    ),
    "messages.dom-3": (put("Task", contained=[{**LONE_ORGANISATION, "id": "inner"}]),),
    "messages.dom-4": (contained(meta={"versionId": "1"}), contained(meta={"lastUpdated": "2025-01-01T00:00:00Z"})),
    "messages.dom-5": (contained(meta={"security": [{"code": "x"}]}),),
}

BROKEN: dict[str, tuple[Callable[[Tree], None], ...]] = {
    "messages.unknown-property": (put("Patient", nickname=SECRET), put("Task", **{SECRET: 1})),
    "messages.r4b-only": (
        put("Task", extension=[{"url": "x", "valueCodeableReference": {"concept": {"text": SECRET}}}]),
        put("Task", extension=[{"url": "x", "valueRatioRange": {"denominator": {"value": 1}}}]),
        add({"resourceType": "Citation"}),
    ),
    "messages.code": (
        put("Observation", status=SECRET),
        put("Patient", gender=SECRET),
        put("Condition", clinicalStatus={"coding": [{"system": "x", "code": SECRET}]}),
        on_bundle(type=SECRET),
    ),
    "messages.format": (
        put("Patient", birthDate="1960-02-31"),
        put("Patient", birthDate=SECRET),
        put("Patient", id="a b"),
        on_bundle(timestamp="2026-01-01"),
        observed(valueInteger=2**40),
        put("Encounter", diagnosis=[{"condition": {"display": "x"}, "rank": 0}]),
        observed(valueSampledData={"origin": {"value": 1}, "period": 1, "dimensions": 0}),
    ),
    "messages.empty": (put("Patient", name=[]), put("Patient", maritalStatus={}), put("Organization", name="")),
    "messages.choice": (
        observed(valueString="a", valueInteger=1),
        put("Patient", deceasedBoolean=False, deceasedDateTime="2020"),
        put("Task", input=[{"type": {"text": "x"}}]),
    ),
    "messages.missing": (
        drop("Observation", "status"),
        drop("MessageHeader", "source"),
        drop("Task", "intent"),
        drop("Encounter", "class"),
    ),
    "messages.type": (put("Patient", birthDate=1960), put("Patient", active="true"), put("Patient", name="x")),
    "messages.unknown-type": (
        add({"resourceType": "Basic", "code": {"text": "x"}}),
        add({"resourceType": SECRET}),
        add({"resourceType": 7}),
    ),
    "messages.per-1": (
        put("EpisodeOfCare", period={"start": "2025-02-01", "end": "2025-01-31"}),
        put("EpisodeOfCare", period={"start": "2025-02-01T11:00:00+01:00", "end": "2025-02-01T09:00:00Z"}),
        put("EpisodeOfCare", period={"start": "2026", "end": "2025-12-31"}),
        put("Task", **{SECRET: {"start": "2026", "end": "2025"}}),
        add({"resourceType": "Coverage", "period": {"start": "2026", "end": "2025"}}),
    ),
    "messages.ext-1": (
        put("Task", extension=[{"url": "x"}]),
        put("Task", extension=[{"url": "x", "valueCode": "a", "extension": [{"url": "y", "valueCode": "b"}]}]),
    ),
    "messages.qty-3": (observed(valueQuantity={"value": 1, "code": "kg"}),),
    "messages.rng-2": (observed(valueRange={"low": {"value": 2}, "high": {"value": 1}}),),
    "messages.att-1": (put("Consent", sourceAttachment={"data": "aaaa"}),),
    "messages.txt-1": (
        put("Patient", text={"status": "generated", "div": "<div><script>1</script></div>"}),
        put("Patient", text={"status": "generated", "div": "no markup"}),
        put("Patient", text={"status": "generated", "div": '<div><p onclick="x">a</p></div>'}),
    ),
    "messages.txt-2": (put("Patient", text={"status": "generated", "div": "<div> </div>"}),),
    "messages.obs-3": (put("Observation", referenceRange=[{"age": {"low": {"value": 1}}}]),),
    "messages.obs-6": (observed(valueInteger=1, dataAbsentReason={"text": "x"}),),
    "messages.obs-7": (observed(code=SAME_CODE, valueInteger=1, component=[{"code": SAME_CODE, "valueInteger": 1}]),),
    "messages.con-4": (
        put(
            "Condition",
            abatementDateTime="2025",
            clinicalStatus={
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
            },
        ),
    ),
    "messages.con-5": (
        put(
            "Condition",
            clinicalStatus={
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "inactive"}]
            },
            verificationStatus={
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                        "code": "entered-in-error",
                    }
                ]
            },
        ),
    ),
    "messages.ppc-1": (drop("Consent", "policy"),),
    "messages.org-1": (lambda tree: [resource(tree, "Organization").pop(name) for name in ("name", "identifier")],),
    "messages.org-2": (put("Organization", address=HOME),),
    "messages.org-3": (put("Organization", telecom=[{"use": "home", "system": "phone", "value": "1"}]),),
    "messages.pat-1": (put("Patient", contact=[{"gender": "male"}]),),
    "messages.cmp-1": (put("Composition", section=[{"title": "x"}]),),
    "messages.cmp-2": (put("Composition", section=[{"entry": [{"display": "x"}], "emptyReason": {"text": "x"}}]),),
    "messages.prr-1": (put("ServiceRequest", orderDetail=[{"text": "x"}]),),
    "messages.inv-1": (put("Task", lastModified="2020-01-01"),),
    "messages.bdl-9": (on_bundle(type="document", identifier={"value": "x"}), on_bundle(type="document", identifier=7)),
    "messages.bdl-10": (lambda tree: (tree.update(type="document"), tree.pop("timestamp")),),
    "messages.bdl-11": (on_bundle(type="document"), on_bundle(type="document", entry=[])),
    "messages.dom-2": (put("Task", contained=[{**LONE_ORGANISATION, "contained": [LONE_ORGANISATION]}]),),
    "messages.bdl-1": (on_bundle(total=3),),
    "messages.bdl-2": (on_entry(1, search={"mode": "match"}),),
    "messages.bdl-3": (on_entry(1, request={"method": "GET", "url": "x"}),),
    "messages.bdl-4": (on_entry(1, response={"status": "200"}),),
    "messages.bdl-5": (lambda tree: tree["entry"].append({"fullUrl": "urn:oid:1.2.3"}),),
    "messages.bdl-7": (repeat_url,),
    "messages.bdl-8": (on_entry(1, fullUrl="http://example.org/Task/1/_history/2"),),
    "messages.bdl-12": (not_first, on_bundle(entry=[])),
    "messages.urn": (on_entry(1, fullUrl="urn:uuid:1234"), on_entry(1, fullUrl="urn:uuid:" + "A" * 36)),
    "messages.unresolved": (
        put("Task", owner={"reference": "urn:uuid:00000000-0000-4000-8000-000000000009"}),
        put("Task", owner={"reference": "urn:oid:1.2.3"}),
    ),
    "messages.contained": (put("Task", owner={"reference": "#nobody"}),),
    "messages.target": (
        lambda tree: resource(tree, "Task").update(owner=resource(tree, "Task")["focus"]),
        put("EpisodeOfCare", patient={"reference": "Practitioner/1"}),
        put("Encounter", subject={"reference": "https://example.org/fhir/Device/1"}),
    ),
    "messages.second-header": (lambda tree: tree["entry"].append(tree["entry"][0]),),
    "messages.no-full-url": (lambda tree: tree["entry"][4].pop("fullUrl"),),
    "messages.outside": (put("Task", owner={"reference": "Organization/1"}),),
    "messages.apart": (add(LONE_ORGANISATION),),
    "messages.not-in-output": (forget_output,),
    "messages.contradiction": (put("Task", status="draft"), put("Task", status="requested")),
    "messages.no-status-reason": (
        lambda tree: (resource(tree, "Task").update(status="failed"), resource(tree, "Task").pop("businessStatus")),
    ),
    "messages.unknown-event-code": (put("MessageHeader", eventCoding={"system": SECRET, "code": "x"}),),
    "messages.focus": (put("MessageHeader", focus=[]), drop("MessageHeader", "focus")),
    "messages.not-a-message": (on_bundle(type="collection"),),
    **OF_DEFINITIONS,
    "messages.not-readable": (
        drop("MessageHeader", "extension"),
        put("Task", identifier=[{"value": SECRET}]),
        put("Organization", identifier=[{"system": SYSTEMS["bsn"], "value": "999990019"}]),
    ),
}
RAW: dict[str, tuple[bytes, ...]] = {
    "messages.duplicate-key": (b'{"resourceType":"Patient",\n"id":"a","id":"Jansen-geheim"}',),
    "messages.not-json": (b"", b"{", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":"\xff"}', b"{} {}", b"\x00" * 40),
    "messages.not-an-object": (b"[]", b'"x"', b"7", b"null"),
    "messages.too-deep": (b'{"a":' + b"[" * 100_000, b'{"a":' + b"[" * 100 + b"]" * 100 + b"}"),
    "messages.not-a-message": (b"{}", b'{"resourceType":"Patient"}'),
}
CHECKED_ELSEWHERE = {
    "messages.structure",  # what jsonschema-rs may yet name that the table of the schema does not
    "messages.too-large",
    "messages.too-many-values",
    "messages.too-many-entries",
}


@pytest.fixture(scope="session")
def whole(built) -> dict[str, bytes]:
    """Return an outcome report, with the consent of an opening beside it, to break."""
    tree = json.loads(built("outcome-report"))
    opening = json.loads(built("case-opening"))
    patient = next(e["fullUrl"] for e in tree["entry"] if e["resource"]["resourceType"] == "Patient")
    consent = resource(opening, "Consent")
    consent["patient"] = {"reference": patient}
    tree["entry"].append({"fullUrl": "urn:uuid:00000000-0000-4000-8000-00000000000a", "resource": consent})
    return {"report": json.dumps(tree).encode()}


def rules(data: bytes) -> set[str]:
    return {finding.rule for finding in check(data)}


@pytest.mark.parametrize("event", EVENTS)
def test_a_message_of_ours_has_no_finding(event, built):
    assert check(built(event)) == ()
    assert check(built(event, ())) == ()
    require(built(event))


def test_the_message_that_is_broken_below_has_no_finding_yet(whole):
    assert check(whole["report"]) == ()


@pytest.mark.parametrize(("rule", "change"), [(rule, change) for rule, changes in BROKEN.items() for change in changes])
def test_a_broken_rule_is_found_and_no_value_is_repeated(rule, change, whole):
    tree = json.loads(whole["report"])
    change(tree)
    findings = check(json.dumps(tree).encode())

    assert rule in {finding.rule for finding in findings}
    assert SECRET not in repr(findings)
    assert list(findings) == sorted(findings, key=lambda finding: finding.order)


@pytest.mark.parametrize(("rule", "data"), [(rule, data) for rule, many in RAW.items() for data in many])
def test_what_can_not_be_parsed_ends_in_one_finding(rule, data):
    findings = check(data)

    assert rule in {finding.rule for finding in findings}
    assert "Jansen" not in repr(findings)


def test_a_duplicate_key_is_found_with_its_line():
    (finding,) = check(b'{"resourceType":"Patient",\n"id":"a","id":"b"}')

    assert (finding.rule, finding.line) == ("messages.duplicate-key", 2)


@pytest.mark.parametrize(
    ("rule", "limits"),
    [
        ("messages.too-large", Limits(size=100)),
        ("messages.too-many-values", Limits(values=100)),
        ("messages.too-many-entries", Limits(entries=3)),
        ("messages.too-deep", Limits(depth=3)),
    ],
)
def test_each_limit_ends_in_one_finding(rule, limits, whole):
    assert [finding.rule for finding in check(whole["report"], limits)] == [rule]


NAMED = (
    {rule for rule, *_ in (*BUNDLE, *MESSAGE)}
    | {rule for each in (*RESOURCES.values(), *ELEMENTS.values()) for rule, *_ in each}
    | set(CONTAINED)
    | set(schema._RULES.values())
    | {"messages.missing", "messages.unknown-type"}
)


def test_every_rule_has_a_test_that_breaks_it_and_a_sentence_in_both_languages():
    assert NAMED - set(BROKEN) - CHECKED_ELSEWHERE == set()
    for rule in NAMED | set(RAW) | CHECKED_ELSEWHERE:
        assert set(catalogue()[rule]) == {"nl", "en"}


def test_every_invariant_of_the_definitions_is_a_rule_here():
    official = {f"messages.{key}" for keys in schema.invariants().values() for key in keys}

    # What has neither value nor children is an empty object, which the schema refuses; a narrative in each resource is
    # advice, and our messages have theirs in the Composition; a local reference is held to what is contained.
    assert official - NAMED == {"messages.ele-1", "messages.dom-6", "messages.ref-1"}


def test_a_lone_resource_is_checked_and_said_to_be_no_message():
    findings = check(b'{"resourceType":"Observation","status":"done","code":{"text":"x"}}')

    assert [(each.rule, each.path, each.severity) for each in findings] == [
        ("messages.not-a-message", "", Severity.WARNING),
        ("messages.code", "Observation.status", Severity.ERROR),
    ]


def test_a_primitive_that_is_absent_with_a_reason_is_not_missing(whole):
    tree = json.loads(whole["report"])
    observation = resource(tree, "Observation")
    observation["_status"] = {"extension": [{"url": "http://example.org/why", "valueCode": "unknown"}]}
    observation.pop("status")

    assert "messages.missing" not in rules(json.dumps(tree).encode())


def test_a_choice_that_is_absent_with_a_reason_is_no_finding():
    data = b'{"resourceType":"Patient","_deceasedBoolean":{"extension":[{"url":"x","valueCode":"unknown"}]}}'

    assert rules(data) == {"messages.not-a-message"}


def test_contained_resources_are_checked_too(whole):
    tree = json.loads(whole["report"])
    resource(tree, "Task")["contained"] = [{"resourceType": "Patient", "id": "p", "gender": SECRET}]
    findings = check(json.dumps(tree).encode())

    assert [each.path for each in findings if each.rule == "messages.code"] == [
        "Bundle.entry[1].Task.contained[0].gender"
    ]


def test_a_relative_reference_resolves_by_type_and_id():
    entry = [
        {"fullUrl": "https://example.org/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}},
        {
            "fullUrl": "https://example.org/fhir/Condition/1",
            "resource": {"resourceType": "Condition", "id": "1", "subject": {"reference": "Patient/1/_history/3"}},
        },
    ]
    data = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}).encode()

    assert rules(data) == {"messages.not-a-message"}


def test_only_errors_refuse(whole):
    tree = json.loads(whole["report"])
    resource(tree, "Task")["owner"] = {"reference": "Organization/1"}
    require(json.dumps(tree).encode())
    resource(tree, "Task")["status"] = "done"

    with pytest.raises(MessageError) as refused:
        require(json.dumps(tree).encode())
    assert refused.value.rule == "messages.refused"


def test_a_resource_with_thousands_of_mistakes_ends_in_a_bounded_list():
    names = [{"use": "no-such-use"} for _ in range(5000)]
    entry = [{"resource": {"resourceType": "Patient", "name": names}} for _ in range(20)]
    data = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entry}).encode()

    assert len(check(data)) == 1000


@pytest.mark.shared
def test_forty_records_of_another_system_give_one_finding_each(shared):
    files = sorted((shared / "synthea").glob("patient-*.json.gz"))
    if not files:
        pytest.skip("../shared/synthea is not here")
    for file in files:
        assert [finding.rule for finding in check(gzip.decompress(file.read_bytes()))] == ["messages.not-a-message"]
