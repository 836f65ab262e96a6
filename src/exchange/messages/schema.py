"""Hold one resource to the compiled R4 schema and say what is wrong in terms of FHIR, never quoting a value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from exchange import shipped
from exchange.findings import Finding, Severity

_R4B_NAMES = frozenset({"valueCodeableReference", "valueRatioRange"})
R4B_ONLY = (
    "AdministrableProductDefinition",
    "Citation",
    "ClinicalUseDefinition",
    "EvidenceReport",
    "Ingredient",
    "ManufacturedItemDefinition",
    "MedicinalProductDefinition",
    "NutritionProduct",
    "PackagedProductDefinition",
    "RegulatedAuthorization",
    "SubscriptionStatus",
    "SubscriptionTopic",
    "SubstanceDefinition",
)
"""Resource types that R4B has and R4 has not."""
_RULES: Mapping[str, str] = {
    "AdditionalProperties": "messages.unknown-property",
    "Constant": "messages.code",
    "Contains": "messages.code",
    "AnyOf": "messages.code",
    "Enum": "messages.code",
    "Maximum": "messages.format",
    "MinItems": "messages.empty",
    "MinLength": "messages.empty",
    "MinProperties": "messages.empty",
    "Minimum": "messages.format",
    "OneOfMultipleValid": "messages.choice",
    "OneOfNotValid": "messages.choice",
    "Pattern": "messages.format",
    "Required": "messages.missing",
    "Type": "messages.type",
}
MOST = 200
"""So many findings of one resource are listed; a person needs no more to see that it is not what it must be."""


@cache
def _compiled() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(shipped.schemas("fhir", "r4-messages.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def resource_types() -> frozenset[str]:
    """Return the resource types that the schema covers."""
    return frozenset(_compiled()["x-resources"])


@cache
def known_types() -> frozenset[str]:
    """Return the names of all resource types of R4; what is none of these may be anything and is never repeated."""
    return frozenset(_compiled()["x-types"])


@cache
def known_names() -> frozenset[str]:
    """Return the names of all elements that the schema knows; any other may be a value in the wrong place."""
    return frozenset(name for each in _compiled()["$defs"].values() for name in each.get("properties", ()))


@cache
def targets() -> Mapping[str, frozenset[str]]:
    """Return for each reference element the resource types it may point to; an element that may point to any is out."""
    return {path: frozenset(names) for path, names in _compiled()["x-targets"].items()}


@cache
def definitions() -> Mapping[str, Mapping[str, Any]]:
    """Return the schema of each type and of each part of a type."""
    found: Mapping[str, Mapping[str, Any]] = _compiled()["$defs"]
    return found


@cache
def invariants() -> Mapping[str, tuple[str, ...]]:
    """Return the keys of the invariants that the definitions give each type or part of a type."""
    return {path: tuple(keys) for path, keys in _compiled()["x-invariants"].items()}


@cache
def children() -> Mapping[str, Mapping[str, str]]:
    """Return for each type what type each of its elements has, texts and numbers apart."""
    return {
        name: {
            element: kind
            for element, each in schema.get("properties", {}).items()
            if (kind := referred(each)) not in {"", "Resource"} and definitions()[kind].get("type") == "object"
        }
        for name, schema in definitions().items()
    }


def referred(schema: Mapping[str, Any]) -> str:
    """Return the name of the definition that an element's schema refers to, or nothing where it says all itself."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("#/$defs/")
    if "items" in schema:
        return referred(schema["items"])
    parts = schema.get("allOf") or schema.get("anyOf")
    return referred(parts[0]) if parts else ""


@cache
def _validator() -> Any:
    """Compile once for all types, as most of the work is in the data types that they share.

    What is held to it is an object with the resource under its type.
    """
    import jsonschema_rs

    schema = _compiled()
    return jsonschema_rs.validator_for(
        {
            "$schema": schema["$schema"],
            "properties": {name: {"$ref": f"#/$defs/{name}"} for name in schema["x-resources"]},
            "$defs": schema["$defs"],
        },
        # Matching time grows with the text and not faster, whatever the text.
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def check_resource(resource_type: str, resource: Any, path: str) -> Iterator[Finding]:
    """Yield what the definitions say against one resource of a type that the schema covers."""
    validator, held = _validator(), {resource_type: resource}
    if validator.is_valid(held):
        return
    for number, error in enumerate(validator.iter_errors(held)):
        if number == MOST:
            return
        yield from _explained(error, path)


def _explained(error: Any, path: str) -> Iterator[Finding]:
    kind = error.kind
    name = type(kind).__name__
    place = path + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path[1:])
    if name == "AdditionalProperties":
        for unexpected in kind.unexpected:
            yield _unexpected(str(unexpected), place)
        return
    if name == "Required":
        if isinstance(error.instance, dict) and f"_{kind.property}" in error.instance:
            return
        yield Finding("messages.missing", f"{place}.{kind.property}", Severity.ERROR)
        return
    yield Finding(_RULES.get(name, "messages.structure"), place, Severity.ERROR)


def _unexpected(name: str, place: str) -> Finding:
    """Name what R4B alone knows; any other unknown name may be a value in the wrong place and is not repeated."""
    if name in _R4B_NAMES:
        return Finding("messages.r4b-only", f"{place}.{name}", Severity.ERROR)
    return Finding("messages.unknown-property", place, Severity.ERROR)
