"""Look things up in a parsed message without trusting its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

from exchange.errors import MessageError
from exchange.messages.codes import PARTY_SCHEMES, SYSTEMS, extension_url

E = TypeVar("E", bound=StrEnum)


def unreadable(path: str) -> MessageError:
    """Return the error for a place that does not hold what it must; it names the place alone."""
    return MessageError("messages.not-readable", path=path)


def at(node: Any, *steps: str | int) -> Any:
    """Follow names and positions; None where the way ends."""
    for step in steps:
        # Types are compared as JSON has just these, and a message is asked for hundreds of places.
        if type(node) is dict and type(step) is str:
            node = node.get(step)
        elif type(node) is list and type(step) is int and step < len(node):
            node = node[step]
        else:
            return None
    return node


def items(node: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list, and nothing where there is no list."""
    found = node.get(name) if type(node) is dict else None
    return iter([item for item in found if type(item) is dict] if type(found) is list else ())


def _listed(node: Any, name: str) -> Sequence[Any]:
    """Return a list, or nothing where there is none."""
    found = node.get(name) if type(node) is dict else None
    return found if type(found) is list else ()


def text(node: Any, path: str, *steps: str | int) -> str | None:
    """Return a text, or None where nothing stands."""
    # Half of what is asked is one name of an object, and not there.
    found = node.get(steps[0]) if len(steps) == 1 and type(node) is dict else at(node, *steps)
    if found is None or isinstance(found, str):
        return found
    raise unreadable(path)


def whole(node: Any, path: str, *steps: str | int) -> int | None:
    """Return a whole number, or None where nothing stands."""
    found = node.get(steps[0]) if len(steps) == 1 and type(node) is dict else at(node, *steps)
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    raise unreadable(path)


def day(node: Any, path: str, *steps: str | int) -> date | None:
    """Return a calendar date, or None where nothing stands; of a date-time the date is kept as it was written."""
    found = text(node, path, *steps)
    if found is None:
        return None
    try:
        return date.fromisoformat(found[:10])
    except ValueError:
        raise unreadable(path) from None


def day_after(node: Any, path: str, *steps: str | int) -> date | None:
    """Return the day after a Period's last day: the end of a half-open window."""
    found = day(node, path, *steps)
    try:
        return None if found is None else found + timedelta(days=1)
    except OverflowError:
        raise unreadable(path) from None


def word(kind: type[E], value: str | None, path: str) -> E | None:
    """Return the member of a closed list, or None where nothing stands."""
    if value is None:
        return None
    member = _members(kind).get(value)
    if member is None:
        raise unreadable(path)
    return cast("E", member)


@cache
def _members(kind: type[StrEnum]) -> Mapping[str, StrEnum]:
    return {member.value: member for member in kind}


def coded(concept: Any, system: str) -> str | None:
    """Return the code a CodeableConcept has in one system, by its short name."""
    wanted = SYSTEMS[system]
    for coding in _listed(concept, "coding"):
        if type(coding) is dict and coding.get("system") == wanted and isinstance(code := coding.get("code"), str):
            return code
    return None


def identified(node: Any, system: str) -> str | None:
    """Return the value of the identifier in one system, by its short name."""
    wanted = SYSTEMS[system]
    for each in _listed(node, "identifier"):
        if type(each) is dict and each.get("system") == wanted and isinstance(value := each.get("value"), str):
            return value
    return None


def extended(node: Any, name: str) -> Mapping[str, Any]:
    """Return one of this project's extensions, or an empty object."""
    among = _listed(node, "extension")
    if not among:
        return {}
    url = extension_url(name)
    for each in among:
        if type(each) is dict and each.get("url") == url:
            return each
    return {}


def component(node: Any, name: str) -> Mapping[str, Any]:
    """Return the component with this code, or an empty object."""
    for each in _listed(node, "component"):
        if type(each) is dict and coded(each.get("code"), "component") == name:
            return each
    return {}


def party(node: Any) -> str | None:
    """Return `scheme:value` of an Identifier in the system of a party, or None."""
    system, value = at(node, "system"), at(node, "value")
    if isinstance(value, str):
        for scheme in PARTY_SCHEMES:
            if system == SYSTEMS[scheme]:
                return f"{scheme}:{value}"
    return None
