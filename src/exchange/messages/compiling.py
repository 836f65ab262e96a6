"""Compile the official R4 definitions into one JSON Schema for the resource types of our messages.

This is a build step, not part of checking: its result is committed as `schemas/fhir/r4-messages.schema.json`, and
docs/messages/README.md says how to make it again. The definitions are the package hl7.fhir.r4.core 4.0.1 (CC0), as a
`.tgz`. The schema says what the definitions say about names, cardinality, types, formats, choices and codes with a
required binding; what JSON Schema can't say well (invariants, references) is left to `rules.py`.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RESOURCES = (
    "Bundle",
    "Composition",
    "Condition",
    "Consent",
    "Encounter",
    "EpisodeOfCare",
    "Goal",
    "Measure",
    "MeasureReport",
    "MessageHeader",
    "Observation",
    "OperationOutcome",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "ServiceRequest",
    "Task",
)

_YEAR = "(?:[0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH = "(?:0[1-9]|1[0-2])"
# The official pattern takes 31 February for a date; this one knows the length of each month, leap years apart.
_DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_INT32 = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


# This very pattern is matched without a regular expression; `+` in place of `*` takes twice the time.
_UNSPACED = {"type": "string", "minLength": 1, "pattern": r"^\S*$"}

# R4 data types, section 2.24.0.1; the spaces that a base64 text may hold are taken anywhere, which is linear to match.
PRIMITIVES: Mapping[str, dict[str, Any]] = {
    "base64Binary": _text(r"[0-9A-Za-z+/=\s]+"),
    "boolean": {"type": "boolean"},
    "canonical": _UNSPACED,
    "code": _text(r"[^\s]+(?:\s[^\s]+)*"),
    "date": _text(f"{_YEAR}(?:-{_MONTH}|-{_DAY})?"),
    "dateTime": _text(f"{_YEAR}(?:-{_MONTH}|-{_DAY}(?:T{_CLOCK}{_ZONE})?)?"),
    "decimal": {"type": "number"},
    "id": _text(r"[A-Za-z0-9\-.]{1,64}"),
    "instant": _text(f"{_YEAR}-{_DAY}T{_CLOCK}{_ZONE}"),
    "integer": _INT32,
    "markdown": {"type": "string", "minLength": 1},
    "oid": _text(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": {**_INT32, "minimum": 1},
    "string": {"type": "string", "minLength": 1},
    "time": _text(_CLOCK),
    "unsignedInt": {**_INT32, "minimum": 0},
    "uri": _UNSPACED,
    "url": _UNSPACED,
    "uuid": _text(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "xhtml": {"type": "string", "minLength": 1},
}


def compile_package(package: Path) -> bytes:
    """Return the schema as JSON text, the same for the same package."""
    definitions = _Definitions(package)
    compiled = _Compiler(definitions)
    for name in RESOURCES:
        compiled.add(name)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Compiled from hl7.fhir.r4.core 4.0.1 (CC0) by exchange.messages.compiling; do not edit.",
        "$defs": dict(sorted(compiled.schemas.items())),
        "x-invariants": compiled.invariants(),
        "x-resources": sorted(RESOURCES),
        "x-targets": dict(sorted(compiled.targets.items())),
        "x-types": definitions.resource_types(),
    }
    return (json.dumps(schema, ensure_ascii=False, separators=(",", ":"), sort_keys=False) + "\n").encode()


class _Definitions:
    """The definitions of a package: types by name, value sets and code systems by canonical."""

    def __init__(self, package: Path) -> None:
        self._types: dict[str, Any] = {}
        self._canonical: dict[str, Any] = {}
        with tarfile.open(package, "r:gz") as archive:
            for member in archive:
                kind, _, _ = member.name.rpartition("/")[2].partition("-")
                if kind not in {"StructureDefinition", "ValueSet", "CodeSystem"}:
                    continue
                content = archive.extractfile(member)
                if content is not None:
                    self._keep(kind, json.load(content))

    def _keep(self, kind: str, resource: dict[str, Any]) -> None:
        if kind == "StructureDefinition":
            if resource.get("derivation") != "constraint":
                self._types[resource["name"]] = resource
        else:
            self._canonical[resource["url"]] = resource

    def elements(self, name: str) -> list[dict[str, Any]]:
        """Return the snapshot of a type."""
        found: list[dict[str, Any]] = self._types[name]["snapshot"]["element"]
        return found

    def resource_types(self) -> list[str]:
        """Return the names of all resources of R4."""
        return sorted(name for name, each in self._types.items() if each.get("kind") == "resource")

    def codes(self, value_set: str) -> dict[str, list[str]] | None:
        """Return system -> codes of a value set, or None where it can't be listed (mime types, currencies)."""
        listed: dict[str, list[str]] = {}
        for include in self._canonical[value_set.partition("|")[0]].get("compose", {}).get("include", []):
            if include.get("filter") or include.get("valueSet"):
                return None
            concepts = include.get("concept") or self._canonical.get(include["system"], {}).get("concept")
            if not concepts:
                return None
            listed.setdefault(include["system"], []).extend(_flat(concepts))
        return listed


