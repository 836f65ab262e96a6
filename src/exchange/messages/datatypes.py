"""Invariants of R4's data types that JSON Schema can't say, as predicates by the type of the element.

Each is named as the definitions name it, with `messages.` before it, so that it can be looked up there. A predicate
gets an element whose shape may still be wrong in any way, and says whether the element keeps the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from exchange.messages.narratives import has_content, is_basic

Node = Mapping[str, Any]
Keeps = Callable[[Node], bool]

UCUM = "http://unitsofmeasure.org"


def has(node: Any, *names: str) -> bool:
    """Say whether any of the elements is there, be it with a value or with an extension that says why not."""
    return names[0] in node or any(name in node or f"_{name}" in node for name in names)


def has_choice(node: Any, stem: str) -> bool:
    """Say whether an element is there under any of the names of a choice, such as `valueString` for `value`."""
    for key in node:
        if stem not in key:
            continue
        name = key.removeprefix("_")
        if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper():
            return True
    return False


def number(node: Any, name: str) -> float | None:
    """Return a number, or None where there is none."""
    value = node.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def in_order(start: Any, end: Any) -> bool:
    """Say whether two moments are in order, as far as the less exact of them tells."""
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if "T" in start and "T" in end:
        try:
            return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
        except (ValueError, TypeError):
            return True
    known = min(len(start), len(end), 10)
    return start[:known] <= end[:known]


def _ext_1(node: Node) -> bool:
    return "url" not in node or has_choice(node, "value") != ("extension" in node)


def _qty_3(node: Node) -> bool:
    return "code" not in node or has(node, "system")


def _in_ucum(node: Node) -> bool:
    return "system" not in node or node["system"] == UCUM


def _measured(node: Node) -> bool:
    """Ask a code beside a value, and UCUM where a system is named."""
    return (has(node, "code") or not has(node, "value")) and _in_ucum(node)


def _age_1(node: Node) -> bool:
    value = number(node, "value")
    return _measured(node) and (value is None or value > 0)


def _cnt_3(node: Node) -> bool:
    value = node.get("value")
    return _measured(node) and node.get("code", "1") == "1" and not isinstance(value, float)


def _drt_1(node: Node) -> bool:
    return not has(node, "code") or (node.get("system") == UCUM and has(node, "value"))


def _rat_1(node: Node) -> bool:
    if has(node, "numerator") != has(node, "denominator"):
        return False
    return has(node, "numerator") or "extension" in node


def _rng_2(node: Node) -> bool:
    low, high = node.get("low"), node.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    least, most = number(low, "value"), number(high, "value")
    return least is None or most is None or least <= most


def _needs(name: str, *other: str) -> Keeps:
    """Where `name` is there, one of the others must be."""
    return lambda node: not has(node, name) or has(node, *other)


def _apart(name: str, other: str) -> Keeps:
    return lambda node: not (has(node, name) and has(node, other))


def _just_one(name: str, other: str) -> Keeps:
    return lambda node: has(node, name) != has(node, other)


def _not_negative(name: str) -> Keeps:
    return lambda node: (number(node, name) or 0) >= 0


def _tim_9(node: Node) -> bool:
    when = node.get("when")
    meals = isinstance(when, list) and any(each in ("C", "CM", "CD", "CV") for each in when)
    return not has(node, "offset") or (has(node, "when") and not meals)


def _trd_3(node: Node) -> bool:
    kind = node.get("type")
    if not isinstance(kind, str):
        return True
    wanted = {"named-event": has(node, "name"), "periodic": has_choice(node, "timing")}
    return wanted.get(kind, True) and (not kind.startswith("data-") or has(node, "data"))


_QUANTITY: tuple[tuple[str, Keeps], ...] = (("messages.qty-3", _qty_3),)

DATATYPES: Mapping[str, tuple[tuple[str, Keeps], ...]] = {
    "Age": (*_QUANTITY, ("messages.age-1", _age_1)),
    "Attachment": (("messages.att-1", _needs("data", "contentType")),),
    "ContactPoint": (("messages.cpt-2", _needs("value", "system")),),
    "Count": (*_QUANTITY, ("messages.cnt-3", _cnt_3)),
    "DataRequirement.codeFilter": (("messages.drq-1", _just_one("path", "searchParam")),),
    "DataRequirement.dateFilter": (("messages.drq-2", _just_one("path", "searchParam")),),
    "Distance": (*_QUANTITY, ("messages.dis-1", _measured)),
    "Duration": (*_QUANTITY, ("messages.drt-1", _drt_1)),
    "Expression": (("messages.exp-1", lambda node: has(node, "expression", "reference")),),
    "Extension": (("messages.ext-1", _ext_1),),
    "Narrative": (("messages.txt-1", is_basic), ("messages.txt-2", has_content)),
    "Period": (("messages.per-1", lambda node: in_order(node.get("start"), node.get("end"))),),
    "Quantity": _QUANTITY,
    "Range": (("messages.rng-2", _rng_2),),
    "Ratio": (("messages.rat-1", _rat_1),),
    "Timing.repeat": (
        ("messages.tim-1", _needs("duration", "durationUnit")),
        ("messages.tim-2", _needs("period", "periodUnit")),
        ("messages.tim-4", _not_negative("duration")),
        ("messages.tim-5", _not_negative("period")),
        ("messages.tim-6", _needs("periodMax", "period")),
        ("messages.tim-7", _needs("durationMax", "duration")),
        ("messages.tim-8", _needs("countMax", "count")),
        ("messages.tim-9", _tim_9),
        ("messages.tim-10", _apart("timeOfDay", "when")),
    ),
    "TriggerDefinition": (
        ("messages.trd-1", lambda node: not (has(node, "data") and has_choice(node, "timing"))),
        ("messages.trd-2", _needs("condition", "data")),
        ("messages.trd-3", _trd_3),
    ),
}
"""Type -> rule id and whether an element of that type keeps it."""
