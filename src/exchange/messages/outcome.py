"""Say findings as a FHIR OperationOutcome, for another system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from exchange.findings import Finding, say
from exchange.messages.codes import BASE

SYSTEM = f"{BASE}/CodeSystem/finding"
_ENTRY = re.compile(r"^(Bundle\.entry\[\d+\])\.[A-Z][A-Za-z]*")
_SLICE = re.compile(r"\[[^\d\]][^\]]*\]")

# Codes of the value set issue-type (R4); what is in none of these rows is an invariant.
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("not-json", "not-an-object", "unknown-property", "type", "choice", "structure"), "structure"),
    **dict.fromkeys(("missing", "empty"), "required"),
    **dict.fromkeys(("format", "urn"), "value"),
    "code": "code-invalid",
    "duplicate-key": "duplicate",
    **dict.fromkeys(("too-large", "too-deep", "too-many-values", "too-many-entries"), "too-costly"),
    **dict.fromkeys(
        ("unknown-type", "r4b-only", "unknown-event-code", "not-a-message", "no-messages"), "not-supported"
    ),
    **dict.fromkeys(("unresolved", "outside", "contained"), "not-found"),
    **dict.fromkeys(("apart", "not-in-output", "contradiction", "no-status-reason", "focus"), "business-rule"),
    "more-findings": "incomplete",
}


def outcome(found: Iterable[tuple[str, Finding]], language: str = "nl") -> dict[str, Any]:
    """Return the OperationOutcome of findings, each with the name of the file it was found in.

    Without findings it says so in one issue, as FHIR asks for at least one.
    """
    issues = [_issue(name, finding, language) for name, finding in found]
    fine = {
        "severity": "information",
        "code": "informational",
        "details": {"text": say("messages.nothing-found", {}, language)},
    }
    return {"resourceType": "OperationOutcome", "language": language, "issue": issues or [fine]}


def _issue(name: str, finding: Finding, language: str) -> dict[str, Any]:
    room, _, rule = finding.rule.partition(".")
    issue: dict[str, Any] = {
        "severity": str(finding.severity),
        "code": "business-rule" if room == "recomputing" else _TYPES.get(rule, "invariant"),
        "details": {
            "coding": [{"system": SYSTEM, "code": finding.rule}],
            "text": say(finding.rule, finding.params, language),
        },
        "diagnostics": name if finding.line is None else f"{name}:{finding.line}",
    }
    if finding.path:
        issue["expression"] = [_expression(finding.path)]
    return issue


def _expression(path: str) -> str:
    """Return the path as FHIRPath: an entry's resource by its element, no slices, and no further than is known."""
    return _SLICE.sub("", _ENTRY.sub(r"\1.resource", path)).partition(".?")[0]
