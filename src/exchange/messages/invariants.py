"""Invariants of the R4 definitions for resources and their parts, as tables of predicates by type.

Each rule is named as the definitions name it, with `messages.` before it, so that it can be looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from exchange.findings import Finding, Severity
from exchange.messages.datatypes import DATATYPES, Keeps, Node, has, has_choice, in_order
from exchange.messages.looking import at, items
from exchange.messages.questionnaires import QUESTIONNAIRES, links_are_distinct
from exchange.messages.surveying import Survey

_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_NAME = re.compile(r"[A-Z]([A-Za-z0-9_]){0,254}")


def _codes(concept: Any) -> set[tuple[str, str]]:
    return {
        (system, code)
        for each in items(concept, "coding")
        if isinstance(system := each.get("system"), str) and isinstance(code := each.get("code"), str)
    }


def _said(concept: Any, system: str, *codes: str) -> bool:
    return not _codes(concept).isdisjoint([(system, code) for code in codes])


def _obs_7(node: Node) -> bool:
    if "component" not in node or not has_choice(node, "value"):
        return True
    own = _codes(node.get("code"))
    return not any(own & _codes(each.get("code")) for each in items(node, "component"))


def _con_3(node: Node) -> bool:
    if has(node, "clinicalStatus") or _said(node.get("verificationStatus"), _VERIFIED, "entered-in-error"):
        return True
    return not any(code == "problem-list-item" for each in items(node, "category") for _, code in _codes(each))


def _con_4(node: Node) -> bool:
    if not has_choice(node, "abatement"):
        return True
    return _said(node.get("clinicalStatus"), _STATUS, "inactive", "resolved", "remission")


def _con_5(node: Node) -> bool:
    if not has(node, "clinicalStatus"):
        return True
    return not _said(node.get("verificationStatus"), _VERIFIED, "entered-in-error")


def _patient_for(scope: str) -> Keeps:
    return lambda node: "patient" in node or not _said(node.get("scope"), _SCOPE, scope)


def _at_work(name: str) -> Keeps:
    return lambda node: name not in node or all(each.get("use") != "home" for each in items(node, name))


def _any_of(*names: str) -> Keeps:
    return lambda node: has(node, *names)


def _mea_1(node: Node) -> bool:
    return all(
        has(each, "code", "description", "criteria") != ("component" in each)
        for group in items(node, "group")
        for each in items(group, "stratifier")
    )


def _mrp_2(node: Node) -> bool:
    return all(
        has(each, "value") != ("component" in each)
        for group in items(node, "group")
        for stratifier in items(group, "stratifier")
        for each in items(stratifier, "stratum")
    )


def _named(node: Node) -> bool:
    name = node.get("name")
    return not isinstance(name, str) or bool(_NAME.fullmatch(name))


Rule = tuple[str, str, Severity, Keeps]
_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

RESOURCES: Mapping[str, tuple[Rule, ...]] = {
    "Condition": (
        ("messages.con-3", "clinicalStatus", _WARNING, _con_3),
        ("messages.con-4", "abatement", _ERROR, _con_4),
        ("messages.con-5", "clinicalStatus", _ERROR, _con_5),
    ),
    "Consent": (
        ("messages.ppc-1", "policy", _ERROR, _any_of("policy", "policyRule")),
        ("messages.ppc-2", "patient", _ERROR, _patient_for("patient-privacy")),
        ("messages.ppc-3", "patient", _ERROR, _patient_for("research")),
        ("messages.ppc-4", "patient", _ERROR, _patient_for("adr")),
        ("messages.ppc-5", "patient", _ERROR, _patient_for("treatment")),
    ),
    "Measure": (
        ("messages.mea-0", "name", _WARNING, _named),
        ("messages.mea-1", "group", _ERROR, _mea_1),
    ),
    "MeasureReport": (
        ("messages.mrp-1", "group", _ERROR, lambda node: node.get("type") != "data-collection" or "group" not in node),
        ("messages.mrp-2", "group", _ERROR, _mrp_2),
    ),
    "Observation": (
        (
            "messages.obs-6",
            "dataAbsentReason",
            _ERROR,
            lambda node: "dataAbsentReason" not in node or not has_choice(node, "value"),
        ),
        ("messages.obs-7", "component", _ERROR, _obs_7),
    ),
    "Organization": (
        ("messages.org-1", "name", _ERROR, _any_of("identifier", "name")),
        ("messages.org-2", "address", _ERROR, _at_work("address")),
        ("messages.org-3", "telecom", _ERROR, _at_work("telecom")),
    ),
    "Questionnaire": (
        ("messages.que-0", "name", _WARNING, _named),
        ("messages.que-2", "item", _ERROR, links_are_distinct),
    ),
    "ServiceRequest": (
        ("messages.prr-1", "orderDetail", _ERROR, lambda node: "orderDetail" not in node or has(node, "code")),
    ),
    "Task": (
        (
            "messages.inv-1",
            "lastModified",
            _ERROR,
            lambda node: in_order(node.get("authoredOn"), node.get("lastModified")),
        ),
    ),
}
"""Resource type -> rule id, the element it is about, its weight, and whether a resource keeps it."""

ELEMENTS: Mapping[str, tuple[tuple[str, Keeps], ...]] = {
    **DATATYPES,
    **QUESTIONNAIRES,
    "Composition.section": (
        ("messages.cmp-1", _any_of("text", "entry", "section")),
        ("messages.cmp-2", lambda node: not ("emptyReason" in node and "entry" in node)),
    ),
    "Condition.evidence": (("messages.con-2", _any_of("code", "detail")),),
    "Condition.stage": (("messages.con-1", _any_of("summary", "assessment")),),
    "Goal.target": (("messages.gol-1", lambda node: not has_choice(node, "detail") or has(node, "measure")),),
    "Observation.referenceRange": (("messages.obs-3", _any_of("low", "high", "text")),),
    "Patient.contact": (("messages.pat-1", _any_of("name", "telecom", "address", "organization")),),
}
"""Type of an element -> rule id and whether an element keeps it."""

CONTAINED = ("messages.dom-2", "messages.dom-3", "messages.dom-4", "messages.dom-5")
"""Rules about resources that stand inside another."""


def check_invariants(found: Survey) -> Iterator[Finding]:
    """Yield each broken invariant of every entry."""
    for shape in found.shapes:
        for rule, keeps in ELEMENTS[shape.kind]:
            if not keeps(shape.node):
                yield Finding(rule, shape.path, Severity.ERROR)
    for entry in found.entries:
        yield from _of_resource(entry.kind, entry.resource, entry.path)
        if "contained" in entry.resource:
            yield from _of_contained(entry.resource, entry.path)


def _of_resource(kind: str, resource: Node, path: str) -> Iterator[Finding]:
    for rule, element, severity, keeps in RESOURCES.get(kind, ()):
        if not keeps(resource):
            yield Finding(rule, f"{path}.{element}", severity)


def _of_contained(resource: Node, path: str) -> Iterator[Finding]:
    mentioned = {text for text in _texts(resource) if text.startswith("#")}
    for number, contained in enumerate(items(resource, "contained")):
        place = f"{path}.contained[{number}]"
        kind = contained.get("resourceType")
        yield from _of_resource(kind if isinstance(kind, str) else "", contained, place)
        if "contained" in contained:
            yield Finding("messages.dom-2", place, Severity.ERROR)
        named = contained.get("id")
        if not (isinstance(named, str) and f"#{named}" in mentioned) and "#" not in set(_texts(contained)):
            yield Finding("messages.dom-3", place, Severity.ERROR)
        if at(contained, "meta", "versionId") is not None or at(contained, "meta", "lastUpdated") is not None:
            yield Finding("messages.dom-4", place, Severity.ERROR)
        if at(contained, "meta", "security") is not None:
            yield Finding("messages.dom-5", place, Severity.ERROR)


def _texts(node: Any) -> Iterator[str]:
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
