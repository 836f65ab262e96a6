"""Show in one pass that a message, or a resource that stands alone, breaks no rule, or leave it to the rules.

This is only about speed. A certificate is given where every rule of `checking` is known to hold; where one may not
hold, or where showing it would cost more than asking it, there is none, and the rules themselves look and say what is
wrong. `tests/generative/test_messages_certified.py` holds that nothing certified has a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from exchange.errors import MessageError
from exchange.messages.codes import EVENTS
from exchange.messages.invariants import ELEMENTS, RESOURCES
from exchange.messages.linking import all_linked
from exchange.messages.looking import coded
from exchange.messages.merging import Merging
from exchange.messages.narrowing import BUNDLE, ENTRY, narrowed
from exchange.messages.parsing import LIMITS
from exchange.messages.profile_checking import compiled, is_ours
from exchange.messages.profiles import BY_KIND, KINDS, profile_of
from exchange.messages.readable import PROFILES
from exchange.messages.reading import require_head
from exchange.messages.rules import TASK, kind_named
from exchange.messages.schema import known_types, resource_types, targets

Resource = Mapping[str, Any]

_KEEPS = {kind: tuple(keeps for *_, keeps in rules) for kind, rules in RESOURCES.items()}
_SPEAKS_OF: Mapping[str, str] = {
    "messages.con-4": "abatement",
    "messages.inv-1": "lastModified",
    "messages.mea-1": "group",
    "messages.obs-6": "dataAbsentReason",
    "messages.obs-7": "component",
    "messages.org-2": "address",
    "messages.org-3": "telecom",
    "messages.prr-1": "orderDetail",
}
"""Rule of a resource -> the element without which it holds: a profile that forbids the element spares asking it."""

_HEAD = "Bundle"
_HEADER = "message-header"
# Its code stands behind the one by which a measurement is known to be ours.
_ANY_ORDER = frozenset({"pain-score"})
_READABLE = PROFILES.keys() | {_HEAD}
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Certificate:
    """Shows that a message of ours breaks no rule and no profile, and says whether it surely can be read too."""

    readable: bool


class _Keeps:
    """The keyword that asks predicates about an element."""

    def __init__(self, parent_schema: Any, value: str, schema_path: Any) -> None:
        self._predicates = tuple(keeps for _, keeps in ELEMENTS[value])

    def validate(self, instance: Any) -> None:
        """Raise where the element does not keep a rule."""
        for keeps in self._predicates:
            if not keeps(instance):
                raise ValueError


def _validator(schema: Mapping[str, Any], formats: Mapping[str, Any]) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema},
        pattern_options=jsonschema_rs.RegexOptions(),
        formats=dict(formats),
        validate_formats=True,
        keywords={"keeps": _Keeps},
    ).is_valid


class _OfMessages:
    """One schema for a whole message, and for each reference what it may lead to in the message that is looked at.

    What is held to it are the entries under the profile of their resource, and the message without them. A reference
    holds where its target is in a set, so that none is asked in Python.
    """

    def __init__(self) -> None:
        narrow, formats = narrowed()
        merging = Merging(narrow["$defs"], compiled()["$defs"])
        schemas = {
            profile: merging.profile(
                profile,
                {"$ref": f"#/$defs/{kind}"},
                *([PROFILES[profile]] if profile in PROFILES else []),
                any_order=profile in _ANY_ORDER,
            )
            for profile, kind in KINDS.items()
        }
        self.keeps = {profile: _asked(kind, schemas[profile]) for profile, kind in KINDS.items()} | _KEEPS
        schemas |= {kind: {"$ref": f"#/$defs/{kind}"} for kind in resource_types() - BY_KIND.keys() - {"Observation"}}
        entries = {name: {"items": _entry(schema)} for name, schema in schemas.items()}
        head = {"items": merging.both(BUNDLE, _head(compiled()["$defs"][BY_KIND[_HEAD]]))}
        self._urls: dict[frozenset[str], set[str]] = {}
        self.holds = _validator(
            {
                "properties": {**entries, _HEAD: head},
                "additionalProperties": False,
                "$defs": merging.definitions(),
            },
            {element: self._of(element).__contains__ for element in formats},
        )
        self._of_kind = {
            kind: [urls.update for kinds, urls in self._urls.items() if kind in kinds] for kind in resource_types()
        }

    def _of(self, element: str) -> set[str]:
        """Return the set of the full URLs that a reference may lead to, the same for all that may lead there."""
        allowed = targets().get(element, known_types()) & resource_types()
        return self._urls.setdefault(allowed, set())

    def start(self, by_kind: Mapping[str, list[str]]) -> None:
        """Say what there is to lead to, and forget what there was."""
        for urls in self._urls.values():
            urls.clear()
        for kind, those in by_kind.items():
            for update in self._of_kind.get(kind, ()):
                update(those)


def _head(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a profile asks of a message but for its entries, of which `ENTRY` asks as much."""
    properties = {name: each for name, each in profile["properties"].items() if name != "entry"}
    return {**profile, "properties": properties, "required": [each for each in profile["required"] if each != "entry"]}


