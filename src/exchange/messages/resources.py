"""The resources of a message, each made from what is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exchange.messages.codes import EVENTS, SYSTEMS, endpoint, extension_url, measure
from exchange.messages.drafting import (
    Draft,
    Resource,
    concept,
    day,
    extension,
    identifier,
    last_day,
    number,
    party_identifier,
)
from exchange.messages.facts import (
    AggregateFacts,
    AgreementReference,
    AnswerFacts,
    ConsentFacts,
    EpisodeFacts,
    EvaluationFacts,
    MeasurementFacts,
    Message,
    Organisation,
    PatientFacts,
    SessionFacts,
    Told,
)
from exchange.records.codes import ConsentState
from exchange.records.instruments import instruments


@dataclass(frozen=True, slots=True)
class Links:
    """References to the entries that others point to."""

    sender: Resource
    receiver: Resource
    patient: Resource | None = None
    request: Resource | None = None


Output = list[tuple[str, Resource]]
"""The kind and the reference of each result, for Task.output."""

CONSENT_STATUS = {
    ConsentState.GIVEN: "active",
    ConsentState.REFUSED: "rejected",
    ConsentState.WITHDRAWN: "inactive",
}
SOFTWARE = "outcome-exchange"


def organization(draft: Draft, party: Organisation) -> Resource:
    """Add a party."""
    return draft.add("Organization", {"identifier": [party_identifier(party.party)], "name": party.name})


def patient(draft: Draft, told: PatientFacts) -> Resource:
    """Add the person: a bare id unless the agreement allows more."""
    return draft.add(
        "Patient",
        {
            "identifier": [identifier("bsn", told.bsn)] if told.bsn else None,
            "name": [{"text": told.name}] if told.name else None,
            "gender": told.sex and told.sex.value,
            "birthDate": told.born,
        },
    )


def service_request(draft: Draft, told: Told, subject: Resource) -> Resource:
    """Add the referral, or the bare request that the exchange is about where nothing of a referral is told."""
    referral = told.referral
    return draft.add(
        "ServiceRequest",
        {
            "extension": [
                *extension("counterfactual", "Code", referral.counterfactual),
                *extension("recorded-on", "Date", day(referral.recorded_on)),
            ],
            "identifier": [identifier("case-id", told.case_id)],
            "status": "active",
            "intent": "order",
            "subject": subject,
            "authoredOn": day(referral.day),
            "requester": {"identifier": party_identifier(referral.referrer)} if referral.referrer else None,
            "reasonCode": [{"text": referral.question}] if referral.question else None,
        },
    )


def episode(draft: Draft, told: EpisodeFacts, subject: Resource, *, ended: bool) -> Resource | None:
    """Add the treatment and its diagnosis where anything of them is told.

    The status says only what the kind of message says already, so that it adds nothing to what was agreed.
    """
    period = {name: day(value) for name, value in (("start", told.start), ("end", told.end)) if value is not None}
    extensions = [
        *extension("access", "Code", told.access),
        *extension("end-reason", "Code", told.end_reason),
        *extension("onward-advice", "Code", told.onward_advice),
        *extension("chronic", "Boolean", told.chronic),
        *extension("end-weeks-since-start", "Integer", told.end_weeks),
    ]
    condition = None
    if told.diagnosis or told.location:
        condition = draft.add(
            "Condition",
            {
                "code": concept("dcsph", told.diagnosis) if told.diagnosis else None,
                "bodySite": [concept("dcsph-location", told.location)] if told.location else None,
                "subject": subject,
            },
        )
    if not (period or extensions or condition):
        return None
    return draft.add(
        "EpisodeOfCare",
        {
            "extension": extensions,
            "status": "finished" if ended else "active",
            "diagnosis": [{"condition": condition}] if condition else None,
            "patient": subject,
            "period": period,
        },
    )


def encounter(draft: Draft, told: SessionFacts, subject: Resource) -> Resource:
    """Add one session."""
    return draft.add(
        "Encounter",
        {
            "extension": extension("weeks-since-start", "Integer", told.weeks),
            "status": "finished",
            "class": {"system": SYSTEMS["act-code"], "code": "AMB"},
            "type": [concept("session-type", told.type)] if told.type else None,
            "subject": subject,
            "period": {"start": day(told.day)} if told.day else None,
        },
    )


def _observation(draft: Draft, code: str, subject: Resource, content: dict[str, Any]) -> Resource:
    fixed = {"status": "final", "code": concept("observation", code), "subject": subject}
    return draft.add("Observation", {**fixed, **content})


def session_count(draft: Draft, count: int, subject: Resource) -> Resource:
    """Add the number of sessions."""
    return _observation(draft, "session.count", subject, {"valueInteger": count})


def measurement(draft: Draft, told: MeasurementFacts, subject: Resource) -> Resource:
    """Add one score; LOINC stands beside our code only where the code list confirms it."""
    coding = [{"system": SYSTEMS["observation"], "code": "measurement"}]
    if told.instrument:
        coding.append({"system": SYSTEMS["instrument"], "code": told.instrument})
        known = instruments().get(told.instrument)
        if known is not None and known.loinc:
            coding.append({"system": SYSTEMS["loinc"], "code": known.loinc})
    quantity = None
    if told.value is not None:
        quantity = {"value": number(told.value), "unit": "score", "system": SYSTEMS["ucum"], "code": "{score}"}
    return _observation(
        draft,
        "measurement",
        subject,
        {
            "extension": extension("weeks-since-start", "Integer", told.weeks),
            "category": [concept("observation-category", "survey")],
            "code": {"coding": coding},
            "effectiveDateTime": day(told.day),
            "valueQuantity": quantity,
        },
    )


def evaluation(draft: Draft, told: EvaluationFacts, subject: Resource) -> Resource:
    """Add one evaluation moment."""
    values: tuple[tuple[str, str, Any], ...] = (
        ("session-number", "valueInteger", told.session_number),
        ("decision", "valueCodeableConcept", told.decision and concept("next-step", told.decision)),
        ("advice-taken-up", "valueCodeableConcept", told.advice_taken_up and concept("answered", told.advice_taken_up)),
        ("told-referrer-on", "valueDateTime", day(told.told_referrer_on)),
    )
    return _observation(
        draft,
        "evaluation",
        subject,
        {
            "effectiveDateTime": day(told.day),
            "valueCodeableConcept": told.effect and concept("effect", told.effect),
            "component": _components(values),
        },
    )


def answer(draft: Draft, told: AnswerFacts, subject: Resource) -> Resource:
    """Add one answer with its window, the last day included as FHIR's Period means it."""
    values: tuple[tuple[str, str, Any], ...] = (
        ("count", "valueInteger", told.count),
        ("first-day", "valueDateTime", day(told.first_day)),
    )
    return _observation(
        draft,
        told.element,
        subject,
        {
            "effectivePeriod": {"start": day(told.start), "end": last_day(told.end)},
            "valueCodeableConcept": concept("answered", told.status),
            "component": _components(values),
        },
    )


