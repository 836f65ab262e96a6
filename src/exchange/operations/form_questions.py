"""What a form asks: a partner about its cases, a client about the very windows of the indicators, and totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.findings import say
from exchange.operations.gathering import Courses, Terms
from exchange.records.codes import Answered, ConsentState
from exchange.records.model import Answer, Case, Episode

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.agreements.form import Asked
    from exchange.indicators.definition import Definition
    from exchange.indicators.moments import Window

RETURN, TOTALS = "partner-return", "partner-aggregates"
# Nobody remembers well what was longer ago; the questions come at 3, 6 and 12 months.
_REMEMBERED = timedelta(days=120)


def about_cases(terms: Terms, spans: Mapping[str, tuple[date | None, date | None]]) -> tuple[Asked, ...]:
    """Return every question about every case: one per element, from the first day until today or the longest window.

    `spans` are first and last day of each case by koppelcode.
    """
    from exchange.agreements.form import Asked
    from exchange.indicators.moments import add_days, add_months

    wanted = [one for one in sorted(terms.flow_elements(RETURN, "partner")) if one.startswith("answer.")]
    window, today = terms.frozen.window, terms.workspace.on
    found = []
    for code, (start, end) in sorted(spans.items()):
        if start is None or start >= today:
            continue
        last = today if end is None else min(today, add_days(add_months(end, window.months), window.days + 1))
        found += [Asked(element, start, max(last, add_days(start, 1)), code) for element in wanted]
    return tuple(found)


def totals(terms: Terms) -> tuple[Asked, ...]:
    """Return the totals that were agreed, over each period that is behind us; AgreementError where there is none."""
    from exchange.agreements import signing
    from exchange.agreements.form import Asked

    allowed = terms.flow_elements(TOTALS, "partner") | terms.flow_elements(RETURN, "partner")
    start, today = terms.frozen.agreement.term.start, terms.workspace.on
    found: dict[Asked, None] = {}
    for definition in signing.definitions_of(terms.frozen).values():
        for window in (definition.before, definition.after):
            if window is None or not definition.events.startswith("aggregate.") or definition.events not in allowed:
                continue
            first, last = window.start.on(start), window.end.on(start)
            if last <= today:
                found[Asked(definition.events, first, last)] = None
    if not found:
        raise AgreementError("forms.no-totals", hints=("hint.forms-no-totals",), id=terms.stored.agreement_id)
    return tuple(found)


def client_courses(terms: Terms, clients: Party) -> tuple[Episode, ...]:
    """Return the treatments of clients who agreed to be asked, by start and id."""
    purpose = terms.purpose(RETURN, "partner")
    first = terms.frozen.agreement.term.covers_from

    def agreed(episode: Episode) -> bool:
        said = terms.consent(episode.patient_id, clients.party, purpose)
        return said is not None and said.state is ConsentState.GIVEN

    episodes = (one.episode for one in Courses(terms.workspace.store.dataset()).by_episode.values())
    chosen = [one for one in episodes if not one.foreign and one.start >= first and agreed(one)]
    return tuple(sorted(chosen, key=lambda one: (one.start, one.episode_id)))


def of_client(terms: Terms, episode: Episode, case: Case | None) -> tuple[Asked, ...]:
    """Return what a client is asked now: each window of an indicator that closed lately and was not answered yet."""
    from exchange.agreements import signing
    from exchange.agreements.form import Asked

    today, first = terms.workspace.on, terms.frozen.agreement.term.covers_from
    allowed = terms.flow_elements(RETURN, "partner")
    answered = terms.workspace.store.answers.of_cases([case.case_id]) if case is not None else ()
    found: dict[Asked, None] = {}
    for definition in signing.definitions_of(terms.frozen).values():
        for element, window in _windows(definition):
            days = _days(window, episode)
            if element not in allowed or days is None:
                continue
            start, end = max(days[0], first), days[1]
            if start < end and end <= today < end + _REMEMBERED and not _told(answered, element, start, end):
                found[Asked(element, start, end, case.code if case is not None else "")] = None
    return tuple(sorted(found, key=lambda one: (one.end, one.start, one.element)))


def in_words(asked: Asked, language: str, *, client: bool) -> str:
    """Return a question as a client is asked it; empty where the agreement's own words are fit."""
    return say(f"agreements.asked.{asked.element.removeprefix('answer.')}", {}, language) if client else ""


def _windows(definition: Definition) -> Iterator[tuple[str, Window]]:
    """Yield each element that somebody answers for, with the window in which the definition looks at it."""
    from exchange.indicators.definition import Happens

    for criterion in (*definition.where, *definition.outcome):
        if isinstance(criterion, Happens) and criterion.event != "new-episode":
            yield f"answer.{criterion.event}", criterion.window
    if definition.events.startswith("answer."):
        for window in (definition.before, definition.after):
            if window is not None:
                yield definition.events, window


def _days(window: Window, episode: Episode) -> tuple[date, date] | None:
    """Return the days of a window for a treatment; nothing where it has not ended, or hangs on a handover."""
    anchors = {"start": episode.start, "end": episode.end}
    found = [(moment, anchors.get(moment.anchor)) for moment in (window.start, window.end)]
    days = [moment.on(anchor) for moment, anchor in found if anchor is not None]
    return (days[0], days[1]) if len(days) == 2 else None


def _told(answers: tuple[Answer, ...], element: str, start: date, end: date) -> bool:
    return any(
        one.element == element and one.start <= start and one.end >= end and one.status is not Answered.UNKNOWN
        for one in answers
    )