def _entry(schema: Any) -> dict[str, Any]:
    return {**ENTRY, "properties": {**ENTRY["properties"], "resource": schema}}


def _asked(kind: str, schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the rules for a resource of the type that its schema does not answer already."""
    there = schema["properties"].keys()
    return tuple(
        keeps
        for rule, *_, keeps in RESOURCES.get(kind, ())
        if rule not in _SPEAKS_OF or any(name.startswith(_SPEAKS_OF[rule]) for name in there)
    )


class _OfResources:
    """The schema for resources that stand alone: each reference is kept with the element that it stands in."""

    def __init__(self) -> None:
        schema, formats = narrowed()
        self.pointers: list[tuple[str, str]] = []
        self.holds = _validator(schema, {element: self._keep(element) for element in formats})

    def _keep(self, element: str) -> Any:
        keep = self.pointers.append

        def kept(target: str) -> bool:
            keep((element, target))
            return True

        return kept


_of_messages = cache(_OfMessages)
_of_resources = cache(_OfResources)


class _Sorted:
    """The resources of a message by their full URL, and what is held to the schema; raises where they have another
    shape than those of a message."""

    def __init__(self, tree: Resource) -> None:
        self.by_url: dict[str, Resource] = {}
        self.by_kind: dict[str, list[str]] = {}
        self.by_profile: dict[str, list[Resource]] = {
            _HEAD: [{name: each for name, each in tree.items() if name != "entry"}]
        }
        for entry in tree["entry"]:
            resource, url = entry["resource"], entry["fullUrl"]
            kind = resource["resourceType"]
            if type(kind) is not str:
                raise TypeError
            profile = BY_KIND.get(kind) or profile_of(resource) or kind
            if profile in self.by_profile:
                self.by_profile[profile].append(entry)
            else:
                self.by_profile[profile] = [entry]
            if kind in self.by_kind:
                self.by_kind[kind].append(url)
            else:
                self.by_kind[kind] = [url]
            self.by_url[url] = resource


def certified(tree: Resource, most: int = LIMITS.entries) -> Certificate | None:
    """Return a certificate for a message of ours that surely has no finding but that it may yet not be readable."""
    if not is_ours(tree) or len(tree["entry"]) > most:
        return None
    try:
        found = _Sorted(tree)
    except (KeyError, TypeError):
        return None
    headers = found.by_profile.get(_HEADER, ())
    if len(headers) != 1 or headers[0] is not tree["entry"][0] or len(found.by_url) != len(tree["entry"]):
        return None
    with _LOCK:
        of_messages = _of_messages()
        of_messages.start(found.by_kind)
        if not of_messages.holds(found.by_profile):
            return None
    if not _kept(found, of_messages.keeps) or not _consistent(found, headers[0]["resource"]):
        return None
    if not all_linked(found.by_url, found.by_kind, headers[0]["fullUrl"]):
        return None
    return Certificate(_readable(tree, found, headers[0]["resource"]))


def _kept(found: _Sorted, rules: Mapping[str, tuple[Any, ...]]) -> bool:
    for profile, entries in found.by_profile.items():
        for keeps in rules.get(profile, ()):
            for entry in entries:
                if not keeps(entry["resource"]):
                    return False
    return True


def _consistent(found: _Sorted, header: Resource) -> bool:
    """Say whether each Task has a business status of the event, and the status that belongs to it."""
    states = EVENTS[header["eventCoding"]["code"]].states
    for url in found.by_kind.get(TASK, ()):
        task = found.by_url[url]
        business = coded(task["businessStatus"], "business-status")
        if business is None or states.get(business) != task["status"]:
            return False
    return True


def _readable(tree: Resource, found: _Sorted, header: Resource) -> bool:
    if "response" in header or not found.by_profile.keys() <= _READABLE:
        return False
    try:
        require_head(tree, found.by_url)
    except MessageError:
        return False
    return True


def certified_alone(tree: Resource) -> bool:
    """Say whether a resource that stands alone surely breaks no rule."""
    kind = tree.get("resourceType")
    if type(kind) is not str:
        return False
    with _LOCK:
        of_resources = _of_resources()
        of_resources.pointers.clear()
        # A type that the schema does not know, it does not take.
        if not of_resources.holds({kind: tree}):
            return False
        pointers = of_resources.pointers.copy()
    wanted = targets()
    for element, target in pointers:
        if target.startswith("#"):
            return False
        named = kind_named(target)
        if element in wanted and named is not None and named not in wanted[element]:
            return False
    return all(keeps(tree) for keeps in _KEEPS.get(kind, ()))