def _components(values: tuple[tuple[str, str, Any], ...]) -> list[Resource]:
    return [{"code": concept("component", name), kind: value} for name, kind, value in values if value is not None]


def measure_report(draft: Draft, told: AggregateFacts, reporter: Resource) -> Resource:
    """Add one count without patients; the population stands beside it where it is allowed."""
    population = [{"code": concept("observation", told.element), "count": told.value}]
    if told.population is not None:
        eligible = concept("observation", "aggregate.eligible-patients")
        population.append({"code": eligible, "count": told.population})
    return draft.add(
        "MeasureReport",
        {
            "status": "complete",
            "type": "summary",
            "measure": measure(told.element),
            "reporter": reporter,
            "period": {"start": day(told.start), "end": last_day(told.end)},
            "group": [{"population": population}],
        },
    )


def consent(draft: Draft, told: ConsentFacts, subject: Resource, agreement: AgreementReference) -> Resource:
    """Add the patient's consent; the agreement stays outside and is linked as the policy."""
    return draft.add(
        "Consent",
        {
            "status": CONSENT_STATUS[told.state],
            "scope": concept("consent-scope", "patient-privacy"),
            "category": [concept("purpose", told.purpose)],
            "patient": subject,
            "dateTime": day(told.day),
            "policy": [{"uri": policy(agreement)}],
        },
    )


