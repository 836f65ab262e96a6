"""Each episode compared with itself: events before and after, or the change of a score between two windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    NO_AGREEMENT,
    NOT_DUE,
    OUTSIDE,
    UNKNOWN,
    Question,
    Step,
    admitted,
    agreed,
    group_of,
    in_period,
    lost,
    not_due,
    period_day,
)
from exchange.indicators.deciding import RANK, day_of
from exchange.indicators.facts import Facts
from exchange.indicators.moments import Window, days_between
from exchange.indicators.vocabulary import LASTING
from exchange.records.codes import Answered
from exchange.records.model import Answer, Episode, Measurement

EVENTS_BEFORE = "indicators.criterion.events-before"
EVENTS_AFTER = "indicators.criterion.events-after"
SCORE_BEFORE = "indicators.criterion.score-before"
SCORE_AFTER = "indicators.criterion.score-after"


@dataclass(frozen=True, slots=True)
class Pair:
    """One episode: its status and, where it is confirmed, its numbers.

    `numbers` are events after (a) and before (b) with the days they were counted over (u, v), or the `gain` of a score
    in the good direction, in the instrument's own whole numbers.
    """

    episode_id: str
    patient_id: str
    status: str
    group: tuple[str, ...]
    evidence: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def pairs(question: Question, facts: Facts) -> Iterator[Pair]:
    """Yield every episode that the definition looks at in the period."""
    for episode in facts.episodes:
        if in_period(question, episode, facts):
            found = pair(question, episode, facts)
            if found.status != OUTSIDE:
                yield found


def pair(question: Question, episode: Episode, facts: Facts) -> Pair:
    """Judge one episode: both sides must be known, and the patient in sight until the second is over."""
    definition = question.definition
    group = group_of(question.group_by, episode, facts, period_day(definition, episode, facts))
    reason, steps = admitted(question, episode, facts)
    if not reason and not_due(question, episode, facts, steps):
        reason = NOT_DUE
    if reason:
        return Pair(episode.episode_id, episode.patient_id, reason, group, steps=tuple(steps))
    judge = _changed if definition.instrument else _counted
    status, evidence, numbers = judge(question, episode, facts, steps)
    return Pair(episode.episode_id, episode.patient_id, status, group, evidence, numbers, tuple(steps))


def _windows(question: Question) -> tuple[Window, Window]:
    before, after = question.definition.before, question.definition.after
    if before is None or after is None:
        raise AssertionError(question.definition.id)  # the schema asks for both
    return before, after


def _counted(
    question: Question, episode: Episode, facts: Facts, steps: list[Step]
) -> tuple[str, int, dict[str, int]]:  # fmt: skip
    definition = question.definition
    numbers: dict[str, int] = {}
    ranks = []
    known = True
    for window, rule, count, days in zip(_windows(question), (EVENTS_BEFORE, EVENTS_AFTER), "ba", "vu", strict=True):
        start, end = day_of(window.start, episode, facts), day_of(window.end, episode, facts)
        found = None if start is None or end is None else _events(definition.events, episode, facts, start, end)
        steps.append(Step(rule, None, "unknown" if found is None else "true"))
        if found is None or start is None or end is None:
            known = False
            continue
        rank, numbers[count] = found
        numbers[days] = days_between(start, end)
        ranks.append(rank)
    gone = lost(definition, episode, facts)
    steps.append(Step("indicators.criterion.observed", None, "false" if gone else "true", decisive=gone))
    if gone:
        return CENSORED, 0, {}
    if known:
        return CONFIRMED, max(ranks), numbers
    under = agreed(question, episode, facts)
    steps.append(Step("indicators.criterion.agreement", None, "true" if under else "false", decisive=not under))
    return (UNKNOWN if under else NO_AGREEMENT), 0, {}


def _events(element: str, episode: Episode, facts: Facts, start: date, end: date) -> tuple[int, int] | None:
    """Return the rank of the evidence and the number of events; at equal evidence the higher number."""
    lasting = element.removeprefix("answer.") in LASTING
    found = [
        (RANK[answer.evidence], -number)
        for answer in facts.answers.get(episode.episode_id, ())
        if answer.element == element
        for number in _number(answer, start, end, lasting=lasting)
    ]
    if not found:
        return None
    rank, negative = min(found)
    return rank, -negative


def _number(answer: Answer, start: date, end: date, *, lasting: bool) -> Iterator[int]:
    """Yield how many events an answer says there were in exactly this window; nothing where it leaves that open."""
    covers = answer.start <= start and answer.end >= end
    if answer.status is Answered.NO:
        if covers:
            yield 0
    elif answer.status is Answered.YES and answer.count is not None and answer.count > 0:
        first = answer.first_day
        if (answer.start, answer.end) == (start, end):
            yield answer.count
        elif covers and first is not None and first >= end:
            yield 0  # the first of them comes after the window
        elif covers and first is not None and answer.count == 1 and not lasting:
            yield 1 if first >= start else 0


def _changed(
    question: Question, episode: Episode, facts: Facts, steps: list[Step]
) -> tuple[str, int, dict[str, int]]:  # fmt: skip
    definition = question.definition
    scores = [
        each for each in facts.measurements.get(episode.episode_id, ()) if each.instrument == definition.instrument
    ]
    before, after = _windows(question)
    first, last = _within(scores, before, episode, facts), _within(scores[::-1], after, episode, facts)
    if first is not None and last is not None and last.day <= first.day:
        last = None
    for rule, each in ((SCORE_BEFORE, first), (SCORE_AFTER, last)):
        steps.append(Step(rule, None, "false" if each is None else "true", decisive=each is None))
    if first is None or last is None:
        return UNKNOWN, 0, {}
    higher = question.instruments[definition.instrument].better == "higher"
    return CONFIRMED, 0, {"gain": last.score - first.score if higher else first.score - last.score}


def _within(scores: list[Measurement], window: Window, episode: Episode, facts: Facts) -> Measurement | None:
    start, end = day_of(window.start, episode, facts), day_of(window.end, episode, facts)
    if start is None or end is None:
        return None
    return next((each for each in scores if start <= each.day < end), None)
