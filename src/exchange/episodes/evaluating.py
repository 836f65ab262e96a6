"""Which evaluation moments of an episode are due: at session 4, 8 and 12 and after, and which were done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from exchange.episodes.services import TREATMENTS
from exchange.records.model import Evaluation, Session


@dataclass(frozen=True, slots=True)
class Moment:
    """An evaluation moment whose session was reached, and whether an evaluation was recorded for it."""

    session_number: int
    day_reached: date
    done: bool


def due(
    sessions_of_episode: Iterable[Session],
    evaluations: Iterable[Evaluation],
    *,
    moments: tuple[int, ...] = (4, 8, 12),
    every: int | None = None,
) -> tuple[Moment, ...]:
    """Return the moments reached; after the last of `moments` one follows `every` so many sessions."""
    days = treatment_days(sessions_of_episode)
    done = {evaluation.session_number for evaluation in evaluations}
    return tuple(Moment(number, days[number - 1], number in done) for number in _numbers(len(days), moments, every))


def next_moment(sessions_held: int, *, moments: tuple[int, ...] = (4, 8, 12), every: int | None = None) -> int | None:
    """Return the session number at which the next moment falls, or nothing where none is left."""
    limit = max((*moments, sessions_held)) + (every or 0)
    return next((number for number in _numbers(limit, moments, every) if number > sessions_held), None)


def next_session_number(sessions_of_episode: Iterable[Session]) -> int:
    """Return the number the next treatment session will have."""
    return len(treatment_days(sessions_of_episode)) + 1


def treatment_days(sessions_of_episode: Iterable[Session]) -> tuple[date, ...]:
    """Return the days of the treatment sessions in order: screenings and surcharges don't count."""
    return tuple(sorted(session.day for session in sessions_of_episode if session.type in TREATMENTS))


def _numbers(held: int, moments: tuple[int, ...], every: int | None) -> tuple[int, ...]:
    reached = {number for number in moments if 0 < number <= held}
    if every is not None and every > 0:
        reached |= set(range(max(moments, default=0) + every, held + 1, every))
    return tuple(sorted(reached))
