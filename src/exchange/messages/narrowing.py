"""Make from the compiled definitions a narrower schema that shows in one pass that nothing is wrong.

What it takes, the definitions take, and the invariants of its elements hold. It is narrower wherever that is cheaper:
it takes no extension of a primitive, no contained resource and nothing nested without end, which our messages do not
have. So what it does not take may still be right, and is left to the rules; what it takes is as deep as it allows.

Two things it does are not in the standard of JSON Schema: a `format` hands each literal reference over, by the element
that it stands in, and the keyword `keeps` asks the predicates of `invariants.ELEMENTS` about an element.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exchange.messages.invariants import ELEMENTS
from exchange.messages.schema import definitions, referred, resource_types

DEEPEST = 3
"""So often may an item hold an item, or a section a section."""

_UUID = "^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_NEVER = frozenset({"contained", "modifierExtension"})
_NOT_IN: Mapping[str, frozenset[str]] = {
    "Extension": frozenset({"id"}),
    "Identifier": frozenset({"assigner"}),
    "Reference": frozenset({"type"}),
    "Task.output": frozenset({"id", "extension"}),
}
_SIMPLE: Mapping[str, Mapping[str, Any]] = {
    "code": {"type": "string", "minLength": 1, "pattern": r"^\S*$"},
}
"""A code of several words is left to the rules: without them it is matched without a regular expression."""

_PAIR = {"minProperties": 2, "maxProperties": 2}
_SAID: Mapping[str, Mapping[str, Any]] = {
    # An address, and just one value or further extensions; a type, and just one value.
    "Extension": _PAIR,
    "Task.output": _PAIR,
    "Quantity": {"dependentRequired": {"code": ["system"]}},
    "Period": {"if": {"maxProperties": 1}, "else": {"keeps": "Period"}},
    "Composition.section": {"anyOf": [{"required": ["text"]}], "not": {"required": ["emptyReason"]}},
    "Goal.target": {"anyOf": [{"required": ["measure"]}]},
    "QuestionnaireResponse.item": {"not": {"required": ["answer", "item"]}},
}
"""Where the schema itself can say an invariant; what is said here must imply all of `invariants.ELEMENTS`."""

# Paragraphs and lists of plain text, as our own summaries are: well-formed, and something to read in each.
_TEXT = r"[A-Za-z0-9](?:[^<>&\x00-\x1f\x7f-\x9f\x{fffe}\x{ffff}]|&(?:amp|lt|gt|quot|apos);)*"
_DIV = (
    rf'^<div xmlns="http://www\.w3\.org/1999/xhtml"(?: lang="[A-Za-z]{{2}}")?(?: xml:lang="[A-Za-z]{{2}}")?>'
    rf"(?:<p>{_TEXT}</p>|<ul>(?:<li>{_TEXT}</li>)+</ul>)+</div>$"
)
_WITH_EXTENSION = "Quantity+"
"""A score is the one value that carries an extension with us: its interval."""

ENTRY: Mapping[str, Any] = {
    "type": "object",
    "properties": {"fullUrl": {"type": "string", "pattern": _UUID}},
    "required": ["fullUrl", "resource"],
    "additionalProperties": False,
}
"""An entry of a message with a full URL, a resource and nothing else; what it must be is added under `resource`."""

BUNDLE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "resourceType": {"const": "Bundle"},
        "id": {"$ref": "#/$defs/id"},
        "identifier": {"$ref": "#/$defs/Identifier"},
        "type": {"const": "message"},
        "timestamp": {"$ref": "#/$defs/instant"},
    },
    "required": ["resourceType", "type"],
    "additionalProperties": False,
}
"""A message but for its entries."""


def narrowed() -> tuple[dict[str, Any], frozenset[str]]:
    """Return the schema, for an object that holds a resource under its type, and the names of its formats."""
    narrowing = _Narrowing()
    properties: dict[str, Any] = {
        kind: {"$ref": f"#/$defs/{narrowing.add(kind, 0)}"} for kind in sorted(resource_types() - {"Bundle"})
    }
    narrowing.add("Identifier", 0)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": properties,
        "additionalProperties": False,
        "$defs": narrowing.schemas,
    }
    return schema, frozenset(narrowing.formats)


class _Narrowing:
    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.formats: set[str] = set()

    def add(self, name: str, level: int) -> str:
        """Narrow a type once for each level at which it may stand; return its name there."""
        key = f"{name}:{level}" if level else name
        if key in self.schemas:
            return key
        source = definitions()[name.removesuffix("+")]
        if source.get("type") != "object":
            self.schemas[key] = _SIMPLE.get(name, source)
            return key
        made: dict[str, Any] = {}
        self.schemas[key] = made
        made |= {**source, "properties": dict(self._properties(name, level)), **self._rules(name)}
        if _SAID.get(name) is _PAIR:
            del made["allOf"]
        if name == "Narrative":
            made["properties"]["div"] = {"type": "string", "pattern": _DIV}
        return key

    def _rules(self, name: str) -> Mapping[str, Any]:
        said = _SAID.get(name.removesuffix("+"))
        if said is not None or name == "Narrative":
            return said or {}
        return {"keeps": name} if name in ELEMENTS else {}

    def _properties(self, name: str, level: int) -> Iterator[tuple[str, Any]]:
        for element, schema in definitions()[name.removesuffix("+")]["properties"].items():
            if element.startswith("_") or element in _NEVER or element in _NOT_IN.get(name, ()):
                continue
            if element == "extension" and not _extends(name):
                continue
            below = referred(schema)
            if not below:
                yield element, schema
            elif below == "Reference":
                yield element, _instead(schema, self._reference(f"{name}.{element}"))
            elif element == "measureScore":
                yield element, _instead(schema, self.add(_WITH_EXTENSION, 0))
            elif below != "Resource":
                deeper = _deeper(name, below, level)
                if deeper <= (1 if below == "Extension" else DEEPEST):
                    yield element, _instead(schema, self.add(below, deeper))

    def _reference(self, element: str) -> str:
        key = f"Reference@{element}"
        if key not in self.schemas:
            self.formats.add(element)
            self.add("Reference", 0)
            plain = self.schemas["Reference"]
            handed = {"type": "string", "minLength": 1, "format": element}
            self.schemas[key] = plain | {"properties": plain["properties"] | {"reference": handed}}
        return key


def _extends(name: str) -> bool:
    """Say whether a type may have extensions here: resources, their parts, extensions once, and scores."""
    return name.partition(".")[0] in resource_types() or name in {"Extension", _WITH_EXTENSION}


def _deeper(name: str, below: str, level: int) -> int:
    """Count how often an element already stands inside one like itself."""
    if name == below or name.startswith(f"{below}."):
        return level + 1
    return level if below.startswith(f"{name}.") else 0


def _instead(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the element's schema with another definition in place of its own."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{name}"}
    if "items" in schema:
        return {**schema, "items": _instead(schema["items"], name)}
    # Of the alternatives of a primitive in a list, null has no place here: it stands for one with only an extension.
    return {"allOf": [{"$ref": f"#/$defs/{name}"}, *schema.get("allOf", ())[1:]]}
