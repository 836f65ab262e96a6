"""Walk a parsed Bundle once and collect what the rules look at: entries, references, and elements by their shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange.messages.schema import known_names, known_types

_POSITION = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry with a resource; `path` begins with its place in the Bundle and names the type."""

    number: int
    url: str
    kind: str
    resource: Mapping[str, Any]
    path: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """One Reference with a literal reference: where it stands, without positions, and what it points to."""

    entry: int
    path: str
    element: str
    target: str


@dataclass(slots=True)
class Survey:
    """What one walk over a Bundle found; `shapes` holds the elements that a rule for elements may look at."""

    bundle: Mapping[str, Any]
    entries: list[Entry] = field(default_factory=list)
    by_number: dict[int, Entry] = field(default_factory=dict)
    by_url: dict[str, Entry] = field(default_factory=dict)
    pointers: list[Pointer] = field(default_factory=list)
    shapes: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Entry]:
        """Return the entries with a resource of this type."""
        return [entry for entry in self.entries if entry.kind == kind]

    def resolve(self, pointer: Pointer) -> Entry | None:
        """Return the entry a reference points to, by full URL or, for a relative one, by type and id."""
        found = self.by_url.get(pointer.target)
        if found is not None or pointer.target.startswith(("urn:", "#")):
            return found
        return self.by_url.get(pointer.target.partition("/_history/")[0])


def survey(bundle: Mapping[str, Any]) -> Survey:
    """Collect, without recursion."""
    found = Survey(bundle)
    entries = bundle.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        _keep(found, number, entry.get("fullUrl"), resource)
    return found


def survey_resource(resource: Mapping[str, Any]) -> Survey:
    """Collect from a resource that stands alone."""
    found = Survey({})
    _keep(found, 0, None, resource)
    return found


def _keep(found: Survey, number: int, url: Any, resource: Mapping[str, Any]) -> None:
    named = resource.get("resourceType")
    kind = named if isinstance(named, str) and named in known_types() else "?"
    full = url if isinstance(url, str) else ""
    entry = Entry(number, full, kind, resource, f"Bundle.entry[{number}].{kind}" if found.bundle else kind)
    found.entries.append(entry)
    found.by_number[number] = entry
    if full:
        found.by_url.setdefault(full, entry)
    if isinstance(resource.get("id"), str) and not full.startswith("urn:"):
        found.by_url.setdefault(f"{kind}/{resource['id']}", entry)
    _walk(found, entry)


def _walk(found: Survey, entry: Entry) -> None:
    names = known_names()
    stack: list[tuple[str, str, Any]] = [(entry.path, "", entry.resource)]
    while stack:
        path, name, node = stack.pop()
        if isinstance(node, list):
            stack.extend((f"{path}[{n}]", name, each) for n, each in enumerate(node) if isinstance(each, dict | list))
            continue
        target = node.get("reference")
        if isinstance(target, str):
            element = entry.kind + _POSITION.sub("", path[len(entry.path) :])
            found.pointers.append(Pointer(entry.number, path, element, target))
        if name:
            found.shapes.append((path, name, node))
        for key, value in node.items():
            if isinstance(value, dict | list):
                known = key if key in names else "?"
                stack.append((f"{path}.{known}", known, value))
