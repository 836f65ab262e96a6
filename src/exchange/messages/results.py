"""The resources that say what came of a treatment, each made from what is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.messages.codes import (
    EVENTS,
    FOREIGN_EXTENSIONS,
    SYSTEMS,
    measure,
    questionnaire,
)
from exchange.messages.drafting import (
    Draft,
    Resource,
    concept,
    day,
    extension,
    last_day,
    number,
    party_identifier,
    present,
)
from exchange.messages.facts import (
    AggregateFacts,
    AnswerFacts,
    EpisodeFacts,
    EvaluationFacts,
    MeasurementFacts,
    Message,
    SessionFacts,
    Told,
)
from exchange.messages.resources import Links, Output
from exchange.records.instruments import instruments

PAIN = "nprs"
"""The one instrument whose score nl-core has a profile for; that profile takes whole numbers only."""
_PAIN_CODE = "225908003"  # SNOMED CT, as nl-core-PainScore fixes it
_PAIN_METHOD = "NRS"
_EXERCISE_THERAPY = "229065009"  # SNOMED CT
SCORE = "score"
"""The linkId of the one item that a QuestionnaireResponse of ours answers: no record keeps answers to the others."""


def results(draft: Draft, message: Message, links: Links) -> Output:
    """Add what the message tells of the treatment; return what Task.output points to."""
    told = message.told
    completed = EVENTS[message.event].states[told.business_status] == "completed"
    ended = completed or told.episode.end is not None or told.episode.end_weeks is not None
    course = _Course(draft, links, message.event != "case-opening", ended)
    made = course.add(told.episode)
    made += [("session", _encounter(draft, x, course)) for x in told.sessions]
    if told.session_count is not None:
        made.append(("observation", _session_count(draft, told.session_count, course.subject)))
    made += [("observation", _measurement(draft, x, course)) for x in told.measurements]
    made += [("observation", _evaluation(draft, x, course.subject)) for x in told.evaluations]
    made += [("observation", _answer(draft, x, course.subject)) for x in told.answers]
    return made + reports(draft, told, links)


def reports(draft: Draft, told: Told, links: Links) -> Output:
    """Add the counts and the figures."""
    made = [("measure-report", _measure_report(draft, count, links.sender)) for count in told.aggregates]
    return made + [("measure-report", _indicator(draft, report, links)) for report in told.indicators]


class _Course:
    """The treatment: its EpisodeOfCare with the entries around it, which its sessions and scores point to."""

    def __init__(self, draft: Draft, links: Links, given: bool, ended: bool) -> None:
        """Take where it goes, and whether treatment was given and is over."""
        self._draft = draft
        self._links = links
        self._given = given
        self._ended = ended
        self.subject: Resource = links.patient or {}
        self.episode: Resource | None = None

    def add(self, told: EpisodeFacts) -> Output:
        """Add what is told of it.

        Each status says only what the kind of message says already, so that it adds nothing to what was agreed.
        """
        condition = self._condition(told)
        self.episode = self._episode(told, condition)
        made: Output = [] if self.episode is None else [("episode", self.episode)]
        if told.instrument is not None:
            made.append(("goal", self._goal(told.instrument, condition)))
        if self._given and (told.start is not None or told.end is not None):
            made.append(("procedure", self._procedure(told, condition)))
        return made

    def _condition(self, told: EpisodeFacts) -> Resource | None:
        if not (told.diagnosis or told.location):
            return None
        return self._draft.add(
            "Condition",
            {
                "code": concept("dcsph", told.diagnosis) if told.diagnosis else None,
                "bodySite": [concept("dcsph-location", told.location)] if told.location else None,
                "subject": self.subject,
            },
        )

    def _episode(self, told: EpisodeFacts, condition: Resource | None) -> Resource | None:
        extensions = [
            *extension("access", "Code", told.access),
            *extension("end-reason", "Code", told.end_reason),
            *extension("onward-advice", "Code", told.onward_advice),
            *extension("chronic", "Boolean", told.chronic),
            *extension("end-weeks-since-start", "Integer", told.end_weeks),
        ]
        period, therapist = _period(told), self._therapist(told)
        if not (period or extensions or condition or therapist):
            return None
        return self._draft.add(
            "EpisodeOfCare",
            {
                "extension": extensions,
                "status": "finished" if self._ended else "active",
                "diagnosis": [{"condition": condition}] if condition else None,
                "patient": self.subject,
                "period": period,
                "referralRequest": [self._links.request] if self._links.request else None,
                "careManager": therapist,
            },
        )

    def _therapist(self, told: EpisodeFacts) -> Resource | None:
        """Add the role in which somebody treats; who they are is the AGB code alone."""
        if told.therapist is None:
            return None
        who = {"identifier": party_identifier(f"agb:{told.therapist}")}
        return self._draft.add("PractitionerRole", {"practitioner": who, "organization": self._links.sender})

    def _goal(self, instrument: str, condition: Resource | None) -> Resource:
        return self._draft.add(
            "Goal",
            {
                "lifecycleStatus": "completed" if self._ended else "active",
                "description": concept("goal", "improvement"),
                "subject": self.subject,
                "target": [{"measure": {"coding": _instrument(instrument)}}],
                "addresses": [condition] if condition else None,
            },
        )

    def _procedure(self, told: EpisodeFacts, condition: Resource | None) -> Resource:
        """Add the treatment as what was done about the referral: in the closed loop that is a Procedure."""
        return self._draft.add(
            "Procedure",
            {
                "basedOn": [self._links.request] if self._links.request else None,
                "status": "completed" if self._ended else "in-progress",
                "code": concept("sct", _EXERCISE_THERAPY),
                "subject": self.subject,
                "performedPeriod": _period(told),
                "performer": [{"actor": self._links.sender}],
                "reasonReference": [condition] if condition else None,
            },
        )


def _period(told: EpisodeFacts) -> Resource:
    return {name: day(value) for name, value in (("start", told.start), ("end", told.end)) if value is not None}


def _instrument(instrument: str) -> list[Resource]:
    """Return our code for an instrument, with LOINC beside it only where the code list confirms it."""
    coding = [{"system": SYSTEMS["instrument"], "code": instrument}]
    known = instruments().get(instrument)
    if known is not None and known.loinc:
        coding.append({"system": SYSTEMS["loinc"], "code": known.loinc})
    return coding


def _encounter(draft: Draft, told: SessionFacts, course: _Course) -> Resource:
    """Add one session."""
    return draft.add(
        "Encounter",
        {
            "extension": extension("weeks-since-start", "Integer", told.weeks),
            "status": "finished",
            "class": {"system": SYSTEMS["act-code"], "code": "AMB"},
            "type": [concept("session-type", told.type)] if told.type else None,
            "subject": course.subject,
            "episodeOfCare": [course.episode] if course.episode else None,
            "period": {"start": day(told.day)} if told.day else None,
        },
    )


def _observation(draft: Draft, code: str, subject: Resource, content: dict[str, Any]) -> Resource:
    fixed = {"status": "final", "code": concept("observation", code), "subject": subject}
    return draft.add("Observation", {**fixed, **content})


def _session_count(draft: Draft, count: int, subject: Resource) -> Resource:
    """Add the number of sessions."""
    return _observation(draft, "session.count", subject, {"valueInteger": count})


def _measurement(draft: Draft, told: MeasurementFacts, course: _Course) -> Resource:
    """Add one score, and the response it is derived from where a client filled in the instrument.

    A day that may not be told is there as masked: a score without any day would be of any time.
    """
    pain = told.instrument == PAIN and told.value is not None and told.value == told.value.to_integral_value()
    response = _prom(draft, told, course.subject)
    return _observation(
        draft,
        "measurement",
        course.subject,
        {
            "extension": [*extension("weeks-since-start", "Integer", told.weeks), *_of_episode(course)],
            "category": [concept("observation-category", "survey")],
            "code": {"coding": _scored(told, pain=pain)},
            "effectiveDateTime": day(told.day),
            "_effectiveDateTime": None if told.day else {"extension": [_ABSENT]},
            **_value(told, pain=pain),
            "method": concept("pain-method", _PAIN_METHOD) if pain else None,
            "derivedFrom": [response] if response else None,
        },
    )


_ABSENT = {"url": FOREIGN_EXTENSIONS["absent"], "valueCode": "masked"}


def _of_episode(course: _Course) -> list[Resource]:
    if course.episode is None:
        return []
    return [{"url": FOREIGN_EXTENSIONS["workflow-episode"], "valueReference": course.episode}]


def _scored(told: MeasurementFacts, *, pain: bool) -> list[Resource]:
    coding = [{"system": SYSTEMS["observation"], "code": "measurement"}]
    coding += _instrument(told.instrument) if told.instrument else []
    return coding + ([{"system": SYSTEMS["sct"], "code": _PAIN_CODE}] if pain else [])


def _value(told: MeasurementFacts, *, pain: bool) -> Resource:
    if told.value is None:
        return {}
    if pain:
        return {"valueInteger": int(told.value)}
    unit = {"unit": "score", "system": SYSTEMS["ucum"], "code": "{score}"}
    return {"valueQuantity": {"value": number(told.value), **unit}}


def _prom(draft: Draft, told: MeasurementFacts, subject: Resource) -> Resource | None:
    """Add the response to an instrument that clients fill in; its questions are not ours, so only a total."""
    known = instruments().get(told.instrument or "")
    if known is None or told.value is None or known.reported_by != "client":
        return None
    return draft.add(
        "QuestionnaireResponse",
        {
            "questionnaire": questionnaire(known.id),
            "status": "completed",
            "subject": subject,
            "authored": day(told.day),
            "item": [{"linkId": SCORE, "answer": [{"valueDecimal": number(told.value)}]}],
        },
    )


def _evaluation(draft: Draft, told: EvaluationFacts, subject: Resource) -> Resource:
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


def _answer(draft: Draft, told: AnswerFacts, subject: Resource) -> Resource:
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


def _measure_report(draft: Draft, told: AggregateFacts, reporter: Resource) -> Resource:
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


def _indicator(draft: Draft, told: Mapping[str, Any], links: Links) -> Resource:
    """Add the figure of one indicator, over all patients or for the one the message is about."""
    individual = told.get("type") == "individual"
    return draft.add(
        "MeasureReport",
        present(
            {
                **({"extension": told["extension"]} if "extension" in told else {}),
                "status": "complete",
                "type": told["type"],
                "measure": told["measure"],
                "subject": links.patient if individual else None,
                "date": told["date"],
                "reporter": links.sender,
                "period": told["period"],
                "improvementNotation": told.get("improvementNotation"),
                "group": told["group"],
            }
        ),
    )
