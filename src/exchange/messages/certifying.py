"""Show in one pass that a message, or a resource that stands alone, breaks no rule, or leave it to the rules.

This is only about speed. A certificate is given where every rule of `checking` is known to hold; where one may not
hold, or where showing it would cost more than asking it, there is none, and the rules themselves look and say what is
wrong. `tests/generative/test_messages_certified.py` holds that nothing certified has a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

from exchange.messages.invariants import ELEMENTS, RESOURCES
from exchange.messages.narrowing import MESSAGE, narrowed
from exchange.messages.rules import OF_TASKS, RESULTS, TASK, kind_named
from exchange.messages.schema import targets
from exchange.messages.surveying import Entry, Survey

Resource = Mapping[str, Any]
Links = list[list[int]]

_KEEPS = {kind: tuple(keeps for *_, keeps in rules) for kind, rules in RESOURCES.items()}
_FOCUS, _OUTPUT = "MessageHeader.focus", "Task.output.valueReference"
_LOCK = Lock()


class _Keeps:
    """The keyword that asks predicates about an element."""

    def __init__(self, parent_schema: Any, value: str, schema_path: Any) -> None:
        self._predicates = tuple(keeps for _, keeps in ELEMENTS[value])

    def validate(self, instance: Any) -> None:
        """Raise where the element does not keep a rule."""
        for keeps in self._predicates:
            if not keeps(instance):
                raise ValueError


class _Certifier:
    """The compiled schema, and the references that it hands over while it looks: the element and the target of each."""

    def __init__(self) -> None:
        import jsonschema_rs

        schema, formats = narrowed()
        self.pointers: list[tuple[str, str]] = []
        self.holds = jsonschema_rs.validator_for(
            schema,
            pattern_options=jsonschema_rs.RegexOptions(),
            formats={element: self._hand_over(element) for element in formats},
            validate_formats=True,
            keywords={"keeps": _Keeps},
        ).is_valid

    def _hand_over(self, element: str) -> Any:
        keep = self.pointers.append

        def found(target: str) -> bool:
            keep((element, target))
            return True

        return found


@cache
def _certifier() -> _Certifier:
    return _Certifier()


def certified(tree: Resource) -> bool:
    """Say whether a message surely breaks no rule for bundles, messages and resources; it must yet be read."""
    with _LOCK:
        certifier = _certifier()
        if not certifier.holds({MESSAGE: tree}):
            return False
        entries = tree["entry"]
        certifier.pointers.clear()
        kinds: list[str] = []
        ends: list[int] = []
        for entry in entries:
            kind = _held(certifier, entry["resource"])
            if not kind:
                return False
            kinds.append(kind)
            ends.append(len(certifier.pointers))
        pointers = certifier.pointers.copy()
    numbers = {entry["fullUrl"]: number for number, entry in enumerate(entries)}
    if len(numbers) != len(kinds) or kinds[0] != "MessageHeader" or kinds.count("MessageHeader") != 1:
        return False
    return _linked(kinds, numbers, pointers, ends) and _consistent(tree, kinds)


def certified_alone(tree: Resource) -> bool:
    """Say whether a resource that stands alone surely breaks no rule."""
    with _LOCK:
        certifier = _certifier()
        certifier.pointers.clear()
        if not _held(certifier, tree):
            return False
        pointers = certifier.pointers.copy()
    wanted = targets()
    for element, target in pointers:
        if target.startswith("#"):
            return False
        named = kind_named(target)
        if element in wanted and named is not None and named not in wanted[element]:
            return False
    return True


def _held(certifier: _Certifier, resource: Resource) -> str:
    """Return the type of a resource that breaks no rule by itself; nothing where it may."""
    kind = resource.get("resourceType")
    # A type that the schema does not know, it does not take.
    if type(kind) is not str or kind == MESSAGE or not certifier.holds({kind: resource}):
        return ""
    for keeps in _KEEPS.get(kind, ()):
        if not keeps(resource):
            return ""
    return kind


def _linked(
    kinds: list[str], numbers: Mapping[str, int], pointers: list[tuple[str, str]], ends: list[int]
) -> bool:  # fmt: skip
    """Say whether each reference leads to an entry of a type it may lead to, and none stands apart.

    `ends` says for each entry where its references end among all.
    """
    wanted = targets()
    links: Links = [[] for _ in kinds]
    focused, output, start = False, set(), 0
    for number, end in enumerate(ends):
        linked = links[number]
        for element, target in pointers[start:end]:
            other = numbers.get(target)
            allowed = wanted.get(element)
            if other is None or (allowed is not None and kinds[other] not in allowed):
                return False
            if element == _FOCUS:
                focused = focused or (number == 0 and kinds[other] == TASK)
            elif element == _OUTPUT:
                output.add(other)
            linked.append(other)
        start = end
    return focused and _in_output(kinds, links, output) and _together(links)


def _in_output(kinds: list[str], links: Links, output: set[int]) -> bool:
    results = {number for number, kind in enumerate(kinds) if kind in RESULTS}
    return results <= output or results <= _reached(links, output) or TASK not in kinds


def _together(links: Links) -> bool:
    """Follow references from the header, and then back from what itself refers to anything that was reached."""
    reached = _reached(links, {0})
    apart = [number for number in range(len(links)) if number not in reached]
    while apart:
        joined = {number for number in apart if not reached.isdisjoint(links[number])}
        if not joined:
            return False
        reached = _reached(links, reached | joined)
        apart = [number for number in apart if number not in reached]
    return True


def _reached(links: Links, start: set[int]) -> set[int]:
    reached, todo = set(start), list(start)
    while todo:
        for number in links[todo.pop()]:
            if number not in reached:
                reached.add(number)
                todo.append(number)
    return reached


def _consistent(tree: Resource, kinds: list[str]) -> bool:
    """Put to the rules themselves what they ask of the header and of the tasks alone."""
    found = Survey(tree, ())
    found.entries = [
        Entry(number, "", kind, tree["entry"][number]["resource"], "")
        for number, kind in enumerate(kinds)
        if kind == TASK
    ]
    return not any(True for _, _, places in OF_TASKS for _ in places(found))
