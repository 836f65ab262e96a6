"""Keep of the facts only what the event carries and the agreement allows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from exchange.errors import MessageError
from exchange.messages.allowing import Allowed
from exchange.messages.codes import EVENTS, MOMENTS, Event
from exchange.messages.facts import (
    TOLD_OF_REPORT,
    AggregateFacts,
    AnswerFacts,
    CaseFacts,
    ConsentFacts,
    EpisodeFacts,
    EvaluationFacts,
    MeasurementFacts,
    PatientFacts,
    ReferralFacts,
    Reply,
    SessionFacts,
    Told,
)
from exchange.records.instruments import instruments
from exchange.records.model import Aggregate, Answer, Evaluation, Measurement, Session

T = TypeVar("T")
_ELIGIBLE = "aggregate.eligible-patients"


def project(event: str, facts: CaseFacts, allowed: frozenset[str]) -> Told:
    """Return what a message of this event may tell; lists are sorted by what is told, so that order tells no more.

    Raises MessageError for an unknown event or facts that lack what the event needs.
    """
    kind = EVENTS.get(event)
    if kind is None:
        raise MessageError("messages.unknown-event", event=event)
    status = _business_status(kind, facts, Allowed.of(allowed))
    if kind.about_patient and not facts.case_id:
        raise MessageError("messages.no-case", event=event)
    permit, groups = Allowed.of(allowed), kind.groups
    indicators = _indicators(facts, permit) if "indicators" in groups else ()
    return Told(
        case_id=facts.case_id if kind.about_patient or any(map(is_individual, indicators)) else "",
        code=facts.code if "code" in groups and facts.code and permit.whole("case.code") else None,
        business_status=status,
        patient=_patient(facts, permit) if "patient" in groups else PatientFacts(),
        episode=_episode(facts, permit) if "episode" in groups else EpisodeFacts(),
        referral=_referral(facts, permit) if "referral" in groups else ReferralFacts(),
        session_count=facts.session_count if "sessions" in groups and permit.whole("session.count") else None,
        sessions=_kept(_session(x, facts, permit) for x in facts.sessions) if "sessions" in groups else (),
        measurements=(
            _kept(_measurement(x, facts, permit) for x in facts.measurements) if "measurements" in groups else ()
        ),
        evaluations=_kept(_evaluation(x, permit) for x in facts.evaluations) if "evaluations" in groups else (),
        answers=_kept(_answer(x) for x in facts.answers if permit.whole(x.element)) if "answers" in groups else (),
        aggregates=(
            _kept(_aggregate(x, permit) for x in facts.aggregates if permit.whole(x.element))
            if "aggregates" in groups
            else ()
        ),
        indicators=indicators,
        consent=_consent(facts) if "consent" in groups else None,
        reply=_reply(kind, facts) if "reply" in groups else None,
    )


def _business_status(kind: Event, facts: CaseFacts, permit: Allowed) -> str:
    if kind.code == "acknowledgement":
        if facts.reply is None:
            raise MessageError("messages.no-reply")
        return "received" if facts.reply.accepted else "refused"
    if kind.code == "outcome-report":
        if facts.phase not in kind.states:
            raise MessageError("messages.no-phase")
        return _phase(facts, permit)
    return next(iter(kind.states))


def _phase(facts: CaseFacts, permit: Allowed) -> str:
    """Return the phase of a report; an interim one says after which session where session numbers may be told."""
    phase = facts.phase.partition("-")[0]
    if phase != "interim" or not permit.whole("evaluation.session-number"):
        return phase
    last = max(facts.evaluations, key=lambda one: (one.day, one.session_number), default=None)
    return f"interim-{last.session_number}" if last is not None and last.session_number in MOMENTS else phase


def _reply(kind: Event, facts: CaseFacts) -> Reply | None:
    """Return what is answered; only an acknowledgement says more of it than which message it is."""
    if facts.reply is None:
        return None
    if kind.code == "acknowledgement":
        return replace(facts.reply, rules=() if facts.reply.accepted else tuple(sorted(set(facts.reply.rules))))
    return Reply(facts.reply.message_id, accepted=True)


def _kept(items: Iterable[T]) -> tuple[T, ...]:
    """Sort by what is told and drop what tells nothing at all."""
    told = [item for item in items if any(value is not None for value in _values(item))]
    return tuple(sorted(told, key=lambda item: [_sortable(value) for value in _values(item)]))


def _values(item: object) -> list[Any]:
    return [getattr(item, field.name) for field in fields(item)]  # type: ignore[arg-type]  # only dataclasses come here


def _sortable(value: object) -> tuple[int, object]:
    if value is None:
        return (0, "")
    return (1, value if isinstance(value, int | Decimal) else str(value))


def _patient(facts: CaseFacts, permit: Allowed) -> PatientFacts:
    patient = facts.patient
    if patient is None:
        return PatientFacts()
    born = None
    if patient.birth_date is not None and permit.some("patient.birth-date"):
        year_only = permit.coarser("patient.birth-date", "year")
        born = f"{patient.birth_date.year:04d}" if year_only else patient.birth_date.isoformat()
    return PatientFacts(
        bsn=(patient.bsn or None) if permit.whole("patient.bsn") else None,
        name=((patient.name or "").strip() or None) if permit.whole("patient.name") else None,
        born=born,
        sex=patient.sex if permit.whole("patient.sex") else None,
    )


def _weeks(day: date, facts: CaseFacts) -> int | None:
    return None if facts.episode is None else (day - facts.episode.start).days // 7


def _episode(facts: CaseFacts, permit: Allowed) -> EpisodeFacts:
    episode = facts.episode
    if episode is None:
        return EpisodeFacts()
    if episode.end is not None and episode.end < episode.start:
        raise MessageError("messages.end-before-start")
    start: date | None = None
    if permit.whole("episode.start"):
        start = episode.start
    elif permit.coarser("episode.start", "week"):
        start = episode.start - timedelta(days=episode.start.weekday())
    diagnosis = episode.diagnosis if permit.whole("episode.diagnosis") else ""
    location_told = permit.whole("episode.location") or permit.coarser("episode.diagnosis", "location")
    return EpisodeFacts(
        start=start,
        end=episode.end if permit.whole("episode.end") else None,
        end_weeks=(
            _weeks(episode.end, facts)
            if episode.end is not None and permit.coarser("episode.end", "weeks-since-start")
            else None
        ),
        diagnosis=diagnosis or None,
        location=(episode.location or None) if location_told else None,
        access=episode.access if permit.whole("episode.access") else None,
        end_reason=episode.end_reason if permit.whole("episode.end-reason") else None,
        onward_advice=episode.onward_advice if permit.whole("episode.onward-advice") else None,
        chronic=episode.chronic if permit.whole("episode.chronic") else None,
        therapist=(episode.therapist or None) if permit.whole("episode.therapist") else None,
        instrument=(episode.instrument or None) if permit.whole("episode.instrument") else None,
    )


def _referral(facts: CaseFacts, permit: Allowed) -> ReferralFacts:
    referral = facts.referral
    if referral is None:
        return ReferralFacts()
    return ReferralFacts(
        referrer=(referral.referrer or None) if permit.whole("referral.referrer") else None,
        day=referral.day if permit.whole("referral.day") else None,
        question=(referral.question.strip() or None) if permit.whole("referral.question") else None,
        counterfactual=referral.counterfactual if permit.whole("referral.counterfactual") else None,
        recorded_on=referral.recorded_on if permit.whole("referral.recorded-on") else None,
    )


def _session(session: Session, facts: CaseFacts, permit: Allowed) -> SessionFacts:
    return SessionFacts(
        day=session.day if permit.whole("session.day") else None,
        weeks=_weeks(session.day, facts) if permit.coarser("session.day", "weeks-since-start") else None,
        type=session.type if permit.whole("session.type") else None,
    )


def _measurement(measurement: Measurement, facts: CaseFacts, permit: Allowed) -> MeasurementFacts:
    known = instruments().get(measurement.instrument)
    if known is None:
        raise MessageError("messages.unknown-instrument", instrument=measurement.instrument)
    coarse_day = permit.coarser("measurement.day", "weeks-since-start")
    return MeasurementFacts(
        instrument=measurement.instrument if permit.whole("measurement.instrument") else None,
        day=measurement.day if permit.whole("measurement.day") else None,
        weeks=_weeks(measurement.day, facts) if coarse_day else None,
        value=Decimal(measurement.score).scaleb(-known.decimals) if permit.whole("measurement.score") else None,
    )


def _evaluation(evaluation: Evaluation, permit: Allowed) -> EvaluationFacts:
    return EvaluationFacts(
        session_number=evaluation.session_number if permit.whole("evaluation.session-number") else None,
        day=evaluation.day if permit.whole("evaluation.day") else None,
        effect=evaluation.effect if permit.whole("evaluation.effect") else None,
        decision=evaluation.decision if permit.whole("evaluation.decision") else None,
        advice_taken_up=evaluation.advice_taken_up if permit.whole("evaluation.advice-taken-up") else None,
        told_referrer_on=evaluation.told_referrer_on if permit.whole("evaluation.told-referrer-on") else None,
    )


def _answer(answer: Answer) -> AnswerFacts:
    if answer.start >= answer.end:
        raise MessageError("messages.empty-window", element=answer.element)
    return AnswerFacts(answer.element, answer.start, answer.end, answer.status, answer.count, answer.first_day)


def _aggregate(aggregate: Aggregate, permit: Allowed) -> AggregateFacts:
    if aggregate.start >= aggregate.end:
        raise MessageError("messages.empty-window", element=aggregate.element)
    with_population = aggregate.element != _ELIGIBLE and permit.whole(_ELIGIBLE)
    population = aggregate.population if with_population else None
    return AggregateFacts(aggregate.element, aggregate.start, aggregate.end, aggregate.value, population)


def is_individual(report: Mapping[str, Any]) -> bool:
    """Say whether a MeasureReport is about one patient."""
    return report.get("type") == "individual"


def _indicators(facts: CaseFacts, permit: Allowed) -> tuple[Mapping[str, Any], ...]:
    """Keep what a message may say of each indicator; reporter and patient are entries of the message itself.

    A message is about one patient or about all of them, never both: with a report of one patient there, those over all
    are left out.
    """
    one = any(map(is_individual, facts.indicators))
    if one and not facts.case_id:
        raise MessageError("messages.no-case", event="indicator-report")
    if not permit.whole("indicator.individual" if one else "indicator.figure"):
        return ()
    kept = [
        {name: report[name] for name in TOLD_OF_REPORT if name in report} | {"group": _groups(report)}
        for report in facts.indicators
        if is_individual(report) == one
    ]
    return tuple(sorted(kept, key=lambda report: json.dumps(report, sort_keys=True)))


def _groups(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Leave out the tables by group: a small cell tells of few, and a message is read by machines."""
    return [{name: value for name, value in group.items() if name != "stratifier"} for group in report["group"]]


def _consent(facts: CaseFacts) -> ConsentFacts | None:
    consent = facts.consent
    return None if consent is None else ConsentFacts(consent.purpose, consent.state, consent.day)
