"""The fixed list of leaves that every message may carry, whatever the agreement allows, and the shape of each.

An envelope leaf never holds a fact about the patient: it is an id, a moment, a party, or a word of a closed list. So
each has a pattern, and a value that is not of that shape is refused like a leaf that stands nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from exchange.messages.codes import BASE, EVENTS, PARTY_SCHEMES, SYSTEMS
from exchange.messages.profiles import BY_KIND, OBSERVATIONS, canonical


def _words(*words: str) -> str:
    return "|".join(re.escape(word) for word in sorted(words))


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_URN = f"urn:uuid:{_UUID}"
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_DAY = r"\d{4}-\d\d-\d\d"
_MESSAGE_ID = r"[A-Za-z0-9\-.]{1,64}"
_CASE_ID = r"[0-9a-f]{32}"
_PARTY_VALUE = r"[0-9A-Za-z.-]{4,32}"
_ENDPOINT = re.escape(BASE) + "/endpoint/(?:" + _words(*PARTY_SCHEMES) + ")/" + _PARTY_VALUE
_AGREEMENT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_POLICY = re.escape(SYSTEMS["agreement"]) + "/" + _AGREEMENT_ID + r"/\d{1,9}"
_NAME = r"[^\x00-\x1f<>]{1,200}"
_PURPOSE = r"[a-z][a-z0-9-]{0,63}"
_RULE = r"[a-z]{1,32}\.[a-z0-9.-]{1,64}"
_WORD = r"[a-z][a-z0-9.-]{0,63}"

_TASK_STATUS = _words(*{status for event in EVENTS.values() for status in event.states.values()})
# After which session an interim report is, is told only where session numbers may be: see walking.
_SINCE = {state for event in EVENTS.values() for state in event.states if state.startswith("interim-")}
_BUSINESS = _words(*{state for event in EVENTS.values() for state in event.states} - _SINCE)
BUSINESS_AT_SESSION = re.compile(_words(*{state for event in EVENTS.values() for state in event.states}))
"""The business statuses that may stand where the number of an evaluation's session may be told."""

_LEAVES: dict[str, str] = {
    "Bundle.resourceType": "Bundle",
    "Bundle.identifier[message].value": _MESSAGE_ID,
    "Bundle.type": "message",
    "Bundle.timestamp": _INSTANT,
    "Bundle.entry.fullUrl": _URN,
    "MessageHeader.id": _MESSAGE_ID,
    "MessageHeader.extension[agreement].extension[id].valueString": _AGREEMENT_ID,
    "MessageHeader.extension[agreement].extension[version].valueInteger": r"\d{1,9}",
    "MessageHeader.extension[agreement].extension[digest].valueString": r"[0-9a-f]{64}",
    "MessageHeader.eventCoding[event].code": _words(*EVENTS),
    "MessageHeader.destination.endpoint": _ENDPOINT,
    "MessageHeader.destination.receiver.reference": _URN,
    "MessageHeader.sender.reference": _URN,
    "MessageHeader.source.name": "outcome-exchange",
    "MessageHeader.source.endpoint": _ENDPOINT,
    "MessageHeader.response.identifier": _MESSAGE_ID,
    "MessageHeader.response.code": "ok|fatal-error",
    "MessageHeader.response.details.reference": _URN,
    "OperationOutcome.issue.severity": "error",
    "OperationOutcome.issue.code": "processing",
    "OperationOutcome.issue.details.coding[rule].code": _RULE,
    "MessageHeader.focus.reference": _URN,
    "Task.identifier[case-id].value": _CASE_ID,
    "Task.status": _TASK_STATUS,
    "Task.businessStatus.coding[business-status].code": _BUSINESS,
    "Task.intent": "order",
    "Task.focus.reference": _URN,
    "Task.for.reference": _URN,
    "Task.authoredOn": _INSTANT,
    "Task.requester.reference": _URN,
    "Task.owner.reference": _URN,
    "Task.output.type.coding[output].code": "episode|goal|measure-report|observation|procedure|session",
    "Task.output.valueReference.reference": _URN,
    "ServiceRequest.identifier[case-id].value": _CASE_ID,
    "ServiceRequest.status": "active",
    "ServiceRequest.intent": "order",
    "ServiceRequest.subject.reference": _URN,
    "Organization.name": _NAME,
    "Condition.subject.reference": _URN,
    "EpisodeOfCare.status": "active|finished",
    "EpisodeOfCare.patient.reference": _URN,
    "EpisodeOfCare.diagnosis.condition.reference": _URN,
    "EpisodeOfCare.referralRequest.reference": _URN,
    "EpisodeOfCare.careManager.reference": _URN,
    "PractitionerRole.organization.reference": _URN,
    "Goal.lifecycleStatus": "active|completed",
    "Goal.description.coding[goal].code": "improvement",
    "Goal.subject.reference": _URN,
    "Goal.addresses.reference": _URN,
    "Procedure.basedOn.reference": _URN,
    "Procedure.status": "completed|in-progress",
    "Procedure.code.coding[sct].code": "229065009",
    "Procedure.subject.reference": _URN,
    "Procedure.performer.actor.reference": _URN,
    "Procedure.reasonReference.reference": _URN,
    "QuestionnaireResponse.status": "completed",
    "QuestionnaireResponse.subject.reference": _URN,
    "QuestionnaireResponse.item.linkId": "score",
    "Encounter.status": "finished",
    "Encounter.class[act-code].code": "AMB",
    "Encounter.subject.reference": _URN,
    "Encounter.episodeOfCare.reference": _URN,
    "MeasureReport.meta.profile": _words(canonical("partner-count")),
    "MeasureReport.status": "complete",
    "MeasureReport.type": "summary",
    "MeasureReport.reporter.reference": _URN,
    "Consent.status": "active|inactive|rejected",
    "Consent.scope.coding[consent-scope].code": "patient-privacy",
    "Consent.category.coding[purpose].code": _PURPOSE,
    "Consent.patient.reference": _URN,
    "Consent.dateTime": _DAY,
    "Consent.policy.uri": _POLICY,
    "Provenance.target.reference": _URN,
    "Provenance.recorded": _INSTANT,
    "Provenance.policy": _POLICY,
    "Provenance.agent.type.coding[participant-type].code": "author",
    "Provenance.agent.who.reference": _URN,
    "Composition.status": "final",
    "Composition.type.coding[composition].code": "summary",
    "Composition.subject.reference": _URN,
    "Composition.date": _INSTANT,
    "Composition.author.reference": _URN,
    "Composition.title": "Samenvatting",
    "Composition.section.title": "Inhoud",
    "Composition.section.text.status": "generated",
    # The summary is not held to a pattern but to the facts: walking renders it again and compares.
    "Composition.section.text.div": r"<div [\s\S]*</div>",
}
_LEAVES |= {f"Organization.identifier[{scheme}].value": _PARTY_VALUE for scheme in PARTY_SCHEMES}
_LEAVES |= {f"{kind}.meta.profile": _words(canonical(profile)) for kind, profile in BY_KIND.items()}
_LEAVES |= {
    f"{kind}.{leaf}": shape
    for kind in sorted({path.partition(".")[0] for path in _LEAVES} - {"Bundle"} | {"Patient"})
    for leaf, shape in (("resourceType", kind), ("id", _MESSAGE_ID if kind == "MessageHeader" else _UUID))
}

