"""Check the bytes of a message, or of any FHIR resource, and return all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from exchange.errors import MessageError
from exchange.findings import Finding, Severity
from exchange.messages.certifying import certified, certified_alone
from exchange.messages.invariants import ELEMENTS, check_invariants
from exchange.messages.looking import at, items
from exchange.messages.parsing import LIMITS, Limits, load, require_within
from exchange.messages.profile_checking import check_profiles
from exchange.messages.reading import message_of
from exchange.messages.rules import BUNDLE, MESSAGE, REFERENCES, check_rules
from exchange.messages.schema import R4B_ONLY, check_resource, resource_types
from exchange.messages.surveying import Survey, survey, survey_resource

MOST = 1000
"""So many findings of one file are returned at most."""

_ENOUGH = 20 * MOST
_NO_MESSAGE = Finding("messages.not-a-message", "", Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and what was parsed: nothing where it could not be."""

    findings: tuple[Finding, ...]
    tree: Mapping[str, Any] | None


def check(data: bytes, limits: Limits = LIMITS) -> tuple[Finding, ...]:
    """Return every finding, sorted by path and rule; nothing found means that the message may be read.

    A Bundle that is no message, or a resource that stands alone, gives one warning that says so; its resources are
    checked all the same, those of types that our messages do not use apart. No finding holds a value of the input.
    """
    return checked(data, limits).findings


def checked(data: bytes, limits: Limits = LIMITS) -> Checked:
    """Check, and return what was parsed beside what was found."""
    try:
        tree = load(data, limits)
        # A certificate goes no deeper than a message of ours, and holds every rule but that it can be read.
        if limits.depth >= LIMITS.depth and (found := _certified(tree, limits)) is not None:
            return Checked(found, tree)
        require_within(data, tree, limits)
    except MessageError as error:
        line = error.params.pop("line", None)
        params = dict(error.params) if line is None else {**error.params, "line": line}
        only = Finding(error.rule, "", Severity.ERROR, line if isinstance(line, int) and line else None, params)
        return Checked((only,), None)
    return Checked(check_rules_one_by_one(tree), tree)


def check_rules_one_by_one(tree: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return every finding on a parsed message or resource, by asking each rule, whatever a certificate would say."""
    found = {each.order: each for each in islice(_all(tree), _ENOUGH)}
    return tuple(found[order] for order in sorted(found))[:MOST]


def _certified(tree: Mapping[str, Any], limits: Limits) -> tuple[Finding, ...] | None:
    if tree.get("resourceType") != "Bundle":
        return (_NO_MESSAGE,) if certified_alone(tree) else None
    certificate = certified(tree, limits.entries)
    if certificate is None:
        return None
    if certificate.readable:
        return ()
    try:
        message_of(tree)
    except MessageError:
        return None
    return ()


def require(data: bytes, limits: Limits = LIMITS) -> None:
    """Raise MessageError for the first error that `check` finds; warnings pass."""
    for finding in check(data, limits):
        if finding.severity is Severity.ERROR:
            raise MessageError("messages.refused", path=finding.path, broken=finding.rule)


def _all(tree: Mapping[str, Any]) -> Iterator[Finding]:
    if tree.get("resourceType") != "Bundle":
        yield _NO_MESSAGE
        alone = survey_resource(tree, ELEMENTS)
        yield from _resources(alone)
        yield from check_rules(alone, REFERENCES)
        return
    yield from check_resource("Bundle", tree, "Bundle")
    if not isinstance(tree.get("entry", []), list):
        return
    found = survey(tree, ELEMENTS)
    yield from _resources(found)
    yield from check_rules(found, BUNDLE)
    if tree.get("type") != "message":
        yield Finding("messages.not-a-message", "Bundle.type", Severity.WARNING)
        return
    yield from check_rules(found, MESSAGE)
    yield from check_profiles(tree)
    yield from _read(tree)


def _resources(found: Survey) -> Iterator[Finding]:
    known = resource_types()
    for entry in found.entries:
        if entry.kind in known:
            yield from check_resource(entry.kind, entry.resource, entry.path)
        elif entry.resource.get("resourceType") in R4B_ONLY:
            yield Finding("messages.r4b-only", f"Bundle.entry[{entry.number}]", Severity.ERROR)
        elif entry.kind == "?" or found.bundle.get("type") == "message":
            yield Finding("messages.unknown-type", f"Bundle.entry[{entry.number}]", Severity.WARNING)
        for number, contained in enumerate(items(entry.resource, "contained")):
            kind = contained.get("resourceType")
            if isinstance(kind, str) and kind in known:
                yield from check_resource(kind, contained, f"{entry.path}.contained[{number}]")
    yield from check_invariants(found)


def _read(tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Let reading say where a message of ours lacks what it must tell; messages of others are not read."""
    if at(tree, "entry", 0, "resource", "resourceType") != "MessageHeader":
        return
    try:
        message_of(tree)
    except MessageError as error:
        if error.rule != "messages.foreign-event":
            yield Finding(error.rule, str(error.params.get("path", "")), Severity.ERROR)
