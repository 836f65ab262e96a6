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
from exchange.messages.schema import known_types, targets
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
    """The compiled schema, and what the references that it hands over while it looks lead to.

    In a message each must lead to an entry of a type that it may lead to, or nothing holds; `links` gets the numbers
    of those entries. Of a resource that stands alone each is only kept, with the element that it stands in.
    """

    def __init__(self) -> None:
        import jsonschema_rs

        schema, formats = narrowed()
        self.pointers: list[tuple[str, str]] = []
        self.numbers: dict[str, int] = {}
        self.kinds: list[str] = []
        self.links: list[int] = []
        self.noted: dict[str, list[int]] = {_FOCUS: [], _OUTPUT: []}
        self.alone = False
        self.holds = jsonschema_rs.validator_for(
            schema,
            pattern_options=jsonschema_rs.RegexOptions(),
            formats={element: self._hand_over(element) for element in formats},
            validate_formats=True,
            keywords={"keeps": _Keeps},
        ).is_valid

    def start(self, kinds: list[str], numbers: Mapping[str, int], *, alone: bool = False) -> None:
        """Forget what went before."""
        self.alone = alone
        self.pointers.clear()
        for kept in (self.links, *self.noted.values()):
            kept.clear()
        self.kinds[:] = kinds
        self.numbers.clear()
        self.numbers.update(numbers)

    def _hand_over(self, element: str) -> Any:
        kinds, number_of, keep = self.kinds, self.numbers.get, self.links.append
        allowed = targets().get(element) or known_types()

        def found(target: str) -> bool:
            number = number_of(target)
            if number is None:
                if self.alone:
                    self.pointers.append((element, target))
                return self.alone
            keep(number)
            return kinds[number] in allowed

        if element not in self.noted:
            return found
        note = self.noted[element].append

        def noting(target: str) -> bool:
            number = number_of(target)
            if number is None:
                return found(target)
            keep(number)
            note(number)
            return kinds[number] in allowed

        return noting


@cache
def _certifier() -> _Certifier:
    return _Certifier()


def certified(tree: Resource) -> bool:
    """Say whether a message surely breaks no rule for bundles, messages and resources; it must yet be read."""
    with _LOCK:
        certifier = _certifier()
        if not certifier.holds({MESSAGE: tree}):
            return False
        resources = [entry["resource"] for entry in tree["entry"]]
        kinds = [resource["resourceType"] for resource in resources]
        if kinds[0] != "MessageHeader" or kinds.count("MessageHeader") != 1:
            return False
        numbers = {entry["fullUrl"]: number for number, entry in enumerate(tree["entry"])}
        if len(numbers) != len(kinds):
            return False
        certifier.start(kinds, numbers)
        links: Links = []
        for kind, resource in zip(kinds, resources, strict=True):
            start = len(certifier.links)
            if not _held(certifier, kind, resource):
                return False
            links.append(certifier.links[start:])
        focused = any(kinds[number] == TASK for number in certifier.noted[_FOCUS])
        output = set(certifier.noted[_OUTPUT])
    return focused and _in_output(kinds, links, output) and _together(links) and _consistent(resources, kinds, tree)


def certified_alone(tree: Resource) -> bool:
    """Say whether a resource that stands alone surely breaks no rule."""
    kind = tree.get("resourceType")
    if type(kind) is not str:
        return False
    with _LOCK:
        certifier = _certifier()
        certifier.start([], {}, alone=True)
        if not _held(certifier, kind, tree):
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


def _held(certifier: _Certifier, kind: str, resource: Resource) -> bool:
    """Say whether a resource breaks no rule by itself."""
    # A type that the schema does not know, it does not take.
    if kind == MESSAGE or not certifier.holds({kind: resource}):
        return False
    return kind not in _KEEPS or all(keeps(resource) for keeps in _KEEPS[kind])


def _in_output(kinds: list[str], links: Links, output: set[int]) -> bool:
    results = [number for number, kind in enumerate(kinds) if kind in RESULTS and number not in output]
    return not results or TASK not in kinds or _reached(links, output).issuperset(results)


def _together(links: Links) -> bool:
    """Follow references from the header, and then back from what itself refers to anything that was reached."""
    reached = _reached(links, {0})
    while len(reached) < len(links):
        joined = [
            number for number, linked in enumerate(links) if number not in reached and not reached.isdisjoint(linked)
        ]
        if not joined:
            return False
        reached.update(joined)
        _follow(links, reached, joined)
    return True


def _reached(links: Links, start: set[int]) -> set[int]:
    reached = set(start)
    _follow(links, reached, list(start))
    return reached


def _follow(links: Links, reached: set[int], todo: list[int]) -> None:
    """Add to what is reached all that it leads to; `todo` is what was not followed yet."""
    while todo:
        for number in links[todo.pop()]:
            if number not in reached:
                reached.add(number)
                todo.append(number)


def _consistent(resources: list[Resource], kinds: list[str], tree: Resource) -> bool:
    """Put to the rules themselves what they ask of the header and of the tasks alone."""
    found = Survey(tree, ())
    found.entries = [
        Entry(number, "", kind, resources[number], "") for number, kind in enumerate(kinds) if kind == TASK
    ]
    return not any(True for _, _, places in OF_TASKS for _ in places(found))