def _flat(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _flat(concept.get("concept", []))


class _Compiler:
    """Schemas by type and by backbone path, and the types each reference may point to."""

    def __init__(self, definitions: _Definitions) -> None:
        self._definitions = definitions
        self.schemas: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, list[str]] = {}

    def add(self, name: str) -> None:
        """Compile a type and all it needs, once."""
        if name in self.schemas:
            return
        if name in PRIMITIVES:
            self.schemas[name] = dict(PRIMITIVES[name])
            return
        if name == "Resource":
            self.schemas[name] = {"type": "object", "required": ["resourceType"], "minProperties": 2}
            return
        elements = self._definitions.elements(name)
        self.schemas[name] = {}
        parents = {name} | {_parent(each["path"]) for each in elements[1:]}
        for path in sorted(parents):
            children = [each for each in elements[1:] if _parent(each["path"]) == path]
            self.schemas[path] = self._object(name if path == name and name in RESOURCES else "", children)

    def invariants(self) -> dict[str, list[str]]:
        """Return for each compiled element with invariants of its own their keys, so that none is forgotten."""
        found: dict[str, set[str]] = {}
        for name in {path.partition(".")[0] for path in self.schemas} - PRIMITIVES.keys() | {"DomainResource"}:
            for element in self._definitions.elements(name):
                for constraint in element.get("constraint", ()):
                    # What holds for every element of a type stands with that type, and is repeated where it is used.
                    owner = constraint.get("source", name).rpartition("/")[2]
                    if owner == name and not element["path"].endswith(("xtension", ".contained")):
                        found.setdefault(element["path"], set()).add(constraint["key"])
        return {path: sorted(keys) for path, keys in sorted(found.items())}

    def _object(self, resource: str, children: list[dict[str, Any]]) -> dict[str, Any]:
        properties: dict[str, Any] = {"resourceType": {"const": resource}} if resource else {}
        required, rules = (["resourceType"] if resource else []), []
        for element in children:
            label = element["path"].rpartition(".")[2]
            if label.endswith("[x]"):
                names = self._choice(element, label.removesuffix("[x]"), properties)
                rules.append(_one_of(names, required=element["min"] > 0))
                continue
            self._property(element, label, properties)
            if element["min"] > 0:
                required.append(label)
        schema: dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
        }
        if required:
            schema["required"] = required
        if rules:
            schema["allOf"] = rules
        return schema

    def _choice(self, element: dict[str, Any], stem: str, properties: dict[str, Any]) -> list[str]:
        names = []
        for kind in element["type"]:
            name = stem + kind["code"][0].upper() + kind["code"][1:]
            self._property({**element, "type": [kind]}, name, properties)
            names.append(name)
        return names

    def _property(self, element: dict[str, Any], name: str, properties: dict[str, Any]) -> None:
        schema, primitive = self._value(element, name)
        many = element["max"] not in {"0", "1"}
        if many:
            # FHIR keeps the place of a primitive that has only extensions with null.
            item = {"anyOf": [schema, {"type": "null"}]} if primitive else schema
            schema = {"type": "array", "items": item, "minItems": 1}
        properties[name] = schema
        if primitive:
            self.add("Element")
            beside: dict[str, Any] = {"$ref": "#/$defs/Element"}
            if many:
                beside = {"type": "array", "items": {"anyOf": [beside, {"type": "null"}]}, "minItems": 1}
            properties[f"_{name}"] = beside

    def _value(self, element: dict[str, Any], name: str) -> tuple[dict[str, Any], bool]:
        if "contentReference" in element:
            return {"$ref": "#/$defs/" + element["contentReference"].partition("#")[2]}, False
        code = element["type"][0]["code"]
        if code.startswith("http://hl7.org/fhirpath/"):
            if element["path"] in {f"{resource}.id" for resource in RESOURCES}:
                self.add("id")
                return {"$ref": "#/$defs/id"}, False
            return {"type": "string", "minLength": 1}, False
        if code in {"BackboneElement", "Element"} and element["path"].count("."):
            return {"$ref": "#/$defs/" + element["path"]}, False
        self.add(code)
        if code == "Reference":
            self._target(element, name)
        primitive = code in PRIMITIVES
        return self._bound(element, code, {"$ref": f"#/$defs/{code}"}), primitive

    def _target(self, element: dict[str, Any], name: str) -> None:
        profiles = element["type"][0].get("targetProfile", [])
        names = sorted(profile.rpartition("/")[2] for profile in profiles)
        if names and "Resource" not in names:
            self.targets[f"{_parent(element['path'])}.{name}"] = names

    def _bound(self, element: dict[str, Any], code: str, schema: dict[str, Any]) -> dict[str, Any]:
        binding = element.get("binding", {})
        if binding.get("strength") != "required" or code not in {"code", "CodeableConcept"}:
            return schema
        listed = self._definitions.codes(binding["valueSet"])
        if listed is None:
            return schema
        if code == "code":
            return {"enum": sorted({each for codes in listed.values() for each in codes})}
        coding: list[Any] = [
            {"properties": {"system": {"const": system}, "code": {"enum": sorted(codes)}}}
            for system, codes in sorted(listed.items())
        ]
        contained: dict[str, Any] = {"required": ["system", "code"], "anyOf": coding}
        within: dict[str, Any] = {"required": ["coding"], "properties": {"coding": {"contains": contained}}}
        return {"allOf": [schema, within]}


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _one_of(names: list[str], *, required: bool) -> dict[str, Any]:
    """Allow at most one of the names of a choice, with or without its `_name`, and exactly one where it is required."""
    present: list[dict[str, Any]] = [{"required": [name]} for name in names]
    # A choice may stand as `_valueX` alone, when it has no value but an extension that says why.
    alone: dict[str, Any] = {"not": {"anyOf": present}}
    if required:
        alone = {"allOf": [alone, {"anyOf": [{"required": [f"_{name}"]} for name in names]}]}
    return {"oneOf": [*present, alone]} if len(names) > 1 or required else {}
