"""The cases of a definition, one by one: which are counted, and whether each is confirmed, refuted or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from exchange.errors import IndicatorError
from exchange.indicators.deciding import Decided, State, by_absence, day_of, decide, left_on
from exchange.indicators.definition import Criterion, Definition, Happens, Has
from exchange.indicators.facts import Facts
from exchange.indicators.moments import Moment
from exchange.indicators.vocabulary import ENDS_OBSERVATION, NEW_EPISODE
from exchange.records.codes import Effect, NextStep
from exchange.records.instruments import Instrument
from exchange.records.model import Episode

CONFIRMED = "confirmed"
REFUTED = "refuted"
UNKNOWN = "unknown"
CENSORED = "censored"
NO_AGREEMENT = "no-agreement"
EXCLUDED = "excluded"
NOT_DUE = "not-due"
OUTSIDE = "outside"
WHERE_UNKNOWN = "where-unknown"
DUE = (CONFIRMED, REFUTED, UNKNOWN, CENSORED, NO_AGREEMENT)
NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a definition: the period, the day up to which facts are known, and what it is split by.

    `agreements` are those whose cases count as agreed with a partner who can know; `within` limits the episodes
    themselves to those with a case under one of these agreements.
    """

    definition: Definition
    start: date
    end: date
    cut_off: date
    group_by: tuple[str, ...]
    instruments: Mapping[str, Instrument]
    agreements: frozenset[str] | None = None
    within: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One criterion of one case: a catalogue rule or a criterion of the definition, and true, false or not reached."""

    rule: str
    criterion: Criterion | None
    outcome: str
    decisive: bool = False
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: its status, what settled it, and each step on the way."""

    episode_id: str
    patient_id: str
    status: str
    group: tuple[str, ...]
    evidence: int = 0
    parts: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def cases(question: Question, facts: Facts) -> Iterator[CaseResult]:
    """Yield every episode that the definition looks at in the period; `outside` are those its conditions leave out."""
    for episode in facts.episodes:
        if in_period(question, episode, facts):
            yield case(question, episode, facts)


def in_period(question: Question, episode: Episode, facts: Facts) -> bool:
    """Say whether the episode's day lies in the period."""
    day = period_day(question.definition, episode, facts)
    if question.within is not None:
        under = {one.agreement_id for one in facts.cases.get(episode.episode_id, ())}
        if not under & question.within:
            return False
    return day is not None and question.start <= day < question.end


def period_day(definition: Definition, episode: Episode, facts: Facts) -> date | None:
    """Return the day that puts an episode in a period."""
    return day_of(Moment(definition.period), episode, facts)


def period_rule(definition: Definition) -> str:
    """Return the catalogue rule that says when an episode falls in the period."""
    return "indicators.criterion.period" + (".handover" if definition.period == "handover" else "")


def admitted(question: Question, episode: Episode, facts: Facts) -> tuple[str, list[Step]]:
    """Return why an episode is not counted, or nothing, with the steps: conditions first, exclusions after."""
    definition = question.definition
    steps = [Step(period_rule(definition), None, "true")]
    for condition in definition.where:
        state = decide(condition, episode, facts, question.instruments).state
        steps.append(_step(condition, state, decisive=state is not State.TRUE))
        if state is not State.TRUE:
            return (WHERE_UNKNOWN if state is State.UNKNOWN else OUTSIDE), steps
    steps.append(Step("indicators.criterion.own-practice", None, _word(not episode.foreign), decisive=episode.foreign))
    if episode.foreign:
        return EXCLUDED, steps
    for condition in definition.exclude:
        state = decide(condition, episode, facts, question.instruments).state
        steps.append(_step(condition, state, decisive=state is State.TRUE))
        if state is State.TRUE:
            return EXCLUDED, steps
    return "", steps


def case(question: Question, episode: Episode, facts: Facts) -> CaseResult:
    """Judge one episode: what happened settles it, absence only where the patient remained in sight."""
    definition = question.definition
    group = group_of(question.group_by, episode, facts, period_day(definition, episode, facts))
    reason, steps = admitted(question, episode, facts)
    if reason:
        return CaseResult(episode.episode_id, episode.patient_id, reason, group, steps=tuple(steps))
    if not_due(question, episode, facts, steps):
        return CaseResult(episode.episode_id, episode.patient_id, NOT_DUE, group, steps=tuple(steps))
    decided = [decide(criterion, episode, facts, question.instruments) for criterion in definition.outcome]
    status, later = _settled(question, episode, facts, decided)
    refuted = _refuted_by(definition, decided) if status == REFUTED else None
    for i, (criterion, each) in enumerate(zip(definition.outcome, decided, strict=True)):
        steps.append(_step(criterion, each.state, decisive=i == refuted))
    steps += later
    known = status in (CONFIRMED, REFUTED)
    return CaseResult(
        episode.episode_id,
        episode.patient_id,
        status,
        group,
        evidence=_evidence(decided, status) if known else 0,
        parts=tuple(each.change for each in decided if each.change),
        steps=tuple(steps),
    )


def not_due(question: Question, episode: Episode, facts: Facts, steps: list[Step]) -> bool:
    """Say whether a window of an episode has not closed yet, adding the step that says so."""
    moments = [day_of(moment, episode, facts) for moment in question.definition.follow_up]
    due = all(moment is not None and moment <= question.cut_off for moment in moments)
    steps.append(Step("indicators.criterion.due", None, _word(due), decisive=not due))
    return not due


