"""Read a message back into what it tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from exchange.errors import MessageError
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.facts import (
    TOLD_OF_REPORT,
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
    ReferralFacts,
    Reply,
    SessionFacts,
    Told,
)
from exchange.messages.looking import (
    at,
    coded,
    component,
    day,
    day_after,
    extended,
    identified,
    items,
    party,
    text,
    unreadable,
    whole,
    word,
)
from exchange.messages.parsing import LIMITS, Limits, parse
from exchange.messages.resources import CONSENT_STATUS
from exchange.records.codes import Access, Answered, Counterfactual, Effect, EndReason, NextStep, SessionType, Sex
from exchange.records.elements import elements

Resource = Mapping[str, Any]
Kinds = Mapping[str, list[Resource]]


def read(data: bytes, limits: Limits = LIMITS) -> Message:
    """Return what the message says. Raises MessageError, naming the place and never the value.

    Reading is strict about what it needs and blind to all else: an element that is not of this project is not read.
    Ask `checking.check` first for all that is wrong with a message.
    """
    return message_of(parse(data, limits))


def message_of(tree: Resource) -> Message:
    """Read a message that was parsed already."""
    if tree.get("resourceType") != "Bundle" or tree.get("type") != "message":
        raise MessageError("messages.not-a-message")
    entries = _by_reference(tree)
    header = at(tree, "entry", 0, "resource")
    if at(header, "resourceType") != "MessageHeader":
        raise MessageError("messages.no-header")
    event = text(header, "MessageHeader.eventCoding.code", "eventCoding", "code")
    if event is None or event not in EVENTS or at(header, "eventCoding", "system") != SYSTEMS["event"]:
        raise MessageError("messages.foreign-event")
    return Message(
        message_id=_needed(text(header, "MessageHeader.id", "id"), "MessageHeader.id"),
        event=event,
        sent_at=_moment(tree),
        agreement=_agreement(header),
        sender=_organisation(entries, at(header, "sender", "reference"), "MessageHeader.sender"),
        receiver=_organisation(
            entries, at(header, "destination", 0, "receiver", "reference"), "MessageHeader.destination.receiver"
        ),
        told=_told(_by_kind(tree), header, event),
    )


def require_head(tree: Resource, entries: dict[str, Resource]) -> None:
    """Raise where `message_of` would, but for what it reads in resources that `readable` takes.

    What is asked is a message of ours, of which every rule and every profile holds; `entries` are its resources by
    their full URL.
    """
    header = tree["entry"][0]["resource"]
    _moment(tree)
    _agreement(header)
    _organisation(entries, at(header, "sender", "reference"), "MessageHeader.sender")
    receiver = at(header, "destination", 0, "receiver", "reference")
    _organisation(entries, receiver, "MessageHeader.destination.receiver")
    if EVENTS[header["eventCoding"]["code"]].about_patient:
        tasks = (each for each in entries.values() if each["resourceType"] == "Task")
        _needed(identified(next(tasks, None), "case-id"), "Task.identifier[case-id]")


def _by_reference(tree: Resource) -> dict[str, Resource]:
    return {
        entry["fullUrl"]: entry["resource"]
        for entry in items(tree, "entry")
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource"), dict)
    }


def _by_kind(tree: Resource) -> Kinds:
    """Sort the resources by their type once, as reading asks for many types."""
    kinds: dict[str, list[Resource]] = {}
    for entry in items(tree, "entry"):
        resource = entry.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if isinstance(kind, str) and resource is not None:
            kinds.setdefault(kind, []).append(resource)
    return kinds


def _first(kinds: Kinds, kind: str) -> Resource:
    return next(iter(kinds.get(kind, ())), {})


def _needed(value: Any, path: str) -> Any:
    if value is None or value == "":
        raise unreadable(path)
    return value


def _moment(tree: Resource) -> datetime:
    written = _needed(text(tree, "Bundle.timestamp", "timestamp"), "Bundle.timestamp")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise unreadable("Bundle.timestamp") from None
    if moment.tzinfo is None:
        raise unreadable("Bundle.timestamp")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise unreadable("Bundle.timestamp") from None


def _agreement(header: Resource) -> AgreementReference:
    path = "MessageHeader.extension[agreement]"
    parts = {str(each.get("url")): each for each in items(extended(header, "agreement"), "extension")}
    return AgreementReference(
        agreement_id=_needed(text(parts.get("id"), path, "valueString"), path),
        version=_needed(whole(parts.get("version"), path, "valueInteger"), path),
        digest=_needed(text(parts.get("digest"), path, "valueString"), path),
    )


def _organisation(entries: Mapping[str, Resource], reference: Any, path: str) -> Organisation:
    resource = entries.get(reference, {}) if isinstance(reference, str) else {}
    found = next((known for each in items(resource, "identifier") if (known := party(each))), None)
    if resource.get("resourceType") != "Organization" or found is None:
        raise unreadable(path)
    return Organisation(found, text(resource, "Organization.name", "name") or "")


def _told(kinds: Kinds, header: Resource, event: str) -> Told:
    task = _first(kinds, "Task")
    case_id = identified(task, "case-id")
    if EVENTS[event].about_patient and not case_id:
        raise unreadable("Task.identifier[case-id]")
    observed: dict[str, list[Resource]] = {}
    for observation in kinds.get("Observation", ()):
        observed.setdefault(coded(observation.get("code"), "observation") or "", []).append(observation)
    counts = observed.get("session.count", [])
    return Told(
        case_id=case_id or "",
        code=identified(task, "case-code"),
        business_status=coded(task.get("businessStatus"), "business-status") or "",
        patient=_patient(_first(kinds, "Patient")),
        episode=_episode(kinds),
        referral=_referral(_first(kinds, "ServiceRequest")),
        session_count=whole(counts[0] if counts else None, "Observation[session.count]", "valueInteger"),
        sessions=tuple(_session(each) for each in kinds.get("Encounter", ())),
        measurements=tuple(_measurement(each) for each in observed.get("measurement", [])),
        evaluations=tuple(_evaluation(each) for each in observed.get("evaluation", [])),
        answers=tuple(
            _answer(code, each) for code, group in observed.items() if code.startswith("answer.") for each in group
        ),
        aggregates=tuple(
            each
            for report in kinds.get("MeasureReport", ())
            if event != "indicator-report"
            for each in _aggregate(report)
        ),
        indicators=tuple(map(_indicator, kinds.get("MeasureReport", ()))) if event == "indicator-report" else (),
        consent=_consent(_first(kinds, "Consent")),
        reply=_reply(kinds, header),
    )


def _patient(patient: Resource) -> PatientFacts:
    return PatientFacts(
        bsn=identified(patient, "bsn"),
        name=text(patient, "Patient.name.text", "name", 0, "text"),
        born=_born(patient),
        sex=word(Sex, text(patient, "Patient.gender", "gender"), "Patient.gender"),
    )


def _born(patient: Resource) -> str | None:
    """Keep a partial date as it is written: a year alone stays a year alone."""
    born = text(patient, "Patient.birthDate", "birthDate")
    if born is not None and not (len(born) == 4 and born.isascii() and born.isdigit()):
        day(patient, "Patient.birthDate", "birthDate")
    return born


def _episode(kinds: Kinds) -> EpisodeFacts:
    path = "EpisodeOfCare.extension"
    episode, condition = _first(kinds, "EpisodeOfCare"), _first(kinds, "Condition")
    therapist = party(at(_first(kinds, "PractitionerRole"), "practitioner", "identifier")) or ""

    def code(name: str) -> str | None:
        return text(extended(episode, name), f"{path}[{name}]", "valueCode")

    chronic = extended(episode, "chronic").get("valueBoolean")
    if chronic is not None and not isinstance(chronic, bool):
        raise unreadable(f"{path}[chronic]")
    return EpisodeFacts(
        start=day(episode, "EpisodeOfCare.period.start", "period", "start"),
        end=day(episode, "EpisodeOfCare.period.end", "period", "end"),
        end_weeks=whole(extended(episode, "end-weeks-since-start"), path, "valueInteger"),
        diagnosis=coded(condition.get("code"), "dcsph"),
        location=coded(at(condition, "bodySite", 0), "dcsph-location"),
        access=word(Access, code("access"), f"{path}[access]"),
        end_reason=word(EndReason, code("end-reason"), f"{path}[end-reason]"),
        onward_advice=word(Answered, code("onward-advice"), f"{path}[onward-advice]"),
        chronic=chronic,
        therapist=therapist.removeprefix("agb:") if therapist.startswith("agb:") else None,
        instrument=coded(at(_first(kinds, "Goal"), "target", 0, "measure"), "instrument"),
    )


def _referral(request: Resource) -> ReferralFacts:
    otherwise = text(extended(request, "counterfactual"), "ServiceRequest.extension[counterfactual]", "valueCode")
    return ReferralFacts(
        referrer=party(at(request, "requester", "identifier")),
        day=day(request, "ServiceRequest.authoredOn", "authoredOn"),
        question=text(request, "ServiceRequest.reasonCode.text", "reasonCode", 0, "text"),
        counterfactual=word(Counterfactual, otherwise, "ServiceRequest.extension[counterfactual]"),
        recorded_on=day(extended(request, "recorded-on"), "ServiceRequest.extension[recorded-on]", "valueDate"),
    )


def _session(encounter: Resource) -> SessionFacts:
    return SessionFacts(
        day=day(encounter, "Encounter.period.start", "period", "start"),
        weeks=whole(extended(encounter, "weeks-since-start"), "Encounter.extension", "valueInteger"),
        type=word(SessionType, coded(at(encounter, "type", 0), "session-type"), "Encounter.type"),
    )


def _measurement(observation: Resource) -> MeasurementFacts:
    value = at(observation, "valueQuantity", "value")
    if value is None:
        value = whole(observation, "Observation[measurement].valueInteger", "valueInteger")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise unreadable("Observation[measurement].valueQuantity.value")
    return MeasurementFacts(
        instrument=coded(observation.get("code"), "instrument"),
        day=day(observation, "Observation[measurement].effectiveDateTime", "effectiveDateTime"),
        weeks=whole(extended(observation, "weeks-since-start"), "Observation[measurement].extension", "valueInteger"),
        value=None if value is None else Decimal(repr(value)),
    )


def _evaluation(observation: Resource) -> EvaluationFacts:
    path = "Observation[evaluation].component"
    decision = coded(component(observation, "decision").get("valueCodeableConcept"), "next-step")
    taken_up = coded(component(observation, "advice-taken-up").get("valueCodeableConcept"), "answered")
    effect = coded(observation.get("valueCodeableConcept"), "effect")
    return EvaluationFacts(
        session_number=whole(component(observation, "session-number"), path, "valueInteger"),
        day=day(observation, "Observation[evaluation].effectiveDateTime", "effectiveDateTime"),
        effect=word(Effect, effect, "Observation[evaluation].valueCodeableConcept"),
        decision=word(NextStep, decision, f"{path}[decision]"),
        advice_taken_up=word(Answered, taken_up, f"{path}[advice-taken-up]"),
        told_referrer_on=day(component(observation, "told-referrer-on"), path, "valueDateTime"),
    )


def _answer(element: str, observation: Resource) -> AnswerFacts:
    if element not in elements():
        raise unreadable("Observation.code")
    path = f"Observation[{element}]"
    status = word(Answered, coded(observation.get("valueCodeableConcept"), "answered"), path)
    start = day(observation, f"{path}.effectivePeriod.start", "effectivePeriod", "start")
    end = day_after(observation, f"{path}.effectivePeriod.end", "effectivePeriod", "end")
    if status is None or start is None or end is None or start >= end:
        raise unreadable(path)
    return AnswerFacts(
        element=element,
        start=start,
        end=end,
        status=status,
        count=whole(component(observation, "count"), f"{path}.component[count]", "valueInteger"),
        first_day=day(component(observation, "first-day"), f"{path}.component[first-day]", "valueDateTime"),
    )


def _aggregate(report: Resource) -> Iterator[AggregateFacts]:
    """Read one count; a population of all eligible patients beside another count is that count's population."""
    path = "MeasureReport.group.population"
    counts = {
        coded(each.get("code"), "observation"): whole(each, path, "count")
        for group in items(report, "group")
        for each in items(group, "population")
    }
    eligible = counts.get("aggregate.eligible-patients")
    named = [code for code in counts if code and code != "aggregate.eligible-patients"]
    start = day(report, "MeasureReport.period.start", "period", "start")
    end = day_after(report, "MeasureReport.period.end", "period", "end")
    if start is None or end is None or start >= end:
        raise unreadable("MeasureReport.period")
    for code in named or ["aggregate.eligible-patients"]:
        value = counts.get(code)
        if value is None or not code.startswith("aggregate.") or code not in elements():
            raise unreadable(path)
        yield AggregateFacts(code, start, end, value, eligible if named else None)


def _indicator(report: Resource) -> Resource:
    """Return what the report says of its indicator; it stays as it is written, to be recomputed from its own counts."""
    return {name: report[name] for name in TOLD_OF_REPORT if name in report}


def _consent(consent: Resource) -> ConsentFacts | None:
    if not consent:
        return None
    states = {status: state for state, status in CONSENT_STATUS.items()}
    state = states.get(text(consent, "Consent.status", "status") or "")
    purpose = coded(at(consent, "category", 0), "purpose")
    since = day(consent, "Consent.dateTime", "dateTime")
    if state is None or purpose is None or since is None:
        raise unreadable("Consent")
    return ConsentFacts(purpose, state, since)


def _reply(kinds: Kinds, header: Resource) -> Reply | None:
    if header.get("response") is None:
        return None
    path = "MessageHeader.response"
    answered = _needed(text(header, f"{path}.identifier", "response", "identifier"), path)
    broken = (
        code
        for outcome in kinds.get("OperationOutcome", ())
        for issue in items(outcome, "issue")
        if (code := coded(issue.get("details"), "rule"))
    )
    accepted = text(header, f"{path}.code", "response", "code") == "ok"
    return Reply(answered, accepted, tuple(sorted(broken)))
