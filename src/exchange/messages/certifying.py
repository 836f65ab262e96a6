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
from exchange.messages.narrowing import narrowed
from exchange.messages.rules import OF_TASKS, RESULTS, TASK, kind_named
from exchange.messages.schema import resource_types, targets
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
    """The compiled schema, and the references that it hands over while it looks."""

    def __init__(self) -> None:
        import jsonschema_rs

        schema, formats = narrowed()
        self._pointers: list[tuple[str, str]] = []
        self.holds = jsonschema_rs.validator_for(
            schema,
            pattern_options=jsonschema_rs.RegexOptions(),
            formats={element: self._hand_over(element) for element in formats},
            validate_formats=True,
            keywords={"keeps": _Keeps},
        ).is_valid

    def _hand_over(self, element: str) -> Any:
        keep = self._pointers.append

        def found(target: str) -> bool:
            keep((element, target))
            return True

        return found

    def pointers(self, kind: str, resource: Resource) -> list[tuple[str, str]] | None:
        """Return the element and target of each reference of a resource that breaks no rule; None where it may."""
        self._pointers.clear()
        if not self.holds({kind: resource}):
            return None
        for keeps in _KEEPS.get(kind, ()):
            if not keeps(resource):
                return None
        return self._pointers.copy()


@cache
def _certifier() -> _Certifier:
    return _Certifier()


def certified(tree: Resource) -> bool:
    """Say whether a message surely breaks no rule for bundles, messages and resources; it must yet be read."""
    with _LOCK:
        certifier = _certifier()
        if not certifier.holds({"Bundle": tree}):
            return False
        kinds: list[str] = []
        numbers: dict[str, int] = {}
        found: list[list[tuple[str, str]]] = []
        for number, entry in enumerate(tree["entry"]):
            kind = _known(entry["resource"])
            pointers = certifier.pointers(kind, entry["resource"]) if kind else None
            if pointers is None:
                return False
            found.append(pointers)
            kinds.append(kind)
            numbers[entry["fullUrl"]] = number
    if len(numbers) != len(kinds) or kinds[0] != "MessageHeader" or kinds.count("MessageHeader") != 1:
        return False
    return _linked(kinds, numbers, found) and _consistent(tree, kinds)


def certified_alone(tree: Resource) -> bool:
    """Say whether a resource that stands alone surely breaks no rule."""
    kind = _known(tree)
    if not kind or kind == "Bundle":
        return False
    with _LOCK:
        pointers = _certifier().pointers(kind, tree)
    if pointers is None:
        return False
    wanted = targets()
    for element, target in pointers:
        if target.startswith("#"):
            return False
        named = kind_named(target)
        if element in wanted and named is not None and named not in wanted[element]:
            return False
    return True


def _known(resource: Resource) -> str:
    kind = resource.get("resourceType")
    return kind if isinstance(kind, str) and kind in resource_types() else ""


def _linked(kinds: list[str], numbers: Mapping[str, int], found: list[list[tuple[str, str]]]) -> bool:
    """Say whether each reference leads to an entry of a type it may lead to, and none stands apart."""
    wanted = targets()
    links: Links = [[] for _ in kinds]
    focused, output = False, set()
    for number, pointers in enumerate(found):
        for element, target in pointers:
            other = numbers.get(target)
            allowed = wanted.get(element)
            if other is None or (allowed is not None and kinds[other] not in allowed):
                return False
            if element == _FOCUS:
                focused = focused or (number == 0 and kinds[other] == TASK)
            elif element == _OUTPUT:
                output.add(other)
            links[number].append(other)
    return focused and _in_output(kinds, links, output) and _together(links)


def _in_output(kinds: list[str], links: Links, output: set[int]) -> bool:
    results = {number for number, kind in enumerate(kinds) if kind in RESULTS}
    return results <= output or TASK not in kinds or results <= _reached(links, output)


def _together(links: Links) -> bool:
    """Join what is linked, whichever way the link goes, until all is one."""
    group = list(range(len(links)))
    for number, linked in enumerate(links):
        for other in linked:
            one, two = _root(group, number), _root(group, other)
            group[max(one, two)] = min(one, two)
    return not any(_root(group, number) for number in group)


def _root(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = number = group[group[number]]
    return number


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