def agreed(question: Question, episode: Episode, facts: Facts) -> bool:
    """Say whether an episode has a case under an agreement with somebody who can know."""
    return any(
        question.agreements is None or one.agreement_id in question.agreements
        for one in facts.cases.get(episode.episode_id, ())
    )


def _settled(question: Question, episode: Episode, facts: Facts, decided: list[Decided]) -> tuple[str, list[Step]]:
    """Return the status of a case that is due, with the steps after its criteria."""
    definition, steps = question.definition, list[Step]()
    seen = [not by_absence(criterion, each.state) for criterion, each in zip(definition.outcome, decided, strict=True)]
    if any(each.state is State.FALSE and sure for each, sure in zip(decided, seen, strict=True)):
        return REFUTED, steps
    confirmed = all(each.state is State.TRUE for each in decided)
    if definition.asks_partner:
        gone = not (confirmed and all(seen)) and lost(definition, episode, facts)
        steps.append(Step("indicators.criterion.observed", None, _word(not gone), decisive=gone))
        if gone:
            return CENSORED, steps
    if any(each.state is State.FALSE for each in decided):
        return REFUTED, steps
    if confirmed:
        return CONFIRMED, steps
    if definition.asks_partner:
        under = agreed(question, episode, facts)
        steps.append(Step("indicators.criterion.agreement", None, _word(under), decisive=not under))
        if not under:
            return NO_AGREEMENT, steps
    return UNKNOWN, steps


def _refuted_by(definition: Definition, decided: list[Decided]) -> int:
    """Return which criterion refutes a case: one that happened before one that did not."""
    false = [i for i, each in enumerate(decided) if each.state is State.FALSE]
    return min(false, key=lambda i: (by_absence(definition.outcome[i], decided[i].state), i))


def lost(definition: Definition, episode: Episode, facts: Facts) -> bool:
    """Say whether the patient died, moved or left the list before every window had closed."""
    left = [day for day in (left_on(episode, facts), _ended_sight(episode)) if day is not None]
    ends = [
        day_of(each.window.end, episode, facts)
        for each in definition.outcome
        if isinstance(each, Happens) and each.event != NEW_EPISODE
    ]
    if definition.paired and definition.after is not None:
        ends.append(day_of(definition.after.end, episode, facts))
    return any(end is not None and min(left) < end for end in ends if left)


def _ended_sight(episode: Episode) -> date | None:
    """Return the day on which a patient died or moved; the earliest day if the treatment has no end."""
    return (episode.end or date.min) if episode.end_reason.value in ENDS_OBSERVATION else None


def _evidence(decided: list[Decided], status: str) -> int:
    """Return the weakest evidence that the result rests on: of a refutation only what refutes it."""
    wanted = State.FALSE if status == REFUTED else State.TRUE
    ranks = [each.evidence for each in decided if each.state is wanted]
    return min(ranks) if status == REFUTED else max(ranks, default=0)


def group_of(names: tuple[str, ...], episode: Episode, facts: Facts, day: date | None) -> tuple[str, ...]:
    """Return the values of a split; each absent value is a named one."""
    return tuple(_group_value(name, episode, facts, day) for name in names)


def _group_value(name: str, episode: Episode, facts: Facts, day: date | None) -> str:
    patient = facts.patients.get(episode.patient_id)
    values = {
        "location": episode.location,
        "diagnosis": episode.diagnosis,
        "therapist": episode.therapist,
        "access": str(episode.access.value),
        "sex": "unknown" if patient is None else str(patient.sex.value),
        "chronic": {True: "yes", False: "no", None: "unknown"}[episode.chronic],
        "month": "" if day is None else day.isoformat()[:7],
        "year": "" if day is None else day.isoformat()[:4],
    }
    if name not in values:
        raise IndicatorError("indicators.group-unknown", group=name)
    return values[name]


@dataclass(frozen=True, slots=True)
class DueEvaluation:
    """One evaluation that a session made due, and what was recorded of it."""

    episode: Episode
    number: int
    day: date
    due: bool
    excluded: bool
    done: bool
    parts: tuple[str, ...]


def evaluations(question: Question, facts: Facts) -> Iterator[DueEvaluation]:
    """Yield every evaluation that fell due in the period: when the session with its number took place."""
    for episode in facts.episodes:
        sessions = facts.sessions.get(episode.episode_id, ())
        for number in question.definition.moments:
            if number > len(sessions):
                continue
            day = sessions[number - 1].day
            if question.start <= day < question.end:
                yield _evaluation(question, facts, episode, number, day)


def _evaluation(question: Question, facts: Facts, episode: Episode, number: int, day: date) -> DueEvaluation:
    recorded = facts.evaluations.get(episode.episode_id, ())
    first = next((each for each in recorded if each.session_number == number), None)
    due = day <= question.cut_off and not episode.foreign
    parts: list[str] = []
    if due and first is not None and first.effect in (Effect.INSUFFICIENT, Effect.NONE):
        parts.append("without-effect")
        if first.decision is NextStep.STOP:
            parts.append("stopped")
            if first.told_referrer_on is not None:
                parts.append("stopped-and-told")
    return DueEvaluation(episode, number, day, due, episode.foreign, first is not None, tuple(parts))


def _step(criterion: Has | Criterion, state: State, *, decisive: bool) -> Step:
    return Step("", criterion, state.name.lower(), decisive)


def _word(known: bool) -> str:
    return "true" if known else "false"
