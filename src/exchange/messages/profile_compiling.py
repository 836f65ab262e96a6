"""Compile this project's profiles into one JSON Schema of what they ask beyond the official definitions.

A build step like `compiling`: `make profiles` runs it on the StructureDefinitions that SUSHI made, with snapshots, so
that what nl-core asks of a resource is in it too. The result is committed as `schemas/fhir/profiles.schema.json`. It
says what is required, forbidden, fixed or of a closed list, which types a choice may have, how often a slice may
stand; what the official definitions say already is left to their own schema.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
Element = Mapping[str, Any]
_MANY = "*"
_EXTENSIONS = frozenset({"extension", "modifierExtension"})


def compile_profiles(made: Sequence[Mapping[str, Any]], core: Path, dutch: Path) -> bytes:
    """Return the schema as JSON text: one definition for each profile and extension, under its id."""
    definitions = [each for each in made if each["resourceType"] == "StructureDefinition"]
    compiler = _Compiler(_Choices(core), _Lists(made, dutch), {each["url"]: each["id"] for each in definitions})
    schemas = {each["id"]: compiler.compile(each) for each in sorted(definitions, key=lambda each: str(each["id"]))}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Compiled from schemas/fhir/fsh by exchange.messages.profile_compiling; do not edit.",
        "$defs": schemas,
        "x-profiles": sorted(each["id"] for each in definitions if each["type"] != "Extension"),
    }
    return (json.dumps(schema, ensure_ascii=False, indent=1) + "\n").encode()


class _Choices:
    """The types that the official definitions give each choice."""

    def __init__(self, core: Path) -> None:
        self._types: dict[str, list[str]] = {}
        with tarfile.open(core, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if not name.startswith("StructureDefinition-") or not name[20:21].isupper():
                    continue
                content = archive.extractfile(member)
                definition = json.load(content) if content is not None else {}
                if definition.get("derivation") != "constraint":
                    self._keep(definition)

    def _keep(self, definition: Mapping[str, Any]) -> None:
        for element in definition.get("snapshot", {}).get("element", ()):
            if element["path"].endswith("[x]"):
                self._types[element["path"]] = [each["code"] for each in element["type"]]

    def of(self, element: Element) -> list[str]:
        """Return the types that the element had before it was constrained."""
        return self._types.get(element["base"]["path"], [each["code"] for each in element["type"]])


class _Lists:
    """The value sets that can be listed: our own, and those of nl-core that name each code."""

    def __init__(self, made: Iterable[Mapping[str, Any]], dutch: Path) -> None:
        self._sets: dict[str, Mapping[str, Any]] = {}
        self._systems: dict[str, list[str]] = {}
        with tarfile.open(dutch, "r:gz") as archive:
            for member in archive:
                if member.name.rpartition("/")[2].startswith("ValueSet-"):
                    content = archive.extractfile(member)
                    if content is not None:
                        self._keep(json.load(content))
        for each in made:
            self._keep(each)

    def _keep(self, resource: Mapping[str, Any]) -> None:
        if resource["resourceType"] == "ValueSet":
            self._sets[resource["url"]] = resource
        elif resource["resourceType"] == "CodeSystem" and resource.get("content") == "complete":
            self._systems[resource["url"]] = [each["code"] for each in resource["concept"]]

    def codes(self, value_set: str) -> dict[str, list[str]] | None:
        """Return system -> codes, or None where the value set can't be listed from what is here."""
        found = self._sets.get(value_set.partition("|")[0])
        listed: dict[str, list[str]] = {}
        for include in (found or {}).get("compose", {}).get("include", ()):
            system = include.get("system", "")
            named = [each["code"] for each in include.get("concept", ())] or self._systems.get(system)
            if not named or include.get("filter") or include.get("valueSet"):
                return None
            listed.setdefault(system, []).extend(named)
        return listed or None


