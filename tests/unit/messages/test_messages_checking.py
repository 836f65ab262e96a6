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
from exchange.messages.invariants import ELEMENTS, RESOURCES
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

BROKEN: dict[str, tuple[Callable[[Tree], None], ...]] = {
    "messages.unknown-property": (put("Patient", nickname=SECRET), put("Task", **{SECRET: 1})),
    "messages.r4b-only": (
        put("Task", extension=[{"url": "x", "valueCodeableReference": {"concept": {"text": SECRET}}}]),
        put("Task", extension=[{"url": "x", "valueRatioRange": {"denominator": {"value": 1}}}]),
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


def test_every_rule_has_a_test_that_breaks_it_and_a_sentence_in_both_languages():
    named = {rule for rule, *_ in (*ELEMENTS, *BUNDLE, *MESSAGE)} | {
        rule for each in RESOURCES.values() for rule, *_ in each
    }
    named |= set(schema._RULES.values()) | {"messages.missing", "messages.dom-2", "messages.unknown-type"}

    assert named - set(BROKEN) - CHECKED_ELSEWHERE == set()
    for rule in named | set(RAW) | CHECKED_ELSEWHERE:
        assert set(catalogue()[rule]) == {"nl", "en"}


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
