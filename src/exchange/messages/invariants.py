"""Invariants of the R4 definitions that JSON Schema can't say: a table of rules for elements and for resources.

Each rule is named as the definitions name it, with `messages.` before it, so that it can be looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from exchange.findings import Finding, Severity
from exchange.messages.looking import at, items
from exchange.messages.surveying import Survey

Node = Mapping[str, Any]
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|form|link|base|style)\b|\son[a-z]+\s*=|javascript:", re.IGNORECASE
)
_QUANTITY = frozenset({"value", "comparator", "unit", "system", "code", "id", "extension"})


def _per_1(name: str, node: Node) -> bool:
    start, end = node.get("start"), node.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if "T" in start and "T" in end:
        try:
            return datetime.fromisoformat(start) <= datetime.fromisoformat(end)
        except (ValueError, TypeError):
            return True
    known = min(len(start), len(end), 10)
    return start[:known] <= end[:known]


def _ext_1(name: str, node: Node) -> bool:
    if name not in {"extension", "modifierExtension"} or "url" not in node:
        return True
    has_value = any(key.removeprefix("_").startswith("value") for key in node)
    return has_value != ("extension" in node)


def _qty_3(name: str, node: Node) -> bool:
    quantity = "code" in node and ("value" in node or "unit" in node) and node.keys() <= _QUANTITY
    return not quantity or "system" in node


def _rng_2(name: str, node: Node) -> bool:
    low, high = at(node, "low", "value"), at(node, "high", "value")
    return not (isinstance(low, int | float) and isinstance(high, int | float)) or low <= high


def _att_1(name: str, node: Node) -> bool:
    attachment = name == "attachment" or name.endswith("Attachment")
    return not attachment or "data" not in node or "contentType" in node


def _txt_1(name: str, node: Node) -> bool:
    div = node.get("div")
    return not isinstance(div, str) or (div.startswith("<div") and not _ACTIVE.search(div))


def _txt_2(name: str, node: Node) -> bool:
    div = node.get("div")
    return not isinstance(div, str) or bool(re.sub(r"<(?!img\b)[^>]*>", "", div).strip())


ELEMENTS: tuple[tuple[str, str, Callable[[str, Node], bool]], ...] = (
    ("messages.per-1", "start", _per_1),
    ("messages.ext-1", "url", _ext_1),
    ("messages.qty-3", "code", _qty_3),
    ("messages.rng-2", "low", _rng_2),
    ("messages.att-1", "data", _att_1),
    ("messages.txt-1", "div", _txt_1),
    ("messages.txt-2", "div", _txt_2),
)
"""Rule id, the name that an element must have for the rule to look at it, and whether the element keeps it."""


def _has(node: Any, stem: str) -> bool:
    return isinstance(node, dict) and any(
        key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper() for key in node
    )


def _codes(concept: Any) -> set[tuple[Any, Any]]:
    found = ((each.get("system"), each.get("code")) for each in items(concept, "coding"))
    return {(system, code) for system, code in found if isinstance(system, str) and isinstance(code, str)}


def _obs_7(node: Node) -> bool:
    own = _codes(node.get("code"))
    same = any(own & _codes(each.get("code")) for each in items(node, "component"))
    return not (same and _has(node, "value"))


def _has_code(concept: Any, *codes: str) -> bool:
    return any(code in codes for _, code in _codes(concept))


def _cmp_1(node: Node) -> bool:
    return all(any(key in each for key in ("text", "entry", "section")) for each in items(node, "section"))


def _at_work(node: Node) -> bool:
    return bool(node.get("use") != "home")


RESOURCES: Mapping[str, tuple[tuple[str, str, Callable[[Node], bool]], ...]] = {
    "Observation": (
        ("messages.obs-6", "dataAbsentReason", lambda node: "dataAbsentReason" not in node or not _has(node, "value")),
        ("messages.obs-7", "component", _obs_7),
        (
            "messages.obs-3",
            "referenceRange",
            lambda node: all(
                any(key in each for key in ("low", "high", "text")) for each in items(node, "referenceRange")
            ),
        ),
    ),
    "Condition": (
        (
            "messages.con-4",
            "abatement",
            lambda node: (
                not _has(node, "abatement")
                or not _has_code(node.get("clinicalStatus"), "active", "recurrence", "relapse")
            ),
        ),
        (
            "messages.con-5",
            "clinicalStatus",
            lambda node: (
                not _has_code(node.get("verificationStatus"), "entered-in-error") or "clinicalStatus" not in node
            ),
        ),
    ),
    "Consent": (("messages.ppc-1", "policy", lambda node: "policy" in node or "policyRule" in node),),
    "Organization": (
        ("messages.org-1", "name", lambda node: "identifier" in node or "name" in node),
        ("messages.org-2", "address", lambda node: all(_at_work(each) for each in items(node, "address"))),
        ("messages.org-3", "telecom", lambda node: all(_at_work(each) for each in items(node, "telecom"))),
    ),
    "Patient": (
        (
            "messages.pat-1",
            "contact",
            lambda node: all(
                any(key in each for key in ("name", "telecom", "address", "organization"))
                for each in items(node, "contact")
            ),
        ),
    ),
    "Composition": (
        ("messages.cmp-1", "section", _cmp_1),
        (
            "messages.cmp-2",
            "section",
            lambda node: all(not ("emptyReason" in each and "entry" in each) for each in items(node, "section")),
        ),
    ),
    "ServiceRequest": (("messages.prr-1", "orderDetail", lambda node: "orderDetail" not in node or "code" in node),),
    "Task": (
        ("messages.inv-1", "lastModified", lambda node: _in_order(node.get("authoredOn"), node.get("lastModified"))),
    ),
}
"""Resource type -> rule id, the element it is about, and whether a resource keeps it."""


def _in_order(first: Any, second: Any) -> bool:
    return _per_1("", {"start": first, "end": second})


def check_invariants(found: Survey) -> Iterator[Finding]:
    """Yield each broken invariant of every entry."""
    for shape in found.shapes:
        for rule, trigger, keeps in ELEMENTS:
            if trigger in shape.node and not keeps(shape.name, shape.node):
                yield Finding(rule, shape.path, Severity.ERROR)
    for entry in found.entries:
        for rule, element, kept in RESOURCES.get(entry.kind, ()):
            if not kept(entry.resource):
                yield Finding(rule, f"{entry.path}.{element}", Severity.ERROR)
        for contained in items(entry.resource, "contained"):
            if "contained" in contained:
                yield Finding("messages.dom-2", f"{entry.path}.contained", Severity.ERROR)
