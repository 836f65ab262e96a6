"""The resources that frame a message: who, for whom, about whom, what is asked, and what it says for people."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.messages.codes import EVENTS, SYSTEMS, endpoint, extension_url
from exchange.messages.drafting import (
    Draft,
    Resource,
    concept,
    day,
    extension,
    identifier,
    party_identifier,
    present,
)
from exchange.messages.facts import (
    AgreementReference,
    ConsentFacts,
    Message,
    Organisation,
    PatientFacts,
    Reply,
    Told,
)
from exchange.records.codes import ConsentState


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
    agreement = message.agreement
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
            "response": message.told.reply and _response(draft, message.told.reply),
            "focus": [focus],
        },
        resource_id=message.message_id,
    )


def _response(draft: Draft, told: Reply) -> Resource:
    """Name the message that is answered; what a refused one broke stands in an OperationOutcome beside it."""
    code = "ok" if told.accepted else "fatal-error"
    issues = [
        {"severity": "error", "code": "processing", "details": concept("rule", rule)} for rule in sorted(told.rules)
    ]
    details = draft.add("OperationOutcome", {"issue": issues}) if issues else None
    return present({"identifier": told.message_id, "code": code, "details": details})


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
