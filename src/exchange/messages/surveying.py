"""Walk a parsed Bundle once and collect what the rules look at: entries, references, and elements by their shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange.messages.schema import children, known_names, known_types

_INNER = (dict, list)

_QUANTITY = frozenset({"value", "comparator", "unit", "system", "code", "id", "extension"})

Way = tuple["Way | None", str | int]
"""How an element was reached: a chain of names and positions, turned into a path only where one is needed."""


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
    """One Reference with a literal reference: the type of the element it stands in, and what it points to."""

    source: Entry
    way: Way | None
    owner: str
    target: str

    @property
    def element(self) -> str:
        """Return the element it stands in, as the definitions name it."""
        way = self.way
        while way is not None and not isinstance(way[1], str):
            way = way[0]
        return f"{self.owner}.{way[1]}" if way is not None else self.owner

    @property
    def entry(self) -> int:
        """Return the number of the entry it stands in."""
        return self.source.number

    @property
    def path(self) -> str:
        """Return where it stands."""
        return self.source.path + _written(self.way)


@dataclass(frozen=True, slots=True)
class Shape:
    """One element by its type and its content."""

    entry: Entry
    way: Way
    kind: str
    node: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Return where it stands."""
        return self.entry.path + _written(self.way)


@dataclass(slots=True)
class Survey:
    """What one walk over a Bundle found; `shapes` holds the elements of types that have rules."""

    bundle: Mapping[str, Any]
    ruled: Collection[str]
    entries: list[Entry] = field(default_factory=list)
    by_number: dict[int, Entry] = field(default_factory=dict)
    by_url: dict[str, Entry] = field(default_factory=dict)
    pointers: list[Pointer] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Entry]:
        """Return the entries with a resource of this type."""
        return [entry for entry in self.entries if entry.kind == kind]

    def resolve(self, pointer: Pointer) -> Entry | None:
        """Return the entry a reference points to, by full URL or, for a relative one, by type and id."""
        found = self.by_url.get(pointer.target)
        if found is not None or pointer.target.startswith(("urn:", "#")):
            return found
        return self.by_url.get(pointer.target.partition("/_history/")[0])


def survey(bundle: Mapping[str, Any], ruled: Collection[str]) -> Survey:
    """Collect, without recursion; `ruled` are the types that have rules."""
    found = Survey(bundle, ruled)
    entries = bundle.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        _keep(found, number, entry.get("fullUrl"), resource)
    return found


def survey_resource(resource: Mapping[str, Any], ruled: Collection[str]) -> Survey:
    """Collect from a resource that stands alone."""
    found = Survey({}, ruled)
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
    names, types = known_names(), children()
    stack: list[tuple[Any, str, Way | None, str]] = [(entry.resource, entry.kind, None, "")]
    while stack:
        node, kind, way, owner = stack.pop()
        if type(node) is list:
            stack.extend([(each, kind, (way, n), owner) for n, each in enumerate(node) if type(each) in _INNER])
            continue
        if kind not in types:
            kind = _typed(kind, node)
        if "reference" in node and isinstance(node["reference"], str):
            found.pointers.append(Pointer(entry, way, owner, node["reference"]))
        if way is not None and kind in found.ruled:
            found.shapes.append(Shape(entry, way, kind, node))
        below = types.get(kind, {})
        for key, value in node.items():
            if type(value) in _INNER:
                # A name that the schema does not know may be a value in the wrong place: it gets into no path.
                known = key if key in names else "?"
                stack.append((value, below.get(key, key), (way, known), kind))


def _typed(name: str, node: Mapping[str, Any]) -> str:
    """Return the type of an element by its name and content, where no definition tells it.

    So stands what is inside a resource of a type that the schema does not cover, and under an unknown name.
    """
    if "resourceType" in node:
        return str(node["resourceType"])
    if name.endswith("xtension"):
        return "Extension"
    if name == "attachment" or name.endswith("Attachment"):
        return "Attachment"
    for sign, kind in (("start", "Period"), ("low", "Range"), ("div", "Narrative")):
        if sign in node:
            return kind
    return "Quantity" if "code" in node and node.keys() <= _QUANTITY and node.keys() & {"value", "unit"} else ""


def _written(way: Way | None) -> str:
    steps = []
    while way is not None:
        way, step = way
        steps.append(f".{step}" if isinstance(step, str) else f"[{step}]")
    return "".join(reversed(steps))