def policy(agreement: AgreementReference) -> str:
    """Return the URI that stands for one version of an agreement."""
    return f"{SYSTEMS['agreement']}/{agreement.agreement_id}/{agreement.version}"


def task(draft: Draft, message: Message, links: Links, output: Output) -> Resource:
    """Add the Task that everything hangs on: who asked whom, how far it is, and what came of it."""
    told, event = message.told, EVENTS[message.event]
    asked, asker = (links.sender, links.receiver) if event.asked_by_receiver else (links.receiver, links.sender)
    identifiers = [identifier("case-id", told.case_id)] if told.case_id else []
    if told.code:
        identifiers.append(identifier("case-code", told.code))
    return draft.add(
        "Task",
        {
            "identifier": identifiers,
            "status": event.states[told.business_status],
            "businessStatus": concept("business-status", told.business_status),
            "intent": "order",
            "focus": links.request,
            "for": links.patient,
            "authoredOn": instant(message),
            "requester": asker,
            "owner": asked,
            "output": [{"type": concept("output", kind), "valueReference": reference} for kind, reference in output],
        },
    )


def header(draft: Draft, message: Message, links: Links, focus: Resource) -> Resource:
    """Add the MessageHeader; its id is the message id, which a reply names."""
    told, agreement = message.told, message.agreement
    reply = None
    if told.reply is not None:
        code = "ok" if told.reply.accepted else "fatal-error"
        reply = {"identifier": told.reply.message_id, "code": code}
    return draft.add(
        "MessageHeader",
        {
            "extension": [
                {
                    "url": extension_url("agreement"),
                    "extension": [
                        {"url": "id", "valueString": agreement.agreement_id},
                        {"url": "version", "valueInteger": agreement.version},
                        {"url": "digest", "valueString": agreement.digest},
                    ],
                }
            ],
            "eventCoding": {"system": SYSTEMS["event"], "code": message.event},
            "destination": [{"endpoint": endpoint(message.receiver.party), "receiver": links.receiver}],
            "sender": links.sender,
            "source": {"name": SOFTWARE, "endpoint": endpoint(message.sender.party)},
            "response": reply,
            "focus": [focus],
        },
        resource_id=message.message_id,
    )


def provenance(draft: Draft, message: Message, author: Resource, target: list[Resource]) -> Resource:
    """Add who made the content, when, and under which agreement."""
    return draft.add(
        "Provenance",
        {
            "target": target,
            "recorded": instant(message),
            "policy": [policy(message.agreement)],
            "agent": [{"type": concept("participant-type", "author"), "who": author}],
        },
    )


def composition(draft: Draft, message: Message, links: Links, narrative: str) -> Resource:
    """Add the summary for people; it says what the other entries say and nothing else."""
    return draft.add(
        "Composition",
        {
            "status": "final",
            "type": concept("composition", "summary"),
            "subject": links.patient,
            "date": instant(message),
            "author": [links.sender],
            "title": "Samenvatting",
            "section": [{"title": "Inhoud", "text": {"status": "generated", "div": narrative}}],
        },
    )


def instant(message: Message) -> str:
    """Write the moment of sending in UTC, to the second."""
    return message.sent_at.strftime("%Y-%m-%dT%H:%M:%SZ")
