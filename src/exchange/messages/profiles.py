"""Which profile of this project each resource of a message keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.messages.codes import BASE, extension_url
from exchange.messages.looking import coded

BY_KIND: Mapping[str, str] = {
    "Bundle": "message",
    "Composition": "message-summary",
    "Condition": "complaint",
    "Consent": "exchange-consent",
    "Encounter": "session",
    "EpisodeOfCare": "treatment-episode",
    "Goal": "treatment-goal",
    "MessageHeader": "message-header",
    "OperationOutcome": "refusal",
    "Organization": "party",
    "Patient": "person",
    "PractitionerRole": "therapist",
    "Procedure": "treatment",
    "Provenance": "message-provenance",
    "Questionnaire": "prom",
    "QuestionnaireResponse": "prom-response",
    "ServiceRequest": "referral",
    "Task": "exchange-task",
}
"""Resource type -> profile, where all resources of the type keep the same one."""

OBSERVATIONS: Mapping[str, str] = {
    "evaluation": "evaluation",
    "measurement": "score",
    "session.count": "session-count",
}
"""Code in this project's observation list -> profile; every answer keeps `partner-answer`."""

KINDS: Mapping[str, str] = {
    **{profile: kind for kind, profile in BY_KIND.items() if kind != "Bundle"},
    **dict.fromkeys((*OBSERVATIONS.values(), "pain-score", "partner-answer"), "Observation"),
    **dict.fromkeys(("indicator-individual", "indicator-summary", "partner-count"), "MeasureReport"),
}
"""Profile -> the type of the resources in a message that keep it."""

_COUNTS = f"{BASE}/Measure/aggregate."


def profile_of(resource: Mapping[str, Any]) -> str | None:
    """Return the id of the profile a resource of ours keeps, or None for what is not of this project."""
    kind = resource.get("resourceType")
    if kind == "Observation":
        return _of_observation(resource)
    if kind == "MeasureReport":
        return _of_report(resource)
    return BY_KIND.get(kind) if isinstance(kind, str) else None


def canonical(profile: str) -> str:
    """Return the canonical of one of this project's profiles."""
    return extension_url(profile)


def _of_observation(resource: Mapping[str, Any]) -> str | None:
    code = coded(resource.get("code"), "observation") or ""
    if code.startswith("answer."):
        return "partner-answer"
    if code == "measurement" and coded(resource.get("code"), "sct"):
        return "pain-score"
    return OBSERVATIONS.get(code)


def _of_report(resource: Mapping[str, Any]) -> str | None:
    measure = resource.get("measure")
    if not isinstance(measure, str) or not measure.startswith(BASE):
        return None
    if measure.startswith(_COUNTS):
        return "partner-count"
    return "indicator-individual" if resource.get("type") == "individual" else "indicator-summary"
