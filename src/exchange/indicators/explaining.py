"""Why one episode counts as it does under a definition: each criterion true, false, unknown or not reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from exchange.errors import IndicatorError
from exchange.indicators.cohort import (
    EXCLUDED,
    NOT_DUE,
    NOT_REACHED,
    OUTSIDE,
    CaseResult,
    Question,
    Step,
    admitted,
    case,
    evaluations,
    in_period,
    period_rule,
)
from exchange.indicators.definition import Definition
from exchange.indicators.facts import Facts, facts_of
from exchange.indicators.oracle import expected_sessions, patient_numbers
from exchange.indicators.pairing import EVENTS_AFTER, EVENTS_BEFORE, SCORE_AFTER, SCORE_BEFORE, pair
from exchange.indicators.reference import ReferenceTable
from exchange.indicators.returning import returns
from exchange.indicators.vocabulary import SESSIONS_TO_PARTNER
from exchange.records.instruments import Instrument
from exchange.records.model import Dataset, Episode

COUNTED = "counted"
_OWN = "indicators.criterion.own-practice"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one episode counts as it does: each criterion true, false, unknown or not reached. Never exported."""

    indicator: str
    version: int
    episode_id: str
    status: str
    steps: tuple[Step, ...]


def explain(
    definition: Definition,
    dataset: Dataset,
    episode_id: str,
    *,
    start: date,
    end: date,
    cut_off: date,
    instruments: Mapping[str, Instrument],
    agreements: frozenset[str] | None = None,
    reference: ReferenceTable | None = None,
) -> Explanation:
    """Return every criterion of one episode in the order in which it is judged; what comes after the decisive one
    was not reached. Raises an IndicatorError for partners' totals, which hold no episodes, and an unknown episode.
    """
    if definition.count == "aggregates":
        raise IndicatorError("indicators.nothing-per-episode", id=definition.id)
    question = Question(definition, start, end, cut_off, (), instruments, agreements)
    facts = facts_of(dataset)
    episode = next((each for each in facts.episodes if each.episode_id == episode_id), None)
    if episode is None:
        raise IndicatorError("indicators.episode-unknown")
    if definition.count in ("patients", "moments", "returns"):
        status, steps = _apart(question, episode, facts)
    elif not in_period(question, episode, facts):
        status, steps = OUTSIDE, [Step(period_rule(definition), None, "false", decisive=True)]
    elif definition.paired:
        paired = pair(question, episode, facts)
        status, steps = paired.status, list(paired.steps)
    elif definition.outcome:
        judged: CaseResult = case(question, episode, facts)
        status, steps = judged.status, list(judged.steps)
    else:
        status, steps = _sessions(question, episode, facts, reference)
    return Explanation(definition.id, definition.version, episode_id, status, _all_steps(definition, steps))


def _apart(question: Question, episode: Episode, facts: Facts) -> tuple[str, list[Step]]:
    """Return the steps of what counts something else than episodes: it falls in the period, and is this practice's."""
    if question.definition.count == "moments":
        steps = _moments(question, episode, facts)
    elif question.definition.count == "returns":
        steps = _returns(question, episode, facts)
    else:
        steps = _number(question, episode, facts)
    if not steps:
        return OUTSIDE, [Step(_fell_due(question.definition), None, "false", decisive=True)]
    own = Step(_OWN, None, _word(not episode.foreign), decisive=episode.foreign)
    return (EXCLUDED if episode.foreign else COUNTED), [Step(_fell_due(question.definition), None, "true"), own, *steps]


def _fell_due(definition: Definition) -> str:
    name = definition.measure if definition.count == "patients" else definition.count
    return f"indicators.criterion.in-period.{name}"


def _moments(question: Question, episode: Episode, facts: Facts) -> list[Step]:
    found = (one for one in evaluations(question, facts) if one.episode.episode_id == episode.episode_id)
    return [
        Step("indicators.criterion.evaluated", None, _word(one.done) if one.due else NOT_DUE, params={"n": one.number})
        for one in found
    ]


def _returns(question: Question, episode: Episode, facts: Facts) -> list[Step]:
    found = (one for one in returns(question, facts) if one.episode.episode_id == episode.episode_id)
    return [
        Step("indicators.criterion.returned", None, _word(one.on_time) if one.due else NOT_DUE, params={"day": one.day})
        for one in found
    ]


def _number(question: Question, episode: Episode, facts: Facts) -> list[Step]:
    """Return the number that this patient brings to a mean, where this episode is what it comes from."""
    if question.definition.measure == SESSIONS_TO_PARTNER:
        handover = facts.handovers.get(episode.episode_id)
        days = [] if handover is None else [handover.day]
    else:
        days = [one.day for one in facts.sessions.get(episode.episode_id, ())]
    if not any(question.start <= day < question.end for day in days):
        return []
    number = patient_numbers(question, facts).numbers.get((), {}).get(episode.patient_id, 0)
    return [Step("indicators.criterion.number", None, "true", params={"n": number})]


def _sessions(
    question: Question, episode: Episode, facts: Facts, reference: ReferenceTable | None
) -> tuple[str, list[Step]]:
    """Return the steps of sessions against an expected or an agreed number."""
    reason, steps = admitted(question, episode, facts)
    if reason:
        return reason, steps
    held = bool(facts.sessions.get(episode.episode_id))
    steps.append(Step("indicators.criterion.sessions", None, _word(held), decisive=not held))
    if held and question.definition.reference:
        row = None if reference is None else expected_sessions(episode, facts, reference)
        told = "unknown" if reference is None else _word(row is not None)
        steps.append(Step("indicators.criterion.reference", None, told, decisive=told == "false"))
    return (EXCLUDED if any(one.decisive for one in steps) else COUNTED), steps


def _all_steps(definition: Definition, judged: list[Step]) -> tuple[Step, ...]:
    """Add the criteria that were not reached."""
    decisive = next((i for i, step in enumerate(judged) if step.decisive), len(judged))
    reached = judged[: decisive + 1]
    return (*reached, *_order(definition)[len(reached) :])


def _order(definition: Definition) -> list[Step]:
    """Return every criterion in the order in which it is judged, as not reached."""
    if definition.count in ("patients", "moments", "returns"):
        return [Step(rule, None, NOT_REACHED) for rule in (_fell_due(definition), _OWN)]
    order: list[Step] = [Step(period_rule(definition), None, NOT_REACHED)]
    order += [Step("", each, NOT_REACHED) for each in definition.where]
    order.append(Step(_OWN, None, NOT_REACHED))
    order += [Step("", each, NOT_REACHED) for each in definition.exclude]
    rules: tuple[str, ...] = ()
    if definition.outcome or definition.paired:
        order.append(Step("indicators.criterion.due", None, NOT_REACHED))
        order += [Step("", each, NOT_REACHED) for each in definition.outcome]
        if definition.paired:
            rules = (SCORE_BEFORE, SCORE_AFTER) if definition.instrument else (EVENTS_BEFORE, EVENTS_AFTER)
        if definition.asks_partner:
            rules += ("indicators.criterion.observed", "indicators.criterion.agreement")
    else:
        rules = ("indicators.criterion.sessions",)
        rules += ("indicators.criterion.reference",) if definition.reference else ()
    return order + [Step(rule, None, NOT_REACHED) for rule in rules]


def _word(known: bool) -> str:
    return "true" if known else "false"