ENVELOPE: Mapping[str, re.Pattern[str]] = {path: re.compile(shape) for path, shape in _LEAVES.items()}
"""Sliced path -> the pattern its whole value must have."""

OBSERVATION: Mapping[str, re.Pattern[str]] = {
    leaf: re.compile(shape)
    for leaf, shape in (
        ("resourceType", "Observation"),
        ("meta.profile", _words(*map(canonical, (*OBSERVATIONS.values(), "pain-score", "partner-answer")))),
        ("id", _UUID),
        ("status", "final"),
        ("category.coding[observation-category].code", "survey"),
        ("subject.reference", _URN),
        ("derivedFrom.reference", _URN),
        ("extension[workflow-episode].valueReference.reference", _URN),
        ("_effectiveDateTime.extension[absent].valueCode", "masked"),
    )
}
"""What each Observation carries beside the element it tells; the same for every slice that is allowed."""

REPORT: Mapping[str, re.Pattern[str]] = {
    leaf: re.compile(shape)
    for leaf, shape in (
        ("resourceType", "MeasureReport"),
        ("id", _UUID),
        ("meta.profile", _words(canonical("indicator-summary"), canonical("indicator-individual"))),
        ("status", "complete"),
        ("type", "individual|summary"),
        ("subject.reference", _URN),
        ("reporter.reference", _URN),
        ("date", _DAY),
        ("improvementNotation.coding[improvement].code", "decrease|increase"),
        *((f"extension[figure].extension[{part}].valueString", _NAME) for part in ("scope", "unit", "source")),
        ("extension[figure].extension[cut-off].valueString", _DAY),
        ("extension[figure].extension[agreement].valueString", _AGREEMENT_ID),
        ("extension[figure].extension[masked].valueString", _WORD),
        ("group.id", "group"),
        (
            "group.extension[scored-by].valueCodeableConcept.coding[measure-scoring].code",
            "continuous-variable|proportion|ratio",
        ),
        ("group.population[measure].id", _WORD),
        ("group.population[measure].code.coding[measure-population].code", _WORD),
        ("group.population[measure].code.coding[own-population].code", _WORD),
        ("group.population[measure]._count.extension[absent].valueCode", "masked"),
        ("group.measureScore.system", re.escape(SYSTEMS["ucum"])),
        ("group.measureScore.code", r"1|\{score\}"),
        ("group.measureScore.extension[absent].valueCode", "masked"),
        ("group.measureScore.extension[interval].extension[level].valueDecimal", r"0\.\d{1,4}"),
        ("group.measureScore.extension[interval].extension[method].valueCode", _WORD),
    )
}
"""What the MeasureReport of an indicator carries beside the figure."""