class _Node:
    """One element of a snapshot with what stands below it and how it is sliced."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self.children: dict[str, _Node] = {}
        self.slices: dict[str, _Node] = {}


class _Compiler:
    def __init__(self, choices: _Choices, lists: _Lists, ours: Mapping[str, str]) -> None:
        self._choices = choices
        self._lists = lists
        self._ours = ours

    def compile(self, definition: Mapping[str, Any]) -> Schema:
        """Return what a profile or an extension asks beyond the definition it starts from."""
        return self._object(_tree(definition["snapshot"]["element"]))

    def _object(self, node: _Node) -> Schema:
        properties: Schema = {}
        required: list[str] = []
        rules: list[Schema] = []
        for name, child in node.children.items():
            if name.endswith("[x]"):
                self._choice(child, name.removesuffix("[x]"), properties, required, rules)
                continue
            schema = self._element(child)
            if schema != {}:
                properties[name] = schema
            if _asked(child.element):
                required.append(name)
        asked: Schema = {"properties": properties} if properties else {}
        if required:
            asked["required"] = required
        return asked | ({"allOf": rules} if rules else {})

    def _choice(
        self, node: _Node, stem: str, properties: Schema, required: list[str], rules: list[Schema]
    ) -> None:  # fmt: skip
        """Forbid the types that are left out, and hold the others to what is said of the choice or of its slice."""
        element = node.element
        allowed = [] if element["max"] == "0" else [each["code"] for each in element["type"]]
        for code in self._choices.of(element):
            name = stem + code[0].upper() + code[1:]
            schema: Any = self._single(node.slices.get(name) or (node if len(allowed) == 1 else _Node({**element})))
            if code not in allowed:
                schema = False
            if schema != {}:
                properties[name] = schema
        if element["min"] > 0:
            names = [stem + code[0].upper() + code[1:] for code in allowed]
            if len(names) == 1:
                required += names
            else:
                rules.append({"anyOf": [{"required": [name]} for name in names]})

    def _element(self, node: _Node) -> Any:
        element = node.element
        if element["max"] == "0":
            return {} if element["base"]["max"] == "0" else False
        if element["base"]["max"] in {"0", "1"}:
            return self._single(node)
        made: Schema = {}
        items = self._single(node)
        if items:
            made["items"] = items
        if element["max"] != _MANY:
            made["maxItems"] = int(element["max"])
        if element["min"] > 1:
            made["minItems"] = element["min"]
        slices = list(self._slices(node))
        return made | ({"allOf": slices} if slices else {})

    def _single(self, node: _Node) -> Schema:
        """Return what is asked of one value: its parts, its fixed value or pattern, its closed list."""
        asked = self._object(node)
        parts = [asked] if asked else []
        for name, value in node.element.items():
            if name.startswith("fixed"):
                parts.append({"const": value})
            elif name.startswith("pattern"):
                parts.append(_like(value))
        parts += self._bound(node.element)
        return parts[0] if len(parts) == 1 else ({"allOf": parts} if parts else {})

    def _bound(self, element: Element) -> Iterator[Schema]:
        binding = element.get("binding", {})
        if binding.get("strength") != "required" or "valueSet" not in binding:
            return
        listed = self._lists.codes(binding["valueSet"])
        kinds = {each["code"] for each in element.get("type", ())}
        if listed is None or not kinds & {"code", "Coding", "CodeableConcept"}:
            return
        pairs: list[Schema] = [
            {"properties": {"system": {"const": system}, "code": {"enum": sorted(codes)}}}
            for system, codes in sorted(listed.items())
        ]
        coding: Schema = {"required": ["system", "code"], "anyOf": pairs}
        if "code" in kinds:
            yield {"enum": sorted({code for codes in listed.values() for code in codes})}
        elif "Coding" in kinds:
            yield coding
        else:
            yield {"required": ["coding"], "properties": {"coding": {"contains": coding}}}

    def _slices(self, node: _Node) -> Iterator[Schema]:
        """Hold each item that is of a slice to that slice, and count them."""
        matches = []
        for part in node.slices.values():
            match = self._match(node, part)
            if match is None:
                continue
            matches.append(match)
            asked = self._of_slice(part)
            if asked:
                yield {"items": {"if": match, "then": asked}}
            yield from _counted(part.element, node.element, match)
        closed = node.element.get("slicing", {}).get("rules") == "closed"
        if closed and matches:
            yield {"items": {"anyOf": matches}}

    def _of_slice(self, part: _Node) -> Schema:
        for url in _profiles(part.element):
            if url in self._ours:
                return {"$ref": f"#/$defs/{self._ours[url]}"}
        return self._single(part)

    def _match(self, node: _Node, part: _Node) -> Schema | None:
        """Return how an item shows that it is of a slice; None for discriminators that no schema can follow."""
        urls = _profiles(part.element)
        if node.element["path"].rpartition(".")[2] in _EXTENSIONS:
            url = urls[0] if urls else part.children.get("url", _Node({})).element.get("fixedUri")
            return {"required": ["url"], "properties": {"url": {"const": url}}} if url else None
        found: list[Schema] = []
        for discriminator in node.element.get("slicing", {}).get("discriminator", ()):
            if discriminator["type"] not in {"value", "pattern"}:
                return None
            below = _follow(part, discriminator["path"])
            said = None if below is None else _said(below.element)
            if said is None:
                return None
            found.append(_inside(discriminator["path"], said))
        return {"allOf": found} if len(found) > 1 else (found[0] if found else None)


def _tree(elements: Sequence[Element]) -> _Node:
    root = _Node(elements[0])
    for element in elements[1:]:
        node = root
        steps = element["id"].split(".")[1:]
        for number, step in enumerate(steps):
            name, _, part = step.partition(":")
            last = number == len(steps) - 1
            child = node.children.setdefault(name, _Node(element))
            if part:
                child = child.slices.setdefault(part, _Node(element))
            if last:
                child.element = element
            node = child
    return root


def _asked(element: Element) -> bool:
    """Say whether the profile requires what the definition leaves open."""
    return bool(element["min"] > 0 and element["base"]["min"] == 0 and element["max"] != "0")


def _counted(part: Element, whole: Element, match: Schema) -> Iterator[Schema]:
    if part["min"] > 0:
        yield {"contains": match}
    if part["max"] not in {_MANY, whole["max"]}:
        yield {"contains": match, "minContains": 0, "maxContains": int(part["max"])}


def _profiles(element: Element) -> list[str]:
    kinds: Sequence[Mapping[str, Any]] = element.get("type", ())
    return [url for kind in kinds if kind["code"] == "Extension" for url in kind.get("profile", ())]


def _follow(node: _Node, path: str) -> _Node | None:
    if path == "$this":
        return node
    for step in path.split("."):
        if step not in node.children:
            # A pattern on the slice itself may say what stands at the path.
            return None
        node = node.children[step]
    return node


def _said(element: Element) -> Schema | None:
    for name, value in element.items():
        if name.startswith("fixed"):
            return {"const": value}
        if name.startswith("pattern"):
            return _like(value)
    return None


def _inside(path: str, schema: Schema) -> Schema:
    if path == "$this":
        return schema
    for step in reversed(path.split(".")):
        schema = {"required": [step], "properties": {step: schema}}
    return schema


def _like(value: Any) -> Schema:
    """Return the schema of a FHIR pattern: everything it says must be there, and more may be."""
    if isinstance(value, dict):
        return {"required": sorted(value), "properties": {name: _like(each) for name, each in sorted(value.items())}}
    if isinstance(value, list):
        found: list[Schema] = [{"contains": _like(each)} for each in value]
        return found[0] if len(found) == 1 else {"allOf": found}
    return {"const": value}
