"""The answers that were due: of every case that was opened, whether an answer came by the day that was agreed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from exchange.indicators.cohort import Question
from exchange.indicators.deciding import day_of
from exchange.indicators.facts import Facts
from exchange.indicators.moments import add_days
from exchange.indicators.vocabulary import LEFT_LIST
from exchange.records.codes import Answered
from exchange.records.model import Answer, Case, Episode

LATE = "late"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class DueReturn:
    """One answer that was due; `late` and `missing` say why it is not on time."""

    episode: Episode
    case_id: str
    day: date
    due: bool
    on_time: bool
    parts: tuple[str, ...]


def returns(question: Question, facts: Facts) -> Iterator[DueReturn]:
    """Yield every answer that fell due in the period, one per case."""
    for episode in facts.episodes:
        for case in sorted(facts.cases.get(episode.episode_id, ()), key=lambda case: case.case_id):
            day = due_on(question, case, episode, facts)
            if day is not None and question.start <= day < question.end and _asked(question, case):
                yield _returned(question, case, episode, facts, day)


def _asked(question: Question, case: Case) -> bool:
    wanted = (question.agreements, question.within)
    return all(agreements is None or case.agreement_id in agreements for agreements in wanted)


def due_on(question: Question, case: Case, episode: Episode, facts: Facts) -> date | None:
    """Return the last day on which an answer is in time; nothing where the treatment has not ended."""
    terms = question.definition.returns
    until = None if terms is None else day_of(terms.until, episode, facts)
    return None if terms is None or until is None else add_days(max(until, case.opened_on), terms.within)


def _returned(question: Question, case: Case, episode: Episode, facts: Facts, day: date) -> DueReturn:
    terms = question.definition.returns
    until = None if terms is None else day_of(terms.until, episode, facts)
    received = [
        answer.received_on
        for answer in facts.answers.get(episode.episode_id, ())
        if answer.case_id == case.case_id and until is not None and _reaches(answer, until)
        if answer.received_on is not None and answer.received_on <= question.cut_off
    ]
    first = min(received, default=None)
    due = day <= question.cut_off and not episode.foreign
    on_time = due and first is not None and first <= day
    parts = () if on_time or not due else (MISSING,) if first is None else (LATE,)
    return DueReturn(episode, case.case_id, day, due, on_time, parts)


def _reaches(answer: Answer, until: date) -> bool:
    """Say whether an answer speaks of all that was asked; that somebody left the list is an answer as well."""
    return answer.end >= until or (answer.element == LEFT_LIST and answer.status is Answered.YES)
